/* Fuzz target of sweeps' designs. Up to the first NUL byte: the values of an --axis; up to the second: a --where; the
 * rest: a file with a section 'sweep:'. What is accepted must print as a design that reads and prints the same again,
 * with the same points; what is refused must have been reported. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "campaign/design.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_POINTS = 200 };

static void must(int condition)
{
    if (!condition)
        abort();
}

/* The piece up to the next NUL or the end, as text. */
static char *piece(const uint8_t **data, size_t *size, struct arena *arena)
{
    size_t n = strnlen((const char *)*data, *size);
    char *text = arena_printf(arena, "%.*s", (int)n, (const char *)*data);
    *data += n + (n < *size);
    *size -= n + (n < *size);
    return text;
}

static void expand(const struct design *d, struct design_points *points)
{
    struct diag *diag = diag_new();
    if (design_expand(d, MAX_POINTS, points, diag))
        must(diag_failed(diag));
    diag_free(diag);
}

static void read_again(const struct design *d, struct arena *arena)
{
    struct diag *diag = diag_new();
    struct design again;
    struct design_points points, same;
    int n, m;
    char *text = design_text(d);
    must(design_parse(text, "again", NULL, arena, &again, diag) == 0);
    char *copy = design_text(&again);
    must(strcmp(text, copy) == 0);
    expand(d, &points);
    expand(&again, &same);
    must(points.n == same.n);
    for (uint32_t i = 0; i < points.n; i++) {
        const char **a = design_overrides(d, &points, i, arena, &n),
                   **b = design_overrides(&again, &same, i, arena, &m);
        must(n == m);
        for (int k = (int)d->n_set; k < n; k++)
            must(strcmp(a[k], b[k]) == 0);
    }
    free(text);
    free(copy);
    diag_free(diag);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct diag *diag = diag_new();
    const char *axis = piece(&data, &size, arena), *where = piece(&data, &size, arena);
    const char *file = arena_printf(arena, "%.*s", (int)size, (const char *)data);
    const char *const axes[] = {axis, NULL};
    struct design_options options = {.axes = *axis ? axes : NULL, .where = *where ? where : NULL};
    struct design d;
    if (design_parse(file, "fuzz", &options, arena, &d, diag))
        must(diag_failed(diag));
    else
        read_again(&d, arena);
    diag_free(diag);
    arena_free(arena);
    return 0;
}

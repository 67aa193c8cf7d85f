/* Fuzz target of files of numbers, as text and as words: what is accepted is finite, what is refused was
 * reported. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "io/inputs/float_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int condition)
{
    if (!condition)
        abort();
}

static void check(int failed, const struct floats *x, const struct diag *diag)
{
    must(failed == diag_failed(diag));
    for (size_t i = 0; !failed && i < x->n; i++)
        must(isfinite(x->values[i]));
    must(failed || x->n > 0);
}

static void parse(const uint8_t *data, size_t size, bool words)
{
    struct arena *arena = arena_new();
    struct diag *diag = diag_new();
    struct floats x;
    char *text = malloc(size + 1);
    must(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    int failed = words ? float_words_parse(text, size, "fuzz.f32", arena, &x, diag)
                       : float_text_parse(text, size, "fuzz.txt", arena, &x, diag);
    check(failed != 0, &x, diag);
    free(text);
    diag_free(diag);
    arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    parse(data, size, false);
    parse(data, size, true);
    return 0;
}

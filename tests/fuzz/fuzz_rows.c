/* Fuzz target of files of rows, with and without names of columns: what is accepted is whole rows of numbers
 * in range, each where rows_place says; what is refused was reported. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "io/inputs/row_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int condition)
{
    if (!condition)
        abort();
}

static void check(const struct rows *r, const struct row_format *f, const char *text, size_t size)
{
    must(r->n_rows > 0 && r->n_columns > 0);
    must(!f->columns || r->n_columns == 3);
    for (uint32_t row = 0; row < r->n_rows; row++)
        for (uint32_t column = 0; column < r->n_columns; column++) {
            double value = r->values[(size_t)row * r->n_columns + column];
            uint32_t at = r->at[(size_t)row * r->n_columns + column];
            must(value >= f->least && value <= f->most);
            must(at < size && strtod(text + at, NULL) == value);
        }
    must(rows_place(r, r->n_rows - 1, 0).line >= (int)r->n_rows);
}

static void parse(const char *text, size_t size, const struct row_format *f)
{
    struct arena *arena = arena_new();
    struct diag *diag = diag_new();
    struct rows r;
    int failed = rows_parse(text, size, "fuzz.csv", f, arena, &r, diag);
    must((failed != 0) == diag_failed(diag));
    if (!failed)
        check(&r, f, text, size);
    diag_free(diag);
    arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"arrival_s", "prompt", "output", NULL};
    struct row_format loads = {.least = 0, .most = 1e15, .example = "1, 2"};
    struct row_format requests = {.columns = names, .least = 0, .most = 1e9, .example = "0, 1, 2"};
    char *text = malloc(size + 1);
    must(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    parse(text, size, &loads);
    parse(text, size, &requests);
    free(text);
    return 0;
}

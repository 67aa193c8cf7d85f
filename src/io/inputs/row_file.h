/* A file of rows of numbers: a line is a row, numbers stand between blanks, tabs, commas or semicolons, '#'
 * starts a comment, empty lines say nothing. The first line may name the columns. */
#ifndef MOESIM_IO_INPUTS_ROW_FILE_H
#define MOESIM_IO_INPUTS_ROW_FILE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"

struct row_format {
    const char *const *columns; /* NULL-terminated names; NULL: as many numbers as the first row has */
    double least, most;
    const char *example; /* a row, for messages */
};

struct rows {
    const double *values; /* [n_rows][n_columns]; at least one row */
    uint32_t n_rows, n_columns;
    /* for rows_place */
    const char *name, *text;
    size_t text_len;
    const uint32_t *at;
};

/* 0, or -1 with errors, at most 20 of a file. */
int rows_read(const char *path, const struct row_format *format, struct arena *arena, struct rows *out,
              struct diag *diag);
/* The same of text[len]; text and name live as long as the rows. */
int rows_parse(const char *text, size_t len, const char *name, const struct row_format *format, struct arena *arena,
               struct rows *out, struct diag *diag);
/* Where a number stands, for messages about it. */
struct srcloc rows_place(const struct rows *r, uint32_t row, uint32_t column);

#endif

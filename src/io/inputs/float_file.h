/* A file of numbers: activations dumped by a user. Text with numbers between blanks, commas, semicolons
 * or ends of lines, '#' starting a comment; or, when the name ends in .f32 (or .f32.gz), binary32 words,
 * little-endian, nothing else. Either may be compressed by gzip.
 *
 * Infinities, NaNs and numbers that binary32 cannot hold are errors with their place. */
#ifndef MOESIM_IO_INPUTS_FLOAT_FILE_H
#define MOESIM_IO_INPUTS_FLOAT_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/diag.h"

struct floats {
    float *values; /* the arena's */
    size_t n;      /* at least 1 */
};

/* 0, or -1 with errors: at most 20 of a file. */
int float_file_read(const char *path, struct arena *arena, struct floats *out, struct diag *diag);
/* text[len] must be NUL; name is for messages. */
int float_text_parse(const char *text, size_t len, const char *name, struct arena *arena, struct floats *out,
                     struct diag *diag);
int float_words_parse(const void *bytes, size_t len, const char *name, struct arena *arena, struct floats *out,
                      struct diag *diag);

#endif

/* A whole file in memory, decompressed where it is compressed. */
#ifndef MOESIM_IO_WHOLE_FILE_H
#define MOESIM_IO_WHOLE_FILE_H

#include <stddef.h>

#include "base/diag.h"

/* All bytes and a NUL behind them; the caller frees *bytes. 0, or -1 with the reason in diag. */
int whole_file_read(const char *path, size_t max_B, char **bytes, size_t *len, struct diag *diag);

/* The first bytes, at most max_B of them; none of what is no regular file (a pipe can be read once only). 0 or -1. */
int whole_file_head(const char *path, char *bytes, size_t max_B, size_t *len, struct diag *diag);

#endif

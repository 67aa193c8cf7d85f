/* Tokens that each expert got, as SGLang counts them. */
#ifndef MOESIM_IO_INPUTS_LOGICAL_COUNT_H
#define MOESIM_IO_INPUTS_LOGICAL_COUNT_H

#include <stdbool.h>

#include "io/inputs/row_file.h"

/* JSON, or the pickle of which logical_count_read says how to make JSON. */
bool logical_count_recognises(const char *path);
/* A row a layer that counts something, a column an expert. 0, or -1 with the reason. */
int logical_count_read(const char *path, struct arena *arena, struct rows *out, struct diag *diag);

#endif

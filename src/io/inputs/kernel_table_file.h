/* Tables of measured kernel times: CSV files in a folder.
 *
 *     # source: whose measurement
 *     # conditions: chip, library, what was timed
 *     kernel,m,n,k,time_us
 *     gemm_fp8,4096,7168,2048,98.102
 *
 * The header names columns: kernel and time_us always, and the numbers of struct kernel_call that the kernels
 * need (hw/kernels/kernels.h), groups, causal (0 or 1), and rows: the sum over groups where it is not groups
 * times the mean. Other lines that start with '#' are for people. */
#ifndef MOESIM_IO_INPUTS_KERNEL_TABLE_FILE_H
#define MOESIM_IO_INPUTS_KERNEL_TABLE_FILE_H

#include "base/arena.h"
#include "base/diag.h"
#include "hw/kernels/kernels.h"

/* All *.csv of data folders (names with commas between them), in the order of their names. "" = an empty
 * table. `where` is the place of the folders' names, `beside` a file beside which they may lie (or NULL). 0, or
 * -1 with all errors reported. */
int kernel_tables_read(const char *folders, struct srcloc where, const char *beside, struct arena *arena,
                       struct kernel_table *out, struct diag *diag);
/* The same of one text; rows are added to `out`. text[len] must be NUL. */
int kernel_table_parse(const char *text, size_t len, const char *name, struct arena *arena, struct kernel_table *out,
                       struct diag *diag);

#endif

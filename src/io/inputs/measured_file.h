/* Measured kernel times as benchmarks write them: one CSV file a family, perhaps compressed.
 *
 *     gemm_dtype,m,n,k,kernel_source,latency_us
 *     fp8_block,4096,7168,2048,sglang_deepgemm_gemm_nt_f8f8bf16,103.7
 *
 * Which columns a family has is the family's affair (hw/kernels); all have a number format, the kernel's name
 * (kernel_source) and the time in microseconds. Columns that nobody asks for are let pass. The columns and names are those
 * of ai-dynamo/aiconfigurator's collected data. */
#ifndef MOESIM_IO_INPUTS_MEASURED_FILE_H
#define MOESIM_IO_INPUTS_MEASURED_FILE_H

#include "base/arena.h"
#include "base/diag.h"
#include "hw/kernels/kernels.h"

/* Adds the file's rows to `out`. `family`: NULL = the file's name says it ("gemm.csv.gz"). A shape that is there more than
 * once keeps all its rows; times of them that differ much are warned of. 0, or -1 with located errors. */
int measured_file_read(const char *path, const char *family, struct arena *arena, struct kernel_table *out,
                       struct diag *diag);

#endif

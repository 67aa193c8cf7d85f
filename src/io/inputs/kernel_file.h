/* A kernel of a library on a chip, as `moesim kernels --fit` writes it: a text file NAME.kernel.
 *
 *     # for people
 *     kernel: gemm_fp8
 *     library: sglang_deepgemm_gemm_nt_f8f8bf16
 *     variant: deepgemm_hopper
 *     source: whose measurements
 *     conditions: chip, library's version, what was timed
 *     constants: start_s 3.7e-06, tensor_ratio 0.755
 *     points: n, k | m, time_us, rows
 *     7168 2048 | 4 10.15 3 | 16 10.4 20
 *
 * Constants are the mechanism's, all of them (those that the number format does not have are 0). A line of points has the
 * numbers that a series of them shares, then for each point its place, its time and how many measured rows it stands for.
 * `cache: fp8` tells that keys and values lie in FP8. */
#ifndef MOESIM_IO_INPUTS_KERNEL_FILE_H
#define MOESIM_IO_INPUTS_KERNEL_FILE_H

#include "base/arena.h"
#include "base/diag.h"
#include "hw/kernels/kernel.h"

/* 0, or -1 with located errors. text[len] must be NUL; it is kept by the arena's owner for as long as the kernel. */
int kernel_file_parse(const char *text, size_t len, const char *name, struct arena *arena, struct kernel *out,
                      struct diag *diag);

#endif

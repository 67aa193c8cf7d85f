/* Which of a chip's kernels a call is for: models ask for attention or a GEMM, chips have decoding of MLA by FlashMLA. Inside
 * src/hw/kernels only. */
#ifndef MOESIM_HW_KERNELS_KERNEL_LIKE_H
#define MOESIM_HW_KERNELS_KERNEL_LIKE_H

#include "hw/kernels/kernel.h"

enum { KERNEL_MOST_FORMS = 3, KERNEL_UNLIKE = 1000 };

/* 0: the kernel is for calls of this family and these number formats; above: its family is, in other formats, the more the
 * less alike (FP4 for FP8, a cache in BF16 for one in FP8); KERNEL_UNLIKE: it is not. */
int kernel_likeness(const struct kernel *k, const struct kernel_call *call);

/* The same work as calls of families that chips have kernels of, the best first; how many, at most KERNEL_MOST_FORMS. */
int kernel_forms(const struct kernel_call *call, struct kernel_call *forms);

#endif

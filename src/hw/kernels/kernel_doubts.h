/* What makes measured rows doubtful: repeats with other times, times in another unit. */
#ifndef MOESIM_HW_KERNELS_KERNEL_DOUBTS_H
#define MOESIM_HW_KERNELS_KERNEL_DOUBTS_H

#include "hw/kernels/kernel.h"

/* Rows that repeat an earlier one (all numbers of the call, number formats, library) with another time. */
struct kernel_repeats {
    uint32_t n;
    double most;                            /* the largest of two such times over the smaller */
    const struct kernel_row *first, *again; /* of that pair; NULL: there are none */
};
struct kernel_repeats kernel_find_repeats(const struct kernel_row *rows, uint32_t n, struct arena *arena);

/* The median of measured times over what the mechanism takes with the constants that a fit starts from: within an order of
 * magnitude of 1, unless times are in another unit or of another chip. NAN: no rows. */
double kernel_times_ratio(const struct kernel_row *rows, uint32_t n, const struct kernel_device *on,
                          struct arena *arena);

#endif

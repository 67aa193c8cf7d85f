/* Times of the kernels that a chip's folder has: their mechanism and, near measured points, what those say beside it.
 * Inside src/hw/kernels only. */
#ifndef MOESIM_HW_KERNELS_FITTED_H
#define MOESIM_HW_KERNELS_FITTED_H

#include "hw/kernels/kernel.h"

struct fitted_kernels;

/* Of the table's kernels, for the model's chip; NULL when the table has none. */
struct fitted_kernels *fitted_new(const struct kernel_model *m, const struct kernel_table *table, struct arena *arena);

/* False when no kernel is for such a call. */
bool fitted_time(struct fitted_kernels *f, const struct kernel_call *call, struct kernel_time *t);

/* The mechanism alone, on a chip that differs from the model's in some rates; 0: no kernel is for such a call. */
double fitted_mechanism_s(struct fitted_kernels *f, const struct hw_chip *chip, const struct kernel_call *call);

#endif

/* Measured rows against a model: errors by kernel. */
#ifndef MOESIM_HW_KERNELS_KERNEL_CHECK_H
#define MOESIM_HW_KERNELS_KERNEL_CHECK_H

#include "hw/kernels/kernel.h"

/* Rows of one kernel: same family, number formats and library. */
struct kernel_group {
    const struct kernel_row *rows;
    uint32_t n_rows;
    const double *known; /* [KERNEL_MAX_CONSTANTS] as in struct kernel; NULL: all are fitted */
};
/* All groups of a table, in the order of their first rows; each group's rows in theirs. `parts`: those of a library's parts
 * (kernel_part) apart. */
struct kernel_group *kernel_groups(const struct kernel_row *rows, uint32_t n_rows, bool parts, size_t *n,
                                   struct arena *arena);

struct check_errors {
    uint32_t rows;
    double median, p90, bias; /* of |model / measured - 1|; bias: median of model / measured - 1. NAN without rows */
};

struct check_group {
    const struct kernel_row *first; /* names the group */
    struct check_errors all, mechanism,
        beyond; /* beyond: shapes outside of the range of those fitted to; left-out folds
                                                   only */
};

/* Against the model as it is. */
void kernel_check(const struct kernel_model *m, const struct kernel_group *group, struct arena *arena,
                  struct check_group *out);

/* Against kernels fitted anew without one of `folds` parts of the shapes (by kernel_shape); errors are means of the folds'. */
void kernel_check_left_out(const struct kernel_device *on, const struct kernel_group *group, int folds,
                           struct arena *arena, struct check_group *out);

#endif

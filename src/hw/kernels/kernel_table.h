/* Interpolation in measured kernel times. Inside src/hw/kernels only. */
#ifndef MOESIM_HW_KERNELS_KERNEL_TABLE_H
#define MOESIM_HW_KERNELS_KERNEL_TABLE_H

#include "hw/kernels/kernels.h"

struct table_answer {
    double ratio;                 /* measured over roofline */
    bool point;                   /* a row fits exactly ... */
    const struct kernel_row *row; /* ... this; else one of those between which it lies */
};

/* False where the table, less row `without` (UINT32_MAX = none), does not reach. */
bool table_look_up(const struct kernel_model *m, const struct kernel_call *call, uint32_t without,
                   struct table_answer *out);

/* Whether two rows differ along their inner axis only. */
bool table_same_series(const struct kernel_call *a, const struct kernel_call *b);

#endif

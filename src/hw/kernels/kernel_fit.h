/* The constants of the roofline that are calibrated on measured tables, and their calibration: repeated for the
 * cross-validation that `moesim kernels` prints, and to find the values in configs/. */
#ifndef MOESIM_HW_KERNELS_KERNEL_FIT_H
#define MOESIM_HW_KERNELS_KERNEL_FIT_H

#include "hw/kernels/kernels.h"

enum { KERNEL_FIT_MAX = 5 };

/* Constants that are fitted together, and on which kernels. */
struct kernel_fit {
    const char *name;
    unsigned families; /* bits 1 << enum kernel_family */
    unsigned dtypes;   /* bits 1 << enum kernel_dtype */
    size_t n;
    size_t offsets[KERNEL_FIT_MAX];   /* into struct hw_kernels, of doubles */
    const char *keys[KERNEL_FIT_MAX]; /* cluster.kernels.... */
    double most[KERNEL_FIT_MAX];
};
extern const struct kernel_fit kernel_fits[]; /* ends with name == NULL */

const struct kernel_fit *kernel_fit_of(const struct kernel_call *call); /* NULL: nothing is fitted */

/* Least mean |ln(roofline / measured)| over the table's rows of these families, on the measured chip, less
 * those that `leave_out` marks (NULL = none); from the constants in `cfg`, which receives the result. */
double kernel_fit_run(const struct kernel_fit *fit, const struct kernel_model *measured, const bool *leave_out,
                      struct hw_kernels *cfg);

/* Rows that differ in their inner axis only (rows, length) are one series; leaving out one series and fitting
 * to the others, cv_s[row] is what the roofline then says of its rows; NAN where nothing is fitted. */
void kernel_cross_validate(const struct kernel_model *m, struct arena *arena, double *cv_s);

#endif

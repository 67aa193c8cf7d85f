/* A kernel of a library on a chip: the constants of its family's mechanism, and the points whose residual is interpolated. */
#ifndef MOESIM_HW_KERNELS_KERNEL_H
#define MOESIM_HW_KERNELS_KERNEL_H

#include "hw/kernels/mechanism.h"

struct kernel {
    const char *chip;              /* where it was measured */
    struct kernel_device measured; /* and what mechanisms know of that chip */
    enum kernel_family family;
    enum kernel_dtype dtype;
    bool fp8_cache;      /* attention: keys and values lie in FP8 */
    const char *library; /* "sglang_deepgemm_gemm_nt_f8f8bf16" */
    double part;         /* of the library's kernels, see the mechanism; 0: there are no parts */
    int variant;         /* of the mechanism */
    double constants[KERNEL_MAX_CONSTANTS];
    double known[KERNEL_MAX_CONSTANTS];           /* from elsewhere, not fitted; 0: fitted */
    const char *source, *conditions, *validation; /* validation: what leaving shapes out showed; NULL: not tried */
    double trust;                                 /* of the residual of other shapes, for one that was not measured */
    int folder;                                   /* of cluster.kernels.tables, from 0 */
    const struct kernel_row *rows;                /* points */
    uint32_t n_rows;
    struct residuals *residuals; /* of the rows, where they were measured */
};

/* What mechanisms know of a chip. */
struct kernel_device kernel_device_of(const struct hw_chip *chip);

/* A new kernel of a call's family, number formats, library and part, measured on a chip. */
struct kernel kernel_of(const struct kernel_call *call, const char *library, const struct kernel_device *on);

double kernel_part(const struct kernel_call *call);

/* The mechanism alone: everything of `t` but origin and source. */
void kernel_mechanism_time(const struct kernel *k, const struct kernel_device *on, const struct kernel_call *call,
                           struct kernel_time *t);

/* Constants of the mechanism but k->known, fitted to rows: least mean |ln(mechanism / measured)|, rows that are far off counting
 * linearly. Of the mechanism's variants the one that fits best. From k->constants when `again`, else from the mechanism's
 * first ones. Returns the mean. */
double kernel_fit_constants(struct kernel *k, const struct kernel_device *on, const struct kernel_row *rows, uint32_t n,
                            bool again);

/* How many points are kept of so many rows. */
uint32_t kernel_most_points(const struct kernel *k, uint32_t n_rows);

/* The rows' residuals as at most `most` points: k->rows and k->residuals, owned by the arena. */
void kernel_fit_points(struct kernel *k, const struct kernel_device *on, const struct kernel_row *rows, uint32_t n,
                       uint32_t most, struct arena *arena);

/* k->residuals anew from k->rows. */
void kernel_index_points(struct kernel *k, const struct kernel_device *on, struct arena *arena);

/* What tells shapes apart that folds of a cross-validation keep together: (n, k) of a GEMM, (heads, batch) of attention. */
uint64_t kernel_shape(const struct kernel_call *call);

#endif

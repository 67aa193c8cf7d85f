/* The kernel model against what was measured: what `moesim kernels` prints. */
#ifndef MOESIM_HW_KERNELS_KERNEL_REPORT_H
#define MOESIM_HW_KERNELS_KERNEL_REPORT_H

#include "hw/kernels/kernels.h"

/* A measured row and what the model says of it; NAN where a way of reckoning has no answer. */
struct kernel_row_report {
    const struct kernel_row *row;
    struct kernel_time model; /* as any kernel is asked for: the row's own table value, for rows of tables */
    double roofline_s;        /* alone, on the chip that was measured */
    double interpolated_s;    /* from the table's other rows */
    double refitted_s;        /* roofline, its constants fitted without the row's series */
};

/* Sizes of model / measured - 1. */
struct kernel_errors {
    size_t n;
    double median, mean, max; /* NAN when n == 0 */
};

struct kernel_summary {
    const char *name; /* family, or the file of checks */
    size_t n;
    struct kernel_errors roofline, interpolated, refitted, model;
    double bias; /* median of model / measured - 1, with its sign */
};

struct kernel_report {
    struct kernel_row_report *rows, *checks;
    size_t n_rows, n_checks;
    struct kernel_summary *families, *files;
    size_t n_families, n_files;
    struct kernel_summary all;
};

/* `m` holds the tables; `checks` are rows that nothing is taken from. */
void kernel_report(const struct kernel_model *m, const struct kernel_table *checks, struct arena *arena,
                   struct kernel_report *out);

#endif

/* Measured exchanges and collectives beside what the model says (`moesim comm --check`), and constants that would agree
 * with them (`--fit`). */
#ifndef MOESIM_CAMPAIGN_COMM_CHECK_H
#define MOESIM_CAMPAIGN_COMM_CHECK_H

#include "io/inputs/comm_file.h"

struct comm_check {
    const struct cluster_hw *hw;
    const char *hardware;
    const struct comm_rows *files;
    uint32_t n_files;
    uint32_t at_once; /* children */
    bool by_row;      /* every row is shown: times that seem to be in another unit are a warning, not an error */
};

/* Errors of a group: predicted / measured - 1. */
struct comm_group {
    const char *name;
    uint32_t rows;
    double median, p90, bias; /* of |error|, of |error|, median of error */
};

struct comm_checked {
    struct comm_group *groups; /* sorted by name; the first is all of them when there are several */
    uint32_t n_groups;
    double *predicted_s; /* of each measurement, file by file; NAN: left out */
    uint32_t left_out;   /* measurements of kernels other than cluster.ep_kernel.kernel */
};

/* Of a measurement: GPUs, and the kernel that it is held against (NULL for a collective). */
uint32_t comm_row_gpus(const struct comm_row *row, const struct cluster_hw *hw);
const struct ep_kernel_type *comm_row_kernel(const struct comm_row *row, const struct cluster_hw *hw);

/* What was measured, as a time, whichever the row gives. */
double comm_row_measured_s(const struct comm_row *row, const struct cluster_hw *hw);

int comm_check(const struct comm_check *c, struct arena *arena, struct comm_checked *out, struct diag *diag);

/* A constant as configs/NAME/ep_kernel.yaml has it. */
struct comm_fit {
    const char *key; /* "cluster.ep_kernel.deepep_normal.dispatch_start" */
    double was, is;
    bool is_time;
    int lines[3]; /* of the rows it was fitted on, in `file` */
    int n_lines;
    const char *file;
};

struct comm_fits {
    struct comm_fit *fits;
    uint32_t n;
};

/* Starts on the three rows with fewest tokens, shares of NVLink on the three with most, of each kernel and phase. */
int comm_fit(const struct comm_check *c, struct arena *arena, struct comm_fits *out, struct diag *diag);

#endif

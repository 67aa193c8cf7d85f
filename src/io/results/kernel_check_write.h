/* Measured rows against the model, for people and as JSON:
 * {"hardware", "left_out", "groups": [{"family", "dtype", "source", "rows", "median", "p90", "bias", ...}]}. */
#ifndef MOESIM_IO_RESULTS_KERNEL_CHECK_WRITE_H
#define MOESIM_IO_RESULTS_KERNEL_CHECK_WRITE_H

#include "base/outfile.h"
#include "hw/kernels/kernel_check.h"

struct check_page {
    const char *hardware;
    const struct check_group *groups;
    size_t n_groups;
    int folds;        /* 0: against the hardware's kernels as they are */
    double tolerance; /* of the medians; 0 = not asked for */
};

typedef void check_writer(const struct check_page *page, struct outfile *f);
check_writer kernel_check_text, kernel_check_json;

#endif

/* What `moesim kernels` prints, for people and as JSON. */
#ifndef MOESIM_IO_RESULTS_KERNELS_WRITERS_H
#define MOESIM_IO_RESULTS_KERNELS_WRITERS_H

#include "base/outfile.h"
#include "hw/kernels/kernel_report.h"

/* The question: the whole report (call == NULL; family < 0: all, with a summary only) or one kernel. */
struct kernels_page {
    const char *hardware;
    const struct kernel_model *model;
    const struct kernel_report *report;
    int family, dtype; /* rows of these; -1: the overview */
    const struct kernel_call *call;
    struct kernel_time time;
    struct kernel_gains gains;
};

typedef void kernels_writer(const struct kernels_page *page, struct outfile *f);
kernels_writer kernels_write_text, kernels_write_json;

/* "gemm_fp8" */
void kernels_name(const struct kernel_call *call, char *buf, size_t size);

#endif

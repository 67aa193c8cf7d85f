/* A single machine that generates text for one user: a GPU, and a CPU that may hold what the GPU cannot. Filled
 * from configs/edge/NAME.yaml, each number with its source. */
#ifndef MOESIM_HW_MACHINE_H
#define MOESIM_HW_MACHINE_H

#include <stdint.h>

#include "base/cfg.h"

struct hw_processor {
    double memory_B, reserved_B;       /* reserved: for the system, buffers, other programs */
    double memory_Bps;                 /* peak */
    double bandwidth_efficiency_ratio; /* what long reads achieve of it */
    double flops;                      /* dense, in the format that weights are expanded to */
    double flops_efficiency_ratio;     /* what few tokens achieve of it */
    int64_t copies;                    /* of the weights: a CPU of several sockets may keep one for each */
    int64_t sockets, cores;            /* cores: of each socket; 0 = they are no limit */
    double core_Bps;   /* what a core reads of quantised weights, which it expands and multiplies on the way */
    double remote_Bps; /* reads of other sockets' memory, all sockets together */
    int64_t kernels;   /* of a layer; each takes at least kernel_s */
    double kernel_s;   /* until the next one starts, beside its bytes */
};

struct hw_machine {
    const char *name;
    double price_USD;
    struct hw_processor gpu;
    struct hw_processor cpu; /* memory 0: the GPU's memory is all there is (a system on a chip) */
    double link_Bps;         /* GPU to CPU, one direction */
    double hop_s;            /* a message from one to the other, and the other's start */
};

extern const struct cfg_table hw_machine_table;

/* Achievable for weights: memory, cores, or reads of the other sockets where these have no copy. */
double hw_processor_Bps(const struct hw_processor *p);
double hw_processor_flops(const struct hw_processor *p);  /* achievable */
double hw_processor_free_B(const struct hw_processor *p); /* for one copy of the weights */

#endif

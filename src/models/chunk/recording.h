/* How a recorded trace is read: on which chip it ran, and what becomes of its communication. */
#ifndef MOESIM_MODELS_CHUNK_RECORDING_H
#define MOESIM_MODELS_CHUNK_RECORDING_H

#include <stdbool.h>

#include "base/cfg.h"
#include "models/routing/moe_routing.h"

/* The chip that the trace was recorded on; its SM count is in the trace. Kernel times
 * scale from these to the scenario's chip. As keys: 0 = of the GPU that the trace names. */
struct recorded_on {
    double bf16_flops, fp8_flops;
    double memory_Bps;
};

extern const struct cfg_table recorded_on_table;

struct recording {
    struct recorded_on on;
    bool keeps_comm; /* communication is as long as it was recorded; else it is simulated */
    struct routing_cfg routing;
    bool keeps_times; /* kernels are as long as they were recorded, whatever the chip */
    bool overlaps;    /* kernels of a stream may run side by side as they did; else one after the other */
    /* [n_kernels] how long collectives of libraries take; NaN: as recorded. NULL: all as recorded */
    const double *comm_s;
    /* [n_kernels] of several ranks' traces: the number of the kernel's call from 1, 0 = none, and when on the trace's
     * clock the last rank had arrived at it; comm_s counts from there. NULL: the trace is of one rank */
    const uint32_t *joint;
    const double *joined_s;
};

#endif

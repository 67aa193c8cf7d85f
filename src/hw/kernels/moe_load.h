/* How many rows the experts of a rank have. Inside src/hw/kernels only. */
#ifndef MOESIM_HW_KERNELS_MOE_LOAD_H
#define MOESIM_HW_KERNELS_MOE_LOAD_H

#include "hw/kernels/kernels.h"

enum { MOE_HEIGHTS = 5 };
extern const double moe_heights[MOE_HEIGHTS]; /* of tiles: 8, 16, 32, 64, 128 rows */

struct moe_load {
    double rows, active; /* of all experts of the rank; experts that have any */
    double most;         /* rows of the fullest */
    double tiles[MOE_HEIGHTS];
};

/* From the call's rows, or from its tokens, experts and skew: what the benchmarks of ai-dynamo/aiconfigurator route to the
 * rank that has most. */
struct moe_load moe_load_of(const struct kernel_call *call);

/* "balanced", "power_law_1.2"; NULL, or what is wrong. */
const char *moe_read_skew(const char *text, double *skew);

#endif

/* What each recorded kernel becomes, before it is multiplied over ranks. */
#ifndef MOESIM_MODELS_REPLAY_PLAN_H
#define MOESIM_MODELS_REPLAY_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "hw/cluster.h"
#include "models/replay.h"
#include "models/trace.h"

struct kernel_plan {
    uint8_t kind;       /* enum op_kind */
    uint8_t collective; /* enum trace_collective, COLL_NONE for everything that only
                           computes */
    bool per_token;     /* work follows the tokens that the rank's experts received */
    bool backward;      /* tokens of the backward chunk */
    uint32_t routing;   /* which routing: 2 * layer + backward */
    double work_s;      /* on sm_ref SMs of the scenario's chip, reference rank */
    double lead_s;
    float sm_ref, sm_max, sm_hold;
};

struct replay_plan {
    const struct trace *trace;
    struct kernel_plan *kernels; /* [trace->n_kernels] */
    uint8_t *comm_stream;        /* [n_streams] */
    uint32_t n_routings;
};

void replay_plan_build(const struct trace *trace, const struct replay_cfg *cfg,
                       const struct cluster_hw *hw, struct arena *arena,
                       struct replay_plan *plan);

#endif

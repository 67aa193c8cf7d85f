/* Replay of a recorded training trace on the hardware of a scenario: trace -> op graph of all ranks. */
#ifndef MOESIM_MODELS_REPLAY_H
#define MOESIM_MODELS_REPLAY_H

#include <stdint.h>

#include "base/arena.h"
#include "base/cfg.h"
#include "base/diag.h"
#include "hw/cluster.h"
#include "models/moe_routing.h"
#include "models/opgraph.h"
#include "models/trace.h"

enum replay_comm { REPLAY_SIMULATED, REPLAY_RECORDED };

struct replay_cfg {
    const char *trace;          /* data file: imported trace */
    int comm;                   /* enum replay_comm */
    int64_t entry_layers;       /* layer pairs before the window whose rank skew is carried in */
    struct routing_cfg routing;
};

extern const struct cfg_table replay_table;

/* Builds the op graph of all ranks of the EP group (one rank only when comm is recorded).
 * op_of_kernel (arena-owned, [n_kernels]) maps the trace's kernels to the reference rank's ops. */
int replay_build(const struct trace *trace, const struct replay_cfg *cfg,
                 const struct cluster_hw *hw, uint64_t seed, struct opgraph *graph,
                 struct arena *arena, uint32_t **op_of_kernel, struct diag *diag);

#endif

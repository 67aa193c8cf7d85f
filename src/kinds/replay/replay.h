/* Replay of a recorded training trace on the hardware of a scenario: trace -> op graph
 * of all ranks. */
#ifndef MOESIM_KINDS_REPLAY_REPLAY_H
#define MOESIM_KINDS_REPLAY_REPLAY_H

#include <stdint.h>

#include "base/arena.h"
#include "base/cfg.h"
#include "base/diag.h"
#include "io/scenario.h"
#include "hw/cluster.h"
#include "hw/kernels/kernels.h"
#include "kinds/recorded_gpu.h"
#include "kinds/replay/replay_collectives.h"
#include "models/chunk/chunk.h"
#include "models/chunk/recording.h"
#include "models/llm/model.h"
#include "models/routing/moe_routing.h"
#include "models/opgraph.h"
#include "models/trace_set.h"

enum replay_comm { REPLAY_SIMULATED, REPLAY_RECORDED };
enum replay_source { REPLAY_TRACE, REPLAY_KERNELS };
enum replay_times { REPLAY_TIMES_AUTO, REPLAY_TIMES_MOVED, REPLAY_TIMES_RECORDED };

struct replay_cfg {
    const char *trace;    /* data file: imported trace */
    int source;           /* enum replay_source: whose kernels run */
    int comm;             /* enum replay_comm */
    int times;            /* enum replay_times: of kernels that compute */
    int64_t entry_layers; /* layer pairs before the window whose rank skew is carried in */
    struct recorded_on recorded_on;
    struct routing_cfg routing;
};

extern const struct kind_keys replay_keys;

static inline const struct replay_cfg *replay_cfg(const struct scenario *s)
{
    return kind_keys(s, &replay_keys);
}

/* In place of the trace's kernels: the model's, as chunk_kernels.h makes them. */
struct replay_kernels {
    const struct model *model;
    const struct kernel_model *kernels;
};

/* What reading the trace took to know. */
struct replay_reading {
    const struct recorded_gpu *gpu;
    const struct replay_collectives *collectives; /* NULL: as recorded */
    bool keeps_times;                             /* kernels are as long as recorded, whatever the chip */
    bool routed;                                  /* DeepEP moves tokens, on all ranks; else one rank runs */
    /* Of several ranks' traces, [n_kernels]: the number of the kernel's call from 1, 0 = none; when on the trace's clock
     * the last rank had arrived at it, else NaN. NULL: the trace is of one rank. */
    const uint32_t *joint;
    const double *joined_s;
};

/* Whether the trace has dispatches or combines that a replay simulates by routing tokens. */
bool replay_routes(const struct trace *trace);

/* What the analysis of a run needs to know about the graph. Arrays are arena-owned. */
struct replay_info {
    const struct chunk_program *program;            /* what ran; kernels below are its */
    uint32_t n_ranks, reference;                    /* the rank (device) that plays the recorded one */
    uint32_t *op_of_kernel;                         /* [n_kernels] the reference rank's ops */
    uint8_t *comm;                                  /* [n_kernels] 1: communication */
    double *logical_B;                              /* [n_kernels] payload of the reference rank's node copies in a
                          dispatch or combine, own node counted; 0 when not simulated */
    double nodes_per_token, ranks_per_token;        /* means over all simulated collectives; or 0 */
    double rank_load_max_ratio, rank_load_cv_ratio; /* of the sampled tokens per rank; or 0 */
    double entry_delay_s;                           /* when the reference rank enters, after the first rank */
};

/* Builds the op graph of all ranks of the EP group (one rank only when nothing is routed). graph must have been made for at least that many devices. With `kernels` (NULL: the trace's) the
 * trace gives only how many layers there are and how many tokens its rank's experts got. 0, or -1 with
 * the reasons in diag. */
int replay_build(const struct trace *trace, const struct replay_cfg *cfg, const struct replay_kernels *kernels,
                 const struct replay_reading *reading, const struct cluster_hw *hw, uint64_t seed,
                 struct opgraph *graph, struct arena *arena, struct replay_info *info, struct diag *diag);

/* How the trace's times become a program's. */
struct recording replay_recording(const struct replay_cfg *cfg, const struct replay_reading *reading);

/* Several ranks' traces at once, each on its own GPU: calls of collectives wait for all recorded ranks. The result is
 * run->result. 0 or -1. */
int replay_set_run(struct kind_run *run, const struct trace_set *set, const struct replay_cfg *cfg,
                   const struct replay_reading *reading, struct diag *diag);

#endif

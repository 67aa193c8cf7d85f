/* The GPU that a trace was recorded on, and what moving its kernels' times from there needs. */
#ifndef MOESIM_KINDS_RECORDED_GPU_H
#define MOESIM_KINDS_RECORDED_GPU_H

#include "io/scenario.h"
#include "models/chunk/recording.h"
#include "models/trace.h"

struct recorded_gpu {
    struct recorded_on on;       /* its numbers; 0 = nobody knows */
    const char *hardware;        /* the folder under configs/ that has them; NULL = none */
    const struct cluster_hw *hw; /* as many of its nodes as the scenario has, on the scenario's topology; NULL */
    bool same_chip;              /* it is the scenario's, as shipped or with other numbers */
};

/* `given` (replay.recorded_on and its like) goes before configs/. 0, or -1 after an error in configs/. */
int recorded_gpu_find(const struct scenario_file *file, const struct trace *trace, const struct recorded_on *given,
                      struct arena *arena, struct recorded_gpu *out, struct diag *diag);
/* Whether times can be moved from it. */
bool recorded_gpu_known(const struct recorded_gpu *gpu);
/* A note that recorded times were moved to the scenario's chip; NULL: it is the one that they were recorded on. */
const char *recorded_gpu_moved(const struct scenario_file *file, const struct trace *trace,
                               const struct recorded_gpu *gpu, struct arena *arena);
/* Reports that they cannot, at `key`. */
void recorded_gpu_refuse(const struct scenario_file *file, const struct trace *trace, const char *key,
                         const char *else_hint, struct diag *diag);

#endif

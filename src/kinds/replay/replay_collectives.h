/* Collectives of libraries in a replay: how long each takes on the scenario's network. */
#ifndef MOESIM_KINDS_REPLAY_REPLAY_COLLECTIVES_H
#define MOESIM_KINDS_REPLAY_REPLAY_COLLECTIVES_H

#include "kinds/kind_run.h"
#include "kinds/recorded_gpu.h"
#include "models/trace.h"

/* One call: kernels with the same operation, bytes, group and splits share it. */
struct replay_call {
    const struct trace_message *message;
    const char *kept;     /* why its recorded time is kept; NULL: it is simulated */
    bool assumed;         /* where its group's ranks are is assumed */
    double transfer_s;    /* on the scenario's network; NaN when kept */
    double recorded_on_s; /* on the network that the trace was recorded on; NaN: not known */
};

struct replay_collectives {
    struct replay_call *calls;
    uint32_t n_calls;
    uint32_t *call_of; /* [n_messages] */
    double *time_s;    /* [n_kernels] of kernels whose call is simulated; else NaN */
    double *waiting_s; /* [n_kernels] the part of it in which peers were awaited, at its beginning */
    uint32_t n_slower; /* kernels that take longer than recorded on the recorded network, too */
};

/* Simulates every call as kind `collective` does: all groups of its kind at once, each operation by the algorithm that
 * NCCL takes. What a kernel took beyond its transfer on the network that it was recorded on is waiting for peers; that
 * stays. Where the recorded network is not known, it is taken as the scenario's. 0 or -1. */
int replay_simulate_collectives(struct kind_run *run, const struct trace *trace, const struct recorded_gpu *gpu,
                                struct replay_collectives *out, struct diag *diag);

#endif

/* Collectives of libraries in a replay: how long each takes on the scenario's network. */
#ifndef MOESIM_KINDS_REPLAY_REPLAY_COLLECTIVES_H
#define MOESIM_KINDS_REPLAY_REPLAY_COLLECTIVES_H

#include "kinds/kind_run.h"
#include "kinds/recorded_gpu.h"
#include "models/trace.h"

/* One call: kernels with the same operation, bytes, group and splits share it. */
struct replay_call {
    const struct trace *trace; /* a rank's that has it */
    const struct trace_message *message;
    const char *kept;     /* why its recorded time is kept; NULL: it is simulated */
    bool assumed;         /* where its group's ranks are is assumed */
    double transfer_s;    /* on the scenario's network; NaN when kept */
    double recorded_on_s; /* on the network that the trace was recorded on; NaN: not known */
};

struct replay_collectives {
    struct replay_call *calls; /* of all ranks that are replayed together */
    uint32_t n_calls;
    uint32_t *call_of; /* [n_messages] */
    double *time_s;    /* [n_kernels] of kernels whose call is simulated; else NaN */
    /* [n_kernels] the part of it in which peers were awaited, at its beginning; where other ranks' traces say when all
     * had arrived: what it took beyond its transfer from then on */
    double *waiting_s;
    uint32_t n_slower; /* kernels that take longer than recorded on the recorded network, too */
};

/* Simulates every call of the traces of n ranks as kind `collective` does: all groups of its kind at once, each
 * operation by the algorithm that NCCL takes. What a kernel took beyond its transfer on the network that it was recorded
 * on is waiting for peers; that stays. Where the recorded network is not known, it is taken as the scenario's.
 * joined_s (or NULL): [n][n_kernels] when, on the trace's clock, the last recorded rank had arrived at the kernel's call;
 * NaN where that is not known. Fills out[n]. 0 or -1. */
int replay_simulate_collectives(struct kind_run *run, const struct trace *const *traces, uint32_t n,
                                const double *const *joined_s, const struct recorded_gpu *gpu,
                                struct replay_collectives *out, struct diag *diag);

#endif

/* How long one exchange or collective takes alone, by simulation. */
#ifndef MOESIM_KINDS_NETWORK_COMM_TIME_H
#define MOESIM_KINDS_NETWORK_COMM_TIME_H

#include "base/arena.h"
#include "base/diag.h"
#include "models/comm/collectives.h"
#include "models/comm/ep_kernel.h"

/* GPUs 0 .. gpus - 1 of the hardware: its nodes are as many as they take; one node needs no network. */
struct comm_place {
    const struct cluster_hw *hw;
    uint32_t gpus;
};

struct comm_exchange {
    const struct ep_kernel_type *kernel;
    const struct ep_traffic *traffic; /* NULL: made of `choices` */
    enum ep_phase phase;
    struct ep_choices choices;
    int64_t hidden;
    double sms;
    const char *format;
};

/* Until the slowest GPU is done. 0, or -1 with the reason in diag (place: the default place of the diag). */
int comm_exchange_s(const struct comm_place *place, const struct comm_exchange *x, double *out_s, struct diag *diag);
/* What a rank's tokens count for in logical bandwidth (ep_logical_copies). */
double comm_exchange_logical_B(const struct comm_place *place, const struct comm_exchange *x);
int comm_collective_s(const struct comm_place *place, const struct collective *c, double *out_s, struct diag *diag);

#endif

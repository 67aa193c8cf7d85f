/* Dispatch and combine where hardware helps: switches that copy or add up tokens, NICs in the scale-up network. */
#ifndef MOESIM_MODELS_COMM_DEEPEP_TREES_H
#define MOESIM_MODELS_COMM_DEEPEP_TREES_H

#include "models/comm/deepep.h"

/* One of the two hops of an exchange. */
struct deepep_hop {
    const struct deepep *d;
    struct deepep_call call;
    const uint32_t *op; /* by rank */
    double token_B, latency_s;
};

/* Tokens between nodes as trees: a dispatch leaves a NIC once, a combine enters it once. */
void deepep_node_trees(const struct deepep_hop *h, const struct routing *routing);
/* Tokens inside nodes as trees at the forwarding GPU. */
void deepep_nvlink_trees(const struct deepep_hop *h, const struct routing *routing);

void deepep_add_adapters(struct deepep *d, struct arena *arena);
/* The transfer between a forwarding GPU and another of its node begins or ends at that GPU's NIC. */
void deepep_by_adapter(const struct deepep *d, struct deepep_call call, uint32_t forwarder, struct transfer *t);

#endif

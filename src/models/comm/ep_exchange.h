/* Exchanges of expert-parallel kernels in a graph: for ep_build, and for those who lay out ops themselves, because
 * something computes beside them. */
#ifndef MOESIM_MODELS_COMM_EP_EXCHANGE_H
#define MOESIM_MODELS_COMM_EP_EXCHANGE_H

#include "models/comm/ep_kernel.h"
#include "models/comm/host_links.h"

/* One phase of a kernel on one group, for any number of calls. */
struct ep_exchange {
    struct opgraph *graph;
    const struct ep_kernel_type *kernel;
    struct ep_call call;           /* its traffic is a typical one, which costs are of */
    struct ep_cost cost, prepare;  /* prepare: of the kernel that comes before, where there is one */
    double nic_Bps;                /* payload of a NIC */
    const struct host_links *host; /* PCIe between GPUs and NICs; NULL: it is nobody else's */
    /* [ranks] resources; NULL: nothing there limits */
    uint32_t *engine[N_EP_STAGES], *nvlink_out, *nvlink_in, *messages, *nic_out, *nic_in;
    void *own; /* the kernel's (ep_kernel_type.open) */
};

/* The costs alone, for those who want no graph. */
void ep_exchange_cost(struct ep_exchange *x, const struct ep_kernel_type *k, const struct ep_call *c);
/* Makes resources of all ranks for such costs, once a graph; and both. What goes through NICs inside a node shares them with `beside` (may be
 * NULL). */
void ep_exchange_open(struct ep_exchange *x, struct opgraph *graph, const struct ep_exchange *beside,
                      struct arena *arena);
void ep_exchange_init(struct ep_exchange *x, struct opgraph *graph, const struct ep_kernel_type *k,
                      const struct ep_call *c, const struct ep_exchange *beside, struct arena *arena);

/* Ops of a call, one behind the other on each rank's lane: from first[r] to last[r], tokens move in move[r]. They hold
 * the kernel's SMs. `like`: names and layer. */
struct ep_ops {
    uint32_t *first, *move, *last; /* [ranks] */
};
void ep_exchange_ops(const struct ep_exchange *x, const uint32_t *lane, const struct op *like, struct ep_ops *out);

/* Where the transfers of a call begin and end: COMM ops of each rank, which may be the same. With two of them a rank
 * that has received all goes on while others still fetch what it sends. `stores`: those in which SMs store over NVLink.
 * A kernel that moves tokens by rules of its own has one. */
struct ep_ends {
    const uint32_t *stores, *posts, *receives; /* [ranks] */
};
void ep_exchange_move(const struct ep_exchange *x, const struct ep_traffic *t, const struct ep_ends *ends);

/* The same in bundles (opgraph.h), for those whose graph nobody looks at afterwards: where an exchange has them, what its calls
 * have in common is made ready once. */
bool ep_exchange_bundles(const struct ep_exchange *x);
struct ep_bundling *ep_bundling_new(const struct ep_exchange *x, struct arena *arena);
void ep_exchange_bundle(const struct ep_exchange *x, struct ep_bundling *p, const struct ep_traffic *t,
                        const struct ep_ends *ends);

/* What comes before tokens move, where a flag takes latency_s between ranks. */
double ep_exchange_ahead_s(const struct ep_exchange *x, double latency_s);

/* Seconds that what a rank sends and receives takes of the narrowest thing that it crosses, and which that is. Of an
 * exchange with costs alone, too. */
struct ep_load {
    double out_s, in_s;
    const char *limit; /* "network", "NVLink", "copying SMs", "posting" */
};
void ep_exchange_loads(const struct ep_exchange *x, const struct ep_traffic *t, struct arena *arena,
                       struct ep_load *loads /* [ranks] */);

/* The same in two steps, for traffic that is asked about at several rates: copies of a rank, of its tokens and of others'
 * that come to it, in the direction of a dispatch; then what they take. Not of kernels with a `load` of their own. */
struct ep_counts {
    double out, in, near_out, near_in, own; /* out, in: to and from other nodes */
    double handed_out, handed_in;           /* over rails: what it hands on in its node, and gets handed */
};
void ep_count_copies(enum ep_copies copies, const struct ep_traffic *t, struct ep_counts *of /* [ranks] */);
void ep_exchange_loads_of(const struct ep_exchange *x, const struct ep_counts *of /* [ranks] */, uint32_t ranks,
                          struct ep_load *loads /* [ranks] */);

/* Of the copies between nodes, the share that leaves through another GPU's NIC. */
double ep_exchange_forwarded(const struct ep_exchange *x, const struct ep_traffic *t);

/* The most of a rank's memory bandwidth that its copies take, when links are full. */
double ep_exchange_memory_ratio(const struct ep_exchange *x);

#endif

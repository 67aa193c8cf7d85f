/* sim_run: an op graph on a topology, with a clock. Runs in a forked child (SimGrid holds one
 * platform per process and aborts on its own errors); the child's death becomes a diagnostic. */
#ifndef MOESIM_SIM_SIM_H
#define MOESIM_SIM_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"
#include "hw/cluster.h"
#include "models/opgraph.h"
#include "sim/packet/switch_model.h"
#include "topology/topology.h"

enum net_kind {
    NET_FLOW,  /* ours: exact max-min sharing, plugged into SimGrid's loop */
    NET_CM02,  /* SimGrid's own model, pinned to plain max-min: the reference */
    NET_BOUND, /* a lower bound without a clock, sim/bound/bound.h */
    NET_PACKET /* queues and packets; for small networks */
};

extern const char *const net_kind_names[]; /* NULL-terminated, index = enum net_kind */
extern const char *const net_kind_docs[];

/* What happens to a link at a time: a new capacity (0: it is down for a while, what is on it waits or, as packets, is
 * lost), or failure for good: its flows go another way where there is one, and fail where there is none. Events are sorted by time; those at 0 come before everything. */
struct link_event {
    double time_s;
    uint32_t link; /* topology link id */
    double capacity_Bps;
    bool fails;
    uint32_t sweep; /* of the subnet manager, which notices it together with others (topology/failover.h) */
};

struct sim_spec {
    const struct opgraph *graph;
    const struct topology *topo;
    const struct cluster_hw *hw; /* NET_PACKET only */
    enum net_kind net;
    struct srcloc net_at; /* of the key that chose it, for messages */
    struct hw_routing routing;
    uint64_t seed;  /* of hashed and random routes */
    double epsilon; /* NET_FLOW: ends within this share of the time passed are solved together; 0 = exact */
    double sm_per_device;
    const struct link_event *events;
    uint32_t n_events;
    const uint32_t *watch; /* link ids (topology links, then n_links + resource id) whose load is sampled */
    uint32_t n_watch;
    void (*tick)(void *ctx); /* called about five times a second while waiting; may be NULL */
    void *tick_ctx;
    uint32_t *ops_done; /* sim_run's: ops that have ended, for the parent; NULL: nobody looks */
    bool limits;        /* note which link limited each transfer */
    bool checked;       /* verify conservation and capacity at every event; slow */
};

struct link_sample {
    double time_s, load_Bps;
    uint32_t watch; /* index into spec.watch */
};

struct packet_transfer { /* NET_PACKET: of one transfer */
    double retransmitted_B;
    uint32_t packets, reordered, reorder_extent;
};

struct sim_outcome {
    double makespan_s;
    double *op_start_s, *op_end_s;             /* [n_ops]; start = after lead_s */
    double *transfer_start_s, *transfer_end_s; /* [n_transfers] */
    double *exchange_end_s;   /* NET_BOUND: [n_ops] when the last op of the op's exchange can have ended; else NULL */
    uint32_t *transfer_limit; /* [n_transfers] link, or n_links + resource, that limited it when it ended;
                                 UINT32_MAX: none, or not known; NULL: not asked for */
    struct link_sample *samples;
    uint32_t n_samples;
    uint64_t n_events, n_solves, n_flows;
    /* NET_PACKET only */
    struct switch_totals packet;
    struct switch_link_totals *packet_links;  /* [topology links] */
    struct packet_transfer *packet_transfers; /* [n_transfers] */
    uint64_t start_rss_B, peak_rss_B;         /* of the child */
    double wall_s;                            /* of the child; not part of any result document */
};

/* When an op has ended, as far as the end of all ops of a collective counts on it: take the largest over all of them.
 * (A bound knows when an exchange can be over, but not which of its ops is the last.) */
static inline double sim_joint_end_s(const struct sim_outcome *out, uint32_t op)
{
    double end_s = out->op_end_s[op];
    return out->exchange_end_s && out->exchange_end_s[op] > end_s ? out->exchange_end_s[op] : end_s;
}

/* Whether a flow takes one path that does not depend on loads: what networks bound and cm02 can do. */
bool sim_has_one_path(const struct hw_routing *r);

/* Results are owned by `arena`. 0, or -1 with the reason in diag. */
int sim_run(const struct sim_spec *spec, struct arena *arena, struct sim_outcome *out, struct diag *diag);

#endif

/* Op graph: what has to happen, in which order, on which lane - without a clock. Models build it,
 * sim runs it. All indices are 32 bit; arrays are flat and grow by doubling.
 *
 * Lanes are serial (a CUDA stream, a copy engine, a CPU proxy): an op starts `lead_s` after both its
 * lane predecessor and all its dependencies ended. Three kinds of ops:
 *   COMPUTE  runs work_s when it has sm_ref SMs; faster or slower in proportion to the SMs it gets
 *            (at most sm_max; sm_ref == 0: not sensitive to SMs).
 *   SYNC     waits for the other ops of its sync group: ends work_s after the last of them started.
 *   COMM     ends when all transfers that leave it or arrive at it have ended, and not before
 *            start + work_s. Its transfers start when it starts; a rendezvous when both its ops have started.
 * A transfer may be a tree: one sends to several (multicast), or several to one while the network adds up (reduction).
 * Links that branches share are crossed once, at one rate for all; all its ops count it as pending.
 * SYNC and COMM hold sm_hold SMs of their device from start to end.
 * An early dependency lets an op start while another still runs (kernels of a stream that overlap): once that has done
 * a share of its work (of a SYNC's: from the last arrival on); of a COMM with transfers only, at its end.
 * A queue dependency is one on SMs: an op that finds another at work when it could start (or about to: within slack_s)
 * and no more than free_sms free lets it go ahead until that has done a share of its work, and starts lag_s later. Else
 * it is void. */
#ifndef MOESIM_MODELS_OPGRAPH_H
#define MOESIM_MODELS_OPGRAPH_H

#include <stdbool.h>
#include <stdint.h>

#define OP_NONE UINT32_MAX

enum op_kind { OP_COMPUTE, OP_SYNC, OP_COMM };

struct op {
    uint8_t kind; /* enum op_kind */
    uint32_t lane;
    uint32_t device; /* GPU rank */
    double work_s;
    double lead_s;
    float sm_ref, sm_max; /* COMPUTE */
    float sm_hold;        /* SYNC, COMM */
    float memory; /* share of the GPU's memory bandwidth: COMPUTE: that it takes at full speed; else: that it holds */
    uint32_t sync_group; /* SYNC; otherwise OP_NONE */
    uint32_t name;       /* string index: kernel name for people */
    uint32_t class_name; /* string index: "gemm_fp8", "a2a_dispatch" */
    uint32_t phase;      /* string index: "attn(F)" */
    uint32_t made_of;    /* COMPUTE: what its time is made of, by opgraph_made_of; 0 = not known */
    int32_t layer;       /* layer pair, from 1; 0 = none */
};

/* extra resources a transfer crosses besides its network path (SM copy engines, a PCIe switch) */
#define TRANSFER_MAX_RES 8

struct branch { /* of a tree, at the end where there are several */
    uint32_t device, op;
    uint32_t res; /* resource that is crossed there; OP_NONE: none */
};

/* A share of an op's time, by what it waits for: "tensor cores". */
struct op_share {
    uint32_t resource; /* string index */
    double share;
};

struct op_shares { /* of the graph's shares */
    uint32_t first, n;
};

struct transfer_tree {
    uint32_t first, n; /* branches */
    bool inward;       /* reduction: starts when all of its senders have started */
};

/* Which links of an NVLink hop a transfer inside a node crosses: the other end may be an adapter that has a port of
 * its own in the scale-up network (paper 4.4.2, 1). */
enum nvlink_hop { HOP_WHOLE, HOP_IN, HOP_OUT };

struct transfer {
    uint32_t src_op, dst_op; /* both count it as pending; may be the same op */
    uint32_t src, dst;       /* devices; equal: no network path, resources only */
    double bytes_B;
    double latency_s; /* beyond the path's own */
    double cap_Bps;   /* rate limit of this transfer; 0 = none */
    double weight;    /* share of a contended link relative to others; 1 normally */
    uint8_t priority; /* 0 is served first, strictly */
    uint8_t n_res;
    bool rendezvous;     /* nothing moves before the receiver is there, too; needs two ops */
    uint8_t hop;         /* enum nvlink_hop */
    uint8_t round_trips; /* on its path, after its last byte, before its ops count it as done (fences, flags) */
    uint32_t tree;       /* 0: none; else tree number tree - 1. src and src_op are its root's (dst and dst_op of
                                an inward one), the other end is its first branch */
    uint32_t pinned;     /* 0: the routing policy chooses; else path number pinned - 1 */
    uint32_t res[TRANSFER_MAX_RES]; /* resource ids */
};

/* Many transfers between ranks in a few bytes each, where a struct transfer takes a hundred. The executor makes those of an op
 * when it starts and forgets each when it has ended, so that nobody else can ask about them: network flow alone, and no timeline,
 * critical path or rewriting. */
enum bundle_end { BUNDLE_STORES, BUNDLE_POSTS, BUNDLE_RECEIVES, BUNDLE_ENDS };

struct bundle_cell {
    uint16_t to, amount; /* rank; which of the amounts */
};

struct bundle {
    uint32_t ranks;
    const struct transfer
        *way;      /* [ranks][ranks] of sender and receiver: a transfer of the amount 1, whose bytes and weight go with
                                   the amount; src_op and dst_op are rows of `ops`. Others' as long as the graph */
    uint32_t *ops; /* [BUNDLE_ENDS][ranks] */
    uint32_t *first; /* [ranks + 1] a sender's cells */
    struct bundle_cell *cells;
    double *amounts;
    uint32_t n_amounts;
};

struct resource {
    double capacity_Bps;
    uint32_t name; /* string index */
};

struct dep {
    uint32_t before, after; /* op ids */
};

struct early_dep {
    uint32_t before, after; /* op ids */
    double share;           /* 0 <= share < 1 of before's work */
};

struct queue_dep {
    uint32_t before, after; /* op ids */
    double share;           /* 0 <= share <= 1 of before's work */
    double lag_s, slack_s, free_sms;
};

struct opgraph {
    struct op *ops;
    uint32_t n_ops, cap_ops;
    struct dep *deps;
    uint32_t n_deps, cap_deps;
    struct early_dep *early;
    uint32_t n_early, cap_early;
    struct queue_dep *queue; /* those of an op in the order in which it meets them */
    uint32_t n_queue, cap_queue;
    struct transfer *transfers;
    uint32_t n_transfers, cap_transfers;
    struct bundle *bundles;
    uint32_t n_bundles, cap_bundles;
    struct resource *resources;
    uint32_t n_resources, cap_resources;
    struct transfer_tree *trees;
    uint32_t n_trees, cap_trees;
    struct branch *branches;
    uint32_t n_branches, cap_branches;
    struct op_share *shares;
    uint32_t n_shares, cap_shares;
    struct op_shares *made_of;
    uint32_t n_made_of, cap_made_of;
    uint32_t n_lanes, n_devices, n_sync_groups;
    char **strings;
    uint32_t n_strings, cap_strings;
    void *string_index; /* hash: text -> index */
};

struct opgraph *opgraph_new(uint32_t n_devices);
void opgraph_free(struct opgraph *g);

uint32_t opgraph_string(struct opgraph *g, const char *text); /* interned */
uint32_t opgraph_lane(struct opgraph *g);
uint32_t opgraph_sync_group(struct opgraph *g);
uint32_t opgraph_resource(struct opgraph *g, double capacity_Bps, const char *name);
/* Adds an op as the last of its lane; returns its id. */
uint32_t opgraph_add(struct opgraph *g, const struct op *op);
void opgraph_dep(struct opgraph *g, uint32_t before, uint32_t after);
void opgraph_early_dep(struct opgraph *g, uint32_t before, uint32_t after, double share);
void opgraph_queue_dep(struct opgraph *g, const struct queue_dep *d);
uint32_t opgraph_transfer(struct opgraph *g, const struct transfer *t);
/* Copies what is not others'. */
void opgraph_bundle(struct opgraph *g, const struct bundle *b);
/* The transfer of one of a sender's cells. */
struct transfer bundle_transfer(const struct bundle *b, uint32_t from, struct bundle_cell cell);
/* For transfer.tree: a tree with these branches; returns its number + 1. */
uint32_t opgraph_tree(struct opgraph *g, bool inward, const struct branch *branches, uint32_t n);
enum { TREE_MAX_BRANCHES = 64 };
/* For op.made_of. Shares sum to 1. */
uint32_t opgraph_made_of(struct opgraph *g, const struct op_share *shares, uint32_t n);
/* Whether the op counts the transfer as pending. */
bool opgraph_concerns(const struct opgraph *g, const struct transfer *t, uint32_t op);
/* BUG()s on anything the event loop could stumble over: ids out of range, negative work, a cycle
 * through lanes and dependencies. Call before sim_run. */
void opgraph_check(const struct opgraph *g);
/* An op that cannot start or end because it waits for itself through lanes, dependencies and sync groups; OP_NONE. For
 * graphs whose order comes from input. */
uint32_t opgraph_waits_for_itself(const struct opgraph *g);

#endif

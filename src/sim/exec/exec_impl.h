/* Inside of the executor.
 *     exec.c            ops: what becomes ready, starts and ends
 *     exec_shares.c     SMs and memory bandwidth that the ops of a device share
 *     exec_queues.c     ops that wait in a queue for SMs
 *     exec_transfers.c  what COMM ops send, and the network under them
 *     exec_link.c       who waits for whom, from the graph */
#ifndef MOESIM_SIM_EXEC_EXEC_IMPL_H
#define MOESIM_SIM_EXEC_EXEC_IMPL_H

#include "sim/net.h"
#include "sim/xalloc.h"

enum todo_kind { TODO_START, TODO_END, TODO_RELEASE, TODO_PASS };

struct milestone { /* in the work of an op */
    double share;
    uint32_t op;    /* early dependency: who goes on */
    uint32_t queue; /* or the queue dependency; OP_NONE */
};

struct todo {
    uint32_t op;
    uint8_t kind;
};

struct running { /* an SM-sensitive COMPUTE op in flight */
    uint32_t op, generation;
    uint32_t milestone;            /* the next one; those of the op passed: its end */
    double left_s, speed, since_s; /* of work until then */
};

struct device {
    double sm_held, memory_held;
    struct running *running;
    uint32_t n, cap;
};

struct sender { /* of a bundle: a rank at one of its ends */
    uint32_t bundle, rank, end;
};

struct ends {
    uint32_t src_op, dst_op;
};

struct exec {
    const struct sim_spec *spec; /* the caller's, or `own` */
    const struct opgraph *g;     /* the caller's, or `live` */
    struct sim_spec own;         /* with bundles: `live` for its graph, */
    struct opgraph live;         /* whose transfers go on behind the caller's */
    uint32_t n_places, cap_places;
    bool round_trips;  /* some of a bundle make round trips behind their last byte */
    struct ends *ends; /* of places, to have at hand when a transfer ends */
    uint32_t *free_places, n_free, cap_free;
    struct sender *senders;
    struct sim_outcome *out;
    struct diag *diag;
    struct net *net;

    uint32_t *waits;               /* per op: dependencies and lane predecessor left */
    uint32_t *after_first, *after; /* CSR: ops that wait for an op */
    uint32_t *milestone_first;     /* CSR by op, by share; NULL: there are none */
    struct milestone *milestones;
    uint32_t *queue_first, *queue_of, *queue_at; /* CSR: queue dependencies by the op that waits; which is next */
    uint8_t *passed, *queued;                    /* per queue dependency; per op: it waits in a queue */
    double *due_s;                               /* per op: when it will start, once nothing but its lead is left */
    uint32_t *sent_first, *sent; /* CSR: transfers by src_op; a rendezvous also by dst_op; then n_transfers + sender */
    uint32_t *pending;           /* per op: transfers and own work left */
    uint8_t *started;
    uint32_t *group_missing, *group_first, *group; /* CSR: ops of a sync group */
    struct device *devices;
    struct todo *queue;
    uint32_t queue_head, n_queue, cap_queue;
    uint32_t cap_samples;
    uint32_t ops_left, generation;
    bool working, failed;
};

/* Branches of a transfer; its first is at its other end, like the receiver or sender of one that is no tree. */
static inline uint32_t exec_n_branches(const struct opgraph *g, const struct transfer *t)
{
    return t->tree ? g->trees[t->tree - 1].n : 0;
}

static inline const struct branch *exec_branch_of(const struct opgraph *g, const struct transfer *t, uint32_t i)
{
    return &g->branches[g->trees[t->tree - 1].first + i];
}

/* Milestones of an op: from the first to before the end. */
static inline uint32_t exec_first_milestone(const struct exec *x, uint32_t op)
{
    return x->milestone_first ? x->milestone_first[op] : 0;
}

static inline uint32_t exec_end_of_milestones(const struct exec *x, uint32_t op)
{
    return x->milestone_first ? x->milestone_first[op + 1] : 0;
}

/* --- exec.c: at once, behind what is due already; after a delay --- */

void exec_later(struct exec *x, uint32_t op, enum todo_kind kind);
void exec_at(struct exec *x, double delay_s, uint32_t op, enum todo_kind kind);
/* What is due, unless that is under way. */
void exec_work_off(struct exec *x);

/* --- exec_shares.c --- */

/* What a milestone is for goes on. */
void exec_later_milestone(struct exec *x, uint32_t milestone, double delay_s);
/* Milestones of an op whose work takes as long as it says. */
void exec_schedule_milestones(struct exec *x, uint32_t id);
void exec_compute_start(struct exec *x, uint32_t id);
void exec_compute_end(struct exec *x, uint32_t id);
/* SMs and memory of a SYNC or COMM op; sign 1: taken, -1: given back. */
void exec_hold(struct exec *x, const struct op *op, double sign);

/* --- exec_queues.c --- */

/* Whether the op waits for one that is ahead of it. */
bool exec_joins_queue(struct exec *x, uint32_t op);
void exec_queue_passed(struct exec *x, uint32_t dep);

/* --- exec_transfers.c --- */

void exec_comm_start(struct exec *x, uint32_t id);
/* The network and what will happen to its links. */
void exec_net_setup(struct exec *x);

/* --- exec_link.c --- */

void exec_link(struct exec *x, struct arena *arena);

#endif

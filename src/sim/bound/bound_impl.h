/* The op graph as nodes with an order, and which exchanges a node comes after. */
#ifndef MOESIM_SIM_BOUND_BOUND_IMPL_H
#define MOESIM_SIM_BOUND_BOUND_IMPL_H

#include "sim/bound/bound.h"

struct rows { /* compressed: items[first[k]] .. items[first[k + 1] - 1] belong to k */
    uint32_t *first, *items;
    uint32_t n;
};

/* Pairs (row, item) in any order; items of a row keep theirs. */
struct rows_pair {
    uint32_t row, item;
};
struct rows rows_of_pairs(const struct rows_pair *pairs, uint32_t n_pairs, uint32_t n_rows, struct arena *arena);

/* Nodes: the start of op v is v, its end n_ops + v, and sync group k is met at 2 n_ops + k. */
struct bound_graph {
    const struct sim_spec *spec;
    const struct opgraph *g;
    uint32_t n_nodes, n_ordered; /* less than n_nodes: a rendezvous waits for itself */
    struct rows after;           /* per node: what cannot be before it */
    struct rows sent_by;         /* per op: transfers that leave it */
    struct rows concerns;        /* per op: transfers that leave it or arrive at it */
    struct rows links;           /* per transfer: links, then n_links + resources; of each of its parts */
    uint32_t *n_parts;           /* per transfer: NICs that it is divided among, equally */
    double *latency_s;           /* per transfer */
    uint32_t *order;             /* nodes, each behind all that it comes after */
};

static inline uint32_t bound_end_of(const struct bound_graph *b, uint32_t op)
{
    return b->g->n_ops + op;
}

void bound_graph_build(struct bound_graph *b, const struct sim_spec *spec, struct arena *arena);

/* Exchanges, and at which nodes the last of an exchange's members is known to have ended. */
struct bound_exchanges {
    struct rows members; /* per exchange: its ops */
    struct rows over_at; /* per node: exchanges that are over there, and were not at all that it comes after */
};

void bound_exchanges_find(struct bound_exchanges *x, const struct bound_graph *b, struct arena *arena);

#endif

/* Collective operations as op graphs: which bytes go from whom to whom, in which order. */
#ifndef MOESIM_MODELS_COMM_COLLECTIVES_H
#define MOESIM_MODELS_COMM_COLLECTIVES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "hw/cluster.h"
#include "models/opgraph.h"

enum collective_operation {
    COLLECTIVE_ALL_TO_ALL,
    COLLECTIVE_ALL_GATHER,
    COLLECTIVE_REDUCE_SCATTER,
    COLLECTIVE_ALL_REDUCE,
    COLLECTIVE_BROADCAST,
    COLLECTIVE_SEND_RECV, /* rank i to rank i + 1, the last to the first */
    N_COLLECTIVE_OPERATIONS
};

enum collective_algorithm {
    COLLECTIVE_AUTO,         /* what NCCL would do */
    COLLECTIVE_RING,         /* one ring per GPU of a node, each over its own NIC */
    COLLECTIVE_TREE,         /* two complementary binary trees (Sanders et al. 2009) */
    COLLECTIVE_DIRECT,       /* everyone sends to everyone at once */
    COLLECTIVE_HIERARCHICAL, /* NVLink inside the nodes, then the network rail by rail */
    N_COLLECTIVE_ALGORITHMS
};

extern const char *const collective_operation_names[]; /* NULL-terminated */
extern const char *const collective_algorithm_names[];

struct collective {
    int operation, algorithm; /* enums above */
    const uint32_t *ranks;    /* members; those of one node adjacent */
    uint32_t n;
    /* as nccl-tests counts: what a rank sends in all (all-to-all), the whole output (all-gather), the
     * whole input (reduce-scatter), the buffer of a rank (the others) */
    double size_B;
    const double *receiver_share; /* all-to-all(v): [n] of each sender's bytes, sum 1; NULL = 1/n */
    bool pxn;                     /* to another rail over NVLink first, many messages as one (NCCL PXN) */
    bool integer;                 /* values that switches do not add up */
    bool streamed;    /* rings as flows: a piece goes on while the next one is under way, so that a block waits
                                     for each hop once; else every step waits for the slowest hop */
    uint8_t priority; /* traffic class, 0 first */
    const char *name;
};

/* The ops of a collective: it begins at 0 (launch included) and ends with the last of them. */
struct collective_ops {
    uint32_t first, end;
};

/* NULL, or why this algorithm cannot run this operation on these ranks. */
const char *collective_misfit(const struct collective *c, const struct cluster_hw *hw);
struct collective_ops collective_build(struct opgraph *graph, const struct cluster_hw *hw, const struct collective *c,
                                       struct arena *arena);

/* What member 0 has to do in a direct all-to-all, its receivers' parts taken over by its own op: with all
 * GPUs as members, on a quotient (topology/symmetry.h), the same time as the whole. Each member posts its
 * messages in the order that the turns carry member 0's to. */
struct collective_ops collective_build_folded(struct opgraph *graph, const struct cluster_hw *hw,
                                              const struct collective *c, struct arena *arena);

/* A ring reduce-scatter or all-gather of a large buffer, as one flow per hop of its rings: what the steps move there
 * in all, since a ring that is full moves on every hop all the time. Latencies of the steps come before. op[i] is
 * member i's COMM op; members may share one. The time is that of all steps for sizes that links limit. */
void collective_ring_flows(struct opgraph *graph, const struct cluster_hw *hw, const struct collective *c,
                           const uint32_t *op, struct arena *arena);

/* A ring inside a node, were nothing else on its links; without constants of NCCL on the chip its launch, latencies and
 * bytes. */
double collective_ring_alone_s(const struct collective *c, const struct cluster_hw *hw);

/* A message between nodes under one switch, its bytes aside. */
double collective_network_s(const struct cluster_hw *hw);
/* What the steps of a ring of n >= 2 wait for beside links, less its first one; `streamed`: see struct collective. */
double collective_ring_latency_s(const struct cluster_hw *hw, uint32_t n, uint32_t nodes, bool streamed);

/* nccl-tests: algbw = size / time, busbw = algbw * this. */
double collective_bus_factor(int operation, uint32_t n);

#endif

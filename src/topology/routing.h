/* Routing: which of a pair's paths (topology.h) a flow takes. The policies, as switches and NICs do them:
 *   static    tables of the switches, one link for each destination: the topology's (D-mod-K), or of what is left
 *             when links are down (failover.h)
 *   ecmp      a hash of the five-tuple, apart for each queue pair, picks among the minimal paths; where its pick is
 *             down, another hash among those that are left
 *   adaptive  the minimal path whose busiest link carries the least when the flow starts
 *   spray     packets take all minimal paths in turn: one part of the flow on each
 *   valiant   over a random detour (Valiant 1982)
 *   ugal      the better of the best minimal path and a few random detours, by load times hops
 *             (Kim et al., ISCA 2008, UGAL with global knowledge)
 * GPUs with several NICs divide every message among them, equally, as NCCL's channels do; the policies choose for each.
 * All of them avoid links that are down, take a detour when no minimal path is whole, and go by the tables of what is
 * left when no detour is either. Left out: flowlets, and the time that switches need to notice a fault. */
#ifndef MOESIM_TOPOLOGY_ROUTING_H
#define MOESIM_TOPOLOGY_ROUTING_H

#include <stdbool.h>

#include "hw/cluster.h"
#include "topology/failover.h"
#include "topology/topology.h"

struct router {
    const struct topology *topo;
    struct hw_routing policy;
    uint64_t seed;       /* of the five-tuples' ports and of random detours */
    const uint8_t *down; /* [n_links] 1: the link has failed; NULL: none has */
    enum fault_manager manager;
    struct failover *failover; /* routing_link_down made it; NULL: no link has failed */
    const double *load;        /* [n_links] weight of the flows on each link; adaptive and ugal only */
};

/* What distinguishes flows between one pair: which message, and which part of it. */
struct routing_key {
    uint32_t src, dst, message, part;
    bool again; /* the part was on its way when it lost its path */
};

/* A link has failed: beside `down`, which the caller sets, the tables of what is left have to know it. For all that
 * fails at one time before the next routing_choose; see failover.h for sweeps. */
void routing_link_down(struct router *r, uint32_t link, uint32_t sweep);
void routing_free(struct router *r);
/* -1 when tables of this network would be too large to be made anew. */
int routing_check_faults(const struct topology *t, struct diag *diag);

/* Whether the policy looks at the load. */
bool routing_needs_load(const struct hw_routing *policy);
/* Into how many parts of equal size a message is cut (NICs of a GPU, queue pairs, sprayed paths); at least 1. Part i goes by
 * NIC i modulo their number. */
uint32_t routing_n_parts(const struct router *r, uint32_t src, uint32_t dst);
enum { ROUTING_MAX_PARTS = 16 };
/* Among how many NICs a message is divided. */
uint32_t routing_n_nics(const struct topology *t, uint32_t src, uint32_t dst);
/* The minimal paths that a part may take: how many, and the number of the first. */
uint32_t routing_minimal(const struct router *r, const struct routing_key *key, uint32_t *first);
/* Writes the links of the path that a part takes; returns how many, or 0 when every path is down. */
uint32_t routing_choose(const struct router *r, const struct routing_key *key, uint32_t links[ROUTE_MAX_LINKS]);

#endif

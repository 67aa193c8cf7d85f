/* Which links a transfer crosses: a route, a part of an NVLink hop, or a tree of routes; then its resources. */
#ifndef MOESIM_SIM_NET_PATH_H
#define MOESIM_SIM_NET_PATH_H

#include "sim/sim.h"
#include "topology/routing.h"
#include "topology/spreading.h"

/* Of a flow: each branch of a tree has a route. */
enum { NET_MAX_LINKS = TREE_MAX_BRANCHES * ROUTE_MAX_LINKS + TRANSFER_MAX_RES };

struct net_path {
    uint32_t links[NET_MAX_LINKS]; /* the topology's, then n_links + resource */
    uint32_t n, n_network;         /* all; those of the topology */
    double latency_s;              /* the transfer's own and that of the links; of a tree's longest branch */
};

/* The path of one part of a transfer. False when every route is down. */
bool net_path_of(const struct sim_spec *spec, const struct router *r, uint32_t transfer, uint32_t part, bool again,
                 struct net_path *out);
/* The same for a sprayed transfer: out->links are those that all of it crosses, `parts` those that it crosses by shares.
 * False when no minimal path is whole. */
bool net_path_sprayed(const struct sim_spec *spec, struct spreading *spreading, const uint8_t *down, uint32_t transfer,
                      struct net_path *out, struct spread_route *parts);

#endif

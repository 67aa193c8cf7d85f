/* Bisection bandwidth. Exactly, it is the least maximum flow over all ways to halve the nodes, which
 * is NP-hard. Here: the least over some halvings, each by an exact maximum flow (Dinic), so an upper
 * bound, and for fat trees the exact value. Halvings: by node number; by the Fiedler vector of the
 * whole network (spectral bisection, Pothen, Simon and Liou 1990); at random. Nodes stay whole: what
 * NVLink joins is not cut, so that planes of a multi-plane network do not count as a cut of nothing. */
#ifndef MOESIM_TOPOLOGY_BISECTION_H
#define MOESIM_TOPOLOGY_BISECTION_H

#include "topology/net_graph.h"

struct bisection {
    double bandwidth_Bps; /* one direction; NaN with fewer than two nodes or without NICs */
    double nic_Bps;       /* what the NICs of the smaller half can send: the most there can be */
    const char *method;   /* for people */
};

void bisection_bound(const struct topology *t, const struct net_graph *g, struct arena *a, struct bisection *out);
/* Maximum flow from the nodes with side 0 to those with side 1. */
double bisection_flow_Bps(const struct topology *t, const struct net_graph *g, const uint8_t *side, struct arena *a);

#endif

/* What a network is worth, measured on the built graph: sizes, ports in use, path lengths, path
 * diversity, bisection. A hop is one cable between switches, as in the Slim Fly paper (Besta and
 * Hoefler, SC14): a fat tree of two levels has diameter 2. Distances are between NIC ports of one
 * plane; between planes traffic first moves inside the node (paper 5.1), which costs no hop.
 * Leaves out: what routing makes of the paths (routing.h), NVLink. */
#ifndef MOESIM_TOPOLOGY_METRICS_H
#define MOESIM_TOPOLOGY_METRICS_H

#include "topology/net_graph.h"

struct topo_metrics {
    uint32_t planes;               /* networks that share no switch */
    uint32_t radix_min, radix_max; /* ports in use of the emptiest and the fullest switch */
    uint32_t diameter_hops;
    double mean_hops;             /* over ordered pairs of NIC ports */
    double min_paths, mean_paths; /* shortest ways between ports on different switches; parallel
                                        cables between two switches count as one */
    double mean_offered;          /* minimal paths that routing may choose from, between GPUs of
                                        different nodes; parallel cables apart */
    bool offered_exact;           /* all pairs; else a million drawn at random */
    uint32_t leaves, searched;    /* switches with NIC ports; breadth-first searches made */
    bool exact;                   /* all leaves covered; else `searched` of them, evenly spread */
    double bisection_Bps;         /* one direction; NaN when there are not two nodes */
    double bisection_ratio;       /* over what the NICs of the smaller half can send */
    const char *bisection_method;
};

void topo_metrics(const struct topology *t, const struct net_graph *g, struct arena *a, struct topo_metrics *out);

#endif

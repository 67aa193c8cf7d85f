/* A built network seen as a graph of its switches: parallel cables merged, NIC ports as weights. What
 * metrics, bisection and exports look at; NVLink and PCIe inside the nodes are left out. */
#ifndef MOESIM_TOPOLOGY_NET_GRAPH_H
#define MOESIM_TOPOLOGY_NET_GRAPH_H

#include "topology/topology.h"

struct net_arc {
    uint32_t to, cables;
    double capacity_Bps; /* of all cables, this direction */
    double latency_s;    /* of the first */
};

struct net_graph {
    uint32_t n_switches, n_arcs;
    uint32_t *first; /* arcs of switch s: first[s] .. first[s + 1], sorted by `to` */
    struct net_arc *arcs;
    uint32_t *nic_ports; /* cabled to each switch */
    uint32_t n_ports;
    uint32_t *endpoint;  /* of each: who uses it; ports that nobody does are left out */
    uint32_t *switch_of; /* of each */
    double *port_Bps;    /* of each NIC port, into the network */
    uint32_t *plane;     /* of each switch: connected component */
    uint32_t n_planes;   /* components with NIC ports or cables */
    uint64_t n_cables;   /* between switches */
};

/* Switch s of the graph is vertex topology_first_switch(t) + s. */
void net_graph_build(const struct topology *t, struct arena *a, struct net_graph *g);
/* Classes of switches that no path can tell apart: as many NIC ports and the same cables to the same
 * neighbours. class_of[s] is the lowest switch of the class. */
void net_graph_twins(const struct net_graph *g, struct arena *a, uint32_t *class_of);

#endif

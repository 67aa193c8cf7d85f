/* What of a network is drawn: nodes and edges for Graphviz, JSON and the report. */
#ifndef MOESIM_IO_TOPO_TOPO_DRAWING_H
#define MOESIM_IO_TOPO_TOPO_DRAWING_H

#include <stdbool.h>

#include "topology/net_graph.h"

enum drawn_kind { DRAWN_NODE, DRAWN_SWITCH, DRAWN_GROUP };

struct drawn_node {
    enum drawn_kind kind;
    uint32_t number;                      /* of the compute node, switch or group */
    uint32_t gpus;                        /* compute node */
    uint32_t plane;                       /* switch */
    uint32_t switches, nic_ports, inside; /* group: inside = cables between its own switches */
    uint32_t level;                       /* from the bottom */
};

struct drawn_edge {
    uint32_t a, b, cables; /* ends are indices of nodes, a < b */
    /* Of an all-to-all by static tables, its fullest cable in its fuller direction: flows, and what they take of the cable
     * when each flow has what the network's narrowest link leaves it; NaN: not counted. */
    double flows, load;
};

struct topo_drawing {
    struct drawn_node *nodes;
    struct drawn_edge *edges;
    uint32_t n_nodes, n_edges;
    bool condensed, leaves_meet; /* leaves_meet: no levels above the leaf switches (Slim Fly, Dragonfly) */
};

void topo_draw(const struct topology *t, const struct net_graph *g, struct arena *a, struct topo_drawing *d);

#endif

/* What the switches' tables make of an all-to-all: how many of its flows cross each cable. */
#ifndef MOESIM_TOPOLOGY_LOADS_H
#define MOESIM_TOPOLOGY_LOADS_H

#include "topology/topology.h"

struct topo_loads {
    bool counted;         /* else it has too many pairs */
    uint32_t most, least; /* flows over a cable between switches, one direction, of those that carry any */
    double mean;
    uint32_t links;     /* that carry any */
    uint32_t narrowest; /* link, NICs and NVLink among them, that each flow gets the least of */
    double each_Bps;    /* what every flow gets there, all at once */
    double gpu_Bps;     /* that of all flows of a GPU to other nodes */
};

/* One flow from every GPU to every GPU of another node, of GPUs with several NICs one by each of them, by static tables. `most_pairs` limits the work. */
void topo_loads(const struct topology *t, double most_pairs, struct topo_loads *out);

/* Of the same all-to-all the flows over each link, [n_links]; NULL where it has more pairs. The caller frees them. */
uint32_t *topo_flows(const struct topology *t, double most_pairs);

#endif

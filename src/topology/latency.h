/* Latency of an empty message between GPUs: the sum of the parts of its path (paper, Table 5). */
#ifndef MOESIM_TOPOLOGY_LATENCY_H
#define MOESIM_TOPOLOGY_LATENCY_H

#include "topology/topology.h"

struct topo_latency {
    double nvlink_s;              /* between GPUs of a node; NaN when a node has one */
    double nearest_s, farthest_s; /* between nodes over the network alone: same leaf, across; NaN: no pair */
    uint32_t nearest_cables, farthest_cables; /* between switches on that path */
    bool sampled;                             /* from some GPUs to all, instead of all pairs */
};

struct topo_latency topo_latency(const struct topology *t);

#endif

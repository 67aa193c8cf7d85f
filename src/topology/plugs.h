/* Into which ports of their switches cables are plugged, as an administrator of the network sees it: the ports of a switch
 * in order, and the two directions of each cable. */
#ifndef MOESIM_TOPOLOGY_PLUGS_H
#define MOESIM_TOPOLOGY_PLUGS_H

#include "topology/topology.h"

struct plugs {
    uint32_t n_switches;
    uint32_t *port;  /* [n_links] of the switch that a link leaves, from 1 */
    uint32_t *back;  /* [n_links] the other direction of a cable between switches */
    uint32_t *used;  /* [n_switches] ports */
    uint32_t *first; /* [n_switches + 1] into links */
    uint32_t *links; /* that leave each switch, in order of its ports; NICs among them */
};

/* Ports are the topology's (topology->plug), else NICs have a switch's first ones and cables between switches follow, in
 * order of their numbers. In the arena. */
void plugs_find(const struct topology *t, struct arena *a, struct plugs *out);

#endif

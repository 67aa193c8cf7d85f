/* Forwarding tables as engines of OpenSM fill them (3.3.23: osm_ucast_mgr.c, osm_ucast_updn.c, osm_ucast_dfsssp.c; ftree
 * is tables_compute, see tables.h). Destinations are NIC ports, in order of switches with the most of them, then of ports;
 * where a link is equal to another the switch's lower port is taken.
 *   minhop  each switch by itself: of the ports on a shortest way the one that has been given the fewest destinations.
 *           Switches know nothing of each other: on three levels, or where bundled cables are plugged alternately, what
 *           they choose falls together (up to four times the load).
 *   updn    the same over ways that never go up again once they went down; roots are the switches from which nearly all
 *           NICs are as far
 *   dfsssp  destination by destination, shortest ways by weights to which every route adds what it carries
 * Left out: virtual lanes that break circles (dfsssp), LMC, files that name roots or orders. */
#ifndef MOESIM_TOPOLOGY_OPENSM_H
#define MOESIM_TOPOLOGY_OPENSM_H

#include "hw/cluster.h"
#include "topology/tables.h"

/* Whether a policy is one of these engines (ROUTING_OPENSM_...). */
bool opensm_is(int policy);
/* Fills the tables, over links that are up (NULL: all are); `keep`: entries that are shortest ways stay where the engine
 * lets them (minhop, updn). 0, or -1 where the engine refuses the network and OpenSM would take another, said why. */
int opensm_route(struct tables *tables, const struct topology *t, int policy, const uint8_t *down, bool keep,
                 struct diag *diag);

#endif

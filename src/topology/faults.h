/* What a scenario says is broken, as links of the network. */
#ifndef MOESIM_TOPOLOGY_FAULTS_H
#define MOESIM_TOPOLOGY_FAULTS_H

#include "topology/topology.h"

/* Reads a list such as "plane 0, switch 3, nic 12, nic 12.1, link 77":
 *   plane N     every link of that plane's switches
 *   switch N    every link of a switch, counted from 0 as `moesim topo` does
 *   nic G[.P]   the NIC of GPU G, or its port P alone
 *   link N      one direction of one link
 * 0, or -1 with a message that says what there is. */
struct fault_link {
    uint32_t link, item; /* item: of the list, counted from 0; what the first one takes down is not down again */
};
/* Writes the links that are down, item by item, each once. */
int faults_links(const struct topology *t, const char *list, struct arena *arena, struct fault_link **links,
                 uint32_t *n, struct diag *diag);

#endif

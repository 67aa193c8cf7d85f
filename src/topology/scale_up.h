/* One scale-up domain: the GPUs of one node joined by NVSwitch, without any network. What the plugins nvswitch
 * (any node) and nvl72 (a rack of 72) share; see struct topology_type. */
#ifndef MOESIM_TOPOLOGY_SCALE_UP_H
#define MOESIM_TOPOLOGY_SCALE_UP_H

#include "topology/topology.h"

int scale_up_build(struct topology *t, const struct cluster_hw *hw, struct arena *a, struct diag *diag);
int scale_up_count(const struct cluster_hw *hw, struct topo_counts *out, struct diag *diag);
uint32_t scale_up_n_minimal(const struct topology *t, uint32_t src, uint32_t dst);
uint32_t scale_up_by_destination(const struct topology *t, uint32_t src, uint32_t dst);
uint32_t scale_up_path(const struct topology *t, uint32_t src, uint32_t dst, uint32_t number,
                       uint32_t links[ROUTE_MAX_LINKS]);
uint32_t scale_up_n_turns(const struct topology *t);
uint32_t scale_up_turn(const struct topology *t, uint32_t number, uint32_t endpoint);

#endif

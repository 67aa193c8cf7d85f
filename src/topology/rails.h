/* What mpft and mrft share: GPUs with NVLink and one NIC each, under one or several fat trees.
 * Rank r = node * gpus + g; its NIC is on rail g. Links: those of ends.h, then leaf to spine, then spine
 * to leaf: tree * cables + leaf * up + uplink. Switches: the leaves and spines of each tree. */
#ifndef MOESIM_TOPOLOGY_RAILS_H
#define MOESIM_TOPOLOGY_RAILS_H

#include "topology/fat_tree.h"
#include "topology/topology.h"

struct rails {
    struct fat_tree tree;
    uint32_t gpus, nodes, trees; /* trees: one per rail (mpft) or one for all (mrft) */
    uint32_t leaves_per_rail;
};

int rails_plan(const struct cluster_hw *hw, bool tree_per_rail, struct rails *out,
               struct diag *diag);
void rails_count(const struct rails *r, struct topo_counts *out);
int rails_build(struct topology *t, const struct cluster_hw *hw, bool tree_per_rail,
                struct arena *a, struct diag *diag);

/* Between NICs of one tree: how many uplinks there are to choose from (1: same leaf), and which one
 * destination-based routing takes. */
uint32_t rails_n_uplinks(const struct topology *t, uint32_t src, uint32_t dst);
uint32_t rails_by_destination(const struct topology *t, uint32_t src, uint32_t dst);
/* Path pieces; each writes links and returns how many. */
uint32_t rails_network(const struct topology *t, uint32_t src, uint32_t dst, uint32_t uplink,
                       uint32_t *links);
/* From any GPU to any GPU of another node over one rail, with NVLink hops where they are needed. */
uint32_t rails_over_rail(const struct topology *t, uint32_t src, uint32_t dst, uint32_t rail,
                         uint32_t *links);
uint32_t rails_tree_of(const struct topology *t, uint32_t vertex); /* of a switch */
const char *rails_link_name(const struct topology *t, uint32_t link, char *buf, size_t size);

#endif

/* What mpft and mrft share: GPUs with NVLink and one NIC each, under one or several fat trees.
 * Rank r = node * gpus + g; its NIC is on rail g. Link numbers, with E ranks:
 *     [0, E) NVLink out of a GPU    [E, 2E) NVLink into a GPU
 *     [2E, 3E) out of a NIC         [3E, 4E) into a NIC
 *     then leaf to spine, then spine to leaf: tree * cables + leaf * up + uplink
 * Vertices: ranks, NICs, then the leaves and spines of each tree. */
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

/* Route pieces; each writes links and returns how many. */
uint32_t rails_nvlink(const struct topology *t, uint32_t src, uint32_t dst, uint32_t *links);
uint32_t rails_network(const struct topology *t, uint32_t src, uint32_t dst, uint32_t *links);
const char *rails_link_name(const struct topology *t, uint32_t link, char *buf, size_t size);

#endif

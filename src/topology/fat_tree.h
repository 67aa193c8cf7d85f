/* The two-level fat tree under one set of endpoints: what a plane of mpft and the whole of mrft are.
 * `leaves` leaf switches, each with `up` uplinks; uplink j of every leaf ends at spine j % spines. A
 * packet takes uplink and downlink number (destination % up): destination-based routing (D-mod-K), so
 * all traffic to one endpoint converges on one path and different endpoints spread evenly. */
#ifndef MOESIM_TOPOLOGY_FAT_TREE_H
#define MOESIM_TOPOLOGY_FAT_TREE_H

#include <stdint.h>

#include "base/diag.h"
#include "hw/cluster.h"
#include "topology/topo_keys.h"

/* What users say of fat trees: a row in the keys of each topology that is one. `at`: of the struct in the topology's. */
struct fat_tree_keys {
    double oversubscription_ratio; /* downlinks over uplinks of a leaf; 1 = non-blocking */
};
#define FAT_TREE_KEYS(at) \
    { \
        .name = "oversubscription", .type = CFG_QUANTITY, .dim = DIM_RATIO, \
        .offset = (at) + offsetof(struct fat_tree_keys, oversubscription_ratio), .dflt = "1", .min = 1, .max = 64, \
        .doc = "fat trees: downlinks over uplinks of a leaf switch; 1 is non-blocking" \
    }
extern const struct cfg_table fat_tree_keys_table; /* of a topology that has no others */

struct fat_tree {
    uint32_t leaves, spines, up, down; /* down: endpoints per leaf */
};

struct leaf_ports {
    uint32_t up, down;
};

/* Of a leaf with the cluster's ports and oversubscription: the ratio is not rounded, a few ports may stay empty, with a
 * warning. 0, or -1 with what would be possible. */
int fat_tree_ports(const struct cluster_hw *hw, struct leaf_ports *out, struct diag *diag);

/* Smallest tree of `groups` sets of `n` endpoints, no leaf shared between sets. One switch is enough
 * when there is one set that fits; otherwise leaves keep ports for uplinks. -1 with the reason when
 * two levels do not reach. */
int fat_tree_plan(const struct cluster_hw *hw, uint32_t groups, uint32_t n, struct fat_tree *out, struct diag *diag);
uint32_t fat_tree_cables(const struct fat_tree *t); /* leaf to spine */

/* Warns when the user gave an oversubscription and one switch holds all endpoints of a tree, `per_node` of each node:
 * it has no uplinks. `most`: endpoints that it holds. */
void fat_tree_warn_single(const struct cluster_hw *hw, uint32_t per_node, uint32_t most, struct diag *diag);

#endif

/* What the two-level networks share: GPUs with NVLink and NICs under one or several fat trees, which differ in who hangs
 * on which leaf. NIC i of a node is number node * cluster.nic.per_node + i; with one for each GPU that is the GPU's rank.
 *     by plane   NIC i of every node is in tree i % planes (mpft)
 *     by rail    NIC i of every node is on a leaf of rail i; one tree (mrft), or one for each port (dual_plane)
 *     in order   one tree; leaves are filled NIC by NIC (ft2)
 *     by port    port p of every NIC is in tree p, leaves filled NIC by NIC (mpft_multiport)
 * Links: those of ends.h, then leaf to spine, then spine to leaf: tree * cables + leaf * up + uplink.
 * Switches: the leaves and spines of each tree. */
#ifndef MOESIM_TOPOLOGY_RAILS_H
#define MOESIM_TOPOLOGY_RAILS_H

#include "topology/fat_tree.h"
#include "topology/topology.h"

enum rails_attach { RAILS_BY_PLANE, RAILS_BY_RAIL, RAILS_IN_ORDER, RAILS_BY_PORT };

struct rails {
    enum rails_attach attach;
    struct fat_tree tree;
    uint32_t gpus, nics, nodes, trees; /* gpus, nics: of a node */
    uint32_t leaves_per_rail;          /* by rail */
    uint32_t ports;                    /* of a NIC */
    uint32_t *leaf;                    /* [NICs] its switch in its tree */
};

/* Of `trees` trees: planes of NICs (by plane), else ports of each NIC. 0, or -1 with what would be possible. */
int rails_count(const struct cluster_hw *hw, enum rails_attach attach, uint32_t trees, struct topo_counts *out,
                struct diag *diag);
int rails_build(struct topology *t, const struct cluster_hw *hw, enum rails_attach attach, uint32_t trees,
                struct arena *a, struct diag *diag);

/* Between NICs of one tree: how many uplinks there are to choose from (1: same leaf), and which one
 * destination-based routing takes. */
uint32_t rails_n_uplinks(const struct topology *t, uint32_t from, uint32_t to);
uint32_t rails_by_destination(const struct topology *t, uint32_t from, uint32_t to);
uint32_t rails_n_trees(const struct topology *t);
uint32_t rails_n_nics(const struct topology *t); /* of a node */
/* Whether two NICs hang in the same tree. */
bool rails_same_tree(const struct topology *t, uint32_t from, uint32_t to);
/* Path pieces; each writes links and returns how many. From NIC to NIC; `port`: of the NICs, and so the tree, by port. */
uint32_t rails_network(const struct topology *t, uint32_t from, uint32_t to, uint32_t port, uint32_t uplink,
                       uint32_t *links);
/* From any GPU to any GPU of another node over NICs `rail` of their nodes, with NVLink hops where they are needed. */
uint32_t rails_over_rail(const struct topology *t, uint32_t src, uint32_t dst, uint32_t rail, uint32_t port,
                         uint32_t *links);
/* The detour number `detour`, over NIC `first` of a node and those behind it, in turn. */
uint32_t rails_detour(const struct topology *t, uint32_t src, uint32_t dst, uint32_t first, uint32_t detour,
                      uint32_t *links);
/* The paths where any NIC reaches any other: from the own NIC to the destination's, numbered tree by tree. Detours go
 * over the NICs of other GPUs, for when one is down. */
uint32_t rails_n_minimal(const struct topology *t, uint32_t src, uint32_t dst);
uint32_t rails_n_by_nic(const struct topology *t, uint32_t src, uint32_t dst, uint32_t nic);
uint32_t rails_n_detours(const struct topology *t, uint32_t src, uint32_t dst);
uint32_t rails_to_destination(const struct topology *t, uint32_t src, uint32_t dst);
uint32_t rails_by_port(const struct topology *t, uint32_t src, uint32_t dst, uint32_t port);
uint32_t rails_path(const struct topology *t, uint32_t src, uint32_t dst, uint32_t number,
                    uint32_t links[ROUTE_MAX_LINKS]);
/* Turns (symmetry.h): of the nodes under a leaf, of the leaves, of the GPUs of a node. */
uint32_t rails_n_turns(const struct topology *t);
uint32_t rails_turn(const struct topology *t, uint32_t number, uint32_t rank);
uint32_t rails_tree_of(const struct topology *t, uint32_t vertex); /* of a switch */
const char *rails_link_name(const struct topology *t, uint32_t link, char *buf, size_t size);

#endif

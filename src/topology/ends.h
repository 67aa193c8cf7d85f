/* The half of a network that is inside the nodes, the same for all topologies: GPUs joined by NVLink, each
 * with a NIC of one or several ports, with several NICs, or with NICs that they share. Link numbers, with E endpoints and N ports of NICs
 * (E times the ports of a NIC unless they are shared):
 *     [0, E) NVLink out of a GPU          [E, 2E) NVLink into a GPU
 *     [2E, 2E + N) out of a NIC port      [2E + N, 2E + 2N) into a NIC port
 * A NIC port's number is topology_nic_port: that of its NIC (ends_nic), times the ports of a NIC, and which of them it is.
 * Where ports together can do more than their NIC, or the NICs of a GPU more than its PCIe (shared_nic), two directions
 * of that follow, by the first GPU that uses the NIC:
 *     [2E + 2N, 3E + 2N) out of a NIC     [3E + 2N, 4E + 2N) into a NIC */
#ifndef MOESIM_TOPOLOGY_ENDS_H
#define MOESIM_TOPOLOGY_ENDS_H

#include <stddef.h>

#include "hw/cluster.h"
#include "topology/topology.h"

/* Sets endpoints, GPUs per node and ports of t from hw; warns where a NIC is faster than its PCIe or
 * its switch port. */
void ends_begin(struct topology *t, const struct cluster_hw *hw, uint32_t ports_per_nic, struct diag *diag);
uint32_t ends_n_links(const struct topology *t);
/* Line rate of one of a NIC's ports. */
double ends_port_line_Bps(const struct cluster_hw *hw, uint32_t ports);
/* Payload per second of one of a NIC's ports and its cable, and of all together. Of several ports each has the rate that
 * the scenario gives (cluster.network.port_bandwidth), or its share of the NIC's; together they have the NIC's. */
double ends_port_payload_Bps(const struct cluster_hw *hw, uint32_t ports);
double ends_nic_payload_Bps(const struct cluster_hw *hw, uint32_t ports);
/* Of networks whose nodes are alike, between ends_begin and ends_n_links: the cluster.nic.per_node NICs of a node, of
 * `ports` ports each. GPUs share them in order, or have several each, in order. */
void ends_nics(struct topology *t, const struct cluster_hw *hw, uint32_t ports, struct arena *a, struct diag *diag);
/* Of other networks, instead: NICs of one port that GPUs share; the arrays must live as long as t. */
void ends_share(struct topology *t, const struct cluster_hw *hw, const struct nic_sharing *sharing,
                uint32_t ports_per_nic, uint32_t n_ports);
/* The switch vertex that a port of a NIC is cabled to. */
typedef uint32_t ends_leaf_fn(const struct topology *t, uint32_t nic, uint32_t port);
/* Fills the first ends_n_links() of t->links. */
void ends_build(struct topology *t, const struct cluster_hw *hw, ends_leaf_fn *leaf);

static inline bool ends_same_node(const struct topology *t, uint32_t a, uint32_t b)
{
    return a / t->gpus_per_node == b / t->gpus_per_node;
}
/* Of the links out of, and into, NIC ports; in order of the ports' numbers. */
static inline uint32_t ends_first_out(const struct topology *t)
{
    return 2 * t->n_endpoints;
}
static inline uint32_t ends_first_in(const struct topology *t)
{
    return 2 * t->n_endpoints + t->n_ports;
}
static inline uint32_t ends_nic_out(const struct topology *t, uint32_t endpoint, uint32_t port)
{
    return ends_first_out(t) + topology_nic_port(t, endpoint, port);
}
static inline uint32_t ends_nic_in(const struct topology *t, uint32_t endpoint, uint32_t port)
{
    return ends_first_in(t) + topology_nic_port(t, endpoint, port);
}
/* Ports of a NIC. */
static inline uint32_t ends_ports(const struct topology *t)
{
    return t->ports_per_nic / topology_nics_per_gpu(t);
}
/* Number of a GPU's NIC in the whole network, by one of the GPU's ports. */
static inline uint32_t ends_nic(const struct topology *t, uint32_t endpoint, uint32_t port)
{
    return topology_nic_port(t, endpoint, port) / ends_ports(t);
}
/* The first GPU that uses a NIC; `gpu` where that does, too. */
uint32_t ends_user(const struct topology *t, uint32_t nic, uint32_t gpu);
/* The link that a NIC's ports share before one of them, or behind; nothing where they cannot exceed it. Returns how many
 * links. */
uint32_t ends_shared_out(const struct topology *t, uint32_t nic, uint32_t *links);
uint32_t ends_shared_in(const struct topology *t, uint32_t nic, uint32_t *links);

/* --- paths from NIC to NIC of the same place at two GPUs, port by port -------------------------------------------------- */

/* How many there are between two NICs, over one port each. */
typedef uint32_t ends_ways_fn(const struct topology *t, uint32_t from, uint32_t to);
/* All minimal paths of two GPUs (one within a node); those that stand before a port's; those of one NIC. */
uint32_t ends_n_ways(const struct topology *t, uint32_t src, uint32_t dst, ends_ways_fn *ways);
uint32_t ends_first_way(const struct topology *t, uint32_t src, uint32_t dst, uint32_t port, ends_ways_fn *ways);
uint32_t ends_ways_of_nic(const struct topology *t, uint32_t src, uint32_t dst, uint32_t nic, ends_ways_fn *ways);
struct ends_way {
    uint32_t from, to, port; /* NICs, and which of their ports; port counts over all NICs of a GPU */
    uint32_t number;         /* of the paths between these */
};
/* Number `number` of all; for GPUs of two nodes. */
struct ends_way ends_way(const struct topology *t, uint32_t src, uint32_t dst, uint32_t number, ends_ways_fn *ways);

/* The NVLink hop between two GPUs of a node; returns 2. */
uint32_t ends_nvlink(const struct topology *t, uint32_t src, uint32_t dst, uint32_t *links);
/* The way between a GPU and the NIC of another GPU of its node, outward or inward: an NVLink hop to or from that
 * GPU; with a unified adapter only the GPU's own side of it. Nothing when gpu == nic. Returns how many links. */
uint32_t ends_to_nic(const struct topology *t, uint32_t gpu, uint32_t nic, uint32_t *links);
uint32_t ends_from_nic(const struct topology *t, uint32_t nic, uint32_t gpu, uint32_t *links);
/* Name of one of these links; NULL when the link is none of them. */
const char *ends_link_name(const struct topology *t, uint32_t link, char *buf, size_t size);

#endif

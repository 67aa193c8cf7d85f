/* Networks without switches: every GPU is a router at a place of a grid, cabled to others (full_mesh, torus). A GPU is a
 * node of its own, for there is no NVSwitch. Vertices are those of all topologies: GPU, one port into its own router,
 * router. The port is inside the chip: it has the bandwidth of all of the router's links together, and what a chip takes
 * to post a message (cluster.nic.latency) on either side. A link has the router that it leaves behind it
 * (cluster.network.switch_latency) and its cable. Place p of a grid: coordinate i is p / stride[i] % size[i]. */
#ifndef MOESIM_TOPOLOGY_LATTICE_H
#define MOESIM_TOPOLOGY_LATTICE_H

#include "hw/cluster.h"
#include "topology/topology.h"

enum { LATTICE_MAX_DIMS = 6 };

struct lattice {
    uint32_t n_dims, n; /* n: GPUs */
    uint32_t size[LATTICE_MAX_DIMS], stride[LATTICE_MAX_DIMS];
    double link_Bps[LATTICE_MAX_DIMS]; /* line rate of one link, one direction */
};

/* What users write, and the keys' names for messages. */
struct lattice_keys {
    const char *sizes, *sizes_key; /* "4, 4, 8" or "4x4x8"; their product is the number of GPUs */
    const char *bandwidths,
        *bandwidths_key; /* "50 GB/s", or one for each dimension; "" = cluster.network.port_bandwidth */
    uint32_t min_dims, max_dims;
};
/* 0, or -1 with what is wrong with the keys, or what does not fit the cluster. */
int lattice_read(const struct cluster_hw *hw, const struct lattice_keys *keys, struct lattice *out, struct diag *diag);

static inline uint32_t lattice_at(const struct lattice *l, uint32_t place, uint32_t dim)
{
    return place / l->stride[dim] % l->size[dim];
}

/* The place with another coordinate in one dimension. */
static inline uint32_t lattice_with(const struct lattice *l, uint32_t place, uint32_t dim, uint32_t coordinate)
{
    return place + (coordinate - lattice_at(l, place, dim)) * l->stride[dim];
}

/* Endpoints, ports and routers of t, and room for n_cables links between routers, numbered from ends_n_links(t) on. */
void lattice_begin(struct topology *t, const struct cluster_hw *hw, const struct lattice *l, double router_Bps,
                   uint32_t n_cables, struct arena *a);
/* The dimension in which a link between two routers goes. */
uint32_t lattice_dim(const struct topology *t, const struct lattice *l, uint32_t link);
/* A link between two routers. */
void lattice_link(struct topology *t, const struct cluster_hw *hw, uint32_t link, uint32_t from, uint32_t to,
                  double line_Bps, bool copper);
/* "GPU 3 to GPU 7 (dimension 1)" */
const char *lattice_link_name(const struct topology *t, const struct lattice *l, uint32_t link, char *buf, size_t size);

/* What chips of a grid do not have (struct topology_type). */
#define LATTICE_UNREAD \
    "node.nvlink_bandwidth node.nvlink_efficiency node.nvlink_latency node.unified_adapter node.pcie_bandwidth " \
    "nic.bandwidth network.switch_ports"

#endif

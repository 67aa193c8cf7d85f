/* PCIe, CPU links and host memory as resources that transfers cross (paper 4.5, 6.2). */
#ifndef MOESIM_MODELS_COMM_HOST_LINKS_H
#define MOESIM_MODELS_COMM_HOST_LINKS_H

#include "base/arena.h"
#include "hw/cluster.h"
#include "models/opgraph.h"

struct host_links {
    struct opgraph *graph;
    const struct cluster_hw *hw;
    uint32_t *into, *out_of;     /* PCIe of a GPU */
    uint32_t *from_cpu, *to_cpu; /* its link with the CPU; PCIe's where that is it */
    uint32_t *dram;              /* of a node */
};

void host_links_init(struct host_links *h, struct opgraph *graph, const struct cluster_hw *hw, uint32_t n_gpus,
                     struct arena *arena);
/* What a transfer between NICs crosses at its two ends. */
void host_links_cross(const struct host_links *h, struct transfer *t);
/* The CPU's memory to a GPU, or back, as part of op. `weight`: against transfers of the NIC. */
void host_copy(const struct host_links *h, uint32_t gpu, bool to_gpu, double bytes_B, double weight, uint32_t op);

#endif

/* A GPU and its NIC hang on one PCIe switch (paper Figure 2): what the NIC writes into the GPU and what comes from the
 * CPU share the GPU's own link, in each direction. Behind it the CPU's memory is shared by the GPUs of a node. With the
 * NIC in the I/O die its traffic is off PCIe; with a CPU link of its own the CPU's is.
 *
 * Left out: PCIe's packets and completions, the switch's uplink (as fast as the GPU's link), NUMA. */
#include "models/comm/host_links.h"

#include <stdio.h>

static uint32_t *resources(struct opgraph *g, uint32_t n, const char *owner, const char *what, double rate_Bps,
                           struct arena *arena)
{
    uint32_t *id = ARENA_ARRAY(arena, uint32_t, n);
    char name[64];
    for (uint32_t i = 0; i < n; i++) {
        snprintf(name, sizeof name, "%s%u.%s", owner, i, what);
        id[i] = opgraph_resource(g, rate_Bps, name);
    }
    return id;
}

void host_links_init(struct host_links *h, struct opgraph *graph, const struct cluster_hw *hw, uint32_t n_gpus,
                     struct arena *arena)
{
    const struct hw_host *host = &hw->node.host;
    *h = (struct host_links){.graph = graph, .hw = hw};
    h->into = resources(graph, n_gpus, "gpu", "PCIe_into_GPU", hw->node.pcie_Bps, arena);
    h->out_of = resources(graph, n_gpus, "gpu", "PCIe_out_of_GPU", hw->node.pcie_Bps, arena);
    h->from_cpu = h->into;
    h->to_cpu = h->out_of;
    if (host->cpu == CPU_OVER_NVLINK) {
        h->from_cpu = resources(graph, n_gpus, "gpu", "CPU_link_to_GPU", host->cpu_nvlink_Bps, arena);
        h->to_cpu = resources(graph, n_gpus, "gpu", "GPU_link_to_CPU", host->cpu_nvlink_Bps, arena);
    }
    h->dram = resources(graph, (uint32_t)(n_gpus / hw->node.gpus), "node", "host_memory",
                        host->dram_Bps / host->dram_touches_ratio, arena);
}

void host_links_cross(const struct host_links *h, struct transfer *t)
{
    if (h->hw->node.host.nic == NIC_IN_IO_DIE)
        return;
    t->res[t->n_res++] = h->out_of[t->src];
    t->res[t->n_res++] = h->into[t->dst];
}

void host_copy(const struct host_links *h, uint32_t gpu, bool to_gpu, double bytes_B, double weight, uint32_t op)
{
    struct transfer t = {.src_op = op,
                         .dst_op = op,
                         .src = gpu,
                         .dst = gpu,
                         .bytes_B = bytes_B,
                         .weight = weight,
                         .priority = (uint8_t)h->hw->traffic.kv_cache,
                         .n_res = 2,
                         .res = {to_gpu ? h->from_cpu[gpu] : h->to_cpu[gpu], h->dram[gpu / h->hw->node.gpus]}};
    opgraph_transfer(h->graph, &t);
}

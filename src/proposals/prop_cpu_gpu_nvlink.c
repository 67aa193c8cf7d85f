/* CPU and GPU joined by NVLink or the like (paper 4.5.2 (3), 6.2): caches and parameters do not cross PCIe. */
#include "proposals/parameters.h"
#include "proposals/proposal.h"

struct parameters {
    double rate_Bps;
};

static const struct cfg_field fields[] = {ROW_AMOUNT(parameters, "bandwidth", rate_Bps, DIM_BANDWIDTH, "450 GB/s", 1e9,
                                                     1e13,
                                                     "per GPU and direction (default: NVLink-C2C of Grace Hopper)"),
                                          {0}};
PARAMETERS("cpu_gpu_nvlink", fields);

static void apply(struct proposal_change *c, const void *parameters)
{
    const struct parameters *p = parameters;
    proposal_set(c, "cluster.node.host.cpu", "nvlink");
    proposal_set_number(c, "cluster.node.host.cpu_nvlink", p->rate_Bps);
}

const struct proposal prop_cpu_gpu_nvlink = {
    .name = "cpu_gpu_nvlink",
    .doc = "a link of its own between each GPU and the CPU's memory",
    .ref = "4.5.2, 6.2",
    .mechanism = PROPOSAL_REWRITE,
    .parameters = &table,
    .kinds = "kv_contention",
    .apply = apply,
    .trial = {.scenario = "scenarios/kv_contention.yaml", .metric = "cache_time", .better = BETTER_LOWER},
    .assumption = "the CPU's memory (614 GB/s a node) then limits all GPUs together",
};

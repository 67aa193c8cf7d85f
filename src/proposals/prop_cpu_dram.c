/* Host memory that keeps up with PCIe (paper 6.2): 160 lanes of PCIe 5.0 are 640 GB/s of a node, which takes about
 * 1 TB/s of DRAM. */
#include "proposals/parameters.h"
#include "proposals/proposal.h"

enum { LANES_OF_A_GPU = 16 }; /* cluster.node.pcie_bandwidth is a GPU's */

struct parameters {
    double bandwidth_Bps;
    int64_t lanes;
};

static const struct cfg_field fields[] = {
    ROW_AMOUNT(parameters, "bandwidth", bandwidth_Bps, DIM_BANDWIDTH, "1 TB/s", 1e9, 1e14, "of a node's CPUs"),
    ROW_COUNT(parameters, "lanes", lanes, "0", 0, 4096,
              "instead: what so many lanes of PCIe need, each byte dram_touches bytes of DRAM traffic (paper: 160)"),
    {0}};
PARAMETERS("cpu_dram", fields);

static void apply(struct proposal_change *c, const void *parameters)
{
    const struct parameters *p = parameters;
    double lane_Bps = proposal_number(c, "cluster.node.pcie_bandwidth") / LANES_OF_A_GPU;
    double needed_Bps = (double)p->lanes * lane_Bps * proposal_number(c, "cluster.node.host.dram_touches");
    proposal_set_number(c, "cluster.node.host.dram_bandwidth", p->lanes ? needed_Bps : p->bandwidth_Bps);
}

static const char *const set[] = {"kv.load=200 GB/s", "cluster.node.host.dram_touches=1.56", NULL};

const struct proposal prop_cpu_dram = {
    .name = "cpu_dram",
    .doc = "host memory of so much bandwidth",
    .ref = "6.2",
    .mechanism = PROPOSAL_PATCH,
    .parameters = &table,
    .kinds = "kv_contention",
    .apply = apply,
    .trial = {.scenario = "scenarios/kv_contention.yaml",
              .set = set,
              .metric = "cache_bandwidth",
              .better = BETTER_HIGHER},
    .assumption = "caches fill PCIe all the time; a byte over PCIe is 1.56 bytes of DRAM traffic (1 TB/s for 640 GB/s)",
};

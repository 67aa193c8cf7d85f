/* DRAM stacked on the accelerator (paper 6.6, 1; SeDRAM, VLSI'23): 135 GB/s for each Gbit, so that bandwidth and
 * capacity come together. */
#include "proposals/parameters.h"
#include "proposals/proposal.h"

struct parameters {
    double capacity_B, bandwidth_per_Gbit_Bps;
};

static const struct cfg_field fields[] = {
    ROW_AMOUNT(parameters, "capacity", capacity_B, DIM_BYTES, "80 GB", 1e9, 1e13, "of a chip"),
    ROW_AMOUNT(parameters, "per_Gbit", bandwidth_per_Gbit_Bps, DIM_BANDWIDTH, "135 GB/s", 1e6, 1e12,
               "bandwidth of each Gbit (SeDRAM: 135 GB/s, 0.66 pJ/bit)"),
    {0}};
PARAMETERS("dram_stacked", fields);

static void apply(struct proposal_change *c, const void *parameters)
{
    const struct parameters *p = parameters;
    proposal_set_number(c, "cluster.chip.memory", p->capacity_B);
    proposal_set_number(c, "cluster.chip.memory_bandwidth", p->capacity_B * 8 / 1e9 * p->bandwidth_per_Gbit_Bps);
}

static const char *const set[] = {"inference.simulate_layers=2", NULL};

const struct proposal prop_dram_stacked = {
    .name = "dram_stacked",
    .doc = "memory stacked on the chip, of SeDRAM's bandwidth per capacity",
    .ref = "6.6",
    .mechanism = PROPOSAL_PATCH,
    .parameters = &table,
    .kinds = "gemm inference serving speculative tpot_bound train_replay train_step",
    .apply = apply,
    .trial = {.scenario = "scenarios/decode_ep144.yaml", .set = set, .metric = "tpot", .better = BETTER_LOWER},
    .assumption =
        "80 GB fit on one chip; of 86 TB/s SMs load 15.5 (64 B a clock each); kernels' starts and tensor cores stay",
};

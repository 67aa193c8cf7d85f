/* System on wafer (paper 6.6, 2): many chips on one wafer, joined by its wires: one scale-up domain of all of them. */
#include "proposals/parameters.h"
#include "proposals/proposal.h"

struct parameters {
    double bandwidth_Bps, latency_s;
};

static const struct cfg_field fields[] = {
    ROW_AMOUNT(parameters, "bandwidth", bandwidth_Bps, DIM_BANDWIDTH, "4 TB/s", 1e9, 1e15,
               "of a chip, one direction (an assumption)"),
    ROW_AMOUNT(parameters, "latency", latency_s, DIM_TIME, "0.3 us", 1e-9, 1e-3, "chip to chip (an assumption)"),
    {0}};
PARAMETERS("system_on_wafer", fields);

static void apply(struct proposal_change *c, const void *parameters)
{
    const struct parameters *p = parameters;
    double chips = proposal_number(c, "cluster.nodes") * proposal_number(c, "cluster.node.gpus");
    if (chips > 1024) {
        proposal_misfit(c, "%.0f chips are more than a wafer holds; make cluster.nodes * cluster.node.gpus smaller",
                        chips);
        return;
    }
    proposal_set_number(c, "cluster.nodes", 1);
    proposal_set_number(c, "cluster.node.gpus", chips);
    proposal_set(c, "cluster.topology", "nvswitch");
    proposal_set_number(c, "cluster.node.nvlink_bandwidth", p->bandwidth_Bps);
    proposal_set_number(c, "cluster.node.nvlink_latency", p->latency_s);
}

static const char *const set[] = {"inference.simulate_layers=2", "inference.overlap=none", NULL};

const struct proposal prop_system_on_wafer = {
    .name = "system_on_wafer",
    .doc = "all chips on one wafer, a single scale-up domain",
    .ref = "6.6",
    .mechanism = PROPOSAL_REWRITE,
    .parameters = &table,
    .kinds = "inference speculative train_step",
    .apply = apply,
    .trial = {.scenario = "scenarios/decode_ep144.yaml", .set = set, .metric = "tpot", .better = BETTER_LOWER},
    .assumption =
        "4 TB/s and 0.3 us between chips, power and yield left out; with two micro-batches the network is hidden "
        "anyway",
};

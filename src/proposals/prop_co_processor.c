/* A communication co-processor (paper 4.4.2, 2): a programmable part of the I/O die moves, adds and casts tokens at its
 * own rate; SMs only start it. */
#include "proposals/parameters.h"
#include "proposals/proposal.h"

struct parameters {
    double rate_Bps;
};

static const struct cfg_field fields[] = {
    ROW_AMOUNT(parameters, "rate", rate_Bps, DIM_BANDWIDTH, "0 B/s", 0, 1e14,
               "what it moves per GPU and direction, own node counted; 0 = as fast as the links"),
    {0}};
PARAMETERS("co_processor", fields);

static void apply(struct proposal_change *c, const void *parameters)
{
    const struct parameters *p = parameters;
    proposal_needs_published_kernels(c);
    proposal_set(c, "cluster.ep_kernel.offload.forwarding", "true");
    proposal_set(c, "cluster.ep_kernel.offload.transport", "true");
    proposal_set(c, "cluster.ep_kernel.offload.reduce", "true");
    proposal_set(c, "cluster.ep_kernel.offload.layout", "true");
    proposal_set(c, "cluster.ep_kernel.offload.cast", "true");
    proposal_set_number(c, "cluster.ep_kernel.offload.rate", p->rate_Bps);
}

const struct proposal prop_co_processor = {
    .name = "co_processor",
    .doc = "a co-processor moves, adds and casts what dispatch and combine carry",
    .ref = "4.4.2",
    .mechanism = PROPOSAL_REWRITE,
    .parameters = &table,
    .kinds = "inference moe_exchange serving train_replay train_step",
    .apply = apply,
    .trial = {.scenario = "scenarios/train_replay_h800.yaml", .metric = "makespan", .better = BETTER_LOWER},
    .assumption = "it keeps up with the links (rate=0) and does not take memory bandwidth from computation",
};

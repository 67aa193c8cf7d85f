/* Hardware synchronisation (paper 4.4.2, 4): peers learn that data have arrived by a signal that travels behind them,
 * not by a round of completion events and flags. */
#include "proposals/parameters.h"
#include "proposals/proposal.h"

struct parameters {
    double latency_s;
};

static const struct cfg_field fields[] = {
    ROW_AMOUNT(parameters, "latency", latency_s, DIM_TIME, "2.8 us", 0, 1,
               "from the last arrival until all know (default: one crossing of the network, Table 5)"),
    {0}};
PARAMETERS("hardware_sync", fields);

static void apply(struct proposal_change *c, const void *parameters)
{
    const struct parameters *p = parameters;
    proposal_needs_published_kernels(c);
    proposal_set_number(c, "cluster.ep_kernel.barrier", p->latency_s);
}

const struct proposal prop_hardware_sync = {
    .name = "hardware_sync",
    .doc = "hardware signals arrival: barriers of dispatch and combine cost one crossing of the network",
    .ref = "4.4.2",
    .mechanism = PROPOSAL_PATCH,
    .parameters = &table,
    .kinds = "inference serving train_replay train_step",
    .apply = apply,
    .trial = {.scenario = "scenarios/train_replay_h800.yaml", .metric = "barrier_wait", .better = BETTER_LOWER},
    .assumption = "the barrier's latency, not the skew of ranks, is what is saved; skew is most of the waiting",
};

/* Node-limited routing (paper 4.3): a token goes to experts on at most M nodes, so that it crosses the network M
 * times at most. DeepSeek-V3 trained with M = 4; another M is another model, whose quality is not known here. */
#include "proposals/parameters.h"
#include "proposals/proposal.h"

struct parameters {
    int64_t nodes;
};

static const struct cfg_field fields[] = {
    ROW_COUNT(parameters, "nodes", nodes, "4", 1, 64, "nodes whose experts a token may choose (M)"), {0}};
PARAMETERS("node_limited", fields);

static void apply(struct proposal_change *c, const void *parameters)
{
    const struct parameters *p = parameters;
    const char *key = proposal_kind_is(c, "train_replay")   ? "replay.routing.groups_per_token"
                      : proposal_kind_is(c, "moe_exchange") ? "moe.routing.groups_per_token"
                                                            : "llm.moe.top_groups";
    proposal_set_number(c, key, (double)p->nodes);
}

const struct proposal prop_node_limited = {
    .name = "node_limited",
    .doc = "tokens choose experts on at most so many nodes",
    .ref = "4.3",
    .mechanism = PROPOSAL_REWRITE,
    .parameters = &table,
    .kinds = "inference moe_exchange serving speculative train_replay train_step",
    .apply = apply,
    .trial = {.scenario = "scenarios/proposals/exchange_unlimited.yaml",
              .metric = "normal_dispatch_time",
              .better = BETTER_LOWER},
    .assumption = "scores of experts are independent: an unlimited top-8 then reaches 5.3 of 8 nodes, not 8",
    .validated = "M = 4 is what DeepEP was measured with (46 GB/s at EP64, 24 SMs); other M were not",
};

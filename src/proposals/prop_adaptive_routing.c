/* Adaptive routing and packet spraying (paper 5.2.2 (2), 6.3 (3)) where ECMP's hashes collide. */
#include "hw/cluster.h"
#include "proposals/parameters.h"
#include "proposals/proposal.h"

struct parameters {
    int policy;
    double rebalance_s;
};

static const struct cfg_field fields[] = {
    ROW_CHOICE(parameters, "policy", policy, "adaptive", routing_policy_names,
               "adaptive: the least loaded path; spray: packets over all; static: tables by destination"),
    ROW_AMOUNT(parameters, "rebalance", rebalance_s, DIM_TIME, "0 s", 0, 1,
               "adaptive: how often running flows may move; 0 = never"),
    {0}};
PARAMETERS("adaptive_routing", fields);

static void apply(struct proposal_change *c, const void *parameters)
{
    const struct parameters *p = parameters;
    const char *name = routing_policy_names[p->policy];
    if (proposal_kind_is(c, "routing_study"))
        proposal_set(c, "routing_study.policies", name);
    else
        proposal_set(c, "cluster.network.routing.policy", name);
    if (p->rebalance_s > 0)
        proposal_set_number(c, "cluster.network.routing.rebalance", p->rebalance_s);
}

static const char *const set[] = {"routing_study.policies=ecmp", "routing_study.seeds=3", "routing_study.groups=16",
                                  NULL};

const struct proposal prop_adaptive_routing = {
    .name = "adaptive_routing",
    .doc = "paths by load, or packets over all paths, instead of hashes or tables",
    .ref = "5.2.2, 6.3",
    .mechanism = PROPOSAL_POLICY,
    .parameters = &table,
    .kinds = "collective inference kv_contention mixed_traffic moe_exchange queueing "
             "routing_study tpot_bound train_replay train_step",
    .apply = apply,
    .trial = {.scenario = "scenarios/fig8_roce_routing.yaml",
              .set = set,
              .metric = "first_busbw",
              .better = BETTER_HIGHER},
    .assumption = "one queue pair per connection (more even ECMP out), loads known at once, placements at random",
    .validated = "paper Figure 8 shows ECMP below adaptive; it prints no numbers",
};

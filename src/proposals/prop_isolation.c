/* Inference isolated from training in one cluster (paper 6.3, 5): its traffic goes before gradients on every link. */
#include "proposals/parameters.h"
#include "proposals/proposal.h"

static void apply(struct proposal_change *c, const void *parameters)
{
    (void)parameters;
    proposal_set(c, "cluster.traffic.expert", "0");
    proposal_set(c, "cluster.traffic.gradient", "3");
}

const struct proposal prop_isolation = {
    .name = "isolation",
    .doc = "expert traffic (of inference) before gradients (of training) on every link",
    .ref = "6.3",
    .mechanism = PROPOSAL_POLICY,
    .kinds = "mixed_traffic",
    .apply = apply,
    .trial = {.scenario = "scenarios/incast_mixed.yaml", .metric = "first_slower", .better = BETTER_LOWER},
    .assumption = "strict priorities on all links; the training traffic pays, and queues are not modelled",
};

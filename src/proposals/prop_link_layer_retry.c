/* Link-layer retry (paper 6.3, 4): a link that comes back sends again what was lost; without it the transport waits for
 * its timer. */
#include "proposals/proposal.h"

static void apply(struct proposal_change *c, const void *parameters)
{
    (void)parameters;
    if (proposal_kind_is(c, "reliability"))
        proposal_set(c, "cluster.failures.link_retry", "true");
    else if (proposal_has_packets(c))
        proposal_set(c, "cluster.packet.llr", "true");
}

static const char *const set[] = {"reliability.gpus=2048", "reliability.replicas=20", NULL};

const struct proposal prop_link_layer_retry = {
    .name = "link_layer_retry",
    .doc = "links send again what a flap has lost, before the transport's timer",
    .ref = "6.1, 6.3",
    .mechanism = PROPOSAL_POLICY,
    .kinds = "collective moe_exchange queueing reliability",
    .apply = apply,
    .trial = {.scenario = "scenarios/reliability_2048.yaml",
              .set = set,
              .metric = "stalls_per_day",
              .better = BETTER_LOWER},
    .assumption = "a flap per NIC in 100 days, 3 s long; a lost packet waits 4.3 s for the transport's timer",
};

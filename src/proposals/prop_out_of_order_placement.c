/* Out-of-order placement in the NIC (paper 5.1): packets that a sprayed message's others overtook are written where they
 * belong; a NIC without it discards them and asks again. */
#include "proposals/proposal.h"

static void apply(struct proposal_change *c, const void *parameters)
{
    (void)parameters;
    if (!proposal_has_packets(c))
        return;
    proposal_set(c, "cluster.packet.placement", "out_of_order");
}

static const char *const set[] = {"queueing.variants=", "cluster.network.routing.policy=spray", NULL};

const struct proposal prop_out_of_order_placement = {
    .name = "out_of_order_placement",
    .doc = "NICs take packets in any order",
    .ref = "5.1",
    .mechanism = PROPOSAL_POLICY,
    .kinds = "collective moe_exchange queueing",
    .apply = apply,
    .trial = {.scenario = "scenarios/spraying.yaml", .set = set, .metric = "as_given_of_fluid", .better = BETTER_LOWER},
    .assumption = "packets are sprayed; a NIC without it goes back to the first that is missing",
};

/* Selective retransmission (paper 6.3, 4): only what was lost is sent again, not all behind it. */
#include "proposals/proposal.h"

static void apply(struct proposal_change *c, const void *parameters)
{
    (void)parameters;
    if (!proposal_has_packets(c))
        return;
    proposal_set(c, "cluster.packet.retransmission", "selective");
    proposal_set(c, "cluster.packet.placement", "out_of_order");
}

static const char *const set[] = {"queueing.variants=", "queueing.loss_rates=1e-3", NULL};

const struct proposal prop_selective_retransmission = {
    .name = "selective_retransmission",
    .doc = "NICs send again only the packets that were lost",
    .ref = "6.3",
    .mechanism = PROPOSAL_POLICY,
    .kinds = "collective moe_exchange queueing",
    .apply = apply,
    .trial = {.scenario = "scenarios/retransmission.yaml",
              .set = set,
              .metric = "as_given_of_fluid",
              .better = BETTER_LOWER},
    .assumption = "each link loses one packet in 1,000 (a bad cable); at 1 in 100,000 nothing is gained",
};

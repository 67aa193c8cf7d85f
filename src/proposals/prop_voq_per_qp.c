/* Virtual output queues per queue pair (paper 5.2.2, 3): a flow that is held up holds up nobody else. */
#include "proposals/proposal.h"

static void apply(struct proposal_change *c, const void *parameters)
{
    (void)parameters;
    if (!proposal_has_packets(c))
        return;
    proposal_set(c, "cluster.packet.queueing", "voq_qp");
    proposal_set(c, "cluster.packet.backpressure", "qp");
}

static const char *const set[] = {"queueing.variants=", "cluster.packet.flow_control=pfc", NULL};

const struct proposal prop_voq_per_qp = {
    .name = "voq_per_qp",
    .doc = "switches queue and pause each queue pair by itself",
    .ref = "5.2.2",
    .mechanism = PROPOSAL_POLICY,
    .kinds = "collective moe_exchange queueing",
    .apply = apply,
    .trial = {.scenario = "scenarios/incast_packet.yaml",
              .set = set,
              .metric = "as_given_victim_slower",
              .better = BETTER_LOWER},
    .assumption = "16-to-1 incast beside a message that shares an uplink; room for a queue per queue pair",
};

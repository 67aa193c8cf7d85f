/* Flexible forwarding, broadcast and reduce across both domains (paper 4.4.2, 3): what SMs do for dispatch and combine
 * between the network and NVLink, done by hardware on the way. */
#include "proposals/proposal.h"

static void apply(struct proposal_change *c, const void *parameters)
{
    (void)parameters;
    proposal_needs_published_kernels(c);
    proposal_set(c, "cluster.ep_kernel.offload.forwarding", "true");
    proposal_set(c, "cluster.ep_kernel.offload.reduce", "true");
    proposal_set(c, "cluster.ep_kernel.multicast", "both");
    proposal_set(c, "cluster.ep_kernel.reduction", "both");
}

const struct proposal prop_hardware_forwarding = {
    .name = "hardware_forwarding",
    .doc = "hardware forwards, copies and adds up tokens between the network and NVLink",
    .ref = "4.4.2",
    .mechanism = PROPOSAL_REWRITE,
    .kinds = "moe_exchange train_replay train_step",
    .apply = apply,
    .trial = {.scenario = "scenarios/proposals/exchange.yaml",
              .metric = "normal_dispatch_time",
              .better = BETTER_LOWER},
    .assumption = "senders still copy with SMs (transport), once per token instead of once per node",
};

/* A unified adapter (paper 4.4.2, 1): NICs are ports of the scale-up network, too. What a NIC brings goes to any GPU of
 * the node without crossing the NVLink of its own GPU or waiting for a chunk to be complete, and the other way round;
 * forwarding needs no SMs. */
#include <string.h>

#include "proposals/proposal.h"

static void apply(struct proposal_change *c, const void *parameters)
{
    (void)parameters;
    if (proposal_kind_is(c, "collective") && !strcmp(proposal_text(c, "collective.pxn"), "true"))
        proposal_misfit(
            c, "with PXN messages are on the NIC's own GPU before they leave, so that no adapter has anything to "
               "forward; give '-s collective.pxn=false'");
    proposal_set(c, "cluster.node.unified_adapter", "true");
    if (!proposal_kind_is(c, "collective") && !proposal_kind_is(c, "mixed_traffic")) {
        proposal_needs_published_kernels(c);
        proposal_set(c, "cluster.ep_kernel.offload.forwarding", "true");
    }
}

const struct proposal prop_unified_adapter = {
    .name = "unified_adapter",
    .doc = "NICs have ports of their own in the scale-up network and forward packets to any GPU of the node",
    .ref = "4.4.2, 5.1",
    .mechanism = PROPOSAL_REWRITE,
    .kinds = "collective inference mixed_traffic moe_exchange serving train_replay train_step",
    .apply = apply,
    .trial = {.scenario = "scenarios/proposals/alltoall.yaml", .metric = "smallest_time", .better = BETTER_LOWER},
    .assumption = "the adapter's port is as fast as a GPU's NVLink and saves half of its latency",
};

/* Region Acquire/Release (paper 6.4): the receiver's NIC knows which writes of a region are missing and holds the flag
 * back until they have come. Without it a sender whose packets may overtake each other waits a round trip (a fence, or
 * an atomic after sprayed writes) before it sends the flag. */
#include <string.h>

#include "proposals/proposal.h"

static void apply(struct proposal_change *c, const void *parameters)
{
    (void)parameters;
    proposal_needs_low_latency_kernels(c);
    if (!strcmp(proposal_text(c, "cluster.ep_kernel.ordering"), "path"))
        proposal_misfit(c,
                        "flags follow their data in order here, which takes no fences; packets that may overtake each "
                        "other need '-s cluster.ep_kernel.ordering=fence'");
    proposal_set(c, "cluster.ep_kernel.ordering", "region");
}

static const char *const set[] = {"cluster.ep_kernel.ordering=fence", "moe.low_latency.tokens=32", NULL};

const struct proposal prop_region_acquire_release = {
    .name = "region_acquire_release",
    .doc = "the receiver's NIC orders flags behind the data that they announce, without fences",
    .ref = "6.4",
    .mechanism = PROPOSAL_POLICY,
    .kinds = "inference kv_contention moe_exchange serving speculative tpot_bound",
    .apply = apply,
    .trial = {.scenario = "scenarios/proposals/exchange_decode.yaml",
              .set = set,
              .metric = "low_latency_dispatch_time",
              .better = BETTER_LOWER},
    .assumption =
        "packets are sprayed, so that flags need fences today; 32 tokens per GPU; stalls of the issuing thread "
        "are left out",
};

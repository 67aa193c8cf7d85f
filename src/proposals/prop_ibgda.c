/* Who posts messages to the NIC (paper 5.2.3): threads of the GPU (InfiniBand GPUDirect Async) or a proxy thread on the
 * CPU, which handles them one after the other. */
#include "proposals/parameters.h"
#include "proposals/proposal.h"

struct parameters {
    int initiator;
};

static const char *const initiators[] = {"cpu_proxy", "ibgda", NULL};

static const struct cfg_field fields[] = {ROW_CHOICE(parameters, "initiator", initiator, "ibgda", initiators,
                                                     "who fills work requests and rings the doorbell"),
                                          {0}};
PARAMETERS("ibgda", fields);

static void apply(struct proposal_change *c, const void *parameters)
{
    const struct parameters *p = parameters;
    const char *who = initiators[p->initiator];
    if (proposal_kind_is(c, "collective") || proposal_kind_is(c, "mixed_traffic")) {
        proposal_set(c, "cluster.software.initiator", who);
        return;
    }
    proposal_needs_low_latency_kernels(c);
    proposal_set(c, "cluster.ep_kernel.low_latency_initiator", who);
}

static const char *const set[] = {"cluster.ep_kernel.low_latency_initiator=cpu_proxy", NULL};

const struct proposal prop_ibgda = {
    .name = "ibgda",
    .doc = "the GPU posts its messages itself, without a proxy thread on the CPU",
    .ref = "5.2.3",
    .mechanism = PROPOSAL_POLICY,
    .parameters = &table,
    .kinds = "collective inference mixed_traffic moe_exchange serving speculative tpot_bound",
    .apply = apply,
    .trial = {.scenario = "scenarios/proposals/exchange_decode.yaml",
              .set = set,
              .metric = "low_latency_dispatch_time",
              .better = BETTER_LOWER},
    .assumption = "one proxy thread per GPU that posts 1.7 million messages a second",
    .validated = "with ibgda: DeepEP's EP64 dispatch takes 186 us; message rates: NVIDIA 2022 (MODEL.md 12)",
};

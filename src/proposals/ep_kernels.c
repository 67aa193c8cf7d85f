/* Which of DeepEP's kernels a scenario runs: a proposal about the others would change nothing without saying so. */
#include "proposals/proposal.h"

#include <string.h>

struct kernels {
    bool normal, low_latency;
};

static struct kernels kernels_of(struct proposal_change *c)
{
    if (proposal_kind_is(c, "inference")) {
        const char *phase = proposal_text(c, "inference.phase");
        return (struct kernels){strcmp(phase, "decode") != 0, strcmp(phase, "prefill") != 0};
    }
    if (proposal_kind_is(c, "moe_exchange"))
        return (struct kernels){*proposal_text(c, "moe.normal.gpus") != 0,
                                *proposal_text(c, "moe.low_latency.gpus") != 0};
    bool decoding = proposal_kind_is(c, "tpot_bound") || proposal_kind_is(c, "kv_contention");
    return (struct kernels){!decoding, decoding};
}

void proposal_needs_normal_kernels(struct proposal_change *c)
{
    if (!kernels_of(c).normal)
        proposal_misfit(c, "it is about DeepEP's normal kernels, and this scenario exchanges tokens by the low-latency "
                           "ones only, which hold no SMs, forward nothing and have no barriers; take prefill, training "
                           "or moe.normal.gpus");
}

void proposal_needs_low_latency_kernels(struct proposal_change *c)
{
    if (!kernels_of(c).low_latency)
        proposal_misfit(c, "it is about DeepEP's low-latency kernels, and this scenario exchanges tokens by the normal "
                           "ones only; take decoding or moe.low_latency.gpus");
}

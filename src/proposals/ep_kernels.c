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

/* The kernel for many tokens, where keys choose it: a trace, and moe.normal, have DeepEP's as published. */
static const char *chosen_kernel(struct proposal_change *c)
{
    bool training = proposal_kind_is(c, "train_step");
    const char *named = proposal_text(c, "cluster.ep_kernel.kernel");
    if (training ? strcmp(proposal_text(c, "train.chunks.source"), "kernels") != 0
                 : !proposal_kind_is(c, "inference") && !proposal_kind_is(c, "serving"))
        return NULL;
    return strcmp(named, "auto") != 0 ? named : proposal_text(c, "cluster.ep_kernel.throughput_kernel");
}

void proposal_needs_published_kernels(struct proposal_change *c)
{
    const char *kernel = chosen_kernel(c);
    proposal_needs_normal_kernels(c);
    if (kernel && strcmp(kernel, "deepep_normal_2025_02") != 0)
        proposal_misfit(c,
                        "it is about what SMs do in DeepEP's normal kernels as published, and here %s exchanges "
                        "tokens; give '-s cluster.ep_kernel.kernel=deepep_normal_2025_02', with and without it",
                        kernel);
}

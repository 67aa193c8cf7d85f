/* TensorRT-LLM's one-sided kernels (cpp/tensorrt_llm/kernels/communicationKernels/moeAlltoAllKernels.cu, 1.3): ranks of one
 * NVLink domain write into each other's memory, and read it.
 *
 * Dispatch: a block for each token reads it once and stores it to each rank that hosts chosen experts; no counts are
 * known before, each sender has a place for all its tokens. The last block tells everyone how many came, and waits for
 * the flags of all. Combine: every block waits for flags of all ranks, then loads its token's copies from where they
 * were computed, four kilobytes at a time, and adds them up: loads over NVLink, one behind the other. Indices and
 * weights of a token travel along. */
#include "models/comm/ep_kernel.h"

#include <math.h>
#include <stdio.h>

#include "models/comm/wire_format.h"

enum { BLOCK_B = 256 * 16 /* what a block moves at once */, CHOICE_B = 4 + 4 };

static void cost(const struct ep_call *c, const struct hw_ep_constants *k, struct ep_cost *out)
{
    bool back = c->phase == EP_COMBINE;
    double load_s = c->hw->ep_kernel.copies.load_s, nvlink_s = c->hw->node.nvlink_latency_s;
    *out = (struct ep_cost){.copies = EP_A_COPY_A_RANK,
                            .token_B = wire_format_B(c->format, c->hidden) + (back ? 0 : (double)c->top_k * CHOICE_B),
                            .start_s = k->start_s[back],
                            .nvlink_Bps = k->nvlink_ratio[back] * c->hw->node.nvlink_Bps,
                            .sms = (double)c->hw->chip.sms};
    /* flags come from the slowest of all, whose number grows: one more hop each time they double; a combine waits for
     * flags, and then for what the slowest has */
    out->start_s += (back ? 2 : 1) * log2(fmax(1, c->traffic->group.ranks)) * nvlink_s;
    if (back) { /* a token's loads, there and back, are hidden once links are full */
        double n = c->traffic->group.ranks, chain_s = ceil(out->token_B / BLOCK_B) * (nvlink_s + load_s);
        double link_s = c->tokens * c->traffic->ranks_per_token * (n - 1) / n * out->token_B / out->nvlink_Bps;
        out->end_s = fmax(0, chain_s - link_s);
    }
}

static const char *misfit(const struct ep_call *c, char *why, size_t size)
{
    return ep_needs_one_node(c, why, size);
}

const struct ep_kernel_type ep_nvlink_one_sided = {
    .name = "nvlink_one_sided",
    .doc =
        "TensorRT-LLM's one-sided kernels: stores into, and loads out of, the memory of other GPUs of an NVLink domain",
    .software = "TensorRT-LLM 1.3",
    .ref = "2.3.2",
    .latency = true,
    .constants = offsetof(struct hw_ep_kernel, nvlink_one_sided),
    .nearest = {.software = "GB200", .start_s = {14.5e-6, 16e-6}, .nvlink_ratio = {0.73, 0.74}},
    .misfit = misfit,
    .cost = cost,
};

/* TensorRT-LLM's two-sided kernels (fusedMoeCommKernels.cu, moePrepareKernels.cu, 1.3): senders and receivers of one NVLink
 * domain pass tokens through queues in each other's memory.
 *
 * Prepare: what each rank will get, counted from all choices, and where it goes: a pass over the tokens' choices, and a
 * round of counts. Dispatch: groups of warps take a token each, pack its fields, and push it through the queue of its
 * rank, whose warps copy it to its place: SMs touch a token twice, so a little time a token beside the bytes. Combine:
 * the same backwards, in BF16, without adding up; or cast to four bits on the way, which the SMs' arithmetic limits. */
#include "models/comm/ep_kernel.h"

#include <math.h>
#include <string.h>

#include "models/comm/wire_format.h"

enum { CHOICE_B = 4 + 4 };

static void prepare(const struct ep_call *c, const struct hw_ep_constants *k, struct ep_cost *out)
{
    const struct hw_sm_copies *s = &c->hw->ep_kernel.copies;
    /* choices are counted 32 at a time by each rank's block; blocks wait for the last of them */
    double each_s = s->scan_s / 32 * (1 + 1.0 / c->traffic->group.ranks);
    /* counts of all come from the slowest, whose number grows */
    double wait_s = 0.45 * c->hw->node.nvlink_latency_s * log2(fmax(1, c->traffic->group.ranks));
    *out = (struct ep_cost){.start_s = k->start_s[0] + wait_s, .end_s = c->tokens * each_s};
}

static void cost(const struct ep_call *c, const struct hw_ep_constants *k, struct ep_cost *out)
{
    bool back = c->phase == EP_COMBINE, cast = back && strcmp(c->format, "bf16");
    double copies = c->traffic->ranks_per_token, sms = (double)c->hw->chip.sms;
    if (c->phase >= EP_PREPARE) {
        prepare(c, k, out);
        return;
    }
    *out = (struct ep_cost){.copies = EP_A_COPY_A_RANK,
                            .token_B = wire_format_B(c->format, c->hidden) + (back ? 0 : (double)c->top_k * CHOICE_B),
                            .start_s = k->start_s[back],
                            .nvlink_Bps = k->nvlink_ratio[back] * c->hw->node.nvlink_Bps,
                            .sms = sms};
    /* a token at its sender and at its receiver, where warps of 8 an SM each take one at a time */
    double touch_s = c->hw->ep_kernel.copies.load_s * (cast ? 5 : 1) * 2;
    out->engine_Bps[EP_SEND] = sms * 8 * out->token_B / (touch_s * (cast ? 4 : 1));
    out->end_s = c->tokens * copies * touch_s / (sms * 8 * copies);
}

static const char *misfit(const struct ep_call *c, char *why, size_t size)
{
    return ep_needs_one_node(c, why, size);
}

const struct ep_kernel_type ep_nvlink_two_sided = {
    .name = "nvlink_two_sided",
    .doc = "TensorRT-LLM's two-sided kernels: tokens through queues in the memory of other GPUs of an NVLink domain",
    .software = "TensorRT-LLM 1.3",
    .ref = "2.3.2",
    .latency = true,
    .prepares = true,
    .constants = offsetof(struct hw_ep_kernel, nvlink_two_sided),
    .nearest = {.software = "GB200", .start_s = {12.3e-6, 12.5e-6}, .nvlink_ratio = {0.70, 0.57}},
    .misfit = misfit,
    .cost = cost,
};

/* Perplexity's kernels (pplx-kernels, csrc/all_to_all, 2025): a message a token and expert through NVSHMEM.
 *
 * Dispatch: every block walks through all tokens to know where each goes, and sends those that are its own: one put with
 * a signal for each expert. NVSHMEM's puts of a GPU to its NIC go one after the other (one queue pair a peer, whose lock
 * and doorbell each put takes), which is what a kernel of 128 tokens does nearly all of the time; a thread on the CPU
 * in its place is slower still. Combine: the same without the walk. Then the grid meets, and what came is copied or
 * added up. Inside a node stores go over NVLink, and with no peer outside it a simpler kernel runs. */
#include "models/comm/ep_kernel.h"

#include "models/comm/wire_format.h"

enum { INDEX_B = 16, COUNT_QUEUES = 4 };

/* A put with its signal: a work request, a lock, a doorbell, and the same for the signal; by a thread on the CPU: two of
 * its messages. */
static double put_s(const struct ep_call *c)
{
    bool gpu = c->hw->ep_kernel.ll_initiator == INITIATOR_IBGDA;
    return 2 * (gpu ? c->hw->ep_kernel.copies.load_s : hw_message_s(&c->hw->software, INITIATOR_CPU_PROXY));
}

static void cost(const struct ep_call *c, const struct hw_ep_constants *k, struct ep_cost *out)
{
    bool back = c->phase == EP_COMBINE, far = c->traffic->nodes > 1;
    double n = c->traffic->group.ranks, memory_Bps = c->hw->chip.memory_Bps * c->hw->kernels.pass.copy_ratio;
    *out = (struct ep_cost){.copies = EP_A_COPY_A_PAIR,
                            .token_B = wire_format_B(c->format, c->hidden) + INDEX_B,
                            .start_s = k->start_s[back],
                            .nvlink_Bps = k->nvlink_ratio[back] * c->hw->node.nvlink_Bps,
                            .message_s = put_s(c),
                            .hooks = true,
                            .sms = (double)c->hw->chip.sms};
    out->message_B = out->token_B;
    out->end_s = 2 * c->tokens * (double)c->top_k * out->token_B / memory_Bps;
    if (!back) /* every block looks at every token's choices */
        out->start_s += c->tokens * c->hw->ep_kernel.copies.scan_s / 2;
    if (!far)
        return;
    bool gpu = c->hw->ep_kernel.ll_initiator == INITIATOR_IBGDA;
    out->network_s = gpu ? c->hw->ep_kernel.copies.network_flag_s : hw_step_s(&c->hw->software, INITIATOR_CPU_PROXY);
    if (back)
        return;
    double far_experts = (double)c->experts * (1 - (c->traffic->per_node ? c->traffic->per_node : 1) / n);
    out->rounds = 1; /* counts: a signal for each expert, on a few queue pairs at once */
    out->start_s += far_experts * put_s(c) / (gpu ? COUNT_QUEUES : 1);
}

const struct ep_kernel_type ep_pplx = {
    .name = "pplx",
    .doc = "Perplexity's kernels: a put with a signal a token and expert, through NVSHMEM",
    .software = "pplx-kernels, 2025",
    .ref = "5.2.3",
    .latency = true,
    .constants = offsetof(struct hw_ep_kernel, pplx),
    .nearest = {.software = "H100", .start_s = {40e-6, 40e-6}, .nvlink_ratio = {0.6, 0.5}},
    .cost = cost,
};

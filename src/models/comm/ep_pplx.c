/* Perplexity's kernels (pplx-kernels, csrc/all_to_all, 2025): a message a token and expert through NVSHMEM.
 *
 * Dispatch: every block walks through all tokens to know where each goes, and sends those that are its own: one put with
 * a signal for each expert. NVSHMEM's puts of a GPU to its NIC go one after the other (one queue pair a peer, whose lock
 * and doorbell each put takes), which is what a kernel of 128 tokens does nearly all of the time; a thread on the CPU
 * in its place is slower still. Combine: the same without the walk. Then the grid meets, and what came is copied or
 * added up. Inside a node stores go over NVLink, and with no peer outside it a simpler kernel runs. */
#include "models/comm/ep_kernel.h"

#include "models/comm/wire_format.h"

enum { INDEX_B = 16 };

/* A put with its signal: a work request, a lock, a doorbell, a signal; by a thread on the CPU: two of its messages. */
static double put_s(const struct ep_call *c)
{
    bool gpu = c->hw->ep_kernel.ll_initiator == INITIATOR_IBGDA;
    return gpu ? c->hw->ep_kernel.copies.load_s : 2 * hw_message_s(&c->hw->software, INITIATOR_CPU_PROXY);
}

static void cost(const struct ep_call *c, const struct hw_ep_constants *k, struct ep_cost *out)
{
    bool back = c->phase == EP_COMBINE, far = c->traffic->nodes > 1;
    double load_s = c->hw->ep_kernel.copies.load_s;
    *out = (struct ep_cost){.copies = EP_A_COPY_A_PAIR,
                            .token_B = wire_format_B(c->format, c->hidden) + INDEX_B,
                            .start_s = k->start_s[back],
                            .nvlink_Bps = k->nvlink_ratio[back] * c->hw->node.nvlink_Bps,
                            .sms = (double)c->hw->chip.sms};
    if (!back)
        out->start_s += c->tokens * load_s * 0.55; /* every block looks at every token's choices */
    out->message_s = put_s(c);
    out->message_B = out->token_B;
    if (far) {
        out->rounds = back ? 0 : 2; /* counts, and signals of the round before */
        out->network_s =
            c->hw->ep_kernel.copies.network_flag_s + 2 * out->message_s * (double)c->experts / c->traffic->group.ranks;
        if (!back)
            out->start_s +=
                out->message_s * (double)c->experts / 8; /* a signal of counts for each expert, by 8 queue pairs */
    }
    double memory_Bps = c->hw->chip.memory_Bps * c->hw->kernels.pass.copy_ratio;
    out->end_s = 2 * c->tokens * (double)c->top_k * out->token_B / memory_Bps;
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

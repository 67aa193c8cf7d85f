/* DeepEP's low-latency kernels as published (csrc/kernels/internode_ll.cu, February 2025): those of June 2025 without
 * NVLink. Every (token, expert) pair is a message that the GPU posts itself (IBGDA), and GPUs of one node, too, exchange
 * through their NICs (loopback). What is no transfer - casts, counts, sums, starts - is a time per kernel, measured at
 * 128 tokens (cluster.ep_kernel.low_latency_*), half of it before and half behind the transfer (models/comm/deepep_ll.h). */
#include "models/comm/deepep_ll.h"
#include "models/comm/ep_kernel.h"

static double codec_Bps(const struct ep_call *c)
{
    return c->phase == EP_COMBINE ? ll_codec_Bps(c->hw) : 0;
}

static void cost(const struct ep_call *c, const struct hw_ep_constants *k, struct ep_cost *out)
{
    const struct hw_ep_kernel *ep = &c->hw->ep_kernel;
    bool back = c->phase == EP_COMBINE;
    double message_B = ll_message_B(ep, c->hidden, back);
    double own_s = ll_own_s(c->hw, c->tokens, (double)c->top_k, message_B, back);
    (void)k;
    *out = (struct ep_cost){.copies = EP_A_COPY_A_PAIR,
                            .token_B = message_B,
                            .start_s = own_s / 2,
                            .end_s = own_s / 2,
                            .message_s = hw_message_s(&c->hw->software, (enum initiator)ep->ll_initiator),
                            .message_B = message_B,
                            .sms = (double)c->hw->chip.sms,
                            .hooks = true,
                            .through_nic = c->loopback,
                            .keeps_own = true,
                            .round_trips = ep->ordering == ORDERING_FENCE};
    out->engine_Bps[EP_SEND] = out->engine_Bps[EP_RECEIVE] = codec_Bps(c);
}

const struct ep_kernel_type ep_deepep_low_latency_2025_02 = {
    .name = "deepep_low_latency_2025_02",
    .doc = "DeepEP's low-latency kernels as published: a message a token and expert, by the NIC",
    .software = "DeepEP, February 2025",
    .ref = "4.4",
    .latency = true,
    .loops = true,
    .nearest = {.software = "cluster.ep_kernel.low_latency_dispatch, .low_latency_combine"},
    .cost = cost,
};

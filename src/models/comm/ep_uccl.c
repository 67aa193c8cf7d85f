/* UCCL-EP (uccl-project/uccl, ep/, 2025): DeepEP's interface over any NIC. The GPU leaves requests in a ring; threads on
 * the CPU (proxies) take them out and post them, and poll for what is done.
 *
 * So a message costs what a proxy needs for it: a server with a rate, four threads a GPU. Tokens for one node travel in
 * messages of a chunk (throughput kernels: one copy a node, forwarded over NVLink) or one by one. Networks that do not
 * keep order (EFA) need the receiver's proxy to put flags behind their data: another message at the other end. */
#include "models/comm/ep_kernel.h"

#include <math.h>

#include "models/comm/wire_format.h"

enum {
    PROXIES = 4,
    CHUNK_TOKENS = 4,
    META_B = 8,
    FEW_TOKENS = 128 /* DeepEP's benchmark of its low-latency kernels */
};

static void cost(const struct ep_call *c, const struct hw_ep_constants *k, struct ep_cost *out)
{
    bool back = c->phase == EP_COMBINE, few = c->tokens <= FEW_TOKENS || !c->traffic->per_node;
    double B = wire_format_B(c->format, c->hidden) + META_B;
    double proxy_s = hw_message_s(&c->hw->software, INITIATOR_CPU_PROXY) / PROXIES;
    bool ordered = c->hw->ep_kernel.ordering == ORDERING_PATH;
    *out = (struct ep_cost){.copies = few ? EP_A_COPY_A_PAIR : EP_A_COPY_A_NODE,
                            .token_B = B,
                            .start_s = k->start_s[back],
                            .nvlink_Bps = k->nvlink_ratio[back] * c->hw->node.nvlink_Bps,
                            .message_s = proxy_s * (ordered ? 1 : 2),
                            .message_B = few ? B : CHUNK_TOKENS * B,
                            .network_s = hw_step_s(&c->hw->software, INITIATOR_CPU_PROXY),
                            .rounds = few ? 0 : 1,
                            .hooks = few,
                            .sms = few ? (double)c->hw->chip.sms : c->sms};
    double memory_Bps = c->hw->chip.memory_Bps * c->hw->kernels.pass.copy_ratio;
    out->end_s = 2 * c->tokens * (double)c->top_k * B / memory_Bps;
}

const struct ep_kernel_type ep_uccl = {
    .name = "uccl",
    .doc = "UCCL-EP: threads on the CPU post what the GPU asks for, over any NIC",
    .software = "UCCL-EP, 2025",
    .ref = "5.2.3",
    .constants = offsetof(struct hw_ep_kernel, uccl),
    .nearest = {.software = "MI300X with CX7", .start_s = {30e-6, 30e-6}, .nvlink_ratio = {0.6, 0.6}},
    .cost = cost,
};

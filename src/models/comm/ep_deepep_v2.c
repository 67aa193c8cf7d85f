/* DeepEP V2 (deep_ep/include/deep_ep/impls, April 2026): every warp is a channel of its own and copies by the SM's bulk
 * copies, over NCCL's device interface (GIN) instead of NVSHMEM.
 *
 * As many warps as shared memory has room for tokens, at most 28 beside 4 that count. Inside a node a warp loads a token
 * and stores it to each rank that hosts chosen experts; the grid counts while it sends. Between nodes half of the warps
 * send over their rail and half forward, each waiting for its own bulk copies; a message holds what a channel has for a
 * node. Few SMs have many copies in flight, which is why 12 of them fill a NIC. After the barrier a kernel of its own
 * (all SMs) puts tokens into their experts' order, or adds up copies.
 *
 * Left out: Engram, context and pipeline parallelism, which share its buffers. */
#include "models/comm/ep_kernel.h"

#include <math.h>
#include <stdio.h>

#include "models/comm/wire_format.h"

enum { MOST_WARPS = 28, SHARED_B = 224 * 1024, META_B = 8 + 4 * 8 };

static double warps_of(const struct ep_call *c, double token_B)
{
    return fmin(MOST_WARPS, floor(SHARED_B / (token_B + (c->phase == EP_COMBINE ? 0 : META_B))));
}

static double bulk_s(const struct ep_call *c, double token_B)
{
    const struct hw_sm_copies *k = &c->hw->ep_kernel.copies;
    return 2 * k->load_s + token_B / k->bulk_Bps;
}

/* Messages of all channels are under way at once, so that a token a channel is left to be forwarded, or gathered, when
 * the network is done. */
static double last_hop_s(const struct ep_call *c, const struct ep_cost *cost, double tokens)
{
    double copies = c->traffic->ranks_per_token / c->traffic->nodes_per_token;
    return tokens * copies * cost->token_B / fmin(cost->engine_Bps[EP_FORWARD], cost->nvlink_Bps);
}

static void cost(const struct ep_call *c, const struct hw_ep_constants *k, struct ep_cost *out)
{
    bool back = c->phase == EP_COMBINE, far = c->traffic->nodes > 1;
    double B = wire_format_B(c->format, c->hidden) + (back ? 8 : META_B), warps = warps_of(c, B);
    double copies = c->tokens * c->traffic->ranks_per_token;
    *out = (struct ep_cost){.copies = far ? EP_A_COPY_A_NODE : EP_A_COPY_A_RANK,
                            .token_B = B,
                            .start_s = k->start_s[back],
                            .nvlink_Bps = k->nvlink_ratio[back] * c->hw->node.nvlink_Bps,
                            .rounds = 1,
                            .sms = c->sms};
    enum ep_stage moves = far ? EP_FORWARD : EP_SEND;
    out->engine_Bps[moves] = c->sms * (far ? warps / 2 : warps) * B / bulk_s(c, B);
    if (far)
        out->network_s = c->hw->ep_kernel.copies.network_flag_s;
    /* sums are a kernel of their own; so is putting a dispatch's tokens into their experts' order, which is nobody's
     * exchange any more */
    double memory_Bps = c->hw->chip.memory_Bps * c->hw->kernels.pass.copy_ratio;
    out->end_s = back ? (copies + c->tokens) * B / memory_Bps : 0;
    out->ahead_s = far ? last_hop_s(c, out, fmin(c->tokens, c->sms * warps / 2)) : 0;
}

static const char *misfit(const struct ep_call *c, char *why, size_t size)
{
    if (c->sms < 1)
        snprintf(why, size, "DeepEP V2 needs an SM at least; write cluster.ep_kernel.sms: 12");
    else
        return ep_needs_whole_nodes(c, why, size);
    return why;
}

const struct ep_kernel_type ep_deepep_v2 = {
    .name = "deepep_v2",
    .doc = "DeepEP V2: bulk copies by few SMs, a channel a warp",
    .software = "DeepEP V2, April 2026",
    .ref = "4.4",
    .constants = offsetof(struct hw_ep_kernel, deepep_v2),
    .nearest = {.software = "H100", .start_s = {25e-6, 25e-6}, .nvlink_ratio = {0.7, 0.7}},
    .misfit = misfit,
    .cost = cost,
};

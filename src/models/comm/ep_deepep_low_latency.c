/* DeepEP's low-latency kernels since June 2025 (csrc/kernels/legacy/internode_ll.cu): NVLink inside a node, the GPU's own
 * RDMA requests (IBGDA) between nodes. Every (token, expert) pair is a message of its own: nothing is copied on the way.
 *
 * The grid is as large as experts ask for: each SM serves ceil(experts / SMs) of them, its 32 warps divided among them.
 * Dispatch: an SM takes a token at a time, casts it (all warps), then a warp for each of its experts writes it to the
 * GPU or posts it to the NIC; counts follow behind the data. Then the grid meets, and what came is copied to its
 * expert's place: read and written once. Combine: warps copy an expert's rows in bulk to where their tokens came from;
 * the grid meets; then each token's copies are read and added up. So sending and receiving do not overlap inside a
 * rank, and a kernel for few experts has few SMs.
 *
 * Left out: LogFMT's cost of encoding (cluster.ep_kernel.codec_overhead is that of February's), waiting of one kernel
 * for stragglers of the one before. */
#include "models/comm/ep_kernel.h"

#include <math.h>
#include <stdio.h>

#include "models/comm/wire_format.h"

enum { HEADER_B = 16 /* source index, padded to one int4 */, MOST_TOP_K = 11, MOST_EXPERTS_OF_SM = 14 };

struct grid {
    double groups, sms; /* experts of an SM; SMs */
};

static struct grid grid_of(const struct ep_call *c)
{
    double experts = (double)c->experts, groups = ceil(experts / (double)c->hw->chip.sms);
    return (struct grid){groups, ceil(experts / groups)};
}

/* What so many SMs read and write of the GPU's memory. */
static double memory_Bps(const struct ep_call *c, double sms)
{
    const double of_sm_Bps = 64 * 2 * c->hw->chip.clock_Hz / 8; /* half of what a load a clock brings, both ways */
    return fmin(c->hw->chip.memory_Bps * c->hw->kernels.pass.copy_ratio, sms * of_sm_Bps);
}

/* Rounds of a token an SM: read and cast it, meet, write it out. */
static double sending_s(const struct ep_call *c, const struct grid *g)
{
    double load_s = c->hw->ep_kernel.copies.load_s;
    double token_s = load_s * (2.3 + 0.15 * (double)c->hidden / 1024);
    return ceil(c->tokens / g->sms) * token_s;
}

static void dispatch(const struct ep_call *c, const struct grid *g, struct ep_cost *out)
{
    double rows = c->tokens * (double)c->top_k, load_s = c->hw->ep_kernel.copies.load_s;
    out->start_s += g->groups * 3.6 * load_s; /* counts of its experts, one after the other: sent and waited for */
    out->engine_Bps[EP_SEND] = rows * out->token_B / sending_s(c, g);
    out->end_s = 2 * rows * out->token_B / memory_Bps(c, g->sms);
}

static void combine(const struct ep_call *c, const struct grid *g, struct ep_cost *out)
{
    double rows = c->tokens * (double)c->top_k, load_s = c->hw->ep_kernel.copies.load_s;
    double token_B = wire_format_B("bf16", c->hidden);
    out->start_s += g->groups * 1.3 * load_s;
    out->engine_Bps[EP_SEND] = g->sms * 1.3 * c->hw->ep_kernel.copies.bulk_Bps;
    out->end_s = (rows + c->tokens) * token_B / memory_Bps(c, (double)c->hw->chip.sms);
}

static void cost(const struct ep_call *c, const struct hw_ep_constants *k, struct ep_cost *out)
{
    struct grid g = grid_of(c);
    bool back = c->phase == EP_COMBINE;
    *out = (struct ep_cost){.copies = EP_A_COPY_A_PAIR,
                            .token_B = wire_format_B(c->format, c->hidden) + (back ? 0 : HEADER_B),
                            .start_s = k->start_s[back],
                            .nvlink_Bps = k->nvlink_ratio[back] * c->hw->node.nvlink_Bps,
                            .message_s = hw_message_s(&c->hw->software, (enum initiator)c->hw->ep_kernel.ll_initiator),
                            .sms = g.sms,
                            .hooks = true};
    out->message_B = out->token_B;
    if (c->traffic->nodes > 1)
        out->network_s = c->hw->ep_kernel.copies.network_flag_s;
    (back ? combine : dispatch)(c, &g, out);
}

static const char *misfit(const struct ep_call *c, char *why, size_t size)
{
    struct grid g = grid_of(c);
    if (c->top_k > MOST_TOP_K)
        snprintf(why, size,
                 "DeepEP's low-latency kernels send a token to %d experts at most, not to %lld; choose another "
                 "kernel, for example deepep_normal",
                 MOST_TOP_K, (long long)c->top_k);
    else if (g.groups > MOST_EXPERTS_OF_SM)
        snprintf(why, size, "DeepEP's low-latency kernels serve %d experts an SM at most; %lld on %lld SMs are %g",
                 MOST_EXPERTS_OF_SM, (long long)c->experts, (long long)c->hw->chip.sms, g.groups);
    else
        return NULL;
    return why;
}

const struct ep_kernel_type ep_deepep_low_latency = {
    .name = "deepep_low_latency",
    .doc = "DeepEP's low-latency kernels: a message a token and expert, NVLink in a node, the NIC between nodes",
    .software = "DeepEP, June to December 2025",
    .ref = "4.3",
    .latency = true,
    .constants = offsetof(struct hw_ep_kernel, deepep_low_latency),
    .nearest = {.software = "H100", .start_s = {6.8e-6, 10e-6}, .nvlink_ratio = {0.70, 0.555}},
    .misfit = misfit,
    .cost = cost,
};

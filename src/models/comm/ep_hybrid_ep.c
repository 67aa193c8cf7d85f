/* HybridEP (DeepEP's branch hybrid-ep; NCCL contrib/nccl_ep/device/hybrid_ep.cuh): pipelines of bulk copies through shared
 * memory, one token a stage.
 *
 * A block has two pipelines; each loads a token once and has up to 4 bulk stores of it in flight, to every rank that
 * hosts chosen experts. What comes from other nodes lands in memory, in chunks, and goes through the same pipelines, so
 * they move all copies that a GPU hands to its node. A combine loads copies of a token and adds them up in registers.
 * Between nodes puts of 4 tokens are posted by the SMs. How many SMs it takes to fill links follows from the time of a
 * bulk copy; beyond that NVLink limits. Before a token's copies a pipeline walks through the row of a map that has a
 * place for each rank of the domain, 4 to a load, and has nothing in flight meanwhile: what an exchange costs in a larger
 * domain beyond its bytes (GB200, 32 ranks against 8: 0.1 ms, whatever the format). What comes from other nodes is read
 * behind flags of its chunk, which takes a pipeline half as long again. */
#include "models/comm/ep_kernel.h"

#include <math.h>
#include <stdio.h>

#include "models/comm/wire_format.h"

enum { PIPELINES = 2, IN_FLIGHT = 4, RANKS_OF_LOAD = 4, MOST_SMS = 32, META_B = 4 * 8 };

/* The map stays in L2: shorter loads than those of tokens. */
static double map_s(const struct ep_call *c)
{
    double loads = ceil(c->traffic->group.ranks / (double)RANKS_OF_LOAD);
    return c->tokens / (c->sms * PIPELINES) * loads * 0.3 * c->hw->ep_kernel.copies.load_s;
}

static void cost(const struct ep_call *c, const struct hw_ep_constants *k, struct ep_cost *out)
{
    const struct hw_sm_copies *s = &c->hw->ep_kernel.copies;
    bool back = c->phase == EP_COMBINE, far = c->traffic->nodes > 1;
    double B = wire_format_B(c->format, c->hidden) + (back ? 0 : META_B);
    *out = (struct ep_cost){.copies = far ? EP_A_COPY_A_NODE : EP_A_COPY_A_RANK,
                            .token_B = B,
                            .start_s = k->start_s[back],
                            .nvlink_Bps = k->nvlink_ratio[back] * c->hw->node.nvlink_Bps,
                            .message_s = hw_message_s(&c->hw->software, INITIATOR_IBGDA),
                            .message_B = 4 * B,
                            .rounds = 1,
                            .sms = c->sms};
    enum ep_stage moves = far ? EP_FORWARD : EP_SEND;
    double flagged = far ? 1.5 : 1;
    out->engine_Bps[moves] = c->sms * PIPELINES * IN_FLIGHT * B / (2 * s->load_s + B / s->bulk_Bps) / flagged;
    if (far)
        out->network_s = s->network_flag_s;
    else
        out->start_s += map_s(c);
}

static const char *misfit(const struct ep_call *c, char *why, size_t size)
{
    if (c->sms < 1 || c->sms > MOST_SMS)
        snprintf(why, size, "HybridEP runs on 1 to %d SMs, not on %g (cluster.ep_kernel.sms)", MOST_SMS, c->sms);
    else if (c->traffic->nodes > 1 && !c->traffic->per_node)
        snprintf(why, size,
                 "tokens are handed on by the rank on the same rail, so every node needs as many ranks; give "
                 "whole nodes");
    else
        return NULL;
    return why;
}

const struct ep_kernel_type ep_hybrid_ep = {
    .name = "hybrid_ep",
    .doc = "HybridEP: pipelines of bulk copies through shared memory",
    .software = "DeepEP's branch hybrid-ep, December 2025",
    .ref = "4.4",
    .constants = offsetof(struct hw_ep_kernel, hybrid_ep),
    .nearest = {.software = "H100", .start_s = {30e-6, 30e-6}, .nvlink_ratio = {0.46, 0.42}},
    .misfit = misfit,
    .cost = cost,
};

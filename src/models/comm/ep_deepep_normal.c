/* DeepEP's normal kernels (csrc/kernels/legacy/intranode.cu and internode.cu of September 2025, which copy in bulk).
 *
 * A channel is two SMs, one at each end. Inside a node a token goes once to each rank that hosts chosen experts. Its
 * sender has 24 warps, as many for each rank; each walks through all tokens of the channel (`scan`) and copies those
 * for its rank: a load, then 5 (combine: 4) x 512 bytes at a time, whose loads wait for memory and whose stores are
 * drained before the next. The receiver copies in bulk, faster than that; a combine's receiver adds up: 23 warps, 512
 * bytes of a token at a time, one load of each rank's copy.
 *
 * Between nodes a token crosses the network once per node, on its rail. At the forwarder one warp for each of 8 GPUs
 * looks at every token that came (a load) and copies those for its GPU in bulk: load, store, wait for both. In a
 * combine 24 warps add up what a node's GPUs have, 512 bytes at a time in bulk, and 16 warps what nodes return.
 *
 * A benchmark's dispatch knows its routes (cached), so nothing is counted; between nodes the first message of a channel
 * carries its counts, the second tokens, and a flag follows them.
 *
 * Left out: heads of queues in each other's way, buffers that are too small. */
#include "models/comm/ep_kernel.h"

#include <math.h>
#include <stdio.h>

#include "models/comm/wire_format.h"

enum {
    SENDER_WARPS = 24,
    ADDING_WARPS = 23,        /* of a combine inside a node */
    FORWARDER_SUM_WARPS = 24, /* of a combine between nodes */
    HOME_SUM_WARPS = 16,
    STEP_B = 512,    /* a warp's 32 lanes of 16 bytes */
    FILL_TOKENS = 8, /* of a channel: the chunk under way at each hop, or a share of all: chunks are tuned */
    META_B = 8       /* where a token comes from */
};

/* A sum of n copies takes a load, and a share of one more for each copy. */
static double sum_step_s(double load_s, double copies)
{
    return load_s * (1.2 + 0.3 * copies);
}

/* One warp, one token: a load, then loads and stores by turns. */
static double copy_s(const struct ep_call *c, double token_B)
{
    double load_s = c->hw->ep_kernel.copies.load_s, at_once_B = (c->phase == EP_COMBINE ? 4 : 5) * STEP_B;
    return load_s + token_B / at_once_B * 2 * load_s;
}

static double bulk_s(const struct ep_call *c, double token_B)
{
    const struct hw_sm_copies *k = &c->hw->ep_kernel.copies;
    return 2 * k->load_s + token_B / k->bulk_Bps;
}

/* `each_s`: of a channel, for one of its rank's tokens of which `copies` pass this engine. */
static double engine_Bps(const struct ep_call *c, double copies, double token_B, double each_s)
{
    return c->sms / 2 * copies * token_B / each_s;
}

static void inside_node(const struct ep_call *c, struct ep_cost *out)
{
    const struct hw_sm_copies *k = &c->hw->ep_kernel.copies;
    double n = c->traffic->group.ranks, copies = c->traffic->ranks_per_token, B = out->token_B;
    double warps = SENDER_WARPS / n; /* of a rank: the kernels are built for 2, 4 and 8 */
    double send_s = copies / n / warps * copy_s(c, B);
    out->copies = EP_A_COPY_A_RANK;
    if (c->phase == EP_DISPATCH) {
        out->engine_Bps[EP_SEND] = engine_Bps(c, copies, B, k->scan_s + send_s);
        return;
    }
    double add_s = B / STEP_B * sum_step_s(k->load_s, copies) / ADDING_WARPS;
    out->engine_Bps[EP_SEND] = engine_Bps(c, copies, B, send_s);
    out->engine_Bps[EP_RECEIVE] = engine_Bps(c, copies, B, add_s);
    out->start_s += B / STEP_B * k->load_s; /* the last token's sum */
}

/* Inside a node a call includes its notify kernel: two barriers, a launch more. Between nodes that is EP_PREPARE. */
static double notify_s(const struct ep_call *c)
{
    double measured_s = c->hw->ep_kernel.copies.notify_s;
    return measured_s > 0 ? measured_s : 4 * c->hw->node.nvlink_latency_s + 2 * c->hw->kernels.launch_gap_s;
}

static void between_nodes(const struct ep_call *c, struct ep_cost *out)
{
    const struct hw_sm_copies *k = &c->hw->ep_kernel.copies;
    const struct ep_traffic *t = c->traffic;
    double nodes = t->nodes_per_token, ranks = t->ranks_per_token, B = out->token_B, steps = B / STEP_B;
    out->copies = EP_A_COPY_A_NODE;
    out->network_s = k->network_flag_s;
    out->start_s = fmax(0, out->start_s - notify_s(c));
    if (c->phase == EP_DISPATCH) {
        double forward_s = nodes * k->load_s / 2 + ranks / t->per_node * bulk_s(c, B);
        out->engine_Bps[EP_FORWARD] = engine_Bps(c, ranks, B, forward_s);
        out->rounds = 1; /* counts of a channel */
        return;
    }
    double forward_s = nodes * steps * 1.1 * sum_step_s(k->load_s, ranks / nodes + 1) / FORWARDER_SUM_WARPS;
    out->engine_Bps[EP_FORWARD] = engine_Bps(c, ranks, B, forward_s);
    out->engine_Bps[EP_RECEIVE] = engine_Bps(c, nodes, B, steps * sum_step_s(k->load_s, nodes) / HOME_SUM_WARPS);
    out->engine_Bps[EP_SEND] = engine_Bps(c, ranks, B, ranks / t->per_node * bulk_s(c, B));
    out->start_s += 2 * steps * k->load_s; /* the last token's two sums */
}

/* How long a channel takes for one of its rank's tokens, whatever limits it. */
static double token_s(const struct ep_call *c, const struct ep_cost *cost)
{
    const struct ep_traffic *t = c->traffic;
    double copies[] = {
        [EP_SEND] = t->ranks_per_token, [EP_FORWARD] = t->ranks_per_token, [EP_RECEIVE] = t->ranks_per_token};
    if (cost->copies == EP_A_COPY_A_NODE)
        copies[c->phase == EP_COMBINE ? EP_RECEIVE : EP_SEND] = t->nodes_per_token;
    double n = t->group.ranks, s = t->ranks_per_token * (n - 1) / n * cost->token_B / cost->nvlink_Bps;
    if (cost->copies == EP_A_COPY_A_NODE)
        s = fmax(t->ranks_per_token * (t->per_node - 1.0) / t->per_node * cost->token_B / cost->nvlink_Bps,
                 ep_mean_remote_nodes(t) * cost->token_B / hw_nic_payload_Bps(c->hw));
    for (int i = 0; i < N_EP_STAGES; i++)
        if (cost->engine_Bps[i] > 0)
            s = fmax(s, copies[i] * cost->token_B / cost->engine_Bps[i]);
    return s * c->sms / 2;
}

/* Between nodes a kernel of its own (cached_notify): everyone waits for everyone twice, over the network and over NVLink.
 * A barrier among N nodes is log2 N rounds of messages, those among a node's GPUs come on top. Of a combine, channels
 * also walk through the heads of their tokens. */
static void prepare(const struct ep_call *c, struct ep_cost *out)
{
    const struct cluster_hw *hw = c->hw;
    double nodes = c->traffic->nodes, gpus = c->traffic->per_node;
    *out =
        (struct ep_cost){.rounds = (uint32_t)(2 * ceil(log2(nodes))),
                         .network_s = hw->ep_kernel.copies.network_flag_s,
                         .start_s = hw->kernels.launch_gap_s + 2 * (ceil(log2(gpus)) + 2) * hw->node.nvlink_latency_s};
    if (c->phase == EP_PREPARE_COMBINE)
        out->end_s = ceil(c->tokens / (c->sms / 2)) * hw->ep_kernel.copies.load_s * 0.18;
}

static void cost(const struct ep_call *c, const struct hw_ep_constants *k, struct ep_cost *out)
{
    if (c->phase >= EP_PREPARE) {
        prepare(c, out);
        return;
    }
    bool combine = c->phase == EP_COMBINE;
    *out = (struct ep_cost){.token_B = wire_format_B(c->format, c->hidden) + META_B,
                            .start_s = k->start_s[combine],
                            .nvlink_Bps = k->nvlink_ratio[combine] * c->hw->node.nvlink_Bps,
                            .sms = c->sms};
    if (c->traffic->nodes > 1)
        between_nodes(c, out);
    else
        inside_node(c, out);
    double of_channel = ceil(c->tokens / (c->sms / 2));
    double hops = c->traffic->nodes > 1 ? 2 : 1;
    out->ahead_s = fmin(of_channel / (1.5 * hops), FILL_TOKENS) * token_s(c, out);
}

static const char *misfit(const struct ep_call *c, char *why, size_t size)
{
    if (c->sms < 2 || fmod(c->sms, 2) != 0) {
        snprintf(why, size,
                 "DeepEP's normal kernels take SMs two by two, a channel each; %g do not pair up: give an even "
                 "number such as 20",
                 c->sms);
        return why;
    }
    return ep_needs_whole_nodes(c, why, size);
}

const struct ep_kernel_type ep_deepep_normal = {
    .name = "deepep_normal",
    .doc = "DeepEP's normal kernels: SMs copy, one copy a node over the network, one a rank over NVLink",
    .software = "DeepEP, September 2025 (bulk copies)",
    .ref = "4.3",
    .prepares = true,
    .constants = offsetof(struct hw_ep_kernel, deepep_normal),
    .nearest = {.software = "H100", .start_s = {23.8e-6, 25.4e-6}, .nvlink_ratio = {0.655, 0.65}},
    .misfit = misfit,
    .cost = cost,
};

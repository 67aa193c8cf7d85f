/* DeepEP low-latency kernels (paper 4.4, 5.2.3; DeepEP csrc/kernels/internode_ll.cu, February 2025).
 *
 * Each (token, expert) pair is a message of its own, written by the GPU's own RDMA request (IBGDA) into
 * the memory of the expert's rank: no copy per node, no forwarding, no SMs in the data path, so a copy is
 * not shared by two experts of one rank either. A rank's own experts cost no transfer. In a dispatch a
 * rank receives what the routing sends to its experts, and the busiest receiver ends last; a combine runs
 * backwards.
 *
 * All messages of a kernel are in flight at once and share links as equals, so those of one pair of ranks are one
 * transfer that weighs as many as they are.
 *
 * A rank posts its messages one after the other, each takes cluster.software.ibgda_message (or .message
 * with ep_kernel.low_latency_initiator: cpu_proxy): a rate that its traffic to other nodes shares.
 *
 * What is not transfer - casts, the exchange of counts, the reduction of a combine, kernel start - is a time
 * per kernel, measured at 128 tokens (cluster.ep_kernel.low_latency_*). Of it, what moves bytes in the GPU's
 * memory grows with tokens and copies: a dispatch reads tokens, writes messages, and copies those that came to
 * their experts' places; a combine copies its messages to the send buffer and adds up those that came. */
#include "models/comm/deepep_ll.h"

#include "base/rng.h"
#include "models/comm/deepep.h"
#include "models/comm/ep_exchange.h"
#include "models/comm/wire_format.h"

extern const struct ep_kernel_type ep_deepep_low_latency_2025_02;

enum { HEADER_B = 16 }; /* source index, padded to one int4 */

double ll_message_B(const struct hw_ep_kernel *kernel, int64_t hidden, bool combine)
{
    return combine ? wire_combine_B(kernel, hidden) : deepep_payload_B(hidden, false) + HEADER_B;
}

/* Bytes of a message in the GPU's memory, where a combine's values are BF16 whatever the network carries. */
static double in_memory_B(const struct hw_ep_kernel *kernel, double message_B, bool combine)
{
    int64_t hidden = 1 << 16; /* any that is whole tiles */
    return combine ? message_B * wire_bf16_B(hidden) / wire_combine_B(kernel, hidden) : message_B;
}

/* Bytes that a kernel reads and writes in the memory of one GPU, all ranks being alike. */
static double moved_B(double tokens, double copies, double message_B, bool combine)
{
    double rows = tokens * copies;
    return (combine ? 3 * rows + tokens : 2 * rows + 3 * tokens) * message_B;
}

double ll_own_s(const struct cluster_hw *hw, double tokens, double copies, double message_B, bool combine)
{
    /* of DeepEP's benchmark */
    enum { TOKENS = 128, COPIES = 8, HIDDEN = 7168, COMBINE_B = 2 * HIDDEN };
    const double dispatch_B = deepep_payload_B(HIDDEN, false) + HEADER_B;
    double measured_s = combine ? hw->ep_kernel.ll_combine_s : hw->ep_kernel.ll_dispatch_s;
    double here_Bps = hw_memory_Bps(hw, hw->kernels.pass.copy_ratio);
    double there_Bps = hw->kernels.measured_on.memory_Bps * hw->kernels.pass.copy_ratio;
    if (measured_s <= 0 || here_Bps <= 0 || there_Bps <= 0)
        return measured_s;
    double there_s = moved_B(TOKENS, COPIES, combine ? COMBINE_B : dispatch_B, combine) / there_Bps;
    message_B = in_memory_B(&hw->ep_kernel, message_B, combine);
    double here_s = moved_B(tokens, copies, message_B, combine) / here_Bps;
    return measured_s + here_s > there_s ? measured_s + (here_s - there_s) : 0;
}

/* k different experts for one token; `taken` is all false before and after. */
static void choose(gsl_rng *rng, uint32_t experts, uint32_t k, bool *taken, uint32_t *chosen)
{
    for (uint32_t i = 0; i < k; i++) {
        do
            chosen[i] = (uint32_t)gsl_rng_uniform_int(rng, experts);
        while (taken[chosen[i]]);
        taken[chosen[i]] = true;
    }
    for (uint32_t i = 0; i < k; i++)
        taken[chosen[i]] = false;
}

static double busiest(const struct ll_traffic *t)
{
    double most = 0, all = 0;
    for (uint32_t dst = 0; dst < t->n_ranks; dst++) {
        double sum = 0;
        for (uint32_t src = 0; src < t->n_ranks; src++)
            sum += t->pairs[(size_t)src * t->n_ranks + dst];
        most = sum > most ? sum : most;
        all += sum;
    }
    return most * t->n_ranks / all;
}

void ll_sample(uint32_t n_ranks, uint32_t tokens, uint32_t experts, uint32_t experts_per_token, uint64_t seed,
               struct arena *arena, struct ll_traffic *out)
{
    bool *taken = ARENA_ARRAY(arena, bool, experts);
    uint32_t *chosen = ARENA_ARRAY(arena, uint32_t, experts_per_token);
    gsl_rng *rng = rng_stream(seed, 0, "low-latency routing");
    *out = (struct ll_traffic){.n_ranks = n_ranks,
                               .tokens = tokens,
                               .copies = experts_per_token,
                               .pairs = ARENA_ARRAY(arena, double, (size_t)n_ranks *n_ranks)};
    for (uint32_t src = 0; src < n_ranks; src++) {
        rng_stream_reset(rng, seed, src, "low-latency routing");
        for (uint32_t t = 0; t < tokens; t++) {
            choose(rng, experts, experts_per_token, taken, chosen);
            for (uint32_t i = 0; i < experts_per_token; i++)
                out->pairs[(size_t)src * n_ranks + chosen[i] / (experts / n_ranks)] += 1;
        }
    }
    gsl_rng_free(rng);
    out->busiest_ratio = busiest(out);
}

void ll_count(const struct gate_choices *choices, uint32_t experts_per_token, const struct placement *where,
              uint32_t tokens, uint64_t seed, struct arena *arena, struct ll_traffic *out)
{
    uint32_t n = where->ranks, ranks[ROUTING_MAX_TOPK];
    gsl_rng *rng = rng_stream(seed, 0, "low-latency tokens");
    *out = (struct ll_traffic){
        .n_ranks = n, .tokens = tokens, .copies = experts_per_token, .pairs = ARENA_ARRAY(arena, double, (size_t)n *n)};
    for (uint32_t src = 0; src < n; src++) {
        rng_stream_reset(rng, seed, src, "low-latency tokens");
        for (uint32_t t = 0; t < tokens; t++) {
            uint32_t token = (uint32_t)gsl_rng_uniform_int(rng, ROUTING_POOL_TOKENS);
            gate_ranks(choices, experts_per_token, token, where, src + t, ranks);
            for (uint32_t i = 0; i < experts_per_token; i++)
                out->pairs[(size_t)src * n + ranks[i]] += 1;
        }
    }
    gsl_rng_free(rng);
    out->busiest_ratio = busiest(out);
}

void ll_spread(uint32_t n_ranks, uint32_t tokens, uint32_t experts_per_token, struct arena *arena,
               struct ll_traffic *out)
{
    double each = (double)tokens * experts_per_token / (n_ranks - 1);
    *out = (struct ll_traffic){.n_ranks = n_ranks,
                               .tokens = tokens,
                               .copies = experts_per_token,
                               .pairs = ARENA_ARRAY(arena, double, (size_t)n_ranks *n_ranks),
                               .busiest_ratio = 1};
    for (size_t i = 0; i < (size_t)n_ranks * n_ranks; i++)
        out->pairs[i] = i / n_ranks == i % n_ranks ? 0 : each;
}

/* Without a codec tokens leave as fast as the NIC sends BF16; wire_codec_ratio says how much slower with one. */
double ll_codec_Bps(const struct cluster_hw *hw)
{
    double ratio = wire_codec_ratio(&hw->ep_kernel);
    int64_t hidden = 1 << 16; /* any that is whole tiles */
    return ratio > 1 ? hw_nic_payload_Bps(hw) / ratio * wire_combine_B(&hw->ep_kernel, hidden) / wire_bf16_B(hidden)
                     : 0;
}

static void add_ops(struct opgraph *graph, double own_s, uint32_t n, bool combine, uint32_t *op)
{
    uint32_t name = opgraph_string(graph, combine ? "ll_combine" : "ll_dispatch");
    uint32_t phase = opgraph_string(graph, "");
    for (uint32_t r = 0; r < n; r++)
        op[r] = opgraph_add(graph, &(struct op){.kind = OP_COMM,
                                                .lane = opgraph_lane(graph),
                                                .device = r,
                                                .lead_s = own_s,
                                                .sync_group = OP_NONE,
                                                .name = name,
                                                .class_name = name,
                                                .phase = phase});
}

static struct ep_traffic to_ranks(const struct ll_traffic *t, const struct cluster_hw *hw)
{
    struct ep_group group = {.ranks = t->n_ranks, .gpus_per_node = (uint32_t)hw->node.gpus};
    return (struct ep_traffic){.group = group, .nodes = ep_node(&group, t->n_ranks - 1) + 1, .pairs = t->pairs};
}

void ll_build(struct opgraph *graph, const struct cluster_hw *hw, const struct ll_traffic *traffic, double message_B,
              bool combine, bool loopback, struct arena *arena)
{
    uint32_t *op = ARENA_ARRAY(arena, uint32_t, traffic->n_ranks);
    struct ep_traffic to = to_ranks(traffic, hw);
    struct ep_call call = {.hw = hw,
                           .traffic = &to,
                           .phase = combine ? EP_COMBINE : EP_DISPATCH,
                           .tokens = traffic->tokens,
                           .top_k = (int64_t)traffic->copies,
                           .loopback = loopback};
    struct ep_exchange x;
    ep_exchange_cost(&x, &ep_deepep_low_latency_2025_02, &call);
    x.cost.token_B = x.cost.message_B = message_B;
    ep_exchange_open(&x, graph, NULL, arena);
    add_ops(graph, ll_own_s(hw, traffic->tokens, traffic->copies, message_B, combine), traffic->n_ranks, combine, op);
    ep_exchange_move(&x, &to, &(struct ep_ends){op, op, op});
}

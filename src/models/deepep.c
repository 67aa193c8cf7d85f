/* DeepEP normal kernels (paper 4.3, 4.4; DeepEP csrc/kernels/internode.cu, February 2025).
 *
 * Dispatch: rank (n,g) writes one copy of a token per destination node m; it crosses the network on
 * rail g to (m,g), which forwards it over NVLink to every GPU (m,h) that hosts a chosen expert: the
 * node-level deduplication of paper 4.3. The own node is a destination like any other, without the
 * network. Combine runs the same paths backwards: (m,g) gathers BF16 partial sums of its node over
 * NVLink, adds them and returns one copy to (n,g).
 *
 * What limits it: links, and the SMs that move the bytes. Half of the kernel's SMs act as senders,
 * half as forwarders, so each rank has two copy engines; DeepEP's published rows (43-47 GB/s at
 * EP16, 32 and 64, own node counted) are constant per logical byte, not per byte on the wire, which
 * is what a copy engine does. Both engines of a copy's way are crossed at once because the kernels
 * work in chunks; the grain of a chunk appears as latency.
 *
 * Left out: head-of-line blocking between destinations of one channel, buffer sizes, atomics. */
#include "models/deepep.h"

#include <stdio.h>

/* Fields of a token in the kernels' buffers: SourceMeta is two ints, expert indices travel as
 * 32-bit ints, weights as floats; FP8 has one float scale per 128 channels. */
enum { SOURCE_META_B = 8, INDEX_B = 4, WEIGHT_B = 4, SCALE_B = 4, SCALE_CHANNELS = 128 };

void deepep_init(struct deepep *d, struct opgraph *graph, const struct cluster_hw *hw,
                 const struct routing_shape *shape, struct arena *arena)
{
    double rate_Bps = (double)hw->ep_kernel.sms * hw->ep_kernel.copy_Bps_per_sm;
    char name[64];

    *d = (struct deepep){.graph = graph, .hw = hw, .shape = shape};
    if (rate_Bps <= 0)
        return;
    d->sender = ARENA_ARRAY(arena, uint32_t, shape->n_ranks);
    d->forwarder = ARENA_ARRAY(arena, uint32_t, shape->n_ranks);
    for (uint32_t r = 0; r < shape->n_ranks; r++) {
        snprintf(name, sizeof name, "rank%u.sm_sender", r);
        d->sender[r] = opgraph_resource(graph, rate_Bps, name);
        snprintf(name, sizeof name, "rank%u.sm_forwarder", r);
        d->forwarder[r] = opgraph_resource(graph, rate_Bps, name);
    }
}

double deepep_fp8_B(int64_t hidden)
{
    int64_t scales = (hidden + SCALE_CHANNELS - 1) / SCALE_CHANNELS;

    return (double)(hidden + scales * SCALE_B);
}

double deepep_bf16_B(int64_t hidden)
{
    return 2.0 * (double)hidden;
}

double deepep_dispatch_B(int64_t hidden, int64_t topk, bool cached)
{
    double choice_B = cached ? 0 : (double)topk * (INDEX_B + WEIGHT_B);

    return deepep_fp8_B(hidden) + SOURCE_META_B + choice_B;
}

double deepep_combine_B(int64_t hidden, int64_t topk, bool weights)
{
    return deepep_bf16_B(hidden) + SOURCE_META_B + (weights ? (double)topk * WEIGHT_B : 0);
}

/* A copy between nodes (or within the own one): `home` is the rank whose tokens these are, `away`
 * the rank of the same rail in the other node. */
static void node_copy(const struct deepep *d, uint32_t home, uint32_t away, bool outward,
                      double bytes_B, double latency_s, const uint32_t *op)
{
    uint32_t src = outward ? home : away, dst = outward ? away : home;
    struct transfer t = {.src_op = op[src], .dst_op = op[dst], .src = src, .dst = dst,
                         .bytes_B = bytes_B, .weight = 1, .latency_s = latency_s};

    if (d->sender) {
        t.n_res = 2;
        t.res[0] = d->sender[home];
        t.res[1] = d->forwarder[away];
    }
    opgraph_transfer(d->graph, &t);
}

/* Tokens that pass (m,g) on their way between its rail and GPU (m,h). */
static double forwarded_tokens(const struct deepep *d, const struct routing *routing,
                               uint32_t forwarder, uint32_t gpu)
{
    const struct routing_shape *s = d->shape;
    double tokens = 0;

    for (uint32_t home = forwarder % s->ranks_per_node; home < s->n_ranks;
         home += s->ranks_per_node)
        tokens += routing->rank_tokens[(size_t)home * s->n_ranks + gpu];
    return tokens;
}

static void nvlink_copies(const struct deepep *d, const struct routing *routing, uint32_t forwarder,
                          bool outward, double token_B, double latency_s, const uint32_t *op)
{
    const struct routing_shape *s = d->shape;
    uint32_t first = forwarder - forwarder % s->ranks_per_node;

    for (uint32_t gpu = first; gpu < first + s->ranks_per_node; gpu++) {
        double bytes_B = forwarded_tokens(d, routing, forwarder, gpu) * token_B;
        uint32_t src = outward ? forwarder : gpu, dst = outward ? gpu : forwarder;
        if (gpu == forwarder || bytes_B <= 0)
            continue;
        opgraph_transfer(d->graph, &(struct transfer){
            .src_op = op[src], .dst_op = op[dst], .src = src, .dst = dst,
            .bytes_B = bytes_B, .weight = 1, .latency_s = latency_s});
    }
}

/* Both hops run at once, chunk by chunk. The second hop starts when the first chunk has crossed the
 * first, the first hop's last chunk still has to cross the second. */
static void exchange(const struct deepep *d, const struct routing *routing, double token_B,
                     bool outward, const uint32_t *op)
{
    const struct routing_shape *s = d->shape;
    const struct cluster_hw *hw = d->hw;
    double chunk_B = (double)hw->ep_kernel.chunk_tokens * token_B;
    double network_s = chunk_B / (hw->nic.bandwidth_Bps * hw->nic.wire_efficiency_ratio);
    double nvlink_s = chunk_B / (hw->node.nvlink_Bps * hw->node.nvlink_efficiency_ratio) +
                      hw->node.nvlink_latency_s;

    for (uint32_t rank = 0; rank < s->n_ranks; rank++) {
        for (uint32_t node = 0; node < s->n_nodes; node++) {
            double tokens = routing->node_tokens[(size_t)rank * s->n_nodes + node];
            uint32_t away = node * s->ranks_per_node + rank % s->ranks_per_node;
            if (tokens > 0)
                node_copy(d, rank, away, outward, tokens * token_B, nvlink_s, op);
        }
        nvlink_copies(d, routing, rank, outward, token_B, network_s, op);
    }
}

void deepep_dispatch(const struct deepep *d, const struct routing *routing, double token_B,
                     const uint32_t *op)
{
    exchange(d, routing, token_B, true, op);
}

void deepep_combine(const struct deepep *d, const struct routing *routing, double token_B,
                    const uint32_t *op)
{
    exchange(d, routing, token_B, false, op);
}

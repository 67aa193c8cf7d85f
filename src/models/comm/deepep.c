/* DeepEP normal kernels (paper 4.3, 4.4; DeepEP csrc/kernels/internode.cu, February
 * 2025).
 *
 * Dispatch: rank (n,g) writes one copy of a token per destination node m; it crosses
 * the network on rail g to (m,g), which forwards it over NVLink to every GPU (m,h) that
 * hosts a chosen expert: the node-level deduplication of paper 4.3. The own node is a
 * destination like any other, without the network. Combine runs the same paths
 * backwards: (m,g) gathers BF16 partial sums of its node over NVLink, adds them and
 * returns one copy to (n,g).
 *
 * What limits it: links, and the SMs that move the bytes. Half of the kernel's SMs act
 * as senders, half as forwarders, so each rank has two copy engines; DeepEP's published
 * rows (43-47 GB/s at EP16, 32 and 64, own node counted) are constant per logical byte,
 * not per byte on the wire, which is what a copy engine does. Both engines of a copy's
 * way are crossed at once because the kernels work in chunks; the grain of a chunk
 * appears as latency.
 *
 * A copy engine is bound by memory latency: a warp moves a token with loads that wait
 * for each other (deepep_serial_loads). The published rows, and with them
 * copy_Bps_per_sm, are of a cached dispatch and a combine without weights
 * (tests/test_internode.py tunes with a handle); where choices travel the engine is
 * slower in proportion to its loads.
 *
 * Left out: head-of-line blocking between destinations of one channel, buffer sizes,
 * atomics, slower memory beside kernels that saturate it. */
#include "models/comm/deepep.h"

#include <stdio.h>

#include "models/comm/deepep_trees.h"
#include "models/comm/wire_format.h"

/* Fields of a token in the kernels' buffers: SourceMeta is two ints, expert indices
 * travel as 32-bit ints, weights as floats; FP8 has one float scale per 128 channels.
 */
enum { SOURCE_META_B = 8, INDEX_B = 4, WEIGHT_B = 4, SCALE_B = 4, SCALE_CHANNELS = 128 };

/* A warp loads 32 words of 16 bytes at a time, UNROLL of them in flight in a dispatch.
 */
enum { WARP_LANES = 32, WARP_LOAD_B = 32 * 16, UNROLL = 5 };

/* SMs touch every value as BF16, however few bytes of it cross the network. */
double deepep_engine_Bps(const struct hw_ep_kernel *kernel, int64_t hidden, struct deepep_call call,
                         enum ep_engine engine)
{
    struct deepep_call benchmarked = {.combine = call.combine, .choices = false};
    double slower = deepep_serial_loads(hidden, call) / deepep_serial_loads(hidden, benchmarked);
    double wire_ratio = call.combine ? wire_combine_B(kernel, hidden) / wire_bf16_B(hidden) : 1;

    if (!ep_engine_on_sms(kernel, call.combine, engine))
        return kernel->offload.rate_Bps * wire_ratio;
    if (call.combine)
        slower *= wire_codec_ratio(kernel);
    return (double)kernel->sms * kernel->copy_Bps_per_sm * wire_ratio / slower;
}

static void add_engines(struct deepep *d, struct deepep_call call, struct arena *arena)
{
    static const char *const roles[] = {[EP_HOME] = "sender", [EP_AWAY] = "forwarder"};
    const struct hw_ep_kernel *kernel = &d->hw->ep_kernel;
    uint32_t **ids = d->engine[call.combine][call.choices];
    double rate_Bps[2];
    char name[64];

    for (int e = EP_HOME; e <= EP_AWAY; e++) {
        rate_Bps[e] = deepep_engine_Bps(kernel, d->shape->cfg->hidden, call, (enum ep_engine)e);
        if (rate_Bps[e] > 0)
            ids[e] = ARENA_ARRAY(arena, uint32_t, d->shape->n_ranks);
    }
    for (uint32_t r = 0; r < d->shape->n_ranks; r++)
        for (int e = EP_HOME; e <= EP_AWAY; e++) {
            bool on_sms = ep_engine_on_sms(kernel, call.combine, (enum ep_engine)e);
            if (rate_Bps[e] <= 0)
                continue;
            snprintf(name, sizeof name, "rank%u.%s.%s_%s", r, call.combine ? "combine" : "dispatch",
                     on_sms ? "sm" : "hardware", roles[e]);
            ids[e][r] = opgraph_resource(d->graph, rate_Bps[e], name);
        }
}

void deepep_init(struct deepep *d, struct opgraph *graph, const struct cluster_hw *hw,
                 const struct routing_shape *shape, struct arena *arena)
{
    *d = (struct deepep){.graph = graph, .hw = hw, .shape = shape};
    for (int kind = 0; kind < 4; kind++)
        add_engines(d, (struct deepep_call){.combine = kind / 2, .choices = kind % 2}, arena);
    if (hw->node.unified_adapter)
        deepep_add_adapters(d, arena);
}

static int64_t ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

static int64_t scales_of(int64_t hidden)
{
    return ceil_div(hidden, SCALE_CHANNELS);
}

double deepep_payload_B(int64_t hidden, bool combine)
{
    return (double)(combine ? 2 * hidden : hidden + scales_of(hidden) * SCALE_B);
}

double deepep_nvlink_token_B(int64_t hidden, int64_t topk, struct deepep_call call)
{
    int64_t choice_B = call.combine ? WEIGHT_B : INDEX_B + WEIGHT_B;

    return deepep_payload_B(hidden, call.combine) + SOURCE_META_B + (call.choices ? (double)(topk * choice_B) : 0);
}

double deepep_token_B(const struct hw_ep_kernel *kernel, int64_t hidden, int64_t topk, struct deepep_call call)
{
    double saved_B = call.combine ? wire_bf16_B(hidden) - wire_combine_B(kernel, hidden) : 0;

    return deepep_nvlink_token_B(hidden, topk, call) - saved_B;
}

/* Dispatch: where the token goes, then its words UNROLL at a time, the rest one by one,
 * then its scales. Combine: one load per 512 bytes, all partial sums at once. Choices
 * are one load more. */
double deepep_serial_loads(int64_t hidden, struct deepep_call call)
{
    int64_t fp8_words = ceil_div(hidden, WARP_LOAD_B);
    int64_t dispatch = 1 + fp8_words / UNROLL + fp8_words % UNROLL + ceil_div(scales_of(hidden), WARP_LANES);
    int64_t combine = ceil_div(2 * hidden, WARP_LOAD_B);

    return (double)((call.combine ? combine : dispatch) + call.choices);
}

/* A copy between nodes (or within the own one): `home` is the rank whose tokens these
 * are, `away` the rank of the same rail in the other node. */
static void node_copy(const struct deepep *d, struct deepep_call call, uint32_t home, uint32_t away, double bytes_B,
                      double latency_s, const uint32_t *op)
{
    uint32_t src = call.combine ? away : home, dst = call.combine ? home : away;
    uint32_t *const *engine = d->engine[call.combine][call.choices];
    struct transfer t = {.src_op = op[src],
                         .dst_op = op[dst],
                         .src = d->first_device + src,
                         .dst = d->first_device + dst,
                         .bytes_B = bytes_B,
                         .weight = 1,
                         .priority = (uint8_t)d->hw->traffic.expert,
                         .latency_s = latency_s};

    if (engine[EP_HOME])
        t.res[t.n_res++] = engine[EP_HOME][home];
    if (engine[EP_AWAY])
        t.res[t.n_res++] = engine[EP_AWAY][away];
    opgraph_transfer(d->graph, &t);
}

/* Tokens that pass (m,g) on their way between its rail and GPU (m,h): of GPUs of other nodes, of its own. */
struct passing {
    double far, own;
};

static struct passing forwarded_tokens(const struct deepep *d, const struct routing *routing, uint32_t forwarder,
                                       uint32_t gpu)
{
    const struct routing_shape *s = d->shape;
    struct passing tokens = {0, 0};

    for (uint32_t home = forwarder % s->ranks_per_node; home < s->n_ranks; home += s->ranks_per_node)
        *(home == forwarder ? &tokens.own : &tokens.far) += routing->rank_tokens[(size_t)home * s->n_ranks + gpu];
    return tokens;
}

static void nvlink_copy(const struct deepep_hop *h, uint32_t forwarder, uint32_t gpu, double tokens, bool by_adapter)
{
    const struct deepep *d = h->d;
    uint32_t src = h->call.combine ? gpu : forwarder, dst = h->call.combine ? forwarder : gpu;
    struct transfer t = {.src_op = h->op[src],
                         .dst_op = h->op[dst],
                         .src = d->first_device + src,
                         .dst = d->first_device + dst,
                         .bytes_B = tokens * h->token_B,
                         .weight = 1,
                         .priority = (uint8_t)d->hw->traffic.expert,
                         .latency_s = h->latency_s};

    if (tokens <= 0)
        return;
    if (by_adapter)
        deepep_by_adapter(d, h->call, forwarder, &t);
    opgraph_transfer(d->graph, &t);
}

static void nvlink_copies(const struct deepep_hop *h, const struct routing *routing, uint32_t forwarder)
{
    const struct routing_shape *s = h->d->shape;
    uint32_t first = forwarder - forwarder % s->ranks_per_node;

    for (uint32_t gpu = first; gpu < first + s->ranks_per_node; gpu++) {
        struct passing tokens = forwarded_tokens(h->d, routing, forwarder, gpu);
        if (gpu == forwarder)
            continue;
        if (h->d->adapter[h->call.combine]) {
            nvlink_copy(h, forwarder, gpu, tokens.far, true);
            nvlink_copy(h, forwarder, gpu, tokens.own, false);
        } else {
            nvlink_copy(h, forwarder, gpu, tokens.far + tokens.own, false);
        }
    }
}

/* Where switches between nodes copy or add up, what a rank keeps in its own node is all that is left here. */
static void node_copies(const struct deepep_hop *h, const struct routing *routing, uint32_t rank, bool own_only)
{
    const struct routing_shape *s = h->d->shape;
    uint32_t home = rank / s->ranks_per_node;

    for (uint32_t node = 0; node < s->n_nodes; node++) {
        double tokens = routing->node_tokens[(size_t)rank * s->n_nodes + node];
        uint32_t away = node * s->ranks_per_node + rank % s->ranks_per_node;
        if (tokens > 0 && (!own_only || node == home))
            node_copy(h->d, h->call, rank, away, tokens * h->token_B, h->latency_s, h->op);
    }
}

bool deepep_needs_sets(const struct hw_ep_kernel *kernel)
{
    return kernel->multicast != IN_NETWORK_NONE || kernel->reduction != IN_NETWORK_NONE;
}

static bool switches_help(const struct deepep *d, bool combine, enum in_network where)
{
    int help = combine ? d->hw->ep_kernel.reduction : d->hw->ep_kernel.multicast;

    return help == IN_NETWORK_BOTH || help == (int)where;
}

/* Both hops run at once, chunk by chunk. The second hop starts when the first chunk has
 * crossed the first, the first hop's last chunk still has to cross the second. An adapter passes packets on, not
 * chunks: what it takes is lost in the latencies. */
void deepep_exchange(const struct deepep *d, struct deepep_call call, const struct routing *routing, const uint32_t *op)
{
    const struct routing_shape *s = d->shape;
    const struct cluster_hw *hw = d->hw;
    int64_t hidden = s->cfg->hidden, topk = s->cfg->experts_per_token;
    double chunk = hw->node.unified_adapter ? 0 : (double)hw->ep_kernel.chunk_tokens;
    struct deepep_hop far = {d, call, op, deepep_token_B(&hw->ep_kernel, hidden, topk, call), 0};
    struct deepep_hop near = {d, call, op, deepep_nvlink_token_B(hidden, topk, call), 0};
    bool out = switches_help(d, call.combine, IN_NETWORK_SCALE_OUT);
    bool up = switches_help(d, call.combine, IN_NETWORK_SCALE_UP);

    near.latency_s = chunk * far.token_B / hw_nic_payload_Bps(hw);
    far.latency_s =
        chunk * near.token_B / (hw->node.nvlink_Bps * hw->node.nvlink_efficiency_ratio) + hw->node.nvlink_latency_s;
    for (uint32_t rank = 0; rank < s->n_ranks; rank++) {
        node_copies(&far, routing, rank, out);
        if (!up)
            nvlink_copies(&near, routing, rank);
    }
    if (out)
        deepep_node_trees(&far, routing);
    if (up)
        deepep_nvlink_trees(&near, routing);
}

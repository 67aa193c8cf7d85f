/* Roofline of attention: FlashAttention-3 for prefill and training, FlashMLA for decoding.
 *
 * Forward and backward: what tensor cores compute, the masked half of the tiles on the diagonal (and on the far edge of
 * a window) included, at
 * a share of the sustained rate, and a fixed time for each tile of 128 queries (loading it, the first softmax,
 * writing it); or the bytes. The backward pass computes scores again and four more products (dV, dP, dQ, dK); the
 * kernels before and after it (sums over the output's gradient, dQ to BF16) are in its time per tile.
 *
 * Decoding, after FlashMLA's scheduler: the SMs form parts, one SM for each 64 rows of queries (heads times
 * queries of a request) that share a cache. Blocks of 64 tokens of all requests are dealt out evenly to the parts,
 * but a request is not split too finely. A block costs its products and a fixed time (softmax, barriers), each
 * request of a part a fixed time, or the cache its bytes.
 *
 * Left out: requests of unequal length (kv_len is their mean; the scheduler evens them out), softmax beside
 * products (it is in the share). */
#include <math.h>

#include "hw/kernels/roofline.h"

static const double tile_rows = 128, block_tokens = 64, block_rows = 64;

static bool is_windowed(const struct kernel_call *call)
{
    return call->causal && call->window > 0 && call->window < kv_length(call);
}

/* Pairs of query and key that count: all, or with a causal mask what lies below the diagonal, the last query
 * seeing all keys; of a window, what lies in the band below the diagonal. */
static double pairs_of(const struct kernel_call *call)
{
    double kv = kv_length(call), q = call->q_len;
    if (!call->causal)
        return q * kv;
    if (!is_windowed(call))
        return q * kv - q * q / 2;
    double before = kv - q, filling = fmin(fmax(call->window - before, 0), q);
    return filling * (before + filling / 2) + (q - filling) * call->window;
}

/* Keys that any query sees. */
static double keys_of(const struct kernel_call *call)
{
    double kv = kv_length(call);
    return is_windowed(call) ? fmin(kv, call->q_len + call->window) : kv;
}

static double flop_per_pair(const struct kernel_call *call)
{
    if (call->family == KERNEL_ATTENTION_BACKWARD)
        return 2 * (3 * call->qk_dim + 2 * call->v_dim);
    return 2 * (call->qk_dim + call->v_dim);
}

/* Few queries against all of a cache. */
static bool decodes(const struct kernel_call *call)
{
    return call->family == KERNEL_ATTENTION_DECODE || call->family == KERNEL_MLA_DECODE ||
           call->family == KERNEL_GQA_DECODE;
}

double attention_flop(const struct kernel_call *call)
{
    double pairs = decodes(call) ? call->q_len * kv_length(call) : pairs_of(call);
    return call->batch * call->heads * pairs * flop_per_pair(call);
}

static double cache_token_B(const struct kernel_call *call)
{
    return call->kv_token_B > 0 ? call->kv_token_B : 2 * call->kv_heads * (call->qk_dim + call->v_dim);
}

/* Queries, output, keys and values in BF16, each once; backward reads them and the output's gradient and
 * writes three gradients, the queries' in FP32. */
double attention_bytes_B(const struct kernel_call *call)
{
    double queries = call->batch * call->q_len * call->heads;
    double own_B = 2 * queries * (call->qk_dim + call->v_dim);
    double cache_B = call->batch * keys_of(call) *
                     (decodes(call) ? cache_token_B(call) : 2 * call->kv_heads * (call->qk_dim + call->v_dim));
    if (call->family == KERNEL_ATTENTION_BACKWARD)
        return 2 * (own_B + cache_B) + 4 * queries * call->qk_dim;
    return own_B + cache_B;
}

void roofline_attention(const struct kernel_model *m, const struct kernel_call *call, struct kernel_time *t)
{
    const struct kernel_attention_cfg *c = &m->cfg.attention;
    bool backward = call->family == KERNEL_ATTENTION_BACKWARD;
    double edges = !call->causal ? 0 : is_windowed(call) ? 2 : 1;
    double masked =
        edges * call->batch * call->heads * call->q_len * fmin(tile_rows, kv_length(call)) / 2 * flop_per_pair(call);
    double flops = roofline_sm_flops(m, call->dtype) * (backward ? c->backward_ratio : c->forward_ratio);
    double tile_s = roofline_clocked_s(m, backward ? c->backward_tile_s : c->forward_tile_s);
    double tiles = call->batch * call->heads * ceil(call->q_len / tile_rows);
    t->flop = attention_flop(call);
    t->bytes_B = attention_bytes_B(call);
    t->tiles = tiles;
    t->start_s = c->start_s;
    t->tensor_s = ((t->flop + masked) / flops + tiles * tile_s) / fmin(roofline_sms(m, call), tiles);
    t->memory_s = roofline_memory_s(m, call, t->bytes_B, m->cfg.memory_ratio);
    roofline_add_up(t, 0);
}

/* One block on one SM of a part: 64 rows of queries against 64 tokens. */
static double block_s(const struct kernel_model *m, const struct kernel_call *call)
{
    double flop = block_rows * block_tokens * flop_per_pair(call);
    return flop / roofline_sm_flops(m, call->dtype) + roofline_clocked_s(m, m->cfg.attention.decode_block_s);
}

void roofline_decode(const struct kernel_model *m, const struct kernel_call *call, struct kernel_time *t)
{
    const struct kernel_attention_cfg *c = &m->cfg.attention;
    double sms = roofline_sms(m, call);
    double per_cache = ceil(call->heads / call->kv_heads * call->q_len / block_rows) * call->kv_heads;
    double parts = fmax(1, floor(sms / per_cache));
    double turns = fmax(1, per_cache / sms); /* fewer SMs than rows of one cache */
    double blocks = ceil(kv_length(call) / block_tokens);
    double longest = fmax(ceil(call->batch * blocks / parts), fmin(blocks, (double)c->decode_least_blocks));
    t->flop = attention_flop(call);
    t->bytes_B = attention_bytes_B(call);
    t->tiles = call->batch * blocks;
    t->start_s = c->decode_start_s;
    t->tensor_s =
        turns * (longest * block_s(m, call) + ceil(call->batch / parts) * roofline_clocked_s(m, c->decode_request_s));
    t->memory_s = roofline_memory_s(m, call, t->bytes_B, m->cfg.memory_ratio);
    roofline_add_up(t, 0);
}

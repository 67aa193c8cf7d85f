/* Roofline of attention: FlashAttention-3 for prefill and training, FlashMLA for decoding.
 *
 * Forward and backward: what tensor cores compute, the masked half of the tiles on the diagonal included, at
 * a share of the sustained rate; or the bytes. The backward pass computes scores again and four more products
 * (dV, dP, dQ, dK).
 *
 * Decoding, after FlashMLA's scheduler: the SMs form parts, one for each 64 rows of queries (heads times
 * queries of a request) that share a cache; blocks of 64 tokens of all requests are dealt out evenly, and each
 * request and each part costs some blocks more. A block costs its products or its bytes.
 *
 * Left out: requests of unequal length (kv_len is their mean; the scheduler evens them out), softmax beside
 * products (it is in the share). */
#include <math.h>

#include "hw/kernels/roofline.h"

static const double tile_rows = 128, block_tokens = 64, block_rows = 64;

/* Pairs of query and key that count: all, or with a causal mask what lies below the diagonal, the last query
 * seeing all keys. */
static double pairs_of(const struct kernel_call *call)
{
    double kv = kv_length(call), q = call->q_len;
    return call->causal ? q * kv - q * q / 2 : q * kv;
}

static double flop_per_pair(const struct kernel_call *call)
{
    if (call->family == KERNEL_ATTENTION_BACKWARD)
        return 2 * (3 * call->qk_dim + 2 * call->v_dim);
    return 2 * (call->qk_dim + call->v_dim);
}

double attention_flop(const struct kernel_call *call)
{
    double pairs = call->family == KERNEL_ATTENTION_DECODE ? call->q_len * kv_length(call) :
                                                             pairs_of(call);
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
    double cache_B = call->batch * kv_length(call) *
                     (call->family == KERNEL_ATTENTION_DECODE ?
                          cache_token_B(call) :
                          2 * call->kv_heads * (call->qk_dim + call->v_dim));
    if (call->family == KERNEL_ATTENTION_BACKWARD)
        return 2 * (own_B + cache_B) + 4 * queries * call->qk_dim;
    return own_B + cache_B;
}

void roofline_attention(const struct kernel_model *m, const struct kernel_call *call,
                        struct kernel_time *t)
{
    bool backward = call->family == KERNEL_ATTENTION_BACKWARD;
    double masked = call->causal ? call->batch * call->heads * call->q_len *
                                       fmin(tile_rows, kv_length(call)) / 2 * flop_per_pair(call) :
                                   0;
    double ratio = backward ? m->cfg.attention.backward_ratio : m->cfg.attention.forward_ratio;
    double tiles = call->batch * call->heads * ceil(call->q_len / tile_rows);
    t->flop = attention_flop(call);
    t->bytes_B = attention_bytes_B(call);
    t->tiles = tiles;
    t->start_s = m->cfg.attention.start_s;
    t->tensor_s = (t->flop + masked) / (roofline_sm_flops(m, call->dtype) * ratio *
                                        fmin(roofline_sms(m, call), fmax(tiles, 1)));
    t->memory_s = roofline_memory_s(m, call, t->bytes_B, m->cfg.memory_ratio);
    roofline_add_up(t, 0);
}

/* One block on one SM of a part: 64 rows of queries against 64 tokens. */
static double block_tensor_s(const struct kernel_model *m, const struct kernel_call *call)
{
    double flop = block_rows * block_tokens * flop_per_pair(call);
    return flop / (roofline_sm_flops(m, call->dtype) * m->cfg.attention.decode_ratio);
}

void roofline_decode(const struct kernel_model *m, const struct kernel_call *call, struct kernel_time *t)
{
    double rows = call->heads / call->kv_heads * call->q_len;
    double per_cache = ceil(rows / block_rows) * call->kv_heads;
    double parts = fmax(1, floor(roofline_sms(m, call) / per_cache));
    double more = (double)m->cfg.attention.decode_overhead_blocks;
    double blocks = call->batch * (ceil(kv_length(call) / block_tokens) + more);
    double longest = ceil(blocks / parts) + more;
    /* fewer SMs than rows of one cache: they take turns */
    double turns = fmax(1, per_cache / roofline_sms(m, call));
    t->flop = attention_flop(call);
    t->bytes_B = attention_bytes_B(call);
    t->tiles = blocks;
    t->waves = longest;
    t->start_s = m->cfg.attention.decode_start_s;
    t->tensor_s = longest * turns * block_tensor_s(m, call);
    t->memory_s = roofline_memory_s(m, call, t->bytes_B, m->cfg.memory_ratio);
    roofline_add_up(t, 0);
}

/* Prefill: the queries of a sequence that share a head of keys are rows of tiles of 64 to 256, which walk over the keys that
 * they see. A tile costs a fixed time and its products by the queries that it holds, not by those it has room for, and
 * something for each query (loading, softmax, writing). SMs take tiles as they come free, or in waves: 149 tiles on 148 SMs
 * take as long as 296 (TensorRT-LLM's and Triton's kernels). Tiles at the end of a long prompt take longer than the mean; a
 * share of that is not covered. Queries, keys, values and outputs cross the memory.
 *
 * Triton's kernel in SGLang masks keys before a window, but walks over them.
 *
 * Left out: what a step over keys costs beside its products (it is in the share of the rate). */
#include <math.h>

#include "hw/kernels/attention_mechanism.h"

enum { START, TILE, QUERY, TENSOR, THROTTLE, MASKED, MEMORY, UNHIDDEN, SPREAD, OUTSIDE };

const struct kernel_constant prefill_constants[] = {
    [START] = {"start_s", MOVES_NOT, 1e-5, 5e-7, 2e-3, "launch, scheduling, last store"},
    [TILE] = {"tile_s", MOVES_BY_CLOCK, 1e-6, 1e-8, 5e-5, "a tile of 128 queries, once"},
    [QUERY] = {"query_s", MOVES_BY_CLOCK, 1e-8, 1e-11, 1e-6, "a query of a head in it, once"},
    [TENSOR] = {"tensor_ratio", MOVES_AS_SHARE, 0.6, 0.05, 1, "of the nominal rate of its operands"},
    [THROTTLE] = {"throttle_ratio", MOVES_AS_SHARE, 0.1, 1e-4, 1, "what kernels much longer than 1 ms lose: power"},
    [MASKED] = {"masked_keys", MOVES_AS_SHARE, 64, 1, 512, "keys beyond the mask that a query's tile computes with"},
    [MEMORY] = {"memory_ratio", MOVES_AS_SHARE, 0.8, 0.05, 1, "achieved of the memory bandwidth"},
    [UNHIDDEN] = {"unhidden_ratio", MOVES_AS_SHARE, 0.3, 1e-3, 1, "of the smaller of SMs' and memory's time"},
    [SPREAD] = {"spread_ratio", MOVES_AS_SHARE, 0.5, 1e-3, 2,
                "of what the longest tile takes beyond the mean, unhidden"},
    [OUTSIDE] = {"outside_ratio", MOVES_AS_SHARE, 0.8, 1e-3, 1,
                 "of a key's time, one before the window, where kernels walk over those"},
    {0}};

static const double long_s = 1e-3;

/* Keys that a query sees on average, and the last one. */
static double mean_keys(const struct kernel_call *call)
{
    double kv = call->kv_len > 0 ? call->kv_len : call->q_len, before = kv - call->q_len, q = call->q_len;
    if (!call->causal)
        return kv;
    if (call->window <= 0 || call->window >= kv)
        return before + (q + 1) / 2;
    double filling = fmin(fmax(call->window - before, 0), q);
    return (filling * (before + (filling + 1) / 2) + (q - filling) * call->window) / q;
}

static double most_keys(const struct kernel_call *call)
{
    double kv = call->kv_len > 0 ? call->kv_len : call->q_len;
    return call->window > 0 ? fmin(kv, call->window) : kv;
}

/* Keys before the window that are walked over, too, on average and at most. */
static double outside(const double *c, const struct prefill_tiles *tiles, const struct kernel_call *call,
                      double (*keys)(const struct kernel_call *))
{
    struct kernel_call all = *call;
    all.window = 0;
    return tiles->walks_over_all ? c[OUTSIDE] * (keys(&all) - keys(call)) : 0;
}

static double row_s(const double *c, const struct kernel_device *on, const struct kernel_call *call, double keys)
{
    double flop = 2 * (keys + (call->causal ? c[MASKED] : 0)) * (call->qk_dim + call->v_dim);
    return flop / (c[TENSOR] * device_flops(on, call->dtype) / on->sms) + c[QUERY];
}

static double bytes_of(const struct kernel_call *call)
{
    double queries = call->batch * call->q_len * call->heads * (call->qk_dim + call->v_dim);
    double keys = call->batch * (call->kv_len > 0 ? call->kv_len : call->q_len) * attention_token_B(call);
    return 2 * queries + keys;
}

void prefill_time(const double *c, const struct prefill_tiles *tiles, const struct kernel_device *on,
                  const struct kernel_call *call, struct kernel_time *t)
{
    double rows = call->heads / tiles->groups * call->q_len, units = call->batch * tiles->groups;
    double n = units * ceil(rows / tiles->rows), sms = device_sms(on, call);
    double mean_s =
        c[TILE] + units * rows / n * row_s(c, on, call, mean_keys(call) + outside(c, tiles, call, mean_keys));
    double longest_s =
        c[TILE] + fmin(rows, tiles->rows) * row_s(c, on, call, most_keys(call) + outside(c, tiles, call, most_keys));
    double rounds = tiles->in_waves ? ceil(n / sms) : fmax(1, n / sms);
    double tensor_s = rounds * mean_s + c[SPREAD] * fmax(0, longest_s - mean_s);
    t->tiles = n;
    t->waves = rounds;
    t->tensor_s = tensor_s * (1 + c[THROTTLE] * tensor_s / (tensor_s + long_s));
    t->memory_s = bytes_of(call) / (c[MEMORY] * on->memory_Bps);
    t->start_s = c[START];
    t->unhidden_ratio = c[UNHIDDEN];
}

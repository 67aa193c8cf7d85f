/* Decoding: the queries of a request that share a head of the cache are rows of tiles of 64, which walk over the cache in
 * blocks of 64 positions. Requests times heads of the cache times such tiles are units; where they are fewer than the SMs,
 * each is split over several, and a second kernel combines the parts. An SM works its units off one after the other: each
 * costs a fixed time, each block its products and a fixed time, no less than its bytes need to come to the SM.
 *
 * The cache crosses the memory once. A benchmark that repeats the same call finds it in L2 as long as it fits, several times
 * faster; in decoding it never does. A cache in FP8 that the kernel cannot work on is cast first (FlashAttention 3 on
 * Hopper): passes over it in BF16.
 *
 * Left out: requests of unequal length (the mean is taken; schedulers even them out). */
#include <math.h>
#include <string.h>

#include "hw/kernels/attention_mechanism.h"

enum { START, COMBINE, UNIT, BLOCK, TENSOR, LOAD, MEMORY, CACHE, CACHE_SPEED, UNHIDDEN, CAST };

const struct kernel_constant decode_constants[] = {
    [START] = {"start_s", MOVES_NOT, 8e-6, 5e-7, 1e-4, "launch, scheduling, last store"},
    [COMBINE] = {"combine_s", MOVES_NOT, 3e-6, 1e-8, 5e-5, "the kernel that combines split requests"},
    [UNIT] = {"unit_s", MOVES_BY_CLOCK, 2e-6, 1e-8, 2e-5, "queries of a request that share a head, on an SM"},
    [BLOCK] = {"block_s", MOVES_BY_CLOCK, 3e-7, 1e-9, 5e-6, "a block of 64 positions beside its products"},
    [TENSOR] = {"tensor_ratio", MOVES_AS_SHARE, 0.6, 0.05, 1,
                "of the nominal rate, in FP8 where the cache is in it and read so"},
    [LOAD] = {"load_B", MOVES_AS_SHARE, 40, 2, 512, "of the cache, a clock and SM"},
    [MEMORY] = {"memory_ratio", MOVES_AS_SHARE, 0.88, 0.2, 1, "achieved of the memory bandwidth"},
    [CACHE] = {"cache_ratio", MOVES_AS_SHARE, 0.7, 0.01, 1,
               "of L2 that a repeated call's cache may fill to be found there"},
    [CACHE_SPEED] = {"cache_speed_ratio", MOVES_AS_SHARE, 3, 1, 20, "L2 over memory bandwidth"},
    [UNHIDDEN] = {"unhidden_ratio", MOVES_AS_SHARE, 0.3, 1e-3, 1, "of the smaller of SMs' and memory's time"},
    [CAST] = {"cast_passes", MOVES_AS_SHARE, 2, 1e-3, 20, "over the cache in BF16, to cast it from FP8"},
    {0}};

static const double tile_rows = 64, block_positions = 64, least_blocks = 2;

/* Parts of a unit at most: schedulers that know the chip, and Triton's that split by a fixed number. */
const char *const decode_variants[] = {"reads", "reads_8_parts", "reads_16_parts", "casts", "casts_8_parts", NULL};
static const struct {
    bool casts;
    double most_parts;
} decode_ways[] = {{false, INFINITY}, {false, 8}, {false, 16}, {true, INFINITY}, {true, 8}};

bool decode_has(const char *name, enum kernel_dtype dtype, int variant)
{
    (void)dtype;
    return decode_ways[variant].casts || strcmp(name, "cast_passes");
}

double attention_length(const struct kernel_call *call)
{
    double length = call->kv_len > 0 ? call->kv_len : call->q_len;
    return call->window > 0 ? fmin(length, call->window) : length;
}

double attention_token_B(const struct kernel_call *call)
{
    double values = call->kv_heads * call->qk_dim;
    if (call->kv_token_B > 0)
        return call->kv_token_B;
    if (call->family != KERNEL_MLA_DECODE && call->family != KERNEL_MLA_PREFILL)
        values += call->kv_heads * call->v_dim;
    return values * (call->fp8_cache ? 1 : 2);
}

struct decode {
    double units, blocks, parts; /* parts: of each unit */
    double of_sm;                /* parts that the busiest SM has */
};

static struct decode split(const struct kernel_device *on, const struct kernel_call *call, double most_parts)
{
    double sms = device_sms(on, call), rows = call->heads / call->kv_heads * call->q_len;
    struct decode d = {.units = call->batch * call->kv_heads * ceil(rows / tile_rows),
                       .blocks = ceil(attention_length(call) / block_positions)};
    d.parts = fmax(1, fmin(most_parts, fmin(floor(sms / d.units), ceil(d.blocks / least_blocks))));
    d.of_sm = ceil(d.units * d.parts / sms);
    return d;
}

/* Of the operands: a cache in FP8 that is not cast is multiplied so. */
static double operand_flops(const struct kernel_device *on, const struct kernel_call *call, bool casts)
{
    return device_flops(on, call->fp8_cache && !casts ? KERNEL_FP8 : KERNEL_BF16);
}

static double block_s(const double *c, bool casts, const struct kernel_device *on, const struct kernel_call *call)
{
    double rows = fmin(tile_rows, call->heads / call->kv_heads * call->q_len);
    double flop = 2 * fmax(16, rows) * block_positions * (call->qk_dim + call->v_dim);
    double products_s = flop / (c[TENSOR] * operand_flops(on, call, casts) / on->sms) + c[BLOCK];
    double bytes_B = block_positions * attention_token_B(call) / call->kv_heads;
    return fmax(products_s, bytes_B / (c[LOAD] * on->clock_Hz));
}

/* Of a repeated call's bytes the share that L2 still has: all that fits; what is much larger pushes itself out. */
static double kept(const double *c, const struct kernel_device *on, double bytes_B)
{
    double room_B = c[CACHE] * on->cache_B;
    return fmax(0, fmin(1, 1 - (bytes_B - room_B) / (0.5 * room_B)));
}

void decode_time(const double *c, int variant, const struct kernel_device *on, const struct kernel_call *call,
                 struct kernel_time *t)
{
    struct decode d = split(on, call, decode_ways[variant].most_parts);
    double cache_B = call->batch * attention_length(call) * attention_token_B(call);
    double own_B = 2 * call->batch * call->q_len * call->heads * (call->qk_dim + call->v_dim);
    double bytes_B = cache_B + own_B, warm = call->warm ? kept(c, on, bytes_B) : 0;
    double memory_Bps = c[MEMORY] * on->memory_Bps;
    t->tiles = d.units;
    t->waves = d.of_sm;
    t->tensor_s = d.of_sm * (ceil(d.blocks / d.parts) * block_s(c, decode_ways[variant].casts, on, call) + c[UNIT]);
    t->memory_s = bytes_B * ((1 - warm) / memory_Bps + warm / (c[CACHE_SPEED] * on->memory_Bps));
    t->start_s = c[START] + (d.parts > 1 ? c[COMBINE] : 0);
    if (call->fp8_cache && decode_has("cast_passes", call->dtype, variant))
        t->start_s += c[CAST] * 2 * cache_B / on->memory_Bps;
    t->unhidden_ratio = c[UNHIDDEN];
}

/* Decoding: the queries of a request that share a head of the cache are rows of tiles, which walk over the cache in blocks of
 * positions. Requests times heads of the cache times such tiles are units; where they are fewer than the SMs, each is split
 * into parts, which are added up at the end. An SM works off one part after the other: each costs a fixed time, each block
 * its products, no less than its bytes need to come to the SM.
 *
 * Libraries differ in how they cut:
 *  - evenly: tiles of 64 rows, blocks of 64 positions, as many parts as there are SMs (FlashAttention 3, FlashInfer).
 *  - FlashMLA: tiles of 64 rows, few heads filled up; parts of the chip are dealt blocks of all requests (csrc of
 *    github.com/deepseek-ai/FlashMLA, 2025), so that any batch uses all SMs and several queries share what is read.
 *  - Triton's kernels in SGLang: tiles of 16 rows, blocks of 32 positions that wait for memory one after the other, so that
 *    SMs work on several parts side by side and blocks from memory take longer than those from L2; 8 parts at most; a second
 *    kernel adds up every query's. Where each head has its own keys, another kernel works without tensor cores.
 *  - TensorRT-LLM's generated kernels (fmhaKernels.cuh of github.com/flashinfer-ai/flashinfer, 2026: kernels are chosen, parts
 *    counted there): tiles of 8 to 128 rows, parts of 256 positions at least, latents by the rules below. What a unit takes
 *    beside its blocks was measured to grow with the root of its rows: larger tiles have more threads.
 *
 * The cache crosses the memory once; tiles that share it read it again from L2. A benchmark that repeats the same call finds
 * it there as long as it fits; in decoding it never does. What comes from memory has a delay of its own before all SMs
 * stream (measured with FlashAttention 3: 10 us, whatever the number format). A cache in FP8 that the kernel cannot work on is cast first
 * (FlashAttention 3 on Hopper): passes over it in BF16.
 *
 * Left out: requests of unequal length (the mean is taken; schedulers even them out). */
#define _GNU_SOURCE /* strcasestr */
#include <math.h>
#include <string.h>

#include "hw/kernels/attention_mechanism.h"

enum {
    START,
    COMBINE,
    UNIT,
    BLOCK,
    TENSOR,
    LOAD,
    MEMORY,
    CACHE,
    CACHE_SPEED,
    UNHIDDEN,
    CAST,
    PART,
    ROWS,
    RESIDENT,
    COLD,
    LONE,
    COLD_START
};

const struct kernel_constant decode_constants[] = {
    [START] = {"start_s", MOVES_NOT, 8e-6, 5e-7, 1e-4, "launch, scheduling, last store"},
    [COMBINE] = {"combine_s", MOVES_NOT, 3e-6, 1e-8, 5e-5,
                 "adding up parts: a kernel; Triton: a query on an SM; grouped heads: 64 rows of one part"},
    [UNIT] = {"unit_s", MOVES_BY_CLOCK, 2e-6, 1e-8, 2e-5, "queries of a request that share a head, on an SM"},
    [BLOCK] = {"block_s", MOVES_BY_CLOCK, 3e-7, 1e-9, 5e-6, "a block of positions beside its products"},
    [TENSOR] = {"tensor_ratio", MOVES_AS_SHARE, 0.6, 0.05, 1,
                "of the nominal rate, in FP8 where the cache is in it and read so"},
    [LOAD] = {"load_B", MOVES_AS_SHARE, 40, 2, 512, "of the cache, a clock and SM"},
    [MEMORY] = {"memory_ratio", MOVES_AS_SHARE, 0.75, 0.2, 1, "achieved of the memory bandwidth"},
    [CACHE] = {"cache_ratio", MOVES_AS_SHARE, 0.7, 0.01, 1,
               "of L2 that a repeated call's cache may fill to be found there"},
    [CACHE_SPEED] = {"cache_speed_ratio", MOVES_AS_SHARE, 3, 1, 20, "L2 over memory bandwidth"},
    [UNHIDDEN] = {"unhidden_ratio", MOVES_AS_SHARE, 0.1, 1e-3, 1, "of the smaller of SMs' and memory's time"},
    [CAST] = {"cast_passes", MOVES_AS_SHARE, 2, 1e-3, 20, "over the cache in BF16, to cast it from FP8"},
    [PART] = {"part_s", MOVES_BY_CLOCK, 1e-7, 1e-9, 1e-5, "a part of a split request, where one SM adds them up"},
    [ROWS] = {"rows_s", MOVES_BY_CLOCK, 2e-7, 1e-9, 1e-5, "a unit's queries, by the root of their number"},
    [RESIDENT] = {"resident", MOVES_AS_SHARE, 4, 1, 16, "parts that an SM works on side by side"},
    [COLD] = {"cold_blocks", MOVES_AS_SHARE, 0.8, 1e-2, 5,
              "of a block's time, what it waits longer where memory has it and not L2"},
    [LONE] = {"lone_ratio", MOVES_AS_SHARE, 1.5, 1, 4,
              "a block's time where each head has its own keys, without tensor cores"},
    [COLD_START] = {"cold_start_s", MOVES_BY_CLOCK, 1e-6, 1e-9, 2e-5,
                    "until all SMs stream, where memory has the cache and not L2"},
    {0}};

static const double tile_rows = 64, block_positions = 64, least_blocks = 2;

/* How libraries cut a call: schedulers that know the chip, Triton's kernels in SGLang, TensorRT-LLM's generated ones,
 * FlashMLA's, which deals all requests' blocks to parts of the chip. */
enum way { EVENLY, TRITON, GENERATED, DEALT, WAYS };
const char *const decode_variants[] = {"reads", "casts", "triton", "trtllm_gen", "dealt", NULL};
static const struct {
    enum way way;
    bool casts;
} decode_ways[] = {{EVENLY, false}, {EVENLY, true}, {TRITON, false}, {GENERATED, false}, {DEALT, false}};

bool decode_has(const char *name, enum kernel_dtype dtype, int variant)
{
    static const char *const evenly[] = {"tensor_ratio", "load_B", "block_s", "cold_start_s", NULL},
                             *const triton[] = {"block_s", "resident", "cold_blocks", "lone_ratio", NULL},
                             *const generated[] = {"tensor_ratio", "load_B", "part_s", "rows_s", NULL},
                             *const dealt[] = {"tensor_ratio", "block_s", NULL},
                             *const *const own[WAYS] = {evenly, triton, generated, dealt};
    (void)dtype;
    if (!strcmp(name, "cast_passes"))
        return decode_ways[variant].casts;
    bool common = true;
    for (int w = EVENLY; w < WAYS; w++)
        for (const char *const *o = own[w]; *o; o++) {
            if (strcmp(*o, name))
                continue;
            if (w == (int)decode_ways[variant].way)
                return true;
            common = false;
        }
    return common;
}

bool decode_offers(int variant, enum kernel_dtype dtype, const char *library)
{
    enum way way = !library                          ? EVENLY
                   : strstr(library, "trtllm")       ? GENERATED
                   : strstr(library, "triton")       ? TRITON
                   : strcasestr(library, "flashmla") ? DEALT
                                                     : EVENLY;
    (void)dtype;
    return decode_ways[variant].way == way;
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

/* How a call is cut: units of work, each of some rows against a sequence, on SMs that share what they load; parts of each. */
struct decode {
    double rows, sms_each, step, units, blocks, parts;
    double product, loaded; /* of a position on an SM: values multiplied with each row, bytes of the cache loaded */
    double columns;         /* SMs that split the columns of values of a unit */
    double reads;           /* how often SMs read the cache */
    double sums_B;          /* of all parts, in FP32 */
    double combine;         /* combine_s in it */
    double dealt,
        requests; /* blocks of a part of the chip, and the requests that they are of; 0: units are not dealt */
};

static struct decode split_evenly(const struct kernel_device *on, const struct kernel_call *call)
{
    double sms = device_sms(on, call), rows = call->heads / call->kv_heads * call->q_len;
    struct decode d = {.rows = fmin(rows, tile_rows),
                       .sms_each = 1,
                       .columns = 1,
                       .reads = 1,
                       .product = call->qk_dim + call->v_dim,
                       .loaded = attention_token_B(call) / call->kv_heads,
                       .step = block_positions,
                       .units = call->batch * call->kv_heads * ceil(rows / tile_rows),
                       .blocks = ceil(attention_length(call) / block_positions)};
    d.parts = fmax(1, fmin(floor(sms / d.units), ceil(d.blocks / least_blocks)));
    d.combine = d.parts > 1;
    return d;
}

/* FlashMLA: rows of 64 (all queries of a request that share a cache) each have a share of the SMs, its parts; blocks of all
 * requests are dealt to the parts one after the other, each with as many as make it even, a request counting for five blocks
 * more (get_mla_metadata). */
static const double request_blocks = 5;

static struct decode split_dealt(const struct kernel_device *on, const struct kernel_call *call)
{
    double sms = device_sms(on, call), length = attention_length(call), tiles = call->kv_heads;
    struct decode d = {.rows = tile_rows, .sms_each = 1, .columns = 1, .reads = 1, .step = block_positions, .parts = 1};
    tiles *= ceil(call->heads / call->kv_heads * call->q_len / tile_rows);
    d.product = call->qk_dim + call->v_dim;
    d.blocks = ceil(length / block_positions);
    d.units = call->batch * tiles;
    double parts = fmax(1, floor(sms / tiles)), request = d.blocks + request_blocks;
    double dealt = fmin(ceil(call->batch * request / parts) + request_blocks, call->batch * request);
    double whole = floor(dealt / request), rest = fmax(0, dealt - whole * request - request_blocks);
    d.dealt = ceil(tiles / sms) * (whole * d.blocks + rest);
    d.requests = ceil(tiles / sms) * (whole + (rest > 0));
    d.combine = dealt < call->batch * request;
    return d;
}

/* SGLang's Triton kernels: tiles of 16 heads at most, blocks of 32 positions, up to 8 parts, more of them the longer the
 * sequences are (get_num_kv_splits_triton). */
static struct decode split_triton(const struct kernel_device *on, const struct kernel_call *call)
{
    double sms = device_sms(on, call), length = attention_length(call), rows = call->heads / call->kv_heads;
    struct decode d = {.rows = fmin(rows, 16), .sms_each = 1, .columns = 1, .reads = 1, .step = 32};
    d.units = call->batch * call->kv_heads * ceil(rows / 16);
    double wanted = ceil(sms * fmax(1, log2(length / 64)) / d.units);
    d.parts = fmax(1, fmin(8, wanted));
    d.blocks = ceil(length / d.step);
    d.combine = call->batch * call->heads / sms;
    return d;
}

/* --- TensorRT-LLM's generated kernels ----------------------------------------------------------------------------- */

static const double gen_part = 256, gen_short = 1024;

/* Of a unit, at least gen_part positions each. */
static double gen_parts(double length, double sms, double units)
{
    return fmin(ceil(length / gen_part), fmax(1, floor(sms / units)));
}

/* Latents that all heads share: up to 32 heads, and where 16 heads an SM leave it no more than 1,024 positions, tiles of 8 or
 * 16 heads, each of which reads the cache; else 64 heads, two SMs with 128 of them sharing what they load. */
static void gen_tiles(const struct kernel_call *call, double sms, struct decode *d)
{
    double heads = call->heads / call->kv_heads, each = call->batch * call->kv_heads * call->q_len;
    double length = attention_length(call), small = each * ceil(heads / 16);
    if (call->family != KERNEL_MLA_DECODE) {
        d->rows = fmin(128, fmax(8, exp2(ceil(log2(heads * call->q_len)))));
        d->sms_each = 1;
        d->units = call->batch * call->kv_heads * ceil(heads * call->q_len / d->rows);
        return;
    }
    bool is_short = small <= sms && length / gen_parts(length, sms, small) <= gen_short;
    d->rows = heads <= 8 ? 8 : heads <= 32 || is_short ? 16 : 64;
    d->sms_each = heads == 128 && d->rows == 64 ? 2 : 1;
    d->units = each * ceil(heads / d->rows) / d->sms_each;
}

/* Where SMs are left over, values are split by columns, too: each of the SMs multiplies all queries with keys. */
static double gen_columns(const struct kernel_call *call, double sms, const struct decode *d)
{
    double used = d->units * d->parts * (call->batch == 1 ? 1 : 2);
    if (call->family != KERNEL_MLA_DECODE)
        return call->v_dim > 256 && d->rows >= 64 ? 2 : 1;
    if (d->sms_each > 1 || used > sms)
        return 1;
    return 2 * used <= sms ? 4 : 2;
}

static struct decode split_gen(const struct kernel_device *on, const struct kernel_call *call)
{
    double sms = device_sms(on, call), length = attention_length(call);
    struct decode d = {0};
    gen_tiles(call, sms, &d);
    d.step = d.rows <= 16 ? 256 : 128;
    d.blocks = ceil(length / d.step);
    d.parts = gen_parts(length, sms, d.units * d.sms_each);
    d.columns = gen_columns(call, sms, &d);
    d.reads = ceil(call->heads / call->kv_heads / d.rows) / d.sms_each * d.columns;
    d.product = call->qk_dim + call->v_dim / d.columns;
    d.loaded = attention_token_B(call) / call->kv_heads / d.sms_each;
    if (d.columns > 1) /* values are loaded apart from keys */
        d.loaded *= d.product / call->qk_dim;
    d.units *= d.columns;
    d.parts = gen_parts(length, sms, d.units * d.sms_each);
    /* parts of grouped heads add up a share of the rows each; those that have no positions, too, are counted by a kernel that
     * knows only the longest context */
    d.combine = call->family == KERNEL_MLA_DECODE ? d.parts > 1 : 2 * d.units <= sms ? d.rows / 64 / d.parts : 0;
    d.sums_B = d.parts > 1 ? 4 * d.units * d.parts * d.sms_each * d.rows * call->v_dim / d.columns : 0;
    return d;
}

/* --- time ----------------------------------------------------------------------------------------------------------- */

/* Of the operands: a cache in FP8 that is not cast is multiplied so. */
static double operand_flops(const struct kernel_device *on, const struct kernel_call *call, bool casts)
{
    return device_flops(on, call->fp8_cache && !casts ? KERNEL_FP8 : KERNEL_BF16);
}

static double block_s(const double *c, bool casts, const struct kernel_device *on, const struct kernel_call *call,
                      const struct decode *d)
{
    double flop = 2 * fmax(16, d->rows) * d->step * d->product;
    double products_s = flop / (c[TENSOR] * operand_flops(on, call, casts) / on->sms) + c[BLOCK];
    return d->loaded > 0 ? fmax(products_s, d->step * d->loaded / (c[LOAD] * on->clock_Hz)) : products_s;
}

/* Of a repeated call's bytes the share that L2 still has: all that fits; what is much larger pushes itself out. */
static double kept(const double *c, const struct kernel_device *on, double bytes_B)
{
    double room_B = c[CACHE] * on->cache_B;
    return fmax(0, fmin(1, 1 - (bytes_B - room_B) / (0.5 * room_B)));
}

static struct decode split(enum way way, const struct kernel_device *on, const struct kernel_call *call)
{
    static struct decode (*const splits[WAYS])(const struct kernel_device *, const struct kernel_call *) = {
        [EVENLY] = split_evenly, [TRITON] = split_triton, [GENERATED] = split_gen, [DEALT] = split_dealt};
    return splits[way](on, call);
}

/* What SMs take, their parts one after the other. */
static double parts_s(const double *c, int variant, const struct kernel_device *on, const struct kernel_call *call,
                      const struct decode *d, double warm)
{
    double blocks = ceil(d->blocks / d->parts), side_by_side = c[RESIDENT] > 0 ? c[RESIDENT] : 1;
    double unit_s = c[UNIT] / d->columns + c[ROWS] * sqrt(d->rows);
    double step_s = decode_ways[variant].way == TRITON
                        ? c[BLOCK] * (d->rows > 1 ? 1 : c[LONE]) * (1 + (1 - warm) * c[COLD])
                        : block_s(c, decode_ways[variant].casts, on, call, d);
    if (d->requests > 0)
        return d->dealt * step_s + d->requests * c[UNIT];
    return ceil(d->units * d->parts * d->sms_each / (device_sms(on, call) * side_by_side)) * (blocks * step_s + unit_s);
}

/* What the larger of two times does not hide of the smaller, a share of it. FlashMLA keeps two blocks in flight: the more one of
 * the two dominates, the more these are always full, or always empty, and the less waits. (Its README: 3000 GB/s where memory
 * dominates, 660 TFLOPS where tensor cores do; where both take as long 552 TFLOPS are left, 2.3 TB/s.) */
static double unhidden_of(const double *c, int variant, const struct kernel_time *t)
{
    double smaller_s = fmin(t->tensor_s, t->memory_s), larger_s = fmax(t->tensor_s, t->memory_s);
    return c[UNHIDDEN] * (decode_ways[variant].way == DEALT ? pow(smaller_s / larger_s, 2) : 1);
}

void decode_time(const double *c, int variant, const struct kernel_device *on, const struct kernel_call *call,
                 struct kernel_time *t)
{
    struct decode d = split(decode_ways[variant].way, on, call);
    double cache_B = call->batch * attention_length(call) * attention_token_B(call);
    double own_B = 2 * call->batch * call->q_len * call->heads * (call->qk_dim + call->v_dim);
    double bytes_B = cache_B + own_B, warm = call->warm ? kept(c, on, bytes_B) : 0;
    double memory_Bps = c[MEMORY] * on->memory_Bps, L2_Bps = c[CACHE_SPEED] * on->memory_Bps;
    t->tiles = d.units;
    t->waves = ceil(d.units * d.parts * d.sms_each / device_sms(on, call));
    t->tensor_s = parts_s(c, variant, on, call, &d, warm);
    t->memory_s = bytes_B * ((1 - warm) / memory_Bps + (warm + d.reads - 1) / L2_Bps);
    t->start_s = c[START] + d.combine * c[COMBINE] + (d.parts > 1 ? d.parts * c[PART] : 0) + 2 * d.sums_B / L2_Bps;
    t->start_s += (1 - warm) * c[COLD_START];
    if (decode_ways[variant].casts && call->fp8_cache)
        t->start_s += c[CAST] * 2 * cache_B / on->memory_Bps;
    t->unhidden_ratio = unhidden_of(c, variant, t);
}

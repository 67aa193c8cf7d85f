/* The experts of a rank in one call, as serving frameworks run them: rows sorted by experts, gate and up projections, the
 * activation, the down projection, weighted sums; casts between them.
 *
 * The weights of the experts that have rows cross the memory once. What lies around the products is
 * passes over rows, and a time for each expert that has any.
 *
 * Tiles are of the height that is quickest; TensorRT-LLM's generated kernels take the power of two above the mean of the
 * experts' rows, 64 at most, and pad experts to 128 columns.
 *
 * Experts with a gate have two projections up; kernels that were measured with another activation (`plain`) have one.
 *
 * Left out: which tile a tuned table gives a shape (Triton's is tuned for some shapes and not for others). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hw/kernels/mechanism.h"
#include "hw/kernels/moe_load.h"

enum { START, SORT, TENSOR, STEP, LOAD, MEMORY, FILL, UNHIDDEN, WIDE, NARROW, EXPERT };

static const struct kernel_constant constants[] = {
    [START] = {"start_s", MOVES_NOT, 2e-5, 1e-6, 2e-3, "launches of all its kernels, first loads"},
    [SORT] = {"sort_s", MOVES_NOT, 5e-6, 1e-9, 2e-3, "sorting copies by experts, more kernels for many tokens"},
    [TENSOR] = {"tensor_ratio", MOVES_AS_SHARE, 0.6, 0.05, 1, "sustained of the nominal tensor rate"},
    [STEP] = {"step_s", MOVES_BY_CLOCK, 3e-7, 1e-9, 3e-6, "a step of 128 bytes along K, of a tile that waits for it"},
    [LOAD] = {"load_B", MOVES_AS_SHARE, 60, 4, 1024, "operands from L2, a clock and SM"},
    [MEMORY] = {"memory_ratio", MOVES_AS_SHARE, 0.8, 0.1, 1, "achieved of the memory bandwidth"},
    [FILL] = {"fill_s", MOVES_BY_CLOCK, 1e-6, 1e-9, 2e-5, "filling and emptying a tile of 128 x 128"},
    [UNHIDDEN] = {"unhidden_ratio", MOVES_AS_SHARE, 0.3, 1e-3, 1, "of the smaller of tensor and memory time"},
    [WIDE] = {"wide_passes", MOVES_AS_SHARE, 2, 1e-2, 40,
              "over all copies of tokens in BF16, those of other ranks' experts, too"},
    [NARROW] = {"narrow_passes", MOVES_AS_SHARE, 2, 1e-2, 40,
                "over what all copies have between the products, in BF16"},
    [EXPERT] = {"expert_s", MOVES_BY_CLOCK, 1e-8, 1e-11, 1e-5, "for each expert that has rows"},
    {0}};

static const char *const variants[] = {"gated", "plain", "generated", NULL};
enum { GATED, PLAIN, GENERATED };

static bool offers(int variant, enum kernel_dtype dtype, const char *library)
{
    (void)dtype;
    return variant != GENERATED || (library && strstr(library, "trtllm"));
}

static bool has(const char *name, enum kernel_dtype dtype, int variant)
{
    (void)dtype;
    return variant != GENERATED || (strcmp(name, "load_B") && strcmp(name, "expert_s"));
}

static const double step_B = 128, columns = 128, unit_tile = 128.0 * 128.0, few_tokens = 48;

struct experts {
    const double *c;
    const struct kernel_device *on;
    const struct kernel_call *call;
    struct moe_load load;
    double sms, sm_flops;
};

/* A grouped GEMM on its tiles of one height. */
static double tiles_s(const struct experts *e, double n, double k, int height)
{
    double bm = moe_heights[height], value_B = kernel_value_B(e->call->dtype);
    double tiles = e->load.tiles[height] * ceil(n / columns), steps = ceil(k * value_B / step_B);
    double fill_s = e->c[FILL] * (bm + columns) * columns / unit_tile / 2;
    double step_s = 2 * fmax(16, bm) * columns * step_B / value_B / e->sm_flops;
    step_s = fmax(step_s, (bm + columns) * step_B / (e->c[LOAD] * e->on->clock_Hz));
    return fmax(tiles / e->sms * (steps * step_s + fill_s), steps * fmax(step_s, e->c[STEP]) + fill_s);
}

/* TensorRT-LLM's generated kernels: tiles as tall as the experts' mean rows, a power of two from 8 to 64, in waves. */
static double generated_s(const struct experts *e, double n, double k)
{
    const struct kernel_call *call = e->call;
    double each =
        call->experts > 0 ? call->batch * call->top_k / call->experts : e->load.rows / fmax(1, e->load.active);
    double value_B = kernel_value_B(call->dtype), steps = ceil(k * value_B / step_B);
    int height = 0;
    while (height < MOE_HEIGHTS - 2 && moe_heights[height] < each)
        height++;
    double bm = moe_heights[height], tiles = e->load.tiles[height] * ceil(n / columns);
    double step_s = 2 * bm * columns * step_B / value_B / e->sm_flops + e->c[STEP];
    double fill_s = e->c[FILL] * (bm + columns) * columns / unit_tile / 2;
    return ceil(tiles / e->sms) * (steps * step_s + fill_s);
}

static double quickest_s(const struct experts *e, double n, double k)
{
    double least_s = INFINITY;
    for (int h = 0; h < MOE_HEIGHTS; h++)
        least_s = fmin(least_s, tiles_s(e, n, k, h));
    return least_s;
}

static double product_s(const struct experts *e, int variant, double n, double k)
{
    return variant == GENERATED ? generated_s(e, n, k) : quickest_s(e, n, k);
}

static double bytes_of(const struct experts *e, double n, double k)
{
    double value_B = kernel_value_B(e->call->dtype) + kernel_scale_B(e->call->dtype);
    return e->load.active * n * k * value_B + e->load.rows * (k * value_B + n * 2);
}

/* Frameworks that mask the experts of other ranks still have a place for each copy of a token. */
static double copies_of(const struct experts *e)
{
    return e->call->experts > 0 ? e->call->batch * e->call->top_k : e->load.rows;
}

static void moe_time(const double *c, int variant, const struct kernel_device *on, const struct kernel_call *call,
                     struct kernel_time *t)
{
    struct experts e = {
        c, on, call, moe_load_of(call), device_sms(on, call), device_flops(on, call->dtype) * c[TENSOR] / on->sms};
    double inner = variant == GENERATED ? ceil(call->n / columns) * columns : call->n; /* weights are padded */
    double up = inner * (variant == PLAIN ? 1 : 2), memory_Bps = c[MEMORY] * on->memory_Bps;
    double tensor_s = product_s(&e, variant, up, call->k) + product_s(&e, variant, call->k, inner);
    t->tensor_s = tensor_s;
    t->memory_s = (bytes_of(&e, up, call->k) + bytes_of(&e, call->k, inner)) / memory_Bps;
    double tokens = call->batch > 0 ? call->batch : e.load.rows;
    t->start_s = c[START] + c[SORT] * tokens / (tokens + few_tokens) + e.load.active * c[EXPERT] +
                 2 * copies_of(&e) * (c[WIDE] * call->k + c[NARROW] * call->n) / on->memory_Bps;
    t->unhidden_ratio = c[UNHIDDEN];
}

/* --- where a call lies --------------------------------------------------------------------------------------------- */

static void axes(const struct kernel_call *call, double *x)
{
    struct moe_load l = moe_load_of(call);
    double each = l.active > 0 ? l.rows / l.active : 0, copies = call->experts > 0 ? call->batch * call->top_k : l.rows;
    x[0] = log2(1 + each);
    x[1] = log2(1 + l.active);
    x[2] = log2(call->k);
    x[3] = log2(call->n);
    x[4] = each > 0 ? log2(l.most / each) / 2 : 0;
    x[5] = log2((1 + copies) / (1 + l.rows)) / 2;
}

static uint64_t shape(const struct kernel_call *call)
{
    double inter = call->n * fmax(1, call->split);
    return kernel_hash(kernel_hash(kernel_hash(kernel_hash(0, call->k), inter), call->top_k), call->experts);
}

static const char *const members[] = {"batch", "k", "n", "top_k", "experts", "ranks", "split", "skew", NULL},
                         *const files[] = {"moe", NULL}, *const titles[] = {"moe_dtype",    "num_tokens",
                                                                            "hidden_size",  "inter_size",
                                                                            "topk",         "num_experts",
                                                                            "moe_tp_size",  "moe_ep_size",
                                                                            "distribution", NULL};

static const char *read(const struct kernel_cells *cells, struct kernel_call *call)
{
    call->batch = cell_number(cells, "num_tokens");
    call->k = cell_number(cells, "hidden_size");
    call->top_k = cell_number(cells, "topk");
    call->experts = cell_number(cells, "num_experts");
    call->ranks = cell_number(cells, "moe_ep_size");
    call->split = cell_number(cells, "moe_tp_size");
    call->n = cell_number(cells, "inter_size") / call->split;
    if (call->ranks > 1 && call->k == 7168 && call->n * call->split == 2048 && call->top_k == 8 && call->experts == 256)
        return "-DeepSeek-V3's router chooses groups first: which experts this rank had is not what the columns say";
    const char *why = moe_read_skew(cell_text(cells, "distribution"), &call->skew);
    if (why)
        return why;
    if (!(call->ranks >= 1 && call->split >= 1 && call->experts >= call->ranks && call->batch > 0 && call->top_k > 0))
        return "experts, tokens, top-k and sizes of groups are numbers from 1, no more ranks than experts";
    return NULL;
}

const struct kernel_mechanism mechanism_moe = {.constants = constants,
                                               .variants = variants,
                                               .offers = offers,
                                               .has = has,
                                               .time = moe_time,
                                               .members = members,
                                               .files = files,
                                               .columns = titles,
                                               .read = read,
                                               .points = 280,
                                               .n_axes = 6,
                                               .shape_axes = 1u << 2 | 1u << 3,
                                               .axes = axes,
                                               .shape = shape};

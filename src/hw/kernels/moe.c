/* The experts of a rank in one call, as serving frameworks run them: rows sorted by experts, gate and up projections, the
 * activation, the down projection, weighted sums; casts between them.
 *
 * The weights of the experts that have rows cross the memory once. What lies around the products is
 * passes over rows, and a time for each expert that has any.
 *
 * Tiles are of the height that is quickest. Triton's have tokens for rows: Blackwell's tensor cores take 128 rows at once and
 * with 64 or fewer do no more in a clock than Hopper's, and scales of blocks keep tiles at 64 rows (SGLang's default).
 * TensorRT-LLM's generated kernels (FlashInfer) have tokens for columns; tiles are a power of two above the mean of the
 * rows of the rank's experts, halved, unless somebody tunes them; experts are padded to 128 columns.
 *
 * Experts with a gate have two projections up; kernels that were measured with another activation (`plain`) have one.
 *
 * Left out: which tile a tuned table gives a shape (Triton's is tuned for some shapes and not for others). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hw/kernels/kernel.h"
#include "hw/kernels/moe_load.h"

enum { START, SORT, TENSOR, STEP, LOAD, MEMORY, FILL, UNHIDDEN, WIDE, NARROW, EXPERT };

static const struct kernel_constant constants[] = {
    [START] = {"start_s", MOVES_NOT, 2e-5, 1e-6, 2e-3, "launches of all its kernels, first loads"},
    [SORT] = {"sort_s", MOVES_NOT, 5e-6, 1e-9, 2e-3, "sorting copies by experts, more kernels for many tokens"},
    [TENSOR] = {"tensor_ratio", MOVES_AS_SHARE, 0.6, 0.05, 1, "sustained of the nominal tensor rate"},
    [STEP] = {"step_s", MOVES_BY_CLOCK, 3e-7, 1e-9, 3e-6, "the least of a step of 128 bytes along K"},
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

static const char *const variants[] = {"gated", "plain", "generated", "triton", "triton_plain", NULL};
enum { GATED, PLAIN, GENERATED, TRITON, TRITON_PLAIN };

static bool is_triton(int variant)
{
    return variant == TRITON || variant == TRITON_PLAIN;
}

static bool offers(int variant, enum kernel_dtype dtype, const char *library)
{
    (void)dtype;
    if (variant == GENERATED)
        return library && strstr(library, "trtllm");
    return is_triton(variant) == (library && strstr(library, "triton"));
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
    double sms, sm_flops; /* sustained, of one SM */
    int variant;
};

/* Bytes of operands that Hopper's tensor cores take in a clock, times 2 FLOP: 4096 of BF16. */
static const double few_rows_flop_B = 8192, full_rows = 128;

/* Of an SM, on tiles of so many rows. */
static double flops_of(const struct experts *e, double rows)
{
    if (!is_triton(e->variant) || rows >= full_rows)
        return e->sm_flops;
    double value_B = e->call->dtype == KERNEL_W4A16 ? 2 : kernel_value_B(e->call->dtype);
    return fmin(e->sm_flops, e->c[TENSOR] * few_rows_flop_B / value_B * e->on->clock_Hz);
}

/* A grouped GEMM on its tiles of one height. */
static double tiles_s(const struct experts *e, double n, double k, int height)
{
    double bm = moe_heights[height], value_B = kernel_value_B(e->call->dtype);
    double tiles = e->load.tiles[height] * ceil(n / columns), steps = ceil(k * value_B / step_B);
    double fill_s = e->c[FILL] * (bm + columns) * columns / unit_tile / 2;
    double step_s = 2 * fmax(16, bm) * columns * step_B / value_B / flops_of(e, bm);
    step_s = fmax(step_s, (bm + columns) * step_B / (e->c[LOAD] * e->on->clock_Hz));
    return fmax(tiles / e->sms * (steps * step_s + fill_s), steps * fmax(step_s, e->c[STEP]) + fill_s);
}

/* What FlashInfer takes where nothing was tuned: the power of two above the mean rows of the rank's experts, halved, from 8
 * to 64, in FP4 to 128 (computeSelectedTileN in its csrc/trtllm_fused_moe_kernel_launcher.cu). */
static int generated_height(const struct experts *e)
{
    const struct kernel_call *call = e->call;
    int height = 0, most = kernel_value_B(call->dtype) < 1 ? MOE_HEIGHTS - 1 : MOE_HEIGHTS - 2;
    double each = call->experts > 0 ? call->batch * call->top_k / (call->experts / fmax(1, call->ranks))
                                    : e->load.rows / fmax(1, e->load.active);
    while (height < most && 2 * moe_heights[height] < each)
        height++;
    return height;
}

static double generated_s(const struct experts *e, double n, double k)
{
    int height = generated_height(e);
    double bm = moe_heights[height], tiles = e->load.tiles[height] * ceil(n / columns);
    double value_B = kernel_value_B(e->call->dtype), steps = ceil(k * value_B / step_B);
    double step_s = fmax(2 * bm * columns * step_B / value_B / e->sm_flops, e->c[STEP]);
    double fill_s = e->c[FILL] * (bm + columns) * columns / unit_tile / 2;
    return ceil(tiles / e->sms) * (steps * step_s + fill_s);
}

static double quickest_s(const struct experts *e, double n, double k)
{
    double least_s = INFINITY;
    bool has_scales = e->call->dtype == KERNEL_FP8;
    int heights = is_triton(e->variant) && has_scales ? MOE_HEIGHTS - 1 : MOE_HEIGHTS;
    for (int h = 0; h < heights; h++)
        least_s = fmin(least_s, tiles_s(e, n, k, h));
    return least_s;
}

static double product_s(const struct experts *e, double n, double k)
{
    return e->variant == GENERATED ? generated_s(e, n, k) : quickest_s(e, n, k);
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
    double sm_flops = device_flops(on, call->dtype) * c[TENSOR] / on->sms;
    struct experts e = {c, on, call, moe_load_of(call), device_sms(on, call), sm_flops, variant};
    bool has_gate = variant != PLAIN && variant != TRITON_PLAIN;
    double inner = variant == GENERATED ? ceil(call->n / columns) * columns : call->n; /* weights are padded */
    double up = inner * (has_gate ? 2 : 1), memory_Bps = c[MEMORY] * on->memory_Bps;
    double tensor_s = product_s(&e, up, call->k) + product_s(&e, call->k, inner);
    t->tensor_s = tensor_s;
    t->memory_s = (bytes_of(&e, up, call->k) + bytes_of(&e, call->k, inner)) / memory_Bps;
    double tokens = call->batch > 0 ? call->batch : e.load.rows;
    t->start_s = c[START] + c[SORT] * tokens / (tokens + few_tokens) + e.load.active * c[EXPERT] +
                 2 * copies_of(&e) * (c[WIDE] * call->k + c[NARROW] * inner) / on->memory_Bps;
    t->unhidden_ratio = c[UNHIDDEN];
}

/* --- a library that was not measured ---------------------------------------------------------------------------------- */

/* Of what FlashInfer launches for experts in BF16: choices sorted by experts, both products (the first with the activation, rows
 * by index), rows of a token summed up. The sum reads every copy; nothing lies between the products. */
enum { GENERATED_LAUNCHES = 4 };

/* Generated kernels with a dense GEMM's rates. Not in formats with scales: what CUDA cores do for these differs. */
static bool assume(const struct kernel *gemm, const char *library, struct kernel *out)
{
    if (!offers(GENERATED, gemm->dtype, library) || kernel_scale_B(gemm->dtype) > 0)
        return false;
    const struct kernel_constant *theirs = kernel_mechanism_of(gemm->family)->constants;
    *out = (struct kernel){.chip = gemm->chip,
                           .measured = gemm->measured,
                           .family = KERNEL_MOE,
                           .dtype = gemm->dtype,
                           .library = library,
                           .variant = GENERATED,
                           .source = gemm->source,
                           .conditions = gemm->conditions,
                           .folder = gemm->folder};
    for (size_t i = 0; constants[i].name; i++)
        for (size_t j = 0; theirs[j].name; j++)
            if (!strcmp(constants[i].name, theirs[j].name))
                out->constants[i] = gemm->constants[j];
    out->constants[START] *= GENERATED_LAUNCHES;
    out->constants[WIDE] = 1;
    return true;
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
                                               .points = 230,
                                               .n_axes = 6,
                                               .shape_axes = 1u << 2 | 1u << 3,
                                               .axes = axes,
                                               .shape = shape,
                                               .assume = assume};

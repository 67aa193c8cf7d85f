/* Dense GEMMs: C[m,n] = A[m,k] B[n,k]^T.
 *
 * A tile of bm x bn takes, for each step of 128 bytes along K, its products at the sustained rate and what CUDA cores add for
 * scales, no less than its operands need from L2 and no less than a step takes to come round; then it is filled and emptied
 * once. Tiles go to the SMs in waves, the last one as long as the others. Matrices cross the memory once; what a repeated
 * benchmark finds in L2 does not. The smaller of both times is hidden by a share.
 *
 * Which tile: DeepGEMM chooses by published rules (deepgemm_tiles.c), good or bad. Of other libraries (cuBLAS, CUTLASS) the
 * rules are not public; they are taken to find the quickest of usual sizes, with K split where tiles are few, whose parts
 * are added up in L2.
 *
 * Measured FP8 and FP4 kernels of serving frameworks cast their activations first: passes over the activations in BF16,
 * and a time for each block of the cast, which are small and many for odd numbers of rows. A call that does not ask for it
 * (`casts`) gets the time without.
 *
 * Left out: clusters but for DeepGEMM's choice, order of tiles in L2, clocks that fall under load but for a share of long
 * kernels. */
#include <math.h>
#include <string.h>

#include "hw/kernels/deepgemm_tiles.h"
#include "hw/kernels/mechanism.h"

enum { START, TENSOR, THROTTLE, STEP, PROMOTION, LOAD, MEMORY, CACHE, FILL, UNHIDDEN, LONE, CAST, CAST_BLOCK };

static const struct kernel_constant constants[] = {
    [START] = {"start_s", MOVES_NOT, 4e-6, 5e-7, 5e-5, "launch, first loads, last store"},
    [TENSOR] = {"tensor_ratio", MOVES_AS_SHARE, 0.75, 0.2, 1, "sustained of the nominal tensor rate"},
    [THROTTLE] = {"throttle_ratio", MOVES_AS_SHARE, 0.2, 1e-4, 1, "what kernels much longer than 1 ms lose: power, L2"},
    [STEP] = {"step_s", MOVES_BY_CLOCK, 1.2e-7, 1e-9, 1e-6, "the least of a step of 128 bytes along K"},
    [PROMOTION] = {"promotion_ratio", MOVES_AS_SHARE, 1, 1, 1, "of what CUDA cores do for scales, that is not hidden"},
    [LOAD] = {"load_B", MOVES_AS_SHARE, 90, 8, 1024, "operands from L2, a clock and SM"},
    [MEMORY] = {"memory_ratio", MOVES_AS_SHARE, 0.85, 0.3, 1, "achieved of the memory bandwidth"},
    [CACHE] = {"cache_ratio", MOVES_AS_SHARE, 0.1, 1e-4, 1,
               "of L2 that holds a matrix until a benchmark needs it again"},
    [FILL] = {"fill_s", MOVES_BY_CLOCK, 1e-6, 1e-9, 1e-5, "filling and emptying a tile of 128 x 128"},
    [UNHIDDEN] = {"unhidden_ratio", MOVES_AS_SHARE, 0.3, 1e-3, 1, "of the smaller of tensor and memory time"},
    [LONE] = {"lone_step_s", MOVES_BY_CLOCK, 2.5e-6, 1e-9, 1e-5,
              "the least of a step where a wave of the largest tiles is all: measured there only"},
    [CAST] = {"cast_passes", MOVES_AS_SHARE, 1.7, 1e-3, 6,
              "of the activations in BF16 over the memory, before the product"},
    [CAST_BLOCK] = {"cast_block_s", MOVES_BY_CLOCK, 1.2e-7, 1e-9, 2e-6,
                    "a block of the cast on an SM, beside its bytes"},
    {0}};

enum variant { DEEPGEMM_HOPPER, DEEPGEMM_BLACKWELL, TILES, TILES_SPLIT };
static const char *const variants[] = {"deepgemm_hopper", "deepgemm_blackwell", "tiles", "tiles_split", NULL};

static const double step_B = 128, unit_tile = 128.0 * 128.0, long_s = 1e-3, fp32_lanes = 128;

static bool has(const char *name, enum kernel_dtype dtype, int variant)
{
    if (!strncmp(name, "cast_", 5))
        return dtype != KERNEL_BF16;
    if (!strcmp(name, "promotion_ratio"))
        return dtype == KERNEL_FP8;
    if (!strcmp(name, "lone_step_s"))
        return variant == DEEPGEMM_HOPPER;
    if (!strcmp(name, "load_B"))
        return variant >= TILES;
    return true;
}

static bool offers(int variant, enum kernel_dtype dtype, const char *library)
{
    bool deepgemm = dtype == KERNEL_FP8 && library && (strstr(library, "deepgemm") || strstr(library, "DeepGEMM"));
    return deepgemm == (variant <= DEEPGEMM_BLACKWELL);
}

/* What does not depend on the tile. */
struct product {
    const double *c;
    const struct kernel_device *on;
    const struct kernel_call *call;
    double sms, sm_flops, steps;
};

static struct product begin(const double *c, const struct kernel_device *on, const struct kernel_call *call)
{
    return (struct product){.c = c,
                            .on = on,
                            .call = call,
                            .sms = device_sms(on, call),
                            .sm_flops = device_flops(on, call->dtype) * c[TENSOR] / on->sms,
                            .steps = ceil(call->k * kernel_value_B(call->dtype) / step_B)};
}

static double promotion_s(const struct product *p, double bm, double bn)
{
    if (p->call->dtype != KERNEL_FP8 || p->on->stays_in_core)
        return 0;
    return p->c[PROMOTION] * bm * bn / (fp32_lanes * p->on->clock_Hz);
}

/* --- tiles that DeepGEMM chooses ---------------------------------------------------------------------------- */

static const struct kernel_plan *plan_of(const struct product *p, int variant, struct kernel_plan *here)
{
    struct kernel_plan *plan = p->call->plan ? p->call->plan : here;
    if (plan->known)
        return plan;
    (variant == DEEPGEMM_HOPPER ? deepgemm_plan_hopper : deepgemm_plan_blackwell)(p->call->m, p->call->n, p->call->k,
                                                                                  p->sms, plan);
    return plan;
}

static double planned_s(const struct product *p, int variant, struct kernel_time *t)
{
    struct kernel_plan here = {0};
    const struct kernel_plan *plan = plan_of(p, variant, &here);
    double least_rows = variant == DEEPGEMM_HOPPER ? 64 : 128, bm = plan->tile_m, bn = plan->tile_n;
    double step_s =
        2 * fmax(bm, least_rows) * bn * step_B / kernel_value_B(p->call->dtype) / p->sm_flops + promotion_s(p, bm, bn);
    step_s = fmax(step_s, p->c[STEP]);
    /* one wave of them, which no pair of SMs shares: 2.7 us a step at any k, whatever the tensor cores could */
    if (variant == DEEPGEMM_HOPPER && plan->waves <= 1 && bm * bn >= 128 * 192)
        step_s = fmax(step_s, p->c[LONE]);
    t->tile_m = bm;
    t->tile_n = bn;
    t->tiles = plan->tiles;
    t->waves = plan->waves;
    return plan->waves * (p->steps * step_s + p->c[FILL] * bm * bn / unit_tile);
}

/* --- the quickest of usual tiles ---------------------------------------------------------------------------- */

static const struct {
    double bm, bn;
} sizes[] = {{256, 256}, {256, 128}, {128, 256}, {128, 192}, {128, 128}, {64, 256},
             {64, 128},  {128, 64},  {128, 32},  {64, 64},   {64, 32}};
enum { N_SIZES = sizeof sizes / sizeof *sizes, MOST_PARTS = 32, LEAST_STEPS = 4 };

/* Sums of parts in FP32 are written to L2 and read there. */
static double reduction_s(const struct product *p, double parts)
{
    double L2_Bps = p->on->sms * p->c[LOAD] * p->on->clock_Hz;
    return parts > 1 ? 8 * p->call->m * p->call->n * parts / L2_Bps + p->c[FILL] : 0;
}

static void try_parts(const struct product *p, double bm, double bn, double tiles, double step_s, double parts,
                      double *least_s, struct kernel_time *t)
{
    double waves = ceil(tiles * parts / p->sms);
    double s = waves * (ceil(p->steps / parts) * step_s + p->c[FILL] * bm * bn / unit_tile) + reduction_s(p, parts);
    if (s >= *least_s)
        return;
    *least_s = s;
    t->tile_m = bm;
    t->tile_n = bn;
    t->tiles = tiles * parts;
    t->waves = waves;
}

static double quickest_s(const struct product *p, int variant, struct kernel_time *t)
{
    double least_s = INFINITY, load_Bps = p->c[LOAD] * p->on->clock_Hz;
    for (int i = 0; i < N_SIZES; i++) {
        double bm = sizes[i].bm, bn = sizes[i].bn;
        double tiles = ceil(p->call->m / bm) * ceil(p->call->n / bn);
        double values = step_B / kernel_value_B(p->call->dtype);
        double step_s = 2 * bm * bn * values / p->sm_flops + promotion_s(p, bm, bn);
        step_s = fmax(fmax(step_s, (bm + bn) * step_B / load_Bps), p->c[STEP]);
        try_parts(p, bm, bn, tiles, step_s, 1, &least_s, t);
        for (double parts = 2; variant == TILES_SPLIT && parts <= MOST_PARTS && p->steps >= LEAST_STEPS * parts &&
                               tiles * parts <= 4 * p->sms;
             parts *= 2)
            try_parts(p, bm, bn, tiles, step_s, parts, &least_s, t);
    }
    return least_s;
}

/* --- all of it ------------------------------------------------------------------------------------------------ */

static double memory_s(const struct product *p)
{
    double bytes_B = kernel_bytes_B(p->call) + p->call->read_B + p->call->written_B; /* see wgrad_form */
    double kept_B = p->call->warm ? fmin(bytes_B, p->c[CACHE] * p->on->cache_B) : 0;
    double kept = kept_B >= bytes_B ? 1 : kept_B / bytes_B;
    return (1 - kept) * bytes_B / (p->c[MEMORY] * p->on->memory_Bps);
}

/* SGLang's cast to FP8 with scales of 1x128 gives a block as many groups of 128 values as divide their number, 16 at most:
 * odd numbers of rows make many small blocks (sgl-kernel, per_token_group_quant_8bit). Other casts: a row a block. */
static double cast_blocks(const struct kernel_call *call)
{
    if (call->dtype != KERNEL_FP8)
        return call->m;
    double groups = call->m * ceil(call->k / 128), each = 16;
    while (each > 1 && fmod(groups, each) != 0)
        each /= 2;
    return groups / each;
}

static double cast_s(const struct product *p, int variant)
{
    if (!p->call->casts || !has("cast_passes", p->call->dtype, variant))
        return 0;
    return p->c[CAST] * 2 * p->call->m * p->call->k / p->on->memory_Bps +
           p->c[CAST_BLOCK] * cast_blocks(p->call) / p->on->sms;
}

static void gemm_time(const double *c, int variant, const struct kernel_device *on, const struct kernel_call *call,
                      struct kernel_time *t)
{
    struct product p = begin(c, on, call);
    double tensor_s = variant <= DEEPGEMM_BLACKWELL ? planned_s(&p, variant, t) : quickest_s(&p, variant, t);
    t->start_s = c[START] + cast_s(&p, variant);
    t->tensor_s = tensor_s * (1 + c[THROTTLE] * tensor_s / (tensor_s + long_s));
    t->memory_s = memory_s(&p);
    t->unhidden_ratio = c[UNHIDDEN];
}

static void axes(const struct kernel_call *call, double *x)
{
    x[0] = log2(call->m);
    x[1] = log2(call->n);
    x[2] = log2(call->k);
}

static uint64_t shape(const struct kernel_call *call)
{
    return kernel_hash(kernel_hash(0, call->n), call->k);
}

static const char *const members[] = {"m", "n", "k", NULL}, *const files[] = {"gemm", NULL},
                         *const columns[] = {"gemm_dtype", "m", "n", "k", NULL};

static const char *read(const struct kernel_cells *cells, struct kernel_call *call)
{
    call->m = cell_number(cells, "m");
    call->n = cell_number(cells, "n");
    call->k = cell_number(cells, "k");
    return NULL;
}

const struct kernel_mechanism mechanism_gemm = {.constants = constants,
                                                .variants = variants,
                                                .offers = offers,
                                                .has = has,
                                                .time = gemm_time,
                                                .members = members,
                                                .files = files,
                                                .columns = columns,
                                                .read = read,
                                                .points = 1800,
                                                .n_axes = 3,
                                                .shape_axes = 1u << 1 | 1u << 2,
                                                .axes = axes,
                                                .shape = shape};

/* Roofline of GEMMs on tiles, dense and grouped, after DeepGEMM (FP8) and cuBLAS (BF16) on Hopper.
 *
 * A tile of bm x bn takes, for each step of 128 bytes along K, its tensor time at the sustained rate and a
 * fixed time (barriers, draining wgmma, scales), then an epilogue. Tiles go to the SMs in waves. The tile is
 * the one of the library's sizes that is quickest by this reckoning, which is how DeepGEMM chooses (first by
 * waves, later by modelled cycles: csrc/jit_kernels/heuristics); because it is the least over all sizes, the
 * time never falls when m, n or k grow and never grows with more SMs (but by a few per cent where K begins to be split).
 *
 * Memory: each matrix once (groups without rows load no weights), scales, the output. What tiles read again
 * comes from L2 and is not counted apart.
 *
 * Split K: where even the smallest tiles leave SMs without work, cuBLAS divides K among them; another kernel adds up
 * what they have (DeepSeek's decoding profile: the router's GEMM and a splitKreduce_kernel). DeepGEMM does not.
 *
 * Left out: clusters and multicast, L2 misses of very large outputs (the tables' rows beyond 8192 rows fall by
 * 5 to 10 %). */
#include <math.h>

#include "hw/kernels/mechanism.h"
#include "hw/kernels/roofline.h"

enum { FP32_LANES = 128 };  /* of an SM (NVIDIA, Hopper white paper) */
enum { PARTIAL_B = 4 };     /* sums of a part of K are FP32 */
enum { PADDED_ROWS = 128 }; /* of a contiguous group: DeepGEMM's alignment */
static const double step_B = 128, unit_tile = 128.0 * 128.0;

static const struct kernel_gemm_cfg *library(const struct kernel_model *m, const struct kernel_call *call)
{
    return call->dtype == KERNEL_BF16 || call->dtype == KERNEL_W4A16 ? &m->cfg.gemm_bf16 : &m->cfg.gemm;
}

double gemm_flop(const struct kernel_call *call)
{
    double rows = 0;
    for (uint32_t g = 0; g < n_groups(call); g++)
        rows += group_rows(call, g);
    return 2 * rows * call->n * (call->family == KERNEL_WGRAD ? call->m : call->k);
}

/* Operands, their scales (FP32 per 128 values of a row; those of weights, per 128 x 128, are nothing; FP8 per 16 of FP4). */
static double operand_B(const struct kernel_call *call, double rows, double columns)
{
    return rows * columns * (kernel_value_B(call->dtype) + kernel_scale_B(call->dtype));
}

double gemm_bytes_B(const struct kernel_call *call)
{
    double bytes_B = 0;
    for (uint32_t g = 0; g < n_groups(call); g++) {
        double rows = group_rows(call, g);
        if (rows <= 0)
            continue;
        if (call->family == KERNEL_WGRAD) /* the output is read, added to and written in FP32 */
            bytes_B += operand_B(call, call->m + call->n, rows) + 8 * call->m * call->n;
        else
            bytes_B +=
                operand_B(call, rows, call->k) + call->n * call->k * kernel_value_B(call->dtype) + 2 * rows * call->n;
    }
    return bytes_B;
}

/* --- tiles ------------------------------------------------------------------------------------------- */

struct tiling {
    double bm, bn;
    double tiles, waves;
    double tensor_s;
    double behind_s; /* of a kernel that adds up parts of K: nothing hides it */
};

static double steps_of(const struct kernel_call *call, double k)
{
    return ceil(k * kernel_value_B(call->dtype) / step_B);
}

/* What CUDA cores do for each step of 128 along K in FP8: they multiply a tile's sums by their scale and add them up, one
 * operation for each value (weight gradients: two, both sides have scales of 1x128). For a tile of 128 x 128 that is 70
 * ns at 1.83 GHz (140), which is most of the calibrated 82 ns (142): little of it is hidden (paper 3.1.1, 2). */
static double dequantisation_s(const struct kernel_model *m, const struct kernel_call *call)
{
    double operations = unit_tile * (call->family == KERNEL_WGRAD ? 2 : 1);
    return operations / (FP32_LANES * m->cfg.measured_on.clock_Hz);
}

/* Sums that stay in the tensor core: it scales them itself, or each operand has one scale. */
bool gemm_stays_in_core(const struct kernel_model *m)
{
    return m->chip.tensor.native_scaling || m->chip.tensor.promote_every == 0;
}

static double step_s(const struct kernel_model *m, const struct kernel_call *call, double bm, double bn)
{
    double flop = 2 * bm * bn * step_B / kernel_value_B(call->dtype);
    const struct kernel_gemm_cfg *c = library(m, call);
    double fixed_s = call->family == KERNEL_WGRAD ? c->wgrad_block_s : c->block_s;
    if (call->dtype != KERNEL_FP8 ? library(m, call) == &m->cfg.gemm : gemm_stays_in_core(m))
        fixed_s = fmax(0, fixed_s - dequantisation_s(m, call));
    return flop / roofline_sm_flops(m, call->dtype) + roofline_clocked_s(m, fixed_s);
}

/* What tiles of one height have in common. */
struct heights {
    double rows_of_tiles; /* over all groups */
    double steps;         /* along K of a tile; weight gradients: of the groups on average */
};

static struct heights count_heights(const struct kernel_call *call, double bm)
{
    struct heights h = {0, 0};
    double depth = 0;
    for (uint32_t g = 0; g < n_groups(call); g++) {
        double rows = group_rows(call, g);
        if (rows <= 0)
            continue;
        h.rows_of_tiles += ceil((call->family == KERNEL_WGRAD ? call->m : rows) / bm);
        depth += ceil(call->m / bm) * steps_of(call, rows);
    }
    h.steps = call->family != KERNEL_WGRAD ? steps_of(call, call->k)
              : h.rows_of_tiles > 0        ? depth / h.rows_of_tiles
                                           : 0;
    return h;
}

static void time_tiling(const struct kernel_model *m, const struct kernel_call *call, const struct heights *h,
                        struct tiling *t)
{
    double epilogue_s = roofline_clocked_s(m, library(m, call)->epilogue_s) * t->bm * t->bn / unit_tile;
    t->tiles = h->rows_of_tiles * ceil(call->n / t->bn);
    t->waves = ceil(t->tiles / roofline_sms(m, call));
    t->tensor_s = t->waves * (h->steps * step_s(m, call, t->bm, t->bn) + epilogue_s);
}

static bool better(const struct tiling *a, const struct tiling *b)
{
    double a_s = a->tensor_s + a->behind_s, b_s = b->tensor_s + b->behind_s;
    if (a_s != b_s)
        return a_s < b_s;
    return a->waves < b->waves;
}

/* Tiles of 256 rows exist for dense GEMMs only; those of contiguous groups are as high as their padding. */
static double highest_tile(const struct kernel_model *m, const struct kernel_call *call)
{
    double most = (double)library(m, call)->tile_m;
    return call->family == KERNEL_GROUPED_CONTIGUOUS ? PADDED_ROWS
           : call->family == KERNEL_GEMM             ? most
                                                     : fmin(128, most);
}

static double lowest_tile(const struct kernel_model *m, const struct kernel_call *call)
{
    return call->family == KERNEL_GROUPED_CONTIGUOUS ? PADDED_ROWS
                                                     : fmin((double)library(m, call)->least_m, highest_tile(m, call));
}

/* DeepGEMM's widths are multiples of 8; accumulators leave no room for more than 128 both ways. */
static struct tiling best_tiling(const struct kernel_model *m, const struct kernel_call *call)
{
    const struct kernel_gemm_cfg *c = library(m, call);
    struct tiling best = {.tensor_s = INFINITY};
    double least_n = fmin((double)c->least_n, (double)c->tile_n);
    for (double bm = lowest_tile(m, call); bm <= highest_tile(m, call); bm *= 2) {
        struct heights h = count_heights(call, bm);
        for (double bn = least_n; bn <= (double)c->tile_n && (bm <= 128 || bn <= fmax(128, least_n)); bn += 8) {
            struct tiling t = {.bm = bm, .bn = bn};
            time_tiling(m, call, &h, &t);
            if (better(&t, &best))
                best = t;
        }
    }
    return best;
}

/* The smallest tiles, as many parts of K each as there are SMs for: powers of two. */
static struct tiling split_k(const struct kernel_model *m, const struct kernel_call *call)
{
    const struct kernel_gemm_cfg *c = library(m, call);
    struct tiling t = {.bm = lowest_tile(m, call), .bn = fmin((double)c->least_n, (double)c->tile_n), .waves = 1};
    double tiles = ceil(call->m / t.bm) * ceil(call->n / t.bn), steps = steps_of(call, call->k), parts = 1;
    while (2 * parts * tiles <= roofline_sms(m, call) && 2 * parts <= steps)
        parts *= 2;
    if (parts < 2) {
        t.tensor_s = INFINITY;
        return t;
    }
    double sums_B = 2 * parts * call->m * call->n * PARTIAL_B; /* written and read */
    t.tiles = parts * tiles;
    t.tensor_s = ceil(steps / parts) * step_s(m, call, t.bm, t.bn) +
                 roofline_clocked_s(m, c->epilogue_s) * t.bm * t.bn / unit_tile;
    t.behind_s = c->start_s + roofline_memory_s(m, call, sums_B, c->memory_ratio);
    return t;
}

static bool may_split_k(const struct kernel_model *m, const struct kernel_call *call)
{
    return call->family == KERNEL_GEMM && call->dtype == KERNEL_BF16 && n_groups(call) == 1 &&
           library(m, call) == &m->cfg.gemm_bf16;
}

void roofline_gemm(const struct kernel_model *m, const struct kernel_call *call, struct kernel_time *t)
{
    struct tiling best = best_tiling(m, call);
    if (may_split_k(m, call)) {
        struct tiling split = split_k(m, call);
        best = better(&split, &best) ? split : best;
    }
    t->flop = gemm_flop(call);
    t->bytes_B = gemm_bytes_B(call);
    t->tile_m = best.bm;
    t->tile_n = best.bn;
    t->tiles = best.tiles;
    t->waves = best.waves;
    t->start_s = library(m, call)->start_s + best.behind_s;
    t->tensor_s = best.tensor_s;
    t->memory_s = roofline_memory_s(m, call, t->bytes_B, library(m, call)->memory_ratio);
    roofline_add_up(t, library(m, call)->unhidden_ratio);
}

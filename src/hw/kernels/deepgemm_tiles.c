/* Tiles of DeepGEMM's dense FP8 kernels, after its published heuristics (csrc/jit_kernels/heuristics/sm90.hpp and sm100.hpp
 * of github.com/deepseek-ai/DeepGEMM, 2026).
 *
 * Hopper: of all tiles whose stages fit into shared memory (at least three, four for small tiles), the one with the least
 * modelled cycles of L1 and L2 per wave efficiency. Pairs of SMs that share what they load (a cluster) are tried, too, but
 * not where one wave is enough. Cycles are cut to whole numbers and the first of equals wins: that decides between tiles
 * which are then measured to differ by three times, so it is done as there.
 *
 * Blackwell: fewest waves where one is enough, then clusters, then fewest waves, then the fullest last wave, then the
 * smaller tile; operands may change places, so that rows are what the tensor core has 8 to 256 of.
 *
 * Left out: options that cap block sizes, FP32 outputs, other data types. */
#include "hw/kernels/deepgemm_tiles.h"

#include <math.h>

#include "hw/kernels/mechanism.h"

static const double shared_B = 232448, step_B = 128, row_scale_B = 4, warp_group_rows = 64;

/* Of what is neither negative nor beyond 2^53: without a call of the mathematical library. */
static double cut(double x)
{
    return (double)(int64_t)x;
}

static double ceil_div(double a, double b)
{
    double quotient = a / b, below = cut(quotient);
    return below < quotient ? below + 1 : below;
}

static double whole(double a, double b)
{
    return ceil_div(a, b) * b;
}

/* --- Hopper ------------------------------------------------------------------------------------------------ */

/* Columns: multiples of 16. Those beyond a block of scales must meet it evenly, which 176 do not. */
static const double heights[] = {64, 128, 16, 32, 256}, widths[] = {16, 32, 48, 64, 80, 96, 112, 128, 144, 160, 192};
enum { HEIGHTS = 5, WIDTHS = 11, SIZES = HEIGHTS * WIDTHS };

struct hopper_problem {
    double m, n, k, sms;
    double l2_B, l1_B; /* per cycle, whole chip */
};

/* A tile, and what does not depend on who shares what is loaded. */
struct hopper_size {
    double bm, bn, blocks, waves;
    double l1_cycles, out_B;
};

/* Stages of operands beside the output, descriptors and scales. */
static bool hopper_fits(double bm, double bn, double scales_B)
{
    double fixed_B = whole(bm * bn * 2, 1024) + 256 + scales_B;
    double stage_B = (bm + bn) * step_B + whole(bm * row_scale_B, 128);
    double stages = cut((shared_B - fixed_B) / stage_B);
    return stages >= 3 && (stages >= 4 || bm * bn >= 128 * 192);
}

static struct hopper_size hopper_size_of(const struct hopper_problem *p, double bm, double bn, double rows)
{
    double blocks = rows * ceil_div(p->n, bn), out_B = bm * bn * 2;
    double l1_B = p->k * (bm + bn) + p->k * (fmax(warp_group_rows, bm) + bn) + 2 * out_B;
    return (struct hopper_size){bm, bn, blocks, ceil_div(blocks, p->sms), cut(l1_B * blocks / p->l1_B), out_B};
}

/* All that fit; how many. */
static int hopper_sizes(const struct hopper_problem *p, struct hopper_size *sizes)
{
    double groups = ceil_div(p->k, step_B), one_B = whole(groups * row_scale_B, 8),
           two_B = whole(groups * row_scale_B * 2, 8);
    int n = 0;
    for (int i = 0; i < HEIGHTS; i++) {
        double bm = heights[i], rows = ceil_div(p->m, bm);
        if ((bm == 16 && p->m > 16) || (bm == 32 && p->m > 32))
            continue;
        for (int w = 0; w < WIDTHS && (bm <= 128 || widths[w] <= 128); w++) {
            double bn = widths[w];
            bool divides = bn == 16 || bn == 32 || bn == 64 || bn == 128; /* a block of scales: one for all columns */
            if (hopper_fits(bm, bn, divides ? one_B : two_B))
                sizes[n++] = hopper_size_of(p, bm, bn, rows);
        }
    }
    return n;
}

static double hopper_cycles(const struct hopper_problem *p, const struct hopper_size *s, double share_m, double share_n)
{
    double l2_B = p->k * (s->bm / share_n + s->bn / share_m) + s->out_B;
    double cycles = fmax(s->l1_cycles, cut(l2_B * s->blocks / p->l2_B));
    return cut((double)((float)cycles / ((float)s->blocks / (float)(s->waves * p->sms))));
}

static void hopper_try(const struct hopper_problem *p, const struct hopper_size *sizes, int n, double share_m,
                       double share_n, double *least, struct kernel_plan *out)
{
    for (const struct hopper_size *s = sizes; s < sizes + n; s++) {
        if (share_m * share_n > 1 && s->waves <= 1)
            continue;
        double cycles = hopper_cycles(p, s, share_m, share_n);
        if (cycles >= *least)
            continue;
        *least = cycles;
        *out = (struct kernel_plan){s->bm, s->bn, s->waves, share_m * share_n, s->blocks, true};
    }
}

void deepgemm_plan_hopper(double m, double n, double k, double sms, struct kernel_plan *out)
{
    struct hopper_problem p = {m, n, k, sms, cut(fmin(64 * sms, 8e6 / 1.3e3)), 128 * sms};
    struct hopper_size sizes[SIZES];
    double least = INFINITY;
    int n_sizes = hopper_sizes(&p, sizes);
    hopper_try(&p, sizes, n_sizes, 1, 1, &least, out);
    if (fmod(sms, 2) == 0) {
        hopper_try(&p, sizes, n_sizes, 1, 2, &least, out);
        hopper_try(&p, sizes, n_sizes, 2, 1, &least, out);
    }
}

/* --- Blackwell --------------------------------------------------------------------------------------------- */

struct blackwell_tile {
    double bm, bn, cluster, blocks, waves, last;
};

static bool blackwell_better(const struct blackwell_tile *a, const struct blackwell_tile *b)
{
    if ((a->waves == 1 || b->waves == 1) && a->waves != b->waves)
        return a->waves < b->waves;
    if (a->cluster != b->cluster)
        return a->cluster > b->cluster;
    if (a->waves != b->waves)
        return a->waves < b->waves;
    if (a->last != b->last)
        return a->last > b->last;
    if (a->bm + a->bn != b->bm + b->bn)
        return a->bm + a->bn < b->bm + b->bn;
    return a->bm * a->bn < b->bm * b->bn;
}

static void blackwell_try(double m, double n, double sms, double bm, double bn, double cluster,
                          struct blackwell_tile *best)
{
    double blocks = ceil_div(m, bm) * ceil_div(n, bn), waves = ceil_div(blocks, sms), last = fmod(blocks, sms);
    struct blackwell_tile t = {bm, bn, cluster, blocks, waves, last == 0 ? sms : last};
    if (best->bm == 0 || blackwell_better(&t, best))
        *best = t;
}

/* Rows as rows of the tile: one height, many widths; pairs share columns. */
static void blackwell_straight(double m, double n, double k, double sms, struct blackwell_tile *best)
{
    double bm = m <= 32 ? 32 : m <= 64 ? 64 : 128, most = k <= 256 ? 128 : 256;
    for (double cluster = 1; cluster <= (fmod(sms, 2) == 0 ? 2 : 1); cluster++) {
        if (fmod(ceil_div(m, bm), cluster) != 0)
            continue;
        blackwell_try(m, n, sms, bm, 16, cluster, best);
        for (double bn = 32; bn <= most; bn += 32)
            blackwell_try(m, n, sms, bm, bn, cluster, best);
    }
}

/* Operands exchanged: 128 columns, many heights; pairs share rows. */
static void blackwell_swapped(double m, double n, double sms, struct blackwell_tile *best)
{
    for (double cluster = 1; cluster <= (fmod(sms, 2) == 0 ? 2 : 1); cluster++)
        for (double bm = 16; bm <= 256 && fmod(ceil_div(n, 128), cluster) == 0; bm += 16)
            blackwell_try(m, n, sms, bm, 128, cluster, best);
}

void deepgemm_plan_blackwell(double m, double n, double k, double sms, struct kernel_plan *out)
{
    struct blackwell_tile best = {0};
    blackwell_straight(m, n, k, sms, &best);
    blackwell_swapped(m, n, sms, &best);
    *out = (struct kernel_plan){best.bm, best.bn, best.waves, best.cluster, best.blocks, true};
}

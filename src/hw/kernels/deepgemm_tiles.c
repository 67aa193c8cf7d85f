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

static double ceil_div(double a, double b)
{
    return ceil(a / b);
}

static double whole(double a, double b)
{
    return ceil(a / b) * b;
}

/* --- Hopper ------------------------------------------------------------------------------------------------ */

struct hopper_problem {
    double m, n, k, sms;
    double l2_B, l1_B; /* per cycle, whole chip */
};

/* Wider tiles than a block of scales must meet it evenly. */
static bool hopper_width(double bn)
{
    double beyond = bn - step_B;
    return beyond <= 0 || fmod(bn, beyond) == 0 || fmod(step_B, beyond) == 0;
}

static bool hopper_fits(double bm, double bn, double k)
{
    double widths = fmod(step_B, bn) == 0 ? 1 : 2;
    double fixed_B = whole(bm * bn * 2, 1024) + 256 + whole(ceil_div(k, step_B) * row_scale_B * widths, 8);
    double stage_B = (bm + bn) * step_B + whole(bm * row_scale_B, 128);
    double stages = floor((shared_B - fixed_B) / stage_B);
    return stages >= 3 && (stages >= 4 || bm * bn >= 128 * 192);
}

static double hopper_cycles(const struct hopper_problem *p, double bm, double bn, double share_m, double share_n,
                            double blocks, double waves)
{
    double out_B = bm * bn * 2;
    double l2 = p->k * (floor(bm / share_n) + floor(bn / share_m)) + out_B;
    double l1 = p->k * (bm + bn) + p->k * (fmax(warp_group_rows, bm) + bn) + 2 * out_B;
    double cycles = fmax(floor(l1 * blocks / p->l1_B), floor(l2 * blocks / p->l2_B));
    return floor((double)((float)cycles / ((float)blocks / (float)(waves * p->sms))));
}

static void hopper_try(const struct hopper_problem *p, double bm, double bn, double share_m, double share_n,
                       double *least, struct kernel_plan *out)
{
    double blocks = ceil_div(p->m, bm) * ceil_div(p->n, bn), waves = ceil_div(blocks, p->sms);
    if (share_m * share_n > 1 && waves <= 1)
        return;
    double cycles = hopper_cycles(p, bm, bn, share_m, share_n, blocks, waves);
    if (cycles >= *least)
        return;
    *least = cycles;
    *out = (struct kernel_plan){bm, bn, waves, share_m * share_n, blocks, true};
}

static void hopper_try_sizes(const struct hopper_problem *p, double share_m, double share_n, double *least,
                             struct kernel_plan *out)
{
    static const double heights[] = {64, 128, 16, 32, 256};
    for (int i = 0; i < 5; i++) {
        double bm = heights[i];
        if ((bm == 16 && p->m > 16) || (bm == 32 && p->m > 32))
            continue;
        for (double bn = 16; bn <= 192 && (bm <= 128 || bn <= 128); bn += 16)
            if (hopper_width(bn) && hopper_fits(bm, bn, p->k))
                hopper_try(p, bm, bn, share_m, share_n, least, out);
    }
}

void deepgemm_plan_hopper(double m, double n, double k, double sms, struct kernel_plan *out)
{
    struct hopper_problem p = {m, n, k, sms, floor(fmin(64 * sms, 8e6 / 1.3e3)), 128 * sms};
    double least = INFINITY;
    hopper_try_sizes(&p, 1, 1, &least, out);
    if (fmod(sms, 2) == 0) {
        hopper_try_sizes(&p, 1, 2, &least, out);
        hopper_try_sizes(&p, 2, 1, &least, out);
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

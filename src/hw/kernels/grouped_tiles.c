#include "hw/kernels/grouped_tiles.h"

#include <math.h>

static const double unit_tile = 128.0 * 128.0, fp32_lanes = 128;

const double grouped_heights[GROUPED_HEIGHTS] = {64, 128, 256};

struct grouped_rows grouped_rows_of(const struct kernel_call *call)
{
    struct grouped_rows r = {.rows = 0};
    uint32_t n = call->groups ? call->groups : 1, differ = call->rows ? n : 1;
    for (uint32_t g = 0; g < differ; g++) {
        double rows = call->rows ? call->rows[g] : call->m, times = call->rows ? 1 : n;
        if (rows <= 0)
            continue;
        r.rows += times * rows;
        r.active += times;
        for (int h = 0; h < GROUPED_HEIGHTS; h++)
            r.tiles[h] += times * ceil(rows / grouped_heights[h]);
    }
    return r;
}

double promotion_s(const struct kernel_device *on, double scales)
{
    return on->stays_in_core ? 0 : scales * unit_tile / (fp32_lanes * on->clock_Hz);
}

double grouped_tiles_s(const struct grouped_costs *c, const struct grouped_rows *rows, double n, double steps,
                       double step_values, int first, int last, struct kernel_time *t)
{
    double least_s = INFINITY;
    for (int h = first; h <= last; h++)
        for (double bn = 16; bn <= c->widest && (h < 2 || bn <= 128); bn += 16) {
            double bm = grouped_heights[h], tiles = rows->tiles[h] * ceil(n / bn), waves = ceil(tiles / c->sms);
            double step_s = 2 * bm * bn * step_values / c->sm_flops + c->block_s;
            double s = waves * (steps * step_s + c->fill_s * bm * bn / unit_tile);
            if (s >= least_s)
                continue;
            least_s = s;
            t->tile_m = bm;
            t->tile_n = bn;
            t->tiles = tiles;
            t->waves = waves;
        }
    return rows->rows > 0 ? least_s : 0;
}

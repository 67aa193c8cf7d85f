/* GEMMs of several groups on tiles. Inside src/hw/kernels only. */
#ifndef MOESIM_HW_KERNELS_GROUPED_TILES_H
#define MOESIM_HW_KERNELS_GROUPED_TILES_H

#include "hw/kernels/mechanism.h"

/* Rows of m-grouped GEMMs: how many tiles of each height the groups need. */
enum { GROUPED_HEIGHTS = 3 };
extern const double grouped_heights[GROUPED_HEIGHTS]; /* 64, 128, 256 */
struct grouped_rows {
    double rows, active; /* of all groups; groups that have any */
    double tiles[GROUPED_HEIGHTS];
};
struct grouped_rows grouped_rows_of(const struct kernel_call *call);

struct grouped_costs {
    double sm_flops;        /* sustained, of one SM */
    double block_s, fill_s; /* a step of 128 bytes along K of a tile, beside its products; a tile of 128 x 128, once */
    double sms;
    double widest; /* columns of the widest tile */
};

/* The quickest of tiles of these heights (first to last) and of 16 columns and more. */
double grouped_tiles_s(const struct grouped_costs *c, const struct grouped_rows *rows, double n, double steps,
                       double step_values, int first, int last, struct kernel_time *t);

/* What CUDA cores do for the scales of a step of 128 x 128: a multiplication and an addition for each value and scale. */
double promotion_s(const struct kernel_device *on, double scales);

#endif

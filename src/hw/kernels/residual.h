/* What a mechanism leaves of measured times: the logarithm of measured over mechanism, between points that lie anywhere in
 * a few dimensions. Inside src/hw/kernels only. */
#ifndef MOESIM_HW_KERNELS_RESIDUAL_H
#define MOESIM_HW_KERNELS_RESIDUAL_H

#include <stdint.h>

#include "base/arena.h"
#include "hw/kernels/mechanism.h"

struct residual_point {
    double x[KERNEL_MAX_AXES]; /* octaves */
    double value;              /* ln(measured / mechanism) */
    double weight;             /* measured rows that it stands for */
    uint32_t id;               /* the caller's, below UINT32_MAX */
};

struct residuals;

/* NULL for no points. Keeps a copy, owned by the arena. */
/* `shape_axes`: bits of the axes that tell shapes apart; `trust`: how much of its points' mean an unseen shape is given. */
struct residuals *residuals_new(const struct residual_point *points, uint32_t n, size_t n_axes, unsigned shape_axes,
                                double trust, struct arena *arena);

struct residual_answer {
    double value;
    double distance; /* of the nearest point, octaves; INFINITY without points */
    double nearest;  /* its value */
    uint32_t id;     /* and it */
};

/* A mean of the nearest points, by weight over squared distance. It falls to zero, the mechanism alone, far from all. */
struct residual_answer residual_at(const struct residuals *r, const double *x);
/* The same without the point of that id. */
struct residual_answer residual_without(const struct residuals *r, const double *x, uint32_t id);

#endif

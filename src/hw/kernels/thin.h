/* Fewer points that say nearly as much. Inside src/hw/kernels only. */
#ifndef MOESIM_HW_KERNELS_THIN_H
#define MOESIM_HW_KERNELS_THIN_H

#include "hw/kernels/residual.h"

/* Joins points that lie near each other and have like values, until at most `most` are left: each has the median
 * value, the sum of weights and the place and id of the point in the middle; their order stays. */
uint32_t thin_points(struct residual_point *points, uint32_t n, uint32_t most, size_t n_axes);

#endif

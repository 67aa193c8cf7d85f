/* Fewer points that say nearly as much. Inside src/hw/kernels only. */
#ifndef MOESIM_HW_KERNELS_THIN_H
#define MOESIM_HW_KERNELS_THIN_H

#include "hw/kernels/residual.h"

/* Rows of one series lie one behind the other in `points`, their first axis ascending; series[i] tells which. Neighbours of
 * a series are joined, those first whose joining adds least to the squared error, until `most` are left. A joined point
 * has the mean place and value, the sum of weights and the id of the row nearest to its middle. Returns how many are left,
 * at the front of `points`. */
uint32_t thin_points(struct residual_point *points, const uint32_t *series, uint32_t n, uint32_t most);

/* Leaves out those points that their neighbours, of any series, tell best, by weight and squared error, until `most` are left;
 * their order stays. */
uint32_t drop_points(struct residual_point *points, uint32_t n, uint32_t most, size_t n_axes);

#endif

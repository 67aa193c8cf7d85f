/* Samples of the unit cube [0, 1]^k, one row per setting of a sweep.
 *
 *   grid      none: all combinations of the axes' values
 *   sobol     Sobol's quasi-random sequence (GSL: Bratley and Fox, ACM TOMS 14 (1988)), up to 40 dimensions
 *   lhs       Latin hypercube: n rows, each dimension once in each n-th part (McKay et al., 1979)
 *   morris    n trajectories of k + 1 rows on a grid of 4 levels, each step changes one dimension by 2/3
 *             (Morris, Technometrics 33 (1991)); for `moesim sensitivity`
 *   saltelli  n * (k + 2) rows A, B, A with column i of B (Saltelli et al., CPC 181 (2010)), from a Sobol
 *             sequence of 2k dimensions; for `moesim sensitivity` */
#ifndef MOESIM_CAMPAIGN_SAMPLING_H
#define MOESIM_CAMPAIGN_SAMPLING_H

#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"

enum sample_method { SAMPLE_GRID, SAMPLE_SOBOL, SAMPLE_LHS, SAMPLE_MORRIS, SAMPLE_SALTELLI };
extern const char *const sample_method_names[]; /* NULL-terminated */

/* Rows of a method with n samples in k dimensions. */
uint64_t sample_rows(enum sample_method method, uint64_t n, uint32_t k);
/* The largest k; 0 = no limit. */
uint32_t sample_max_dimensions(enum sample_method method);
/* rows * k numbers. The same seed gives the same sample; sobol and saltelli do not depend on it. */
double *sample_unit_cube(enum sample_method method, uint32_t n, uint32_t k, uint64_t seed, struct arena *arena);

#endif

/* Least of a function of a few variables, by the simplex of Nelder and Mead (GSL). Deterministic. */
#ifndef MOESIM_BASE_FIT_H
#define MOESIM_BASE_FIT_H

#include <stddef.h>

typedef double fit_function(const double *x, void *ctx);

/* Starts at x with steps of `step` and leaves the best point in x; ends when the simplex is smaller than
 * step / 1000 or after `most` steps. Returns the least value. */
double fit_minimise(fit_function *f, void *ctx, double *x, size_t n, double step, size_t most);

#endif

/* Least of a function of a few variables, by the simplex of Nelder and Mead, and least squares by Levenberg and Marquardt's
 * steps (both GSL's). Deterministic. */
#ifndef MOESIM_BASE_FIT_H
#define MOESIM_BASE_FIT_H

#include <stddef.h>

typedef double fit_function(const double *x, void *ctx);

/* Starts at x with steps of `step` and leaves the best point in x; ends when the simplex is smaller than
 * step / 1000 or after `most` steps. Returns the least value. */
double fit_minimise(fit_function *f, void *ctx, double *x, size_t n, double step, size_t most);

/* Writes n_terms numbers, the sum of whose squares is to be the least. */
typedef void fit_terms(const double *x, double *terms, void *ctx);

/* Starts at x, leaves the best point in x; slopes are differences over `step`. Ends when steps no longer help or after `most`.
 * Returns the least sum. Slopes see no jumps of the terms: the simplex may find more behind them. */
double fit_least_squares(fit_terms *f, void *ctx, double *x, size_t n, size_t n_terms, double step, size_t most);

#endif

/* Statistics of a sample, over GSL. Arrays are not changed. n >= 1. */
#ifndef MOESIM_BASE_STATS_H
#define MOESIM_BASE_STATS_H

#include <stddef.h>

struct stats {
    size_t n;
    double mean, sd; /* sd: of the sample, n - 1 in the denominator; 0 when n == 1 */
    double min, max;
    double median, p5, p95; /* quantiles with linear interpolation */
};

/* One quantile, with linear interpolation. */
double stats_quantile(const double *values, size_t n, double q);
struct stats stats_of(const double *values, size_t n);
/* Half the width of the 95 % confidence interval of the mean (Student's t); INFINITY when n == 1. */
double stats_ci95(const struct stats *s);

#endif

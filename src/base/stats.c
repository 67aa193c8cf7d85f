#include "base/stats.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"

struct stats stats_of(const double *values, size_t n)
{
    BUG_IF(n == 0);
    double *sorted = checked_alloc(malloc(n * sizeof *sorted));
    memcpy(sorted, values, n * sizeof *sorted);
    gsl_sort(sorted, 1, n);
    struct stats s = {.n = n,
                      .mean = gsl_stats_mean(values, 1, n),
                      .sd = n > 1 ? gsl_stats_sd(values, 1, n) : 0,
                      .min = sorted[0],
                      .max = sorted[n - 1],
                      .median = gsl_stats_median_from_sorted_data(sorted, 1, n),
                      .p5 = gsl_stats_quantile_from_sorted_data(sorted, 1, n, 0.05),
                      .p95 = gsl_stats_quantile_from_sorted_data(sorted, 1, n, 0.95)};
    free(sorted);
    return s;
}

double stats_quantile(const double *values, size_t n, double q)
{
    BUG_IF(n == 0);
    double *sorted = checked_alloc(malloc(n * sizeof *sorted));
    memcpy(sorted, values, n * sizeof *sorted);
    gsl_sort(sorted, 1, n);
    double value = gsl_stats_quantile_from_sorted_data(sorted, 1, n, q);
    free(sorted);
    return value;
}

double stats_ci95(const struct stats *s)
{
    if (s->n < 2)
        return INFINITY;
    return gsl_cdf_tdist_Pinv(0.975, (double)s->n - 1) * s->sd / sqrt((double)s->n);
}

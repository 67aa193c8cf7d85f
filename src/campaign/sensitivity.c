/* Estimators of sensitivity. Values are centred before products are taken, which changes no expectation and makes
 * the estimate of small indices of large values precise. */
#include "campaign/sensitivity.h"

#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/stats.h"

enum { N_BOOTSTRAP = 500 };

/* --- Morris ------------------------------------------------------------------------------------------------------ */

static bool all_finite(const double *y, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (!isfinite(y[i]))
            return false;
    return true;
}

/* The effects of one trajectory: each step moves one dimension. */
static void effects_of(const double *u, const double *y, uint32_t k, double *effect)
{
    for (uint32_t row = 0; row < k; row++) {
        const double *from = u + (size_t)row * k, *to = from + k;
        for (uint32_t d = 0; d < k; d++)
            if (to[d] != from[d])
                effect[d] = (y[row + 1] - y[row]) / (to[d] - from[d]);
    }
}

static struct morris_effect summary_of(const double *effects, uint32_t n, uint32_t k, uint32_t dimension)
{
    double *one = checked_alloc(calloc((size_t)n + 1, sizeof *one));
    struct morris_effect e = {.mu = NAN, .mu_star = NAN, .sigma = NAN, .ci95 = NAN, .n = n};
    for (uint32_t i = 0; i < n; i++)
        one[i] = effects[(size_t)i * k + dimension];
    if (n) {
        struct stats s = stats_of(one, n);
        e.mu = s.mean;
        e.sigma = n > 1 ? s.sd : NAN;
        for (uint32_t i = 0; i < n; i++)
            one[i] = fabs(one[i]);
        s = stats_of(one, n);
        e.mu_star = s.mean;
        e.ci95 = stats_ci95(&s);
    }
    free(one);
    return e;
}

void morris_effects(const double *u, const double *y, uint32_t n, uint32_t k, struct morris_effect *out)
{
    double *effects = checked_alloc(calloc((size_t)n * k + 1, sizeof *effects));
    uint32_t kept = 0;
    for (uint32_t t = 0; t < n; t++)
        if (all_finite(y + (size_t)t * (k + 1), k + 1))
            effects_of(u + (size_t)t * (k + 1) * k, y + (size_t)t * (k + 1), k, effects + (size_t)kept++ * k);
    for (uint32_t d = 0; d < k; d++)
        out[d] = summary_of(effects, kept, k, d);
    free(effects);
}

/* --- Sobol --------------------------------------------------------------------------------------------------------- */

/* Indices from the samples named in pick; y is centred, rows of k + 2. */
static void indices_of(const double *y, const uint32_t *pick, uint32_t n, uint32_t k, double *first, double *total)
{
    double variance = 0, mean = 0;
    for (uint32_t i = 0; i < n; i++) {
        const double *row = y + (size_t)pick[i] * (k + 2);
        mean += (row[0] + row[1]) / (2.0 * n);
    }
    for (uint32_t i = 0; i < n; i++) {
        const double *row = y + (size_t)pick[i] * (k + 2);
        variance += ((row[0] - mean) * (row[0] - mean) + (row[1] - mean) * (row[1] - mean)) / (2.0 * n);
    }
    for (uint32_t d = 0; d < k; d++) {
        double alone = 0, with_all = 0;
        for (uint32_t i = 0; i < n; i++) {
            const double *row = y + (size_t)pick[i] * (k + 2);
            double moved = row[d + 2] - row[0];
            alone += row[1] * moved / n;
            with_all += moved * moved / (2.0 * n);
        }
        first[d] = variance > 0 ? alone / variance : NAN;
        total[d] = variance > 0 ? with_all / variance : NAN;
    }
}

static uint32_t keep_finite(const double *y, uint32_t n, uint32_t k, double *kept)
{
    uint32_t n_kept = 0;
    double mean = 0;
    for (uint32_t i = 0; i < n; i++)
        if (all_finite(y + (size_t)i * (k + 2), k + 2))
            memcpy(kept + (size_t)n_kept++ * (k + 2), y + (size_t)i * (k + 2), (k + 2) * sizeof *y);
    for (uint32_t i = 0; i < n_kept; i++)
        mean += (kept[(size_t)i * (k + 2)] + kept[(size_t)i * (k + 2) + 1]) / (2.0 * n_kept);
    for (size_t i = 0; i < (size_t)n_kept * (k + 2); i++)
        kept[i] -= mean;
    return n_kept;
}

/* 1.96 standard deviations of what samples drawn with replacement give. */
static void bootstrap(const double *y, uint32_t n, uint32_t k, struct sobol_index *out)
{
    uint32_t *pick = checked_alloc(calloc((size_t)n + 1, sizeof *pick));
    double *first = checked_alloc(calloc((size_t)k * N_BOOTSTRAP, sizeof *first));
    double *total = checked_alloc(calloc((size_t)k * N_BOOTSTRAP, sizeof *total));
    gsl_rng *rng = rng_stream(0, 0, "bootstrap");
    for (uint32_t b = 0; b < N_BOOTSTRAP; b++) {
        for (uint32_t i = 0; i < n; i++)
            pick[i] = (uint32_t)gsl_rng_uniform_int(rng, n);
        indices_of(y, pick, n, k, first + (size_t)b * k, total + (size_t)b * k);
    }
    for (uint32_t d = 0; d < k; d++) {
        out[d].first_ci95 = 1.96 * gsl_stats_sd(first + d, k, N_BOOTSTRAP);
        out[d].total_ci95 = 1.96 * gsl_stats_sd(total + d, k, N_BOOTSTRAP);
    }
    gsl_rng_free(rng);
    free(pick);
    free(first);
    free(total);
}

uint32_t sobol_indices(const double *y, uint32_t n, uint32_t k, struct sobol_index *out)
{
    double *kept = checked_alloc(calloc((size_t)n * (k + 2) + 1, sizeof *kept));
    double *first = checked_alloc(calloc(2 * (size_t)k + 1, sizeof *first)), *total = first + k;
    uint32_t n_kept = keep_finite(y, n, k, kept), *all = checked_alloc(calloc((size_t)n + 1, sizeof *all));
    for (uint32_t i = 0; i < n_kept; i++)
        all[i] = i;
    indices_of(kept, all, n_kept, k, first, total);
    for (uint32_t d = 0; d < k; d++)
        out[d] = (struct sobol_index){first[d], total[d], NAN, NAN};
    if (n_kept > 1)
        bootstrap(kept, n_kept, k, out);
    free(kept);
    free(first);
    free(all);
    return n_kept;
}

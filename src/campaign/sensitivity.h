/* Which axis matters: elementary effects and variance-based indices over the samples of campaign/sampling.h. A value
 * that is NaN (a failed point) takes the sample that it belongs to out. */
#ifndef MOESIM_CAMPAIGN_SENSITIVITY_H
#define MOESIM_CAMPAIGN_SENSITIVITY_H

#include <stdint.h>

#include "io/sweepdb/sweep_db.h"

/* Morris: the change of y per change of an axis over its whole range. mu: mean (effects of both signs cancel),
 * mu_star: mean of absolute values (Campolongo et al., Environmental Modelling & Software 22 (2007)), sigma: their
 * standard deviation (curvature and interaction). */
struct morris_effect {
    double mu, mu_star, sigma;
    double ci95; /* half the 95 % confidence interval of mu_star, Student's t */
    uint32_t n;  /* trajectories */
};

/* u: [n * (k + 1)][k] as of SAMPLE_MORRIS, y: [n * (k + 1)]. out: [k]. */
void morris_effects(const double *u, const double *y, uint32_t n, uint32_t k, struct morris_effect *out);

/* Sobol indices: the share of y's variance that an axis explains alone (first) and with all its interactions
 * (total). Estimators: Saltelli et al., CPC 181 (2010), table 2 (b) and (f). NaN when y does not vary. */
struct sobol_index {
    double first, total;
    double first_ci95, total_ci95; /* half the 95 % interval, by bootstrap over samples */
};

/* y: [n * (k + 2)] as of SAMPLE_SALTELLI. out: [k]. Returns the number of samples without NaN. */
uint32_t sobol_indices(const double *y, uint32_t n, uint32_t k, struct sobol_index *out);

/* A row per metric and axis of a sweep with --sample morris or saltelli; metrics: NULL-terminated, NULL = all. NULL
 * with the reason in diag. */
struct result_table *sensitivity_table(struct sweep_db *db, const char *const *metrics, struct arena *arena,
                                       struct diag *diag);

#endif

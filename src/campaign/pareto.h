/* The Pareto front of a sweep: points that no other point beats in one objective without being worse in another. */
#ifndef MOESIM_CAMPAIGN_PARETO_H
#define MOESIM_CAMPAIGN_PARETO_H

#include <stdbool.h>
#include <stdint.h>

#include "io/sweepdb/sweep_db.h"

/* values: [n][k], smaller is better in all of them; on_front: [n]. Equal points are on it together. */
void pareto_front(const double *values, uint32_t n, uint32_t k, bool *on_front);

struct pareto_objective {
    const char *name; /* of a metric or axis; its end will do where that is clear */
    bool is_max;
};

/* The front as a table, sorted by the first objective: point, axes, objectives. Of a sweep with several seeds the
 * means of settings. `where` (may be NULL) restricts the points first. NULL with the reason in diag. */
struct result_table *pareto_table(struct sweep_db *db, const struct pareto_objective *objectives, uint32_t n,
                                  const char *where, struct arena *arena, struct diag *diag);

#endif

/* What an epsilon costs: the same simulation with and without it. */
#ifndef MOESIM_SIM_EPSILON_ERROR_H
#define MOESIM_SIM_EPSILON_ERROR_H

#include "sim/sim.h"

struct epsilon_error { /* over all simulations that were done twice */
    double epsilon;
    uint64_t n;                      /* transfers */
    double sum_ratio, largest_ratio; /* of their durations, relative to the exact ones */
    double makespan_ratio;           /* the largest of all simulations */
};

/* Simulates `spec` again without its epsilon and adds how far `out` is off. 0, or -1 with the reason in diag. */
int epsilon_error_measure(struct epsilon_error *e, const struct sim_spec *spec, const struct sim_outcome *out,
                          struct diag *diag);
void epsilon_error_add(struct epsilon_error *e, const struct epsilon_error *more);
/* One sentence; owned by `arena`. */
const char *epsilon_error_text(const struct epsilon_error *e, struct arena *arena);

#endif

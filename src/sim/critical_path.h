/* Which resource a run waits for: the chain of ops and transfers that ends last, its time by what limited it. */
#ifndef MOESIM_SIM_CRITICAL_PATH_H
#define MOESIM_SIM_CRITICAL_PATH_H

#include "base/arena.h"
#include "sim/sim.h"

struct path_share {
    const char *resource; /* "NIC in", "SMs", "latency" */
    double time_s;
};

struct critical_path {
    struct path_share *shares; /* in order of first use */
    uint32_t n, cap;
};

/* Adds the path of one simulation; its times sum to the makespan. The run must have noted limits (sim_spec.limits).
 * The arena outlives the path. */
void critical_path_add(struct critical_path *p, const struct sim_spec *spec, const struct sim_outcome *outcome,
                       struct arena *arena);
/* Adds time that went to a resource, where no simulation says so. */
void critical_path_note(struct critical_path *p, const char *resource, double time_s, struct arena *arena);
/* The largest share, or NULL; of equal ones the first. */
const struct path_share *critical_path_largest(const struct critical_path *p);
double critical_path_total_s(const struct critical_path *p);

#endif

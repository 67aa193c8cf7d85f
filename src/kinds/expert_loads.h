/* The popularity of experts that a scenario asks for (`expert_load`), ready for each layer. */
#ifndef MOESIM_KINDS_EXPERT_LOADS_H
#define MOESIM_KINDS_EXPERT_LOADS_H

#include "io/scenario.h"
#include "models/routing/expert_load.h"

struct expert_loads {
    const struct expert_load_cfg *cfg;
    struct load_rows rows;
    uint32_t experts;
    uint64_t seed;
};

/* Reads the file of loads where there is one and checks that each of `layers` layers can have what it is
 * given: a token chooses top_k different experts. 0, or -1 with errors at the keys or in the file. */
int expert_loads_open(const struct scenario_file *file, uint32_t experts, uint32_t top_k, uint32_t layers,
                      struct arena *arena, struct expert_loads *out, struct diag *diag);
/* Of one layer, mean 1; owned by the arena. */
double *expert_loads_of(const struct expert_loads *l, uint32_t layer, struct arena *arena);
/* Whether nothing is asked for: all experts alike, one replica of each, in order. */
bool expert_loads_plain(const struct expert_load_cfg *cfg);

#endif

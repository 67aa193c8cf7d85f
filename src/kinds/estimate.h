/* How long a run will take, before it begins: for kinds whose keys, each in its range, can ask for hours. */
#ifndef MOESIM_KINDS_ESTIMATE_H
#define MOESIM_KINDS_ESTIMATE_H

#include "io/scenario.h"

struct estimate_of {
    const char *what;   /* "tokens to route" */
    double n, per_s;    /* how many; how many a second on a core of 2023 */
    const char *key;    /* whose place an error gets */
    const char *advice; /* "lower expert_balance.tokens or sampled_layers" */
};

/* Reports, with the estimate, what would take longer than ten minutes. 0 or -1. */
int estimate_check(const struct scenario_file *file, const struct estimate_of *e, struct diag *diag);
/* Begins the progress line "DOING, N WHAT, about TIME"; its text lives in the arena. */
void estimate_begin(const char *doing, const struct estimate_of *e, struct arena *arena);

#endif

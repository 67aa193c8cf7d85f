/* Proposals tried: each on its own standard scenario, without and with, in parallel children. */
#ifndef MOESIM_CAMPAIGN_TRIALS_H
#define MOESIM_CAMPAIGN_TRIALS_H

#include "base/diag.h"
#include "proposals/trial.h"

/* Runs all trials, `jobs` at a time; .proposal of each is given. 0, or -1 with what went wrong in diag. */
int trials_run(struct trial *trials, uint32_t n, uint32_t jobs, struct arena *arena, struct diag *diag);

#endif

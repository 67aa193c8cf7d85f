/* What became of a proposal on its own standard scenario, without and with it. */
#ifndef MOESIM_PROPOSALS_TRIAL_H
#define MOESIM_PROPOSALS_TRIAL_H

#include "base/units.h"
#include "proposals/proposal.h"

enum { TRIAL_TEXT = 96 };

struct trial_run {
    double value; /* of the trial's metric */
    enum unit_dim dim;
    char resource[TRIAL_TEXT]; /* with the largest share of the critical path; "" when nothing was simulated */
    double share_ratio;
};

struct trial {
    const struct proposal *proposal;
    struct trial_run without, with;
};

/* > 1: better, how many times. */
static inline double trial_gain(const struct trial *t)
{
    bool lower = t->proposal->trial.better == BETTER_LOWER;
    return lower ? t->without.value / t->with.value : t->with.value / t->without.value;
}

#endif

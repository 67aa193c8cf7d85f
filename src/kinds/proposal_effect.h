/* Whether proposals do something to a run: each is left out once. */
#ifndef MOESIM_KINDS_PROPOSAL_EFFECT_H
#define MOESIM_KINDS_PROPOSAL_EFFECT_H

#include "io/kind.h"

/* After a run of the scenario: runs it again without each of its proposals, and reports those without which no number of
 * the result is another one. Proposals that set nothing to another value have been warned about and are left alone.
 * 0 or -1. */
int proposals_check_effect(const char *path, const struct scenario_options *options, const struct kind_run *run,
                           struct diag *diag);

#endif

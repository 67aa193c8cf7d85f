/* What a run would gain from one resource more: the scenario is run again, over the same network, with each resource 1 %
 * faster and twice as fast, all else equal, also what the run chose by itself. What bounds a run is what gains most. */
#ifndef MOESIM_KINDS_WHAT_IF_H
#define MOESIM_KINDS_WHAT_IF_H

#include "io/kind.h"

/* Adds table what_if and a note that names the largest gains to run->result. The scenario is loaded from `path` with
 * these options and the kind's `quick` overrides. 0, or -1 with the reason in diag, also for kinds without a headline. */
int what_if_add(const char *path, const struct scenario_options *options, struct kind_run *run, struct diag *diag);

#endif

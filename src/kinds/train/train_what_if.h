/* What one thing more would gain a training step. */
#ifndef MOESIM_KINDS_TRAIN_TRAIN_WHAT_IF_H
#define MOESIM_KINDS_TRAIN_TRAIN_WHAT_IF_H

#include "kinds/train/train_run.h"

/* Adds the table that train.what_if asks for. Simulates on the first network; run->graph is the step's again after it.
 * 0 or -1. */
int train_what_if(struct kind_run *run, const struct train_plan *plan, const struct train_times *times,
                  const struct train_outcome *real, struct diag *diag);

#endif

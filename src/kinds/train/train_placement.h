/* Which GPU of the cluster has which place in the training: by rule, or from a file. */
#ifndef MOESIM_KINDS_TRAIN_TRAIN_PLACEMENT_H
#define MOESIM_KINDS_TRAIN_TRAIN_PLACEMENT_H

#include "base/diag.h"
#include "io/scenario.h"
#include "kinds/train/train_layout.h"

/* Fills l->endpoint: [gpus] GPU of the cluster (node * cluster.node.gpus + GPU of the node) by place, or NULL where
 * they are the same. The counts of l are known and fit. 0, or -1 with errors at train.placement. */
int train_place(struct train_layout *l, const struct scenario_file *file, struct arena *arena, struct diag *diag);

#endif

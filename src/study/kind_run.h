/* Steps that kinds of scenarios share. */
#ifndef MOESIM_STUDY_KIND_RUN_H
#define MOESIM_STUDY_KIND_RUN_H

#include "io/kind.h"

/* Builds the topology that the cluster asks for. 0 or -1. */
int kind_topology(struct kind_run *run, const struct cluster_hw *hw, struct topology **out,
                  struct diag *diag);
/* Simulates a graph on a topology under the scenario's `sim` keys; the outcome is run->outcome. The run
 * takes over the graph and frees the one before. */
int kind_simulate(struct kind_run *run, struct opgraph *graph, const struct topology *topo,
                  const struct cluster_hw *hw, struct diag *diag);
void kind_run_free(struct kind_run *run);

#endif

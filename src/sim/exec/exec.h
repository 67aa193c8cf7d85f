/* Executes an op graph on the engine: lanes, SM shares, sync groups, transfers. One per process. */
#ifndef MOESIM_SIM_EXEC_EXEC_H
#define MOESIM_SIM_EXEC_EXEC_H

#include "sim/sim.h"

/* Runs to the end and fills `out` (arrays from `arena`). -1 with the reason in diag when the graph
 * cannot finish: a transfer lost its path, or nothing can make progress. */
int exec_run(const struct sim_spec *spec, struct arena *arena, struct sim_outcome *out, struct diag *diag);

#endif

/* A run as a timeline for ui.perfetto.dev (Chrome Trace Event format). */
#ifndef MOESIM_IO_RESULTS_TIMELINE_H
#define MOESIM_IO_RESULTS_TIMELINE_H

#include "base/diag.h"
#include "sim/sim.h"

/* A process per listed device, a track per lane with its ops, asynchronous tracks for transfers that
 * leave or reach these devices, counters for the watched links. 0, or -1 with one error. */
int timeline_write(const char *path, const struct sim_spec *spec, const struct sim_outcome *outcome,
                   const uint32_t *devices, uint32_t n_devices, struct diag *diag);

#endif

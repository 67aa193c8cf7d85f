/* What a replay says: op times of a run -> struct result. */
#ifndef MOESIM_KINDS_REPLAY_REPLAY_RESULT_H
#define MOESIM_KINDS_REPLAY_REPLAY_RESULT_H

#include "base/arena.h"
#include "hw/cluster.h"
#include "models/opgraph.h"
#include "kinds/replay/replay.h"
#include "models/trace.h"
#include "sim/result.h"
#include "sim/sim.h"

/* graph and info are replay_build's, outcome is sim_run's. The result is owned by the
 * arena. Inputs of metrics that are configuration carry their dotted key as source. */
void replay_analyse(const struct trace *trace, const struct replay_cfg *cfg, const struct replay_reading *reading,
                    const struct cluster_hw *hw, const struct opgraph *graph, const struct replay_info *info,
                    const struct sim_outcome *outcome, struct arena *arena, struct result *out);

#endif

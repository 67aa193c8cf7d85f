/* A recorded trace as a chunk program. */
#ifndef MOESIM_MODELS_CHUNK_CHUNK_TRACE_H
#define MOESIM_MODELS_CHUNK_CHUNK_TRACE_H

#include "models/chunk/chunk.h"
#include "models/chunk/recording.h"
#include "models/trace.h"

/* All of the trace's kernels, kernel for kernel, on the scenario's chip. Where the recording keeps it,
 * communication is of fixed length; simulated, it is what chunk_build makes of it. */
void chunk_from_trace(const struct trace *trace, const struct recording *recording, const struct cluster_hw *hw,
                      struct arena *arena, struct chunk_program *out);

/* Reports what would make its program endless or senseless. 0 or -1. */
int chunk_trace_check(const struct trace *trace, const char *path, struct diag *diag);

/* [n_kernels] 1: communication, or on a stream whose time is mostly that (layouts, casts around it). */
uint8_t *chunk_trace_communication(const struct trace *trace, struct arena *arena);

#endif

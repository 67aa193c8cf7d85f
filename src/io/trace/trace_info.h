/* What a trace holds, for people. */
#ifndef MOESIM_IO_TRACE_TRACE_INFO_H
#define MOESIM_IO_TRACE_TRACE_INFO_H

#include <stdio.h>

#include "base/arena.h"
#include "models/trace.h"

/* Model and machine, then time per stream, phase and kernel class. */
void trace_print_info(const struct trace *trace, struct arena *arena, FILE *out);

#endif

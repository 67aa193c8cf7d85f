/* What traces hold, for people. */
#ifndef MOESIM_IO_TRACE_TRACE_INFO_H
#define MOESIM_IO_TRACE_TRACE_INFO_H

#include <stdio.h>

#include "base/arena.h"
#include "models/trace_set.h"

/* Model and machine, then time per stream, phase and kernel class. */
void trace_print_info(const struct trace *trace, struct arena *arena, FILE *out);
/* Of several ranks: their clocks, how long each waited for the others, and the calls that they have in common. */
void trace_set_print_info(const struct trace_set *set, struct arena *arena, FILE *out);

#endif

/* What joining calls and setting clocks share. */
#ifndef MOESIM_IO_TRACE_TRACE_SET_PRIV_H
#define MOESIM_IO_TRACE_TRACE_SET_PRIV_H

#include "io/trace/trace_set.h"

/* Kernels that are one call by their names and numbers (trace_calls.c). Fills calls and members; the reasons of those
 * that are in none. 0, or -1 when calls contradict each other. */
int trace_calls_find(struct trace_set *set, const struct trace_of_rank *ranks, struct arena *arena, struct diag *diag);

/* Sets the origins so that calls end together (trace_clock.c). 0, or -1. */
int trace_clocks_set(struct trace_set *set, const struct trace_of_rank *ranks, struct arena *arena, struct diag *diag);

static inline const struct trace_kernel *trace_set_kernel(const struct trace_set *s, const struct trace_call_member *m)
{
    return &s->traces[m->trace]->kernels[m->kernel];
}

static inline double trace_set_start_s(const struct trace_set *s, const struct trace_call_member *m)
{
    return s->clocks[m->trace].origin_s + trace_set_kernel(s, m)->start_s;
}

static inline double trace_set_end_s(const struct trace_set *s, const struct trace_call_member *m)
{
    return trace_set_start_s(s, m) + trace_set_kernel(s, m)->duration_s;
}

#endif

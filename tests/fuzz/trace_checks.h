/* What a replay relies on in a trace, whichever reader accepted it: indices, order, numbers. */
#ifndef MOESIM_TESTS_FUZZ_TRACE_CHECKS_H
#define MOESIM_TESTS_FUZZ_TRACE_CHECKS_H

#include <stdlib.h>

#include "models/trace.h"

static inline void must(int condition)
{
    if (!condition)
        abort();
}

static inline void check_kernel(const struct trace *t, uint32_t i)
{
    const struct trace_kernel *k = &t->kernels[i];
    must(k->class_id < t->n_classes && k->stream < t->n_streams);
    must(k->phase < t->n_phases || k->phase == TRACE_NONE);
    must(k->launch_after < i || k->launch_after == TRACE_NONE);
    must(k->duration_s >= 0 && k->rows >= 0 && k->layer >= 0);
    must(k->start_s >= (i ? t->kernels[i - 1].start_s : 0));
    must(k->message < t->n_messages || k->message == TRACE_NONE);
    must(k->first_dep <= t->n_deps && k->n_deps <= t->n_deps - k->first_dep);
    for (uint32_t d = 0; d < k->n_deps; d++)
        must(t->deps[k->first_dep + d] < i);
}

static inline void check_message(const struct trace *t, const struct trace_message *m)
{
    must(m->operation < N_OPERATIONS && m->bytes_B >= 0 && m->peer >= -1);
    must(m->group < t->n_groups || m->group == TRACE_NONE);
    must(!m->split_B || m->group != TRACE_NONE);
    for (uint32_t i = 0; m->split_B && i < t->groups[m->group].size; i++)
        must(m->split_B[i] >= 0);
}

static inline void check_trace(const struct trace *t)
{
    for (uint32_t i = 0; i < t->n_kernels; i++)
        check_kernel(t, i);
    for (uint32_t i = 0; i < t->n_messages; i++)
        check_message(t, &t->messages[i]);
}

#endif

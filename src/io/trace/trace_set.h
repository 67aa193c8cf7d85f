/* Traces of several ranks of one run as a whole: which kernels are one call, and one clock for all. */
#ifndef MOESIM_IO_TRACE_TRACE_SET_H
#define MOESIM_IO_TRACE_TRACE_SET_H

#include "base/arena.h"
#include "base/diag.h"
#include "models/trace_set.h"

struct trace_of_rank {
    struct trace *trace;
    const char *file; /* for messages */
    double origin_s;  /* when its time 0 is on the common clock; NaN: find out */
};

struct trace_list { /* what files hold; the arena's */
    struct trace_of_rank *ranks;
    uint32_t n, cap;
};
void trace_list_add(struct trace_list *list, const struct trace_of_rank *rank, struct arena *arena);

/* Kernels are joined by their group and the number of the call in it, or as the n-th one where the files number none and
 * all ranks hold as many; sends and receives by sender, receiver and order; DeepEP's, whose group no profile names, over
 * all ranks. Clocks are set so that calls end at the same time on all their ranks.
 * NULL after errors: two files of one rank, ranks of different runs. */
struct trace_set *trace_set_join(const struct trace_of_rank *ranks, uint32_t n, struct arena *arena, struct diag *diag);

#endif

/* Recorded traces of several ranks of one run, on one clock, and which of their kernels are one call of a collective.
 * Owned by the arena that it was made with. */
#ifndef MOESIM_MODELS_TRACE_SET_H
#define MOESIM_MODELS_TRACE_SET_H

#include "models/trace.h"

struct trace_call_member { /* a kernel */
    uint32_t trace, kernel;
};

/* A call: kernels of several ranks that wait for each other. A kernel that had ended before the last of the others
 * began cannot have waited for it: it is none of them. */
struct trace_call {
    uint32_t first, n;   /* into members; by trace; at least 2 */
    uint32_t ranks;      /* that took part, recorded or not; 0 = not known */
    bool assumed;        /* among whom it is, is not in the files: all that have one like it */
    double last_start_s; /* when the last recorded rank arrived, on the common clock */
};

/* Why a collective's kernel is of no call. */
enum trace_unjoined {
    JOINED,
    NOT_TRIED,     /* its class is never joined, or it is no collective */
    UNKNOWN_RANKS, /* a send or a receive without its peer */
    NOBODY_ELSE,   /* no other of its ranks is recorded, or none recorded this call */
    NOT_NUMBERED,  /* ranks have different numbers of calls, and the files do not number them */
    ENDED_BEFORE,  /* it had ended before another rank began */
    N_UNJOINED
};

extern const char *const trace_unjoined_names[]; /* [N_UNJOINED] */

struct trace_clock { /* of one rank's file */
    double origin_s; /* when the trace's time 0 is, on the common clock */
    double ahead_s;  /* of the first rank's, as far as the files' own clocks say; NaN: they do not */
    double spread_s; /* median difference between its ends and the others' of calls in common; NaN: none */
    uint32_t n_common;
};

struct trace_set {
    const char *name, *source;
    struct trace **traces;      /* [n] by rank */
    struct trace_clock *clocks; /* [n] */
    uint32_t n;
    struct trace_call *calls;
    uint32_t n_calls;
    struct trace_call_member *members;
    uint32_t n_members;
    uint32_t **call_of; /* [n][n_kernels] index into calls; TRACE_NONE */
    uint8_t **unjoined; /* [n][n_kernels] enum trace_unjoined */
};

#endif

/* What the parts of the analysis of a replay share. */
#ifndef MOESIM_KINDS_REPLAY_REPLAY_RESULT_PRIV_H
#define MOESIM_KINDS_REPLAY_REPLAY_RESULT_PRIV_H

#include "kinds/replay/replay_result.h"

/* Metrics besides the two that each phase may have. */
enum { FIXED_METRICS = 16, MAX_INPUTS = 8 };

struct replay_span { /* a kernel in time, recorded or simulated */
    double start_s, end_s;
    double waits_until_s; /* from its start on it only waits for other ranks; its start: not at all */
    uint8_t comm, barrier;
};

/* Parts of a window. They add up to it: idle is what remains. */
struct replay_account {
    double makespan_s, compute_alone_s, both_s, exposed_transfer_s, exposed_wait_s, idle_s;
    double barrier_s; /* length of all barriers, hidden or not */
};

struct replay_analysis {
    const struct trace *trace;
    const struct replay_cfg *cfg;
    const struct replay_reading *reading;
    const struct cluster_hw *hw;
    const struct opgraph *graph;
    const struct replay_info *info;
    const struct sim_outcome *outcome;
    struct arena *arena;
    struct result *out;
    struct replay_span *recorded;  /* [trace's n_kernels] */
    struct replay_span *simulated; /* [program's n_kernels] */
    uint32_t *phase_of;            /* [program's n_phases] the trace's phase of that name; TRACE_NONE */
    struct replay_account was, is;
};

uint8_t replay_collective_of(const struct trace *t, uint32_t kernel);
/* The trace's phase of a kernel that ran; TRACE_NONE. */
uint32_t replay_phase_ran(const struct replay_analysis *a, uint32_t kernel);

struct result_metric *replay_add_metric(struct replay_analysis *a, const char *name, double value, enum unit_dim dim,
                                        double recorded, const char *doc, const char *formula);
void replay_add_input(struct result_metric *m, const char *name, double value, enum unit_dim dim, const char *source);

/* Rows of phases, their metrics and bandwidths (replay_phases.c). */
void replay_add_phases(struct replay_analysis *a);
/* The table of what each class of kernels takes, recorded and from the kernel model
 * (replay_classes.c). */
void replay_add_classes(struct replay_analysis *a);
/* The table of how the times of classes moved to another chip (replay_classes.c). */
void replay_add_moves(struct replay_analysis *a);
/* The table of collectives (replay_calls.c). */
void replay_add_collectives(struct replay_analysis *a);
void replay_add_note(struct replay_analysis *a, const char *text);

#endif

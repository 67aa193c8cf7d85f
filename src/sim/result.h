/* struct result: what a run says, ready for any writer (text, JSON, CSV). Plain values with unit and
 * doc; strings are owned by the arena the result was built in. */
#ifndef MOESIM_SIM_RESULT_H
#define MOESIM_SIM_RESULT_H

#include <stdint.h>

#include "base/units.h"

/* A number that a metric was computed from, for --explain. */
struct result_input {
    const char *name;   /* "NIC bandwidth" */
    double value;       /* SI */
    enum unit_dim dim;
    const char *source; /* "configs/h800/nic.yaml: vendor data sheet", "trace", "this run" */
};

struct result_metric {
    const char *name; /* "makespan" */
    double value;
    enum unit_dim dim;
    const char *doc;
    const char *formula; /* for --explain, in words and symbols */
    struct result_input *inputs;
    uint32_t n_inputs;
    double recorded; /* the trace's own value where there is one, else NaN */
};

/* Parts that sum to the makespan. */
struct result_part {
    const char *name, *doc;
    double value_s;
};

struct result_phase {
    const char *name;          /* "dispatch(F)" */
    int layer;                 /* layer pair from 1; 0 = mean over layers */
    const char *lane;          /* "compute" or "communication" */
    double recorded_s, simulated_s;
    double start_s, end_s;     /* simulated, on the reference rank */
};

struct result {
    const char *kind; /* "train_replay" */
    struct result_metric *metrics;
    uint32_t n_metrics;
    struct result_part *parts;
    uint32_t n_parts;
    struct result_phase *phases;
    uint32_t n_phases;
    const char **notes; /* honest remarks for people */
    uint32_t n_notes;
};

#endif

/* struct result: what a run says, ready for any writer (text, JSON, CSV). Plain values with unit and
 * doc; strings are owned by the arena the result was built in. */
#ifndef MOESIM_SIM_RESULT_H
#define MOESIM_SIM_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/units.h"

/* A number that a metric was computed from, for --explain. */
struct result_input {
    const char *name; /* "NIC bandwidth" */
    double value;     /* SI */
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
    const char *name; /* "dispatch(F)" */
    int layer;        /* layer pair from 1; 0 = mean over layers */
    const char *lane; /* "compute" or "communication" */
    double recorded_s, simulated_s;
    double start_s, end_s; /* simulated, on the reference rank */
};

/* A table of rows, e.g. one per message size. */
struct result_column {
    const char *name; /* "busbw" */
    enum unit_dim dim;
    const char *doc;
    bool is_text;
};

struct result_cell {
    double value;     /* SI; NaN = nothing to say */
    const char *text; /* of a text column */
};

struct result_table {
    const char *name, *doc; /* "sizes" */
    const struct result_column *columns;
    uint32_t n_columns;
    struct result_cell *cells; /* [n_rows][n_columns] */
    uint32_t n_rows;
};

struct result {
    const char *kind;    /* "train_replay" */
    const char *setting; /* one line: on what it ran; NULL = the scenario's cluster */
    bool no_network;     /* nothing was sent over one */
    struct result_metric *metrics;
    uint32_t n_metrics;
    struct result_part *parts;
    uint32_t n_parts;
    struct result_phase *phases;
    uint32_t n_phases;
    struct result_table *tables;
    uint32_t n_tables;
    const char **notes; /* honest remarks for people */
    uint32_t n_notes;
};

#endif

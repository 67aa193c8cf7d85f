/* A scenario: one YAML file, read, checked and frozen. `kind` names what runs. */
#ifndef MOESIM_IO_SCENARIO_H
#define MOESIM_IO_SCENARIO_H

#include "base/cfg.h"
#include "hw/cluster.h"
#include "models/routing/expert_load.h"
#include "models/llm/model.h"
#include "proposals/stack.h"
#include "sim/sim.h"

struct sim_cfg {
    int network;    /* enum net_kind */
    double epsilon; /* 0 = exact */
    bool checked;
    int64_t seed;
};

struct scenario {
    const char *name, *description;
    const char *kind;      /* what runs: a plugin's name, see io/kind.h */
    const char *hardware;  /* directory under configs/: layer below the scenario's own keys */
    const char *model;     /* configs/models/MODEL.yaml: layer below `llm`; "" = the scenario has it all */
    const char *proposals; /* hardware that there is not yet, separated by ';'; after loading: rewrites only */
    struct cluster_hw cluster;
    struct model llm;                   /* kinds that read llm_keys */
    struct expert_load_cfg expert_load; /* kinds that read expert_load_keys */
    struct sim_cfg sim;
    /* What kinds own lies behind: kind_keys. */
};

/* A table of keys at the root of scenarios. Who reads it lists it (io/kind.h); the one who owns it gives others a typed
 * accessor: `infer_cfg(scenario)`. */
struct kind_keys {
    const char *name; /* "inference" */
    const struct cfg_table *table;
    const char *doc;
};
extern const struct kind_keys cluster_keys, llm_keys, expert_load_keys, sim_keys; /* in struct scenario */

/* The struct that the keys fill. Not to be copied with struct scenario. */
const void *kind_keys(const struct scenario *s, const struct kind_keys *keys);

/* All keys of all kinds. */
const struct cfg_table *scenario_table(void);

struct scenario_file {
    struct scenario *scenario;
    struct cfg *cfg; /* for provenance, printing and --explain */
    const char *path;
    struct proposal_stack *proposals;
};

/* Reads PATH: defaults, then configs of `hardware`, then the file, then the n overrides (-s), then the proposals
 * that the scenario names. Everything that can be checked without running is checked. 0 or -1. */
int scenario_load(const char *path, const char *const *overrides, int n_overrides, struct arena *arena,
                  struct scenario_file *out, struct diag *diag);

/* The same with proposals of the command line ("NAME:key=value,..."), after those of the scenario. */
struct scenario_options {
    const char *const *overrides, *const *proposals;
    int n_overrides, n_proposals;
    uint32_t left_out;       /* which of all proposals, counted from 1; 0 = none */
    const char *text;        /* of the file, NUL-terminated, in place of reading it; NULL: it is read */
    bool overrides_give_way; /* a proposal may set what an override gives: they describe what it starts from */
};
int scenario_load_with(const char *path, const struct scenario_options *options, struct arena *arena,
                       struct scenario_file *out, struct diag *diag);

/* Where a key was given, for messages; the file when only a default speaks. */
struct srcloc scenario_place(const struct scenario_file *file, const char *dotted_key);
/* An error of input at the place of a key, where `file` and `diag` are in scope: REPORT("llm.moe.routed", "%d ...", n). */
#define REPORT(key, ...) diag_error(diag, EXIT_BAD_INPUT, scenario_place(file, (key)), __VA_ARGS__)

#endif

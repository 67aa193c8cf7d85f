/* The design of a sweep: which scenario, which axes, and how points are made of them. From the command line
 * (`moesim sweep SCENARIO --axis ...`) or from the `sweep:` section of a YAML file:
 *
 *   sweep:
 *     scenario: train_replay_h800.yaml   # or the keys of a scenario beside `sweep:`
 *     set: {sim.network: bound}          # as -s
 *     axes:
 *       cluster.nic.bandwidth: 100..800 Gb/s by 100
 *       cluster.topology: [mpft, mrft]
 *     zip: [[cluster.nodes, tpot.copies]]
 *     settings:                          # combinations with a name, in place of axes that go together
 *       Hopper: {hardware: h800, cluster.nodes: 18}
 *       Blackwell: {hardware: gb200_nvl72, cluster.nodes: 2}
 *     where: nodes * 8 >= 64             # SQL over the axes' values
 *     sample: {method: sobol, points: 64}
 *     seeds: 5                           # sim.seed 1 to 5
 *     search: {minimize: tpot, where: memory fits}      # what 'moesim search' looks for
 *
 * Points are numbered from 0: the first axis is the slowest, the seed the fastest. */
#ifndef MOESIM_CAMPAIGN_DESIGN_H
#define MOESIM_CAMPAIGN_DESIGN_H

#include "campaign/axis.h"
#include "campaign/sampling.h"

/* What a file says to `moesim search`; "" = nothing. Lists have commas. */
struct design_search {
    const char *minimize, *maximize, *where;
    int64_t top;
};

/* The axis that says what a named setting is called; no key of a scenario. */
#define DESIGN_LABEL "label"

struct design {
    const char *path; /* of the scenario */
    const char *file; /* that was named: the scenario, or one that describes the sweep */
    const char **set; /* overrides key=value */
    uint32_t n_set;
    struct axis *axes;
    uint32_t n_axes, n_groups;
    uint32_t first_setting, n_setting_axes; /* axes of named settings: their names (DESIGN_LABEL), then their keys */
    struct axis seeds;                      /* values of sim.seed; n = 0: not given */
    const char *where;                      /* NULL: all points */
    struct srcloc where_at;
    enum sample_method method;
    uint32_t n_samples;
    uint64_t sample_seed;
    struct design_search search;
    struct arena *arena;
};

/* What the command line says on top of a file; NULL-terminated lists; NULL = not given. */
struct design_options {
    const char *const *set;  /* -s KEY=VALUE */
    const char *axis_name;   /* of the option that gives an axis, for messages: "--vary"; NULL: "--axis" */
    const char *const *axes; /* KEY=SPEC; takes the place of the file's axis with that key */
    const char *const *zip;  /* KEY,KEY */
    const char *where;
    const char *sample; /* METHOD:N or METHOD:N:SEED */
    const char *seeds;  /* N or a list */
};

/* Reads a scenario or a file with a `sweep:` section and adds the options. 0, or -1 with all errors. */
int design_load(const char *path, const struct design_options *options, struct arena *arena, struct design *out,
                struct diag *diag);
/* The same from text, as a result holds it; its scenario need not exist. */
int design_parse(const char *text, const char *name, const struct design_options *options, struct arena *arena,
                 struct design *out, struct diag *diag);
/* As a file that gives the same design again; what identifies a sweep. */
char *design_text(const struct design *d);

/* The points: each setting of the axes once per seed. */
struct design_points {
    uint32_t n, n_settings, n_seeds;
    struct cfg_value **values; /* [n_settings]: one value per axis */
    double *units;             /* sampled: [n_settings][n_groups], else NULL */
};

/* Makes all points; more than max_points, or none, are an error. 0 or -1. */
int design_expand(const struct design *d, uint32_t max_points, struct design_points *out, struct diag *diag);
/* KEY=VALUE of an axis; NULL: the name of a setting, which is no override. */
const char *design_override(const struct axis *axis, const char *value, struct arena *arena);
/* Whether a file has a section `sweep:`; false also when it cannot be read. */
bool design_is_in(const char *path, struct arena *arena);

/* The overrides of a point, as for scenario_load; *n is their number. */
const char **design_overrides(const struct design *d, const struct design_points *points, uint32_t point,
                              struct arena *arena, int *n);

#endif

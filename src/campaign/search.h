/* The best points of a space, found without simulating all of them: branch and bound over the axes of a design.
 *
 * What rules a point out is network model `bound`, which is never longer than the simulation (sim/bound): a point whose
 * bound is beaten already, or breaks a condition, cannot win. Axes over keys of which more cannot hurt (search_space.c:
 * bandwidths, FLOP/s, latencies) are relaxed: the bound at the best of their values holds for all of them, so that one
 * evaluation can rule out a subspace. What is left is simulated as the scenario says. */
#ifndef MOESIM_CAMPAIGN_SEARCH_H
#define MOESIM_CAMPAIGN_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "campaign/design.h"
#include "sim/result.h"

enum { SEARCH_MAX_METRICS = 12 };

struct search_objective {
    const char *name; /* of a metric */
    bool is_max;
};

struct search_options {
    /* One: the points are ranked by it. Several: the Pareto front over them, sorted by the first. */
    const struct search_objective *objectives;
    uint32_t n_objectives;
    const char *where;        /* "tpot <= 50 ms and memory fits"; NULL: all */
    uint32_t top;             /* with one objective: how many of the best */
    uint32_t jobs;            /* at the same time; the answer does not depend on it */
    uint32_t shard, n_shards; /* takes only combinations with number % n_shards == shard - 1; 0: all */
    bool exhaustive;          /* simulates every point: slow, and the same answer */
};

struct search_best {
    const char **values;               /* as text, one per axis */
    double number;                     /* of the point in the space, the last axis the fastest */
    double metric[SEARCH_MAX_METRICS]; /* simulated: the objectives, then the metrics of `where` */
    double bound;                      /* of the first objective; NaN: not known */
    const char **overrides;            /* of the scenario, design's `set` first */
    int n_overrides;
};

/* A condition of `where`, and the points that it took: the first that a point breaks counts. */
struct search_condition {
    const char *text; /* "tpot <= 50 ms" */
    double n_points;
    double nearest; /* of those points the value, or what its bound leaves possible, that is nearest to it; NaN: none */
};

struct search_result {
    const char *metrics[SEARCH_MAX_METRICS]; /* names */
    enum unit_dim dims[SEARCH_MAX_METRICS];
    uint32_t n_metrics;
    struct search_best *best; /* the best first */
    uint32_t n_best;
    double n_points;    /* of the space, or of this shard of it */
    uint64_t n_invalid; /* found while searching: what the scenario's checks refuse */
    uint64_t n_bounds;  /* evaluated */
    uint64_t n_simulated;
    double nearest_ruled_out; /* the best bound of what was ruled out by it; NaN: nothing was */
    const char *why_invalid;  /* of the first one; NULL = none */
    uint64_t n_failed;        /* whose simulation ended with an error */
    const char *why_failed;   /* of the first one; NULL = none */
    const struct search_condition *conditions;
    uint32_t n_conditions;
    const char *why_unbounded; /* of the first that network model bound does not answer for; NULL = none */
};

/* Everything is the arena's. 0, or -1 with the reason in diag, also where no point is left (but of a shard). */
int search_run(const struct design *d, const struct search_options *o, struct arena *arena, struct search_result *out,
               struct diag *diag);

/* The best as JSON with the question, for search_merge, or the table as CSV. 0 or -1. */
int search_write(const struct search_result *r, const struct design *d, const struct search_options *o,
                 const char *path, struct diag *diag);
/* JSON of all shards of a search to that of the whole, or to CSV. 0 or -1. */
int search_merge(const char *const *paths, int n, const char *out, struct diag *diag);

/* The best as a table: rank, a column for each axis, the metrics, the first objective's bound. */
struct result_table *search_table(const struct search_result *r, const struct design *d, struct arena *arena);

#endif

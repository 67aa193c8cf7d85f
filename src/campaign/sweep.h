/* A sweep: the points of a design, each run in a child of its own, into a database. */
#ifndef MOESIM_CAMPAIGN_SWEEP_H
#define MOESIM_CAMPAIGN_SWEEP_H

#include <stdbool.h>

#include "io/sweepdb/sweep_db.h"
#include "campaign/design.h"
#include "kinds/pool.h"

struct sweep_options {
    const char *out; /* NULL: the result stays in memory */
    struct pool_limits limits;
    uint32_t max_points;
    uint32_t shard, n_shards;  /* this process runs points with point % n_shards == shard - 1 */
    const char *const *caches; /* results of other sweeps; NULL-terminated, may be NULL */
    bool resume, overwrite, retry_failed;
};

struct sweep_report {
    uint32_t n_points, n_done, n_failed; /* of this shard */
    uint32_t n_run, n_reused, n_resumed; /* how they came to be done */
    const char *first_failure;           /* of the point with the lowest number; NULL = none */
    uint32_t first_failed_point;
    const char *first_warning; /* of a point that ran */
    uint32_t n_warned, first_warned_point;
    int signal; /* that ended the sweep before its time; 0 = none */
};

/* Runs what is missing and writes the result. *result gets the database, open. 0, or -1 with the reason in
 * diag; after a signal 0 without a result. */
int sweep_run(const struct design *design, const struct sweep_options *options, struct sweep_report *report,
              struct sweep_db **result, struct diag *diag);

/* Writes the axes' values of all points as CSV. 0 or -1. */
int sweep_list_points(const struct design *design, const struct sweep_options *options, struct diag *diag);

/* One database of all points from those of shards (or copies of it: what they share must be equal). */
int sweep_merge(const char *const *paths, int n, const char *out, struct diag *diag);

#endif

/* Inside of a sweep: what its steps share. sweep.c is their order. */
#ifndef MOESIM_CAMPAIGN_SWEEP_PRIV_H
#define MOESIM_CAMPAIGN_SWEEP_PRIV_H

#include <uthash.h>

#include "base/input_files.h"
#include "io/scenario.h"
#include "io/sweepdb/sweep_journal.h"
#include "campaign/sweep.h"

/* Where an outcome lies that need not be computed again. */
struct known {
    char sha256[SHA256_TEXT];
    uint32_t cache; /* index, or NO_CACHE: the journal */
    uint32_t point;
    UT_hash_handle hh;
};

enum { NO_CACHE = UINT32_MAX };

struct sweep {
    const struct design *d;
    const struct sweep_options *o;
    struct design_points points;
    struct sweep_about about;
    struct sweep_journal *journal;
    struct pool *pool;
    struct sweep_db **caches;
    uint32_t n_caches;
    struct known *known;
    size_t n_files;        /* input files that the parent has read: children tell of others only */
    uint8_t *done, *tries; /* by point */
    uint32_t next;         /* point to hand out */
    struct sweep_report *report;
    struct arena *arena;
    struct diag *diag;
};

/* --- sweep_point.c: one point, in its child ------------------------------------------------------------------- */

struct resolved {
    struct scenario_file file;
    const char *text; /* of the whole scenario, as validate --print shows it */
    char sha256[SHA256_TEXT];
    bool loaded;
};

/* The scenario with the point's values; what is wrong with it is told to diag. */
void sweep_resolve(const struct sweep *s, uint32_t point, struct arena *arena, struct resolved *r, struct diag *diag);
/* Resolves, runs and answers: a pool_work_fn over struct sweep. */
void sweep_run_point(void *ctx, uint32_t point, FILE *out);
/* The i-th input file's name in records and results: those that the user named without their folders, others as
 * they are found. */
const char *sweep_file_name(const struct sweep *s, size_t i, struct arena *arena);

/* --- sweep_answer.c: what comes back ---------------------------------------------------------------------------- */

/* From now on a point with this resolved scenario is not run. */
void sweep_add_known(struct sweep *s, const char *sha256, uint32_t cache, uint32_t point);
/* Puts the answer into the journal, or starts its point again. Frees what the answer owns. 0 or -1. */
int sweep_take_answer(struct sweep *s, struct pool_answer *a);

/* --- sweep_begin.c: before the first point ------------------------------------------------------------------------ */

/* Resolves point 0 and fills s->about. -1 when no point can be loaded, with the reasons. */
int sweep_describe(struct sweep *s);
/* 1: the result is there already, in *result; 0: it is not; -1: something else is there. */
int sweep_check_out(struct sweep *s, struct sweep_db **result);
/* Opens the journal and the caches; counts what is done. */
int sweep_prepare(struct sweep *s);
bool sweep_is_mine(const struct sweep *s, uint32_t point);

/* --- sweep_result.c: after the last one ------------------------------------------------------------------------------ */

/* Writes the result from the journal. */
int sweep_write_result(struct sweep *s, struct sweep_db **result);

#endif

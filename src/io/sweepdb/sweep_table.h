/* Columns of a sweep's result as a table: what a figure or a page of a paper shows of it. */
#ifndef MOESIM_IO_SWEEPDB_SWEEP_TABLE_H
#define MOESIM_IO_SWEEPDB_SWEEP_TABLE_H

#include "io/sweepdb/sweep_db.h"

/* The query of some columns of a table or view; `show` is NULL-terminated, NULL: all. Of `wide` and `wide_mean` the axes
 * always stand in front, and behind a mean its interval, NAME.ci95. NULL with the reason in diag. */
const char *sweep_select(struct sweep_db *db, const char *view, const char *const *show, struct arena *arena,
                         struct diag *diag);

/* The same in memory. Columns that hold text somewhere are texts, numbers among them with their units. Without `show`
 * `wide` and `wide_mean` have the first metrics only, as on a terminal. -1 with the reason in diag. */
int sweep_table(struct sweep_db *db, const char *view, const char *const *show, struct arena *arena,
                struct result_table *out, struct diag *diag);

/* Names of all columns of a table or view, NULL-terminated; NULL with the reason in diag: there is no such. */
const char **sweep_view_columns(struct sweep_db *db, const char *view, struct arena *arena, struct diag *diag);

#endif

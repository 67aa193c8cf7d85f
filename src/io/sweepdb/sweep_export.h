/* Rows of a sweep's result for other programs and for people. */
#ifndef MOESIM_IO_SWEEPDB_SWEEP_EXPORT_H
#define MOESIM_IO_SWEEPDB_SWEEP_EXPORT_H

#include "io/sweepdb/sweep_db.h"

enum sweep_export_format { EXPORT_CSV, EXPORT_JSON, EXPORT_LATEX };

struct sweep_export_options {
    const char
        *view; /* a table or view: "metrics", "table_bridge", ...; NULL: "wide", for LaTeX of seeds their means */
    const char *const *show; /* columns, NULL-terminated (sweep_table.h); NULL: all, for LaTeX the first */
    enum sweep_export_format format;
    const char *path; /* "-": standard output */
};

/* Columns whose unit is known carry it: "tpot [s]" in CSV, "unit" in JSON. 0 or -1. */
int sweep_export(struct sweep_db *db, const struct sweep_export_options *options, struct diag *diag);

/* -1 with the reason in diag where the database has no such table or view. */
int sweep_check_view(struct sweep_db *db, const char *view, struct arena *arena, struct diag *diag);

/* A table on a terminal: point, axes and some metrics (NULL-terminated; NULL: the first ones), at most max_rows
 * rows; of a sweep with several seeds settings with means. 0 or -1. */
int sweep_print_wide(struct sweep_db *db, const char *const *metrics, uint32_t max_rows, FILE *out, struct diag *diag);

/* The notes of the points' results: those that all have, once; then at most `most` that some have, with how many points
 * have each, and how many more there are. 0 or -1. */
int sweep_print_notes(struct sweep_db *db, uint32_t most, FILE *out, struct diag *diag);

/* The unit of a column of `wide` and the like, "" when it has none or none is known. */
const char *sweep_column_unit(struct sweep_db *db, const char *column, struct arena *arena);
/* Notes that the results of all points have, what holds for the whole sweep; NULL-terminated. */
const char **sweep_common_notes(struct sweep_db *db, struct arena *arena, struct diag *diag);
/* Names of all metrics, NULL-terminated. */
const char **sweep_metric_names(struct sweep_db *db, struct arena *arena, struct diag *diag);

#endif

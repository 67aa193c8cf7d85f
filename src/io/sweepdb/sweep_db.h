/* The result of a sweep as a SQLite database. doc/SWEEP.md describes the schema for users; sweep_schema.c is the
 * schema. A database is written in one go, points in ascending order, and appears whole or not at all. Nothing
 * in it depends on when, where or how fast it was made: the same sweep gives the same bytes, at any -j and in
 * any number of shards. */
#ifndef MOESIM_IO_SWEEPDB_SWEEP_DB_H
#define MOESIM_IO_SWEEPDB_SWEEP_DB_H

#include "base/cfg.h"
#include "sim/result.h"

/* A line of the resolved scenario (validate --print) that differs from that of point 0. */
struct sweep_line {
    uint32_t line; /* from 0 */
    const char *text;
};

struct sweep_file {
    const char *path, *sha256;
};

struct sweep_point {
    uint32_t point, setting;
    const struct cfg_value *values; /* one per axis */
    const char *seed;               /* NULL: not one of several seeds */
    int exit_code;                  /* EXIT_OK, or what `moesim run` would have ended with */
    const char *message;            /* errors and warnings, "" = none */
    const char *sha256;             /* of the resolved scenario's text */
    uint32_t n_lines;               /* of that text */
    struct sweep_line *changed;
    uint32_t n_changed;
    struct sweep_file *files; /* read by this point; empty when read back from a database */
    uint32_t n_files;
    struct result result; /* empty when it failed */
};

struct sweep_axis {
    const char *key, *doc;
    enum cfg_type type;
    enum unit_dim dim; /* of a quantity */
};

/* What is said once. */
struct sweep_about {
    const char *program;       /* "moesim 0.2.0" */
    const char *build;         /* SHA-256 of the program */
    const char *design;        /* YAML, see campaign/design.h */
    const char *design_sha256; /* of the design and the resolved scenario of point 0: what makes two sweeps the same */
    const char *scenario;      /* the resolved scenario of point 0 */
    uint32_t n_points, n_settings, n_seeds; /* of the whole design */
    const char *shard;                      /* "2/4", or "" = all points */
    struct sweep_axis *axes;
    uint32_t n_axes;
};

/* --- writing ------------------------------------------------------------------------------------------------ */

struct sweep_writer;

/* `path` NULL makes a database in memory. NULL with the reason in diag. */
struct sweep_writer *sweep_writer_new(const char *path, const struct sweep_about *about, struct diag *diag);
/* Errors are kept until the end. */
void sweep_writer_add(struct sweep_writer *w, const struct sweep_point *point);
void sweep_writer_add_file(struct sweep_writer *w, const struct sweep_file *file);
/* Views and the summary; then the file appears. *kept, unless NULL, gets the database to read from. 0, or -1
 * with one error; frees w. */
struct sweep_db;
int sweep_writer_close(struct sweep_writer *w, struct sweep_db **kept, struct diag *diag);
void sweep_writer_abandon(struct sweep_writer *w);

/* --- reading -------------------------------------------------------------------------------------------------- */

/* NULL with the reason in diag: no file, no sweep, or of a later version. */
struct sweep_db *sweep_db_open(const char *path, struct diag *diag);
void sweep_db_close(struct sweep_db *db);
const struct sweep_about *sweep_db_about(const struct sweep_db *db);
const char *sweep_db_path(const struct sweep_db *db);
/* The points that it holds, ascending; those of a shard are not all. */
uint32_t sweep_db_points(const struct sweep_db *db, const uint32_t **points);
/* 0, or -1 with the reason in diag. Everything is the arena's. */
int sweep_db_read(struct sweep_db *db, uint32_t point, struct arena *arena, struct sweep_point *out, struct diag *diag);
/* The files it depends on. */
struct sweep_file *sweep_db_files(struct sweep_db *db, struct arena *arena, uint32_t *n);

/* A query's rows. Columns of views carry units: see `columns`. */
struct sweep_cell {
    enum { SWEEP_NULL, SWEEP_INTEGER, SWEEP_REAL, SWEEP_TEXT } type;
    double number;
    const char *text;
};
struct sweep_query {
    const char **columns;
    uint32_t n_columns;
    void *stmt;
    struct sweep_db *db;
};
int sweep_query_open(struct sweep_db *db, const char *sql, struct arena *arena, struct sweep_query *q,
                     struct diag *diag);
/* 1 with a row in cells, 0 at the end, -1 with the reason in diag. Texts live until the next call. */
int sweep_query_next(struct sweep_query *q, struct sweep_cell *cells, struct diag *diag);
void sweep_query_close(struct sweep_query *q);

#endif

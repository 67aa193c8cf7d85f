/* The schema of a sweep's database, for those who write and read it; SQLite stays in here. */
#ifndef MOESIM_IO_SWEEPDB_SWEEP_SCHEMA_H
#define MOESIM_IO_SWEEPDB_SWEEP_SCHEMA_H

#include <sqlite3.h>

#include "io/sweepdb/sweep_db.h"

enum { SWEEP_SCHEMA_VERSION = 1, SWEEP_APPLICATION_ID = 0x6d6f6573 /* "moes" */ };

extern const char sweep_schema_sql[];

/* The views whose columns depend on the axes, metrics and tables that there are; then the summary over seeds.
 * SQLITE_OK or SQLite's code. */
int sweep_make_views(sqlite3 *db);
int sweep_make_summary(sqlite3 *db);

/* Steps a statement with its parameters: i int64_t, r double (NaN is NULL), t text (NULL is NULL), v const
 * struct cfg_value *. SQLITE_OK or SQLite's code. */
int sweep_step(sqlite3_stmt *stmt, const char *types, ...);

/* A reader over an open database, which it then owns. */
struct sweep_db *sweep_db_over(sqlite3 *db, const char *path, struct diag *diag);

#endif

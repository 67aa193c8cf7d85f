/* Tables and views of a sweep's database. doc/SWEEP.md tells users about them; a name that was released is never
 * changed. */
#include "io/sweepdb/sweep_schema.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/stats.h"

const char sweep_schema_sql[] =
    "CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;"
    "CREATE TABLE axes (axis INTEGER PRIMARY KEY, key TEXT, type TEXT, unit TEXT, doc TEXT);"
    "CREATE TABLE files (path TEXT PRIMARY KEY, sha256 TEXT) WITHOUT ROWID;"
    "CREATE TABLE scenario_base (line INTEGER PRIMARY KEY, text TEXT);"
    "CREATE TABLE points (point INTEGER PRIMARY KEY, setting INTEGER, seed INTEGER, status TEXT,"
    " exit_code INTEGER, message TEXT, scenario_sha256 TEXT, scenario_lines INTEGER);"
    "CREATE TABLE axis_values (point INTEGER, axis INTEGER, value, PRIMARY KEY (point, axis)) WITHOUT ROWID;"
    "CREATE TABLE scenario_changes (point INTEGER, line INTEGER, text TEXT, PRIMARY KEY (point, line))"
    " WITHOUT ROWID;"
    "CREATE TABLE metric_names (metric INTEGER PRIMARY KEY, name TEXT UNIQUE, unit TEXT, doc TEXT);"
    "CREATE TABLE metric_values (point INTEGER, metric INTEGER, value REAL, recorded REAL,"
    " PRIMARY KEY (point, metric)) WITHOUT ROWID;"
    "CREATE TABLE breakdown (point INTEGER, part INTEGER, name TEXT, doc TEXT, value_s REAL,"
    " PRIMARY KEY (point, part)) WITHOUT ROWID;"
    "CREATE TABLE phases (point INTEGER, phase INTEGER, name TEXT, layer INTEGER, lane TEXT, recorded_s REAL,"
    " simulated_s REAL, start_s REAL, end_s REAL, PRIMARY KEY (point, phase)) WITHOUT ROWID;"
    "CREATE TABLE table_names (table_id INTEGER PRIMARY KEY, name TEXT UNIQUE, doc TEXT);"
    "CREATE TABLE table_columns (column_id INTEGER PRIMARY KEY, table_id INTEGER, name TEXT, type TEXT, unit TEXT,"
    " doc TEXT);"
    "CREATE TABLE table_cells (point INTEGER, column_id INTEGER, row INTEGER, value,"
    " PRIMARY KEY (point, column_id, row)) WITHOUT ROWID;"
    "CREATE TABLE note_texts (note INTEGER PRIMARY KEY, text TEXT UNIQUE);"
    "CREATE TABLE notes (point INTEGER, note INTEGER, PRIMARY KEY (point, note)) WITHOUT ROWID;"
    "CREATE TABLE summary (setting INTEGER, metric INTEGER, n INTEGER, mean REAL, sd REAL, ci95 REAL, min REAL,"
    " max REAL, PRIMARY KEY (setting, metric)) WITHOUT ROWID;"
    "CREATE VIEW metrics AS SELECT point, name, value, unit, recorded, doc"
    " FROM metric_values JOIN metric_names USING (metric);"
    "CREATE VIEW tables AS SELECT c.point, t.name AS \"table\", c.row, k.name AS \"column\", c.value, k.unit"
    " FROM table_cells c JOIN table_columns k USING (column_id) JOIN table_names t USING (table_id);"
    "CREATE VIEW columns AS SELECT key AS name, unit, doc, 'axis' AS kind FROM axes"
    " UNION ALL SELECT name, unit, doc, 'metric' FROM metric_names;"
    "CREATE VIEW resolved AS SELECT p.point, (SELECT group_concat(text, char(10)) || char(10) FROM"
    " (SELECT coalesce(c.text, b.text) AS text FROM"
    " (SELECT line FROM scenario_base UNION SELECT line FROM scenario_changes WHERE point = p.point) l"
    " LEFT JOIN scenario_base b ON b.line = l.line"
    " LEFT JOIN scenario_changes c ON c.point = p.point AND c.line = l.line"
    " WHERE l.line < p.scenario_lines ORDER BY l.line)) AS yaml FROM points p;";

int sweep_step(sqlite3_stmt *stmt, const char *types, ...)
{
    va_list args;
    va_start(args, types);
    for (int i = 1; types[i - 1]; i++) {
        if (types[i - 1] == 'i') {
            sqlite3_bind_int64(stmt, i, va_arg(args, int64_t));
        } else if (types[i - 1] == 'r') {
            double v = va_arg(args, double);
            if (isfinite(v))
                sqlite3_bind_double(stmt, i, v);
            else
                sqlite3_bind_null(stmt, i);
        } else if (types[i - 1] == 't') {
            sqlite3_bind_text(stmt, i, va_arg(args, const char *), -1, SQLITE_STATIC);
        } else {
            const struct cfg_value *v = va_arg(args, const struct cfg_value *);
            if (isnan(v->number))
                sqlite3_bind_text(stmt, i, v->text, -1, SQLITE_STATIC);
            else if (v->type == CFG_QUANTITY)
                sqlite3_bind_double(stmt, i, v->number);
            else
                sqlite3_bind_int64(stmt, i, (sqlite3_int64)v->number);
        }
    }
    va_end(args);
    int code = sqlite3_step(stmt);
    sqlite3_reset(stmt);
    return code == SQLITE_DONE || code == SQLITE_ROW ? SQLITE_OK : code;
}

/* --- views ------------------------------------------------------------------------------------------------------- */

/* SQLite's limit on columns of a view is 2000. */
enum { MAX_COLUMNS = 1900 };

struct view {
    sqlite3 *db;
    FILE *out;
    char *text;
    size_t size;
    int n;
};

static void view_begin(struct view *v, sqlite3 *db)
{
    *v = (struct view){.db = db};
    v->out = checked_alloc(open_memstream(&v->text, &v->size));
}

static int view_end(struct view *v)
{
    if (fclose(v->out))
        out_of_memory();
    int code = sqlite3_exec(v->db, v->text, NULL, NULL, NULL);
    free(v->text);
    return code;
}

/* For each row of the query (a number, a name): prints format with number and quoted name. */
static int view_columns(struct view *v, const char *query, const char *format)
{
    sqlite3_stmt *stmt;
    int code = sqlite3_prepare_v2(v->db, query, -1, &stmt, NULL);
    while (code == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW && v->n < MAX_COLUMNS) {
        char *column = sqlite3_mprintf(format, sqlite3_column_int(stmt, 0), sqlite3_column_text(stmt, 1));
        fprintf(v->out, "%s", (char *)checked_alloc(column));
        sqlite3_free(column);
        v->n++;
    }
    sqlite3_finalize(stmt);
    return code;
}

/* A metric may have the name of another column. */
#define METRIC_QUERY \
    "SELECT metric, CASE WHEN name IN ('point', 'setting', 'seed', 'status', 'message', 'n')" \
    " THEN 'metric.' || name ELSE name END FROM metric_names ORDER BY metric"
#define AXIS_QUERY "SELECT axis, key FROM axes ORDER BY axis"

static int make_wide(sqlite3 *db)
{
    struct view v;
    view_begin(&v, db);
    fputs("CREATE VIEW wide AS SELECT p.point, p.setting, p.seed, p.status", v.out);
    int code =
        view_columns(&v, AXIS_QUERY, ", (SELECT value FROM axis_values WHERE point = p.point AND axis = %d) AS \"%w\"");
    if (code == SQLITE_OK)
        code = view_columns(&v, METRIC_QUERY,
                            ", (SELECT value FROM metric_values WHERE point = p.point AND metric = %d) AS \"%w\"");
    fputs(" FROM points p;", v.out);
    int ended = view_end(&v);
    return code == SQLITE_OK ? ended : code;
}

/* One row per setting: the mean over seeds of each metric and half its 95 % confidence interval. */
static int make_wide_mean(sqlite3 *db)
{
    struct view v;
    view_begin(&v, db);
    fputs("CREATE VIEW wide_mean AS SELECT p.setting, p.n", v.out);
    int code =
        view_columns(&v, AXIS_QUERY, ", (SELECT value FROM axis_values WHERE point = p.point AND axis = %d) AS \"%w\"");
    if (code == SQLITE_OK)
        code = view_columns(&v, METRIC_QUERY,
                            ", (SELECT mean FROM summary WHERE setting = p.setting AND metric = %d) AS \"%w\"");
    if (code == SQLITE_OK)
        code = view_columns(&v, METRIC_QUERY,
                            ", (SELECT ci95 FROM summary WHERE setting = p.setting AND metric = %d) AS \"%w.ci95\"");
    fputs(" FROM (SELECT setting, min(point) AS point, sum(status = 'ok') AS n FROM points GROUP BY setting) p;",
          v.out);
    int ended = view_end(&v);
    return code == SQLITE_OK ? ended : code;
}

static int make_table(sqlite3 *db, int table, const char *name)
{
    struct view v;
    char *query =
        sqlite3_mprintf("SELECT column_id, name FROM table_columns WHERE table_id = %d ORDER BY column_id", table);
    char *head = sqlite3_mprintf("CREATE VIEW \"table_%w\" AS SELECT point, row", name);
    view_begin(&v, db);
    fputs(checked_alloc(head), v.out);
    int code = view_columns(&v, checked_alloc(query), ", max(CASE WHEN column_id = %d THEN value END) AS \"%w\"");
    fprintf(v.out,
            " FROM table_cells WHERE column_id IN (SELECT column_id FROM table_columns WHERE table_id = %d)"
            " GROUP BY point, row;",
            table);
    int ended = view_end(&v);
    sqlite3_free(query);
    sqlite3_free(head);
    return code == SQLITE_OK ? ended : code;
}

static int make_tables(sqlite3 *db)
{
    sqlite3_stmt *stmt;
    int code = sqlite3_prepare_v2(db, "SELECT table_id, name FROM table_names ORDER BY table_id", -1, &stmt, NULL);
    while (code == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
        code = make_table(db, sqlite3_column_int(stmt, 0), (const char *)sqlite3_column_text(stmt, 1));
    sqlite3_finalize(stmt);
    return code;
}

int sweep_make_views(sqlite3 *db)
{
    int code = make_wide(db);
    if (code == SQLITE_OK)
        code = make_wide_mean(db);
    return code == SQLITE_OK ? make_tables(db) : code;
}

/* --- summary over seeds ---------------------------------------------------------------------------------------------- */

static int add_summary(sqlite3_stmt *insert, int64_t setting, int64_t metric, const double *values, size_t n)
{
    struct stats s = stats_of(values, n);
    return sweep_step(insert, "iiirrrrr", setting, metric, (int64_t)n, s.mean, n > 1 ? s.sd : NAN, stats_ci95(&s),
                      s.min, s.max);
}

/* Rows come sorted by setting and metric: each run of equal ones is one sample. */
static int summarise(sqlite3_stmt *rows, sqlite3_stmt *insert)
{
    double *values = NULL;
    size_t n = 0, cap = 0;
    int64_t setting = -1, metric = -1;
    int code = SQLITE_OK, step;
    while (code == SQLITE_OK && (step = sqlite3_step(rows)) != SQLITE_DONE) {
        if (step != SQLITE_ROW) {
            code = step;
            break;
        }
        int64_t s = sqlite3_column_int64(rows, 0), m = sqlite3_column_int64(rows, 1);
        if (n && (s != setting || m != metric)) {
            code = add_summary(insert, setting, metric, values, n);
            n = 0;
        }
        if (n == cap)
            values = checked_alloc(realloc(values, (cap = cap ? 2 * cap : 16) * sizeof *values));
        values[n++] = sqlite3_column_double(rows, 2);
        setting = s;
        metric = m;
    }
    if (n && code == SQLITE_OK)
        code = add_summary(insert, setting, metric, values, n);
    free(values);
    return code;
}

int sweep_make_summary(sqlite3 *db)
{
    sqlite3_stmt *rows = NULL, *insert = NULL;
    int code = sqlite3_prepare_v2(db,
                                  "SELECT setting, metric, value FROM points JOIN metric_values USING (point)"
                                  " WHERE status = 'ok' AND value IS NOT NULL ORDER BY setting, metric, point",
                                  -1, &rows, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_prepare_v2(db, "INSERT INTO summary VALUES (?,?,?,?,?,?,?,?)", -1, &insert, NULL);
    if (code == SQLITE_OK)
        code = summarise(rows, insert);
    sqlite3_finalize(rows);
    sqlite3_finalize(insert);
    return code;
}

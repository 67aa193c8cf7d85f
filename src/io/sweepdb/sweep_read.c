/* Reading a sweep's database back, point by point, and queries over its views. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/input_files.h"
#include "io/sweepdb/sweep_schema.h"

enum { GET_POINT, GET_VALUES, GET_CHANGES, GET_METRICS, GET_PARTS, GET_PHASES, GET_CELLS, GET_NOTES, N_STATEMENTS };

static const char *const statements[N_STATEMENTS] = {
    [GET_POINT] = "SELECT setting, seed, exit_code, message, scenario_sha256, scenario_lines FROM points"
                  " WHERE point = ?",
    [GET_VALUES] = "SELECT axis, value FROM axis_values WHERE point = ? ORDER BY axis",
    [GET_CHANGES] = "SELECT line, text FROM scenario_changes WHERE point = ? ORDER BY line",
    [GET_METRICS] = "SELECT name, value, unit, doc, recorded FROM metric_values JOIN metric_names USING (metric)"
                    " WHERE point = ? ORDER BY metric",
    [GET_PARTS] = "SELECT name, doc, value_s FROM breakdown WHERE point = ? ORDER BY part",
    [GET_PHASES] = "SELECT name, layer, lane, recorded_s, simulated_s, start_s, end_s FROM phases WHERE point = ?"
                   " ORDER BY phase",
    [GET_CELLS] = "SELECT k.table_id, c.column_id, c.row, c.value FROM table_cells c JOIN table_columns k"
                  " USING (column_id) WHERE c.point = ? ORDER BY k.table_id, c.column_id, c.row",
    [GET_NOTES] = "SELECT text FROM notes JOIN note_texts USING (note) WHERE point = ? ORDER BY note",
};

struct stored_table {
    const char *name, *doc;
};

struct stored_column {
    uint32_t table;
    struct result_column column;
};

struct sweep_db {
    sqlite3 *db;
    char *path;
    struct arena *arena;
    sqlite3_stmt *stmt[N_STATEMENTS];
    struct sweep_about about;
    uint32_t *points, n_points;
    struct stored_table *tables; /* by id */
    struct stored_column *columns;
    uint32_t n_tables, n_columns;
    const char *broken; /* why SQLite could not read on; NULL = it could */
};

/* --- helpers ---------------------------------------------------------------------------------------------------- */

static int fail(const struct sweep_db *s, struct diag *diag)
{
    diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(s->path), "cannot read: %s",
               s->broken ? s->broken : sqlite3_errmsg(s->db));
    return -1;
}

/* Whether there is one more row. */
static bool next_row(struct sweep_db *s, sqlite3_stmt *stmt)
{
    int code = stmt ? sqlite3_step(stmt) : SQLITE_ERROR;
    if (!s->broken && code != SQLITE_ROW && code != SQLITE_DONE)
        s->broken = arena_strdup(s->arena, sqlite3_errmsg(s->db));
    return code == SQLITE_ROW;
}

static const char *text_at(sqlite3_stmt *stmt, int column, struct arena *arena)
{
    const char *text = (const char *)sqlite3_column_text(stmt, column);
    return arena_strdup(arena, text ? text : "");
}

static double number_at(sqlite3_stmt *stmt, int column)
{
    return sqlite3_column_type(stmt, column) == SQLITE_NULL ? NAN : sqlite3_column_double(stmt, column);
}

/* One more element at the end of an array of the arena. */
static void *grown(struct arena *arena, void *array, uint32_t n, size_t element_B)
{
    bool is_full = n == 0 || (n >= 8 && (n & (n - 1)) == 0);
    if (!is_full)
        return array;
    void *bigger = arena_array(arena, element_B, n < 8 ? 8 : 2 * (size_t)n);
    return n ? memcpy(bigger, array, n * element_B) : bigger;
}

#define GROW(arena, array, n) ((array) = grown((arena), (array), (n), sizeof *(array)))

static sqlite3_stmt *prepared(const struct sweep_db *s, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL);
    return stmt;
}

/* --- what is said once -------------------------------------------------------------------------------------------- */

static const char *about_text(struct sweep_db *s, const char *key)
{
    sqlite3_stmt *stmt = prepared(s, "SELECT value FROM about WHERE key = ?");
    sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
    const char *text = sqlite3_step(stmt) == SQLITE_ROW ? text_at(stmt, 0, s->arena) : "";
    sqlite3_finalize(stmt);
    return text;
}

static uint32_t about_number(struct sweep_db *s, const char *key)
{
    return (uint32_t)strtoul(about_text(s, key), NULL, 10);
}

static enum cfg_type type_of(const char *word)
{
    return !strcmp(word, "quantity")  ? CFG_QUANTITY
           : !strcmp(word, "integer") ? CFG_INT
           : !strcmp(word, "bool")    ? CFG_BOOL
                                      : CFG_STRING;
}

static void read_axes(struct sweep_db *s)
{
    sqlite3_stmt *stmt = prepared(s, "SELECT key, type, unit, doc FROM axes ORDER BY axis");
    struct sweep_about *a = &s->about;
    while (next_row(s, stmt)) {
        GROW(s->arena, a->axes, a->n_axes);
        a->axes[a->n_axes++] = (struct sweep_axis){.key = text_at(stmt, 0, s->arena),
                                                   .type = type_of(text_at(stmt, 1, s->arena)),
                                                   .dim = unit_dim_of_si(text_at(stmt, 2, s->arena)),
                                                   .doc = text_at(stmt, 3, s->arena)};
    }
    sqlite3_finalize(stmt);
}

static const char *base_text(struct sweep_db *s)
{
    char *text = NULL;
    size_t size;
    FILE *out = checked_alloc(open_memstream(&text, &size));
    sqlite3_stmt *stmt = prepared(s, "SELECT text FROM scenario_base ORDER BY line");
    while (next_row(s, stmt))
        fprintf(out, "%s\n", sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
    if (fclose(out))
        out_of_memory();
    const char *copy = arena_strdup(s->arena, text);
    free(text);
    return copy;
}

static void read_about(struct sweep_db *s)
{
    s->about = (struct sweep_about){.program = about_text(s, "program"),
                                    .build = about_text(s, "build"),
                                    .design = about_text(s, "design"),
                                    .design_sha256 = about_text(s, "design_sha256"),
                                    .scenario = base_text(s),
                                    .n_points = about_number(s, "points"),
                                    .n_settings = about_number(s, "settings"),
                                    .n_seeds = about_number(s, "seeds"),
                                    .shard = about_text(s, "shard")};
    read_axes(s);
}

static void read_points(struct sweep_db *s)
{
    sqlite3_stmt *stmt = prepared(s, "SELECT point FROM points ORDER BY point");
    while (next_row(s, stmt)) {
        GROW(s->arena, s->points, s->n_points);
        s->points[s->n_points++] = (uint32_t)sqlite3_column_int64(stmt, 0);
    }
    sqlite3_finalize(stmt);
}

static void read_columns(struct sweep_db *s)
{
    sqlite3_stmt *stmt = prepared(s, "SELECT table_id, name, type, unit, doc FROM table_columns ORDER BY column_id");
    while (next_row(s, stmt)) {
        GROW(s->arena, s->columns, s->n_columns);
        struct stored_column *c = &s->columns[s->n_columns++];
        c->table = (uint32_t)sqlite3_column_int64(stmt, 0);
        c->column = (struct result_column){.name = text_at(stmt, 1, s->arena),
                                           .is_text = !strcmp(text_at(stmt, 2, s->arena), "text"),
                                           .dim = unit_dim_of_si(text_at(stmt, 3, s->arena)),
                                           .doc = text_at(stmt, 4, s->arena)};
    }
    sqlite3_finalize(stmt);
}

static void read_tables(struct sweep_db *s)
{
    sqlite3_stmt *stmt = prepared(s, "SELECT name, doc FROM table_names ORDER BY table_id");
    while (next_row(s, stmt)) {
        GROW(s->arena, s->tables, s->n_tables);
        s->tables[s->n_tables++] = (struct stored_table){text_at(stmt, 0, s->arena), text_at(stmt, 1, s->arena)};
    }
    sqlite3_finalize(stmt);
    read_columns(s);
}

static int64_t pragma_number(struct sweep_db *s, const char *sql)
{
    sqlite3_stmt *stmt = prepared(s, sql);
    int64_t n = stmt && sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : -1;
    sqlite3_finalize(stmt);
    return n;
}

static int check_version(struct sweep_db *s, struct diag *diag)
{
    int64_t version = pragma_number(s, "PRAGMA user_version");
    int code = sqlite3_errcode(s->db) & 0xff;
    if (version < 0 && code != SQLITE_NOTADB)
        return fail(s, diag);
    if (pragma_number(s, "PRAGMA application_id") != SWEEP_APPLICATION_ID) {
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(s->path),
                   "this is no result of 'moesim sweep' (those are SQLite databases)");
        return -1;
    }
    if (version == SWEEP_SCHEMA_VERSION)
        return 0;
    diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(s->path),
               "the result has schema version %lld, this moesim reads %d; use the moesim that wrote it",
               (long long)version, SWEEP_SCHEMA_VERSION);
    return -1;
}

struct sweep_db *sweep_db_over(sqlite3 *db, const char *path, struct diag *diag)
{
    struct sweep_db *s = checked_alloc(calloc(1, sizeof *s));
    *s = (struct sweep_db){.db = db, .path = checked_alloc(strdup(path)), .arena = arena_new()};
    if (check_version(s, diag)) {
        sweep_db_close(s);
        return NULL;
    }
    for (int i = 0; i < N_STATEMENTS; i++)
        if (sqlite3_prepare_v2(db, statements[i], -1, &s->stmt[i], NULL) != SQLITE_OK) {
            fail(s, diag);
            sweep_db_close(s);
            return NULL;
        }
    read_about(s);
    read_points(s);
    read_tables(s);
    if (!s->broken)
        return s;
    fail(s, diag);
    sweep_db_close(s);
    return NULL;
}

struct sweep_db *sweep_db_open(const char *path, struct diag *diag)
{
    sqlite3 *db = NULL;
    if (access(path, R_OK)) {
        diag_error(diag, EXIT_IO, SRCLOC_FILE(path), "cannot open: there is no such file, or it may not be read");
        return NULL;
    }
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) {
        diag_error(diag, EXIT_IO, SRCLOC_FILE(path), "cannot open: %s", sqlite3_errmsg(db));
        sqlite3_close(db);
        return NULL;
    }
    input_file_opened(path);
    return sweep_db_over(db, path, diag);
}

void sweep_db_close(struct sweep_db *s)
{
    if (!s)
        return;
    for (int i = 0; i < N_STATEMENTS; i++)
        sqlite3_finalize(s->stmt[i]);
    sqlite3_close(s->db);
    arena_free(s->arena);
    free(s->path);
    free(s);
}

const struct sweep_about *sweep_db_about(const struct sweep_db *s)
{
    return &s->about;
}

const char *sweep_db_path(const struct sweep_db *s)
{
    return s->path;
}

uint32_t sweep_db_points(const struct sweep_db *s, const uint32_t **points)
{
    *points = s->points;
    return s->n_points;
}

/* --- a point --------------------------------------------------------------------------------------------------------- */

static sqlite3_stmt *rows_of(const struct sweep_db *s, int which, uint32_t point)
{
    sqlite3_reset(s->stmt[which]);
    sqlite3_bind_int64(s->stmt[which], 1, point);
    return s->stmt[which];
}

static void read_values(struct sweep_db *s, struct arena *arena, struct sweep_point *p)
{
    sqlite3_stmt *stmt = rows_of(s, GET_VALUES, p->point);
    struct cfg_value *values = ARENA_ARRAY(arena, struct cfg_value, s->about.n_axes + 1);
    while (next_row(s, stmt)) {
        uint32_t axis = (uint32_t)sqlite3_column_int64(stmt, 0);
        if (axis >= s->about.n_axes)
            continue;
        bool is_text = sqlite3_column_type(stmt, 1) == SQLITE_TEXT;
        values[axis] = (struct cfg_value){.type = s->about.axes[axis].type,
                                          .number = is_text ? NAN : sqlite3_column_double(stmt, 1),
                                          .text = text_at(stmt, 1, arena)};
    }
    p->values = values;
}

static void read_changes(struct sweep_db *s, struct arena *arena, struct sweep_point *p)
{
    sqlite3_stmt *stmt = rows_of(s, GET_CHANGES, p->point);
    while (next_row(s, stmt)) {
        GROW(arena, p->changed, p->n_changed);
        p->changed[p->n_changed++] =
            (struct sweep_line){(uint32_t)sqlite3_column_int64(stmt, 0), text_at(stmt, 1, arena)};
    }
}

static void read_metrics(struct sweep_db *s, struct arena *arena, struct sweep_point *p)
{
    sqlite3_stmt *stmt = rows_of(s, GET_METRICS, p->point);
    struct result *r = &p->result;
    while (next_row(s, stmt)) {
        GROW(arena, r->metrics, r->n_metrics);
        r->metrics[r->n_metrics++] = (struct result_metric){.name = text_at(stmt, 0, arena),
                                                            .value = number_at(stmt, 1),
                                                            .dim = unit_dim_of_si(text_at(stmt, 2, arena)),
                                                            .doc = text_at(stmt, 3, arena),
                                                            .recorded = number_at(stmt, 4)};
    }
}

static void read_parts(struct sweep_db *s, struct arena *arena, struct sweep_point *p)
{
    sqlite3_stmt *stmt = rows_of(s, GET_PARTS, p->point);
    struct result *r = &p->result;
    while (next_row(s, stmt)) {
        GROW(arena, r->parts, r->n_parts);
        r->parts[r->n_parts++] =
            (struct result_part){text_at(stmt, 0, arena), text_at(stmt, 1, arena), number_at(stmt, 2)};
    }
}

static void read_phases(struct sweep_db *s, struct arena *arena, struct sweep_point *p)
{
    sqlite3_stmt *stmt = rows_of(s, GET_PHASES, p->point);
    struct result *r = &p->result;
    while (next_row(s, stmt)) {
        GROW(arena, r->phases, r->n_phases);
        r->phases[r->n_phases++] = (struct result_phase){.name = text_at(stmt, 0, arena),
                                                         .layer = sqlite3_column_int(stmt, 1),
                                                         .lane = text_at(stmt, 2, arena),
                                                         .recorded_s = number_at(stmt, 3),
                                                         .simulated_s = number_at(stmt, 4),
                                                         .start_s = number_at(stmt, 5),
                                                         .end_s = number_at(stmt, 6)};
    }
}

/* Cells come table by table, in it column by column. A point's table has the columns that it has cells in. */
struct cell_list {
    struct cell {
        uint32_t table, column, row;
        struct result_cell value;
    } * cells;
    uint32_t n;
};

static struct cell_list read_cells(struct sweep_db *s, struct arena *arena, uint32_t point)
{
    sqlite3_stmt *stmt = rows_of(s, GET_CELLS, point);
    struct cell_list list = {0};
    while (next_row(s, stmt)) {
        struct cell c = {.table = (uint32_t)sqlite3_column_int64(stmt, 0),
                         .column = (uint32_t)sqlite3_column_int64(stmt, 1),
                         .row = (uint32_t)sqlite3_column_int64(stmt, 2),
                         .value = {number_at(stmt, 3), ""}};
        if (c.table >= s->n_tables || c.column >= s->n_columns)
            continue;
        if (s->columns[c.column].column.is_text)
            c.value = (struct result_cell){NAN, text_at(stmt, 3, arena)};
        GROW(arena, list.cells, list.n);
        list.cells[list.n++] = c;
    }
    return list;
}

/* n cells of one table. */
static void add_table(struct sweep_db *s, const struct cell *cells, uint32_t n, struct arena *arena, struct result *r)
{
    const struct stored_table *stored = &s->tables[cells[0].table];
    struct result_table *t = &r->tables[r->n_tables++];
    struct result_column *columns = ARENA_ARRAY(arena, struct result_column, n);
    *t = (struct result_table){.name = stored->name, .doc = stored->doc, .columns = columns};
    for (uint32_t i = 0; i < n; i++) {
        if (i == 0 || cells[i].column != cells[i - 1].column)
            columns[t->n_columns++] = s->columns[cells[i].column].column;
        t->n_rows = cells[i].row + 1 > t->n_rows ? cells[i].row + 1 : t->n_rows;
    }
    size_t n_cells = (size_t)t->n_rows * t->n_columns;
    t->cells = ARENA_ARRAY(arena, struct result_cell, n_cells);
    for (size_t i = 0; i < n_cells; i++)
        t->cells[i] = (struct result_cell){.value = NAN, .text = ""};
    for (uint32_t i = 0, column = 0; i < n; i++) {
        column += i > 0 && cells[i].column != cells[i - 1].column;
        t->cells[(size_t)cells[i].row * t->n_columns + column] = cells[i].value;
    }
}

static void read_point_tables(struct sweep_db *s, struct arena *arena, struct sweep_point *p)
{
    struct cell_list list = read_cells(s, arena, p->point);
    p->result.tables = ARENA_ARRAY(arena, struct result_table, s->n_tables + 1);
    for (uint32_t i = 0, end; i < list.n; i = end) {
        for (end = i; end < list.n && list.cells[end].table == list.cells[i].table;)
            end++;
        add_table(s, list.cells + i, end - i, arena, &p->result);
    }
}

static void read_notes(struct sweep_db *s, struct arena *arena, struct sweep_point *p)
{
    sqlite3_stmt *stmt = rows_of(s, GET_NOTES, p->point);
    struct result *r = &p->result;
    while (next_row(s, stmt)) {
        GROW(arena, r->notes, r->n_notes);
        r->notes[r->n_notes++] = text_at(stmt, 0, arena);
    }
}

int sweep_db_read(struct sweep_db *s, uint32_t point, struct arena *arena, struct sweep_point *out, struct diag *diag)
{
    sqlite3_stmt *stmt = rows_of(s, GET_POINT, point);
    *out = (struct sweep_point){.point = point};
    if (!next_row(s, stmt)) {
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(s->path), "point %u is not in it%s%s", point,
                   s->broken ? ": " : "", s->broken ? s->broken : "");
        return -1;
    }
    out->setting = (uint32_t)sqlite3_column_int64(stmt, 0);
    out->seed = sqlite3_column_type(stmt, 1) == SQLITE_NULL ? NULL : text_at(stmt, 1, arena);
    out->exit_code = sqlite3_column_int(stmt, 2);
    out->message = text_at(stmt, 3, arena);
    out->sha256 = text_at(stmt, 4, arena);
    out->n_lines = (uint32_t)sqlite3_column_int64(stmt, 5);
    read_values(s, arena, out);
    read_changes(s, arena, out);
    read_metrics(s, arena, out);
    read_parts(s, arena, out);
    read_phases(s, arena, out);
    read_point_tables(s, arena, out);
    read_notes(s, arena, out);
    return s->broken ? fail(s, diag) : 0;
}

struct sweep_file *sweep_db_files(struct sweep_db *s, struct arena *arena, uint32_t *n)
{
    sqlite3_stmt *stmt = prepared(s, "SELECT path, sha256 FROM files ORDER BY path");
    struct sweep_file *files = NULL;
    *n = 0;
    while (next_row(s, stmt)) {
        GROW(arena, files, *n);
        files[(*n)++] = (struct sweep_file){text_at(stmt, 0, arena), text_at(stmt, 1, arena)};
    }
    sqlite3_finalize(stmt);
    return files;
}

/* --- queries ------------------------------------------------------------------------------------------------------------ */

int sweep_query_open(struct sweep_db *s, const char *sql, struct arena *arena, struct sweep_query *q, struct diag *diag)
{
    sqlite3_stmt *stmt;
    *q = (struct sweep_query){.db = s};
    if (sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL) != SQLITE_OK)
        return fail(s, diag);
    q->stmt = stmt;
    q->n_columns = (uint32_t)sqlite3_column_count(stmt);
    q->columns = ARENA_ARRAY(arena, const char *, q->n_columns + 1);
    for (uint32_t i = 0; i < q->n_columns; i++)
        q->columns[i] = arena_strdup(arena, sqlite3_column_name(stmt, (int)i));
    return 0;
}

int sweep_query_next(struct sweep_query *q, struct sweep_cell *cells, struct diag *diag)
{
    int step = sqlite3_step(q->stmt);
    if (step != SQLITE_ROW)
        return step == SQLITE_DONE ? 0 : fail(q->db, diag);
    for (uint32_t i = 0; i < q->n_columns; i++) {
        int type = sqlite3_column_type(q->stmt, (int)i);
        cells[i].type = type == SQLITE_NULL      ? SWEEP_NULL
                        : type == SQLITE_INTEGER ? SWEEP_INTEGER
                        : type == SQLITE_FLOAT   ? SWEEP_REAL
                                                 : SWEEP_TEXT;
        cells[i].number = type == SQLITE_NULL ? NAN : sqlite3_column_double(q->stmt, (int)i);
        cells[i].text = cells[i].type == SWEEP_TEXT ? (const char *)sqlite3_column_text(q->stmt, (int)i) : "";
    }
    return 1;
}

void sweep_query_close(struct sweep_query *q)
{
    sqlite3_finalize(q->stmt);
}

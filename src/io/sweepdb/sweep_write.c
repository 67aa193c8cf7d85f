/* Writing a sweep's database: one transaction without a journal, into the temporary of an output file, which
 * replaces the target when it is complete. Ids of metrics, tables and notes count in the order of their first
 * appearance, so that they depend on the points only. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/outfile.h"
#include "io/sweepdb/sweep_schema.h"

enum statement {
    PUT_ABOUT,
    PUT_AXIS,
    PUT_FILE,
    PUT_BASE,
    PUT_POINT,
    PUT_VALUE,
    PUT_CHANGE,
    PUT_METRIC_NAME,
    PUT_METRIC,
    PUT_PART,
    PUT_PHASE,
    PUT_TABLE_NAME,
    PUT_COLUMN,
    PUT_CELL,
    PUT_CELL_TEXT,
    PUT_NOTE_TEXT,
    PUT_NOTE,
    N_STATEMENTS
};

static const char *const statements[N_STATEMENTS] = {
    [PUT_ABOUT] = "INSERT INTO about VALUES (?,?)",
    [PUT_AXIS] = "INSERT INTO axes VALUES (?,?,?,?,?)",
    [PUT_FILE] = "INSERT INTO files VALUES (?,?)",
    [PUT_BASE] = "INSERT INTO scenario_base VALUES (?,?)",
    [PUT_POINT] = "INSERT INTO points VALUES (?,?,?,?,?,?,?,?)",
    [PUT_VALUE] = "INSERT INTO axis_values VALUES (?,?,?)",
    [PUT_CHANGE] = "INSERT INTO scenario_changes VALUES (?,?,?)",
    [PUT_METRIC_NAME] = "INSERT INTO metric_names VALUES (?,?,?,?)",
    [PUT_METRIC] = "INSERT INTO metric_values VALUES (?,?,?,?)",
    [PUT_PART] = "INSERT INTO breakdown VALUES (?,?,?,?,?)",
    [PUT_PHASE] = "INSERT INTO phases VALUES (?,?,?,?,?,?,?,?,?)",
    [PUT_TABLE_NAME] = "INSERT INTO table_names VALUES (?,?,?)",
    [PUT_COLUMN] = "INSERT INTO table_columns VALUES (?,?,?,?,?,?)",
    [PUT_CELL] = "INSERT INTO table_cells VALUES (?,?,?,?)",
    [PUT_CELL_TEXT] = "INSERT INTO table_cells VALUES (?,?,?,?)",
    [PUT_NOTE_TEXT] = "INSERT INTO note_texts VALUES (?,?)",
    [PUT_NOTE] = "INSERT INTO notes VALUES (?,?)",
};

/* A name that has its id. */
struct named {
    char *name;
    int64_t id;
    UT_hash_handle hh;
};

struct sweep_writer {
    char *path; /* NULL: in memory */
    struct outfile *file;
    sqlite3 *db;
    sqlite3_stmt *stmt[N_STATEMENTS];
    struct named *metrics, *tables, *columns, *notes, *files;
    int code; /* SQLite's first error */
    char *error;
    uint32_t n_axes, last_point;
    bool any_point;
};

/* --- small steps ---------------------------------------------------------------------------------------------- */

static void note_code(struct sweep_writer *w, int code)
{
    if (code == SQLITE_OK || w->code != SQLITE_OK)
        return;
    w->code = code;
    w->error = checked_alloc(strdup(sqlite3_errmsg(w->db)));
}

#define PUT(w, which, ...) \
    do { \
        if ((w)->code == SQLITE_OK) \
            note_code((w), sweep_step((w)->stmt[which], __VA_ARGS__)); \
    } while (0)

static void execute(struct sweep_writer *w, const char *sql)
{
    if (w->code == SQLITE_OK)
        note_code(w, sqlite3_exec(w->db, sql, NULL, NULL, NULL));
}

/* The id of a name; *is_new when it got one just now. */
static int64_t id_of(struct named **all, const char *name, bool *is_new)
{
    struct named *found;
    HASH_FIND_STR(*all, name, found);
    *is_new = !found;
    if (!found) {
        found = checked_alloc(calloc(1, sizeof *found));
        found->name = checked_alloc(strdup(name));
        found->id = (int64_t)HASH_COUNT(*all);
        HASH_ADD_KEYPTR(hh, *all, found->name, strlen(found->name), found);
    }
    return found->id;
}

static void free_names(struct named **all)
{
    struct named *one, *next;
    HASH_ITER(hh, *all, one, next)
    {
        HASH_DEL(*all, one);
        free(one->name);
        free(one);
    }
}

static void release(struct sweep_writer *w)
{
    struct named **all[] = {&w->metrics, &w->tables, &w->columns, &w->notes, &w->files};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free_names(all[i]);
    for (int i = 0; i < N_STATEMENTS; i++)
        sqlite3_finalize(w->stmt[i]);
    sqlite3_close(w->db);
    free(w->error);
    free(w->path);
    free(w);
}

/* --- what is said once ------------------------------------------------------------------------------------------- */

static const char *axis_type(enum cfg_type type)
{
    switch (type) {
    case CFG_QUANTITY:
        return "quantity";
    case CFG_INT:
        return "integer";
    case CFG_BOOL:
        return "bool";
    default:
        return "text";
    }
}

static void put_number(struct sweep_writer *w, const char *key, uint32_t n)
{
    char text[16];
    snprintf(text, sizeof text, "%u", n);
    PUT(w, PUT_ABOUT, "tt", key, text);
}

static void put_base(struct sweep_writer *w, const char *text)
{
    for (int64_t line = 0; *text; line++) {
        size_t n = strcspn(text, "\n");
        char *copy = checked_alloc(strndup(text, n));
        PUT(w, PUT_BASE, "it", line, copy);
        free(copy);
        text += n + (text[n] == '\n');
    }
}

static void put_about(struct sweep_writer *w, const struct sweep_about *a)
{
    PUT(w, PUT_ABOUT, "tt", "program", a->program);
    PUT(w, PUT_ABOUT, "tt", "build", a->build);
    PUT(w, PUT_ABOUT, "tt", "design", a->design);
    PUT(w, PUT_ABOUT, "tt", "design_sha256", a->design_sha256);
    PUT(w, PUT_ABOUT, "tt", "shard", a->shard);
    w->n_axes = a->n_axes;
    put_number(w, "schema_version", SWEEP_SCHEMA_VERSION);
    put_number(w, "points", a->n_points);
    put_number(w, "settings", a->n_settings);
    put_number(w, "seeds", a->n_seeds);
    for (uint32_t i = 0; i < a->n_axes; i++) {
        const struct sweep_axis *axis = &a->axes[i];
        PUT(w, PUT_AXIS, "itttt", (int64_t)i, axis->key, axis_type(axis->type),
            axis->type == CFG_QUANTITY ? unit_dim_si(axis->dim) : "", axis->doc);
    }
    put_base(w, a->scenario);
}

static int open_db(struct sweep_writer *w, struct diag *diag)
{
    const char *name = w->file ? outfile_temporary(w->file) : ":memory:";
    if (!name) {
        diag_error(diag, EXIT_USAGE, SRCLOC_FILE(w->path), "a database cannot be written here; name a regular file");
        return -1;
    }
    note_code(w, sqlite3_open_v2(name, &w->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL));
    execute(w, "PRAGMA page_size=4096; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE");
    execute(w, "BEGIN");
    char *pragmas =
        sqlite3_mprintf("PRAGMA application_id=%d; PRAGMA user_version=%d", SWEEP_APPLICATION_ID, SWEEP_SCHEMA_VERSION);
    execute(w, checked_alloc(pragmas));
    sqlite3_free(pragmas);
    execute(w, sweep_schema_sql);
    for (int i = 0; i < N_STATEMENTS && w->code == SQLITE_OK; i++)
        note_code(w, sqlite3_prepare_v2(w->db, statements[i], -1, &w->stmt[i], NULL));
    return 0;
}

struct sweep_writer *sweep_writer_new(const char *path, const struct sweep_about *about, struct diag *diag)
{
    struct sweep_writer *w = checked_alloc(calloc(1, sizeof *w));
    w->path = path ? checked_alloc(strdup(path)) : NULL;
    if ((path && !(w->file = outfile_open(path, diag))) || open_db(w, diag)) {
        sweep_writer_abandon(w);
        return NULL;
    }
    put_about(w, about);
    return w;
}

/* --- points --------------------------------------------------------------------------------------------------------- */

/* What a result has of a kind, in the order of ids: rows of a point are written as they are sorted, because where
 * rows lie in a page of SQLite tells the order in which they came, and results that were read back come sorted. */
struct numbered {
    int64_t id;
    uint32_t at;
};

static int by_id(const void *x, const void *y)
{
    int64_t a = ((const struct numbered *)x)->id, b = ((const struct numbered *)y)->id;
    return (a > b) - (a < b);
}

static struct numbered *numbered_new(uint32_t n)
{
    return checked_alloc(calloc(n ? n : 1, sizeof(struct numbered)));
}

static void put_metrics(struct sweep_writer *w, int64_t point, const struct result *r)
{
    struct numbered *ids = numbered_new(r->n_metrics);
    for (uint32_t i = 0; i < r->n_metrics; i++) {
        const struct result_metric *m = &r->metrics[i];
        bool is_new;
        ids[i] = (struct numbered){id_of(&w->metrics, m->name, &is_new), i};
        if (is_new)
            PUT(w, PUT_METRIC_NAME, "ittt", ids[i].id, m->name, unit_dim_si(m->dim), m->doc);
    }
    qsort(ids, r->n_metrics, sizeof *ids, by_id);
    for (uint32_t i = 0; i < r->n_metrics; i++) {
        const struct result_metric *m = &r->metrics[ids[i].at];
        PUT(w, PUT_METRIC, "iirr", point, ids[i].id, m->value, m->recorded);
    }
    free(ids);
}

static int64_t column_id(struct sweep_writer *w, int64_t table, const struct result_table *t,
                         const struct result_column *c)
{
    bool is_new;
    char *key = sqlite3_mprintf("%s.%s", t->name, c->name);
    int64_t id = id_of(&w->columns, checked_alloc(key), &is_new);
    if (is_new)
        PUT(w, PUT_COLUMN, "iitttt", id, table, c->name, c->is_text ? "text" : "number",
            c->is_text ? "" : unit_dim_si(c->dim), c->doc);
    sqlite3_free(key);
    return id;
}

static void put_table(struct sweep_writer *w, int64_t point, const struct result_table *t, int64_t table)
{
    for (uint32_t c = 0; c < t->n_columns; c++) {
        int64_t column = column_id(w, table, t, &t->columns[c]);
        for (uint32_t row = 0; row < t->n_rows; row++) {
            const struct result_cell *cell = &t->cells[(size_t)row * t->n_columns + c];
            if (t->columns[c].is_text)
                PUT(w, PUT_CELL_TEXT, "iiit", point, column, (int64_t)row, cell->text);
            else
                PUT(w, PUT_CELL, "iiir", point, column, (int64_t)row, cell->value);
        }
    }
}

static void put_tables(struct sweep_writer *w, int64_t point, const struct result *r)
{
    struct numbered *ids = numbered_new(r->n_tables);
    for (uint32_t i = 0; i < r->n_tables; i++) {
        const struct result_table *t = &r->tables[i];
        bool is_new;
        ids[i] = (struct numbered){id_of(&w->tables, t->name, &is_new), i};
        if (is_new)
            PUT(w, PUT_TABLE_NAME, "itt", ids[i].id, t->name, t->doc);
    }
    qsort(ids, r->n_tables, sizeof *ids, by_id);
    for (uint32_t i = 0; i < r->n_tables; i++)
        put_table(w, point, &r->tables[ids[i].at], ids[i].id);
    free(ids);
}

static void put_notes(struct sweep_writer *w, int64_t point, const struct result *r)
{
    struct numbered *ids = numbered_new(r->n_notes);
    for (uint32_t i = 0; i < r->n_notes; i++) {
        bool is_new;
        ids[i] = (struct numbered){id_of(&w->notes, r->notes[i], &is_new), i};
        if (is_new)
            PUT(w, PUT_NOTE_TEXT, "it", ids[i].id, r->notes[i]);
    }
    qsort(ids, r->n_notes, sizeof *ids, by_id);
    for (uint32_t i = 0; i < r->n_notes; i++)
        PUT(w, PUT_NOTE, "ii", point, ids[i].id);
    free(ids);
}

static void put_result(struct sweep_writer *w, int64_t point, const struct result *r)
{
    put_metrics(w, point, r);
    for (uint32_t i = 0; i < r->n_parts; i++)
        PUT(w, PUT_PART, "iittr", point, (int64_t)i, r->parts[i].name, r->parts[i].doc, r->parts[i].value_s);
    for (uint32_t i = 0; i < r->n_phases; i++) {
        const struct result_phase *p = &r->phases[i];
        PUT(w, PUT_PHASE, "iititrrrr", point, (int64_t)i, p->name, (int64_t)p->layer, p->lane, p->recorded_s,
            p->simulated_s, p->start_s, p->end_s);
    }
    put_tables(w, point, r);
    put_notes(w, point, r);
}

void sweep_writer_add_file(struct sweep_writer *w, const struct sweep_file *file)
{
    bool is_new;
    id_of(&w->files, file->path, &is_new);
    if (is_new)
        PUT(w, PUT_FILE, "tt", file->path, file->sha256);
}

void sweep_writer_add(struct sweep_writer *w, const struct sweep_point *p)
{
    int64_t point = p->point;
    BUG_IF(w->any_point && p->point <= w->last_point);
    w->any_point = true;
    w->last_point = p->point;
    PUT(w, PUT_POINT, "iittitti", point, (int64_t)p->setting, p->seed, p->exit_code == EXIT_OK ? "ok" : "failed",
        (int64_t)p->exit_code, p->message, p->sha256, (int64_t)p->n_lines);
    for (uint32_t i = 0; i < w->n_axes; i++)
        PUT(w, PUT_VALUE, "iiv", point, (int64_t)i, &p->values[i]);
    for (uint32_t i = 0; i < p->n_files; i++)
        sweep_writer_add_file(w, &p->files[i]);
    for (uint32_t i = 0; i < p->n_changed; i++)
        PUT(w, PUT_CHANGE, "iit", point, (int64_t)p->changed[i].line, p->changed[i].text);
    put_result(w, point, &p->result);
}

/* --- the end ---------------------------------------------------------------------------------------------------------- */

static int report(const struct sweep_writer *w, struct diag *diag)
{
    bool is_full = (w->code & 0xff) == SQLITE_FULL || (w->code & 0xff) == SQLITE_IOERR;
    diag_error(diag, w->code == SQLITE_NOMEM ? EXIT_LIMIT : EXIT_IO,
               SRCLOC_FILE(w->path ? w->path : "the database in memory"), "cannot write: %s%s", w->error,
               is_full ? "; make room" : "");
    return -1;
}

int sweep_writer_close(struct sweep_writer *w, struct sweep_db **kept, struct diag *diag)
{
    if (w->code == SQLITE_OK)
        note_code(w, sweep_make_summary(w->db));
    if (w->code == SQLITE_OK)
        note_code(w, sweep_make_views(w->db));
    execute(w, "COMMIT");
    int failed = w->code == SQLITE_OK ? 0 : report(w, diag);
    for (int i = 0; i < N_STATEMENTS; i++) {
        sqlite3_finalize(w->stmt[i]);
        w->stmt[i] = NULL;
    }
    if (kept && !failed && !w->file) {
        *kept = sweep_db_over(w->db, "the result", diag);
        w->db = NULL;
    }
    sqlite3_close(w->db);
    w->db = NULL;
    if (w->file && failed)
        outfile_abandon(w->file);
    else if (w->file)
        failed = outfile_close(w->file, diag);
    if (kept && !failed && w->file)
        *kept = sweep_db_open(w->path, diag);
    failed = failed || (kept && !*kept) ? -1 : 0;
    release(w);
    return failed;
}

void sweep_writer_abandon(struct sweep_writer *w)
{
    outfile_abandon(w->file);
    release(w);
}

/* Exports over the views of a sweep's database. */
#include "io/sweepdb/sweep_export.h"

#include <math.h>
#include <string.h>

#include "config.h"
#include "io/csv.h"
#include "io/hardware.h"
#include "io/json_config.h"
#include "io/results/latex.h"
#include "io/sweepdb/sweep_schema.h"
#include "io/sweepdb/sweep_table.h"

/* --- names ------------------------------------------------------------------------------------------------------ */

/* The first column of a query without parameters, NULL-terminated. */
static const char **list_of(struct sweep_db *db, const char *sql, struct arena *arena, struct diag *diag)
{
    struct sweep_query q;
    struct sweep_cell cell;
    uint32_t n = 0, cap = 16;
    const char **list = ARENA_ARRAY(arena, const char *, cap);
    if (sweep_query_open(db, sql, arena, &q, diag))
        return list;
    while (sweep_query_next(&q, &cell, diag) == 1) {
        if (n + 1 == cap) {
            const char **grown = ARENA_ARRAY(arena, const char *, 2 * cap);
            memcpy(grown, list, cap * sizeof *list);
            list = grown;
            cap *= 2;
        }
        list[n++] = arena_strdup(arena, cell.text);
    }
    sweep_query_close(&q);
    return list;
}

const char **sweep_metric_names(struct sweep_db *db, struct arena *arena, struct diag *diag)
{
    return list_of(db, "SELECT name FROM metric_names ORDER BY metric", arena, diag);
}

const char **sweep_common_notes(struct sweep_db *db, struct arena *arena, struct diag *diag)
{
    return list_of(db,
                   "SELECT text FROM notes JOIN note_texts USING (note) GROUP BY note"
                   " HAVING count(*) = (SELECT count(*) FROM points WHERE status = 'ok') ORDER BY note",
                   arena, diag);
}

/* "tpot.ci95" has the unit of "tpot". */
const char *sweep_column_unit(struct sweep_db *db, const char *column, struct arena *arena)
{
    static const char ci95[] = ".ci95";
    struct diag *ignored = diag_new();
    struct sweep_query q;
    struct sweep_cell cell;
    size_t n = strlen(column);
    if (n > sizeof ci95 - 1 && !strcmp(column + n - (sizeof ci95 - 1), ci95))
        n -= sizeof ci95 - 1;
    char *name = arena_printf(arena, "%.*s", (int)n, column);
    char *sql = sqlite3_mprintf("SELECT unit FROM columns WHERE name = %Q UNION ALL SELECT unit FROM table_columns"
                                " WHERE name = %Q LIMIT 1",
                                name, name);
    const char *unit = "";
    if (!sweep_query_open(db, sql, arena, &q, ignored)) {
        if (sweep_query_next(&q, &cell, ignored) == 1)
            unit = arena_strdup(arena, cell.text);
        sweep_query_close(&q);
    }
    sqlite3_free(sql);
    diag_free(ignored);
    return unit;
}

int sweep_check_view(struct sweep_db *db, const char *view, struct arena *arena, struct diag *diag)
{
    const char **views = list_of(db,
                                 "SELECT name FROM sqlite_master WHERE type IN ('view', 'table')"
                                 " AND name NOT LIKE 'sqlite_%' ORDER BY type DESC, name",
                                 arena, diag);
    for (const char **v = views; *v; v++)
        if (!strcmp(*v, view))
            return 0;
    report_unknown(diag, EXIT_USAGE, SRCLOC_FILE(sweep_db_path(db)), "table", view, views, arena);
    return -1;
}

/* --- CSV and JSON ------------------------------------------------------------------------------------------------- */

struct export
{
    struct sweep_query q;
    struct sweep_cell *cells;
    const char **units; /* by column */
    struct outfile *file;
    struct diag *diag;
};

static int write_csv(struct export *e)
{
    int more;
    for (uint32_t i = 0; i < e->q.n_columns; i++) {
        outfile_printf(e->file, i ? "," : "");
        csv_text(e->file, e->q.columns[i]);
        outfile_printf(e->file, *e->units[i] ? " [%s]" : "", e->units[i]);
    }
    outfile_printf(e->file, "\n");
    while ((more = sweep_query_next(&e->q, e->cells, e->diag)) == 1) {
        for (uint32_t i = 0; i < e->q.n_columns; i++) {
            outfile_printf(e->file, i ? "," : "");
            if (e->cells[i].type == SWEEP_TEXT)
                csv_text(e->file, e->cells[i].text);
            else
                csv_number(e->file, e->cells[i].number);
        }
        outfile_printf(e->file, "\n");
    }
    return more;
}

static void add_cell(cJSON *row, const char *name, const struct sweep_cell *cell)
{
    if (cell->type == SWEEP_TEXT)
        cJSON_AddStringToObject(row, name, cell->text);
    else if (cell->type == SWEEP_NULL)
        cJSON_AddNullToObject(row, name);
    else
        json_add_number(row, name, cell->number);
}

static int write_json(struct export *e)
{
    cJSON *root = cJSON_CreateObject(), *columns = cJSON_AddArrayToObject(root, "columns");
    int more;
    for (uint32_t i = 0; i < e->q.n_columns; i++) {
        cJSON *column = cJSON_CreateObject();
        cJSON_AddStringToObject(column, "name", e->q.columns[i]);
        cJSON_AddStringToObject(column, "unit", e->units[i]);
        cJSON_AddItemToArray(columns, column);
    }
    cJSON *rows = cJSON_AddArrayToObject(root, "rows");
    while ((more = sweep_query_next(&e->q, e->cells, e->diag)) == 1) {
        cJSON *row = cJSON_CreateObject();
        for (uint32_t i = 0; i < e->q.n_columns; i++)
            add_cell(row, e->q.columns[i], &e->cells[i]);
        cJSON_AddItemToArray(rows, row);
    }
    json_write(root, e->file);
    return more;
}

static int export_to(struct export *e, struct sweep_db *db, const char *path, bool json, struct arena *arena)
{
    e->cells = ARENA_ARRAY(arena, struct sweep_cell, e->q.n_columns + 1);
    e->units = ARENA_ARRAY(arena, const char *, e->q.n_columns + 1);
    for (uint32_t i = 0; i < e->q.n_columns; i++)
        e->units[i] = sweep_column_unit(db, e->q.columns[i], arena);
    if (!(e->file = outfile_open(path, e->diag)))
        return -1;
    if ((json ? write_json : write_csv)(e)) {
        outfile_abandon(e->file);
        return -1;
    }
    return outfile_close(e->file, e->diag);
}

/* --- LaTeX -------------------------------------------------------------------------------------------------------- */

static const char *caption(struct sweep_db *db, const char *view, struct arena *arena)
{
    const struct sweep_about *about = sweep_db_about(db);
    const char *run = strcmp(about->program, PACKAGE_STRING) ? arena_printf(arena, ", run by %s", about->program) : "";
    if (!strcmp(view, "wide_mean") && about->n_seeds > 1)
        return arena_printf(arena, "Means over %u seeds and their 95 %% intervals%s", about->n_seeds, run);
    if (!strcmp(view, "wide") || !strcmp(view, "wide_mean"))
        return arena_printf(arena, "%u points of a sweep%s", about->n_points, run);
    return arena_printf(arena, "%s of a sweep of %u points%s", view, about->n_points, run);
}

/* Only complete tables: what is wrong is known before the file is opened. */
static int export_latex(struct sweep_db *db, const char *view, const char *const *show, const char *path,
                        struct arena *arena, struct diag *diag)
{
    struct result_table table;
    struct latex_about about = {.caption = caption(db, view, arena)};
    if (sweep_table(db, view, show, arena, &table, diag))
        return -1;
    about.notes = sweep_common_notes(db, arena, diag);
    struct outfile *f = outfile_open(path, diag);
    if (!f)
        return -1;
    latex_table(f, &table, &about, arena);
    return outfile_close(f, diag);
}

static int export_rows(struct sweep_db *db, const struct sweep_export_options *o, struct arena *arena,
                       struct diag *diag)
{
    struct export e = {.diag = diag};
    const char *view = o->view ? o->view : "wide", *sql = sweep_select(db, view, o->show, arena, diag);
    if (!sql || sweep_query_open(db, sql, arena, &e.q, diag))
        return -1;
    int failed = export_to(&e, db, o->path, o->format == EXPORT_JSON, arena);
    sweep_query_close(&e.q);
    return failed;
}

int sweep_export(struct sweep_db *db, const struct sweep_export_options *o, struct diag *diag)
{
    struct arena *arena = arena_new();
    const char *means = sweep_db_about(db)->n_seeds > 1 ? "wide_mean" : "wide";
    int failed = o->format == EXPORT_LATEX ? export_latex(db, o->view ? o->view : means, o->show, o->path, arena, diag)
                                           : export_rows(db, o, arena, diag);
    arena_free(arena);
    return failed;
}

/* --- on a terminal -------------------------------------------------------------------------------------------------- */

enum { FIRST_METRICS = 4 };

static const char *shown(const struct sweep_cell *cell, enum unit_dim dim, struct arena *arena)
{
    char text[64];
    if (cell->type == SWEEP_TEXT)
        return arena_strdup(arena, cell->text);
    if (cell->type == SWEEP_NULL)
        return "-";
    if (cell->type == SWEEP_INTEGER)
        return arena_printf(arena, "%.0f", cell->number);
    snprintf(text, sizeof text, "%.4g", cell->number);
    double value = 0;
    sscanf(text, "%lf", &value);
    return dim == DIM_RATIO ? arena_strdup(arena, text)
                            : arena_strdup(arena, unit_format(value, dim, text, sizeof text));
}

/* Which metrics are shown, NULL-terminated; NULL when one is not there. */
static const char **shown_metrics(struct sweep_db *db, const char *const *wanted, struct arena *arena,
                                  struct diag *diag)
{
    const char **metrics = sweep_metric_names(db, arena, diag);
    if (!wanted) {
        for (int i = 0; metrics[i]; i++)
            if (i == FIRST_METRICS)
                metrics[i] = NULL;
        return metrics;
    }
    size_t n = 0;
    for (; wanted[n]; n++) {
        size_t i = 0;
        while (metrics[i] && strcmp(metrics[i], wanted[n]))
            i++;
        if (!metrics[i]) {
            report_unknown(diag, EXIT_USAGE, SRCLOC_NONE, "metric", wanted[n], metrics, arena);
            return NULL;
        }
    }
    const char **copy = ARENA_ARRAY(arena, const char *, n + 1);
    memcpy(copy, wanted, n * sizeof *copy);
    return copy;
}

/* A row per point; with several seeds a row per setting, with mean and half the 95 % interval. */
static const char *wide_query(struct sweep_db *db, const char *const *wanted, struct arena *arena, struct diag *diag)
{
    const struct sweep_about *about = sweep_db_about(db);
    bool means = about->n_seeds > 1;
    const char *sql = means ? "SELECT setting" : "SELECT point", **metrics = shown_metrics(db, wanted, arena, diag);
    if (!metrics)
        return NULL;
    for (uint32_t i = 0; i < about->n_axes; i++)
        sql = arena_printf(arena, "%s, \"%s\"", sql, about->axes[i].key);
    for (const char **m = metrics; *m; m++) {
        sql = arena_printf(arena, "%s, \"%s\"", sql, *m);
        if (means)
            sql = arena_printf(arena, "%s, \"%s.ci95\"", sql, *m);
    }
    return arena_printf(arena,
                        means ? "%s, n AS seeds FROM wide_mean"
                              : "%s, CASE status WHEN 'ok' THEN '' ELSE status END AS \"\" FROM wide",
                        sql);
}

struct grid {
    const char ***rows; /* [n][n_columns]; the first is the head */
    uint32_t n, n_columns;
    bool *is_text;
};

static void print_grid(const struct grid *g, FILE *out, struct arena *arena)
{
    int *width = ARENA_ARRAY(arena, int, g->n_columns + 1);
    for (uint32_t r = 0; r < g->n; r++)
        for (uint32_t c = 0; c < g->n_columns; c++)
            if ((int)strlen(g->rows[r][c]) > width[c])
                width[c] = (int)strlen(g->rows[r][c]);
    for (uint32_t r = 0; r < g->n; r++) {
        uint32_t last = g->n_columns;
        while (last > 0 && !*g->rows[r][last - 1])
            last--;
        for (uint32_t c = 0; c < last; c++)
            if (g->is_text[c])
                fprintf(out, "%s%-*s", c ? "  " : "", c + 1 < last ? width[c] : 0, g->rows[r][c]);
            else
                fprintf(out, "%s%*s", c ? "  " : "", width[c], g->rows[r][c]);
        fputc('\n', out);
    }
}

static int print_query(struct sweep_db *db, const char *sql, uint32_t max_rows, FILE *out, struct arena *arena,
                       struct diag *diag)
{
    struct sweep_query q;
    struct grid g = {.rows = ARENA_ARRAY(arena, const char **, (size_t)max_rows + 2)};
    int more;
    if (sweep_query_open(db, sql, arena, &q, diag))
        return -1;
    struct sweep_cell *cells = ARENA_ARRAY(arena, struct sweep_cell, q.n_columns);
    enum unit_dim *dims = ARENA_ARRAY(arena, enum unit_dim, q.n_columns);
    g.is_text = ARENA_ARRAY(arena, bool, q.n_columns);
    g.n_columns = q.n_columns;
    g.rows[g.n++] = q.columns;
    for (uint32_t i = 0; i < q.n_columns; i++) {
        dims[i] = unit_dim_of_si(sweep_column_unit(db, q.columns[i], arena));
        if (strstr(q.columns[i], ".ci95"))
            q.columns[i] = "+-95%";
    }
    while ((more = sweep_query_next(&q, cells, diag)) == 1 && g.n <= max_rows) {
        g.rows[g.n] = ARENA_ARRAY(arena, const char *, q.n_columns);
        for (uint32_t i = 0; i < q.n_columns; i++) {
            g.rows[g.n][i] = shown(&cells[i], dims[i], arena);
            g.is_text[i] |= cells[i].type == SWEEP_TEXT;
        }
        g.n++;
    }
    sweep_query_close(&q);
    if (more >= 0)
        print_grid(&g, out, arena);
    return more < 0 ? -1 : 0;
}

int sweep_print_wide(struct sweep_db *db, const char *const *metrics, uint32_t max_rows, FILE *out, struct diag *diag)
{
    struct arena *arena = arena_new();
    const uint32_t *points;
    uint32_t n_points = sweep_db_points(db, &points), n = n_points / sweep_db_about(db)->n_seeds;
    const char *sql = wide_query(db, metrics, arena, diag);
    int failed = !sql || print_query(db, sql, n_points < max_rows ? n_points : max_rows, out, arena, diag);
    if (!failed && n > max_rows)
        fprintf(out, "... and %u more\n", n - max_rows);
    arena_free(arena);
    return failed ? -1 : 0;
}

/* Those of some points only. */
static int print_notes_of_some(struct sweep_db *db, uint32_t most, FILE *out, struct arena *arena, struct diag *diag)
{
    static const char sql[] =
        "SELECT text, count(*) AS n, min(point), (SELECT count(*) FROM points WHERE status = 'ok') "
        "AS ok FROM notes JOIN note_texts USING (note) GROUP BY note HAVING n < ok ORDER BY 3, text";
    struct sweep_query q;
    struct sweep_cell cells[4];
    uint32_t n = 0;
    int more;
    if (sweep_query_open(db, sql, arena, &q, diag))
        return -1;
    while ((more = sweep_query_next(&q, cells, diag)) > 0)
        if (n++ < most)
            fprintf(out, "note of %.0f of %.0f points, first of point %.0f: %s\n", cells[1].number, cells[3].number,
                    cells[2].number, cells[0].text);
    if (n > most)
        fprintf(out, "and %u more notes of some points; 'moesim export -t notes' and '-t note_texts' have all\n",
                n - most);
    sweep_query_close(&q);
    return more;
}

int sweep_print_notes(struct sweep_db *db, uint32_t most, FILE *out, struct diag *diag)
{
    struct arena *arena = arena_new();
    for (const char **note = sweep_common_notes(db, arena, diag); *note; note++)
        fprintf(out, "all points: %s\n", *note);
    int failed = print_notes_of_some(db, most, out, arena, diag);
    arena_free(arena);
    return failed ? -1 : 0;
}

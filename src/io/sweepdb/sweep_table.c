#include "io/sweepdb/sweep_table.h"

#include <math.h>
#include <string.h>

#include "io/hardware.h"
#include "io/sweepdb/sweep_export.h"
#include "io/sweepdb/sweep_schema.h"

enum { FIRST_METRICS = 4, FIRST_ROWS = 64 };

static bool is_in(const char *const *list, const char *name)
{
    for (; list && *list; list++)
        if (!strcmp(*list, name))
            return true;
    return false;
}

const char **sweep_view_columns(struct sweep_db *db, const char *view, struct arena *arena, struct diag *diag)
{
    struct sweep_query q;
    if (sweep_check_view(db, view, arena, diag))
        return NULL;
    char *sql = sqlite3_mprintf("SELECT * FROM \"%w\" LIMIT 0", view);
    int failed = sweep_query_open(db, sql, arena, &q, diag);
    sqlite3_free(sql);
    if (failed)
        return NULL;
    const char **names = ARENA_ARRAY(arena, const char *, q.n_columns + 1);
    for (uint32_t i = 0; i < q.n_columns; i++)
        names[i] = arena_strdup(arena, q.columns[i]);
    sweep_query_close(&q);
    return names;
}

/* --- the query --------------------------------------------------------------------------------------------------- */

static const char *add_column(const char *sql, const char *name, struct arena *arena)
{
    char *quoted = sqlite3_mprintf("\"%w\"", name);
    const char *longer = arena_printf(arena, "%s%s %s", sql, strcmp(sql, "SELECT") ? "," : "", quoted);
    sqlite3_free(quoted);
    return longer;
}

/* NAME and, where there is one, NAME.ci95. */
static const char *add_shown(const char *sql, const char *name, const char *const *all, struct arena *arena)
{
    const char *half = arena_printf(arena, "%s.ci95", name);
    sql = add_column(sql, name, arena);
    return is_in(all, half) ? add_column(sql, half, arena) : sql;
}

static const char *add_axes(struct sweep_db *db, const char *view, const char *const *show, const char *sql,
                            struct arena *arena)
{
    const struct sweep_about *about = sweep_db_about(db);
    bool is_wide = !strcmp(view, "wide");
    if (!is_wide && strcmp(view, "wide_mean"))
        return sql;
    for (uint32_t i = 0; i < about->n_axes; i++)
        if (!is_in(show, about->axes[i].key))
            sql = add_column(sql, about->axes[i].key, arena);
    return is_wide && about->n_seeds > 1 && !is_in(show, "seed") ? add_column(sql, "seed", arena) : sql;
}

const char *sweep_select(struct sweep_db *db, const char *view, const char *const *show, struct arena *arena,
                         struct diag *diag)
{
    const char **all = sweep_view_columns(db, view, arena, diag), *sql = "SELECT";
    if (!all)
        return NULL;
    if (!show)
        return arena_printf(arena, "SELECT * FROM \"%s\"", view);
    sql = add_axes(db, view, show, sql, arena);
    for (; *show; show++) {
        if (!is_in(all, *show)) {
            report_unknown(diag, EXIT_USAGE, SRCLOC_FILE(sweep_db_path(db)), "column", *show, all, arena);
            return NULL;
        }
        sql = add_shown(sql, *show, all, arena);
    }
    return arena_printf(arena, "%s FROM \"%s\"", sql, view);
}

/* --- the table --------------------------------------------------------------------------------------------------- */

struct rows {
    struct sweep_cell *cells;
    uint32_t n, cap;
};

static int read_rows(struct sweep_query *q, struct rows *r, struct arena *arena, struct diag *diag)
{
    int more;
    r->cells = ARENA_ARRAY(arena, struct sweep_cell, (size_t)(r->cap = FIRST_ROWS) * q->n_columns);
    while ((more = sweep_query_next(q, &r->cells[(size_t)r->n * q->n_columns], diag)) == 1) {
        struct sweep_cell *row = &r->cells[(size_t)r->n++ * q->n_columns];
        for (uint32_t i = 0; i < q->n_columns; i++)
            if (row[i].type == SWEEP_TEXT)
                row[i].text = arena_strdup(arena, row[i].text);
        if (r->n == r->cap) {
            struct sweep_cell *grown = ARENA_ARRAY(arena, struct sweep_cell, (size_t)2 * r->cap * q->n_columns);
            memcpy(grown, r->cells, (size_t)r->cap * q->n_columns * sizeof *grown);
            r->cells = grown;
            r->cap *= 2;
        }
    }
    return more;
}

static const char *text_of(const struct sweep_cell *c, enum unit_dim dim, struct arena *arena)
{
    char text[64];
    if (c->type == SWEEP_TEXT)
        return c->text;
    return c->type == SWEEP_NULL ? "" : arena_strdup(arena, unit_format(c->number, dim, text, sizeof text));
}

static void fill_column(const struct rows *r, uint32_t i, struct result_column *column, struct result_table *out,
                        struct arena *arena)
{
    for (uint32_t row = 0; row < r->n; row++)
        column->is_text |= r->cells[(size_t)row * out->n_columns + i].type == SWEEP_TEXT;
    for (uint32_t row = 0; row < r->n; row++) {
        const struct sweep_cell *from = &r->cells[(size_t)row * out->n_columns + i];
        out->cells[(size_t)row * out->n_columns + i] =
            (struct result_cell){.value = from->type == SWEEP_NULL || column->is_text ? NAN : from->number,
                                 .text = column->is_text ? text_of(from, column->dim, arena) : ""};
    }
}

static int fill(struct sweep_db *db, struct sweep_query *q, struct arena *arena, struct result_table *out,
                struct diag *diag)
{
    struct rows r = {0};
    if (read_rows(q, &r, arena, diag))
        return -1;
    struct result_column *columns = ARENA_ARRAY(arena, struct result_column, q->n_columns);
    out->columns = columns;
    out->n_columns = q->n_columns;
    out->n_rows = r.n;
    out->cells = ARENA_ARRAY(arena, struct result_cell, (size_t)r.n * q->n_columns + 1);
    for (uint32_t i = 0; i < q->n_columns; i++) {
        columns[i] = (struct result_column){.name = arena_strdup(arena, q->columns[i]), .doc = ""};
        columns[i].dim = unit_dim_of_si(sweep_column_unit(db, columns[i].name, arena));
        fill_column(&r, i, &columns[i], out, arena);
    }
    return 0;
}

static const char *const *first_metrics(struct sweep_db *db, const char *view, struct arena *arena, struct diag *diag)
{
    const char **names = sweep_metric_names(db, arena, diag);
    if (strcmp(view, "wide") && strcmp(view, "wide_mean"))
        return NULL;
    for (int i = 0; names[i]; i++)
        if (i == FIRST_METRICS)
            names[i] = NULL;
    return names;
}

int sweep_table(struct sweep_db *db, const char *view, const char *const *show, struct arena *arena,
                struct result_table *out, struct diag *diag)
{
    struct sweep_query q;
    const char *sql = sweep_select(db, view, show ? show : first_metrics(db, view, arena, diag), arena, diag);
    *out = (struct result_table){.name = arena_strdup(arena, view), .doc = ""};
    if (!sql || sweep_query_open(db, sql, arena, &q, diag))
        return -1;
    int failed = fill(db, &q, arena, out, diag);
    sweep_query_close(&q);
    return failed;
}

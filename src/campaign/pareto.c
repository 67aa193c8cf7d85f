/* Pareto fronts. Rows are sorted by their values, first objective first: then no row can be beaten by a later one
 * unless they are equal, and each needs to be held against the front so far only. Reference: Kung, Luccio and
 * Preparata, JACM 22 (1975), without its divide and conquer, which fronts of this size do not need. */
#include "campaign/pareto.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/sweepdb/filter.h"
#include "io/sweepdb/sweep_export.h"
#include "kinds/result_build.h"

struct row {
    const double *values;
    uint32_t k, index;
};

static int by_values(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    for (uint32_t i = 0; i < x->k; i++)
        if (x->values[i] != y->values[i])
            return x->values[i] < y->values[i] ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

/* x is nowhere worse than y and somewhere better. */
static bool beats(const struct row *x, const struct row *y)
{
    bool better = false;
    for (uint32_t i = 0; i < x->k; i++) {
        if (x->values[i] > y->values[i])
            return false;
        better |= x->values[i] < y->values[i];
    }
    return better;
}

void pareto_front(const double *values, uint32_t n, uint32_t k, bool *on_front)
{
    struct row *rows = checked_alloc(calloc((size_t)n + 1, sizeof *rows)),
               **front = checked_alloc(calloc((size_t)n + 1, sizeof *front));
    uint32_t n_front = 0;
    for (uint32_t i = 0; i < n; i++)
        rows[i] = (struct row){values + (size_t)i * k, k, i};
    qsort(rows, n, sizeof *rows, by_values);
    for (uint32_t i = 0; i < n; i++) {
        bool beaten = false;
        for (uint32_t j = n_front; j-- > 0 && !beaten;) /* the latest are the nearest */
            beaten = beats(front[j], &rows[i]);
        on_front[rows[i].index] = !beaten;
        if (!beaten)
            front[n_front++] = &rows[i];
    }
    free(rows);
    free(front);
}

/* --- of a sweep ------------------------------------------------------------------------------------------------- */

struct problem {
    struct sweep_db *db;
    const struct pareto_objective *objectives;
    uint32_t n_objectives, n_columns; /* columns: point, axes, objectives that are no axis */
    uint32_t *column;                 /* of each objective */
    struct result_column *columns;
    struct sweep_cell *cells; /* [n][n_columns] */
    uint32_t n;
    double *values; /* [n][n_objectives], smaller is better */
    struct arena *arena;
    struct diag *diag;
};

static const char **names_of(struct sweep_db *db, struct arena *arena, uint32_t *n, struct diag *diag)
{
    const struct sweep_about *about = sweep_db_about(db);
    const char **metrics = sweep_metric_names(db, arena, diag);
    size_t n_metrics = 0;
    while (metrics[n_metrics])
        n_metrics++;
    const char **names = ARENA_ARRAY(arena, const char *, about->n_axes + n_metrics + 1);
    *n = 0;
    for (uint32_t i = 0; i < about->n_axes; i++)
        names[(*n)++] = about->axes[i].key;
    for (size_t i = 0; i < n_metrics; i++)
        names[(*n)++] = metrics[i];
    return names;
}

/* The full name of what an objective names; NULL with the reason told. */
static const char *resolved(const struct problem *p, const char *word, const char **names, uint32_t n)
{
    const char *found = NULL;
    for (uint32_t i = 0; i < n; i++) {
        size_t m = strlen(names[i]), len = strlen(word);
        bool is_end = m > len && !strcmp(names[i] + m - len, word) && names[i][m - len - 1] == '.';
        if (!strcmp(names[i], word))
            return names[i];
        if (is_end && found) {
            diag_error(p->diag, EXIT_USAGE, SRCLOC_NONE, "'%s' may be '%s' or '%s'; write more of it", word, found,
                       names[i]);
            return NULL;
        }
        found = is_end ? names[i] : found;
    }
    const char *near = found ? NULL : cfg_nearest(word, names);
    if (!found)
        diag_error(p->diag, EXIT_USAGE, SRCLOC_NONE, "there is no metric or axis '%s'%s%s%s", word,
                   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return found;
}

static void add_column(struct problem *p, const char *name, bool is_text, const char *doc)
{
    enum unit_dim dim = unit_dim_of_si(sweep_column_unit(p->db, name, p->arena));
    p->columns[p->n_columns++] = (struct result_column){name, dim, doc, is_text};
}

/* Point, axes, and the objectives that are no axis. */
static int choose_columns(struct problem *p, const char **names, uint32_t n_names)
{
    const struct sweep_about *about = sweep_db_about(p->db);
    p->columns = ARENA_ARRAY(p->arena, struct result_column, 1 + about->n_axes + p->n_objectives);
    p->column = ARENA_ARRAY(p->arena, uint32_t, p->n_objectives);
    add_column(p, about->n_seeds > 1 ? "setting" : "point", false, "its number");
    for (uint32_t i = 0; i < about->n_axes; i++)
        add_column(p, about->axes[i].key, about->axes[i].type == CFG_STRING, "axis");
    for (uint32_t k = 0; k < p->n_objectives; k++) {
        const char *name = resolved(p, p->objectives[k].name, names, n_names);
        if (!name)
            return -1;
        uint32_t c = 0;
        while (c < p->n_columns && strcmp(p->columns[c].name, name))
            c++;
        p->column[k] = c;
        for (uint32_t other = 0; other < k; other++)
            if (p->column[other] == c) {
                diag_error(p->diag, EXIT_USAGE, SRCLOC_NONE, "'%s' is an objective twice; leave one out", name);
                return -1;
            }
        if (c == p->n_columns)
            add_column(p, name, false, p->objectives[k].is_max ? "as much as possible" : "as little as possible");
    }
    return 0;
}

/* The filter as SQL over the columns of `wide`; "1" without one. NULL with the reason told. */
static const char *condition(struct problem *p, const char *where, const char **names, uint32_t n_names)
{
    uint32_t *map;
    if (!where)
        return "1";
    const char *option = arena_printf(p->arena, "--where %s", where);
    struct srcloc at = {.file = option, .text = option, .text_len = strlen(option), .column = sizeof "--where "};
    struct filter *f = filter_new(where, names, n_names, at, p->diag); /* tells what is wrong with it */
    filter_free(f);
    return f ? filter_sql(where, names, n_names, at, p->arena, &map, p->diag) : NULL;
}

static const char *query(struct problem *p, const char *where)
{
    bool means = sweep_db_about(p->db)->n_seeds > 1;
    uint32_t n_names;
    const char **names = names_of(p->db, p->arena, &n_names, p->diag), *sql = "SELECT";
    const char *filter = condition(p, where, names, n_names);
    if (!filter || choose_columns(p, names, n_names))
        return NULL;
    for (uint32_t c = 0; c < p->n_columns; c++)
        sql = arena_printf(p->arena, "%s%s \"%s\"", sql, c ? "," : "", p->columns[c].name);
    return arena_printf(p->arena, "%s FROM %s WHERE (%s\n) AND %s", sql, means ? "wide_mean" : "wide", filter,
                        means ? "n > 0" : "status = 'ok'");
}

/* Keeps the row's texts; whether its objectives are all numbers. */
static bool has_all(struct problem *p, struct sweep_cell *row)
{
    bool all = true;
    for (uint32_t i = 0; i < p->n_columns; i++)
        row[i].text = arena_strdup(p->arena, row[i].text);
    for (uint32_t k = 0; k < p->n_objectives; k++)
        all = all && row[p->column[k]].type != SWEEP_TEXT && isfinite(row[p->column[k]].number);
    return all;
}

static int read_rows(struct problem *p, const char *sql)
{
    struct sweep_query q;
    uint32_t cap = 0;
    int more;
    if (sweep_query_open(p->db, sql, p->arena, &q, p->diag))
        return -1;
    struct sweep_cell *row = ARENA_ARRAY(p->arena, struct sweep_cell, p->n_columns);
    while ((more = sweep_query_next(&q, row, p->diag)) == 1) {
        if (p->n == cap) {
            uint32_t grown = cap ? 2 * cap : 64;
            struct sweep_cell *cells = ARENA_ARRAY(p->arena, struct sweep_cell, (size_t)grown * p->n_columns);
            if (cap)
                memcpy(cells, p->cells, (size_t)cap * p->n_columns * sizeof *cells);
            p->cells = cells;
            cap = grown;
        }
        if (has_all(p, row))
            memcpy(p->cells + (size_t)p->n++ * p->n_columns, row, p->n_columns * sizeof *row);
    }
    sweep_query_close(&q);
    return more;
}

static void read_values(struct problem *p)
{
    p->values = ARENA_ARRAY(p->arena, double, (size_t)p->n * p->n_objectives + 1);
    for (uint32_t i = 0; i < p->n; i++)
        for (uint32_t k = 0; k < p->n_objectives; k++) {
            double v = p->cells[(size_t)i * p->n_columns + p->column[k]].number;
            p->values[(size_t)i * p->n_objectives + k] = p->objectives[k].is_max ? -v : v;
        }
}

static struct result_table *front_of(struct problem *p)
{
    struct result holder = {0};
    bool *on_front = ARENA_ARRAY(p->arena, bool, p->n + 1);
    struct row *rows = ARENA_ARRAY(p->arena, struct row, p->n + 1);
    uint32_t n = 0;
    pareto_front(p->values, p->n, p->n_objectives, on_front);
    for (uint32_t i = 0; i < p->n; i++)
        if (on_front[i])
            rows[n++] = (struct row){p->values + (size_t)i * p->n_objectives, p->n_objectives, i};
    qsort(rows, n, sizeof *rows, by_values);
    struct result_table *t =
        result_add_table(&holder, p->arena, "pareto", "points that no other beats", p->columns, p->n_columns, n + 1);
    for (uint32_t i = 0; i < n; i++) {
        struct result_cell *row = result_add_row(t);
        for (uint32_t c = 0; c < p->n_columns; c++) {
            const struct sweep_cell *cell = &p->cells[(size_t)rows[i].index * p->n_columns + c];
            row[c] = (struct result_cell){cell->number, cell->text};
        }
    }
    return t;
}

struct result_table *pareto_table(struct sweep_db *db, const struct pareto_objective *objectives, uint32_t n,
                                  const char *where, struct arena *arena, struct diag *diag)
{
    struct problem p = {.db = db, .objectives = objectives, .n_objectives = n, .arena = arena, .diag = diag};
    const char *sql = query(&p, where);
    if (!sql || read_rows(&p, sql))
        return NULL;
    if (!p.n) {
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(sweep_db_path(db)), "no point has all of these numbers%s",
                   where ? " and passes the filter" : "");
        return NULL;
    }
    read_values(&p);
    return front_of(&p);
}

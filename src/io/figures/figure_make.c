/* Which columns of the rows are drawn, as which lines and panels. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/figures/figure.h"
#include "io/hardware.h"
#include "io/results/latex.h"

static const double column_in = 3.4, page_in = 7, panel_height_in = 2.4;

struct maker {
    const struct figure_question *q;
    const struct figure_data *data;
    struct arena *arena;
    struct diag *diag;
    uint32_t x, y[FIGURE_MOST_Y], n_y;
    int by, facet;           /* columns; -1: none */
    int half[FIGURE_MOST_Y]; /* column of the interval; -1: none */
    const char **categories; /* texts of x in the order of the rows */
    uint32_t n_categories;
    struct figure *f;
};

/* --- names ------------------------------------------------------------------------------------------------------- */

static const struct result_column *column(const struct maker *m, int i)
{
    return &m->data->table.columns[i];
}

static const struct result_cell *cell(const struct maker *m, uint32_t row, int i)
{
    return &m->data->table.cells[(size_t)row * m->data->table.n_columns + (uint32_t)i];
}

static const char *tail(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot ? dot + 1 : name;
}

static bool is_interval(const char *name)
{
    size_t n = strlen(name);
    return n > 5 && !strcmp(name + n - 5, ".ci95");
}

/* The column of this name or, where only one ends so, of this end; -1: none. */
static int lookup(const struct maker *m, const char *name)
{
    int found = -1, n = 0;
    for (uint32_t i = 0; i < m->data->table.n_columns; i++) {
        if (!strcmp(column(m, (int)i)->name, name))
            return (int)i;
        if (!strcmp(tail(column(m, (int)i)->name), name)) {
            found = (int)i;
            n++;
        }
    }
    return n == 1 ? found : -1;
}

static int find(const struct maker *m, const char *option, const char *name)
{
    int i = lookup(m, name);
    if (i >= 0)
        return i;
    uint32_t n = 0;
    const char **names = ARENA_ARRAY(m->arena, const char *, m->data->table.n_columns + 1);
    for (uint32_t c = 0; c < m->data->table.n_columns; c++)
        if (!is_interval(column(m, (int)c)->name))
            names[n++] = column(m, (int)c)->name;
    const char *place = arena_printf(m->arena, "%s: %s", m->data->path, option);
    report_unknown(m->diag, EXIT_USAGE, SRCLOC_FILE(place), "column", name, names, m->arena);
    return -1;
}

static const char *text_of(const struct maker *m, uint32_t row, int i)
{
    char text[64];
    const struct result_column *c = column(m, i);
    double value = cell(m, row, i)->value;
    if (c->is_text)
        return cell(m, row, i)->text;
    return isfinite(value) ? unit_in_print(unit_format(value, c->dim, text, sizeof text), m->arena) : "-";
}

static uint32_t n_distinct(const struct maker *m, int i)
{
    uint32_t n = 0;
    for (uint32_t row = 0; row < m->data->table.n_rows; row++) {
        uint32_t k = 0;
        while (k < row && strcmp(text_of(m, k, i), text_of(m, row, i)))
            k++;
        n += k == row;
    }
    return n;
}

/* --- what nobody said ---------------------------------------------------------------------------------------------- */

static bool is_key(const struct maker *m, const char *name)
{
    for (const char **k = m->data->keys; *k; k++)
        if (!strcmp(*k, name))
            return true;
    return false;
}

/* The axis of most numbers, else the first; without axes the first column. */
static int default_x(const struct maker *m)
{
    int best = -1;
    uint32_t most = 1;
    for (const char **k = m->data->keys; *k; k++) {
        int i = lookup(m, *k);
        bool taken = i == m->by || i == m->facet;
        if (!taken && !column(m, i)->is_text && n_distinct(m, i) > most) {
            best = i;
            most = n_distinct(m, i);
        }
    }
    for (const char **k = m->data->keys; *k && best < 0; k++)
        best = lookup(m, *k) != m->by && lookup(m, *k) != m->facet ? lookup(m, *k) : -1;
    return best < 0 ? 0 : best;
}

static bool is_book(const char *name)
{
    static const char *const names[] = {"point", "setting", "seed", "status", "row", "n", NULL};
    for (const char *const *b = names; *b; b++)
        if (!strcmp(*b, name))
            return true;
    return false;
}

static int default_y(const struct maker *m)
{
    for (uint32_t i = 0; i < m->data->table.n_columns; i++) {
        const struct result_column *c = column(m, (int)i);
        if (!c->is_text && i != m->x && !is_key(m, c->name) && !is_interval(c->name) && !is_book(c->name))
            return (int)i;
    }
    diag_error(m->diag, EXIT_USAGE, SRCLOC_FILE(m->data->path), "no column of numbers is left for --y");
    return -1;
}

/* Another axis that varies: lines, where one is enough. */
static void default_by(struct maker *m)
{
    for (const char **k = m->data->keys; *k && m->by < 0; k++) {
        int i = lookup(m, *k);
        if (i != (int)m->x && i != m->facet && n_distinct(m, i) > 1)
            m->by = i;
    }
}

static int find_interval(const struct maker *m, uint32_t y)
{
    const char *name = arena_printf(m->arena, "%s.ci95", column(m, (int)y)->name);
    for (uint32_t i = 0; i < m->data->table.n_columns; i++)
        if (!strcmp(column(m, (int)i)->name, name))
            return (int)i;
    return -1;
}

static int add_y(struct maker *m, int i)
{
    if (i < 0)
        return -1;
    const struct result_column *c = column(m, i);
    if (c->is_text) {
        diag_error(m->diag, EXIT_USAGE, SRCLOC_FILE(m->data->path), "--y: '%s' holds texts, not numbers", c->name);
        return -1;
    }
    if (m->n_y && strcmp(unit_dim_si(c->dim), unit_dim_si(column(m, (int)m->y[0])->dim))) {
        diag_error(m->diag, EXIT_USAGE, SRCLOC_FILE(m->data->path),
                   "'%s' [%s] and '%s' [%s] have no common axis; draw one figure of each",
                   column(m, (int)m->y[0])->name, unit_dim_si(column(m, (int)m->y[0])->dim), c->name,
                   unit_dim_si(c->dim));
        return -1;
    }
    m->half[m->n_y] = find_interval(m, (uint32_t)i);
    m->y[m->n_y++] = (uint32_t)i;
    return 0;
}

static int choose(struct maker *m)
{
    const struct figure_question *q = m->q;
    m->by = q->by ? find(m, "--by", q->by) : -1;
    m->facet = q->facet ? find(m, "--facet", q->facet) : -1;
    int x = q->x ? find(m, "--x", q->x) : 0;
    if ((q->by && m->by < 0) || (q->facet && m->facet < 0) || x < 0)
        return -1;
    m->x = (uint32_t)(q->x ? x : default_x(m));
    if (!q->by)
        default_by(m);
    if (!q->y[0])
        return add_y(m, default_y(m));
    for (const char *const *y = q->y; *y; y++)
        if (add_y(m, find(m, "--y", *y)))
            return -1;
    return 0;
}

/* --- points ------------------------------------------------------------------------------------------------------ */

static bool has_point(const struct maker *m, uint32_t row, uint32_t k)
{
    double y = cell(m, row, (int)m->y[k])->value;
    if (!isfinite(y) || (m->f->y.log && !(y > 0)))
        return false;
    if (m->f->x.category)
        return true;
    double x = cell(m, row, (int)m->x)->value;
    return isfinite(x) && (!m->f->x.log || x > 0);
}

static double x_of(const struct maker *m, uint32_t row)
{
    if (!m->f->x.category)
        return cell(m, row, (int)m->x)->value / m->f->x.scale;
    uint32_t i = 0;
    while (strcmp(m->categories[i], text_of(m, row, (int)m->x)))
        i++;
    return i;
}

static const char *line_label(const struct maker *m, uint32_t row, uint32_t k)
{
    const char *by = "";
    if (m->by >= 0) {
        const char *value = text_of(m, row, m->by), *name = words_of_key(column(m, m->by)->name, m->arena);
        bool alone = column(m, m->by)->is_text || *unit_dim_si(column(m, m->by)->dim);
        by = alone ? value : arena_printf(m->arena, "%s %s", name, value);
    }
    if (m->n_y == 1)
        return by;
    const char *metric = words_of_key(column(m, (int)m->y[k])->name, m->arena);
    return *by ? arena_printf(m->arena, "%s, %s", metric, by) : metric;
}

static struct figure_line *line_of(struct maker *m, struct figure_panel *p, const char *label)
{
    for (uint32_t i = 0; i < p->n_lines; i++)
        if (!strcmp(p->lines[i].label, label))
            return &p->lines[i];
    if (p->n_lines == FIGURE_MOST_LINES) {
        diag_error(
            m->diag, EXIT_USAGE, SRCLOC_FILE(m->data->path),
            "more than %d lines in one panel cannot be told apart; put an axis into --facet, or sweep fewer values",
            FIGURE_MOST_LINES);
        return NULL;
    }
    struct figure_line *l = &p->lines[p->n_lines++];
    l->label = label;
    l->points = ARENA_ARRAY(m->arena, struct figure_point, m->data->table.n_rows);
    return l;
}

static struct figure_panel *panel_of(struct maker *m, uint32_t row)
{
    const char *title = "";
    if (m->facet >= 0) {
        const char *name = words_of_key(column(m, m->facet)->name, m->arena);
        title = arena_printf(m->arena, "%s %s", name, text_of(m, row, m->facet));
    }
    struct figure *f = m->f;
    for (uint32_t i = 0; i < f->n_panels; i++)
        if (!strcmp(f->panels[i].title, title))
            return &f->panels[i];
    if (f->n_panels == FIGURE_MOST_PANELS) {
        diag_error(m->diag, EXIT_USAGE, SRCLOC_FILE(m->data->path),
                   "--facet: more than %d panels; choose another column", FIGURE_MOST_PANELS);
        return NULL;
    }
    f->panels[f->n_panels].title = title;
    return &f->panels[f->n_panels++];
}

/* Two points of a line at one x: some axis is not in the figure. */
static int say_shared(const struct maker *m, double x)
{
    const char *others = "";
    for (const char **k = m->data->keys; *k; k++) {
        int i = lookup(m, *k);
        if (i != (int)m->x && i != m->by && i != m->facet && n_distinct(m, i) > 1)
            others = arena_printf(m->arena, "%s%s%s", others, *others ? ", " : "", *k);
    }
    diag_error(
        m->diag, EXIT_USAGE, SRCLOC_FILE(m->data->path),
        "several rows have one place in the figure (%s = %.6g): %s%s; give --by or --facet a column that tells them "
        "apart",
        column(m, (int)m->x)->name, x, *others ? "they differ in " : "the table has other columns that differ", others);
    return -1;
}

static int add_point(struct maker *m, uint32_t row, uint32_t k)
{
    struct figure_panel *p = panel_of(m, row);
    struct figure_line *l = p ? line_of(m, p, line_label(m, row, k)) : NULL;
    double scale = m->f->y.scale;
    if (!l)
        return -1;
    struct figure_point new = {x_of(m, row), cell(m, row, (int)m->y[k])->value / scale, NAN};
    if (m->half[k] >= 0)
        new.half = cell(m, row, m->half[k])->value / scale;
    uint32_t i = l->n++;
    for (; i > 0 && l->points[i - 1].x > new.x; i--)
        l->points[i] = l->points[i - 1];
    l->points[i] = new;
    return i > 0 && l->points[i - 1].x == new.x ? say_shared(m, new.x * m->f->x.scale) : 0;
}

static int fill(struct maker *m)
{
    uint32_t left_out = 0, all = m->data->table.n_rows * m->n_y;
    for (uint32_t row = 0; row < m->data->table.n_rows; row++)
        for (uint32_t k = 0; k < m->n_y; k++)
            if (!has_point(m, row, k))
                left_out++;
            else if (add_point(m, row, k))
                return -1;
    if (left_out == all) {
        diag_error(m->diag, EXIT_BAD_INPUT, SRCLOC_FILE(m->data->path),
                   "nothing to draw: no row has numbers for both axes");
        return -1;
    }
    if (left_out)
        diag_warning(m->diag, SRCLOC_FILE(m->data->path), "%u of %u points have no number that could be drawn",
                     left_out, all);
    return 0;
}

/* --- axes -------------------------------------------------------------------------------------------------------- */

static char log_of(const struct maker *m, char axis)
{
    if (!m->q->log)
        return '?';
    return strchr(m->q->log, axis) ? 'y' : 'n';
}

static void make_categories(struct maker *m)
{
    m->categories = ARENA_ARRAY(m->arena, const char *, m->data->table.n_rows + 1);
    for (uint32_t row = 0; row < m->data->table.n_rows; row++) {
        const char *word = text_of(m, row, (int)m->x);
        uint32_t i = 0;
        while (i < m->n_categories && strcmp(m->categories[i], word))
            i++;
        if (i == m->n_categories)
            m->categories[m->n_categories++] = word;
    }
    figure_axis_categories(&m->f->x, column(m, (int)m->x)->name, m->categories, m->n_categories, m->arena);
}

/* Numbers of a column, and what intervals reach, where their ends are numbers that the axis can show. */
static const double *numbers(const struct maker *m, const uint32_t *columns, const int *half, uint32_t n,
                             uint32_t *count)
{
    uint32_t rows = m->data->table.n_rows;
    double *v = ARENA_ARRAY(m->arena, double, (size_t)rows *n * 3 + 1);
    *count = 0;
    for (uint32_t row = 0; row < rows; row++)
        for (uint32_t k = 0; k < n; k++) {
            double y = cell(m, row, (int)columns[k])->value,
                   h = half && half[k] >= 0 ? cell(m, row, half[k])->value : 0;
            v[(*count)++] = y;
            v[(*count)++] = y + h;
            v[(*count)++] = y - h > 0 || y <= 0 ? y - h : y;
        }
    return v;
}

/* A logarithm of what is not above 0 is nothing: said for an axis that was asked to be one. */
static int check_log(const struct maker *m, char axis, const double *v, uint32_t n, const char *name)
{
    double highest = -INFINITY;
    for (uint32_t i = 0; i < n; i++)
        highest = isfinite(v[i]) ? fmax(highest, v[i]) : highest;
    if (log_of(m, axis) != 'y' || highest > 0 || !isfinite(highest))
        return 0;
    diag_error(m->diag, EXIT_USAGE, SRCLOC_FILE(m->data->path), "--log %c: '%s' has no number above 0", axis, name);
    return -1;
}

/* Only what a logarithmic axis can show. */
static void keep_positive(double *v, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (!(v[i] > 0))
            v[i] = NAN;
}

static int make_axis(const struct maker *m, char which, const uint32_t *columns, const int *half, uint32_t n,
                     struct figure_axis *axis)
{
    const struct result_column *c = column(m, (int)columns[0]);
    uint32_t count;
    double *v = (double *)numbers(m, columns, half, n, &count);
    const char *name = n == 1 ? c->name : *unit_dim_si(c->dim) ? unit_dim_name(c->dim) : "value";
    if (check_log(m, which, v, count, c->name))
        return -1;
    if (log_of(m, which) == 'y')
        keep_positive(v, count);
    bool bars = which == 'y' && m->f->x.category;
    enum figure_role role = bars ? FIGURE_BARS : which == 'y' ? FIGURE_LEFT : FIGURE_BOTTOM;
    figure_axis_numbers(axis, name, v, count, c->dim, role, bars && !m->q->log ? 'n' : log_of(m, which), m->arena);
    return 0;
}

static int make_axes(struct maker *m)
{
    if (column(m, (int)m->x)->is_text)
        make_categories(m);
    else if (make_axis(m, 'x', &m->x, NULL, 1, &m->f->x))
        return -1;
    if (m->n_categories > FIGURE_MOST_TICKS) {
        diag_error(m->diag, EXIT_USAGE, SRCLOC_FILE(m->data->path), "--x: '%s' has %u different texts, more than %d",
                   column(m, (int)m->x)->name, m->n_categories, FIGURE_MOST_TICKS);
        return -1;
    }
    return make_axis(m, 'y', m->y, m->half, m->n_y, &m->f->y);
}

int figure_make(const struct figure_question *q, const struct figure_data *data, struct arena *arena,
                struct figure *out, struct diag *diag)
{
    *out = (struct figure){.title = q->title ? q->title : ""};
    struct maker m = {.q = q, .data = data, .arena = arena, .diag = diag, .f = out};
    out->panels = ARENA_ARRAY(arena, struct figure_panel, FIGURE_MOST_PANELS);
    if (!data->table.n_rows) {
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(data->path), "nothing to draw: the table has no rows");
        return -1;
    }
    if (choose(&m) || make_axes(&m) || fill(&m))
        return -1;
    uint32_t across = out->n_panels < 3 ? out->n_panels : 3, down = (out->n_panels + across - 1) / across;
    out->width_in = q->width_in > 0 ? q->width_in : across == 1 ? column_in : page_in;
    out->height_in = q->height_in > 0 ? q->height_in : down * (down > 1 ? 0.85 : 1) * panel_height_in;
    return 0;
}

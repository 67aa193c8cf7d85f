/* Sensitivities of a sweep: its design is made again from the text in the result, which tells where each setting
 * lies in the unit cube; the values are means over seeds. Axes that go together (zip) are one. */
#include <math.h>
#include <string.h>

#include "io/hardware.h"
#include "io/sweepdb/sweep_export.h"
#include "campaign/design.h"
#include "kinds/result_build.h"
#include "campaign/sensitivity.h"

enum { METRIC, AXIS, UNIT, FIRST_NUMBER };

static const struct result_column morris_columns[] = {
    {"metric", DIM_COUNT, "what changes", true},
    {"axis", DIM_COUNT, "by what", true},
    {"unit", DIM_COUNT, "of the effects: per whole range of the axis", true},
    {"mu_star", DIM_RATIO, "mean size of the effect", false},
    {"mu_star_ci95", DIM_RATIO, "half the 95 % confidence interval of mu_star", false},
    {"mu", DIM_RATIO, "mean effect with its sign", false},
    {"sigma", DIM_RATIO, "standard deviation of the effects: curvature and interaction", false},
    {"trajectories", DIM_COUNT, "without failed points", false},
};

static const struct result_column sobol_columns[] = {
    {"metric", DIM_COUNT, "what varies", true},
    {"axis", DIM_COUNT, "by what", true},
    {"unit", DIM_COUNT, "of the metric; indices have none", true},
    {"first", DIM_RATIO, "share of the variance that the axis explains alone", false},
    {"first_ci95", DIM_RATIO, "half the 95 % confidence interval", false},
    {"total", DIM_RATIO, "share with all interactions of the axis", false},
    {"total_ci95", DIM_RATIO, "half the 95 % confidence interval", false},
    {"samples", DIM_COUNT, "without failed points", false},
};

enum { N_COLUMNS = sizeof sobol_columns / sizeof *sobol_columns };

struct analysis {
    struct sweep_db *db;
    struct design design;
    struct design_points points;
    const char **groups; /* names */
    struct result_table *table;
    struct arena *arena;
    struct diag *diag;
};

static int load_design(struct analysis *a)
{
    const struct sweep_about *about = sweep_db_about(a->db);
    const char *path = sweep_db_path(a->db);
    if (design_parse(about->design, path, NULL, a->arena, &a->design, a->diag))
        return -1;
    if (a->design.method < SAMPLE_MORRIS) {
        diag_error(a->diag, EXIT_BAD_INPUT, SRCLOC_FILE(path),
                   "this sweep is no design for sensitivities; run it with --sample morris:20 (which axes matter at "
                   "all) or --sample saltelli:256 (Sobol indices), and with ranges as axes");
        return -1;
    }
    if (*about->shard) {
        diag_error(a->diag, EXIT_BAD_INPUT, SRCLOC_FILE(path), "this is shard %s; merge all of them first",
                   about->shard);
        return -1;
    }
    return design_expand(&a->design, UINT32_MAX, &a->points, a->diag);
}

static void name_groups(struct analysis *a)
{
    const struct design *d = &a->design;
    a->groups = ARENA_ARRAY(a->arena, const char *, d->n_groups + 1);
    for (uint32_t i = 0; i < d->n_axes; i++) {
        const char **name = &a->groups[d->axes[i].group];
        *name = *name ? arena_printf(a->arena, "%s + %s", *name, d->axes[i].key) : d->axes[i].key;
    }
}

/* The metric's mean over seeds at each setting; NaN where it failed. */
static double *values_of(struct analysis *a, const char *metric)
{
    struct sweep_query q;
    struct sweep_cell cells[2];
    double *y = ARENA_ARRAY(a->arena, double, a->points.n_settings + 1);
    for (uint32_t i = 0; i < a->points.n_settings; i++)
        y[i] = NAN;
    const char *sql = arena_printf(a->arena,
                                   "SELECT setting, mean FROM summary JOIN metric_names USING (metric)"
                                   " WHERE name = '%s'",
                                   metric);
    if (sweep_query_open(a->db, sql, a->arena, &q, a->diag))
        return y;
    while (sweep_query_next(&q, cells, a->diag) == 1)
        if (cells[0].number < a->points.n_settings)
            y[(size_t)cells[0].number] = cells[1].number;
    sweep_query_close(&q);
    return y;
}

static struct result_cell *add_row(struct analysis *a, const char *metric, uint32_t group)
{
    struct result_cell *row = result_add_row(a->table);
    row[METRIC].text = metric;
    row[AXIS].text = a->groups[group];
    row[UNIT].text = sweep_column_unit(a->db, metric, a->arena);
    return row;
}

static void add_morris(struct analysis *a, const char *metric, const double *y)
{
    uint32_t k = a->design.n_groups;
    struct morris_effect *effects = ARENA_ARRAY(a->arena, struct morris_effect, k);
    morris_effects(a->points.units, y, a->design.n_samples, k, effects);
    for (uint32_t g = 0; g < k; g++) {
        const struct morris_effect *e = &effects[g];
        double numbers[] = {e->mu_star, e->ci95, e->mu, e->sigma, e->n};
        struct result_cell *row = add_row(a, metric, g);
        for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
            row[FIRST_NUMBER + i].value = numbers[i];
    }
}

static void add_sobol(struct analysis *a, const char *metric, const double *y)
{
    uint32_t k = a->design.n_groups;
    struct sobol_index *indices = ARENA_ARRAY(a->arena, struct sobol_index, k);
    uint32_t n = sobol_indices(y, a->design.n_samples, k, indices);
    for (uint32_t g = 0; g < k; g++) {
        const struct sobol_index *s = &indices[g];
        double numbers[] = {s->first, s->first_ci95, s->total, s->total_ci95, n};
        struct result_cell *row = add_row(a, metric, g);
        for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
            row[FIRST_NUMBER + i].value = numbers[i];
    }
}

static int check_metrics(struct analysis *a, const char *const *metrics, const char **all)
{
    for (const char *const *m = metrics; *m; m++) {
        size_t i = 0;
        while (all[i] && strcmp(all[i], *m))
            i++;
        if (!all[i]) {
            report_unknown(a->diag, EXIT_USAGE, SRCLOC_NONE, "metric", *m, all, a->arena);
            return -1;
        }
    }
    return 0;
}

struct result_table *sensitivity_table(struct sweep_db *db, const char *const *metrics, struct arena *arena,
                                       struct diag *diag)
{
    struct analysis a = {.db = db, .arena = arena, .diag = diag};
    struct result holder = {0};
    const char **all = sweep_metric_names(db, arena, diag);
    uint32_t n = 0;
    if (load_design(&a) || (metrics && check_metrics(&a, metrics, all)))
        return NULL;
    if (!metrics)
        metrics = all;
    while (metrics[n])
        n++;
    bool morris = a.design.method == SAMPLE_MORRIS;
    name_groups(&a);
    a.table = result_add_table(&holder, arena, "sensitivity",
                               morris ? "elementary effects (Morris)" : "shares of the variance (Sobol indices)",
                               morris ? morris_columns : sobol_columns, N_COLUMNS, n * a.design.n_groups);
    for (uint32_t i = 0; i < n; i++)
        (morris ? add_morris : add_sobol)(&a, metrics[i], values_of(&a, metrics[i]));
    return diag_failed(diag) ? NULL : a.table;
}

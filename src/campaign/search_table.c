/* What a search found, as a table. */
#include <stdlib.h>
#include <string.h>

#include "base/outfile.h"
#include "campaign/search.h"
#include "io/results/search_file.h"
#include "io/results/writers.h"
#include "kinds/result_build.h"

static const char *axis_name(const struct axis *a)
{
    const char *dot = strrchr(a->key, '.');
    return dot ? dot + 1 : a->key;
}

/* A key's last part where that is clear. */
static const char *column_name(const struct design *d, uint32_t axis)
{
    for (uint32_t i = 0; i < d->n_axes; i++)
        if (i != axis && !strcmp(axis_name(&d->axes[i]), axis_name(&d->axes[axis])))
            return d->axes[axis].key;
    return axis_name(&d->axes[axis]);
}

struct result_table *search_table(const struct search_result *r, const struct design *d, struct arena *arena)
{
    uint32_t n = 0, n_columns = 2 + d->n_axes + r->n_metrics;
    struct result_column *columns = ARENA_ARRAY(arena, struct result_column, n_columns);
    struct result result = {0};
    columns[n++] = (struct result_column){"rank", DIM_COUNT, "the best first", false};
    for (uint32_t i = 0; i < d->n_axes; i++)
        columns[n++] = (struct result_column){column_name(d, i), DIM_COUNT, d->axes[i].key, true};
    for (uint32_t i = 0; i < r->n_metrics; i++)
        columns[n++] = (struct result_column){r->metrics[i], r->dims[i], "simulated", false};
    columns[n++] = (struct result_column){"bound", r->dims[0], "of the first of them, by network model bound", false};
    struct result_table *t =
        result_add_table(&result, arena, "best", "points that no other beats", columns, n_columns, r->n_best);
    for (uint32_t b = 0; b < r->n_best; b++) {
        struct result_cell *row = result_add_row(t);
        row[0].value = b + 1;
        for (uint32_t i = 0; i < d->n_axes; i++)
            row[1 + i].text = r->best[b].values[i];
        for (uint32_t i = 0; i < r->n_metrics; i++)
            row[1 + d->n_axes + i].value = r->best[b].metric[i];
        row[n_columns - 1].value = r->best[b].bound;
    }
    return t;
}

/* What must be equal for shards to be of one search. */
static const char *question_of(const struct design *d, const struct search_options *o, struct arena *arena)
{
    char *design = design_text(d);
    const char *text = arena_printf(arena, "%stop %u, %s%s", design, o->top, o->exhaustive ? "every point, " : "",
                                    o->where ? o->where : "");
    for (uint32_t i = 0; i < o->n_objectives; i++)
        text = arena_printf(arena, "%s, %s %s", text, o->objectives[i].is_max ? "maximize" : "minimize",
                            o->objectives[i].name);
    free(design);
    return text;
}

int search_write(const struct search_result *r, const struct design *d, const struct search_options *o,
                 const char *path, struct diag *diag)
{
    struct arena *arena = arena_new();
    struct search_file f = {.question = question_of(d, o, arena),
                            .shard = o->shard,
                            .n_shards = o->n_shards,
                            .top = o->top,
                            .n_objectives = o->n_objectives,
                            .first_objective = 1 + d->n_axes,
                            .order = ARENA_ARRAY(arena, double, r->n_best + 1),
                            .points = r->n_points,
                            .invalid = (double)r->n_invalid,
                            .bounds = (double)r->n_bounds,
                            .simulated = (double)r->n_simulated,
                            .failed = (double)r->n_failed,
                            .table = search_table(r, d, arena)};
    for (uint32_t i = 0; i < o->n_objectives; i++)
        f.is_max[i] = o->objectives[i].is_max;
    for (uint32_t i = 0; i < r->n_best; i++)
        f.order[i] = r->best[i].number;
    int failed = outfile_ends_in(path, ".csv") ? result_write_table(f.table, NULL, path, diag)
                                               : search_file_write(&f, path, diag);
    arena_free(arena);
    return failed;
}

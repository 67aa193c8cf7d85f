/* What a search found, as a table. */
#include <string.h>

#include "campaign/search.h"
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

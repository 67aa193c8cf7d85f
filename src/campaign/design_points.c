/* The points of a design: all combinations of a grid, or rows of a sample; then the filter, then seeds. */
#include <string.h>

#include "io/sweepdb/filter.h"
#include "campaign/design.h"

enum { MAX_COMBINATIONS = 20000000 }; /* that a filter may look at */

struct expansion {
    const struct design *d;
    struct filter *filter; /* NULL: all settings */
    uint32_t max_settings;
    struct design_points *out;
    uint32_t cap;
    struct diag *diag;
};

static int too_many(const struct expansion *e, double settings)
{
    diag_error(e->diag, EXIT_LIMIT, e->d->n_axes ? e->d->axes[0].where : SRCLOC_NONE,
               "the axes make %.0f points, at most %.0f are allowed; take fewer values or raise --max-points",
               settings * e->out->n_seeds, (double)e->max_settings * e->out->n_seeds);
    return -1;
}

static int add_setting(struct expansion *e, const struct cfg_value *values)
{
    struct design_points *out = e->out;
    struct arena *arena = e->d->arena;
    int wanted = e->filter ? filter_accepts(e->filter, values, e->diag) : 1;
    if (wanted <= 0)
        return wanted;
    if (out->n_settings == e->max_settings)
        return too_many(e, out->n_settings + 1);
    if (out->n_settings == e->cap) {
        e->cap = e->cap ? 2 * e->cap : 64;
        struct cfg_value **grown = ARENA_ARRAY(arena, struct cfg_value *, e->cap);
        if (out->n_settings)
            memcpy(grown, out->values, out->n_settings * sizeof *grown);
        out->values = grown;
    }
    struct cfg_value *own = ARENA_ARRAY(arena, struct cfg_value, e->d->n_axes + 1);
    memcpy(own, values, e->d->n_axes * sizeof *own);
    out->values[out->n_settings++] = own;
    return 0;
}

/* How many values a group has. */
static uint32_t group_size(const struct design *d, uint32_t group)
{
    for (uint32_t i = 0; i < d->n_axes; i++)
        if (d->axes[i].group == group)
            return d->axes[i].n;
    BUG("no axis in group %u", group);
}

static int expand_grid(struct expansion *e)
{
    const struct design *d = e->d;
    uint32_t *digit = ARENA_ARRAY(d->arena, uint32_t, d->n_groups + 1);
    struct cfg_value *values = ARENA_ARRAY(d->arena, struct cfg_value, d->n_axes + 1);
    double combinations = 1;
    for (uint32_t g = 0; g < d->n_groups; g++)
        combinations *= group_size(d, g);
    if (combinations > (e->filter ? MAX_COMBINATIONS : e->max_settings))
        return too_many(e, combinations);
    for (;;) {
        for (uint32_t i = 0; i < d->n_axes; i++)
            values[i] = d->axes[i].values[digit[d->axes[i].group]];
        if (add_setting(e, values))
            return -1;
        uint32_t g = d->n_groups;
        while (g > 0 && ++digit[g - 1] == group_size(d, g - 1))
            digit[--g] = 0;
        if (g == 0)
            return 0;
    }
}

static int expand_sample(struct expansion *e)
{
    const struct design *d = e->d;
    uint64_t rows = sample_rows(d->method, d->n_samples, d->n_groups);
    if (rows > (e->filter ? MAX_COMBINATIONS : e->max_settings))
        return too_many(e, (double)rows);
    double *units = sample_unit_cube(d->method, d->n_samples, d->n_groups, d->sample_seed, d->arena);
    struct cfg_value *values = ARENA_ARRAY(d->arena, struct cfg_value, d->n_axes + 1);
    for (uint64_t row = 0; row < rows; row++) {
        uint32_t before = e->out->n_settings;
        for (uint32_t i = 0; i < d->n_axes; i++)
            values[i] = axis_at(&d->axes[i], units[row * d->n_groups + d->axes[i].group], d->arena);
        if (add_setting(e, values))
            return -1;
        if (e->out->n_settings > before)
            memmove(units + (size_t)before * d->n_groups, units + row * d->n_groups, d->n_groups * sizeof *units);
    }
    e->out->units = units;
    return 0;
}

static struct filter *filter_of(const struct design *d, struct diag *diag)
{
    const char **names = ARENA_ARRAY(d->arena, const char *, d->n_axes + 1);
    for (uint32_t i = 0; i < d->n_axes; i++)
        names[i] = d->axes[i].key;
    return filter_new(d->where, names, d->n_axes, d->where_at, diag);
}

int design_expand(const struct design *d, uint32_t max_points, struct design_points *out, struct diag *diag)
{
    *out = (struct design_points){.n_seeds = d->seeds.n ? d->seeds.n : 1};
    struct expansion e = {.d = d, .max_settings = max_points / out->n_seeds, .out = out, .diag = diag};
    if (d->where && !(e.filter = filter_of(d, diag)))
        return -1;
    int failed = d->method == SAMPLE_GRID ? expand_grid(&e) : expand_sample(&e);
    filter_free(e.filter);
    out->n = out->n_settings * out->n_seeds;
    if (!failed && !out->n)
        diag_error(diag, EXIT_BAD_INPUT, d->where_at, "no point is left: the filter holds for none");
    return failed || !out->n ? -1 : 0;
}

const char *design_override(const struct axis *axis, const char *value, struct arena *arena)
{
    return strcmp(axis->key, DESIGN_LABEL) ? arena_printf(arena, "%s=%s", axis->key, value) : NULL;
}

const char **design_overrides(const struct design *d, const struct design_points *points, uint32_t point,
                              struct arena *arena, int *n)
{
    const struct cfg_value *values = points->values[point / points->n_seeds];
    const char **set = ARENA_ARRAY(arena, const char *, d->n_set + d->n_axes + 2);
    *n = 0;
    for (uint32_t i = 0; i < d->n_set; i++)
        set[(*n)++] = d->set[i];
    for (uint32_t i = 0; i < d->n_axes; i++) {
        const char *override = design_override(&d->axes[i], values[i].text, arena);
        if (override)
            set[(*n)++] = override;
    }
    if (d->seeds.n)
        set[(*n)++] = arena_printf(arena, "sim.seed=%s", d->seeds.values[point % points->n_seeds].text);
    return set;
}

#include "hw/kernels/kernel_check.h"

#include <math.h>
#include <string.h>

#include "base/stats.h"
#include "hw/kernels/residual.h"

/* --- groups ---------------------------------------------------------------------------------------------------- */

static bool same_library(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

static bool same_kernel(const struct kernel_row *a, const struct kernel_row *b, bool parts)
{
    if (parts && kernel_part(&a->call) != kernel_part(&b->call))
        return false;
    return a->call.family == b->call.family && a->call.dtype == b->call.dtype &&
           a->call.fp8_cache == b->call.fp8_cache && same_library(a->library, b->library);
}

/* Which group a row is of; a new one behind the others. */
static size_t group_of(const struct kernel_row *row, const struct kernel_row **firsts, bool parts, size_t *n)
{
    size_t i = 0;
    while (i < *n && !same_kernel(firsts[i], row, parts))
        i++;
    if (i == *n)
        firsts[(*n)++] = row;
    return i;
}

struct kernel_group *kernel_groups(const struct kernel_row *rows, uint32_t n_rows, bool parts, size_t *n,
                                   struct arena *arena)
{
    const struct kernel_row **firsts = ARENA_ARRAY(arena, const struct kernel_row *, n_rows + 1);
    uint32_t *of = ARENA_ARRAY(arena, uint32_t, n_rows + 1), *begin, at = 0;
    *n = 0;
    for (uint32_t i = 0; i < n_rows; i++)
        of[i] = (uint32_t)group_of(&rows[i], firsts, parts, n);
    struct kernel_group *groups = ARENA_ARRAY(arena, struct kernel_group, *n + 1);
    struct kernel_row *sorted = ARENA_ARRAY(arena, struct kernel_row, n_rows + 1);
    begin = ARENA_ARRAY(arena, uint32_t, *n + 1);
    for (uint32_t i = 0; i < n_rows; i++)
        groups[of[i]].n_rows++;
    for (size_t g = 0; g < *n; at += groups[g++].n_rows) {
        groups[g].rows = sorted + at;
        begin[g] = at;
    }
    for (uint32_t i = 0; i < n_rows; i++)
        sorted[begin[of[i]]++] = rows[i];
    return groups;
}

/* --- errors ---------------------------------------------------------------------------------------------------- */

static struct check_errors errors_of(const double *ratios, uint32_t n, struct arena *arena)
{
    double *sizes = ARENA_ARRAY(arena, double, n + 1);
    if (!n)
        return (struct check_errors){0, NAN, NAN, NAN};
    for (uint32_t i = 0; i < n; i++)
        sizes[i] = fabs(ratios[i] - 1);
    return (struct check_errors){n, stats_quantile(sizes, n, 0.5), stats_quantile(sizes, n, 0.9),
                                 stats_quantile(ratios, n, 0.5) - 1};
}

void kernel_check(const struct kernel_model *m, const struct kernel_group *group, struct arena *arena,
                  struct check_group *out)
{
    double *ratios = ARENA_ARRAY(arena, double, group->n_rows + 1);
    double *alone = ARENA_ARRAY(arena, double, group->n_rows + 1);
    for (uint32_t i = 0; i < group->n_rows; i++) {
        const struct kernel_row *row = &group->rows[i];
        struct kernel_call call = row->call;
        call.library = row->library;
        struct kernel_time t = kernel_time(m, &call);
        ratios[i] = t.time_s / row->time_s;
        alone[i] = t.mechanism_s / row->time_s;
    }
    *out = (struct check_group){.first = group->rows};
    out->all = errors_of(ratios, group->n_rows, arena);
    out->mechanism = errors_of(alone, group->n_rows, arena);
    out->beyond = errors_of(NULL, 0, arena);
}

/* --- folds ------------------------------------------------------------------------------------------------------ */

struct range {
    double low[KERNEL_MAX_AXES], high[KERNEL_MAX_AXES];
};

static struct range range_of(const struct kernel_mechanism *m, const struct kernel_row *rows, uint32_t n)
{
    struct range r;
    double x[KERNEL_MAX_AXES];
    for (size_t a = 0; a < m->n_axes; a++)
        r.low[a] = INFINITY, r.high[a] = -INFINITY;
    for (uint32_t i = 0; i < n; i++) {
        m->axes(&rows[i].call, x);
        for (size_t a = 0; a < m->n_axes; a++) {
            r.low[a] = fmin(r.low[a], x[a]);
            r.high[a] = fmax(r.high[a], x[a]);
        }
    }
    return r;
}

static bool is_beyond(const struct kernel_mechanism *m, const struct range *r, const struct kernel_call *call)
{
    double x[KERNEL_MAX_AXES];
    m->axes(call, x);
    for (size_t a = 0; a < m->n_axes; a++)
        if (x[a] < r->low[a] || x[a] > r->high[a])
            return true;
    return false;
}

struct fold {
    struct kernel_row *in, *out;
    uint32_t n_in, n_out;
    const double *known;
};

static struct fold fold_of(const struct kernel_group *group, int fold, int folds, struct arena *arena)
{
    struct fold f = {ARENA_ARRAY(arena, struct kernel_row, group->n_rows + 1),
                     ARENA_ARRAY(arena, struct kernel_row, group->n_rows + 1), 0, 0, group->known};
    for (uint32_t i = 0; i < group->n_rows; i++) {
        const struct kernel_row *row = &group->rows[i];
        if ((int)(kernel_shape(&row->call) % (uint64_t)folds) == fold)
            f.out[f.n_out++] = *row;
        else
            f.in[f.n_in++] = *row;
    }
    return f;
}

/* Ratios of left-out rows: by mechanism and points, by the mechanism alone, and of those beyond the range. */
struct ratios {
    double *all, *alone, *beyond;
    uint32_t n, n_beyond;
};

static void predict(const struct kernel *k, const struct kernel_device *on, const struct range *range,
                    const struct kernel_row *row, struct ratios *r)
{
    const struct kernel_mechanism *m = kernel_mechanism_of(k->family);
    struct kernel_time t = {0};
    double x[KERNEL_MAX_AXES];
    kernel_mechanism_time(k, on, &row->call, &t);
    m->axes(&row->call, x);
    double alone = t.mechanism_s / row->time_s, all = alone * exp(residual_at(k->residuals, x).value);
    if (is_beyond(m, range, &row->call)) {
        r->beyond[r->n_beyond++] = all;
        return;
    }
    r->all[r->n] = all;
    r->alone[r->n++] = alone;
}

/* Left-out rows of a part by its kernel, fitted to the others. Of a part that is left out whole nothing is said. */
static void predict_part(const struct kernel_device *on, const struct kernel_group *in, const struct fold *f,
                         struct ratios *r, struct arena *arena)
{
    struct kernel k = kernel_of(&in->rows->call, in->rows->library, on);
    const struct kernel_mechanism *m = kernel_mechanism_of(k.family);
    struct range range = range_of(m, in->rows, in->n_rows);
    if (f->known)
        memcpy(k.known, f->known, sizeof k.known);
    kernel_fit_constants(&k, on, in->rows, in->n_rows, false);
    kernel_fit_points(&k, on, in->rows, in->n_rows, kernel_most_points(&k, in->n_rows), arena);
    for (uint32_t i = 0; i < f->n_out; i++)
        if (kernel_part(&f->out[i].call) == k.part)
            predict(&k, on, &range, &f->out[i], r);
}

static struct ratios predict_fold(const struct kernel_device *on, const struct fold *f, struct arena *arena)
{
    struct ratios r = {ARENA_ARRAY(arena, double, f->n_out + 1), ARENA_ARRAY(arena, double, f->n_out + 1),
                       ARENA_ARRAY(arena, double, f->n_out + 1), 0, 0};
    size_t n;
    struct kernel_group *parts = kernel_groups(f->in, f->n_in, true, &n, arena);
    for (size_t i = 0; i < n; i++)
        predict_part(on, &parts[i], f, &r, arena);
    return r;
}

static void add(struct check_errors *sum, struct check_errors e)
{
    if (!e.rows)
        return;
    sum->rows += e.rows;
    sum->median += e.median;
    sum->p90 += e.p90;
    sum->bias += e.bias;
}

static void divide(struct check_errors *sum, int n)
{
    sum->median = n ? sum->median / n : NAN;
    sum->p90 = n ? sum->p90 / n : NAN;
    sum->bias = n ? sum->bias / n : NAN;
}

void kernel_check_left_out(const struct kernel_device *on, const struct kernel_group *group, int folds,
                           struct arena *arena, struct check_group *out)
{
    int n = 0, n_beyond = 0;
    *out = (struct check_group){.first = group->rows};
    for (int i = 0; i < folds; i++) {
        struct arena *own = arena_new();
        struct fold f = fold_of(group, i, folds, own);
        if (f.n_in && f.n_out) {
            struct ratios r = predict_fold(on, &f, own);
            add(&out->all, errors_of(r.all, r.n, own));
            add(&out->mechanism, errors_of(r.alone, r.n, own));
            add(&out->beyond, errors_of(r.beyond, r.n_beyond, own));
            n += r.n > 0;
            n_beyond += r.n_beyond > 0;
        }
        arena_free(own);
    }
    divide(&out->all, n);
    divide(&out->mechanism, n);
    divide(&out->beyond, n_beyond);
    (void)arena;
}

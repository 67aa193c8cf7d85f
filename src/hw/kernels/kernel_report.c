#include "hw/kernels/kernel_report.h"

#include <math.h>
#include <string.h>

#include "base/stats.h"
#include "hw/kernels/kernel_fit.h"

static struct kernel_row_report *tables(const struct kernel_model *m, struct arena *arena)
{
    struct kernel_row_report *rows = ARENA_ARRAY(arena, struct kernel_row_report, m->table.n_rows + 1);
    struct kernel_model measured = kernel_measured_model(m);
    double *cv_s = ARENA_ARRAY(arena, double, m->table.n_rows + 1);
    kernel_cross_validate(m, arena, cv_s);
    for (uint32_t i = 0; i < m->table.n_rows; i++) {
        const struct kernel_row *row = &m->table.rows[i];
        struct kernel_time other;
        rows[i] = (struct kernel_row_report){.row = row,
                                             .model = kernel_time(&measured, &row->call),
                                             .roofline_s = kernel_roofline(&measured, &row->call).roofline_s,
                                             .interpolated_s = kernel_time_without(m, i, &other) ? other.time_s : NAN,
                                             .refitted_s = cv_s[i]};
    }
    return rows;
}

static struct kernel_row_report *compare(const struct kernel_model *m, const struct kernel_table *checks,
                                         struct arena *arena)
{
    struct kernel_row_report *rows = ARENA_ARRAY(arena, struct kernel_row_report, checks->n_rows + 1);
    struct kernel_model measured = kernel_measured_model(m);
    for (uint32_t i = 0; i < checks->n_rows; i++) {
        struct kernel_time t = kernel_time(&measured, &checks->rows[i].call);
        rows[i] = (struct kernel_row_report){&checks->rows[i], t, t.roofline_s, NAN, NAN};
    }
    return rows;
}

/* --- errors ------------------------------------------------------------------------------------------- */

typedef double value_of(const struct kernel_row_report *row);

static double roofline_of(const struct kernel_row_report *row)
{
    return row->roofline_s;
}
static double interpolated_of(const struct kernel_row_report *row)
{
    return row->interpolated_s;
}
static double refitted_of(const struct kernel_row_report *row)
{
    return row->refitted_s;
}
static double model_of(const struct kernel_row_report *row)
{
    return row->model.time_s;
}

static struct kernel_errors errors_of(const struct kernel_row_report *rows, size_t n, value_of *value, double *scratch)
{
    size_t used = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(value(&rows[i])))
            scratch[used++] = fabs(value(&rows[i]) / rows[i].row->time_s - 1);
    if (!used)
        return (struct kernel_errors){0, NAN, NAN, NAN};
    struct stats s = stats_of(scratch, used);
    return (struct kernel_errors){used, s.median, s.mean, s.max};
}

static struct kernel_summary summary_of(const char *name, const struct kernel_row_report *rows, size_t n,
                                        struct arena *arena)
{
    double *scratch = ARENA_ARRAY(arena, double, n + 1);
    struct kernel_summary s = {.name = name, .n = n, .bias = NAN};
    s.roofline = errors_of(rows, n, roofline_of, scratch);
    s.interpolated = errors_of(rows, n, interpolated_of, scratch);
    s.refitted = errors_of(rows, n, refitted_of, scratch);
    s.model = errors_of(rows, n, model_of, scratch);
    for (size_t i = 0; i < n; i++)
        scratch[i] = rows[i].model.time_s / rows[i].row->time_s - 1;
    if (n)
        s.bias = stats_of(scratch, n).median;
    return s;
}

/* Rows with the same name, one behind the other, are one summary. */
typedef const char *name_of(const struct kernel_row_report *row, struct arena *arena);

static const char *family_name(const struct kernel_row_report *row, struct arena *arena)
{
    const struct kernel_call *c = &row->row->call;
    if (kernel_is_pass(c->family))
        return kernel_family_names[c->family];
    return arena_printf(arena, "%s_%s", kernel_family_names[c->family], kernel_dtype_names[c->dtype]);
}

static const char *file_name(const struct kernel_row_report *row, struct arena *arena)
{
    const char *slash = strrchr(row->row->file, '/');
    (void)arena;
    return slash ? slash + 1 : row->row->file;
}

static struct kernel_summary *summaries(const struct kernel_row_report *rows, size_t n, name_of *name, size_t *n_out,
                                        struct arena *arena)
{
    struct kernel_summary *list = ARENA_ARRAY(arena, struct kernel_summary, n + 1);
    struct kernel_row_report *mine = ARENA_ARRAY(arena, struct kernel_row_report, n + 1);
    *n_out = 0;
    for (size_t i = 0; i < n; i++) {
        const char *this = name(&rows[i], arena);
        bool known = false;
        for (size_t k = 0; k < *n_out; k++)
            known |= !strcmp(list[k].name, this);
        if (known)
            continue;
        size_t n_mine = 0;
        for (size_t k = i; k < n; k++)
            if (!strcmp(name(&rows[k], arena), this))
                mine[n_mine++] = rows[k];
        list[(*n_out)++] = summary_of(this, mine, n_mine, arena);
    }
    return list;
}

void kernel_report(const struct kernel_model *m, const struct kernel_table *checks, struct arena *arena,
                   struct kernel_report *out)
{
    *out = (struct kernel_report){.n_rows = m->table.n_rows, .n_checks = checks->n_rows};
    out->rows = tables(m, arena);
    out->checks = compare(m, checks, arena);
    out->families = summaries(out->rows, out->n_rows, family_name, &out->n_families, arena);
    out->files = summaries(out->checks, out->n_checks, file_name, &out->n_files, arena);
    out->all = summary_of("all", out->rows, out->n_rows, arena);
}

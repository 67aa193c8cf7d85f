#include <math.h>
#include <string.h>

#include "base/units.h"
#include "io/results/kernels_writers.h"

void kernels_name(const struct kernel_call *call, char *buf, size_t size)
{
    bool pass = kernel_is_pass(call->family);
    snprintf(buf, size, "%s%s%s", kernel_family_names[call->family], pass ? "" : "_",
             pass ? "" : kernel_dtype_names[call->dtype]);
}

/* "m 4096, n 7168, k 2048": what a call works on. */
static void kernels_describe(const struct kernel_call *call, char *buf, size_t size)
{
    size_t n = 0;
    buf[0] = '\0';
    if (call->groups > 1)
        n += (size_t)snprintf(buf, size, "groups %u", call->groups);
    for (const struct kernel_member *m = kernel_members; m->name && n < size; m++) {
        double value = *kernel_member_at((struct kernel_call *)call, m);
        if (value > 0)
            n += (size_t)snprintf(buf + n, size - n, "%s%s %.10g", n ? ", " : "", m->name, value);
    }
    if (call->causal && n < size)
        snprintf(buf + n, size - n, ", causal");
}

static double sum_of_rows(const struct kernel_call *c)
{
    double sum = 0;
    for (uint32_t g = 0; g < c->groups; g++)
        sum += c->rows ? c->rows[g] : 0;
    return sum;
}

/* --- the report ---------------------------------------------------------------------------------------- */

static void print_percent(double ratio, int width, struct outfile *f)
{
    if (isnan(ratio))
        outfile_printf(f, "%*s", width + 1, "-");
    else
        outfile_printf(f, "%*.1f%%", width, 100 * ratio);
}

static void print_errors(const struct kernel_errors *e, struct outfile *f)
{
    outfile_printf(f, " |%5zu", e->n);
    print_percent(e->median, 6, f);
    print_percent(e->mean, 6, f);
    print_percent(e->max, 6, f);
}

static void print_summary(const struct kernel_summary *s, struct outfile *f)
{
    outfile_printf(f, "  %-24s%5zu", s->name, s->n);
    print_errors(&s->roofline, f);
    print_errors(&s->interpolated, f);
    print_errors(&s->refitted, f);
    outfile_printf(f, "\n");
}

static void print_tables(const struct kernel_report *r, struct outfile *f)
{
    const char *file = NULL;
    outfile_printf(f, "Tables\n\n");
    for (size_t i = 0, n; i < r->n_rows; i += n) {
        file = r->rows[i].row->file;
        for (n = 1; i + n < r->n_rows && !strcmp(r->rows[i + n].row->file, file);)
            n++;
        outfile_printf(f, "  %s: %zu rows\n      %s\n", file, n, r->rows[i].row->source);
    }
}

static void print_families(const struct kernel_report *r, struct outfile *f)
{
    outfile_printf(f, "\nSizes of (model / measured - 1)\n\n  %-24s%5s |%-26s |%-26s |%-26s\n", "", "",
                   "  roofline alone", "  interpolated, row left out", "  roofline refitted, series left out");
    outfile_printf(f, "  %-24s%5s", "kernel", "rows");
    for (int i = 0; i < 3; i++)
        outfile_printf(f, " |%5s%7s%7s%7s", "n", "median", "mean", "max");
    outfile_printf(f, "\n");
    for (size_t i = 0; i < r->n_families; i++)
        print_summary(&r->families[i], f);
    print_summary(&r->all, f);
    outfile_printf(f, "\n  Interpolated: from the rows beside it; rows at the edge of a table have none.\n"
                      "  Refitted: the roofline's calibrated constants, fitted again without the row's whole "
                      "series (one shape,\n  all its lengths): what the roofline is worth for a shape that no "
                      "table has.\n");
}

static void print_checks(const struct kernel_report *r, struct outfile *f)
{
    if (!r->n_checks)
        return;
    outfile_printf(f, "\nMeasured elsewhere; nothing is taken from these\n\n  %-28s%5s%9s%8s%8s%10s\n", "file", "rows",
                   "median", "mean", "max", "bias");
    for (size_t i = 0; i < r->n_files; i++) {
        const struct kernel_summary *s = &r->files[i];
        outfile_printf(f, "  %-28s%5zu", s->name, s->n);
        print_percent(s->model.median, 8, f);
        print_percent(s->model.mean, 7, f);
        print_percent(s->model.max, 7, f);
        outfile_printf(f, "%+9.1f%%\n", 100 * s->bias);
    }
}

static void print_limit(const struct kernel_report *r, struct outfile *f)
{
    bool over = false;
    outfile_printf(f, "\n");
    for (size_t i = 0; i < r->n_families; i++) {
        const struct kernel_summary *s = &r->families[i];
        if (!(s->roofline.median < 0.1) || s->interpolated.median >= 0.1) {
            outfile_printf(f, "  %s: the median error is not under 10%%\n", s->name);
            over = true;
        }
    }
    if (!over)
        outfile_printf(f, "  The median error of every family is under 10%%, of the roofline and of "
                          "interpolation.\n");
}

/* Attention is described by its lengths here: the rest is long and the same in most rows. */
static void print_row(const struct kernel_row_report *r, struct outfile *f)
{
    char what[240];
    const struct kernel_call *c = &r->row->call;
    double rows = sum_of_rows(c);
    if (c->family >= KERNEL_ATTENTION_FORWARD && c->family <= KERNEL_ATTENTION_DECODE)
        snprintf(what, sizeof what, "batch %g, %g x %g, %g heads of %g and %g%s", c->batch, c->q_len,
                 c->kv_len > 0 ? c->kv_len : c->q_len, c->heads, c->qk_dim, c->v_dim, c->causal ? ", causal" : "");
    else
        kernels_describe(c, what, sizeof what);
    outfile_printf(f, "  %-58s %10.1f %10.1f", what, r->row->time_s * 1e6, r->roofline_s * 1e6);
    print_percent(r->roofline_s / r->row->time_s - 1, 8, f);
    print_percent(r->interpolated_s / r->row->time_s - 1, 8, f);
    print_percent(r->refitted_s / r->row->time_s - 1, 8, f);
    if (rows > 0)
        outfile_printf(f, "  %g rows", rows);
    outfile_printf(f, "\n");
}

static bool wanted(const struct kernels_page *p, const struct kernel_row_report *r)
{
    return (int)r->row->call.family == p->family && (int)r->row->call.dtype == p->dtype;
}

static void print_rows(const struct kernels_page *p, struct outfile *f)
{
    const struct kernel_report *r = p->report;
    char name[64];
    struct kernel_call call = {.family = (enum kernel_family)p->family, .dtype = (enum kernel_dtype)p->dtype};
    kernels_name(&call, name, sizeof name);
    outfile_printf(f, "%s\n\n  %-58s %10s %10s%9s%9s%9s\n", name, "", "measured", "roofline", "", "row out",
                   "refitted");
    outfile_printf(f, "  %-58s %10s %10s\n", "", "[us]", "[us]");
    for (size_t i = 0; i < r->n_rows; i++)
        if (wanted(p, &r->rows[i]))
            print_row(&r->rows[i], f);
    for (size_t i = 0, n = 0; i < r->n_checks; i++)
        if (wanted(p, &r->checks[i])) {
            if (!n++)
                outfile_printf(f, "\n  measured elsewhere\n");
            print_row(&r->checks[i], f);
        }
}

/* --- one kernel ------------------------------------------------------------------------------------------ */

static void print_value(const char *name, double value, enum unit_dim dim, const char *why, struct outfile *f)
{
    char buf[48];
    outfile_printf(f, "  %-12s %14s   %s\n", name, unit_format(value, dim, buf, sizeof buf), why);
}

static const char *why_origin(enum kernel_origin origin)
{
    switch (origin) {
    case KERNEL_FROM_POINT:
        return "a measured value as it stands";
    case KERNEL_FROM_INTERPOLATION:
        return "interpolated between measured values";
    case KERNEL_FROM_SCALING:
        return "measured values, moved by the ratio of rooflines to this chip and its SMs";
    case KERNEL_FROM_FIT:
        return "the mechanism alone, its constants fitted to measured values: none is near";
    case KERNEL_FROM_RELATED:
        return "the mechanism of a kernel for other number formats or of another library: nobody measured this one";
    case KERNEL_FROM_ROOFLINE:
        return "no table reaches: the roofline alone";
    }
    return "";
}

static void print_tiles(const struct kernel_time *t, struct outfile *f)
{
    if (t->tile_m > 0)
        outfile_printf(f, "  %-12s %14.0f   of %g x %g, in %.0f wave%s\n", "tiles", t->tiles, t->tile_m, t->tile_n,
                       t->waves, t->waves == 1 ? "" : "s");
}

static void print_bound(const struct kernel_gains *g, struct outfile *f)
{
    outfile_printf(f, "  %-12s %14s   1 %% faster tensor cores gain %.2f %%, 1 %% faster memory %.2f %%\n", "bound by",
                   kernel_limit_names[kernel_gains_most(g)], g->of[KERNEL_BY_TENSOR], g->of[KERNEL_BY_MEMORY]);
}

static void print_call(const struct kernels_page *p, struct outfile *f)
{
    const struct kernel_time *t = &p->time;
    char name[64], what[240];
    kernels_name(p->call, name, sizeof name);
    kernels_describe(p->call, what, sizeof what);
    outfile_printf(f, "%s on %s: %s\n\n", name, p->hardware, what);
    print_value("time", t->time_s, DIM_TIME, why_origin(t->origin), f);
    if (t->library)
        outfile_printf(f, "  %-12s %14s   %s, measured on %s\n", "kernel", "", t->library, t->chip);
    if (t->source)
        outfile_printf(f, "  %-12s %14s   %s\n", "", "", t->source);
    print_value("roofline", t->roofline_s, DIM_TIME,
                p->call->family <= KERNEL_GROUPED_MASKED
                    ? "start + the larger of tensor and memory + the unhidden share of the smaller"
                    : "start + the larger of tensor and memory",
                f);
    print_value("start", t->start_s, DIM_TIME, "launch, first loads, last store", f);
    print_value("tensor", t->tensor_s, DIM_TIME, "tiles on tensor cores", f);
    print_value("memory", t->memory_s, DIM_TIME, "bytes at the bandwidth that is achieved", f);
    print_tiles(t, f);
    print_bound(&p->gains, f);
    print_value("FLOP", t->flop, DIM_FLOP, "without padding", f);
    print_value("bytes", t->bytes_B, DIM_BYTES, "each operand and result once", f);
    if (t->flop > 0)
        print_value("rate", t->flop / t->time_s, DIM_FLOPS, "", f);
    print_value("bandwidth", t->bytes_B / t->time_s, DIM_BANDWIDTH, "", f);
}

void kernels_write_text(const struct kernels_page *page, struct outfile *f)
{
    if (page->call) {
        print_call(page, f);
        return;
    }
    if (page->family >= 0) {
        print_rows(page, f);
        return;
    }
    outfile_printf(f, "Kernel times on %s\n\n", page->hardware);
    print_tables(page->report, f);
    print_families(page->report, f);
    print_checks(page->report, f);
    print_limit(page->report, f);
}

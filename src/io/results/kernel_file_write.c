#include "io/results/kernel_file_write.h"

#include <string.h>

static const struct kernel_member *member_named(const char *name)
{
    const struct kernel_member *k = kernel_members;
    while (k->name && strcmp(k->name, name))
        k++;
    return k;
}

static double number_of(const struct kernel_row *row, const char *name)
{
    return *kernel_member_at((struct kernel_call *)&row->call, member_named(name));
}

static void write_chip(const struct kernel *k, struct outfile *f)
{
    outfile_printf(f, "chip: %s\nfigures:", k->chip);
    for (const struct kernel_figure *g = kernel_figures; g->name; g++)
        outfile_printf(f, "%s %s %.6g", g == kernel_figures ? "" : ",", g->name,
                       *kernel_figure_at((struct kernel_device *)&k->measured, g));
    outfile_printf(f, "\n");
}

static void write_head(const struct kernel *k, const struct kernel_mechanism *m, struct outfile *f)
{
    outfile_printf(f, "kernel: %s_%s\n", kernel_family_names[k->family], kernel_dtype_names[k->dtype]);
    if (k->library)
        outfile_printf(f, "library: %s\n", k->library);
    if (k->part > 0)
        outfile_printf(f, "part: %g\n", k->part);
    outfile_printf(f, "variant: %s\n", m->variants[k->variant]);
    if (k->fp8_cache)
        outfile_printf(f, "cache: fp8\n");
    write_chip(k, f);
    outfile_printf(f, "source: %s\nconditions: %s\n", k->source, k->conditions);
    if (k->validation)
        outfile_printf(f, "validation: %s\n", k->validation);
    outfile_printf(f, "trust: %.4g\nconstants:", k->trust);
    for (size_t i = 0; m->constants[i].name; i++)
        if (k->constants[i] > 0)
            outfile_printf(f, " %s %.4g,", m->constants[i].name, k->constants[i]);
    outfile_printf(f, "\n");
}

static bool same_series(const struct kernel_mechanism *m, const struct kernel_row *a, const struct kernel_row *b)
{
    for (const char *const *name = m->members + 1; *name; name++)
        if (number_of(a, *name) != number_of(b, *name))
            return false;
    return true;
}

static void write_points(const struct kernel *k, const struct kernel_mechanism *m, struct outfile *f)
{
    outfile_printf(f, "points:");
    for (const char *const *name = m->members + 1; *name; name++)
        outfile_printf(f, " %s", *name);
    outfile_printf(f, " | %s time_us rows\n", m->members[0]);
    for (uint32_t i = 0; i < k->n_rows; i++) {
        const struct kernel_row *row = &k->rows[i];
        if (i == 0 || !same_series(m, row - 1, row))
            for (const char *const *name = m->members + 1; *name; name++)
                outfile_printf(f, "%s%.10g", name == m->members + 1 ? (i ? "\n" : "") : " ", number_of(row, *name));
        int digits = row->weight > 1 ? 4 : 7; /* of a mean; as it was measured */
        outfile_printf(f, "|%.10g %.*g %.4g", number_of(row, m->members[0]), digits, row->time_s * 1e6, row->weight);
    }
    outfile_printf(f, "\n");
}

void kernel_file_write(const struct kernel *k, struct outfile *f)
{
    const struct kernel_mechanism *m = kernel_mechanism_of(k->family);
    write_head(k, m, f);
    if (k->n_rows)
        write_points(k, m, f);
}

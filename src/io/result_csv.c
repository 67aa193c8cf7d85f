/* The result as one tidy CSV table (RFC 4180). */
#include <math.h>
#include <string.h>

#include "base/outfile.h"
#include "io/writers.h"

static void text_field(struct outfile *f, const char *s)
{
    if (!s[strcspn(s, ",\"\r\n")]) {
        outfile_printf(f, "%s,", s);
        return;
    }
    outfile_printf(f, "\"");
    for (; *s; s++)
        outfile_printf(f, *s == '"' ? "\"\"" : "%c", *s);
    outfile_printf(f, "\",");
}

static void row(struct outfile *f, const char *table, const char *name, int layer, double value,
                const char *unit, double recorded)
{
    text_field(f, table);
    text_field(f, name);
    outfile_printf(f, "%d,", layer);
    if (isfinite(value))
        outfile_printf(f, "%.17g", value);
    outfile_printf(f, ",");
    text_field(f, unit);
    if (isfinite(recorded))
        outfile_printf(f, "%.17g", recorded);
    outfile_printf(f, "\n");
}

int result_write_csv(const struct result *result, const char *path, struct diag *diag)
{
    struct outfile *f = outfile_open(path, diag);
    if (!f)
        return -1;
    outfile_printf(f, "table,name,layer,value,unit,recorded\n");
    for (uint32_t i = 0; i < result->n_metrics; i++) {
        const struct result_metric *m = &result->metrics[i];
        row(f, "metric", m->name, 0, m->value, unit_dim_si(m->dim), m->recorded);
    }
    for (uint32_t i = 0; i < result->n_parts; i++)
        row(f, "breakdown", result->parts[i].name, 0, result->parts[i].value_s, "s", NAN);
    for (uint32_t i = 0; i < result->n_phases; i++) {
        const struct result_phase *p = &result->phases[i];
        row(f, "phase", p->name, p->layer, p->simulated_s, "s", p->recorded_s);
    }
    return outfile_close(f, diag);
}

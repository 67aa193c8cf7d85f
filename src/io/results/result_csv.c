/* The result as one tidy CSV table (RFC 4180). */
#include <math.h>
#include <string.h>

#include "base/outfile.h"
#include "io/csv.h"
#include "io/results/writers.h"

static void text_field(struct outfile *f, const char *s)
{
    csv_text(f, s);
    outfile_printf(f, ",");
}

static void row(struct outfile *f, bool padded, const char *table, const char *name, int layer, double value,
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
    outfile_printf(f, padded ? ",,\n" : "\n");
}

/* Cells in tidy form; the two columns more exist only in a result that has tables. */
static void table_cells(struct outfile *f, const struct result_table *t)
{
    for (uint32_t i = 0; i < t->n_rows * t->n_columns; i++) {
        const struct result_column *c = &t->columns[i % t->n_columns];
        text_field(f, t->name);
        text_field(f, c->name);
        outfile_printf(f, "0,");
        if (!c->is_text && isfinite(t->cells[i].value))
            outfile_printf(f, "%.17g", t->cells[i].value);
        outfile_printf(f, ",");
        text_field(f, c->is_text ? "text" : unit_dim_si(c->dim));
        outfile_printf(f, ",");
        text_field(f, c->is_text ? t->cells[i].text : "");
        outfile_printf(f, "%u\n", i / t->n_columns + 1);
    }
}

int result_write_csv(const struct result *result, const char *path, struct diag *diag)
{
    struct outfile *f = outfile_open(path, diag);
    if (!f)
        return -1;
    outfile_printf(f, "table,name,layer,value,unit,recorded%s\n", result->n_tables ? ",text,row" : "");
    for (uint32_t i = 0; i < result->n_metrics; i++) {
        const struct result_metric *m = &result->metrics[i];
        row(f, result->n_tables, "metric", m->name, 0, m->value, unit_dim_si(m->dim), m->recorded);
    }
    for (uint32_t i = 0; i < result->n_parts; i++)
        row(f, result->n_tables, "breakdown", result->parts[i].name, 0, result->parts[i].value_s, "s", NAN);
    for (uint32_t i = 0; i < result->n_phases; i++) {
        const struct result_phase *p = &result->phases[i];
        row(f, result->n_tables, "phase", p->name, p->layer, p->simulated_s, "s", p->recorded_s);
    }
    for (uint32_t i = 0; i < result->n_tables; i++)
        table_cells(f, &result->tables[i]);
    return outfile_close(f, diag);
}

/* The points of a sweep as CSV, without running them. */
#include "io/csv.h"
#include "campaign/sweep.h"

static void put_head(struct outfile *f, const struct design *d)
{
    outfile_printf(f, "point");
    for (uint32_t i = 0; i < d->n_axes; i++) {
        const struct cfg_field *field = d->axes[i].field;
        const char *unit = field->type == CFG_QUANTITY ? unit_dim_si(field->dim) : "";
        outfile_printf(f, *unit ? ",%s [%s]" : ",%s", d->axes[i].key, unit);
    }
    outfile_printf(f, d->seeds.n ? ",sim.seed\n" : "\n");
}

static void put_value(struct outfile *f, const struct cfg_value *v)
{
    outfile_printf(f, ",");
    if (v->number == v->number && v->type != CFG_BOOL)
        csv_number(f, v->number);
    else
        csv_text(f, v->text);
}

int sweep_list_points(const struct design *design, const struct sweep_options *options, struct diag *diag)
{
    struct design_points points;
    if (design_expand(design, options->max_points, &points, diag))
        return -1;
    struct outfile *f = outfile_open("-", diag);
    if (!f)
        return -1;
    put_head(f, design);
    for (uint32_t p = options->shard - 1; p < points.n; p += options->n_shards) {
        outfile_printf(f, "%u", p);
        for (uint32_t i = 0; i < design->n_axes; i++)
            put_value(f, &points.values[p / points.n_seeds][i]);
        if (design->seeds.n)
            outfile_printf(f, ",%s", design->seeds.values[p % points.n_seeds].text);
        outfile_printf(f, "\n");
    }
    return outfile_close(f, diag);
}

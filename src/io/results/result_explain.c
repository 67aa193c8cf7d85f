/* Where a number comes from: formula, inputs, sources. */
#include <math.h>
#include <string.h>

#include "io/results/writers.h"

static const struct result_metric *find(const struct result *r, const char *name)
{
    for (uint32_t i = 0; i < r->n_metrics; i++)
        if (!strcmp(r->metrics[i].name, name))
            return &r->metrics[i];
    return NULL;
}

static void unknown(const struct result *r, const struct scenario_file *s, const char *name, struct diag *diag)
{
    struct arena *a = arena_new();
    const char **names = ARENA_ARRAY(a, const char *, r->n_metrics + 1);
    const char *list = "";
    for (uint32_t i = 0; i < r->n_metrics; i++) {
        names[i] = r->metrics[i].name;
        list = arena_printf(a, "%s%s%s", list, i ? ", " : "", names[i]);
    }
    const char *near = cfg_nearest(name, names);
    diag_error(diag, EXIT_USAGE, SRCLOC_NONE, "%s has no metric '%s'%s%s%s; there are: %s", s->scenario->name, name,
               near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "", list);
    arena_free(a);
}

static void print_input(const struct result_input *in, const struct scenario_file *s, FILE *out)
{
    char value[48];
    const char *source = in->source ? in->source : "";
    fprintf(out, "  %-44s %-14s", in->name, unit_format(in->value, in->dim, value, sizeof value));
    struct srcloc where = cfg_where(s->cfg, source);
    const char *text = cfg_source(s->cfg, source);
    if (!where.file) {
        fprintf(out, " %s\n", source);
        return;
    }
    const char *slash = strrchr(where.file, '/');
    fprintf(out, " %s (%s", source, slash ? slash + 1 : where.file);
    fprintf(out, where.line ? ":%d)\n" : ")\n", where.line);
    if (text)
        fprintf(out, "      source: %s\n", text);
}

int result_explain(const struct result *result, const struct scenario_file *scenario, const char *metric, FILE *out,
                   struct diag *diag)
{
    const struct result_metric *m = find(result, metric);
    char value[48];
    if (!m) {
        unknown(result, scenario, metric, diag);
        return -1;
    }
    fprintf(out, "%s = %s\n  %s\n", m->name, unit_format(m->value, m->dim, value, sizeof value), m->doc);
    if (isfinite(m->recorded))
        fprintf(out, "recorded: %s\n", unit_format(m->recorded, m->dim, value, sizeof value));
    if (m->formula)
        fprintf(out, "formula: %s\n", m->formula);
    if (m->n_inputs)
        fputs("with:\n", out);
    for (uint32_t i = 0; i < m->n_inputs; i++)
        print_input(&m->inputs[i], scenario, out);
    return 0;
}

/* Proposals tried. Four significant digits: what is printed does not depend on the last bits. */
#include "io/results/trials_writers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "io/json_config.h"

static const char *status_of(const struct proposal *p)
{
    return p->validated ? p->validated : p->echo ? p->echo : "unvalidated";
}

static const char *shown(const struct trial_run *r, char *buf, size_t size)
{
    char digits[32];
    double rounded = 0;
    snprintf(digits, sizeof digits, "%.4g", r->value);
    sscanf(digits, "%lf", &rounded);
    if (r->dim == DIM_RATIO || r->dim == DIM_COUNT)
        snprintf(buf, size, "%s", digits);
    else
        unit_format(rounded, r->dim, buf, size);
    return buf;
}

static const char *resource_text(const struct trial_run *r, char *buf, size_t size)
{
    if (*r->resource)
        snprintf(buf, size, "%s %.0f %%", r->resource, 100 * r->share_ratio);
    else
        snprintf(buf, size, "-");
    return buf;
}

/* "node_limited:nodes=2" */
static const char *call_of(const struct proposal *p, char *buf, size_t size)
{
    snprintf(buf, size, "%s%s%s", p->name, p->trial.arguments ? ":" : "", p->trial.arguments ? p->trial.arguments : "");
    return buf;
}

/* --- text ------------------------------------------------------------------------------------------------- */

void trials_write_text(const struct trial *trials, uint32_t n, struct outfile *f)
{
    char call[128], is[32], was[32], before[TRIAL_TEXT + 16], after[TRIAL_TEXT + 16];
    outfile_printf(f, "%-44s %-12s %-28s %12s %12s %7s\n", "proposal", "paper", "metric", "without", "with", "gain");
    for (uint32_t i = 0; i < n; i++) {
        const struct trial *t = &trials[i];
        const struct proposal *p = t->proposal;
        outfile_printf(f, "%-44s %-12s %-28s %12s %12s %6.3gx\n", call_of(p, call, sizeof call), p->ref,
                       p->trial.metric, shown(&t->without, was, sizeof was), shown(&t->with, is, sizeof is),
                       trial_gain(t));
        outfile_printf(f, "    %s: %s -> %s; assumes: %s; %s\n", proposal_mechanism_names[p->mechanism],
                       resource_text(&t->without, before, sizeof before), resource_text(&t->with, after, sizeof after),
                       p->assumption, status_of(p));
    }
}

/* --- JSON ------------------------------------------------------------------------------------------------- */

static void add_run(cJSON *to, const char *name, const struct trial_run *r)
{
    cJSON *o = cJSON_AddObjectToObject(to, name);
    json_add_number(o, "value", r->value);
    cJSON_AddStringToObject(o, "unit", unit_dim_si(r->dim));
    cJSON_AddStringToObject(o, "bottleneck", r->resource);
    json_add_number(o, "bottleneck_share", r->share_ratio);
}

static cJSON *trial_object(const struct trial *t)
{
    const struct proposal *p = t->proposal;
    cJSON *o = cJSON_CreateObject(), *set;
    cJSON_AddStringToObject(o, "name", p->name);
    cJSON_AddStringToObject(o, "doc", p->doc);
    cJSON_AddStringToObject(o, "section", p->ref);
    cJSON_AddStringToObject(o, "mechanism", proposal_mechanism_names[p->mechanism]);
    cJSON_AddStringToObject(o, "arguments", p->trial.arguments ? p->trial.arguments : "");
    cJSON_AddStringToObject(o, "scenario", p->trial.scenario);
    set = cJSON_AddArrayToObject(o, "set");
    for (int i = 0; p->trial.set && p->trial.set[i]; i++)
        cJSON_AddItemToArray(set, cJSON_CreateString(p->trial.set[i]));
    cJSON_AddStringToObject(o, "metric", p->trial.metric);
    cJSON_AddStringToObject(o, "better", p->trial.better == BETTER_LOWER ? "lower" : "higher");
    add_run(o, "without", &t->without);
    add_run(o, "with", &t->with);
    json_add_number(o, "gain", trial_gain(t));
    cJSON_AddStringToObject(o, "assumption", p->assumption);
    cJSON_AddStringToObject(o, "validation", status_of(p));
    return o;
}

void trials_write_json(const struct trial *trials, uint32_t n, struct outfile *f)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddNumberToObject(root, "schema_version", 1);
    cJSON *list = cJSON_AddArrayToObject(root, "proposals");
    for (uint32_t i = 0; i < n; i++)
        cJSON_AddItemToArray(list, trial_object(&trials[i]));
    json_write(root, f);
}

/* --- CSV -------------------------------------------------------------------------------------------------- */

static void csv_text(struct outfile *f, const char *s)
{
    outfile_printf(f, "\"");
    for (; *s; s++)
        outfile_printf(f, *s == '"' ? "\"\"" : "%c", *s);
    outfile_printf(f, "\",");
}

void trials_write_csv(const struct trial *trials, uint32_t n, struct outfile *f)
{
    outfile_printf(f, "name,arguments,section,mechanism,metric,unit,without,with,gain,"
                      "bottleneck_without,bottleneck_with,assumption,validation\n");
    for (uint32_t i = 0; i < n; i++) {
        const struct trial *t = &trials[i];
        const struct proposal *p = t->proposal;
        outfile_printf(f, "%s,", p->name);
        csv_text(f, p->trial.arguments ? p->trial.arguments : "");
        csv_text(f, p->ref);
        outfile_printf(f, "%s,%s,%s,%.17g,%.17g,%.17g,", proposal_mechanism_names[p->mechanism], p->trial.metric,
                       unit_dim_si(t->with.dim), t->without.value, t->with.value, trial_gain(t));
        csv_text(f, t->without.resource);
        csv_text(f, t->with.resource);
        csv_text(f, p->assumption);
        outfile_printf(f, "\"%s\"\n", status_of(p));
    }
}

/* --- the document ------------------------------------------------------------------------------------- */

static void markdown_head(struct outfile *f)
{
    outfile_printf(f,
                   "# The paper's proposals, tried\n\n"
                   "Written by `moesim proposals --format markdown`; a test checks that it is current. Each proposal "
                   "runs on\nits own standard scenario, without and with. *Gain* is how many times better the metric "
                   "gets (below 1:\nworse). *Waits for* is the resource with the largest share of the critical path, "
                   "before and after.\nNothing here was measured unless the last column says what: these are answers "
                   "to \"what if\", as good as\ntheir assumptions. `moesim list proposals` has all parameters, "
                   "doc/MODEL.md the equations.\n\n"
                   "| proposal | paper | mechanism | scenario, metric | without | with | gain | waits for | "
                   "assumes | validation |\n|---|---|---|---|---|---|---|---|---|---|\n");
}

static void markdown_row(const struct trial *t, struct outfile *f)
{
    char call[128], is[32], was[32], before[TRIAL_TEXT + 16], after[TRIAL_TEXT + 16];
    const struct proposal *p = t->proposal;
    const char *slash = strrchr(p->trial.scenario, '/'), *file = slash ? slash + 1 : p->trial.scenario;
    outfile_printf(f, "| `%s`: %s | %s | %s | %.*s, %s | %s | %s | %.3gx | %s → %s | %s | %s |\n",
                   call_of(p, call, sizeof call), p->doc, p->ref, proposal_mechanism_names[p->mechanism],
                   (int)strcspn(file, "."), file, p->trial.metric, shown(&t->without, was, sizeof was),
                   shown(&t->with, is, sizeof is), trial_gain(t), resource_text(&t->without, before, sizeof before),
                   resource_text(&t->with, after, sizeof after), p->assumption, status_of(p));
}

void trials_write_markdown(const struct trial *trials, uint32_t n, struct outfile *f)
{
    markdown_head(f);
    for (uint32_t i = 0; i < n; i++)
        markdown_row(&trials[i], f);
}

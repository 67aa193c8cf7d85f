/* The result as JSON, built with cJSON: it keeps the order and prints numbers that read back to the
 * same double. Nothing in it depends on when, where or how fast the run was. */
#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/outfile.h"
#include "config.h"
#include "io/writers.h"

static void add_number(cJSON *to, const char *key, double value)
{
    if (isfinite(value))
        cJSON_AddNumberToObject(to, key, value);
}

/* "cluster.nic" below root, made on the way */
static cJSON *table_at(cJSON *root, const char *dotted_key, const char **leaf)
{
    char part[128];
    const char *dot;
    while ((dot = strchr(dotted_key, '.'))) {
        size_t n = (size_t)(dot - dotted_key);
        BUG_IF(n >= sizeof part);
        memcpy(part, dotted_key, n);
        part[n] = '\0';
        cJSON *child = cJSON_GetObjectItemCaseSensitive(root, part);
        root = child ? child : cJSON_AddObjectToObject(root, part);
        dotted_key = dot + 1;
    }
    *leaf = dotted_key;
    return root;
}

static void add_config_value(void *ctx, const char *dotted_key, const struct cfg_field *field,
                             const void *value, const char *value_text, const char *source)
{
    const char *leaf;
    cJSON *table = table_at(ctx, dotted_key, &leaf);
    (void)source;
    switch (field->type) {
    case CFG_QUANTITY:
        add_number(table, leaf, *(const double *)value);
        break;
    case CFG_INT:
        cJSON_AddNumberToObject(table, leaf, (double)*(const int64_t *)value);
        break;
    case CFG_BOOL:
        cJSON_AddBoolToObject(table, leaf, *(const bool *)value);
        break;
    case CFG_STRING: {
        const char *text = *(const char *const *)value;
        cJSON_AddStringToObject(table, leaf, text ? text : "");
        break;
    }
    case CFG_ENUM:
        cJSON_AddStringToObject(table, leaf, field->choices[*(const int *)value]);
        break;
    default:
        BUG("config leaf %s = %s has no scalar type", dotted_key, value_text);
    }
}

static void add_source(void *ctx, const char *dotted_key, const struct cfg_field *field,
                       const void *value, const char *value_text, const char *source)
{
    (void)field, (void)value, (void)value_text;
    if (source)
        cJSON_AddStringToObject(ctx, dotted_key, source);
}

static void add_metrics(cJSON *root, const struct result *r)
{
    cJSON *metrics = cJSON_AddObjectToObject(root, "metrics");
    for (uint32_t i = 0; i < r->n_metrics; i++) {
        const struct result_metric *m = &r->metrics[i];
        cJSON *o = cJSON_AddObjectToObject(metrics, m->name);
        add_number(o, "value", m->value);
        cJSON_AddStringToObject(o, "unit", unit_dim_si(m->dim));
        cJSON_AddStringToObject(o, "doc", m->doc);
        add_number(o, "recorded", m->recorded);
    }
}

static void add_breakdown(cJSON *root, const struct result *r)
{
    cJSON *parts = cJSON_AddArrayToObject(root, "breakdown");
    for (uint32_t i = 0; i < r->n_parts; i++) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddItemToArray(parts, o);
        cJSON_AddStringToObject(o, "name", r->parts[i].name);
        add_number(o, "value", r->parts[i].value_s);
        cJSON_AddStringToObject(o, "unit", "s");
        cJSON_AddStringToObject(o, "doc", r->parts[i].doc);
    }
}

static void add_phases(cJSON *root, const struct result *r)
{
    cJSON *phases = cJSON_AddArrayToObject(root, "phases");
    for (uint32_t i = 0; i < r->n_phases; i++) {
        const struct result_phase *p = &r->phases[i];
        cJSON *o = cJSON_CreateObject();
        cJSON_AddItemToArray(phases, o);
        cJSON_AddStringToObject(o, "name", p->name);
        cJSON_AddNumberToObject(o, "layer", p->layer);
        cJSON_AddStringToObject(o, "lane", p->lane);
        add_number(o, "recorded_s", p->recorded_s);
        add_number(o, "simulated_s", p->simulated_s);
        add_number(o, "start_s", p->start_s);
        add_number(o, "end_s", p->end_s);
    }
}

static void add_provenance(cJSON *root, const struct scenario_file *s)
{
    cJSON *p = cJSON_AddObjectToObject(root, "provenance");
    const char *slash = strrchr(s->path, '/');
    cJSON_AddStringToObject(p, "program", PACKAGE_NAME);
    cJSON_AddStringToObject(p, "version", PACKAGE_VERSION);
    cJSON_AddStringToObject(p, "scenario_file", slash ? slash + 1 : s->path);
    cJSON_AddStringToObject(p, "network", net_kind_names[s->scenario->sim.network]);
    cJSON_AddNumberToObject(p, "seed", (double)s->scenario->sim.seed);
    cfg_visit(s->cfg, add_source, cJSON_AddObjectToObject(p, "sources"));
}

static cJSON *document(const struct result *r, const struct scenario_file *s)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddNumberToObject(root, "schema_version", 1);
    cJSON_AddStringToObject(root, "kind", r->kind);
    cfg_visit(s->cfg, add_config_value, cJSON_AddObjectToObject(root, "scenario"));
    add_metrics(root, r);
    add_breakdown(root, r);
    add_phases(root, r);
    cJSON *notes = cJSON_AddArrayToObject(root, "notes");
    for (uint32_t i = 0; i < r->n_notes; i++)
        cJSON_AddItemToArray(notes, cJSON_CreateString(r->notes[i]));
    add_provenance(root, s);
    return root;
}

int result_write_json(const struct result *result, const struct scenario_file *scenario,
                      const char *path, struct diag *diag)
{
    struct outfile *f = outfile_open(path, diag);
    if (!f)
        return -1;
    cJSON *root = document(result, scenario);
    char *text = cJSON_Print(root);
    cJSON_Delete(root);
    if (text) {
        outfile_write(f, text, strlen(text));
        outfile_write(f, "\n", 1);
    }
    cJSON_free(text);
    return outfile_close(f, diag);
}

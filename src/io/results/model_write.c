#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "io/json_config.h"
#include "io/results/model_tables.h"
#include "models/llm/blocks/block.h"

static const char *value_of(const struct model_figure *f, char *buf, size_t size)
{
    double scale;
    if (f->dim != DIM_COUNT) { /* decimal units throughout: rows stand below each other */
        const char *unit = unit_scale(f->value, f->dim, false, &scale);
        snprintf(buf, size, "%.6g %s", f->value / scale, unit);
    } else if (f->value >= 1e9)
        snprintf(buf, size, "%.3f B", f->value / 1e9);
    else
        snprintf(buf, size, "%.3f M", f->value / 1e6);
    return buf;
}

static const char *name_of(const struct block *b)
{
    return b ? b->type->name : "none";
}

/* "3 x mla + dense_ffn, 58 x mla + moe": in the order in which layers first have them. */
static void write_layers(const struct model *m, struct outfile *out)
{
    for (uint32_t i = 0; i < m->n_classes; i++) {
        const struct model_layer *l = &m->class[i].blocks;
        outfile_printf(out, "%s%u x %s", i ? ", " : "", m->class[i].n, name_of(l->attention));
        if (l->attention && strcmp(l->attention->name, "attention") != 0)
            outfile_printf(out, " (%s)", l->attention->name);
        outfile_printf(out, " + %s", name_of(l->network));
        if (l->network && !strncmp(l->network->table, "blocks.", 7))
            outfile_printf(out, " (%s)", l->network->name);
    }
}

void model_write_text(const struct model_file *m, const struct model_figure *f, int n, struct outfile *out)
{
    char text[48];
    outfile_printf(out, "%s: %lld layers of %lld: ", m->model->name, (long long)m->model->layers,
                   (long long)m->model->hidden);
    write_layers(m->model, out);
    outfile_printf(out, "\n%s\n\n", m->model->source);
    for (int i = 0; i < n; i++)
        outfile_printf(out, "%-28s %14s  %s\n", f[i].name, value_of(&f[i], text, sizeof text), f[i].doc);
}

void model_write_json(const struct model_file *m, const struct model_figure *f, int n, struct outfile *out)
{
    cJSON *root = cJSON_CreateObject();
    json_add_number(root, "schema_version", 1);
    cJSON_AddStringToObject(root, "kind", "model");
    cJSON_AddStringToObject(root, "program", PACKAGE_NAME);
    cJSON_AddStringToObject(root, "version", PACKAGE_VERSION);
    json_config(cJSON_AddObjectToObject(root, "model"), m->cfg);
    cJSON *metrics = cJSON_AddObjectToObject(root, "metrics");
    for (int i = 0; i < n; i++) {
        cJSON *o = cJSON_AddObjectToObject(metrics, f[i].name);
        json_add_number(o, "value", f[i].value);
        cJSON_AddStringToObject(o, "doc", f[i].doc);
    }
    json_write(root, out);
}

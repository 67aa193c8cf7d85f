#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "io/json_config.h"
#include "io/results/model_tables.h"

static const char *value_of(const struct model_figure *f, char *buf, size_t size)
{
    if (f->dim != DIM_COUNT)
        return unit_format(f->value, f->dim, buf, size);
    if (f->value >= 1e9)
        snprintf(buf, size, "%.3f B", f->value / 1e9);
    else
        snprintf(buf, size, "%.3f M", f->value / 1e6);
    return buf;
}

void model_write_text(const struct model_file *m, const struct model_figure *f, int n, struct outfile *out)
{
    char text[48];
    outfile_printf(out, "%s: %lld layers of %lld, %s attention\n%s\n\n", m->model->name, (long long)m->model->layers,
                   (long long)m->model->hidden, m->model->attention.kind, m->model->source);
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

/* The result as JSON, built with cJSON: it keeps the order and prints numbers that read back to the
 * same double. Nothing in it depends on when, where or how fast the run was. */
#include <stdlib.h>
#include <string.h>

#include "base/build_id.h"
#include "base/data_find.h"
#include "base/input_files.h"
#include "base/outfile.h"
#include "config.h"
#include "io/json_config.h"
#include "io/results/result_json.h"
#include "io/results/writers.h"

static void add_metrics(cJSON *root, const struct result *r)
{
    cJSON *metrics = cJSON_AddObjectToObject(root, "metrics");
    for (uint32_t i = 0; i < r->n_metrics; i++) {
        const struct result_metric *m = &r->metrics[i];
        cJSON *o = cJSON_AddObjectToObject(metrics, m->name);
        json_add_number(o, "value", m->value);
        cJSON_AddStringToObject(o, "unit", unit_dim_si(m->dim));
        cJSON_AddStringToObject(o, "doc", m->doc);
        json_add_number(o, "recorded", m->recorded);
    }
}

static void add_breakdown(cJSON *root, const struct result *r)
{
    cJSON *parts = cJSON_AddArrayToObject(root, "breakdown");
    for (uint32_t i = 0; i < r->n_parts; i++) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddItemToArray(parts, o);
        cJSON_AddStringToObject(o, "name", r->parts[i].name);
        json_add_number(o, "value", r->parts[i].value_s);
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
        json_add_number(o, "recorded_s", p->recorded_s);
        json_add_number(o, "simulated_s", p->simulated_s);
        json_add_number(o, "start_s", p->start_s);
        json_add_number(o, "end_s", p->end_s);
    }
}

static cJSON *table_row(const struct result_table *t, uint32_t row)
{
    cJSON *o = cJSON_CreateObject();
    for (uint32_t i = 0; i < t->n_columns; i++) {
        const struct result_cell *cell = &t->cells[(size_t)row * t->n_columns + i];
        if (t->columns[i].is_text)
            cJSON_AddStringToObject(o, t->columns[i].name, cell->text);
        else
            json_add_number(o, t->columns[i].name, cell->value);
    }
    return o;
}

static void add_columns(cJSON *to, const struct result_table *t)
{
    cJSON *columns = cJSON_AddArrayToObject(to, "columns");
    for (uint32_t i = 0; i < t->n_columns; i++) {
        const struct result_column *c = &t->columns[i];
        cJSON *column = cJSON_CreateObject();
        cJSON_AddItemToArray(columns, column);
        cJSON_AddStringToObject(column, "name", c->name);
        cJSON_AddStringToObject(column, "unit", c->is_text ? "text" : unit_dim_si(c->dim));
        cJSON_AddStringToObject(column, "doc", c->doc);
    }
}

void table_to_json(cJSON *to, const struct result_table *t)
{
    cJSON_AddStringToObject(to, "name", t->name);
    cJSON_AddStringToObject(to, "doc", t->doc);
    add_columns(to, t);
    cJSON *rows = cJSON_AddArrayToObject(to, "rows");
    for (uint32_t i = 0; i < t->n_rows; i++)
        cJSON_AddItemToArray(rows, table_row(t, i));
}

static void add_tables(cJSON *root, const struct result *r)
{
    cJSON *tables = cJSON_AddArrayToObject(root, "tables");
    for (uint32_t k = 0; k < r->n_tables; k++) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddItemToArray(tables, o);
        table_to_json(o, &r->tables[k]);
    }
}

static void add_proposals(cJSON *to, const struct proposal_stack *stack)
{
    if (!stack || !stack->n_uses)
        return;
    cJSON *list = cJSON_AddArrayToObject(to, "proposals");
    for (uint32_t i = 0; i < stack->n_uses; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(stack->uses[i].text));
}

/* The files that were read (input_files.h), those of the program's data by the name that they have there. */
static void add_inputs(cJSON *to, const struct scenario_file *s)
{
    struct arena *arena = arena_new();
    cJSON *list = input_files_count() ? cJSON_AddArrayToObject(to, "inputs") : NULL;
    for (size_t i = 0; i < input_files_count(); i++) {
        const struct input_file *f = input_file_at(i);
        cJSON *o = cJSON_CreateObject();
        cJSON_AddItemToArray(list, o);
        cJSON_AddStringToObject(o, "file", data_name(f->path, s->path, arena));
        cJSON_AddStringToObject(o, "sha256", f->sha256);
    }
    arena_free(arena);
}

/* The whole scenario as `validate --print` shows it: `moesim reproduce` runs it again. */
static void add_resolved(cJSON *to, const struct scenario_file *s)
{
    char *text = NULL, sha256[SHA256_TEXT];
    size_t size;
    FILE *out = checked_alloc(open_memstream(&text, &size));
    cfg_print_yaml(s->cfg, out);
    if (fclose(out))
        out_of_memory();
    sha256_text(text, size, sha256);
    cJSON_AddStringToObject(to, "resolved_sha256", sha256);
    cJSON_AddStringToObject(to, "resolved", text);
    free(text);
}

static void add_provenance(cJSON *root, const struct scenario_file *s)
{
    cJSON *p = cJSON_AddObjectToObject(root, "provenance");
    const char *slash = strrchr(s->path, '/');
    cJSON_AddStringToObject(p, "program", PACKAGE_NAME);
    cJSON_AddStringToObject(p, "version", PACKAGE_VERSION);
    if (*build_commit)
        cJSON_AddStringToObject(p, "commit", build_commit);
    cJSON_AddStringToObject(p, "scenario_file", slash ? slash + 1 : s->path);
    cJSON_AddStringToObject(p, "network", net_kind_names[s->scenario->sim.network]);
    cJSON_AddNumberToObject(p, "seed", (double)s->scenario->sim.seed);
    add_proposals(p, s->proposals);
    add_inputs(p, s);
    add_resolved(p, s);
    json_sources(cJSON_AddObjectToObject(p, "sources"), s->cfg);
}

static void add_notes(cJSON *root, const struct result *r)
{
    cJSON *notes = cJSON_AddArrayToObject(root, "notes");
    for (uint32_t i = 0; i < r->n_notes; i++)
        cJSON_AddItemToArray(notes, cJSON_CreateString(r->notes[i]));
}

void result_to_json(cJSON *root, const struct result *r)
{
    add_metrics(root, r);
    add_breakdown(root, r);
    add_phases(root, r);
    add_tables(root, r);
    add_notes(root, r);
}

static cJSON *document(const struct result *r, const struct scenario_file *s)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddNumberToObject(root, "schema_version", 1);
    cJSON_AddStringToObject(root, "kind", r->kind);
    json_config(cJSON_AddObjectToObject(root, "scenario"), s->cfg);
    result_to_json(root, r);
    add_provenance(root, s);
    return root;
}

int result_write_json(const struct result *result, const struct scenario_file *scenario, const char *path,
                      struct diag *diag)
{
    struct outfile *f = outfile_open(path, diag);
    if (!f)
        return -1;
    json_write(document(result, scenario), f);
    return outfile_close(f, diag);
}

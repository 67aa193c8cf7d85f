/* A result from JSON. Other programs may have written it: nothing about its shape is taken for granted. */
#include <math.h>
#include <string.h>

#include "io/results/result_json.h"

struct reader {
    struct arena *arena;
    const char *why; /* the first thing that is wrong */
};

static const char *wrong(struct reader *r, const char *what)
{
    if (!r->why)
        r->why = what;
    return "";
}

static const char *text_of(struct reader *r, const cJSON *object, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!cJSON_IsString(v))
        return wrong(r, arena_printf(r->arena, "'%s' is no text", key));
    return arena_strdup(r->arena, v->valuestring);
}

/* NaN when it is not there: JSON has no word for that. */
static double number_of(const cJSON *object, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(v) ? v->valuedouble : NAN;
}

static enum unit_dim dim_of(struct reader *r, const cJSON *object)
{
    return unit_dim_of_si(text_of(r, object, "unit"));
}

/* The elements of an array or the members of an object; 0 when it is not there. */
static uint32_t count_of(struct reader *r, const cJSON *list, const char *name, bool is_object)
{
    if (list && !(is_object ? cJSON_IsObject(list) : cJSON_IsArray(list))) {
        wrong(r, arena_printf(r->arena, "'%s' is no %s", name, is_object ? "object" : "list"));
        return 0;
    }
    return list ? (uint32_t)cJSON_GetArraySize(list) : 0;
}

static const cJSON *member(const cJSON *root, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(root, key);
}

static void read_metrics(struct reader *r, const cJSON *root, struct result *out)
{
    const cJSON *list = member(root, "metrics"), *m;
    out->metrics = ARENA_ARRAY(r->arena, struct result_metric, count_of(r, list, "metrics", true) + 1);
    if (!cJSON_IsObject(list))
        return;
    cJSON_ArrayForEach(m, list) out->metrics[out->n_metrics++] =
        (struct result_metric){.name = arena_strdup(r->arena, m->string),
                               .value = number_of(m, "value"),
                               .dim = dim_of(r, m),
                               .doc = text_of(r, m, "doc"),
                               .recorded = number_of(m, "recorded")};
}

static void read_parts(struct reader *r, const cJSON *root, struct result *out)
{
    const cJSON *list = member(root, "breakdown"), *p;
    out->parts = ARENA_ARRAY(r->arena, struct result_part, count_of(r, list, "breakdown", false) + 1);
    if (!cJSON_IsArray(list))
        return;
    cJSON_ArrayForEach(p, list) out->parts[out->n_parts++] =
        (struct result_part){text_of(r, p, "name"), text_of(r, p, "doc"), number_of(p, "value")};
}

static void read_phases(struct reader *r, const cJSON *root, struct result *out)
{
    const cJSON *list = member(root, "phases"), *p;
    out->phases = ARENA_ARRAY(r->arena, struct result_phase, count_of(r, list, "phases", false) + 1);
    if (!cJSON_IsArray(list))
        return;
    cJSON_ArrayForEach(p, list)
    {
        double layer = number_of(p, "layer");
        out->phases[out->n_phases++] = (struct result_phase){.name = text_of(r, p, "name"),
                                                             .lane = text_of(r, p, "lane"),
                                                             .layer = fabs(layer) < 1e9 ? (int)layer : 0,
                                                             .recorded_s = number_of(p, "recorded_s"),
                                                             .simulated_s = number_of(p, "simulated_s"),
                                                             .start_s = number_of(p, "start_s"),
                                                             .end_s = number_of(p, "end_s")};
    }
}

static void read_rows(struct reader *r, const cJSON *rows, struct result_table *t)
{
    const cJSON *row;
    uint32_t n = count_of(r, rows, "rows", false), i = 0;
    t->cells = ARENA_ARRAY(r->arena, struct result_cell, (size_t)n * t->n_columns + 1);
    if (!cJSON_IsArray(rows))
        return;
    cJSON_ArrayForEach(row, rows) for (uint32_t c = 0; c < t->n_columns; c++, i++)
    {
        bool is_text = t->columns[c].is_text;
        t->cells[i].value = is_text ? NAN : number_of(row, t->columns[c].name);
        t->cells[i].text = is_text ? text_of(r, row, t->columns[c].name) : "";
    }
    t->n_rows = n;
}

static void read_table(struct reader *r, const cJSON *table, struct result_table *t)
{
    const cJSON *list = member(table, "columns"), *c;
    struct result_column *columns =
        ARENA_ARRAY(r->arena, struct result_column, count_of(r, list, "columns", false) + 1);
    *t = (struct result_table){.name = text_of(r, table, "name"), .doc = text_of(r, table, "doc"), .columns = columns};
    if (cJSON_IsArray(list))
        cJSON_ArrayForEach(c, list) columns[t->n_columns++] =
            (struct result_column){.name = text_of(r, c, "name"),
                                   .doc = text_of(r, c, "doc"),
                                   .dim = dim_of(r, c),
                                   .is_text = !strcmp(text_of(r, c, "unit"), "text")};
    read_rows(r, member(table, "rows"), t);
}

static void read_tables(struct reader *r, const cJSON *root, struct result *out)
{
    const cJSON *list = member(root, "tables"), *t;
    out->tables = ARENA_ARRAY(r->arena, struct result_table, count_of(r, list, "tables", false) + 1);
    if (cJSON_IsArray(list))
        cJSON_ArrayForEach(t, list) read_table(r, t, &out->tables[out->n_tables++]);
}

static void read_notes(struct reader *r, const cJSON *root, struct result *out)
{
    const cJSON *list = member(root, "notes"), *n;
    out->notes = ARENA_ARRAY(r->arena, const char *, count_of(r, list, "notes", false) + 1);
    if (cJSON_IsArray(list))
        cJSON_ArrayForEach(n, list) out->notes[out->n_notes++] =
            cJSON_IsString(n) ? arena_strdup(r->arena, n->valuestring) : wrong(r, "a note is no text");
}

int result_from_json(const cJSON *root, struct arena *arena, struct result *out, const char **why)
{
    struct reader r = {.arena = arena};
    *out = (struct result){0};
    if (!cJSON_IsObject(member(root, "metrics")))
        wrong(&r, "it has no 'metrics'");
    read_metrics(&r, root, out);
    read_parts(&r, root, out);
    read_phases(&r, root, out);
    read_tables(&r, root, out);
    read_notes(&r, root, out);
    *why = r.why;
    return r.why ? -1 : 0;
}

int result_table_from_json(const cJSON *table, struct arena *arena, struct result_table *out, const char **why)
{
    struct reader r = {.arena = arena};
    read_table(&r, table, out);
    *why = r.why;
    return r.why ? -1 : 0;
}

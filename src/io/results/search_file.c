#include "io/results/search_file.h"

#include <stdlib.h>

#include "io/json_config.h"
#include "io/results/result_json.h"
#include "io/whole_file.h"

enum { LARGEST_B = 100000000 };

/* The numbers of a document, by name. */
static const struct {
    const char *name;
    size_t offset;
} counts[] = {{"points", offsetof(struct search_file, points)},
              {"invalid", offsetof(struct search_file, invalid)},
              {"bounds", offsetof(struct search_file, bounds)},
              {"simulated", offsetof(struct search_file, simulated)},
              {"failed", offsetof(struct search_file, failed)}};

static double *count_at(struct search_file *s, size_t i)
{
    return (double *)((char *)s + counts[i].offset);
}

int search_file_write(const struct search_file *s, const char *path, struct diag *diag)
{
    struct outfile *f = outfile_open(path, diag);
    if (!f)
        return -1;
    struct search_file copy = *s;
    cJSON *root = cJSON_CreateObject();
    table_to_json(root, s->table);
    cJSON *about = cJSON_AddObjectToObject(root, "search"), *max, *order;
    cJSON_AddStringToObject(about, "question", s->question);
    json_add_number(about, "shard", s->shard);
    json_add_number(about, "shards", s->n_shards);
    json_add_number(about, "top", s->top);
    json_add_number(about, "first_objective", s->first_objective);
    max = cJSON_AddArrayToObject(about, "maximize");
    for (uint32_t i = 0; i < s->n_objectives; i++)
        cJSON_AddItemToArray(max, cJSON_CreateBool(s->is_max[i]));
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        json_add_number(about, counts[i].name, *count_at(&copy, i));
    order = cJSON_AddArrayToObject(about, "order");
    for (uint32_t i = 0; i < s->table->n_rows; i++)
        cJSON_AddItemToArray(order, cJSON_CreateNumber(s->order[i]));
    json_write(root, f);
    return outfile_close(f, diag);
}

static double number(const cJSON *o, const char *name, bool *ok)
{
    const cJSON *n = cJSON_GetObjectItemCaseSensitive(o, name);
    *ok &= cJSON_IsNumber(n) && n->valuedouble >= 0;
    return *ok ? n->valuedouble : 0;
}

static bool read_about(const cJSON *about, struct arena *arena, struct search_file *s)
{
    const cJSON *question = cJSON_GetObjectItemCaseSensitive(about, "question"),
                *max = cJSON_GetObjectItemCaseSensitive(about, "maximize"),
                *order = cJSON_GetObjectItemCaseSensitive(about, "order"), *n;
    bool ok = cJSON_IsString(question) && cJSON_IsArray(max) && cJSON_IsArray(order);
    s->shard = (uint32_t)number(about, "shard", &ok);
    s->n_shards = (uint32_t)number(about, "shards", &ok);
    s->top = (uint32_t)number(about, "top", &ok);
    s->first_objective = (uint32_t)number(about, "first_objective", &ok);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        *count_at(s, i) = number(about, counts[i].name, &ok);
    if (!ok || cJSON_GetArraySize(max) < 1 || cJSON_GetArraySize(max) > SEARCH_FILE_OBJECTIVES)
        return false;
    s->question = arena_strdup(arena, question->valuestring);
    cJSON_ArrayForEach(n, max) s->is_max[s->n_objectives++] = cJSON_IsTrue(n);
    s->order = ARENA_ARRAY(arena, double, (size_t)cJSON_GetArraySize(order) + 1);
    uint32_t i = 0;
    cJSON_ArrayForEach(n, order) s->order[i++] = n->valuedouble;
    return i == s->table->n_rows && s->first_objective + s->n_objectives <= s->table->n_columns;
}

int search_file_read(const char *path, struct arena *arena, struct search_file *out, struct diag *diag)
{
    char *text;
    size_t len;
    const char *why = "it has no question";
    *out = (struct search_file){.table = ARENA_NEW(arena, struct result_table)};
    if (whole_file_read(path, LARGEST_B, &text, &len, diag))
        return -1;
    cJSON *root = cJSON_ParseWithLength(text, len);
    bool ok = root && !result_table_from_json(root, arena, out->table, &why) &&
              read_about(cJSON_GetObjectItemCaseSensitive(root, "search"), arena, out);
    if (!ok)
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(path), "this is no JSON of 'moesim search': %s",
                   root ? why : "no JSON at all");
    cJSON_Delete(root);
    free(text);
    return ok ? 0 : -1;
}

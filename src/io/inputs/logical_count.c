/* What SGLang's recorder of expert distributions counts, as --init-expert-location reads it: a JSON object whose
 * "logical_count" holds tokens by layer and expert, or by step, layer and expert. Steps are added up; layers that count
 * nothing (dense ones stand among the others) are left out. Other members of the object say where experts stood and are not
 * read. Left out: the .pt form, which is a pickle. */
#include "io/inputs/logical_count.h"

#include <string.h>

#include "io/json_stream.h"
#include "io/whole_file.h"

enum { MAX_TEXT_B = 1 << 28, MAX_STEPS = 1 << 20 };

struct counting {
    const char *path;
    struct arena *arena;
    struct diag *diag;
    struct srcloc where; /* of the counts */
    double *sum;
    uint32_t layers, experts;
};

#define COMPLAIN(c, ...) (diag_error((c)->diag, EXIT_BAD_INPUT, (c)->where, __VA_ARGS__), -1)

bool logical_count_recognises(const char *path)
{
    char head[64];
    size_t len, at = 0;
    struct diag *quiet = diag_new();
    bool read = !whole_file_head(path, head, sizeof head, &len, quiet);
    diag_free(quiet);
    while (read && at < len && strchr(" \t\r\n", head[at]))
        at++;
    return read && at < len && (head[at] == '{' || (len > 2 && !memcmp(head, "PK", 2)));
}

static uint32_t size_of(const cJSON *array)
{
    return cJSON_IsArray(array) ? (uint32_t)cJSON_GetArraySize(array) : 0;
}

static bool is_nested(const cJSON *array)
{
    return cJSON_IsArray(array) && cJSON_IsArray(array->child);
}

static int add_layer(struct counting *c, const cJSON *layer, uint32_t l)
{
    uint32_t e = 0;
    if (size_of(layer) != c->experts)
        return COMPLAIN(c, "layer %u has %u experts, the first has %u", l, size_of(layer), c->experts);
    for (const cJSON *n = layer->child; n; n = n->next, e++) {
        if (!cJSON_IsNumber(n) || !(n->valuedouble >= 0))
            return COMPLAIN(c, "layer %u, expert %u: a count is a number from 0 on", l, e);
        c->sum[(size_t)l * c->experts + e] += n->valuedouble;
    }
    return 0;
}

static int add_step(struct counting *c, const cJSON *step)
{
    uint32_t l = 0;
    if (!c->sum) {
        c->layers = size_of(step);
        c->experts = size_of(step->child);
        if (!c->layers || !c->experts)
            return COMPLAIN(c, "logical_count holds numbers by layer and expert: [[812, 640, ...], ...]");
        c->sum = ARENA_ARRAY(c->arena, double, (size_t)c->layers * c->experts);
    }
    if (size_of(step) != c->layers)
        return COMPLAIN(c, "a step has %u layers, the first has %u", size_of(step), c->layers);
    for (const cJSON *layer = step->child; layer; layer = layer->next, l++)
        if (add_layer(c, layer, l))
            return -1;
    return 0;
}

static int add_all(struct counting *c, const cJSON *counts)
{
    if (!is_nested(counts))
        return COMPLAIN(c, "logical_count holds numbers by layer and expert: [[812, 640, ...], ...]");
    if (!is_nested(counts->child))
        return add_step(c, counts);
    for (const cJSON *step = counts->child; step; step = step->next)
        if (!cJSON_IsArray(step) || add_step(c, step))
            return cJSON_IsArray(step) ? -1 : COMPLAIN(c, "a step of logical_count is no list of layers");
    return 0;
}

static int read_object(struct counting *c, struct json_stream *js)
{
    const char *key;
    int more;
    if (json_enter_object(js))
        return -1;
    while ((more = json_next_member(js, &key)) > 0) {
        if (strcmp(key, "logical_count")) {
            if (json_skip(js))
                return -1;
            continue;
        }
        cJSON *counts = json_value(js, MAX_TEXT_B);
        c->where = json_where(js);
        int failed = counts ? add_all(c, counts) : -1;
        cJSON_Delete(counts);
        if (failed)
            return -1;
    }
    return more < 0 ? -1 : 0;
}

/* Rows of layers that count something, in their order. */
static void keep_counted(const struct counting *c, struct rows *out)
{
    double *kept = ARENA_ARRAY(c->arena, double, (size_t)c->layers * c->experts);
    *out = (struct rows){.values = kept, .n_columns = c->experts, .name = c->path, .text = ""};
    out->at = ARENA_ARRAY(c->arena, uint32_t, (size_t)c->layers * c->experts);
    for (uint32_t l = 0; l < c->layers; l++) {
        const double *row = c->sum + (size_t)l * c->experts;
        double all = 0;
        for (uint32_t e = 0; e < c->experts; e++)
            all += row[e];
        if (all > 0)
            memcpy(kept + (size_t)out->n_rows++ * c->experts, row, c->experts * sizeof *row);
    }
}

int logical_count_read(const char *path, struct arena *arena, struct rows *out, struct diag *diag)
{
    char head[2];
    size_t len;
    struct counting c = {.path = arena_strdup(arena, path), .arena = arena, .diag = diag};
    c.where = SRCLOC_FILE(c.path);
    if (whole_file_head(path, head, sizeof head, &len, diag))
        return -1;
    if (len == 2 && !memcmp(head, "PK", 2))
        return COMPLAIN(&c, "PyTorch's file; write it as JSON first: json.dump({'logical_count': "
                            "torch.load(FILE)['logical_count'].tolist()}, open('counts.json', 'w'))");
    struct json_stream *js = json_open(c.path, diag);
    int failed = js ? read_object(&c, js) : -1;
    json_close(js);
    if (failed)
        return -1;
    if (!c.sum)
        return COMPLAIN(&c, "there is no 'logical_count' in it, a list of counts by layer and expert");
    keep_counted(&c, out);
    return out->n_rows ? 0 : COMPLAIN(&c, "no layer of 'logical_count' counts anything");
}

/* Groups and messages of our trace format: who takes part in collectives, and what they move. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/outfile.h"
#include "base/yaml_doc.h"
#include "io/trace/trace_classes.h"
#include "io/trace/trace_file_priv.h"

#define LIST_LIMIT_B (256u << 20)
#define VALUE_LIMIT_B (64u << 20)
#define MAX_SIZE 1048576
#define MAX_BYTES 1e18
#define MAX_MESSAGES 20000000u

/* --- out ------------------------------------------------------------------------------------------------------ */

static void write_group(struct outfile *f, const struct trace_group *g)
{
    outfile_printf(f, "{\"name\": ");
    trace_write_text(f, g->name);
    if (!g->ranks) {
        outfile_printf(f, ", \"size\": %u}", g->size);
        return;
    }
    for (uint32_t i = 0; i < g->size; i++)
        outfile_printf(f, "%s%u", i ? ", " : ", \"ranks\": [", g->ranks[i]);
    outfile_printf(f, "]}");
}

static void write_message(struct outfile *f, const struct trace *t, const struct trace_message *m)
{
    outfile_printf(f, "{\"operation\": \"%s\"", trace_operation_names[m->operation]);
    if (m->group != TRACE_NONE)
        outfile_printf(f, ", \"group\": %u", m->group);
    if (m->bytes_B > 0)
        outfile_printf(f, ", \"bytes\": %.17g", m->bytes_B);
    if (m->peer >= 0)
        outfile_printf(f, ", \"peer\": %d", m->peer);
    if (m->sequence >= 0)
        outfile_printf(f, ", \"sequence\": %lld", (long long)m->sequence);
    for (uint32_t i = 0; m->split_B && i < t->groups[m->group].size; i++)
        outfile_printf(f, "%s%.17g", i ? ", " : ", \"splits\": [", m->split_B[i]);
    outfile_printf(f, m->split_B ? "]}" : "}");
}

void trace_write_messages(struct outfile *f, const struct trace *t)
{
    outfile_printf(f, " \"groups\": [");
    for (uint32_t i = 0; i < t->n_groups; i++) {
        outfile_printf(f, "%s\n  ", i ? "," : "");
        write_group(f, &t->groups[i]);
    }
    outfile_printf(f, "],\n \"messages\": [");
    for (uint32_t i = 0; i < t->n_messages; i++) {
        outfile_printf(f, "%s\n  ", i ? "," : "");
        write_message(f, t, &t->messages[i]);
    }
    outfile_printf(f, "],\n");
}

/* --- in ------------------------------------------------------------------------------------------------------- */

static int fail(struct json_stream *js, const char *message)
{
    diag_error(json_diag(js), EXIT_BAD_INPUT, json_where(js), "%s", message);
    return -1;
}

static int read_name(struct json_stream *js, const cJSON *item, struct arena *arena, const char **name)
{
    const char *text = "";

    if (json_string(js, item, "name", "group", false, &text))
        return -1;
    *name = arena_strdup(arena, text);
    return 0;
}

static int read_ranks(struct json_stream *js, const cJSON *list, struct arena *arena, struct trace_group *g)
{
    int n = cJSON_GetArraySize(list);
    uint32_t i = 0;

    if (!cJSON_IsArray(list) || n < 1 || n > MAX_SIZE)
        return fail(js, "'ranks' of a group must be a list of ranks");
    g->size = (uint32_t)n;
    g->ranks = ARENA_ARRAY(arena, uint32_t, (size_t)n);
    for (const cJSON *item = list->child; item; item = item->next) {
        double rank = cJSON_IsNumber(item) ? item->valuedouble : -1;
        if (!(rank >= 0 && rank <= INT32_MAX) || rank != floor(rank))
            return fail(js, "'ranks' of a group must be whole numbers from 0");
        g->ranks[i++] = (uint32_t)rank;
    }
    return 0;
}

static int read_group(struct json_stream *js, struct arena *arena, const cJSON *item, struct trace_group *g)
{
    const cJSON *ranks = cJSON_GetObjectItemCaseSensitive(item, "ranks");
    int64_t size = 0;

    if (read_name(js, item, arena, &g->name))
        return -1;
    if (ranks)
        return read_ranks(js, ranks, arena, g);
    if (json_int(js, item, "size", "group", true, 1, MAX_SIZE, &size))
        return -1;
    g->size = (uint32_t)size;
    return 0;
}

int trace_read_groups(struct json_stream *js, struct arena *arena, struct trace *t)
{
    cJSON *list = json_value(js, LIST_LIMIT_B), *item = NULL;
    int failed = list ? 0 : -1;

    if (list && !cJSON_IsArray(list))
        failed = fail(js, "'groups' must be a list of groups");
    t->groups = ARENA_ARRAY(arena, struct trace_group, (size_t)cJSON_GetArraySize(list) + 1);
    cJSON_ArrayForEach(item, list)
    {
        if (!failed)
            failed = read_group(js, arena, item, &t->groups[t->n_groups++]);
    }
    cJSON_Delete(list);
    return failed;
}

static int read_operation(struct json_stream *js, const cJSON *item, uint8_t *out)
{
    const char *name = NULL;

    if (json_string(js, item, "operation", "message", true, &name))
        return -1;
    for (int i = 0; trace_operation_names[i]; i++)
        if (!strcmp(trace_operation_names[i], name)) {
            *out = (uint8_t)i;
            return 0;
        }
    return fail(js, "this is no 'operation' of a message");
}

static int read_splits(struct json_stream *js, struct arena *arena, const cJSON *list, uint32_t members,
                       struct trace_message *m)
{
    uint32_t i = 0;

    if (!list)
        return 0;
    if (!cJSON_IsArray(list) || (uint32_t)cJSON_GetArraySize(list) != members || !members)
        return fail(js, "'splits' of a message must be a list of bytes, one for each member of its group");
    m->split_B = ARENA_ARRAY(arena, double, members);
    for (const cJSON *item = list->child; item; item = item->next) {
        if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble <= MAX_BYTES))
            return fail(js, "'splits' of a message must be numbers from 0");
        m->split_B[i++] = item->valuedouble;
    }
    return 0;
}

static int read_message(struct json_stream *js, struct arena *arena, const struct trace *t, const cJSON *item,
                        struct trace_message *m)
{
    int64_t group = -1, peer = -1;

    *m = (struct trace_message){.group = TRACE_NONE, .peer = -1, .sequence = -1};
    if (!cJSON_IsObject(item))
        return fail(js, "a message must be an object");
    if (read_operation(js, item, &m->operation) ||
        json_int(js, item, "group", "message", false, 0, (int64_t)t->n_groups - 1, &group) ||
        json_number(js, item, "bytes", "message", false, 0, MAX_BYTES, &m->bytes_B) ||
        json_int(js, item, "peer", "message", false, 0, INT32_MAX, &peer) ||
        json_int(js, item, "sequence", "message", false, 0, (int64_t)9e15, &m->sequence))
        return -1;
    m->group = group < 0 ? TRACE_NONE : (uint32_t)group;
    m->peer = (int32_t)peer;
    return read_splits(js, arena, cJSON_GetObjectItemCaseSensitive(item, "splits"),
                       group < 0 ? 0 : t->groups[group].size, m);
}

int trace_read_messages(struct json_stream *js, struct arena *arena, struct trace *t)
{
    size_t n = 0, cap = 0;
    struct trace_message *grown = NULL;
    int more = json_enter_array(js) ? -1 : 1;

    while (more > 0 && (more = json_next_element(js)) > 0) {
        cJSON *item = json_value(js, VALUE_LIMIT_B);
        if (n == cap)
            grown = checked_alloc(realloc(grown, (cap = cap ? 2 * cap : 256) * sizeof *grown));
        more = item && !read_message(js, arena, t, item, &grown[n++]) ? 1 : -1;
        cJSON_Delete(item);
        if (n > MAX_MESSAGES)
            more = fail(js, "too many messages");
    }
    t->n_messages = more ? 0 : (uint32_t)n;
    t->messages = ARENA_ARRAY(arena, struct trace_message, n + 1);
    if (n)
        memcpy(t->messages, grown, n * sizeof *grown);
    free(grown);
    return more;
}

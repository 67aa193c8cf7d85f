/* Records of points, with cJSON. */
#include "io/sweepdb/sweep_record.h"

#include <stdlib.h>
#include <string.h>

#include "io/results/result_json.h"

static char *line_of(cJSON *root)
{
    char *text = checked_alloc(cJSON_PrintUnformatted(root));
    cJSON_Delete(root);
    return text;
}

/* The next line of *text, which moves behind it; NULL at the end. */
static const char *next_line(const char **text, size_t *len)
{
    const char *line = *text;
    if (!line || !*line)
        return NULL;
    *len = strcspn(line, "\n");
    *text = line + *len + (line[*len] == '\n');
    return line;
}

char *sweep_resolved_text(const char *scenario, const char *base, struct arena *arena)
{
    cJSON *root = cJSON_CreateObject(), *changed = cJSON_CreateArray();
    const char *line, *was;
    size_t n, m = 0;
    int number = 0;
    for (; (line = next_line(&scenario, &n)); number++) {
        was = next_line(&base, &m);
        if (was && n == m && !memcmp(line, was, n))
            continue;
        cJSON *pair = cJSON_CreateArray();
        cJSON_AddItemToArray(pair, cJSON_CreateNumber(number));
        cJSON_AddItemToArray(pair, cJSON_CreateString(arena_printf(arena, "%.*s", (int)n, line)));
        cJSON_AddItemToArray(changed, pair);
    }
    cJSON_AddNumberToObject(root, "lines", number);
    cJSON_AddItemToObject(root, "changed", changed);
    return line_of(root);
}

char *sweep_outcome_text(const char *message, const struct result *result)
{
    cJSON *root = cJSON_CreateObject();
    size_t n = strlen(message);
    char *copy = checked_alloc(strndup(message, n && message[n - 1] == '\n' ? n - 1 : n));
    cJSON_AddStringToObject(root, "message", copy);
    free(copy);
    if (result)
        result_to_json(root, result);
    return line_of(root);
}

int sweep_resolved_parse(const char *text, struct arena *arena, struct sweep_point *out)
{
    cJSON *root = cJSON_Parse(text), *pair;
    const cJSON *lines = cJSON_GetObjectItem(root, "lines"), *changed = cJSON_GetObjectItem(root, "changed");
    bool good = cJSON_IsNumber(lines) && cJSON_IsArray(changed);
    if (good) {
        out->n_lines = (uint32_t)lines->valuedouble;
        out->changed = ARENA_ARRAY(arena, struct sweep_line, (size_t)cJSON_GetArraySize(changed) + 1);
        cJSON_ArrayForEach(pair, changed)
        {
            const cJSON *number = cJSON_GetArrayItem(pair, 0), *line = cJSON_GetArrayItem(pair, 1);
            good = good && cJSON_IsNumber(number) && cJSON_IsString(line);
            if (good)
                out->changed[out->n_changed++] =
                    (struct sweep_line){(uint32_t)number->valuedouble, arena_strdup(arena, line->valuestring)};
        }
    }
    cJSON_Delete(root);
    return good ? 0 : -1;
}

int sweep_outcome_parse(const char *text, struct arena *arena, struct sweep_point *out)
{
    cJSON *root = cJSON_Parse(text);
    const cJSON *message = cJSON_GetObjectItem(root, "message");
    const char *why;
    bool good = cJSON_IsString(message);
    out->message = good ? arena_strdup(arena, message->valuestring) : "";
    if (good && cJSON_HasObjectItem(root, "metrics"))
        good = !result_from_json(root, arena, &out->result, &why);
    cJSON_Delete(root);
    return good ? 0 : -1;
}

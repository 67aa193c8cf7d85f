#include "io/results/provenance.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "io/whole_file.h"

enum { MAX_RESULT_B = 1 << 30 };

static const char *text_of(const cJSON *o, const char *name, struct arena *arena)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, name));
    return text ? arena_strdup(arena, text) : "";
}

static void take(const cJSON *from, struct arena *arena, struct provenance *to)
{
    const cJSON *inputs = cJSON_GetObjectItemCaseSensitive(from, "inputs"), *o;
    *to = (struct provenance){.version = text_of(from, "version", arena),
                              .commit = text_of(from, "commit", arena),
                              .scenario_file = text_of(from, "scenario_file", arena),
                              .resolved = text_of(from, "resolved", arena),
                              .inputs = ARENA_ARRAY(arena, struct provenance_input, cJSON_GetArraySize(inputs) + 1)};
    cJSON_ArrayForEach(o, inputs)
    {
        to->inputs[to->n_inputs++] = (struct provenance_input){text_of(o, "file", arena), text_of(o, "sha256", arena)};
    }
}

static bool has_table(const cJSON *root, const char *name)
{
    const cJSON *t;
    cJSON_ArrayForEach(t, cJSON_GetObjectItemCaseSensitive(root, "tables"))
    {
        const char *its = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(t, "name"));
        if (its && !strcmp(its, name))
            return true;
    }
    return false;
}

int provenance_read(const char *json_path, struct arena *arena, struct provenance *out, struct diag *diag)
{
    char *text;
    size_t len;
    if (whole_file_read(json_path, MAX_RESULT_B, &text, &len, diag))
        return -1;
    cJSON *root = cJSON_ParseWithLength(text, len);
    take(cJSON_GetObjectItemCaseSensitive(root, "provenance"), arena, out);
    out->critical_path = has_table(root, "critical_path");
    out->what_if = has_table(root, "what_if");
    cJSON_Delete(root);
    free(text);
    if (*out->resolved)
        return 0;
    diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(json_path),
               "this is no result of 'moesim run -o' that holds its scenario (provenance.resolved)");
    return -1;
}

/* Fuzz target of the reader of results in JSON: what is accepted must write as JSON that reads and writes the same
 * again; what is refused must have a reason. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "io/results/items.h"
#include "io/results/result_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int condition)
{
    if (!condition)
        abort();
}

static char *text_of(const struct result *r)
{
    cJSON *root = cJSON_CreateObject();
    result_to_json(root, r);
    char *text = cJSON_PrintUnformatted(root);
    cJSON_Delete(root);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct result r, again;
    const char *why;
    cJSON *root = cJSON_ParseWithLength((const char *)data, size);
    if (root && result_from_json(root, arena, &r, &why) == 0) {
        struct item_list list = {.arena = arena};
        char *text = text_of(&r);
        items_of_result(&r, &list);
        cJSON *copy = cJSON_Parse(text);
        must(copy && result_from_json(copy, arena, &again, &why) == 0);
        char *same = text_of(&again);
        must(strcmp(text, same) == 0);
        cJSON_free(text);
        cJSON_free(same);
        cJSON_Delete(copy);
    } else if (root) {
        must(why != NULL);
    }
    cJSON_Delete(root);
    arena_free(arena);
    return 0;
}

/* Items of results. A row of a table is named by the texts that it begins with, where it has some, else by its number: a
 * row that is inserted then leaves the others what they were. Texts behind the first number say what came out of it (what
 * bounds a kernel, where a time is from) and are values: a row stays the same row when they change. */
#include "io/results/items.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/results/result_json.h"
#include "io/whole_file.h"

#define MAX_FILE_B ((size_t)256 << 20)

static void add(struct item_list *list, const char *key, const char *name, const char *text, double number,
                enum unit_dim dim)
{
    if (list->n == list->cap) {
        uint32_t cap = list->cap ? 2 * list->cap : 64;
        struct item *grown = ARENA_ARRAY(list->arena, struct item, cap);
        if (list->n)
            memcpy(grown, list->items, list->n * sizeof *grown);
        list->items = grown;
        list->cap = cap;
    }
    list->items[list->n++] = (struct item){key, name, text, number, dim};
}

/* --- results ------------------------------------------------------------------------------------------------------ */

/* The texts, and with `counts` the whole numbers (GPUs, a group's size), that the row begins with. */
static const char *label_of(const struct result_table *t, uint32_t row, bool counts, struct arena *arena)
{
    const char *label = "";
    for (uint32_t c = 0; c < t->n_columns; c++) {
        const struct result_cell *cell = &t->cells[(size_t)row * t->n_columns + c];
        if (!t->columns[c].is_text && !(counts && t->columns[c].dim == DIM_COUNT))
            break;
        const char *text = t->columns[c].is_text ? cell->text : arena_printf(arena, "%.17g", cell->value);
        label = arena_printf(arena, "%s%s%s", label, *label ? ", " : "", text);
    }
    return label;
}

static bool label_rows(const struct result_table *t, bool counts, const char **labels, struct arena *arena)
{
    bool unique = true;
    for (uint32_t i = 0; i < t->n_rows; i++) {
        labels[i] = label_of(t, i, counts, arena);
        unique = unique && *labels[i];
        for (uint32_t k = 0; k < i && unique; k++)
            unique = strcmp(labels[i], labels[k]) != 0;
    }
    return unique;
}

/* What tells each row from the others, or its number where nothing does. */
static const char **labels_of(const struct result_table *t, struct arena *arena)
{
    const char **labels = ARENA_ARRAY(arena, const char *, t->n_rows + 1);
    if (label_rows(t, false, labels, arena) || label_rows(t, true, labels, arena))
        return labels;
    for (uint32_t i = 0; i < t->n_rows; i++)
        labels[i] = arena_printf(arena, *labels[i] ? "%u: %s" : "%u", i + 1, labels[i]);
    return labels;
}

static void add_table(const struct result_table *t, struct item_list *out)
{
    const char **labels = labels_of(t, out->arena);
    for (uint32_t row = 0; row < t->n_rows; row++)
        for (uint32_t c = 0; c < t->n_columns; c++) {
            const struct result_column *column = &t->columns[c];
            const struct result_cell *cell = &t->cells[(size_t)row * t->n_columns + c];
            add(out, arena_printf(out->arena, "%s[%s].%s", t->name, labels[row], column->name), column->name,
                column->is_text ? cell->text : NULL, cell->value, column->dim);
        }
}

static void add_phase(const struct result_phase *p, struct item_list *out)
{
    add(out, arena_printf(out->arena, "phase %s, layer %d, %s", p->name, p->layer, p->lane), p->name, NULL,
        p->simulated_s, DIM_TIME);
}

void items_of_result(const struct result *r, struct item_list *out)
{
    for (uint32_t i = 0; i < r->n_metrics; i++)
        add(out, arena_printf(out->arena, "metric %s", r->metrics[i].name), r->metrics[i].name, NULL,
            r->metrics[i].value, r->metrics[i].dim);
    for (uint32_t i = 0; i < r->n_parts; i++)
        add(out, arena_printf(out->arena, "part %s", r->parts[i].name), r->parts[i].name, NULL, r->parts[i].value_s,
            DIM_TIME);
    for (uint32_t i = 0; i < r->n_phases; i++)
        add_phase(&r->phases[i], out);
    for (uint32_t i = 0; i < r->n_tables; i++)
        add_table(&r->tables[i], out);
}

/* --- JSON ------------------------------------------------------------------------------------------------------------ */

static const char *string_of(const cJSON *object, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(v) ? v->valuestring : "";
}

/* Our number and the verdict; how long it took is no result. */
static void add_claims(const cJSON *claims, struct item_list *out)
{
    const cJSON *c;
    cJSON_ArrayForEach(c, claims)
    {
        const char *id = arena_strdup(out->arena, string_of(c, "id"));
        const cJSON *ours = cJSON_GetObjectItemCaseSensitive(c, "ours");
        add(out, arena_printf(out->arena, "claim %s", id), id, NULL, cJSON_IsNumber(ours) ? ours->valuedouble : NAN,
            DIM_RATIO);
        add(out, arena_printf(out->arena, "claim %s verdict", id), id,
            arena_strdup(out->arena, string_of(c, "verdict")), NAN, DIM_RATIO);
    }
}

static int items_of_json(const cJSON *root, const char *path, struct item_list *out, struct diag *diag)
{
    const cJSON *claims = cJSON_GetObjectItemCaseSensitive(root, "claims");
    struct result result;
    const char *why;
    if (cJSON_IsArray(claims)) {
        add_claims(claims, out);
        return 0;
    }
    if (result_from_json(root, out->arena, &result, &why)) {
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(path),
                   "this is no result of 'moesim run --json', 'moesim claims --json' or 'moesim sweep': %s", why);
        return -1;
    }
    items_of_result(&result, out);
    return 0;
}

/* Line and column of a place in a text. */
static struct srcloc place_of(const char *path, const char *text, size_t len, const char *at)
{
    struct srcloc where = {.file = path, .text = text, .text_len = len, .line = 1, .column = 1};
    for (const char *c = text; at && c < at && c < text + len; c++) {
        where.column = *c == '\n' ? 1 : where.column + 1;
        where.line += *c == '\n';
    }
    return where;
}

int items_of_file(const char *json_path, struct item_list *out, struct diag *diag)
{
    char *text;
    size_t len;
    const char *end = NULL;
    if (whole_file_read(json_path, MAX_FILE_B, &text, &len, diag))
        return -1;
    cJSON *root = cJSON_ParseWithLengthOpts(text, len, &end, false);
    int failed = -1;
    if (!root)
        diag_error(diag, EXIT_BAD_INPUT, place_of(json_path, text, len, end), "this is no JSON");
    else
        failed = items_of_json(root, json_path, out, diag);
    cJSON_Delete(root);
    free(text);
    return failed;
}

/* Reading what a report shows. JSON is checked to be JSON and then passed on as it is; of a sweep's database the view
 * with a row per point (or per setting, when there are seeds) becomes JSON. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/input_files.h"
#include "io/results/report.h"
#include "io/sweepdb/sweep_db.h"

static const size_t max_file_B = (size_t)256 << 20;

/* --- files -------------------------------------------------------------------------------------------------------- */

/* Unpacks what is compressed. malloc'd and NUL-terminated, or NULL with the reason in diag. */
static char *read_all(const char *path, size_t *len, struct diag *diag)
{
    gzFile f = gzopen(path, "rb");
    input_file_opened(path);
    if (!f) {
        diag_error(diag, EXIT_IO, SRCLOC_FILE(path), "cannot open: %s", strerror(errno));
        return NULL;
    }
    size_t cap = 1 << 16;
    char *text = checked_alloc(malloc(cap));
    int got;
    *len = 0;
    while ((got = gzread(f, text + *len, (unsigned)(cap - *len - 1))) > 0) {
        *len += (size_t)got;
        if (cap - *len > 1)
            continue;
        if (cap > max_file_B)
            break;
        text = checked_alloc(realloc(text, cap *= 2));
    }
    int at_end = gzeof(f);
    gzclose(f);
    text[*len] = '\0';
    if (got == 0 && at_end)
        return text;
    if (got < 0)
        diag_error(diag, EXIT_IO, SRCLOC_FILE(path), "cannot read: %s",
                   errno ? strerror(errno) : "the compressed data are damaged");
    else
        diag_error(diag, EXIT_LIMIT, SRCLOC_FILE(path),
                   "more than %zu MB are too much for a page; a timeline of "
                   "fewer ranks is smaller",
                   max_file_B >> 20);
    free(text);
    return NULL;
}

static struct srcloc place(const char *path, const char *text, size_t len, size_t offset)
{
    struct srcloc where = {.file = path, .text = text, .text_len = len, .line = 1, .column = 1};
    for (size_t i = 0; i < offset; i++) {
        where.column = text[i] == '\n' ? 1 : where.column + 1;
        where.line += text[i] == '\n';
    }
    return where;
}

/* --- JSON --------------------------------------------------------------------------------------------------------- */

static bool is_list(const cJSON *root, const char *key)
{
    return cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(root, key));
}

static bool is_object(const cJSON *root, const char *key)
{
    return cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(root, key));
}

/* NULL when it is nothing of ours. */
static const char *kind_of(const cJSON *root)
{
    const char *kind = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "kind"));
    if (is_list(root, "traceEvents"))
        return "timeline";
    if (is_list(root, "claims"))
        return "claims";
    if (is_list(root, "columns") && is_list(root, "rows") && !kind)
        return "table";
    return is_object(root, "metrics") || cJSON_GetObjectItemCaseSensitive(root, "schema_version") ? "result" : NULL;
}

static int read_json(const char *path, char *text, size_t len, struct arena *arena, struct report_input *out,
                     struct diag *diag)
{
    const char *end = text;
    size_t before = diag_count(diag);
    cJSON *root = cJSON_ParseWithLengthOpts(text, len + 1, &end, 1);
    out->kind = cJSON_IsObject(root) ? kind_of(root) : NULL;
    if (!root)
        diag_error(diag, EXIT_BAD_INPUT, place(path, text, len, (size_t)(end - text)), "this is no JSON");
    else if (!out->kind)
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(path),
                   "this is no result of moesim; write one with 'moesim run SCENARIO -o result.json' ('moesim report "
                   "--help' lists what a report can show)");
    cJSON_Delete(root);
    if (diag_count(diag) > before)
        return -1;
    cJSON_Minify(text);
    out->json = arena_strdup(arena, text);
    return 0;
}

/* --- sweeps ------------------------------------------------------------------------------------------------------- */

static void add_cell(cJSON *to, const char *key, const struct sweep_cell *cell)
{
    if (cell->type == SWEEP_TEXT)
        cJSON_AddStringToObject(to, key, cell->text);
    else if (cell->type == SWEEP_NULL)
        cJSON_AddNullToObject(to, key);
    else
        cJSON_AddNumberToObject(to, key, cell->number);
}

/* Rows of a query as objects, for as many columns as it has. */
static int add_rows(struct sweep_db *db, const char *sql, cJSON *to, struct arena *arena, struct diag *diag)
{
    struct sweep_query q;
    int more;
    if (sweep_query_open(db, sql, arena, &q, diag))
        return -1;
    struct sweep_cell *cells = ARENA_ARRAY(arena, struct sweep_cell, q.n_columns + 1);
    while ((more = sweep_query_next(&q, cells, diag)) == 1) {
        cJSON *row = cJSON_CreateObject();
        cJSON_AddItemToArray(to, row);
        for (uint32_t i = 0; i < q.n_columns; i++)
            add_cell(row, q.columns[i], &cells[i]);
    }
    sweep_query_close(&q);
    return more;
}

/* Point, seed and the like first: the view's order, with what is known of each. */
static int add_columns(struct sweep_db *db, const char *view, cJSON *to, struct arena *arena, struct diag *diag)
{
    const char *sql = arena_printf(arena,
                                   "SELECT v.name AS name, coalesce(c.unit, '') AS unit, coalesce(c.doc, '') AS doc,"
                                   " coalesce(c.kind, '') AS kind FROM pragma_table_info('%s') v"
                                   " LEFT JOIN columns c ON c.name = v.name OR c.name || '.ci95' = v.name"
                                   " ORDER BY v.cid",
                                   view);
    return add_rows(db, sql, to, arena, diag);
}

static int read_sweep(const char *path, struct arena *arena, struct report_input *out, struct diag *diag)
{
    struct sweep_db *db = sweep_db_open(path, diag);
    if (!db)
        return -1;
    const struct sweep_about *about = sweep_db_about(db);
    const char *view = about->n_seeds > 1 ? "wide_mean" : "wide";
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "kind", "sweep");
    cJSON_AddStringToObject(root, "design", about->design);
    cJSON *p = cJSON_AddObjectToObject(root, "provenance");
    cJSON_AddStringToObject(p, "program", about->program);
    cJSON_AddStringToObject(p, "build", about->build);
    cJSON_AddStringToObject(p, "design_sha256", about->design_sha256);
    int failed = add_columns(db, view, cJSON_AddArrayToObject(root, "columns"), arena, diag) ||
                 add_rows(db, arena_printf(arena, "SELECT * FROM %s", view), cJSON_AddArrayToObject(root, "rows"),
                          arena, diag) ||
                 add_rows(db, "SELECT point, message FROM points WHERE status = 'failed' ORDER BY point",
                          cJSON_AddArrayToObject(root, "failures"), arena, diag);
    char *text = checked_alloc(cJSON_PrintUnformatted(root));
    out->kind = "sweep";
    out->json = arena_strdup(arena, text);
    cJSON_free(text);
    cJSON_Delete(root);
    sweep_db_close(db);
    return failed ? -1 : 0;
}

int report_read(const char *path, struct arena *arena, struct report_input *out, struct diag *diag)
{
    static const char sqlite_mark[] = "SQLite format 3";
    const char *slash = strrchr(path, '/');
    size_t len;
    char *text = read_all(path, &len, diag);
    if (!text)
        return -1;
    *out = (struct report_input){.file = slash ? slash + 1 : path};
    bool is_sweep = len > sizeof sqlite_mark && !memcmp(text, sqlite_mark, sizeof sqlite_mark);
    int failed = is_sweep ? read_sweep(path, arena, out, diag) : read_json(path, text, len, arena, out, diag);
    free(text);
    return failed;
}

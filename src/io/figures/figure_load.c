/* Rows for a figure, of whatever result there is. */
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "io/figures/figure.h"
#include "io/hardware.h"
#include "io/results/result_json.h"
#include "io/sweepdb/sweep_export.h"
#include "io/sweepdb/sweep_table.h"
#include "io/whole_file.h"

enum { MAX_RESULT_B = 256 << 20 };

/* --- a sweep ------------------------------------------------------------------------------------------------------- */

static int load_view(struct sweep_db *db, const char *view, struct arena *arena, struct figure_data *out,
                     struct diag *diag)
{
    const struct sweep_about *about = sweep_db_about(db);
    bool wide = !strcmp(view, "wide"), mean = !strcmp(view, "wide_mean");
    const char **show = sweep_view_columns(db, view, arena, diag);
    if (!show || sweep_table(db, view, show, arena, &out->table, diag))
        return -1;
    out->n_seeds = mean ? about->n_seeds : 0;
    out->keys = ARENA_ARRAY(arena, const char *, about->n_axes + 2);
    for (uint32_t i = 0; (wide || mean) && i < about->n_axes; i++)
        out->keys[i] = arena_strdup(arena, about->axes[i].key);
    if (wide && about->n_seeds > 1)
        out->keys[about->n_axes] = "seed";
    return 0;
}

static int load_sweep(const struct figure_question *q, struct arena *arena, struct figure_data *out, struct diag *diag)
{
    struct sweep_db *db = sweep_db_open(q->result, diag);
    if (!db)
        return -1;
    const char *view = q->view ? q->view : sweep_db_about(db)->n_seeds > 1 ? "wide_mean" : "wide";
    int failed = load_view(db, view, arena, out, diag);
    sweep_db_close(db);
    return failed;
}

/* --- JSON ---------------------------------------------------------------------------------------------------------- */

static int choose_table(const struct figure_question *q, const struct result *r, struct arena *arena,
                        struct figure_data *out, struct diag *diag)
{
    const char **names = ARENA_ARRAY(arena, const char *, r->n_tables + 1);
    for (uint32_t i = 0; i < r->n_tables; i++) {
        names[i] = r->tables[i].name;
        if (q->view ? !strcmp(q->view, names[i]) : r->n_tables == 1) {
            out->table = r->tables[i];
            return 0;
        }
    }
    if (q->view)
        report_unknown(diag, EXIT_USAGE, SRCLOC_FILE(q->result), "table", q->view, names, arena);
    else if (!r->n_tables)
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(q->result),
                   "this result has no table; a figure is drawn of a sweep, or of a run that makes one");
    else
        diag_error(diag, EXIT_USAGE, SRCLOC_FILE(q->result), "it has %u tables: write -t %s, or another", r->n_tables,
                   names[0]);
    return -1;
}

/* A run's document, or one table as pareto, search and sensitivity write it. */
static int read_document(const struct figure_question *q, const cJSON *root, struct arena *arena,
                         struct figure_data *out, struct diag *diag)
{
    struct result r;
    const char *why = "it is no JSON";
    bool is_table = cJSON_GetObjectItemCaseSensitive(root, "rows") && cJSON_GetObjectItemCaseSensitive(root, "columns");
    int failed = !root || (is_table ? result_table_from_json(root, arena, &out->table, &why)
                                    : result_from_json(root, arena, &r, &why));
    if (failed)
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(q->result),
                   "this is no result of moesim that a figure could be drawn of: %s", why);
    if (failed || is_table)
        return failed ? -1 : 0;
    return choose_table(q, &r, arena, out, diag);
}

static int load_json(const struct figure_question *q, struct arena *arena, struct figure_data *out, struct diag *diag)
{
    char *text;
    size_t len;
    if (whole_file_read(q->result, MAX_RESULT_B, &text, &len, diag))
        return -1;
    cJSON *root = cJSON_ParseWithLength(text, len);
    int failed = read_document(q, root, arena, out, diag);
    cJSON_Delete(root);
    free(text);
    return failed;
}

int figure_load(const struct figure_question *q, struct arena *arena, struct figure_data *out, struct diag *diag)
{
    static const char magic[] = "SQLite format 3";
    char head[sizeof magic] = "";
    size_t len = 0;
    *out = (struct figure_data){.path = q->result, .keys = ARENA_ARRAY(arena, const char *, 1)};
    if (whole_file_head(q->result, head, sizeof head, &len, diag))
        return -1;
    bool is_database = len == sizeof magic && !memcmp(head, magic, sizeof magic);
    return (is_database ? load_sweep : load_json)(q, arena, out, diag);
}

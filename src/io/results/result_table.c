/* One table as JSON, as CSV with units in its head, or for LaTeX. */
#include <string.h>

#include "io/csv.h"
#include "io/json_config.h"
#include "io/results/latex.h"
#include "io/results/result_json.h"
#include "io/results/writers.h"

static void put_csv(const struct result_table *t, struct outfile *f)
{
    for (uint32_t i = 0; i < t->n_columns; i++) {
        const char *unit = t->columns[i].is_text ? "" : unit_dim_si(t->columns[i].dim);
        outfile_printf(f, i ? "," : "");
        csv_text(f, t->columns[i].name);
        outfile_printf(f, *unit ? " [%s]" : "", unit);
    }
    outfile_printf(f, "\n");
    for (uint32_t row = 0; row < t->n_rows; row++)
        for (uint32_t i = 0; i < t->n_columns; i++) {
            const struct result_cell *cell = &t->cells[(size_t)row * t->n_columns + i];
            if (t->columns[i].is_text)
                csv_text(f, cell->text);
            else
                csv_number(f, cell->value);
            outfile_printf(f, i + 1 < t->n_columns ? "," : "\n");
        }
}

static void put_latex(const struct result_table *t, const char *const *notes, struct outfile *f)
{
    struct arena *arena = arena_new();
    latex_table(f, t, &(struct latex_about){.caption = t->doc, .notes = notes}, arena);
    arena_free(arena);
}

int result_write_table(const struct result_table *table, const char *const *notes, const char *path, struct diag *diag)
{
    struct outfile *f = outfile_open(path, diag);
    if (!f)
        return -1;
    if (outfile_ends_in(path, ".csv")) {
        put_csv(table, f);
    } else if (outfile_ends_in(path, ".tex")) {
        put_latex(table, notes, f);
    } else {
        cJSON *root = cJSON_CreateObject();
        table_to_json(root, table);
        json_write(root, f);
    }
    return outfile_close(f, diag);
}

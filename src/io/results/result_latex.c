/* Numbers of a result for the text of a paper: \moesim{NAME/makespan} is "128.5 ms", \moesimsources{NAME} a table of what
 * they were computed from and where that is from. NAME is the file's. A name that is not there is LaTeX's error. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/outfile.h"
#include "io/results/latex.h"
#include "io/results/writers.h"

static const char macros[] =
    "\\providecommand{\\moesim}[1]{\\ifcsname moesim@#1\\endcsname\\csname moesim@#1\\endcsname\\else"
    "\\PackageError{moesim}{There is no number '\\detokenize{#1}'}{Numbers are NAME/metric of NAME.tex.}\\fi}\n"
    "\\providecommand{\\moesimsources}[1]{\\csname moesimsources@#1\\endcsname}\n";

/* "/a/replay.tex.gz" -> "replay". */
static const char *name_of(const char *path, struct arena *arena)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    const char *end = strstr(base, ".tex");
    return arena_printf(arena, "%.*s", (int)(end ? (size_t)(end - base) : strlen(base)), base);
}

/* Four digits and a space that does not break. */
static void put_quantity(struct outfile *f, double value, enum unit_dim dim, struct arena *arena)
{
    char digits[32], text[64];
    snprintf(digits, sizeof digits, "%.4g", value);
    unit_format(strtod(digits, NULL), dim, text, sizeof text);
    char *blank = strchr(text, ' ');
    if (blank)
        *blank = '\0';
    char *e = strchr(text, 'e');
    if (e)
        outfile_printf(f, "\\ensuremath{%.*s\\times 10^{%ld}}", (int)(e - text), text, strtol(e + 1, NULL, 10));
    else
        outfile_printf(f, "\\ensuremath{%s}", text);
    if (blank) {
        outfile_printf(f, "\\,");
        latex_text(f, unit_in_print(blank + 1, arena));
    }
}

static void put_number(struct outfile *f, const char *name, const char *metric, double value, enum unit_dim dim,
                       struct arena *arena)
{
    if (!isfinite(value))
        return;
    outfile_printf(f, "\\expandafter\\def\\csname moesim@%s/%s\\endcsname{", name, metric);
    put_quantity(f, value, dim, arena);
    outfile_printf(f, "}\n");
}

/* --- sources ----------------------------------------------------------------------------------------------------- */

enum { WHAT, VALUE, SOURCE, N_COLUMNS };
static const struct result_column columns[N_COLUMNS] = {
    {"number", DIM_COUNT, "", true}, {"value", DIM_COUNT, "", true}, {"source", DIM_COUNT, "", true}};

static const struct latex_column looks[N_COLUMNS] = {[WHAT] = {.share = 0.25}, [SOURCE] = {.share = 0.5}};

static bool is_there(const struct result_table *t, const char *what, const char *value)
{
    for (uint32_t i = 0; i < t->n_rows; i++)
        if (!strcmp(t->cells[(size_t)i * N_COLUMNS + WHAT].text, what) &&
            !strcmp(t->cells[(size_t)i * N_COLUMNS + VALUE].text, value))
            return true;
    return false;
}

/* The key, the file that set it, and its words. */
static const char *source_text(const struct result_input *in, const struct scenario_file *s, struct arena *arena)
{
    const char *key = in->source ? in->source : "", *words = cfg_source(s->cfg, key);
    struct srcloc where = cfg_where(s->cfg, key);
    const char *slash = where.file ? strrchr(where.file, '/') : NULL;
    const char *place = arena_printf(arena, "%s, %s", key, slash ? slash + 1 : where.file);
    return words ? arena_printf(arena, "%s: %s", place, words) : place;
}

static void add_inputs(const struct result_metric *m, const struct scenario_file *s, struct result_table *t,
                       struct arena *arena)
{
    char text[64];
    for (uint32_t i = 0; i < m->n_inputs; i++) {
        const struct result_input *in = &m->inputs[i];
        const char *value = unit_in_print(unit_format(in->value, in->dim, text, sizeof text), arena);
        bool is_of_a_file = in->source && cfg_where(s->cfg, in->source).file;
        if (!is_of_a_file || is_there(t, in->name, value))
            continue;
        struct result_cell *row = &t->cells[(size_t)t->n_rows++ * N_COLUMNS];
        row[WHAT].text = in->name;
        row[VALUE].text = value;
        row[SOURCE].text = source_text(in, s, arena);
    }
}

static void put_sources(struct outfile *f, const struct result *r, const struct scenario_file *s, const char *name,
                        struct arena *arena)
{
    uint32_t n = 1;
    for (uint32_t i = 0; i < r->n_metrics; i++)
        n += r->metrics[i].n_inputs;
    struct result_table t = {"sources", "", columns, N_COLUMNS, NULL, 0};
    t.cells = ARENA_ARRAY(arena, struct result_cell, (size_t)n * N_COLUMNS);
    for (uint32_t i = 0; i < r->n_metrics; i++)
        add_inputs(&r->metrics[i], s, &t, arena);
    outfile_printf(f, "\\expandafter\\def\\csname moesimsources@%s\\endcsname{", name);
    if (t.n_rows) {
        const char *caption = arena_printf(arena, "What the numbers of %s are computed from", s->scenario->name);
        outfile_printf(f, "%%\n");
        latex_table(f, &t,
                    &(struct latex_about){
                        .caption = caption, .columns = looks, .label = arena_printf(arena, "%s-sources", name)},
                    arena);
    }
    outfile_printf(f, "}\n");
}

int result_write_latex(const struct result *result, const struct scenario_file *scenario, const char *path,
                       struct diag *diag)
{
    struct outfile *f = outfile_open(path, diag);
    if (!f)
        return -1;
    struct arena *arena = arena_new();
    const char *name = name_of(path, arena);
    latex_comment(f, "", arena);
    outfile_printf(f, "%s", macros);
    for (uint32_t i = 0; i < result->n_metrics; i++) {
        const struct result_metric *m = &result->metrics[i];
        put_number(f, name, m->name, m->value, m->dim, arena);
        put_number(f, name, arena_printf(arena, "%s.recorded", m->name), m->recorded, m->dim, arena);
    }
    put_sources(f, result, scenario, name, arena);
    arena_free(arena);
    return outfile_close(f, diag);
}

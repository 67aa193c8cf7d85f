#include "campaign/compare_write.h"

#include <math.h>
#include <string.h>

#include "base/outfile.h"
#include "base/units.h"
#include "io/results/latex.h"

static void put_attribute(struct outfile *f, const char *name, const char *value)
{
    outfile_printf(f, " %s=\"", name);
    outfile_escaped(f, value);
    outfile_printf(f, "\"");
}

static uint32_t count_names(const struct compare_counts *c, bool moved)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->n_names; i++)
        n += c->names[i].values > 0 && (!moved || c->names[i].moved > 0);
    return n;
}

int compare_write_junit(const struct compare_counts *counts, const char *const files[2], const char *path,
                        struct diag *diag)
{
    struct outfile *f = outfile_open(path, diag);
    if (!f)
        return -1;
    outfile_printf(f, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"moesim compare\">\n  <testsuite");
    put_attribute(f, "name", files[0]);
    outfile_printf(f, " tests=\"%u\" failures=\"%u\">\n", count_names(counts, false), count_names(counts, true));
    for (uint32_t i = 0; i < counts->n_names; i++) {
        const struct compare_name *n = &counts->names[i];
        if (!n->values)
            continue;
        outfile_printf(f, "    <testcase classname=\"compare\"");
        put_attribute(f, "name", n->name);
        if (n->moved) {
            outfile_printf(f, ">\n      <failure message=\"%u moved: ", n->moved);
            outfile_escaped(f, n->what);
            outfile_printf(f, "\"/>\n    </testcase>\n");
        } else {
            outfile_printf(f, "/>\n");
        }
    }
    outfile_printf(f, "  </testsuite>\n</testsuites>\n");
    return outfile_close(f, diag);
}

static void put_number(struct outfile *f, double value, const char *si)
{
    char text[64];
    if (!isfinite(value))
        outfile_printf(f, " |");
    else if (*si)
        outfile_printf(f, " %s |", unit_format(value, unit_dim_of_si(si), text, sizeof text));
    else
        outfile_printf(f, " %.6g |", value);
}

static void put_text(struct outfile *f, const char *text)
{
    outfile_printf(f, " ");
    for (; *text; text++)
        outfile_printf(f, *text == '|' ? "\\|" : "%c", *text);
    outfile_printf(f, " |");
}

int compare_write_markdown(const struct result_table *moved, const struct compare_counts *counts,
                           const char *const files[2], const char *path, struct diag *diag)
{
    struct outfile *f = outfile_open(path, diag);
    if (!f)
        return -1;
    outfile_printf(f, "%u of %u values moved from `%s` to `%s`.\n\n", counts->moved, counts->values, files[0],
                   files[1]);
    outfile_printf(f, "| point | value | first | second | change | remark |\n|---|---|---|---|---|---|\n");
    for (uint32_t i = 0; i < moved->n_rows; i++) {
        const struct result_cell *row = &moved->cells[(size_t)i * moved->n_columns];
        double change = row[COMPARE_CHANGE].value;
        outfile_printf(f, "|");
        put_text(f, row[COMPARE_POINT].text);
        put_text(f, row[COMPARE_VALUE].text);
        put_number(f, row[COMPARE_FIRST].value, row[COMPARE_UNIT].text);
        put_number(f, row[COMPARE_SECOND].value, row[COMPARE_UNIT].text);
        outfile_printf(f, isfinite(change) ? " %+.3g %% |" : " |", 100 * change);
        put_text(f, row[COMPARE_REMARK].text);
        outfile_printf(f, "\n");
    }
    return outfile_close(f, diag);
}

/* --- LaTeX ------------------------------------------------------------------------------------------------------- */

enum { POINT, VALUE, FIRST, SECOND, UNIT, CHANGE, REMARK, N_COLUMNS, DIGITS = 6 };

static const struct result_column columns[N_COLUMNS] = {
    {"point", DIM_COUNT, "", true},  {"value", DIM_COUNT, "", true}, {"first", DIM_COUNT, "", true},
    {"second", DIM_COUNT, "", true}, {"unit", DIM_COUNT, "", true},  {"change", DIM_RATIO, "", false},
    {"remark", DIM_COUNT, "", true}};
static const struct latex_column looks[N_COLUMNS] = {
    [FIRST] = {.point = true}, [SECOND] = {.point = true}, [CHANGE] = {.unit = "%", .scale = 0.01}};

/* Both in one unit, which the larger one makes. */
static void fill_row(const struct result_cell *from, struct result_cell *to, struct arena *arena)
{
    double pair[2] = {from[COMPARE_FIRST].value, from[COMPARE_SECOND].value}, scale = 1;
    const char *si = from[COMPARE_UNIT].text;
    to[POINT].text = from[COMPARE_POINT].text;
    to[VALUE].text = from[COMPARE_VALUE].text;
    double largest = fmax(isfinite(pair[0]) ? fabs(pair[0]) : 0, isfinite(pair[1]) ? fabs(pair[1]) : 0);
    to[UNIT].text = *si ? unit_in_print(unit_scale(largest, unit_dim_of_si(si), false, &scale), arena) : "";
    for (int i = 0; i < 2; i++)
        to[FIRST + i].text = isfinite(pair[i]) ? arena_printf(arena, "%.*g", DIGITS, pair[i] / scale) : "";
    to[CHANGE].value = from[COMPARE_CHANGE].value;
    to[REMARK].text = from[COMPARE_REMARK].text;
}

/* Single results have no points. */
static uint32_t first_column(const struct result_table *moved)
{
    return moved->n_rows && *moved->cells[COMPARE_POINT].text ? POINT : VALUE;
}

int compare_write_latex(const struct result_table *moved, const struct compare_counts *counts,
                        const char *const files[2], const char *path, struct diag *diag)
{
    struct outfile *f = outfile_open(path, diag);
    if (!f)
        return -1;
    struct arena *arena = arena_new();
    uint32_t skipped = first_column(moved), n = N_COLUMNS - skipped;
    struct result_table t = {"compare", "", columns + skipped, n, NULL, moved->n_rows};
    t.cells = ARENA_ARRAY(arena, struct result_cell, (size_t)moved->n_rows * n + N_COLUMNS);
    struct result_cell row[N_COLUMNS];
    for (uint32_t i = 0; i < moved->n_rows; i++) {
        fill_row(&moved->cells[(size_t)i * moved->n_columns], row, arena);
        memcpy(&t.cells[(size_t)i * n], row + skipped, n * sizeof *row);
    }
    const char *caption =
        arena_printf(arena, "%u of %u values moved from %s to %s", counts->moved, counts->values, files[0], files[1]);
    latex_table(f, &t, &(struct latex_about){.caption = caption, .columns = looks + skipped}, arena);
    arena_free(arena);
    return outfile_close(f, diag);
}

/* A table for LaTeX. Rules and their spaces are those of booktabs (S. Fear, "Publication quality tables in LaTeX"); numbers
 * of a column have one unit and as many decimals, so that they align when set to the right. */
#include <math.h>
#include <string.h>

#include "base/build_id.h"
#include "config.h"
#include "io/results/latex_number.h"

enum { ROWS_OF_A_PAGE = 40, LONG_TEXT = 40 };

struct latex {
    struct outfile *f;
    const struct result_table *table;
    const struct latex_about *about;
    const struct latex_column *columns;
    struct number_style *styles; /* by column */
    struct arena *arena;
    bool is_long;
};

static const struct result_cell *cell(const struct latex *l, uint32_t row, uint32_t column)
{
    return &l->table->cells[(size_t)row * l->table->n_columns + column];
}

static bool has_interval(const struct latex *l, uint32_t i)
{
    const struct result_column *c = l->table->columns;
    size_t n = strlen(c[i].name);
    return i + 1 < l->table->n_columns && !c[i].is_text && !strncmp(c[i + 1].name, c[i].name, n) &&
           !strcmp(c[i + 1].name + n, ".ci95");
}

/* The column behind this one. */
static uint32_t next(const struct latex *l, uint32_t i)
{
    return i + (has_interval(l, i) ? 2 : 1);
}

/* In LaTeX's columns: number and interval, or what stands before and behind the point. */
static uint32_t width(const struct latex *l, uint32_t i)
{
    return has_interval(l, i) || l->columns[i].point ? 2 : 1;
}

static bool has_long_text(const struct latex *l, uint32_t column)
{
    for (uint32_t row = 0; row < l->table->n_rows; row++)
        if (strlen(cell(l, row, column)->text) > LONG_TEXT)
            return true;
    return false;
}

static void find_styles(struct latex *l)
{
    const struct result_table *t = l->table;
    l->styles = ARENA_ARRAY(l->arena, struct number_style, t->n_columns);
    for (uint32_t i = 0; i < t->n_columns; i++)
        if (!t->columns[i].is_text)
            l->styles[i] = number_style(t->cells + i, has_interval(l, i) ? t->cells + i + 1 : NULL, t->n_rows,
                                        t->n_columns, t->columns[i].dim, &l->columns[i]);
}

/* --- head ---------------------------------------------------------------------------------------------------------- */

static void put_layout(const struct latex *l)
{
    outfile_printf(l->f, "{@{}");
    for (uint32_t i = 0; i < l->table->n_columns; i = next(l, i))
        if (width(l, i) == 2)
            outfile_printf(l->f, "r@{}l");
        else if (!l->table->columns[i].is_text)
            outfile_printf(l->f, "r");
        else if (has_long_text(l, i))
            outfile_printf(l->f, ">{\\raggedright\\arraybackslash}p{%g\\linewidth}",
                           l->columns[i].share > 0 ? l->columns[i].share : 0.3);
        else
            outfile_printf(l->f, "l");
    outfile_printf(l->f, "@{}}\n");
}

static bool same_group(const struct latex *l, uint32_t i, uint32_t k)
{
    return k < l->table->n_columns && l->columns[i].group && l->columns[k].group &&
           !strcmp(l->columns[i].group, l->columns[k].group);
}

/* Heads of groups, and the rules below them. */
static void put_groups(const struct latex *l)
{
    const char *rules = "";
    uint32_t at = 1, n;
    for (uint32_t i = 0, k; i < l->table->n_columns; i = k, at += n) {
        for (n = width(l, i), k = next(l, i); same_group(l, i, k); k = next(l, k))
            n += width(l, k);
        outfile_printf(l->f, i ? " & " : "");
        if (!l->columns[i].group) {
            outfile_printf(l->f, n == 2 ? "\\multicolumn{2}{c}{}" : "");
            continue;
        }
        outfile_printf(l->f, "\\multicolumn{%u}{c}{", n);
        latex_text(l->f, l->columns[i].group);
        outfile_printf(l->f, "}");
        rules = arena_printf(l->arena, "%s\\cmidrule(lr){%u-%u}", rules, at, at + n - 1);
    }
    outfile_printf(l->f, " \\\\\n%s\n", rules);
}

static bool any_group(const struct latex *l)
{
    for (uint32_t i = 0; i < l->table->n_columns; i++)
        if (l->columns[i].group)
            return true;
    return false;
}

static void put_name(const struct latex *l, uint32_t i)
{
    const struct result_column *c = &l->table->columns[i];
    const char *unit = c->is_text ? "" : l->styles[i].unit;
    latex_text(l->f, l->columns[i].head ? l->columns[i].head : words_of_key(c->name, l->arena));
    if (*unit) {
        outfile_printf(l->f, " [");
        latex_text(l->f, unit_in_print(unit, l->arena));
        outfile_printf(l->f, "]");
    }
}

static void put_head(const struct latex *l)
{
    outfile_printf(l->f, "\\toprule\n");
    if (any_group(l))
        put_groups(l);
    for (uint32_t i = 0; i < l->table->n_columns; i = next(l, i)) {
        outfile_printf(l->f, i ? " & " : "");
        if (width(l, i) == 2)
            outfile_printf(l->f, "\\multicolumn{2}{c}{");
        put_name(l, i);
        outfile_printf(l->f, width(l, i) == 2 ? "}" : "");
    }
    outfile_printf(l->f, " \\\\\n\\midrule\n");
}

/* --- caption ------------------------------------------------------------------------------------------------------- */

static const char *label_of(const struct latex *l)
{
    char *label = arena_strdup(l->arena, l->about->label ? l->about->label : l->table->name);
    for (char *p = label; *p; p++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-:.", *p))
            *p = '-';
    return label;
}

static void put_caption(const struct latex *l)
{
    outfile_printf(l->f, "\\caption{");
    latex_text(l->f, l->about->caption);
    outfile_printf(l->f, ". " PACKAGE_NAME " " PACKAGE_VERSION);
    if (*command_line) {
        outfile_printf(l->f, ": ");
        latex_code(l->f, command_line);
    }
    outfile_printf(l->f, "}\n\\label{tab:%s}", label_of(l));
    outfile_printf(l->f, l->is_long ? " \\\\\n" : "\n");
}

/* One line, whatever is in it. */
static void put_comment(struct outfile *f, char *line)
{
    for (char *p = line; *p; p++)
        if ((unsigned char)*p < ' ')
            *p = '?';
    outfile_printf(f, "%% %s\n", line);
}

void latex_comment(struct outfile *f, const char *packages, struct arena *arena)
{
    const char *build = *build_commit ? arena_printf(arena, " (%s)", build_commit) : "";
    put_comment(f, arena_printf(arena, "made by " PACKAGE_NAME " " PACKAGE_VERSION "%s: %s", build, command_line));
    if (*packages)
        outfile_printf(f, "%% needs \\usepackage{%s}\n", packages);
}

/* --- rows ---------------------------------------------------------------------------------------------------------- */

static void put_number(const struct latex *l, uint32_t row, uint32_t i)
{
    outfile_printf(l->f, "%s", number_text(cell(l, row, i)->value, &l->styles[i], l->arena));
    if (!has_interval(l, i))
        return;
    double half = cell(l, row, i + 1)->value;
    outfile_printf(l->f, "&");
    if (isfinite(half))
        outfile_printf(l->f, "${}\\pm{}$%s", number_text(half, &l->styles[i], l->arena));
}

/* "-1.25" -> "-1&.25". */
static void put_split(const struct latex *l, const char *text)
{
    size_t n = strcspn(text, ".");
    bool negative = *text == '-' && n > 1;
    outfile_printf(l->f, negative ? "\\ensuremath{-}" : "");
    latex_text(l->f, arena_printf(l->arena, "%.*s", (int)(n - negative), text + negative));
    outfile_printf(l->f, "&");
    latex_text(l->f, text + n);
}

static void put_row(const struct latex *l, uint32_t row)
{
    for (uint32_t i = 0; i < l->table->n_columns; i = next(l, i)) {
        outfile_printf(l->f, i ? " & " : "");
        if (l->columns[i].point)
            put_split(l, cell(l, row, i)->text);
        else if (l->table->columns[i].is_text)
            latex_text(l->f, cell(l, row, i)->text);
        else
            put_number(l, row, i);
    }
    outfile_printf(l->f, " \\\\\n");
}

static void put_float(const struct latex *l)
{
    outfile_printf(l->f, "\\begin{table}[htbp]\n\\centering\\small\n");
    put_caption(l);
    outfile_printf(l->f, "\\begin{tabular}");
    put_layout(l);
    put_head(l);
    for (uint32_t row = 0; row < l->table->n_rows; row++)
        put_row(l, row);
    outfile_printf(l->f, "\\bottomrule\n\\end{tabular}\n\\end{table}\n");
}

static void put_pages(const struct latex *l)
{
    outfile_printf(l->f, "{\\small\n\\begin{longtable}");
    put_layout(l);
    put_caption(l);
    put_head(l);
    outfile_printf(l->f, "\\endfirsthead\n");
    put_head(l);
    outfile_printf(l->f, "\\endhead\n\\bottomrule\n\\endfoot\n");
    for (uint32_t row = 0; row < l->table->n_rows; row++)
        put_row(l, row);
    outfile_printf(l->f, "\\end{longtable}}\n");
}

static const char *packages(const struct latex *l)
{
    bool wraps = false;
    for (uint32_t i = 0; i < l->table->n_columns; i++)
        wraps |= l->table->columns[i].is_text && !l->columns[i].point && has_long_text(l, i);
    return arena_printf(l->arena, "booktabs%s%s", wraps ? ",array" : "", l->is_long ? ",longtable" : "");
}

void latex_table(struct outfile *f, const struct result_table *table, const struct latex_about *about,
                 struct arena *arena)
{
    struct latex l = {.f = f, .table = table, .about = about, .arena = arena};
    l.columns = about->columns ? about->columns : ARENA_ARRAY(arena, struct latex_column, table->n_columns);
    l.is_long = table->n_rows > ROWS_OF_A_PAGE;
    find_styles(&l);
    latex_comment(f, packages(&l), arena);
    for (const char *const *note = about->notes; note && *note; note++)
        put_comment(f, arena_printf(arena, "all rows: %s", *note));
    if (l.is_long)
        put_pages(&l);
    else
        put_float(&l);
}

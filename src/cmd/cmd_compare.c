/* moesim compare FIRST SECOND: what moved between two results. */
#include <argp.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/outfile.h"
#include "base/units.h"
#include "cmd/cmd.h"
#include "io/results/writers.h"
#include "campaign/compare.h"
#include "campaign/compare_write.h"
#include "kinds/result_build.h"

enum { KEY_JSON = 256, KEY_IGNORE, KEY_WORSE, KEY_LOWER, KEY_HIGHER, SHOWN_ROWS = 50 };

struct options {
    const char *files[2], *out, **ignored; /* NULL-terminated */
    struct compare_tolerance *tolerances;
    struct compare_direction *directions;
    uint32_t n_files, n_tolerances, n_ignored, n_directions;
    bool json, latex, all, worse_only;
};

static const struct argp_option argp_options[] = {
    {"tolerance", 't', "[NAME=]SIZE", OPTION_LIST,
     "numbers that differ by less have not moved: '1 %', 'makespan=0.5 %' for "
     "one metric, column or claim, 'tpot=0.2 ms' for an absolute size. Shares are of the first value, as the column "
     "'change' (default: 1e-9)",
     0},
    {"worse-only", KEY_WORSE, NULL, 0,
     "only what got worse, or is gone, counts: times, bytes, energies and money that rose, rates that fell", 0},
    {"lower-is-better", KEY_LOWER, "NAME", OPTION_LIST, "for --worse-only: of a metric, column or claim", 0},
    {"higher-is-better", KEY_HIGHER, "NAME", OPTION_LIST, "the other way", 0},
    {"ignore", KEY_IGNORE, "NAME", OPTION_LIST, "leave a metric, column or claim out", 0},
    {"all", 'a', NULL, 0, "print every row that moved (default: the first 50)", 0},
    {"output", 'o', "FILE", 0,
     "write the rows to FILE (.json, .csv), a test per name (.xml, JUnit), or a page (.md, .tex); .gz compresses", 0},
    {"json", KEY_JSON, NULL, 0, "print JSON instead of text", 0},
    {"format", 'f', "FORMAT", 0, "text, json or latex (a table with booktabs)", 0},
    {0}};

/* 'SIZE' as a ratio, else in whichever unit it has. */
static bool read_size(const char *text, struct compare_tolerance *t, char *why, size_t why_size)
{
    char ignored[512];
    t->absolute = NAN;
    if (!unit_parse(text, strlen(text), DIM_RATIO, &t->ratio, why, why_size))
        return true;
    for (t->dim = DIM_TIME; t->dim < DIM_N; t->dim++)
        if (!unit_parse(text, strlen(text), t->dim, &t->absolute, ignored, sizeof ignored))
            return true;
    return false;
}

static void add_tolerance(struct options *o, char *arg, struct argp_state *state)
{
    char *equals = strchr(arg, '='), why[512];
    struct compare_tolerance *t = &o->tolerances[o->n_tolerances++];
    const char *number = equals ? equals + 1 : arg;
    if (equals)
        *equals = '\0';
    t->name = equals ? arg : NULL;
    if (!read_size(number, t, why, sizeof why))
        argp_error(state, "-t: %s", why);
    else if (!isnan(t->absolute) && !t->name)
        argp_error(state, "-t: '%s' has a unit, so it needs a name: -t NAME='%s'", number, number);
    else if (t->ratio < 0 || t->absolute < 0)
        argp_error(state, "-t: '%s' is below 0", number);
    else if (isnan(t->absolute) && option_lacks_percent(number, t->ratio))
        argp_error(state, "-t: '%s' is %g times the value; write '%s %%'", number, t->ratio, number);
}

static void add_direction(struct options *o, const char *name, enum compare_better better)
{
    o->directions[o->n_directions++] = (struct compare_direction){name, better};
}

static void set_format(struct options *o, const char *word, struct argp_state *state)
{
    static const char *const words[] = {"text", "json", "latex", NULL};
    int format = option_word(word, words, "output format", state);
    o->json = format == 1;
    o->latex = format == 2;
}

static const char *output_file(const char *path, struct argp_state *state)
{
    bool own = outfile_ends_in(path, ".xml") || outfile_ends_in(path, ".md");
    return own ? path : option_table_file(path, state);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 't':
        add_tolerance(o, arg, state);
        return 0;
    case KEY_IGNORE:
        o->ignored[o->n_ignored++] = arg;
        return 0;
    case 'a':
        o->all = true;
        return 0;
    case 'o':
        o->out = output_file(arg, state);
        return 0;
    case KEY_WORSE:
        o->worse_only = true;
        return 0;
    case KEY_LOWER:
        add_direction(o, arg, COMPARE_LOWER);
        return 0;
    case KEY_HIGHER:
        add_direction(o, arg, COMPARE_HIGHER);
        return 0;
    case 'f':
        set_format(o, arg, state);
        return 0;
    case KEY_JSON:
        o->json = true;
        return 0;
    case ARGP_KEY_ARG:
        if (o->n_files == 2)
            argp_error(state, "two results are compared; '%s' is a third one", arg);
        o->files[o->n_files++] = arg;
        return 0;
    case ARGP_KEY_END:
        if (o->n_directions && !o->worse_only)
            argp_error(state, "--lower-is-better and --higher-is-better say something to --worse-only only");
        if (o->all && (o->out || o->json))
            argp_error(state, "--all is about what is printed as text; -o and --json have every row");
        if (o->out && o->json)
            argp_error(state, "either --json, which is printed, or -o FILE.json");
        if (o->n_files < 2)
            argp_error(state, "which two results? For example:\n  moesim compare before.json after.json -t '1 %%'");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    argp_options,
    parse_option,
    "FIRST SECOND",
    "Compares two results value by value: JSON of 'moesim run' or 'moesim claims', or databases of 'moesim sweep', "
    "whose points are matched by the values of their axes.\v"
    "Exit code 0: nothing moved; 1: something moved, or is in one of them only (--worse-only: got worse, or is gone).",
    NULL,
    NULL,
    NULL};

/* --- for people: values with their units, the change in per cent ------------------------------------------------------ */

static const struct result_column text_columns[] = {{"point", DIM_COUNT, "", true},  {"value", DIM_COUNT, "", true},
                                                    {"first", DIM_COUNT, "", true},  {"second", DIM_COUNT, "", true},
                                                    {"change", DIM_COUNT, "", true}, {"remark", DIM_COUNT, "", true}};

enum { N_TEXT_COLUMNS = sizeof text_columns / sizeof *text_columns };

/* Six digits: small moves should show. */
static const char *value_text(double value, const char *si, struct arena *arena)
{
    char six[32], with_unit[64];
    if (!isfinite(value))
        return "-";
    snprintf(six, sizeof six, "%.6g", value);
    return *si ? arena_strdup(arena, unit_format(strtod(six, NULL), unit_dim_of_si(si), with_unit, sizeof with_unit))
               : arena_strdup(arena, six);
}

static void print_rows(const struct result_table *table, struct arena *arena)
{
    struct result holder = {0};
    uint32_t skipped = *table->cells[0].text ? 0 : 1; /* single results have no points */
    struct result_table *t = result_add_table(&holder, arena, table->name, table->doc, text_columns + skipped,
                                              N_TEXT_COLUMNS - skipped, table->n_rows);
    for (uint32_t i = 0; i < table->n_rows; i++) {
        const struct result_cell *row = &table->cells[(size_t)i * table->n_columns];
        struct result_cell *cell = result_add_row(t) - skipped;
        const char *unit = row[COMPARE_UNIT].text;
        double change = row[COMPARE_CHANGE].value;
        if (!skipped)
            cell[0].text = row[COMPARE_POINT].text;
        cell[1].text = row[COMPARE_VALUE].text;
        cell[2].text = value_text(row[COMPARE_FIRST].value, unit, arena);
        cell[3].text = value_text(row[COMPARE_SECOND].value, unit, arena);
        cell[4].text = isfinite(change) ? arena_printf(arena, "%+.3g %%", 100 * change) : "-";
        cell[5].text = row[COMPARE_REMARK].text;
    }
    result_print_table(t, stdout);
}

static void tell_largest(const struct compare_counts *n)
{
    if (n->largest_ratio > 0)
        printf(", at most by %.3g %%", 100 * n->largest_ratio);
    if (n->from_zero)
        printf(", %u from 0", n->from_zero);
    printf("\n");
}

static void report(const struct options *o, struct result_table *table, const struct compare_counts *n,
                   struct arena *arena, struct diag *diag)
{
    uint32_t rows = table->n_rows;
    bool for_people = !o->json && !(o->latex && !o->out);
    if (!o->out && for_people && !o->all && rows > SHOWN_ROWS)
        table->n_rows = SHOWN_ROWS;
    if (o->out && outfile_ends_in(o->out, ".xml"))
        compare_write_junit(n, o->files, o->out, diag);
    else if (o->out && outfile_ends_in(o->out, ".md"))
        compare_write_markdown(table, n, o->files, o->out, diag);
    else if (o->latex || (o->out && outfile_ends_in(o->out, ".tex")))
        compare_write_latex(table, n, o->files, o->out ? o->out : "-", diag);
    else if (o->out || o->json)
        print_table(table, NULL, o->out, o->json, diag);
    else if (rows)
        print_rows(table, arena);
    if (table->n_rows < rows)
        printf("... and %u more rows; --all prints them\n", rows - table->n_rows);
    if (for_people)
        printf("%s%u of %u values moved%s", rows && !o->out ? "\n" : "", n->moved, n->values, n->moved ? "" : "\n");
    if (for_people && n->moved)
        tell_largest(n);
    if (for_people && (n->only_first || n->only_second))
        printf("%u are only in the first, %u only in the second\n", n->only_first, n->only_second);
    if (for_people && n->left_aside)
        printf("%u more moved for the better, or are new\n", n->left_aside);
    if (rows)
        diag_exit(diag, EXIT_NO);
}

int cmd_compare(int argc, char **argv)
{
    struct options o = {.tolerances = checked_alloc(calloc((size_t)argc, sizeof *o.tolerances)),
                        .directions = checked_alloc(calloc((size_t)argc, sizeof *o.directions)),
                        .ignored = checked_alloc(calloc((size_t)argc + 1, sizeof *o.ignored))};
    options_parse(&argp, argc, argv, &o);
    struct compare_options options = {.tolerances = o.tolerances,
                                      .n_tolerances = o.n_tolerances,
                                      .ignored = o.ignored,
                                      .tolerance = 1e-9,
                                      .worse_only = o.worse_only,
                                      .directions = o.directions,
                                      .n_directions = o.n_directions};
    struct compare_counts counts;
    struct diag *diag = diag_new();
    struct arena *arena = arena_new();
    struct result_table *table = compare_results(o.files[0], o.files[1], &options, arena, &counts, diag);
    if (table)
        report(&o, table, &counts, arena, diag);
    diag_print(diag, stderr);
    int code = diag_exit_code(diag);
    arena_free(arena);
    diag_free(diag);
    free(o.tolerances);
    free(o.directions);
    free(o.ignored);
    return finish_stdout(code);
}

/* moesim export RESULT: a table of a sweep's result as CSV, JSON or LaTeX. */
#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include "base/outfile.h"
#include "cmd/cmd.h"
#include "io/sweepdb/sweep_export.h"

enum { KEY_SHOW = 256 };

struct options {
    const char *file, **show; /* NULL-terminated */
    int n_show;
    bool has_format;
    struct sweep_export_options to;
};

static const struct argp_option argp_options[] = {
    {"format", 'f', "FORMAT", 0,
     "csv, json or latex (a table with booktabs, units in the head, means with their intervals); default: by FILE", 0},
    {"output", 'o', "FILE", 0,
     "write to FILE: .json makes JSON, .tex LaTeX, everything else CSV; .gz compresses (default: CSV on "
     "standard output)",
     0},
    {"show", KEY_SHOW, "NAME", OPTION_LIST,
     "this column only, of a row per point or setting beside the axes; may be given several times (default: all, in "
     "LaTeX "
     "the first four metrics)",
     0},
    {"table", 't', "NAME", 0,
     "a table or view of the database: wide (default: a row per point), wide_mean (a row "
     "per setting, means over seeds; default in LaTeX of several seeds), metrics, tables, table_NAME, summary, points, "
     "resolved, ...",
     0},
    {0}};

static enum sweep_export_format format_of(const char *word, struct argp_state *state)
{
    static const char *const words[] = {"csv", "json", "latex", NULL};
    return (enum sweep_export_format)option_word(word, words, "output format", state);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 'o':
        o->to.path = arg;
        return 0;
    case 't':
        o->to.view = arg;
        return 0;
    case KEY_SHOW:
        o->show[o->n_show++] = arg;
        o->to.show = o->show;
        return 0;
    case 'f':
        o->to.format = format_of(arg, state);
        o->has_format = true;
        return 0;
    case ARGP_KEY_ARG:
        if (o->file)
            argp_error(state, "one result at a time; '%s' is a second one", arg);
        o->file = arg;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which result? For example:\n  moesim export result.sqlite -o result.csv");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    argp_options, parse_option, "RESULT", "Writes a table of the result of 'moesim sweep' as CSV, JSON or LaTeX.",
    NULL,         NULL,         NULL};

int cmd_export(int argc, char **argv)
{
    struct options o = {.to.path = "-", .show = checked_alloc(calloc((size_t)argc + 1, sizeof *o.show))};
    options_parse(&argp, argc, argv, &o);
    if (!o.has_format)
        o.to.format = outfile_ends_in(o.to.path, ".json")  ? EXPORT_JSON
                      : outfile_ends_in(o.to.path, ".tex") ? EXPORT_LATEX
                                                           : EXPORT_CSV;
    struct diag *diag = diag_new();
    struct sweep_db *db = sweep_db_open(o.file, diag);
    if (db)
        sweep_export(db, &o.to, diag);
    sweep_db_close(db);
    diag_print(diag, stderr);
    int code = diag_exit_code(diag);
    diag_free(diag);
    free(o.show);
    return finish_stdout(code);
}

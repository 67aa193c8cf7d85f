/* moesim export RESULT: a table of a sweep's result as CSV or JSON. */
#include <argp.h>

#include "cmd/cmd.h"
#include "io/sweepdb/sweep_export.h"

struct options {
    const char *file, *out, *table;
};

static const struct argp_option argp_options[] = {
    {"output", 'o', "FILE", 0,
     "write to FILE: .json makes JSON, everything else CSV; .gz compresses (default: CSV on "
     "standard output)",
     0},
    {"table", 't', "NAME", 0,
     "a table or view of the database: wide (default: a row per point), wide_mean (a row "
     "per setting, means over seeds), metrics, tables, table_NAME, summary, points, resolved, ...",
     0},
    {0}};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 'o':
        o->out = arg;
        return 0;
    case 't':
        o->table = arg;
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
    argp_options, parse_option, "RESULT", "Writes a table of the result of 'moesim sweep' as CSV or JSON.",
    NULL,         NULL,         NULL};

int cmd_export(int argc, char **argv)
{
    struct options o = {.out = "-", .table = "wide"};
    options_parse(&argp, argc, argv, &o);
    struct diag *diag = diag_new();
    struct sweep_db *db = sweep_db_open(o.file, diag);
    if (db)
        sweep_export(db, o.table, o.out, diag);
    sweep_db_close(db);
    diag_print(diag, stderr);
    int code = diag_exit_code(diag);
    diag_free(diag);
    return finish_stdout(code);
}

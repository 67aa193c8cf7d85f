/* moesim sensitivity RESULT: Morris' elementary effects or Sobol indices of a sweep. */
#include <argp.h>
#include <stdlib.h>

#include "cmd/cmd.h"
#include "io/sweepdb/sweep_export.h"
#include "campaign/sensitivity.h"

enum { KEY_JSON = 256 };

struct options {
    const char *file, *out, **metrics; /* NULL-terminated */
    int n_metrics;
    bool json;
};

static const struct argp_option argp_options[] = {
    {"metric", 'm', "NAME", OPTION_LIST, "of this metric (default: of all)", 0},
    {"output", 'o', "FILE", 0, "write to FILE (.json, .csv, .tex; .gz compresses)", 0},
    {"json", KEY_JSON, NULL, 0, "print JSON instead of text", 0},
    {0}};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 'm':
        o->metrics[o->n_metrics++] = arg;
        return 0;
    case 'o':
        o->out = option_table_file(arg, state);
        return 0;
    case KEY_JSON:
        o->json = true;
        return 0;
    case ARGP_KEY_ARG:
        if (o->file)
            argp_error(state, "one result at a time; '%s' is a second one", arg);
        o->file = arg;
        return 0;
    case ARGP_KEY_END:
        if (o->out && o->json)
            argp_error(state, "either --json, which is printed, or -o FILE.json");
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which result? For example, after\n"
                          "  moesim sweep SCENARIO -a KEY=RANGE -a KEY=RANGE --sample morris:20 -o result.sqlite\n"
                          "  moesim sensitivity result.sqlite");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    argp_options,
    parse_option,
    "RESULT",
    "Tells which axes of a sweep matter for a metric: elementary effects of a sweep with --sample morris:N, Sobol "
    "indices of one with --sample saltelli:N.",
    NULL,
    NULL,
    NULL};

int cmd_sensitivity(int argc, char **argv)
{
    struct options o = {.metrics = checked_alloc(calloc((size_t)argc + 1, sizeof *o.metrics))};
    options_parse(&argp, argc, argv, &o);
    struct diag *diag = diag_new();
    struct arena *arena = arena_new();
    struct sweep_db *db = sweep_db_open(o.file, diag);
    const struct result_table *table = db ? sensitivity_table(db, o.n_metrics ? o.metrics : NULL, arena, diag) : NULL;
    if (table)
        print_table(table, sweep_common_notes(db, arena, diag), o.out, o.json, diag);
    sweep_db_close(db);
    diag_print(diag, stderr);
    int code = diag_exit_code(diag);
    arena_free(arena);
    diag_free(diag);
    free(o.metrics);
    return finish_stdout(code);
}

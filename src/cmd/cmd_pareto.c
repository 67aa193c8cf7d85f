/* moesim pareto RESULT --min A --max B: the Pareto front of a sweep. */
#include <argp.h>
#include <stdlib.h>

#include "cmd/cmd.h"
#include "io/sweepdb/sweep_export.h"
#include "campaign/pareto.h"

enum { KEY_JSON = 256, KEY_MIN, KEY_MAX };

struct options {
    const char *file, *out, *where;
    struct pareto_objective *objectives;
    uint32_t n;
    bool json;
};

static const struct argp_option argp_options[] = {
    {"min", KEY_MIN, "NAME", OPTION_LIST, "a metric or axis that should be small", 0},
    {"max", KEY_MAX, "NAME", OPTION_LIST, "a metric or axis that should be large", 0},
    {"where", 'w', "EXPRESSION", 0,
     "only points for which this SQL expression over axes and metrics holds: "
     "'nodes <= 64 and tpot_bound < 20 ms'",
     0},
    {"output", 'o', "FILE", 0, "write to FILE (.json, .csv, .tex; .gz compresses)", 0},
    {"json", KEY_JSON, NULL, 0, "print JSON instead of text", 0},
    {0}};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case KEY_MIN:
    case KEY_MAX:
        o->objectives[o->n++] = (struct pareto_objective){arg, key == KEY_MAX};
        return 0;
    case 'w':
        o->where = arg;
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
        if (!o->file || !o->n)
            argp_error(state, "of which result, and what should be small or large? For example:\n"
                              "  moesim pareto result.sqlite --min tpot_bound --min cluster.nodes");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    argp_options,
    parse_option,
    "RESULT",
    "Prints the points of a sweep that no other point beats: none is better in one of the objectives without being "
    "worse in another.",
    NULL,
    NULL,
    NULL};

int cmd_pareto(int argc, char **argv)
{
    struct options o = {.objectives = checked_alloc(calloc((size_t)argc, sizeof *o.objectives))};
    options_parse(&argp, argc, argv, &o);
    struct diag *diag = diag_new();
    struct arena *arena = arena_new();
    struct sweep_db *db = sweep_db_open(o.file, diag);
    const struct result_table *table = db ? pareto_table(db, o.objectives, o.n, o.where, arena, diag) : NULL;
    if (table)
        print_table(table, sweep_common_notes(db, arena, diag), o.out, o.json, diag);
    sweep_db_close(db);
    diag_print(diag, stderr);
    int code = diag_exit_code(diag);
    arena_free(arena);
    diag_free(diag);
    free(o.objectives);
    return finish_stdout(code);
}

/* moesim merge RESULTS -o RESULT: the shards of a sweep in one database. */
#include <argp.h>
#include <stdlib.h>

#include "base/outfile.h"
#include "campaign/search.h"
#include "cmd/cmd.h"
#include "campaign/sweep.h"

struct options {
    const char **files, *out;
    int n_files;
};

static const struct argp_option argp_options[] = {
    {"output", 'o', "FILE", 0, "the result, a SQLite database; of a search .json or .csv", 0}, {0}};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 'o':
        o->out = arg;
        return 0;
    case ARGP_KEY_ARG:
        o->files[o->n_files++] = arg;
        return 0;
    case ARGP_KEY_END:
        if (!o->n_files || !o->out)
            argp_error(state, "which results, and where to? For example:\n"
                              "  moesim merge part1.sqlite part2.sqlite -o result.sqlite");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    argp_options,
    parse_option,
    "RESULT...",
    "Joins the results of 'moesim sweep --shard' to one: the same bytes as of the sweep on one machine; or those of "
    "'moesim search --shard' (JSON).",
    NULL,
    NULL,
    NULL};

int cmd_merge(int argc, char **argv)
{
    struct options o = {.files = checked_alloc(calloc((size_t)argc, sizeof *o.files))};
    options_parse(&argp, argc, argv, &o);
    struct diag *diag = diag_new();
    if (outfile_ends_in(o.files[0], ".json"))
        search_merge(o.files, o.n_files, o.out, diag);
    else
        sweep_merge(o.files, o.n_files, o.out, diag);
    diag_print(diag, stderr);
    int code = diag_exit_code(diag);
    diag_free(diag);
    free(o.files);
    return finish_stdout(code);
}

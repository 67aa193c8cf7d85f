/* moesim validate FILES: checks scenarios without running them; --print shows every
 * resolved key. */
#include <argp.h>
#include <stdlib.h>

#include "cmd/cmd.h"
#include "io/scenario.h"

enum { KEY_PRINT = 256 };

struct options {
    const char **files, **set;
    int n_files, n_set;
    bool print;
};

static const struct argp_option argp_options[] = {
    {"set", 's', "KEY=VALUE", 0,
     "change one value, for example cluster.nic.bandwidth='800 Gb/s'", 0},
    {"print", KEY_PRINT, NULL, 0,
     "print the scenario with every key resolved, as YAML that is a scenario itself",
     0},
    {0}};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 's':
        o->set[o->n_set++] = arg;
        return 0;
    case KEY_PRINT:
        o->print = true;
        return 0;
    case ARGP_KEY_ARG:
        o->files[o->n_files++] = arg;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which scenarios? For example:\n"
                          "  moesim validate scenarios/train_replay_h800.yaml");
        return 0;
    case ARGP_KEY_END:
        if (o->print && o->n_files > 1)
            argp_error(state, "--print shows one scenario; %d were given", o->n_files);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    argp_options,
    parse_option,
    "SCENARIO...",
    "Checks scenarios without running them and reports every mistake with its place.",
    NULL,
    NULL,
    NULL};

static int validate(const struct options *o, const char *file)
{
    struct arena *arena = arena_new();
    struct diag *diag = diag_new();
    struct scenario_file scenario;
    bool ok = !scenario_load(file, o->set, o->n_set, arena, &scenario, diag);
    if (ok && o->print)
        cfg_print_yaml(scenario.cfg, stdout);
    else if (ok)
        printf("%s: ok\n", file);
    fflush(stdout); /* results and messages of several files stay in order */
    diag_print(diag, stderr);
    int code = diag_exit_code(diag);
    diag_free(diag);
    arena_free(arena);
    return code;
}

int cmd_validate(int argc, char **argv)
{
    struct options o = {.files = checked_alloc(calloc((size_t)argc, sizeof *o.files)),
                        .set = checked_alloc(calloc((size_t)argc, sizeof *o.set))};
    argp_err_exit_status = EXIT_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    int code = EXIT_OK;
    /* A malformed -s is the command line's mistake, not each file's. */
    for (int i = 0; i < o.n_files && code != EXIT_USAGE; i++) {
        int one = validate(&o, o.files[i]);
        code = code ? code : one;
    }
    free(o.files);
    free(o.set);
    return finish_stdout(code);
}

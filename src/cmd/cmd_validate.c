/* moesim validate FILES: checks scenarios without running them; --print shows every
 * resolved key. */
#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include "base/data_find.h"
#include "base/outfile.h"
#include "cmd/cmd.h"
#include "io/scenario.h"
#include "io/upgrade.h"
#include "campaign/design.h"

enum { KEY_PRINT = 256, KEY_PROPOSAL, KEY_UPGRADE };

struct options {
    const char **files, **set, **proposals;
    int n_files, n_set, n_proposals;
    bool print, upgrade;
};

static const struct argp_option argp_options[] = {
    {"set", 's', "KEY=VALUE", OPTION_LIST, "change one value, for example cluster.nic.bandwidth='800 Gb/s'", 0},
    {"proposal", KEY_PROPOSAL, "NAME[:KEY=VALUE,...]", OPTION_LIST,
     "apply a proposal of the paper; several stack in order (moesim list proposals)", 0},
    {"print", KEY_PRINT, NULL, 0, "print the scenario with every key resolved, as YAML that is a scenario itself", 0},
    {"upgrade", KEY_UPGRADE, NULL, 0,
     "rewrite scenarios of an older moesim, comments kept; what it cannot decide it tells, and the file stays", 0},
    {0}};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 's':
        o->set[o->n_set++] = arg;
        return 0;
    case KEY_PROPOSAL:
        o->proposals[o->n_proposals++] = arg;
        return 0;
    case KEY_PRINT:
        o->print = true;
        return 0;
    case KEY_UPGRADE:
        o->upgrade = true;
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
        if (o->upgrade && (o->print || o->n_set || o->n_proposals))
            argp_error(state, "--upgrade rewrites files as they are, without --print, -s and --proposal");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    argp_options,  parse_option,
    "SCENARIO...", "Checks scenarios without running them and reports every mistake with its place.",
    NULL,          NULL,
    NULL};

/* A file that describes a sweep: its axes, and that its first point is a scenario. */
static bool validate_sweep(const struct options *o, const char *file, struct arena *arena, struct diag *diag)
{
    struct design design;
    struct design_points points;
    struct design_options options = {.set = o->set};
    struct scenario_file first;
    int n;
    if (o->n_proposals) {
        diag_error(diag, EXIT_USAGE, SRCLOC_FILE(file),
                   "--proposal is about scenarios, and this is a sweep; write the proposals into it, as 'proposals:'");
        return false;
    }
    if (design_load(file, &options, arena, &design, diag) || design_expand(&design, UINT32_MAX, &points, diag))
        return false;
    const char **set = design_overrides(&design, &points, 0, arena, &n);
    return !scenario_load(design.path, set, n, arena, &first, diag);
}

static int validate(const struct options *o, const char *file)
{
    struct arena *arena = arena_new();
    struct diag *diag = diag_new();
    struct scenario_file scenario;
    struct scenario_options options = {
        .overrides = o->set, .n_overrides = o->n_set, .proposals = o->proposals, .n_proposals = o->n_proposals};
    bool ok = !o->print && design_is_in(file, arena) ? validate_sweep(o, file, arena, diag)
                                                     : !scenario_load_with(file, &options, arena, &scenario, diag);
    if (ok && o->print)
        cfg_print_yaml(scenario.cfg, stdout);
    else if (ok)
        printf("%s: ok\n", data_given(file, arena)); /* it may be a shipped one */
    fflush(stdout);                                  /* results and messages of several files stay in order */
    diag_print(diag, stderr);
    int code = diag_exit_code(diag);
    diag_free(diag);
    arena_free(arena);
    return code;
}

static int write_text(const char *path, const char *text, struct diag *diag)
{
    struct outfile *f = outfile_open_over(path, diag);
    if (!f)
        return -1;
    outfile_write(f, text, strlen(text));
    return outfile_close(f, diag);
}

static int upgrade(const char *file)
{
    struct arena *arena = arena_new();
    struct diag *diag = diag_new();
    struct upgrade u;
    bool ok = !upgrade_scenario(file, arena, &u, diag);
    for (uint32_t i = 0; ok && i < u.n_changes; i++)
        printf("%s\n", u.changes[i]);
    if (ok && u.n_changes)
        write_text(file, u.text, diag);
    else if (ok)
        printf("%s: nothing to change\n", file);
    fflush(stdout);
    diag_print(diag, stderr);
    int code = diag_exit_code(diag);
    diag_free(diag);
    arena_free(arena);
    return code;
}

int cmd_validate(int argc, char **argv)
{
    struct options o = {.files = checked_alloc(calloc((size_t)argc, sizeof *o.files)),
                        .set = checked_alloc(calloc((size_t)argc, sizeof *o.set)),
                        .proposals = checked_alloc(calloc((size_t)argc, sizeof *o.proposals))};
    options_parse(&argp, argc, argv, &o);
    int code = EXIT_OK;
    /* A malformed -s is the command line's mistake, not each file's. */
    for (int i = 0; i < o.n_files && code != EXIT_USAGE; i++) {
        int one = o.upgrade ? upgrade(o.files[i]) : validate(&o, o.files[i]);
        code = code ? code : one;
    }
    free(o.files);
    free(o.set);
    free(o.proposals);
    return finish_stdout(code);
}

/* moesim reproduce RESULT.json: runs the scenario that a result holds again, and compares. */
#include <argp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/data_find.h"
#include "base/input_files.h"
#include "campaign/compare.h"
#include "cmd/cmd.h"
#include "io/results/provenance.h"
#include "io/results/writers.h"
#include "kinds/kind_run.h"
#include "kinds/what_if.h"
#include "sim/critical_path.h"

struct options {
    const char *file;
    double tolerance;
};

static const struct argp_option argp_options[] = {
    {"tolerance", 't', "SHARE", 0, "how much a value may move: '0.1 %' or 0.001 (default: 1e-9)", 0}, {0}};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 't':
        o->tolerance = option_share(arg, "--tolerance", state);
        return 0;
    case ARGP_KEY_ARG:
        if (o->file)
            argp_error(state, "one result at a time; '%s' is a second one", arg);
        o->file = arg;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which result? For example:\n"
                          "  moesim run scenarios/tpot_bound_h800.yaml -o result.json\n"
                          "  moesim reproduce result.json");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {argp_options,
                                 parse_option,
                                 "RESULT.json",
                                 "Runs the scenario that a result of 'moesim run -o' holds again and compares each "
                                 "value. Tells which input files and "
                                 "which build differ. Exit code 1 when a value moved.",
                                 NULL,
                                 NULL,
                                 NULL};

struct work {
    struct provenance then;
    const char *path, *scenario_path; /* beside which its files are looked for */
    struct arena *arena;
    struct diag *diag;
};

static int read_result(struct work *w)
{
    if (provenance_read(w->path, w->arena, &w->then, w->diag))
        return -1;
    const char *slash = strrchr(w->path, '/');
    w->scenario_path = arena_printf(w->arena, "%.*s%s (in %s)", slash ? (int)(slash - w->path) + 1 : 0, w->path,
                                    w->then.scenario_file, slash ? slash + 1 : w->path);
    return 0;
}

/* --- what differs beside the values ---------------------------------------------------------------------- */

static void tell_builds(const struct provenance *then, const struct provenance *now)
{
    if (strcmp(then->version, now->version) != 0)
        printf("version: %s then, %s now\n", then->version, now->version);
    if (strcmp(then->commit, now->commit) != 0)
        printf("commit: %s then, %s now\n", then->commit, now->commit);
}

static const char *sha_of(const struct provenance *p, const char *file)
{
    for (uint32_t i = 0; i < p->n_inputs; i++)
        if (!strcmp(p->inputs[i].file, file))
            return p->inputs[i].sha256;
    return NULL;
}

/* The scenario's own text is in the result; what it reads beside it may have changed. */
static void tell_inputs(const struct provenance *then, const struct provenance *now)
{
    for (uint32_t i = 0; i < now->n_inputs; i++) {
        const struct provenance_input *in = &now->inputs[i];
        const char *before = sha_of(then, in->file);
        if (before && strcmp(before, in->sha256) != 0 && strcmp(in->file, then->scenario_file) != 0)
            printf("input %s is not the same file\n", in->file);
    }
}

/* --- the run ------------------------------------------------------------------------------------------------ */

/* With the options of `moesim run` that added to the result. */
static int run_again(const struct work *w, const char *to)
{
    struct scenario_options options = {.text = w->then.resolved};
    struct scenario_file file;
    struct kind_run run = {.file = &file, .arena = w->arena};
    if (w->then.critical_path)
        run.critical = ARENA_NEW(w->arena, struct critical_path);
    int failed = scenario_load_with(w->scenario_path, &options, w->arena, &file, w->diag) ||
                 kind_execute(&run, w->diag) ||
                 (w->then.what_if && what_if_add(w->scenario_path, &options, &run, w->diag)) ||
                 result_write_json(&run.result, &file, to, w->diag);
    kind_run_free(&run);
    return failed ? -1 : 0;
}

static void tell_values(const struct result_table *t, const struct compare_counts *n)
{
    for (uint32_t i = 0; i < n->n_names; i++)
        if (n->names[i].moved)
            printf("%s\n", n->names[i].what);
    if (t->n_rows)
        printf("not reproduced: %u of %u values moved, %u are gone, %u new\n", n->moved, n->values, n->only_first,
               n->only_second);
    else
        printf("reproduced: %u values are the same\n", n->values);
}

static int compare(const struct work *w, const struct options *o, const char *again)
{
    struct compare_options options = {.tolerance = o->tolerance, .ignored = (const char *const[]){NULL}};
    struct compare_counts counts;
    struct result_table *t = compare_results(w->path, again, &options, w->arena, &counts, w->diag);
    if (!t)
        return -1;
    struct provenance now;
    if (provenance_read(again, w->arena, &now, w->diag))
        return -1;
    tell_builds(&w->then, &now);
    tell_inputs(&w->then, &now);
    tell_values(t, &counts);
    if (t->n_rows)
        diag_exit(w->diag, EXIT_NO);
    return 0;
}

static void reproduce(struct work *w, const struct options *o)
{
    const char *folder = getenv("TMPDIR");
    char *again = arena_strdup(w->arena, arena_printf(w->arena, "%s/moesim-XXXXXX.json", folder ? folder : "/tmp"));
    int fd = read_result(w) ? -1 : mkstemps(again, 5);
    if (fd < 0) {
        if (!diag_failed(w->diag))
            diag_error(w->diag, EXIT_IO, SRCLOC_NONE, "cannot make the temporary file '%s'", again);
        return;
    }
    close(fd);
    if (!run_again(w, again))
        compare(w, o, again);
    unlink(again);
}

int cmd_reproduce(int argc, char **argv)
{
    struct options o = {.tolerance = 1e-9};
    options_parse(&argp, argc, argv, &o);
    struct work w = {.path = o.file, .arena = arena_new(), .diag = diag_new()};
    input_files_record();
    reproduce(&w, &o);
    diag_print(w.diag, stderr);
    int code = diag_exit_code(w.diag);
    diag_free(w.diag);
    arena_free(w.arena);
    return finish_stdout(code);
}

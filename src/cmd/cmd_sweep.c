/* moesim sweep SCENARIO: many runs over axes of keys, into one database. */
#include <argp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/input_files.h"
#include "base/outfile.h"
#include "cmd/cmd.h"
#include "io/sweepdb/sweep_export.h"
#include "campaign/sweep.h"

enum { MAX_POINTS = 100000, SHOWN_BESIDE_FILE = 20, SHOWN_NOTES = 5, MAX_JOBS = 4096 };

enum {
    KEY_SAMPLE = 256,
    KEY_SEEDS,
    KEY_ZIP,
    KEY_RESUME,
    KEY_OVERWRITE,
    KEY_RETRY,
    KEY_CACHE,
    KEY_SHARD,
    KEY_TIME,
    KEY_MEMORY,
    KEY_MAX,
    KEY_SHOW,
    KEY_DRY
};

struct options {
    const char *file;
    const char **set, **axes, **zip, **caches, **show; /* NULL-terminated */
    int n_set, n_axes, n_zip, n_caches, n_show;
    struct design_options design;
    struct sweep_options sweep;
    bool dry_run;
};

static const struct argp_option argp_options[] = {
    {"axis", 'a', "KEY=VALUES", OPTION_LIST,
     "values of a key: 'mpft, mrft'; '100, 200 Gb/s'; '100..800 Gb/s by 100'; '2..64 by x2'; '1..10 us lin 4'; "
     "'1..10 us log 4'; with --sample a range: '1..10 us'",
     0},
    {"zip", KEY_ZIP, "KEY,KEY", OPTION_LIST, "axes whose values go together instead of in all combinations", 0},
    {"where", 'w', "EXPRESSION", 0,
     "only settings for which this SQL expression holds: 'nodes * 8 >= 64 and "
     "bandwidth < 400 Gb/s'",
     0},
    {"sample", KEY_SAMPLE, "METHOD:N[:SEED]", 0,
     "draw N settings instead of all combinations: sobol, lhs; for "
     "'moesim sensitivity': morris (N trajectories), saltelli (N base samples)",
     0},
    {"seeds", KEY_SEEDS, "N", 0, "run each setting with sim.seed 1 to N, or with a list of seeds", 0},
    {"set", 's', "KEY=VALUE", OPTION_LIST, "change one value for all points", 0},
    {NULL, 0, NULL, 0, "Running:", 1},
    {"jobs", 'j', "N", 0, "points at the same time (default: one per processor)", 1},
    {"output", 'o', "FILE", 0, "the result, a SQLite database; without it the result is only printed", 1},
    {"resume", KEY_RESUME, NULL, 0, "go on with a sweep that was interrupted", 1},
    {"overwrite", KEY_OVERWRITE, NULL, 0, "replace an existing result, forget an interrupted sweep", 1},
    {"retry-failed", KEY_RETRY, NULL, 0, "with --resume: run failed points again", 1},
    {"cache", KEY_CACHE, "RESULT", OPTION_LIST, "take points with the same resolved scenario from another result", 1},
    {"shard", KEY_SHARD, "I/N", 0, "only every N-th point, from the I-th; 'moesim merge' joins the results", 1},
    {"time-limit", KEY_TIME, "TIME", 0, "a point that takes longer has failed: '60 s' (default: none)", 1},
    {"memory-limit", KEY_MEMORY, "SIZE", 0, "a point that needs more has failed: '4 GB' (default: the machine's)", 1},
    {"max-points", KEY_MAX, "N", 0, "refuse a sweep of more points (default: 100000)", 1},
    {"show", KEY_SHOW, "METRIC", OPTION_LIST, "print this metric (default: the first four)", 1},
    {"dry-run", KEY_DRY, NULL, 0, "print the points as CSV, run nothing", 1},
    {0}};

static double option_quantity(const char *text, enum unit_dim dim, const char *what, struct argp_state *state)
{
    char why[512];
    double value;
    if (unit_parse(text, strlen(text), dim, &value, why, sizeof why))
        argp_error(state, "%s: %s", what, why);
    else if (!(value > 0))
        argp_error(state, "%s: '%s' is not above 0", what, text);
    return value;
}

static void set_output(struct options *o, const char *name, struct argp_state *state)
{
    static const char *const others[] = {".csv", ".json", ".yaml", ".gz"};
    size_t n = strlen(name);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (n > strlen(others[i]) && !strcmp(name + n - strlen(others[i]), others[i]))
            argp_error(state,
                       "-o %s: the result is a SQLite database, name it for example result.sqlite; "
                       "'moesim export' makes CSV and JSON of it",
                       name);
    if (!*name || !strcmp(name, "-"))
        argp_error(state, "-o '%s': a database needs a file", name);
    o->sweep.out = name;
}

/* Nothing that was written is ignored. */
static void check_all(const struct options *o, struct argp_state *state)
{
    if (o->dry_run && (o->sweep.out || o->n_caches || o->n_show))
        argp_error(state, "--dry-run runs nothing and prints points; leave out %s",
                   o->sweep.out  ? "-o"
                   : o->n_caches ? "--cache"
                                 : "--show");
    if ((o->sweep.resume || o->sweep.overwrite) && !o->sweep.out)
        argp_error(state, "--resume and --overwrite are about a result; name it with -o");
    if (o->sweep.resume && o->sweep.overwrite)
        argp_error(state, "--resume goes on, --overwrite starts anew; choose one");
    if (o->sweep.retry_failed && !o->sweep.resume)
        argp_error(state, "--retry-failed wants --resume");
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 'a':
        o->axes[o->n_axes++] = arg;
        return 0;
    case KEY_ZIP:
        o->zip[o->n_zip++] = arg;
        return 0;
    case 'w':
        o->design.where = arg;
        return 0;
    case KEY_SAMPLE:
        o->design.sample = arg;
        return 0;
    case KEY_SEEDS:
        o->design.seeds = arg;
        return 0;
    case 's':
        o->set[o->n_set++] = arg;
        return 0;
    case 'j':
        o->sweep.limits.jobs = (uint32_t)option_whole(arg, 1, MAX_JOBS, "-j", state);
        return 0;
    case 'o':
        set_output(o, arg, state);
        return 0;
    case KEY_RESUME:
        o->sweep.resume = true;
        return 0;
    case KEY_OVERWRITE:
        o->sweep.overwrite = true;
        return 0;
    case KEY_RETRY:
        o->sweep.retry_failed = true;
        return 0;
    case KEY_CACHE:
        o->caches[o->n_caches++] = arg;
        return 0;
    case KEY_SHARD:
        option_shard(arg, &o->sweep.shard, &o->sweep.n_shards, state);
        return 0;
    case KEY_TIME:
        o->sweep.limits.time_s = option_quantity(arg, DIM_TIME, "--time-limit", state);
        return 0;
    case KEY_MEMORY:
        o->sweep.limits.memory_B = (uint64_t)option_quantity(arg, DIM_BYTES, "--memory-limit", state);
        return 0;
    case KEY_MAX:
        o->sweep.max_points = (uint32_t)option_whole(arg, 1, 100000000, "--max-points", state);
        return 0;
    case KEY_SHOW:
        o->show[o->n_show++] = arg;
        return 0;
    case KEY_DRY:
        o->dry_run = true;
        return 0;
    case ARGP_KEY_ARG:
        if (o->file)
            argp_error(state, "one scenario at a time; '%s' is a second one", arg);
        o->file = arg;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which scenario? For example:\n"
                          "  moesim sweep scenarios/tpot_bound_h800.yaml --axis tpot.tokens='8..64 by x2'");
        return 0;
    case ARGP_KEY_END:
        check_all(o, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    argp_options,
    parse_option,
    "SCENARIO|SWEEP.yaml",
    "Runs a scenario for many values of its keys.\v"
    "SCENARIO may hold a section 'sweep:' that says the same as these options; doc/SWEEP.md describes it, the "
    "result and the syntax of values. Exit code 1: some points failed, the result says why.",
    progress_options,
    NULL,
    NULL};

/* --- running ------------------------------------------------------------------------------------------------------ */

static uint64_t machine_memory_B(void)
{
#ifdef __SANITIZE_ADDRESS__
    return 0; /* the sanitizer reserves more address space than there is memory */
#else
    return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
#endif
}

static void tell(const struct sweep_report *r, const struct options *o)
{
    if (r->n_points == 0)
        fprintf(stderr, "the result is complete already\n");
    else
        fprintf(stderr, "%u points: %u run, %u from equal scenarios, %u done before%s%s\n", r->n_points, r->n_run,
                r->n_reused, r->n_resumed, o->sweep.out ? "; result in " : "", o->sweep.out ? o->sweep.out : "");
    if (r->n_failed)
        fprintf(stderr, "%u of %u points failed; the first is point %u:\n%s\n", r->n_failed, r->n_points,
                r->first_failed_point, r->first_failure);
    if (r->n_warned)
        fprintf(stderr, "%u of %u points warn; the first is point %u:\n%s\n", r->n_warned, r->n_points,
                r->first_warned_point, r->first_warning);
}

/* Ends as an interrupted process does, for whoever waits for us. */
_Noreturn static void end_by_signal(const struct sweep_report *r, const struct options *o)
{
    fprintf(stderr, "interrupted: %u of %u points are done", r->n_done, r->n_points);
    fprintf(stderr, o->sweep.out ? " and kept; go on with --resume\n" : "\n");
    outfile_abandon_all();
    signal(r->signal, SIG_DFL);
    raise(r->signal);
    _exit(128 + r->signal);
}

static void sweep(const struct options *o, const struct design *design, struct diag *diag)
{
    struct sweep_report report;
    struct sweep_db *result = NULL;
    int failed = sweep_run(design, &o->sweep, &report, &result, diag);
    if (!failed && report.signal) {
        diag_print(diag, stderr);
        end_by_signal(&report, o);
    }
    if (!failed) {
        tell(&report, o);
        sweep_print_wide(result, o->n_show ? o->show : NULL, o->sweep.out ? SHOWN_BESIDE_FILE : UINT32_MAX - 2, stdout,
                         diag);
        sweep_print_notes(result, SHOWN_NOTES, stdout, diag);
        if (report.n_failed)
            diag_exit(diag, EXIT_NO);
    }
    sweep_db_close(result);
}

static const char **list_new(int argc)
{
    return checked_alloc(calloc((size_t)argc + 1, sizeof(char *)));
}

int cmd_sweep(int argc, char **argv)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    struct options o = {.set = list_new(argc),
                        .axes = list_new(argc),
                        .zip = list_new(argc),
                        .caches = list_new(argc),
                        .show = list_new(argc)};
    o.sweep = (struct sweep_options){
        .max_points = MAX_POINTS,
        .shard = 1,
        .n_shards = 1,
        .caches = o.caches,
        .limits = {.jobs = processors > 0 ? (uint32_t)processors : 1, .memory_B = machine_memory_B()}};
    o.design.set = o.set;
    o.design.axes = o.axes;
    o.design.zip = o.zip;
    options_parse(&argp, argc, argv, &o);
    struct arena *arena = arena_new();
    struct diag *diag = diag_new();
    struct design design;
    input_files_record();
    if (!design_load(o.file, &o.design, arena, &design, diag)) {
        if (o.dry_run)
            sweep_list_points(&design, &o.sweep, diag);
        else
            sweep(&o, &design, diag);
    }
    diag_print(diag, stderr);
    int code = diag_exit_code(diag);
    diag_free(diag);
    arena_free(arena);
    const char **lists[] = {o.set, o.axes, o.zip, o.caches, o.show};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        free(lists[i]);
    return finish_stdout(code);
}

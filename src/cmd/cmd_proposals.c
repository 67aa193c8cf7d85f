/* moesim proposals: each proposal of the paper on its own standard scenario, without and with, in one table. */
#include <argp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "io/results/trials_writers.h"
#include "campaign/trials.h"

enum { MAX_TRIALS = 256, MAX_JOBS = 64 };

struct options {
    struct trial trials[MAX_TRIALS];
    uint32_t n_trials, jobs;
    const char *out;
    trials_writer *write;
};

static const struct argp_option argp_options[] = {
    {"format", 'f', "FORMAT", 0, "text, json, csv or markdown", 0},
    {"output", 'o', "FILE", 0, "write to FILE, whole or not at all (.gz compresses)", 0},
    {"jobs", 'j', "N", 0, "runs at a time (default: one per processor)", 0},
    {0}};

static const struct format {
    const char *name;
    trials_writer *write;
} formats[] = {{"text", trials_write_text},
               {"json", trials_write_json},
               {"csv", trials_write_csv},
               {"markdown", trials_write_markdown},
               {NULL, NULL}};

static trials_writer *find_writer(const char *word, struct argp_state *state)
{
    for (const struct format *f = formats; f->name; f++)
        if (!strcmp(f->name, word))
            return f->write;
    argp_error(state, "there is no output format '%s'; there are text, json, csv and markdown", word);
    return NULL;
}

static void add_trial(struct options *o, const char *name, struct argp_state *state)
{
    const char *names[MAX_TRIALS + 1];
    const struct proposal *p = proposal_find(name);
    size_t n = 0;
    for (const struct proposal *const *all = proposal_all(); *all && n < MAX_TRIALS; all++)
        names[n++] = (*all)->name;
    names[n] = NULL;
    const char *near = cfg_nearest(name, names);
    if (!p)
        argp_error(state, "there is no proposal '%s'%s%s%s ('moesim list proposals' lists them)", name,
                   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    if (o->n_trials == MAX_TRIALS)
        argp_error(state, "more than %d proposals", MAX_TRIALS);
    o->trials[o->n_trials++].proposal = p;
}

static void add_all(struct options *o)
{
    for (const struct proposal *const *p = proposal_all(); *p && o->n_trials < MAX_TRIALS; p++)
        o->trials[o->n_trials++].proposal = *p;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 'f':
        o->write = find_writer(arg, state);
        return 0;
    case 'o':
        o->out = arg;
        return 0;
    case 'j':
        o->jobs = (uint32_t)option_whole(arg, 1, MAX_JOBS, "--jobs", state);
        return 0;
    case ARGP_KEY_ARG:
        add_trial(o, arg, state);
        return 0;
    case ARGP_KEY_NO_ARGS:
        add_all(o);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {argp_options,
                                 parse_option,
                                 "[PROPOSAL...]",
                                 "Runs each PROPOSAL (default: all) on its own standard scenario, without and with it.",
                                 progress_options,
                                 NULL,
                                 NULL};

/* By section of the paper, then by name, as the registry has them. */
static int by_section(const void *a, const void *b)
{
    const struct proposal *x = ((const struct trial *)a)->proposal, *y = ((const struct trial *)b)->proposal;
    int order = strcmp(x->ref, y->ref);
    return order ? order : strcmp(x->name, y->name);
}

static uint32_t processors(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > MAX_JOBS ? MAX_JOBS : (uint32_t)n;
}

static void run(struct options *o, struct arena *arena, struct diag *diag)
{
    qsort(o->trials, o->n_trials, sizeof *o->trials, by_section);
    if (trials_run(o->trials, o->n_trials, o->jobs ? o->jobs : processors(), arena, diag))
        return;
    struct outfile *f = outfile_open(o->out ? o->out : "-", diag);
    if (!f)
        return;
    o->write(o->trials, o->n_trials, f);
    outfile_close(f, diag);
}

int cmd_proposals(int argc, char **argv)
{
    static struct options o = {.write = trials_write_text};
    options_parse(&argp, argc, argv, &o);
    struct arena *arena = arena_new();
    struct diag *diag = diag_new();
    run(&o, arena, diag);
    diag_print(diag, stderr);
    int code = diag_exit_code(diag);
    diag_free(diag);
    arena_free(arena);
    return code;
}

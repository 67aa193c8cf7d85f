/* moesim claims [PATTERN...]: every statement of the paper that has a number, beside ours. */
#include <argp.h>
#include <fnmatch.h>
#include <string.h>
#include <unistd.h>

#include "base/data_find.h"
#include "cmd/cmd.h"
#include "io/results/claim_writers.h"
#include "io/scenario.h"
#include "campaign/claims.h"

enum {
    MAX_OUT = 16,
    MAX_PATTERNS = 256,
    MAX_JOBS = 1024,
    MAX_COMMANDS = 64,
    KEY_DIR = 256,
    KEY_LIST,
    KEY_DETAIL,
    KEY_JSON,
    KEY_SEEDS,
    MAX_SEEDS = 1000
};

struct format {
    const char *suffix;
    claim_writer *write;
};

static const struct format formats[] = {
    {".json", claims_write_json}, {".xml", claims_write_junit}, {".md", claims_write_markdown},
    {".txt", claims_write_text},  {".tex", claims_write_latex},
};
enum { N_FORMATS = sizeof formats / sizeof *formats };

struct options {
    const char *folder, *patterns[MAX_PATTERNS], *out[MAX_OUT];
    const struct format *out_format[MAX_OUT];
    int n_patterns, n_out;
    uint32_t jobs, seeds;
    claim_writer *write;
    bool list;
};

static const struct argp_option argp_options[] = {
    {"jobs", 'j', "N", 0, "command lines that run at a time (default: the processors)", 0},
    {"output", 'o', "FILE", OPTION_LIST,
     "write to FILE, too: .json, .xml (JUnit), .md, .txt or .tex (LaTeX); .gz compresses; may be given several times",
     0},
    {"json", KEY_JSON, NULL, 0, "print JSON instead of text", 0},
    {"format", 'f', "FORMAT", 0, "text, json or latex (a table with booktabs)", 0},
    {"seeds", KEY_SEEDS, "N", 0,
     "run each command with sim.seed 1 to N, too: numbers that depend on it get their mean and 95 % interval; verdicts "
     "stay those of "
     "the commands as they stand",
     0},
    {"detail", KEY_DETAIL, NULL, 0, "print each claim's quotation, command line and arithmetic", 0},
    {"list", KEY_LIST, NULL, 0, "list the claims, with where they stand in the paper; run nothing", 0},
    {"dir", KEY_DIR, "FOLDER", 0, "folder of claims (default: scenarios/claims)", 0},
    {0}};

static const struct format *format_of(const char *path, struct argp_state *state)
{
    size_t n = strlen(path);
    if (!strncmp(path, "/dev/", 5))
        return &formats[0];
    n -= n > 3 && !strcmp(path + n - 3, ".gz") ? 3 : 0;
    for (int i = 0; i < N_FORMATS; i++) {
        size_t m = strlen(formats[i].suffix);
        if (n >= m && !strncmp(path + n - m, formats[i].suffix, m))
            return &formats[i];
    }
    argp_error(state, "-o %s: the name must end in .json, .xml, .md, .txt or .tex, or those with .gz", path);
    return NULL;
}

static claim_writer *writer_of(const char *word, struct argp_state *state)
{
    static const char *const words[] = {"text", "json", "latex", NULL};
    static claim_writer *const writers[] = {claims_write_text, claims_write_json, claims_write_latex};
    return writers[option_word(word, words, "output format", state)];
}

static void add_out(struct options *o, const char *path, struct argp_state *state)
{
    if (o->n_out == MAX_OUT)
        argp_error(state, "more than %d times -o", MAX_OUT);
    option_output(path, o->out, o->n_out, state);
    o->out_format[o->n_out] = format_of(path, state);
    o->out[o->n_out++] = path;
}

static void choose_print(struct options *o, claim_writer *write, struct argp_state *state)
{
    if (o->write != claims_write_text && o->write != write)
        argp_error(state, "one of --json, --detail and --format: each says what is printed");
    o->write = write;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 'j':
        o->jobs = (uint32_t)option_whole(arg, 1, MAX_JOBS, "-j", state);
        return 0;
    case 'o':
        add_out(o, arg, state);
        return 0;
    case KEY_SEEDS:
        o->seeds = (uint32_t)option_whole(arg, 2, MAX_SEEDS, "--seeds", state);
        return 0;
    case KEY_JSON:
    case KEY_DETAIL:
        choose_print(o, key == KEY_JSON ? claims_write_json : claims_write_detail, state);
        return 0;
    case 'f':
        choose_print(o, writer_of(arg, state), state);
        return 0;
    case KEY_LIST:
        o->list = true;
        return 0;
    case KEY_DIR:
        o->folder = arg;
        return 0;
    case ARGP_KEY_ARG:
        if (o->n_patterns == MAX_PATTERNS)
            argp_error(state, "more than %d patterns", MAX_PATTERNS);
        o->patterns[o->n_patterns++] = arg;
        return 0;
    case ARGP_KEY_END:
        if (o->list && (o->n_out || o->seeds || o->write != claims_write_text))
            argp_error(state,
                       "--list runs nothing; --json, -f, --detail, --seeds and -o are about results, leave them out");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    argp_options,
    parse_option,
    "[PATTERN...]",
    "Runs what the claims of the paper are checked by and prints the paper's value beside ours. PATTERN is a "
    "claim's name, with * and ?, or the beginning of a section: 'table3*', '5.1.2'. Exit code 1 when a claim "
    "regressed or has no number."
    "\vVerdicts: ok; miss (an honest difference, recorded); disputed (cannot hold as printed); unvalidated (goes the "
    "way "
    "that the paper expects; nobody measured it, so it counts as nothing reproduced); regressed (it held, or was "
    "another value, before); error.",
    progress_options,
    NULL,
    NULL};

/* --- which claims ------------------------------------------------------------------------------------------------- */

static bool fits(const struct claim *c, const char *pattern)
{
    return !fnmatch(pattern, c->id, 0) || !strncmp(c->section, pattern, strlen(pattern));
}

/* Keeps what one of the patterns names, in place; an error for a pattern that names nothing. */
static uint32_t choose(const struct options *o, struct claim *claims, uint32_t n, struct arena *arena,
                       struct diag *diag)
{
    bool *wanted = ARENA_ARRAY(arena, bool, n);
    uint32_t kept = 0;
    for (int p = 0; p < o->n_patterns; p++) {
        bool any = false;
        for (uint32_t i = 0; i < n; i++)
            if (fits(&claims[i], o->patterns[p]))
                any = wanted[i] = true;
        const char **ids = any ? NULL : ARENA_ARRAY(arena, const char *, n + 1);
        for (uint32_t i = 0; ids && i < n; i++)
            ids[i] = claims[i].id;
        const char *near = ids ? cfg_nearest(o->patterns[p], ids) : NULL;
        if (!any)
            diag_error(diag, EXIT_USAGE, SRCLOC_NONE, "no claim is called '%s'%s%s%s ('moesim claims --list')",
                       o->patterns[p], near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    for (uint32_t i = 0; i < n; i++)
        if (!o->n_patterns || wanted[i])
            claims[kept++] = claims[i];
    return kept;
}

static const char *folder_of(const struct options *o, struct arena *arena, struct diag *diag)
{
    const char *given = o->folder ? data_find(o->folder, NULL, arena) : NULL;
    if (o->folder)
        return given ? given : o->folder; /* who reads it says that it is not there */
    const char *found = data_find("scenarios/claims", NULL, arena);
    if (!found)
        diag_error(diag, EXIT_IO, SRCLOC_FILE("scenarios/claims"),
                   "there is no such folder here, in $MOESIM_PATH or where moesim is installed");
    return found;
}

/* --- output ------------------------------------------------------------------------------------------------------- */

static int write_one(const char *path, claim_writer *write, const struct claim_results *r, struct arena *arena,
                     struct diag *diag)
{
    struct outfile *f = outfile_open(path, diag);
    if (!f)
        return -1;
    write(r, arena, f);
    return outfile_close(f, diag);
}

static int report(const struct options *o, const struct claim_results *r, struct arena *arena, struct diag *diag)
{
    outfile_batch_begin(); /* all or none */
    for (int i = 0; i < o->n_out; i++)
        write_one(o->out[i], o->out_format[i]->write, r, arena, diag);
    outfile_batch_end(!diag_failed(diag), diag);
    write_one("-", o->write, r, arena, diag);
    return r->count[VERDICT_REGRESSED] + r->count[VERDICT_ERROR] ? EXIT_NO : EXIT_OK;
}

static void list(const struct claim *claims, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!i || strcmp(claims[i].section, claims[i - 1].section))
            printf("%s%s\n", i ? "\n" : "", claims[i].section);
        printf("  %-11s  %s\n               \"%s\"\n", claim_class_names[claims[i].class], claims[i].id,
               claims[i].quote);
    }
}

/* Exit code, when nothing is wrong. */
static int work(const struct options *o, struct arena *arena, struct diag *diag)
{
    const char *commands[MAX_COMMANDS], *folder = folder_of(o, arena, diag);
    struct claim_results results;
    uint32_t n;
    command_names(commands, MAX_COMMANDS);
    struct claim *claims = folder ? claims_load(folder, commands, arena, &n, diag) : NULL;
    if (!claims)
        return -1;
    n = choose(o, claims, n, arena, diag);
    if (diag_failed(diag))
        return -1;
    if (o->list) {
        list(claims, n);
        return finish_stdout(EXIT_OK);
    }
    return claims_run(claims, n, o->jobs, o->seeds, run_command, arena, &results, diag)
               ? -1
               : report(o, &results, arena, diag);
}

int cmd_claims(int argc, char **argv)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    struct options o = {.jobs = processors > 0 ? (uint32_t)processors : 1, .write = claims_write_text};
    options_parse(&argp, argc, argv, &o);
    struct arena *arena = arena_new();
    struct diag *diag = diag_new();
    int answer = work(&o, arena, diag);
    diag_print(diag, stderr);
    int code = diag_exit_code(diag);
    diag_free(diag);
    arena_free(arena);
    return code ? code : answer;
}

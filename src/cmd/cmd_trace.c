/* moesim trace info FILE... / moesim trace import FILE... -o OUT. */
#include <argp.h>
#include <math.h>
#include <string.h>

#include "base/data_find.h"
#include "base/outfile.h"
#include "base/progress.h"
#include "base/yaml_doc.h"
#include "cmd/cmd.h"
#include "io/scenario.h"
#include "io/inputs/trace_import.h"
#include "io/trace/chakra.h"
#include "io/trace/trace_file.h"
#include "io/trace/trace_info.h"
#include "io/trace/trace_set.h"

enum { KEY_SOURCE = 256, KEY_RANK };
enum { ALL_RANKS = -1, LAST_RANK = INT32_MAX };

struct options {
    const char *verb, *out, *classes, *source;
    const char **files; /* room for all arguments */
    int n_files;
    int64_t rank;
};

static const struct argp_option argp_options[] = {
    {"output", 'o', "FILE", 0,
     "import: write the trace to FILE (.gz compresses); .et: as Chakra execution trace, a file a rank", 0},
    {"classes", 'c', "FILE", 0, "classify kernels by the rules in FILE (YAML) before the shipped ones", 0},
    {"rank", KEY_RANK, "N", 0, "of several ranks' traces, take that of rank N", 0},
    {"source", KEY_SOURCE, "TEXT", 0, "import: where the trace comes from, kept in the file", 0},
    {0}};

static bool is_text(const char *text)
{
    const char *what = NULL;

    return *text && !yaml_bad_byte(text, strlen(text), &what);
}

static void check_complete(const struct options *o, struct argp_state *state)
{
    if (!o->verb)
        argp_error(state, "what to do? For example:\n"
                          "  moesim trace info traces/deepseek_v3_train.trace.json\n"
                          "  moesim trace import profile.json.gz -o my.trace.json");
    else if (!o->n_files)
        argp_error(state, "which trace? For example:\n  moesim trace %s profile.json.gz%s", o->verb,
                   !strcmp(o->verb, "import") ? " -o my.trace.json" : "");
    else if (!strcmp(o->verb, "import") && !o->out)
        argp_error(state, "where to? For example:\n  moesim trace import %s -o my.trace.json", o->files[0]);
    else if (!strcmp(o->verb, "info") && o->out)
        argp_error(state, "'trace info' prints; -o belongs to 'trace import'");
    else if (o->source && !is_text(o->source))
        argp_error(state, "--source must be a text in UTF-8, and not empty");
    else if (o->source && !o->out)
        argp_error(state, "--source belongs to 'trace import'");
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;

    switch (key) {
    case 'o':
        o->out = arg;
        return 0;
    case 'c':
        o->classes = arg;
        return 0;
    case KEY_SOURCE:
        o->source = arg;
        return 0;
    case ARGP_KEY_ARG:
        if (!o->verb)
            option_verb(o->verb = arg, "trace", state);
        else
            o->files[o->n_files++] = arg;
        return 0;
    case KEY_RANK:
        o->rank = (int64_t)option_whole(arg, 0, LAST_RANK, "--rank", state);
        return 0;
    case ARGP_KEY_END:
        check_complete(o, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    argp_options,
    parse_option,
    "info FILE...\nimport FILE... -o OUT",
    "Describes a recorded trace, or imports one into moesim's own format. FILE is a PyTorch "
    "profiler (Kineto) trace, a Chakra execution trace (.et) or one in our format, compressed or not. Several files, "
    "or folders of them, are the ranks "
    "of one run: their collectives are joined, which sets their clocks and parts waiting from transfer.",
    progress_options,
    NULL,
    NULL};

/* The one rank that was asked for. */
static struct trace_set *pick(struct trace_set *set, int64_t rank, struct arena *arena, struct diag *diag)
{
    if (!set || rank == ALL_RANKS)
        return set;
    for (uint32_t i = 0; i < set->n; i++)
        if (set->traces[i]->rank == rank) {
            struct trace_of_rank one = {set->traces[i], NULL, NAN};
            return trace_set_join(&one, 1, arena, diag);
        }
    diag_error(diag, EXIT_USAGE, SRCLOC_NONE, "--rank %lld: there is no trace of this rank among the %u",
               (long long)rank, set->n);
    return NULL;
}

static struct trace_set *read_all(const struct options *o, struct arena *arena, struct diag *diag)
{
    for (int i = 0; i < o->n_files; i++)
        o->files[i] = data_given(o->files[i], arena);
    progress_begin("reading the trace");
    struct trace_set *set = trace_import_all(o->files, o->n_files, o->classes, arena, diag);
    progress_end();
    return pick(set, o->rank, arena, diag);
}

/* The names of several files are ours: they are told. */
static void write_chakra(const struct options *o, const struct trace_set *set, struct arena *arena, struct diag *diag)
{
    if (chakra_write_set(set, o->out, arena, diag))
        return;
    for (uint32_t i = 0; i < set->n && set->n > 1; i++)
        printf("written: %s\n", chakra_rank_file(o->out, set->traces[i]->rank, arena));
}

int cmd_trace(int argc, char **argv)
{
    struct arena *arena = arena_new();
    struct diag *diag = diag_new();
    struct options o = {.rank = ALL_RANKS, .files = ARENA_ARRAY(arena, const char *, (size_t)argc)};

    options_parse(&argp, argc, argv, &o);
    struct trace_set *set = read_all(&o, arena, diag);
    for (uint32_t i = 0; set && o.source && i < set->n; i++)
        set->traces[i]->source = o.source;
    if (set && o.out && outfile_ends_in(o.out, ".et"))
        write_chakra(&o, set, arena, diag);
    else if (set && o.out)
        trace_set_write(set, o.out, diag);
    else if (set)
        trace_set_print_info(set, arena, stdout);
    diag_print(diag, stderr);
    int code = finish_stdout(diag_exit_code(diag));
    diag_free(diag);
    arena_free(arena);
    return code;
}

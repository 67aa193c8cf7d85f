/* moesim search SCENARIO --minimize METRIC --vary KEY=VALUES: the best points of a space. */
#include <argp.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/input_files.h"
#include "base/outfile.h"
#include "campaign/search.h"
#include "cmd/cmd.h"
#include "kinds/fork_map.h"
#include "kinds/kind_run.h"
#include "kinds/what_if.h"

enum { MAX_OBJECTIVES = 4, MAX_JOBS = 4096 };
enum { KEY_MIN = 256, KEY_MAX, KEY_ZIP, KEY_TOP, KEY_JSON, KEY_EXHAUSTIVE, KEY_SCENARIOS, KEY_NO_WHY, KEY_SHARD };

#define RANK_MARK "# Written by 'moesim search': rank "

struct options {
    const char *file, *out, *scenarios;
    const char **set, **axes, **zip; /* NULL-terminated */
    int n_set, n_axes, n_zip;
    struct search_objective objectives[MAX_OBJECTIVES];
    struct search_options search;
    bool json, no_why;
};

static const struct argp_option argp_options[] = {
    {"minimize", KEY_MIN, "METRIC", OPTION_LIST,
     "of the result, that should be small; several objectives give a Pareto front", 0},
    {"maximize", KEY_MAX, "METRIC", OPTION_LIST, "that should be large", 0},
    {"where", 'w', "CONDITIONS", 0, "what must hold of the result: 'tpot <= 50 ms and memory fits'", 0},
    {"vary", 'v', "KEY=VALUES", OPTION_LIST,
     "an axis, as of 'moesim sweep': 'mpft, mrft'; '100..800 Gb/s by 100'; '2..64 by x2'", 0},
    {"zip", KEY_ZIP, "KEY,KEY", OPTION_LIST, "axes whose values go together instead of in all combinations", 0},
    {"set", 's', "KEY=VALUE", OPTION_LIST, "change one value for all points", 0},
    {"top", KEY_TOP, "N", 0, "with one objective: so many of the best (default: 5)", 0},
    {NULL, 0, NULL, 0, "Running:", 1},
    {"jobs", 'j', "N", 0, "points at the same time (default: one per processor)", 1},
    {"exhaustive", KEY_EXHAUSTIVE, NULL, 0, "simulate every point", 1},
    {"shard", KEY_SHARD, "I/N", 0, "only every N-th combination, from the I-th; 'moesim merge' joins the results", 1},
    {"no-why", KEY_NO_WHY, NULL, 0, "do not ask what bounds the best", 1},
    {NULL, 0, NULL, 0, "Output:", 2},
    {"output", 'o', "FILE", 0, "write the table to FILE (.json, .csv, .tex; .gz compresses)", 2},
    {"json", KEY_JSON, NULL, 0, "print the table as JSON", 2},
    {"scenarios", KEY_SCENARIOS, "FOLDER", 0, "write each of the best as a scenario, ready to run", 2},
    {0}};

static void add_objective(struct options *o, const char *name, bool is_max, struct argp_state *state)
{
    if (o->search.n_objectives == MAX_OBJECTIVES)
        argp_error(state, "more than %d objectives", MAX_OBJECTIVES);
    o->objectives[o->search.n_objectives++] = (struct search_objective){name, is_max};
}

static error_t parse_running(int key, char *arg, struct options *o, struct argp_state *state)
{
    switch (key) {
    case 'j':
        o->search.jobs = (uint32_t)option_whole(arg, 1, MAX_JOBS, "-j", state);
        return 0;
    case KEY_TOP:
        o->search.top = (uint32_t)option_whole(arg, 1, 1000, "--top", state);
        return 0;
    case KEY_EXHAUSTIVE:
        o->search.exhaustive = true;
        return 0;
    case KEY_SHARD:
        option_shard(arg, &o->search.shard, &o->search.n_shards, state);
        return 0;
    case KEY_NO_WHY:
        o->no_why = true;
        return 0;
    case KEY_JSON:
        o->json = true;
        return 0;
    case KEY_SCENARIOS:
        o->scenarios = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case KEY_MIN:
    case KEY_MAX:
        add_objective(o, arg, key == KEY_MAX, state);
        return 0;
    case 'w':
        o->search.where = arg;
        return 0;
    case 'v':
        o->axes[o->n_axes++] = arg;
        return 0;
    case KEY_ZIP:
        o->zip[o->n_zip++] = arg;
        return 0;
    case 's':
        o->set[o->n_set++] = arg;
        return 0;
    case 'o':
        o->out = option_table_file(arg, state);
        return 0;
    case ARGP_KEY_ARG:
        if (o->file)
            argp_error(state, "one scenario at a time; '%s' is a second one", arg);
        o->file = arg;
        return 0;
    case ARGP_KEY_END:
        if (o->search.n_shards && (!o->out || !outfile_ends_in(o->out, ".json")))
            argp_error(state, "--shard wants -o FILE.json, for 'moesim merge'");
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "of which scenario? For example:\n"
                          "  moesim search scenarios/search/decode_ep144.yaml");
        return 0;
    default:
        return parse_running(key, arg, o, state);
    }
}

static const struct argp argp = {
    argp_options,
    parse_option,
    "SCENARIO",
    "Finds the best points of a space of keys without simulating all of them: those that a lower bound of their time "
    "rules out are not simulated.\vSCENARIO may be a file with a section 'sweep' whose 'search' has minimize, "
    "maximize, "
    "where and top.",
    NULL,
    NULL,
    NULL};

/* --- what the file says ------------------------------------------------------------------------------ */

static void objectives_of(struct options *o, const char *list, bool is_max, struct arena *arena, struct diag *diag)
{
    char *rest = arena_strdup(arena, list), *name;
    while ((name = strsep(&rest, ", ")))
        if (*name && o->search.n_objectives < MAX_OBJECTIVES)
            o->objectives[o->search.n_objectives++] = (struct search_objective){name, is_max};
        else if (*name)
            diag_error(diag, EXIT_BAD_INPUT, SRCLOC_NONE, "more than %d objectives", MAX_OBJECTIVES);
}

static int complete(struct options *o, const struct design *d, struct arena *arena, struct diag *diag)
{
    if (!o->search.n_objectives) {
        objectives_of(o, d->search.minimize ? d->search.minimize : "", false, arena, diag);
        objectives_of(o, d->search.maximize ? d->search.maximize : "", true, arena, diag);
    }
    if (!o->search.where && d->search.where && *d->search.where)
        o->search.where = d->search.where;
    if (!o->search.top)
        o->search.top = d->search.top ? (uint32_t)d->search.top : 5;
    if (!o->search.n_objectives)
        diag_error(diag, EXIT_USAGE, SRCLOC_NONE, "what should be small or large? write for example '--minimize tpot'");
    if (d->where || d->method != SAMPLE_GRID || d->seeds.n)
        diag_error(diag, EXIT_BAD_INPUT, d->where_at,
                   "sweep.where, sample and seeds are not for a search: it takes all combinations of its axes");
    return diag_failed(diag) ? -1 : 0;
}

/* --- what was found ---------------------------------------------------------------------------------- */

/* What one per cent more of each resource would gain at the best point. */
static void tell_why(const struct design *d, const struct search_best *best)
{
    struct arena *arena = arena_new();
    struct diag *diag = diag_new();
    struct scenario_file file;
    struct kind_run run = {.file = &file, .arena = arena};
    struct scenario_options options = {.overrides = best->overrides, .n_overrides = best->n_overrides};
    diag_mute_warnings(diag, true);
    bool told = !scenario_load_with(d->path, &options, arena, &file, diag) && !kind_execute(&run, diag) &&
                !what_if_add(d->path, &options, &run, diag) && run.result.n_notes;
    if (told)
        printf("the best: %s\n", run.result.notes[run.result.n_notes - 1]);
    kind_run_free(&run);
    diag_free(diag);
    arena_free(arena);
}

static void tell_counts(const struct search_result *r)
{
    char bound[64];
    printf("%.0f points: %llu invalid, %llu bounds evaluated, %llu simulated", r->n_points,
           (unsigned long long)r->n_invalid, (unsigned long long)r->n_bounds, (unsigned long long)r->n_simulated);
    if (!isnan(r->nearest_ruled_out))
        printf("; of those ruled out by their bound none can be better than %s",
               unit_format(r->nearest_ruled_out, r->dims[0], bound, sizeof bound));
    printf("\n");
    if (r->n_invalid && r->why_invalid && *r->why_invalid)
        printf("invalid, for example: %s\n", r->why_invalid);
    if (r->n_failed)
        printf("%llu points do not run, for example: %s\n", (unsigned long long)r->n_failed, r->why_failed);
    if (r->why_unbounded)
        printf("simulated for want of a bound, for example: %s\n", r->why_unbounded);
}

static void write_scenario(const struct design *d, const struct search_result *r, uint32_t i, const char *path,
                           struct diag *diag)
{
    const struct search_best *best = &r->best[i];
    char value[64];
    struct arena *arena = arena_new();
    struct scenario_file file;
    struct outfile *out;
    char *text = NULL;
    size_t size;
    FILE *memory = checked_alloc(open_memstream(&text, &size));
    if (!scenario_load(d->path, best->overrides, best->n_overrides, arena, &file, diag))
        fprintf(memory, "%s%u of %s: %s = %s\n", RANK_MARK, i + 1, d->file, r->metrics[0],
                unit_format(best->metric[0], r->dims[0], value, sizeof value));
    if (!diag_failed(diag))
        cfg_print_yaml(file.cfg, memory);
    if (fclose(memory))
        out_of_memory();
    if (!diag_failed(diag) && (out = outfile_open(path, diag))) {
        outfile_write(out, text, size);
        outfile_close(out, diag);
    }
    free(text);
    arena_free(arena);
}

static const char *rank_path(const struct options *o, uint32_t i, struct arena *arena)
{
    return arena_printf(arena, "%s/rank_%u.yaml", o->scenarios, i + 1);
}

/* Whether a search wrote the file. */
static bool is_rank(const char *path)
{
    char line[sizeof RANK_MARK] = "";
    FILE *f = fopen(path, "r");
    bool is = f && fgets(line, sizeof line, f) && !strcmp(line, RANK_MARK);
    if (f)
        fclose(f);
    return is;
}

/* Those of an earlier search that found more would look like this one's. */
static void remove_older(const struct options *o, uint32_t n_best, struct arena *arena, struct diag *diag)
{
    for (uint32_t i = n_best;; i++) {
        const char *path = rank_path(o, i, arena);
        if (!is_rank(path))
            return;
        if (input_file_is(path) || unlink(path)) {
            diag_error(diag, EXIT_IO, SRCLOC_FILE(path),
                       "this scenario of an earlier search stays: it cannot be removed");
            return;
        }
    }
}

static void write_scenarios(const struct options *o, const struct design *d, const struct search_result *r,
                            struct arena *arena, struct diag *diag)
{
    for (uint32_t i = 0; i < r->n_best; i++)
        write_scenario(d, r, i, rank_path(o, i, arena), diag);
    if (!diag_failed(diag))
        remove_older(o, r->n_best, arena, diag);
}

/* That all can be written, before minutes of searching. What the scenario reads is known once it was loaded. */
static int check_outputs(const struct options *o, const struct design *d, struct arena *arena, struct diag *diag)
{
    struct scenario_file file;
    struct diag *ignored = diag_new(); /* the axes may be what makes it valid */
    scenario_load(d->path, d->set, (int)d->n_set, arena, &file, ignored);
    diag_free(ignored);
    if (o->out)
        outfile_check(o->out, diag);
    if (o->scenarios && mkdir(o->scenarios, 0777) && errno != EEXIST)
        diag_error(diag, EXIT_IO, SRCLOC_NONE, "cannot make the folder '%s': %s", o->scenarios, strerror(errno));
    else if (o->scenarios)
        for (uint32_t i = 0; i < o->search.top && !diag_failed(diag); i++)
            outfile_check(rank_path(o, i, arena), diag);
    return diag_failed(diag) ? -1 : 0;
}

static void search(struct options *o, struct arena *arena, struct diag *diag)
{
    struct design design;
    struct search_result result;
    struct design_options options = {.set = o->set, .axis_name = "--vary", .axes = o->axes, .zip = o->zip};
    if (design_load(o->file, &options, arena, &design, diag) || complete(o, &design, arena, diag) ||
        check_outputs(o, &design, arena, diag) || search_run(&design, &o->search, arena, &result, diag))
        return;
    if (o->out)
        search_write(&result, &design, &o->search, o->out, diag);
    else
        print_table(search_table(&result, &design, arena), NULL, NULL, o->json, diag);
    if (o->scenarios)
        write_scenarios(o, &design, &result, arena, diag);
    if (o->json)
        return;
    tell_counts(&result);
    if (!o->no_why && result.n_best)
        tell_why(&design, &result.best[0]);
}

int cmd_search(int argc, char **argv)
{
    const char **lists[3];
    for (int i = 0; i < 3; i++)
        lists[i] = checked_alloc(calloc((size_t)argc + 1, sizeof(char *)));
    struct options o = {.set = lists[0], .axes = lists[1], .zip = lists[2]};
    o.search = (struct search_options){.objectives = o.objectives, .jobs = fork_map_processors(MAX_JOBS)};
    options_parse(&argp, argc, argv, &o);
    o.search.objectives = o.objectives;
    struct arena *arena = arena_new();
    struct diag *diag = diag_new();
    search(&o, arena, diag);
    diag_print(diag, stderr);
    int code = diag_exit_code(diag);
    diag_free(diag);
    arena_free(arena);
    for (int i = 0; i < 3; i++)
        free(lists[i]);
    return finish_stdout(code);
}

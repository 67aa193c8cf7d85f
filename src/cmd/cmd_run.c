/* moesim run SCENARIO: load, build, simulate, report. */
#include "config.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include "base/build_id.h"
#include "base/input_files.h"
#include "base/outfile.h"
#include "base/progress.h"
#include "base/shared_cache.h"
#include "cmd/cmd.h"
#include "io/results/timeline.h"
#include "io/results/writers.h"
#include "kinds/kind_run.h"
#include "kinds/parts.h"
#include "kinds/proposal_effect.h"
#include "kinds/what_if.h"

enum {
    MAX_LIST = 64,
    KEY_TIMELINE = 256,
    KEY_PROPOSAL,
    KEY_CRITICAL,
    KEY_WHAT_IF,
    KEY_RANKS,
    KEY_EXPLAIN,
    KEY_DETAIL,
    KEY_JSON,
    KEY_RESUME
};

struct options {
    const char *scenario, *explain, *timeline, *ranks;
    const char *set[MAX_LIST], *out[MAX_LIST], *proposals[MAX_LIST];
    int n_set, n_out, n_proposals;
    bool detail, json, critical, what_if, resume;
};

static const struct argp_option argp_options[] = {
    {"set", 's', "KEY=VALUE", OPTION_LIST, "change one value, for example cluster.nic.bandwidth='800 Gb/s'", 0},
    {"proposal", KEY_PROPOSAL, "NAME[:KEY=VALUE,...]", OPTION_LIST,
     "apply a proposal of the paper; several stack in order (moesim list proposals)", 0},
    {"output", 'o', "FILE", OPTION_LIST,
     "write the result to FILE (.json, .csv; .tex: numbers for the text of a paper; .gz compresses)", 0},
    {"resume", KEY_RESUME, NULL, 0,
     "go on with a run that was interrupted: finished parts of it lie beside the first -o", 0},
    {"json", KEY_JSON, NULL, 0, "print the result as JSON instead of text", 0},
    {"detail", KEY_DETAIL, NULL, 0, "print the phases of each layer", 0},
    {"explain", KEY_EXPLAIN, "METRIC", 0, "print a metric's formula, its numbers and sources", 0},
    {"critical-path", KEY_CRITICAL, NULL, 0, "add a table of what the run waited for", 0},
    {"what-if", KEY_WHAT_IF, NULL, 0,
     "run it again with each resource 1 % and 100 % faster: a table of gains, and what bounds the run", 0},
    {"timeline", KEY_TIMELINE, "FILE", 0, "write a timeline for ui.perfetto.dev (.json; .gz compresses)", 0},
    {"timeline-ranks", KEY_RANKS, "LIST", 0, "ranks on the timeline, for example 0,8-15 (default: 0)", 0},
    {0}};

/* The result beside which finished parts lie, or NULL. */
static const char *parts_beside(const struct options *o)
{
    return o->n_out && strncmp(o->out[0], "/dev/", 5) ? o->out[0] : NULL;
}

/* Nothing that was written is ignored. */
static void check_all(const struct options *o, struct argp_state *state)
{
    if (o->timeline)
        option_output(o->timeline, o->out, o->n_out, state);
    else if (o->ranks)
        argp_error(state, "--timeline-ranks chooses what is on a timeline; write --timeline FILE.json, too");
    if (o->resume && !parts_beside(o))
        argp_error(state, "--resume goes on beside a result that is a file; name it with -o");
    if (o->json + o->detail + (o->explain != NULL) > 1)
        argp_error(state, "one of --json, --detail and --explain at a time: each says what is printed");
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 's':
    case 'o':
        if ((key == 's' ? o->n_set : o->n_out) == MAX_LIST)
            argp_error(state, "more than %d times -%c", MAX_LIST, key);
        if (key == 'o')
            option_output(arg, o->out, o->n_out, state);
        if (key == 's')
            o->set[o->n_set++] = arg;
        else
            o->out[o->n_out++] = arg;
        return 0;
    case KEY_PROPOSAL:
        if (o->n_proposals == MAX_LIST)
            argp_error(state, "more than %d times --proposal", MAX_LIST);
        o->proposals[o->n_proposals++] = arg;
        return 0;
    case KEY_CRITICAL:
        o->critical = true;
        return 0;
    case KEY_WHAT_IF:
        o->what_if = true;
        return 0;
    case KEY_RESUME:
        o->resume = true;
        return 0;
    case KEY_JSON:
        o->json = true;
        return 0;
    case KEY_DETAIL:
        o->detail = true;
        return 0;
    case KEY_EXPLAIN:
        o->explain = arg;
        return 0;
    case KEY_TIMELINE:
        o->timeline = arg;
        return 0;
    case KEY_RANKS:
        o->ranks = arg;
        return 0;
    case ARGP_KEY_ARG:
        if (o->scenario)
            argp_error(state, "one scenario at a time; '%s' is a second one", arg);
        o->scenario = arg;
        return 0;
    case ARGP_KEY_END:
        check_all(o, state);
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which scenario? For example:\n"
                          "  moesim run scenarios/train_replay_h800.yaml");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    argp_options,     parse_option, "SCENARIO", "Simulates a scenario and prints the result.",
    progress_options, NULL,         NULL};

/* A run and what of it goes on the timeline. */
struct run {
    struct kind_run kind;
    struct scenario_file file;
    const struct options *options;
    uint32_t *devices, n_devices; /* on the timeline */
};

/* --- output files ---------------------------------------------------------------------------------- */

static bool ends_with(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);
    return n >= m && !strcmp(s + n - m, suffix);
}

static bool has_format(const char *path, const char *suffix)
{
    char gz[16];
    snprintf(gz, sizeof gz, "%s.gz", suffix);
    return ends_with(path, suffix) || ends_with(path, gz);
}

static void check_outputs(const struct options *o, struct diag *diag)
{
    for (int i = 0; i < o->n_out; i++)
        if (!has_format(o->out[i], ".json") && !has_format(o->out[i], ".csv") && !has_format(o->out[i], ".tex") &&
            strncmp(o->out[i], "/dev/", 5))
            diag_error(diag, EXIT_USAGE, SRCLOC_NONE,
                       "-o %s: the name must end in .json, .csv or .tex, or those with .gz", o->out[i]);
}

/* All or none. */
static void write_outputs(const struct run *r, const struct options *o, struct diag *diag)
{
    outfile_batch_begin();
    for (int i = 0; i < o->n_out; i++) {
        if (has_format(o->out[i], ".csv"))
            result_write_csv(&r->kind.result, o->out[i], diag);
        else if (has_format(o->out[i], ".tex"))
            result_write_latex(&r->kind.result, &r->file, o->out[i], diag);
        else
            result_write_json(&r->kind.result, &r->file, o->out[i], diag);
    }
    if (o->timeline && !r->kind.spec.graph)
        diag_error(diag, EXIT_USAGE, SRCLOC_NONE, "--timeline: nothing was simulated that it could show");
    else if (o->timeline)
        timeline_write(o->timeline, &r->kind.spec, &r->kind.outcome, r->devices, r->n_devices, diag);
    outfile_batch_end(!diag_failed(diag), diag);
}

/* --- timeline ranks --------------------------------------------------------------------------------- */

static int add_range(struct run *r, unsigned long first, unsigned long last, const char *list, struct diag *diag)
{
    if (first > last || last >= r->kind.spec.graph->n_devices) {
        diag_error(diag, EXIT_USAGE, SRCLOC_NONE, "--timeline-ranks %s: the run simulates ranks 0 to %u", list,
                   r->kind.spec.graph->n_devices - 1);
        return -1;
    }
    for (unsigned long d = first; d <= last && r->n_devices < r->kind.spec.graph->n_devices; d++)
        r->devices[r->n_devices++] = (uint32_t)d;
    return 0;
}

static int parse_ranks(struct run *r, const char *list, struct diag *diag)
{
    r->devices = ARENA_ARRAY(r->kind.arena, uint32_t, r->kind.spec.graph->n_devices);
    r->n_devices = 0;
    const char *p = list ? list : "0";
    do {
        char *end;
        unsigned long first = strtoul(p, &end, 10), last = first;
        if (end != p && *end == '-') {
            p = end + 1;
            last = strtoul(p, &end, 10);
        }
        if (end == p || (*end && *end != ',')) {
            diag_error(diag, EXIT_USAGE, SRCLOC_NONE,
                       "--timeline-ranks %s is no list of ranks; write for example 0,8-15", list);
            return -1;
        }
        if (add_range(r, first, last, list ? list : "0", diag))
            return -1;
        p = *end ? end + 1 : end;
    } while (*p);
    return 0;
}

/* NVLink, PCIe and NIC links of a GPU; its NIC's vertex follows the endpoints. */
static bool link_of(const struct topology *t, const struct topo_link *l, uint32_t device)
{
    uint32_t nic = t->n_endpoints + device;
    return l->kind <= LINK_NIC && (l->a == device || l->b == device || l->a == nic || l->b == nic);
}

/* The links that belong to a device on the timeline are sampled. */
static void watch_devices(struct run *r, struct sim_spec *spec)
{
    const struct topology *t = spec->topo;
    uint32_t *watch = ARENA_ARRAY(r->kind.arena, uint32_t, t->n_links), n = 0;
    for (uint32_t link = 0; link < t->n_links; link++)
        for (uint32_t i = 0; i < r->n_devices; i++)
            if (link_of(t, &t->links[link], r->devices[i])) {
                watch[n++] = link;
                break;
            }
    spec->watch = watch;
    spec->n_watch = n;
}

static int before_simulation(void *ctx, struct sim_spec *spec, struct diag *diag)
{
    struct run *r = ctx;
    if (parse_ranks(r, r->options->ranks, diag))
        return -1;
    if (r->options->timeline)
        watch_devices(r, spec);
    return 0;
}

/* --- the run ---------------------------------------------------------------------------------------- */

static void report(const struct run *r, const struct options *o, struct diag *diag)
{
    const struct result *result = &r->kind.result;
    if (o->explain)
        result_explain(result, &r->file, o->explain, stdout, diag);
    else if (o->json)
        result_write_json(result, &r->file, "-", diag);
    else
        result_print_text(result, &r->file, o->detail, stdout);
    if (fflush(stdout) || ferror(stdout))
        diag_error(diag, EXIT_IO, SRCLOC_NONE, "cannot write to standard output");
}

/* All that decides the answers of a run's parts, but for files that it reads later. */
static const char *identity(const struct run *r, const struct options *o)
{
    static const char *const nothing[] = {NULL};
    struct arena *a = r->kind.arena;
    return arena_printf(a, "%s %s %s%s%s\n%s\n%s", PACKAGE_VERSION, build_commit, o->critical ? "critical path " : "",
                        o->what_if ? "what if " : "", o->timeline ? "timeline" : "",
                        proposal_stack_text(r->file.proposals, false, a), cfg_text_without(r->file.cfg, nothing, a));
}

static int open_parts(const struct run *r, const struct options *o, struct diag *diag)
{
    const char *beside = parts_beside(o);
    return beside ? parts_open(arena_printf(r->kind.arena, "%s.part", beside), identity(r, o), o->resume, diag) : 0;
}

static void tell_resumed(const struct options *o)
{
    if (o->resume)
        fprintf(stderr, "moesim: %u finished parts were taken over\n", parts_resumed());
}

static void run(struct run *r, const struct options *o, struct diag *diag)
{
    struct scenario_options options = {
        .overrides = o->set, .n_overrides = o->n_set, .proposals = o->proposals, .n_proposals = o->n_proposals};
    if (scenario_load_with(o->scenario, &options, r->kind.arena, &r->file, diag))
        return;
    if (open_parts(r, o, diag))
        return;
    progress_begin("building");
    int failed = kind_execute(&r->kind, diag);
    progress_end();
    if (failed || proposals_check_effect(o->scenario, &options, &r->kind, diag))
        return;
    if (o->what_if && what_if_add(o->scenario, &options, &r->kind, diag))
        return;
    tell_resumed(o);
    if (o->critical && !r->kind.critical->n) {
        diag_error(diag, EXIT_USAGE, SRCLOC_NONE, "--critical-path: nothing was simulated that it could show");
        return;
    }
    write_outputs(r, o, diag);
    if (!diag_failed(diag))
        report(r, o, diag);
}

int cmd_run(int argc, char **argv)
{
    struct options o = {0};
    options_parse(&argp, argc, argv, &o);
    struct run r = {.options = &o};
    r.kind = (struct kind_run){.file = &r.file,
                               .arena = arena_new(),
                               .before = o.timeline || o.ranks ? before_simulation : NULL,
                               .ctx = &r,
                               .one_of_many = shared_cache_B() > 0, /* of claims, say */
                               .keeps_last = o.timeline != NULL};
    if (o.critical)
        r.kind.critical = ARENA_NEW(r.kind.arena, struct critical_path);
    struct diag *diag = diag_new();
    check_outputs(&o, diag);
    input_files_record();
    if (!diag_failed(diag))
        run(&r, &o, diag);
    parts_close(!diag_failed(diag));
    diag_print(diag, stderr);
    int code = diag_exit_code(diag);
    kind_run_free(&r.kind);
    diag_free(diag);
    arena_free(r.kind.arena);
    return code;
}

/* moesim topo NAME: counts, measures, prices and exports a network; --table3 compares the paper's five. */
#include <argp.h>
#include <string.h>

#include "base/data_find.h"
#include "base/progress.h"
#include "cmd/cmd.h"
#include "io/hardware.h"
#include "io/scenario.h"
#include "io/topo/topo_writers.h"

enum { MAX_SET = 64, KEY_HARDWARE = 256, KEY_NODES, KEY_COST, KEY_COUNT, KEY_PRICES, KEY_TABLE3 };

struct format {
    const char *name, *suffix; /* -o FILE chooses by suffix */
    topo_writer *write;
    bool needs_graph, needs_metrics, only_table3;
};

static const struct format formats[] = {
    {"text", ".txt", topo_write_text, false, true, false},
    {"json", ".json", topo_write_json, false, true, false},
    {"dot", ".dot", topo_write_dot, true, false, false},
    {"simgrid-xml", ".xml", topo_write_simgrid, true, false, false},
    {"htsim", ".topo", topo_write_htsim, true, false, false},
    {"ibsim", ".ibsim", topo_write_ibsim, true, false, false},
    {"latex", ".tex", topo_write_text, false, true, true},
};
enum { N_FORMATS = sizeof formats / sizeof *formats };

struct options {
    const char *name, *scenario, *hardware, *nodes, *prices, *out;
    const char *set[MAX_SET];
    int n_set;
    const struct format *format;
    bool cost, count, table3;
};

static const struct argp_option argp_options[] = {
    {"set", 's', "KEY=VALUE", OPTION_LIST, "change one value, for example cluster.network.switch_ports=128", 0},
    {"hardware", KEY_HARDWARE, "NAME", 0,
     "numbers to start from (default: the scenario's, or h800; 'moesim list hardware')", 0},
    {"nodes", KEY_NODES, "N", 0, "nodes of the cluster (default: the scenario's, or 1)", 0},
    {"count", KEY_COUNT, NULL, 0, "closed forms only: does not build, so any size is instant", 0},
    {"cost", KEY_COST, NULL, 0, "print what the network costs", 0},
    {"prices", KEY_PRICES, "FILE", 0, "price list (default: configs/prices.yaml)", 0},
    {"format", 'f', "FORMAT", 0,
     "text, json, dot (Graphviz), simgrid-xml (a platform), htsim (.topo of its fat trees), ibsim (for OpenSM) or "
     "latex (of --table3); "
     "default: by the suffix of -o, or text",
     0},
    {"output", 'o', "FILE", 0, "write to FILE, whole or not at all (.gz compresses)", 0},
    {"table3", KEY_TABLE3, NULL, 0,
     "Table 3 of the paper: five networks counted and priced; exit code 1 when a count differs or "
     "a cost is off by more than 1 %",
     0},
    {0}};

/* --- command line ----------------------------------------------------------------------------------- */

static const struct format *find_format(const char *word, struct argp_state *state)
{
    const char *names[N_FORMATS + 1] = {0};
    for (int i = 0; i < N_FORMATS; i++) {
        if (!strcmp(formats[i].name, word))
            return &formats[i];
        names[i] = formats[i].name;
    }
    const char *near = cfg_nearest(word, names);
    argp_error(state, "there is no format '%s'%s%s%s; formats are text, json, dot, simgrid-xml, htsim, ibsim, latex",
               word, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return NULL;
}

static void check_name(const char *word, struct argp_state *state)
{
    if (topology_find(word))
        return;
    const char *names[256] = {0};
    const struct topology_type *const *all = topology_all();
    for (size_t i = 0; all[i] && i < 255; i++)
        names[i] = all[i]->name;
    const char *near = cfg_nearest(word, names);
    argp_error(state, "there is no topology '%s'%s%s%s ('moesim list topologies' lists them)", word,
               near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static bool ends_with(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);
    return n >= m && !strncmp(s + n - m, suffix, m);
}

static const struct format *format_of_file(const char *path)
{
    char gz[16];
    for (int i = 0; path && i < N_FORMATS; i++) {
        snprintf(gz, sizeof gz, "%s.gz", formats[i].suffix);
        if (ends_with(path, formats[i].suffix) || ends_with(path, gz))
            return &formats[i];
    }
    return &formats[0];
}

static void check_all(struct options *o, struct argp_state *state)
{
    if (!o->format)
        o->format = format_of_file(o->out);
    if (!o->name && !o->table3)
        argp_error(state, "which topology? For example:\n  moesim topo mpft --nodes 2048 --cost");
    if (o->prices && !o->cost && !o->table3)
        argp_error(state, "--prices is about --cost and --table3; leave it out");
    if (o->table3 && o->cost)
        argp_error(state, "--table3 has costs in it; leave out --cost");
    if (o->name && o->table3)
        argp_error(state, "--table3 is of five networks of its own; leave out '%s'", o->name);
    if (o->table3 && (o->nodes || o->count))
        argp_error(state, "--table3 has sizes of its own and counts only; leave out --%s",
                   o->nodes ? "nodes" : "count");
    if (o->table3 && o->format->needs_graph)
        argp_error(state, "--table3 is written as text, json or latex, not as %s", o->format->name);
    if (!o->table3 && o->format->only_table3)
        argp_error(state, "LaTeX is written of --table3; a network is written as text or json");
    if (o->count && o->format->needs_graph)
        argp_error(state, "--count builds nothing that could be written as %s", o->format->name);
    if (o->cost && o->format->needs_graph)
        argp_error(state, "--cost is written as text or json, not as %s", o->format->name);
}

static void add_argument(struct options *o, char *arg, struct argp_state *state)
{
    if (!o->name) {
        check_name(arg, state);
        o->name = arg;
    } else if (!o->scenario) {
        o->scenario = arg;
    } else {
        argp_error(state, "one scenario at a time; '%s' is a second one", arg);
    }
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 's':
        if (o->n_set == MAX_SET)
            argp_error(state, "more than %d times -s", MAX_SET);
        o->set[o->n_set++] = arg;
        return 0;
    case 'o':
        o->out = arg;
        return 0;
    case KEY_HARDWARE:
        o->hardware = arg;
        return 0;
    case KEY_NODES:
        o->nodes = arg;
        return 0;
    case KEY_COST:
        o->cost = true;
        return 0;
    case KEY_COUNT:
        o->count = true;
        return 0;
    case KEY_PRICES:
        o->prices = arg;
        return 0;
    case KEY_TABLE3:
        o->table3 = true;
        return 0;
    case 'f':
        o->format = find_format(arg, state);
        return 0;
    case ARGP_KEY_ARG:
        add_argument(o, arg, state);
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
    "NAME [SCENARIO]\n--table3",
    "Counts, measures and prices the network NAME ('moesim list topologies'), or exports it. The "
    "cluster is that of SCENARIO, or one of --hardware; -s and --nodes change it.",
    progress_options,
    NULL,
    NULL};

/* --- the work --------------------------------------------------------------------------------------- */

struct work {
    struct arena *arena;
    struct cluster_file cluster;
    struct cfg *prices;
    const char *prices_file;
    struct topology topo;
    struct net_graph graph;
    struct topo_metrics metrics;
    struct topo_cost cost;
    struct topo_report report;
};

static int load_cluster(struct work *w, const struct options *o, struct diag *diag)
{
    struct cluster_source from = {.scenario = o->scenario ? data_given(o->scenario, w->arena) : NULL,
                                  .hardware = o->hardware,
                                  .topology = o->name ? o->name : "mpft",
                                  .nodes = o->nodes,
                                  .set = o->set,
                                  .n_set = o->n_set};
    return cluster_load(&from, w->arena, &w->cluster, diag);
}

static int load_prices(struct work *w, const struct options *o, struct diag *diag)
{
    const char *wanted = o->prices ? o->prices : "configs/prices.yaml";
    const char *path = data_find(wanted, NULL, w->arena);
    w->prices_file = wanted;
    w->prices = cfg_new(&cost_prices_table, w->arena);
    if (!path) {
        diag_error(diag, EXIT_IO, SRCLOC_FILE(wanted), "there is no such price list");
        return -1;
    }
    size_t before = diag_count(diag);
    if (!cfg_load_file(w->prices, path, "", true, NULL, diag))
        cfg_finish(w->prices, diag);
    return diag_count(diag) > before ? -1 : 0;
}

/* Errors of a size point at the number of nodes. */
static int count(struct work *w, struct diag *diag)
{
    const struct topology_type *type = topology_find(w->cluster.hw->topology);
    w->report = (struct topo_report){.type = type, .cluster = &w->cluster, .arena = w->arena};
    diag_default_place(diag, cfg_where(w->cluster.cfg, "cluster.nodes"));
    int failed = type->count(w->cluster.hw, &w->report.counts, diag);
    diag_default_place(diag, SRCLOC_NONE);
    return failed;
}

static int build(struct work *w, bool measure, struct diag *diag)
{
    diag_default_place(diag, cfg_where(w->cluster.cfg, "cluster.nodes"));
    int failed = topology_build(&w->topo, w->cluster.hw, w->arena, diag);
    diag_default_place(diag, SRCLOC_NONE);
    if (failed)
        return -1;
    net_graph_build(&w->topo, w->arena, &w->graph);
    w->report.topo = &w->topo;
    w->report.graph = &w->graph;
    if (measure) {
        topo_metrics(&w->topo, &w->graph, w->arena, &w->metrics);
        w->report.metrics = &w->metrics;
    }
    return 0;
}

static int price(struct work *w, const struct options *o, struct diag *diag)
{
    if (load_prices(w, o, diag))
        return -1;
    topo_cost(&w->report.counts, w->cluster.hw, cfg_struct(w->prices), &w->cost);
    w->report.cost = &w->cost;
    w->report.prices = w->prices;
    w->report.prices_file = w->prices_file;
    return 0;
}

static int finish(struct outfile *f, int failed, struct diag *diag)
{
    if (!failed)
        return outfile_close(f, diag);
    outfile_abandon(f);
    return -1;
}

/* A network is shown as it was built; what is down, routes and loads of `run` go around. */
static int refuse_faults(const struct work *w, struct diag *diag)
{
    if (!w->cluster.hw->faults.down || !*w->cluster.hw->faults.down)
        return 0;
    diag_error(diag, EXIT_BAD_INPUT, cfg_where(w->cluster.cfg, "cluster.faults.down"),
               "'moesim topo' shows whole networks: leave out cluster.faults.down; 'moesim run' has what is down, kind "
               "fault_study compares");
    return -1;
}

static int describe(struct work *w, const struct options *o, struct diag *diag)
{
    if (refuse_faults(w, diag))
        return -1;
    if (count(w, diag) || (o->cost && price(w, o, diag)))
        return -1;
    progress_begin("building and measuring");
    int failed = o->count ? 0 : build(w, o->format->needs_metrics, diag);
    progress_end();
    struct outfile *f = failed ? NULL : outfile_open(o->out ? o->out : "-", diag);
    return f ? finish(f, o->format->write(&w->report, f, diag), diag) : -1;
}

static int compare_with_paper(struct work *w, const struct options *o, struct diag *diag)
{
    struct table3 t;
    if (load_prices(w, o, diag) || table3_compute(w->cluster.hw, cfg_struct(w->prices), &t, diag))
        return -1;
    struct outfile *f = outfile_open(o->out ? o->out : "-", diag);
    if (!f)
        return -1;
    if (o->format->only_table3)
        table3_write_latex(&t, w->prices_file, w->arena, f);
    else if (o->format->write == topo_write_json)
        table3_write_json(&t, w->prices, f);
    else
        table3_write_text(&t, w->prices_file, f);
    return finish(f, 0, diag) ? -1 : t.holds ? EXIT_OK : EXIT_NO;
}

int cmd_topo(int argc, char **argv)
{
    struct options o = {0};
    options_parse(&argp, argc, argv, &o);
    struct work w = {.arena = arena_new()};
    struct diag *diag = diag_new();
    int answer = load_cluster(&w, &o, diag);
    if (!answer)
        answer = o.table3 ? compare_with_paper(&w, &o, diag) : describe(&w, &o, diag);
    diag_print(diag, stderr);
    int code = diag_exit_code(diag);
    diag_free(diag);
    arena_free(w.arena);
    return code ? code : answer == EXIT_NO ? EXIT_NO : EXIT_OK;
}

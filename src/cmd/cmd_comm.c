/* moesim comm: kernels of expert parallelism and collectives beside measurements. */
#include <argp.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "base/units.h"
#include "campaign/comm_check.h"
#include "cmd/cmd.h"
#include "io/hardware.h"
#include "io/inputs/cluster_file.h"
#include "io/results/comm_writers.h"
#include "models/comm/wire_format.h"
#include "kinds/fork_map.h"

enum { MAX_SET = 256, MAX_FILES = 64, KEY_CHECK = 256, KEY_FIT, KEY_HARDWARE, KEY_TOLERANCE, KEY_TOPOLOGY, KEY_ROWS };

struct options {
    const char *files[MAX_FILES], *hardware, *topology, *out, *set[MAX_SET];
    int n_files, n_set;
    uint32_t jobs;
    double tolerance;
    bool fit, check, json, rows;
};

static const struct argp_option argp_options[] = {
    {"check", KEY_CHECK, "FILE", OPTION_LIST,
     "hold measured rows against the model (CSV, may be compressed); may be repeated", 0},
    {"fit", KEY_FIT, NULL, 0, "with --check: propose constants, and say which rows they come from", 0},
    {"rows", KEY_ROWS, NULL, 0, "with --check: every measurement with its prediction, as CSV or in the JSON", 0},
    {"hardware", KEY_HARDWARE, "NAME", 0, "of 'moesim list hardware', layers with commas (default: h800)", 0},
    {"set", 's', "KEY=VALUE", OPTION_LIST, "change a key of the cluster, e.g. cluster.ep_kernel.kernel=deepep_v2", 0},
    {"topology", KEY_TOPOLOGY, "NAME", 0, "of 'moesim list topologies', between nodes (default: mrft)", 0},
    {"tolerance", KEY_TOLERANCE, "SHARE", 0, "exit code 1 where the median error of a group is above it: '10 %' or 0.1",
     0},
    {"jobs", 'j', "N", 0, "processes (default: one per processor)", 0},
    {"format", 'f', "FORMAT", 0, "text or json", 0},
    {"output", 'o', "FILE", 0, "write to FILE, whole or not at all (.gz compresses)", 0},
    {0}};

/* --- command line ---------------------------------------------------------------------------------------- */

static void add_text(const char **list, int *n, int most, const char *text, struct argp_state *state)
{
    if (*n == most)
        argp_error(state, "more than %d of these", most);
    list[(*n)++] = text;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case KEY_CHECK:
        o->check = true;
        add_text(o->files, &o->n_files, MAX_FILES, arg, state);
        return 0;
    case KEY_FIT:
        o->fit = true;
        return 0;
    case KEY_ROWS:
        o->rows = true;
        return 0;
    case KEY_HARDWARE:
        o->hardware = arg;
        return 0;
    case KEY_TOPOLOGY:
        o->topology = arg;
        return 0;
    case KEY_TOLERANCE:
        o->tolerance = option_share(arg, "--tolerance", state);
        return 0;
    case 's':
        add_text(o->set, &o->n_set, MAX_SET, arg, state);
        return 0;
    case 'j':
        o->jobs = (uint32_t)option_whole(arg, 1, 1024, "--jobs", state);
        return 0;
    case 'f':
        o->json = !strcmp(arg, "json");
        if (!o->json && strcmp(arg, "text"))
            argp_error(state, "there is no output format '%s'; there are text and json", arg);
        return 0;
    case 'o':
        o->out = arg;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "what is '%s'? measured rows are given by --check %s", arg, arg);
        return 0;
    case ARGP_KEY_END:
        if ((o->fit || o->rows || o->tolerance > 0) && !o->check)
            argp_error(state, "--%s needs rows: --check FILE", o->fit ? "fit" : o->rows ? "rows" : "tolerance");
        if (o->fit && o->json)
            argp_error(state, "--fit prints text; leave out --format");
        if (o->fit && (o->rows || o->tolerance > 0))
            argp_error(state, "either --fit or --%s", o->rows ? "rows" : "tolerance");
        if ((o->topology || o->jobs || o->json) && !o->check)
            argp_error(state, "--%s is about --check; leave it out",
                       o->topology ? "topology"
                       : o->jobs   ? "jobs"
                                   : "format json");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    argp_options,
    parse_option,
    NULL,
    "Without --check: the kernels of expert parallelism, and what was measured of them on the hardware. With it: the "
    "error of the model by kernel, nodes and size.\v"
    "Examples:\n"
    "  moesim comm --hardware h200\n"
    "  moesim comm --hardware h200 --check rows.csv -s cluster.ep_kernel.kernel=deepep_normal\n"
    "  moesim comm --hardware h200 --check rows.csv --fit\n",
    progress_options,
    NULL,
    NULL};

/* --- answers --------------------------------------------------------------------------------------------- */

static int check_kernel(const struct cluster_file *file, struct arena *arena, struct diag *diag)
{
    const char *name = file->hw->ep_kernel.kernel;
    const char **names = ARENA_ARRAY(arena, const char *, 64);
    uint32_t n = 0;
    for (const struct ep_kernel_type *const *k = ep_kernel_all(); *k; k++)
        names[n++] = (*k)->name;
    if (!strcmp(name, "auto") || ep_kernel_find(name))
        return 0;
    report_unknown(diag, EXIT_BAD_INPUT, cfg_where(file->cfg, "cluster.ep_kernel.kernel"), "kernel", name, names,
                   arena);
    return -1;
}

static void list_kernels(const struct cluster_file *file, struct outfile *f)
{
    char start[2][32];
    for (const struct ep_kernel_type *const *k = ep_kernel_all(); *k; k++) {
        const struct hw_ep_kernel *hw = &file->hw->ep_kernel;
        const struct hw_ep_constants *c = ep_constants(*k, hw);
        if (!(*k)->constants) {
            outfile_printf(f, "%-20s %s\n%-20s modelled after %s; %s\n", (*k)->name, (*k)->doc, "", (*k)->software,
                           c->software);
            continue;
        }
        for (int i = 0; i < 2; i++)
            unit_format(c->start_s[i], DIM_TIME, start[i], sizeof start[i]);
        outfile_printf(f, "%-20s %s\n%-20s modelled after %s; %s %s: start %s / %s, %.3g / %.3g %% of NVLink\n",
                       (*k)->name, (*k)->doc, "", (*k)->software,
                       ep_measured_here(*k, hw) ? "measured with" : "constants of", c->software, start[0], start[1],
                       100 * c->nvlink_ratio[0], 100 * c->nvlink_ratio[1]);
    }
    outfile_printf(f, "(dispatch / combine; hardware %s)\n", file->hardware);
}

static void print_fits(const struct comm_fits *fits, struct outfile *f)
{
    char was[32], is[32];
    for (uint32_t i = 0; i < fits->n; i++) {
        const struct comm_fit *x = &fits->fits[i];
        enum unit_dim dim = x->is_time ? DIM_TIME : DIM_RATIO;
        unit_format(x->was, dim, was, sizeof was);
        unit_format(x->is, dim, is, sizeof is);
        outfile_printf(f, "%s: %s  (was %s; %s, lines", x->key, is, was, x->file);
        for (int k = 0; k < x->n_lines; k++)
            outfile_printf(f, "%s %d", k ? "," : "", x->lines[k]);
        outfile_printf(f, ")\n");
    }
}

static const char kernel_letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";

/* Kernels that were compared with constants of another chip: the page says so. */
static void add_notes(const struct comm_check *c, struct arena *arena, struct comm_page *page)
{
    const char **notes = ARENA_ARRAY(arena, const char *, 64);
    for (const struct ep_kernel_type *const *k = ep_kernel_all(); *k; k++)
        for (uint32_t i = 0; i < page->n_groups; i++)
            if (strspn(page->groups[i].name, kernel_letters) == strlen((*k)->name) &&
                !strncmp(page->groups[i].name, (*k)->name, strlen((*k)->name)) &&
                !ep_measured_here(*k, &c->hw->ep_kernel)) {
                notes[page->n_notes++] = arena_printf(arena, "%s was not measured on %s: constants of %s", (*k)->name,
                                                      c->hardware, (*k)->nearest.software);
                break;
            }
    for (uint32_t i = 0; i < c->n_files; i++)
        if (c->files[i].unread && page->n_notes < 63)
            notes[page->n_notes++] =
                arena_printf(arena, "%s: columns that nothing reads: %s", c->files[i].file, c->files[i].unread);
    page->notes = notes;
}

static void make_items(const struct comm_check *c, const struct comm_checked *checked, struct arena *arena,
                       struct comm_page *page)
{
    uint32_t all = 0, i = 0;
    for (uint32_t k = 0; k < c->n_files; k++)
        all += c->files[k].n;
    struct comm_item *item = ARENA_ARRAY(arena, struct comm_item, all + 1);
    page->items = item;
    for (uint32_t k = 0; k < c->n_files; k++)
        for (uint32_t r = 0; r < c->files[k].n; r++, i++) {
            const struct comm_row *row = &c->files[k].rows[r];
            bool is = row->is_collective;
            if (isfinite(checked->predicted_s[i]))
                item[page->n_items++] = (struct comm_item){
                    .file = c->files[k].file,
                    .what = is ? collective_operation_names[row->operation] : comm_row_kernel(row, c->hw)->name,
                    .phase = is ? "" : ep_phase_names[row->phase],
                    .line = row->line,
                    .gpus = comm_row_gpus(row, c->hw),
                    .tokens = row->tokens,
                    .bytes_B =
                        is ? row->size_B : row->tokens * (double)row->top_k * wire_format_B(row->format, row->hidden),
                    .sms = row->sms,
                    .predicted_s = checked->predicted_s[i],
                    .measured_s = comm_row_measured_s(row, c->hw)};
            if (row->logical_Bps > 0 && isfinite(checked->predicted_s[i])) {
                struct comm_item *m = &item[page->n_items - 1];
                m->logical_Bps = row->logical_Bps * m->measured_s / m->predicted_s;
            }
        }
}

static int print_check(const struct options *o, const struct comm_check *c, struct outfile *f, struct arena *arena,
                       struct diag *diag)
{
    struct comm_checked checked;
    if (comm_check(c, arena, &checked, diag))
        return -1;
    struct comm_line *lines = ARENA_ARRAY(arena, struct comm_line, checked.n_groups + 1);
    struct comm_page page = {.hardware = c->hardware,
                             .groups = lines,
                             .n_groups = checked.n_groups,
                             .left_out = checked.left_out,
                             .tolerance = o->tolerance};
    for (uint32_t i = 0; i < checked.n_groups; i++) {
        const struct comm_group *g = &checked.groups[i];
        lines[i] = (struct comm_line){g->name, g->rows, g->median, g->p90, g->bias};
        if (o->tolerance > 0 && g->median > o->tolerance)
            diag_exit(diag, EXIT_NO);
    }
    add_notes(c, arena, &page);
    if (o->rows)
        make_items(c, &checked, arena, &page);
    (o->json ? comm_write_json : o->rows ? comm_write_csv : comm_write_text)(&page, f);
    return 0;
}

static int answer(const struct options *o, struct arena *arena, struct outfile *f, struct diag *diag)
{
    struct cluster_source from = {
        .hardware = o->hardware, .topology = o->topology ? o->topology : "mrft", .set = o->set, .n_set = o->n_set};
    struct cluster_file file;
    struct comm_fits fits;
    if (cluster_load(&from, arena, &file, diag) || check_kernel(&file, arena, diag))
        return -1;
    if (!o->check) {
        list_kernels(&file, f);
        return 0;
    }
    struct comm_rows *rows = ARENA_ARRAY(arena, struct comm_rows, o->n_files);
    struct comm_check check = {.hw = file.hw,
                               .hardware = file.hardware,
                               .files = rows,
                               .n_files = (uint32_t)o->n_files,
                               .at_once = o->jobs ? o->jobs : fork_map_processors(64),
                               .by_row = o->rows && !o->fit};
    for (int i = 0; i < o->n_files; i++)
        if (comm_file_read(o->files[i], arena, &rows[i], diag))
            return -1;
    if (!o->fit)
        return print_check(o, &check, f, arena, diag);
    if (comm_check(&check, arena, &(struct comm_checked){0}, diag) || comm_fit(&check, arena, &fits, diag))
        return -1;
    if (!fits.n)
        diag_error(
            diag, EXIT_BAD_INPUT, SRCLOC_FILE(rows[0].file),
            "no row to fit: constants are of exchange kernels, starts of rows of few tokens and shares of NVLink of "
            "many; collectives have none (cluster.software.nccl says what they are)");
    print_fits(&fits, f);
    return diag_failed(diag) ? -1 : 0;
}

int cmd_comm(int argc, char **argv)
{
    struct options o = {0};
    options_parse(&argp, argc, argv, &o);
    struct arena *arena = arena_new();
    struct diag *diag = diag_new();
    struct outfile *f = outfile_open(o.out ? o.out : "-", diag);
    if (f && answer(&o, arena, f, diag))
        outfile_abandon(f);
    else if (f)
        outfile_close(f, diag);
    diag_print(diag, stderr);
    int code = diag_exit_code(diag);
    diag_free(diag);
    arena_free(arena);
    return code;
}

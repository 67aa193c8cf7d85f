/* moesim kernels: measured kernel times, the roofline beside them, and the time of any one kernel. */
#include <argp.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cfg.h"
#include "base/progress.h"
#include "base/units.h"
#include "cmd/cmd.h"
#include "cmd/cmd_kernels.h"
#include "io/inputs/cluster_file.h"
#include "io/inputs/kernel_table_file.h"
#include "io/results/kernels_writers.h"

enum {
    MAX_SET = 256,
    MAX_KNOWN = 16,
    MAX_FILES = 64,
    MAX_FOLDS = 100,
    MAX_GROUPS = 4096,
    KEY_HARDWARE = 256,
    KEY_LIST,
    KEY_FIT,
    KEY_CHECK,
    KEY_CHIP,
    KEY_SOURCE,
    KEY_CONDITIONS,
    KEY_FAMILY,
    KEY_KNOWN,
    KEY_LEAVE_OUT,
    KEY_TOLERANCE,
    KEY_GROUPS,
    KEY_ROWS,
    KEY_CAUSAL,
    KEY_FP8_CACHE,
    KEY_NUMBER
}; /* KEY_NUMBER + i: numbers[i] */

enum { WINDOW = 14 }; /* of the numbers */

/* Options that are numbers of a call; the second is the call's own name for it. */
static const struct {
    const char *option, *member;
    enum unit_dim dim; /* DIM_COUNT: a plain number */
} numbers[] = {{"m", "m", DIM_COUNT},
               {"n", "n", DIM_COUNT},
               {"k", "k", DIM_COUNT},
               {"batch", "batch", DIM_COUNT},
               {"q-len", "q_len", DIM_COUNT},
               {"kv-len", "kv_len", DIM_COUNT},
               {"heads", "heads", DIM_COUNT},
               {"kv-heads", "kv_heads", DIM_COUNT},
               {"qk-dim", "qk_dim", DIM_COUNT},
               {"v-dim", "v_dim", DIM_COUNT},
               {"kv-token", "kv_token_B", DIM_BYTES},
               {"read", "read_B", DIM_BYTES},
               {"written", "written_B", DIM_BYTES},
               {"sms", "sms", DIM_COUNT},
               [WINDOW] = {"window", "window", DIM_COUNT},
               {"top-k", "top_k", DIM_COUNT},
               {"experts", "experts", DIM_COUNT},
               {"ranks", "ranks", DIM_COUNT},
               {"split", "split", DIM_COUNT},
               {"skew", "skew", DIM_COUNT}};
enum { N_NUMBERS = sizeof numbers / sizeof *numbers };

struct options {
    const char *name, *hardware, *out, *rows;
    const char *given[N_NUMBERS]; /* texts */
    const char *set[MAX_SET];
    int n_set;
    uint32_t groups; /* 0 = not given */
    bool causal, fp8_cache, list, fit, check, json;
    const char *files[MAX_FILES], *family_name, *chip, *source, *conditions;
    const char *known[MAX_KNOWN];
    int n_files, n_known, folds;
    double tolerance;
    enum kernel_family family; /* of name */
    enum kernel_dtype dtype;
};

static const struct argp_option argp_options[] = {
    {"hardware", KEY_HARDWARE, "NAME", 0, "of 'moesim list hardware', layers with commas (default: h800)", 0},
    {"set", 's', "KEY=VALUE", OPTION_LIST, "change a number of the hardware, e.g. cluster.chip.sms=108", 0},
    {"format", 'f', "FORMAT", 0, "text or json", 0},
    {"output", 'o', "FILE", 0, "write to FILE, whole or not at all (.gz compresses)", 0},
    {"list", KEY_LIST, NULL, 0, "list the kernels and what each needs", 0},
    {"fit", KEY_FIT, NULL, 0, "make a chip's kernels from measured times (FILE.csv, FILE.csv.gz): a folder for -o", 0},
    {"chip", KEY_CHIP, "NAME", 0, "--fit: what the chip is called; its figures are --hardware's, with -s", 0},
    {"source", KEY_SOURCE, "TEXT", 0, "--fit: whose measurements they are", 0},
    {"conditions", KEY_CONDITIONS, "TEXT", 0, "--fit: chip, libraries, versions, date", 0},
    {"known", KEY_KNOWN, "NAME=VALUE", OPTION_LIST,
     "--fit: a constant of the kernels' mechanism that is known from elsewhere and not fitted, e.g. memory_ratio=0.9",
     0},
    {"check", KEY_CHECK, NULL, 0, "hold measured times (FILE.csv, FILE.csv.gz) against the model", 0},
    {"family", KEY_FAMILY, "NAME", 0, "what the files hold, where their names do not say it (gemm.csv): gemm ...", 0},
    {"leave-out", KEY_LEAVE_OUT, "N", 0, "fit anew without a Nth of the shapes, N times, and look at those", 0},
    {"tolerance", KEY_TOLERANCE, "SHARE", 0, "exit code 1 where a median is above it: '10 %' or 0.1", 0},
    {NULL, 0, NULL, 0, "What a kernel works on:", 1},
    {"m", KEY_NUMBER, "N", 0, "GEMM: rows (with groups: of each)", 1},
    {"n", KEY_NUMBER + 1, "N", 0, "GEMM: columns", 1},
    {"k", KEY_NUMBER + 2, "N", 0, "GEMM: depth", 1},
    {"groups", KEY_GROUPS, "N", 0, "grouped GEMM, weight gradients: groups", 1},
    {"rows", KEY_ROWS, "N,N,...", 0, "rows (weight gradients: depth) of each group", 1},
    {"batch", KEY_NUMBER + 3, "N", 0, "attention: sequences or requests", 1},
    {"q-len", KEY_NUMBER + 4, "N", 0, "attention: queries of each", 1},
    {"kv-len", KEY_NUMBER + 5, "N", 0, "attention: keys of each (default: as many as queries)", 1},
    {"heads", KEY_NUMBER + 6, "N", 0, "attention: heads of queries", 1},
    {"kv-heads", KEY_NUMBER + 7, "N", 0, "attention: heads of keys and values", 1},
    {"qk-dim", KEY_NUMBER + 8, "N", 0, "attention: length of a query", 1},
    {"v-dim", KEY_NUMBER + 9, "N", 0, "attention: length of a value", 1},
    {"kv-token", KEY_NUMBER + 10, "BYTES", 0, "decoding: cache per token, '1152 B'", 1},
    {"causal", KEY_CAUSAL, NULL, 0, "attention: with a causal mask", 1},
    {"window", KEY_NUMBER + 14, "N", 0, "attention: the last keys that a query sees, its own with them", 1},
    {"fp8-cache", KEY_FP8_CACHE, NULL, 0, "attention, dsa_module: keys and values lie in FP8", 1},
    {"top-k", KEY_NUMBER + 15, "N", 0, "moe: how many experts a token goes to", 1},
    {"experts", KEY_NUMBER + 16, "N", 0, "moe: how many there are on all ranks", 1},
    {"ranks", KEY_NUMBER + 17, "N", 0, "moe: ranks that share them (default: 1)", 1},
    {"split", KEY_NUMBER + 18, "N", 0, "moe: ranks that each expert is split over (default: 1)", 1},
    {"skew", KEY_NUMBER + 19, "N", 0, "moe: exponent of the power law of the experts' loads (default: balanced)", 1},
    {"read", KEY_NUMBER + 11, "BYTES", 0, "passes over memory: '117 MB'", 1},
    {"written", KEY_NUMBER + 12, "BYTES", 0, "passes over memory", 1},
    {"sms", KEY_NUMBER + 13, "N", 0, "SMs that it may use (default: all)", 1},
    {0}};

/* --- command line ---------------------------------------------------------------------------------------- */

static void set_format(struct options *o, const char *word, struct argp_state *state)
{
    o->json = !strcmp(word, "json");
    if (!o->json && strcmp(word, "text"))
        argp_error(state, "there is no output format '%s'; there are text and json", word);
}

static bool asks(const struct options *o)
{
    bool any = o->rows || o->groups || o->causal || o->fp8_cache;
    for (int i = 0; i < N_NUMBERS; i++)
        any |= o->given[i] != NULL;
    return any;
}

static void check_name(struct options *o, struct argp_state *state)
{
    if (kernel_named(o->name, &o->family, &o->dtype))
        return;
    argp_error(state,
               "there is no kernel '%.60s'; write for example gemm_fp8, attention_decode_bf16 or norm "
               "('moesim kernels --list' lists them)",
               o->name);
}

static void check_fit(const struct options *o, struct argp_state *state)
{
    if (!o->n_files || !o->chip || !o->out)
        argp_error(state, "--fit needs files, --chip and -o, for example: moesim kernels --fit gemm.csv --chip mine -o "
                          "configs/mine");
    if (!o->source || !o->conditions)
        argp_error(state, "--fit needs --source and --conditions: whose measurements, under which conditions (chip, "
                          "library, versions, date)");
}

enum mode { MODE_SHOW = 1, MODE_LIST = 2, MODE_CHECK = 4, MODE_FIT = 8 };

/* Nothing that was written is ignored. */
static void refuse_ignored(const struct options *o, enum mode mode, struct argp_state *state)
{
    const struct {
        const char *option, *where;
        bool given;
        int modes;
    } all[] = {{"--chip", "--fit", o->chip != NULL, MODE_FIT},
               {"--source", "--fit", o->source != NULL, MODE_FIT},
               {"--conditions", "--fit", o->conditions != NULL, MODE_FIT},
               {"--known", "--fit", o->n_known > 0, MODE_FIT},
               {"--family", "--check and --fit", o->family_name != NULL, MODE_CHECK | MODE_FIT},
               {"--leave-out", "--check and --fit", o->folds > 0, MODE_CHECK | MODE_FIT},
               {"--tolerance", "--check", o->tolerance > 0, MODE_CHECK},
               {"--format json", "a kernel, the tables and --check", o->json, MODE_SHOW | MODE_CHECK},
               {"--hardware", "everything but --list", o->hardware != NULL, MODE_SHOW | MODE_CHECK | MODE_FIT},
               {"-s", "everything but --list", o->n_set > 0, MODE_SHOW | MODE_CHECK | MODE_FIT},
               {"a kernel or file", "everything but --list", o->n_files > 0, MODE_SHOW | MODE_CHECK | MODE_FIT},
               {"a number such as --m", "one kernel", asks(o), MODE_SHOW}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].given && !(all[i].modes & (int)mode))
            argp_error(state, "%s is about %s; leave it out", all[i].option, all[i].where);
}

static void check_all(struct options *o, struct argp_state *state)
{
    if (o->check + o->fit + o->list > 1)
        argp_error(state, "one of --check, --fit and --list at a time");
    refuse_ignored(o, o->check ? MODE_CHECK : o->fit ? MODE_FIT : o->list ? MODE_LIST : MODE_SHOW, state);
    if (o->check) {
        if (!o->n_files)
            argp_error(state, "--check needs files, for example: moesim kernels --check gemm.csv.gz --hardware h100");
        return;
    }
    if (o->fit) {
        check_fit(o, state);
        return;
    }
    if (o->n_files > 1)
        argp_error(state, "one kernel at a time: '%s' or '%s'", o->files[0], o->files[1]);
    o->name = o->n_files ? o->files[0] : NULL;
    if (o->name)
        check_name(o, state);
    else if (asks(o))
        argp_error(state, "name the kernel, for example: moesim kernels gemm_fp8 --m 4096 --n 7168 --k 2048");
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    if (key >= KEY_NUMBER && key < KEY_NUMBER + N_NUMBERS) {
        o->given[key - KEY_NUMBER] = arg;
        return 0;
    }
    switch (key) {
    case KEY_HARDWARE:
        o->hardware = arg;
        return 0;
    case KEY_LIST:
        o->list = true;
        return 0;
    case KEY_FIT:
        o->fit = true;
        return 0;
    case KEY_CHECK:
        o->check = true;
        return 0;
    case KEY_CHIP:
        o->chip = arg;
        return 0;
    case KEY_SOURCE:
        o->source = arg;
        return 0;
    case KEY_CONDITIONS:
        o->conditions = arg;
        return 0;
    case KEY_FAMILY:
        o->family_name = arg;
        return 0;
    case KEY_KNOWN:
        if (o->n_known == MAX_KNOWN)
            argp_error(state, "more than %d constants", MAX_KNOWN);
        o->known[o->n_known++] = arg;
        return 0;
    case KEY_LEAVE_OUT:
        o->folds = (int)option_whole(arg, 2, MAX_FOLDS, "--leave-out", state);
        return 0;
    case KEY_TOLERANCE:
        o->tolerance = option_share(arg, "--tolerance", state);
        return 0;
    case KEY_GROUPS:
        o->groups = (uint32_t)option_whole(arg, 1, MAX_GROUPS, "--groups", state);
        return 0;
    case KEY_ROWS:
        o->rows = arg;
        return 0;
    case KEY_CAUSAL:
        o->causal = true;
        return 0;
    case KEY_FP8_CACHE:
        o->fp8_cache = true;
        return 0;
    case 's':
        if (o->n_set == MAX_SET)
            argp_error(state, "more than %d changes", MAX_SET);
        o->set[o->n_set++] = arg;
        return 0;
    case 'f':
        set_format(o, arg, state);
        return 0;
    case 'o':
        o->out = arg;
        return 0;
    case ARGP_KEY_ARG:
        if (o->n_files == MAX_FILES)
            argp_error(state, "more than %d files", MAX_FILES);
        o->files[o->n_files++] = arg;
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
    "[KERNEL]",
    "Without a kernel: measured tables, and how far the roofline and interpolation are from them. With a kernel: "
    "its rows; with numbers, too: its time, where that comes from and what bounds it.\v"
    "Examples:\n"
    "  moesim kernels gemm_fp8 --m 4096 --n 7168 --k 2048 --sms 112\n"
    "  moesim kernels grouped_masked_fp8 --rows 12,40,3 --n 4096 --k 7168\n"
    "  moesim kernels swiglu --read '117 MB' --written '58 MB'\n",
    NULL,
    NULL,
    NULL};

/* --- one kernel ------------------------------------------------------------------------------------------ */

#define REFUSE(diag, ...) diag_error((diag), EXIT_USAGE, SRCLOC_NONE, __VA_ARGS__)

static double read_number(const char *option, const char *text, enum unit_dim dim, struct diag *diag)
{
    char why[200], *end;
    double value = 0;
    if (dim != DIM_COUNT) {
        if (unit_parse(text, strlen(text), dim, &value, why, sizeof why))
            REFUSE(diag, "--%s: %s", option, why);
    } else {
        value = strtod(text, &end);
        if (end == text || *end)
            REFUSE(diag, "--%s is a number, not '%.40s'", option, text);
    }
    if (!diag_failed(diag) && !(value >= 1e-3 && value <= 1e15))
        REFUSE(diag, "--%s %.40s is out of range: from 0.001 to 1e15", option, text);
    return value;
}

static void read_numbers(const struct options *o, struct kernel_call *call, struct diag *diag)
{
    for (int i = 0; i < N_NUMBERS; i++) {
        const struct kernel_member *m = kernel_members;
        if (!o->given[i])
            continue;
        while (strcmp(m->name, numbers[i].member))
            m++;
        if (!kernel_uses(o->family, m->name))
            REFUSE(diag, "--%s says nothing about %s; leave it out", numbers[i].option, o->name);
        *kernel_member_at(call, m) = read_number(numbers[i].option, o->given[i], numbers[i].dim, diag);
    }
}

/* Rows of each group; their mean takes the place of --m (weight gradients: --k). */
static void read_rows(const struct options *o, struct kernel_call *call, struct arena *arena, struct diag *diag)
{
    double *rows = ARENA_ARRAY(arena, double, MAX_GROUPS), sum = 0;
    uint32_t n = 0;
    for (const char *at = o->rows; n < MAX_GROUPS; at++) {
        char *end;
        rows[n] = strtod(at, &end);
        if (end == at || (*end && *end != ',') || !(rows[n] >= 0 && rows[n] <= 1e12)) {
            REFUSE(diag, "--rows is a list of numbers such as 12,40,3, not '%.40s'", o->rows);
            return;
        }
        sum += rows[n++];
        at = end;
        if (!*end)
            break;
    }
    if (o->groups && o->groups != n)
        REFUSE(diag, "--groups is %u but --rows has %u", o->groups, n);
    if (!(sum > 0))
        REFUSE(diag, "--rows: no group has any");
    call->groups = n;
    call->rows = rows;
    *(call->family == KERNEL_WGRAD ? &call->k : &call->m) = sum / n;
}

static void check_attention(const struct options *o, struct diag *diag)
{
    bool forward = o->family == KERNEL_ATTENTION_FORWARD || o->family == KERNEL_ATTENTION_BACKWARD ||
                   o->family == KERNEL_MLA_PREFILL || o->family == KERNEL_GQA_PREFILL;
    bool has_cache = o->family >= KERNEL_MLA_DECODE && o->family <= KERNEL_DSA_PREFILL &&
                     !(o->family >= KERNEL_MOE && o->family <= KERNEL_MLA_BMM);
    if (o->given[WINDOW] && forward && !o->causal)
        REFUSE(diag, "--window is about causal masks here; add --causal");
    if (o->causal && !forward)
        REFUSE(diag,
               "--causal is about attention_forward, attention_backward, mla_prefill and gqa_prefill; leave it out");
    if (o->fp8_cache && !has_cache)
        REFUSE(diag,
               "--fp8-cache is about mla_decode, mla_prefill, gqa_decode, gqa_prefill and dsa_module_...; leave it "
               "out (attention_decode: --kv-token says it)");
}

/* Options that have no default in the call itself. */
static void fill_in(struct kernel_call *call)
{
    call->ranks = fmax(1, call->ranks);
    call->split = fmax(1, call->split);
}

static int read_call(const struct options *o, struct kernel_call *call, struct arena *arena, struct diag *diag)
{
    *call = (struct kernel_call){
        .family = o->family, .dtype = o->dtype, .groups = o->groups, .causal = o->causal, .fp8_cache = o->fp8_cache};
    read_numbers(o, call, diag);
    if ((o->rows || o->groups > 1) && !kernel_is_grouped(o->family))
        REFUSE(diag, "%s has no groups; leave out --groups and --rows", o->name);
    else if (o->rows)
        read_rows(o, call, arena, diag);
    check_attention(o, diag);
    const char *missing = kernel_missing(call);
    for (int i = 0; missing && i < N_NUMBERS && !diag_failed(diag); i++)
        if (!strcmp(numbers[i].member, missing))
            REFUSE(diag, "%s needs --%s", o->name, numbers[i].option);
    fill_in(call);
    return diag_failed(diag) ? -1 : 0;
}

/* --- answers --------------------------------------------------------------------------------------------- */

static void list_kernels(struct outfile *f)
{
    for (int i = 0; i < KERNEL_FAMILIES; i++) {
        enum kernel_family family = (enum kernel_family)i;
        outfile_printf(f, "%s%s:", kernel_family_names[i], kernel_is_pass(family) ? "" : "_fp8, _bf16 ...");
        if (kernel_is_grouped(family))
            outfile_printf(f, " --groups --rows");
        for (int k = 0; k < N_NUMBERS; k++)
            if (kernel_uses(family, numbers[k].member))
                outfile_printf(f, " --%s", numbers[k].option);
        outfile_printf(f, "\n");
    }
}

static int load_model(const struct options *o, struct arena *arena, struct kernels_page *page,
                      struct kernel_table *checks, struct diag *diag)
{
    struct cluster_source from = {.hardware = o->hardware, .topology = "mrft", .set = o->set, .n_set = o->n_set};
    struct cluster_file file;
    struct kernel_table table;
    if (cluster_load(&from, arena, &file, diag))
        return -1;
    const struct hw_kernels *k = &file.hw->kernels;
    int failed =
        kernel_tables_read(k->tables, cfg_where(file.cfg, "cluster.kernels.tables"), NULL, arena, &table, diag);
    failed |= kernel_tables_read(k->checks, cfg_where(file.cfg, "cluster.kernels.checks"), NULL, arena, checks, diag);
    if (failed)
        return -1;
    page->hardware = file.hardware;
    page->model = kernel_model_new(file.hw, &table, arena);
    return 0;
}

static int answer(const struct options *o, struct arena *arena, struct outfile *f, struct diag *diag)
{
    struct kernels_page page = {.family = o->name ? (int)o->family : -1, .dtype = (int)o->dtype};
    struct kernel_table checks;
    struct kernel_call call;
    struct kernel_report report;
    if (o->list) {
        list_kernels(f);
        return 0;
    }
    if (asks(o) && read_call(o, &call, arena, diag))
        return -1;
    if (load_model(o, arena, &page, &checks, diag))
        return -1;
    if (asks(o) && call.sms > page.model->chip.sms) {
        REFUSE(diag, "--sms %g: %s has %g (cluster.chip.sms)", call.sms, page.hardware, (double)page.model->chip.sms);
        return -1;
    }
    if (asks(o) && !kernel_model_has(page.model, &call)) {
        REFUSE(diag,
               "%s: there are no measurements of such kernels for %s, and no roofline; "
               "'moesim kernels --hardware h100' has some",
               o->name, page.hardware);
        return -1;
    }
    if (asks(o)) {
        page.call = &call;
        page.time = kernel_time(page.model, &call);
        page.gains = kernel_gains(page.model, &call);
    } else {
        kernel_report(page.model, &checks, arena, &report);
        page.report = &report;
    }
    (o->json ? kernels_write_json : kernels_write_text)(&page, f);
    return 0;
}

static struct cluster_source hardware_of(const struct options *o)
{
    return (struct cluster_source){.hardware = o->hardware, .topology = "mrft", .set = o->set, .n_set = o->n_set};
}

static void fit_files(const struct options *o, struct arena *arena, struct diag *diag)
{
    struct kernels_fit c = {.from = hardware_of(o),
                            .files = o->files,
                            .n_files = o->n_files,
                            .family = o->family_name,
                            .chip = o->chip,
                            .out = o->out,
                            .source = o->source,
                            .conditions = o->conditions,
                            .folds = o->folds,
                            .known = o->known,
                            .n_known = o->n_known};
    kernels_fit(&c, arena, diag);
}

static int check_files(const struct options *o, struct arena *arena, struct outfile *f, struct diag *diag)
{
    struct kernels_check c = {.from = hardware_of(o),
                              .files = o->files,
                              .n_files = o->n_files,
                              .family = o->family_name,
                              .folds = o->folds,
                              .tolerance = o->tolerance,
                              .json = o->json};
    return kernels_check(&c, arena, f, diag);
}

static void write_answer(const struct options *o, struct arena *arena, struct diag *diag)
{
    struct outfile *f = outfile_open(o->out ? o->out : "-", diag);
    if (f && (o->check ? check_files : answer)(o, arena, f, diag))
        outfile_abandon(f);
    else if (f)
        outfile_close(f, diag);
}

int cmd_kernels(int argc, char **argv)
{
    struct options o = {0};
    options_parse(&argp, argc, argv, &o);
    struct arena *arena = arena_new();
    struct diag *diag = diag_new();
    if (o.fit)
        fit_files(&o, arena, diag);
    else
        write_answer(&o, arena, diag);
    diag_print(diag, stderr);
    int code = diag_exit_code(diag);
    diag_free(diag);
    arena_free(arena);
    return code;
}

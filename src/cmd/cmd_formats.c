/* moesim formats: what number formats and the accumulation of tensor cores cost in accuracy. */
#include <argp.h>
#include <string.h>
#include <unistd.h>

#include "base/cfg.h"
#include "base/progress.h"
#include "cmd/cmd.h"
#include "io/inputs/float_file.h"
#include "io/results/formats_writers.h"

enum { MAX_FORMATS = 64, KEY_FILE = 256, KEY_COLUMNS, KEY_ROWS, KEY_SEED, KEY_LIST };
enum { DEFAULT_ROWS = 128, MAX_ROWS = 65536 };

struct options {
    struct number_format formats[MAX_FORMATS];
    size_t n_formats;
    const char *file, *out;
    unsigned tables;
    uint64_t seed;
    uint32_t rows, columns; /* 0 = not given */
    formats_writer *write;
    bool list, seed_given;
};

static const struct argp_option argp_options[] = {
    {"file", KEY_FILE, "FILE", 0,
     "numbers of your own: text, or binary32 words when the name ends in .f32; .gz is read, too", 0},
    {"columns", KEY_COLUMNS, "N", 0, "length of a row in FILE, for blocks of 128 x 128 (default: all one row)", 0},
    {"table", 't', "TABLE", OPTION_LIST, "errors, combine, rounding or gemm, may be given several times (default: all)",
     0},
    {"rows", KEY_ROWS, "N", 0, "rows of 4,096 drawn numbers each (default: 128)", 0},
    {"seed", KEY_SEED, "N", 0, "of what is drawn (default: 1)", 0},
    {"format", 'f', "FORMAT", 0, "text or json", 0},
    {"output", 'o', "FILE", 0, "write to FILE, whole or not at all (.gz compresses)", 0},
    {"list", KEY_LIST, NULL, 0, "list the formats", 0},
    {0}};

/* --- command line ----------------------------------------------------------------------------------- */

static void add_format(struct options *o, const char *name, struct argp_state *state)
{
    char why[160];
    if (o->n_formats == MAX_FORMATS)
        argp_error(state, "more than %d formats", MAX_FORMATS);
    if (number_format_find(name, &o->formats[o->n_formats++], why, sizeof why))
        argp_error(state, access(name, F_OK) ? "%s" : "%s; is it a file of numbers? write --file=%s", why, name);
}

static unsigned find_table(const char *word, struct argp_state *state)
{
    static const char *const names[] = {"errors", "combine", "rounding", "gemm", NULL};
    for (unsigned i = 0; names[i]; i++)
        if (!strcmp(word, names[i]))
            return 1u << i;
    const char *near = cfg_nearest(word, names);
    argp_error(state, "there is no table '%s'%s%s%s; tables are errors, combine, rounding, gemm", word,
               near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return 0;
}

static formats_writer *find_writer(const char *word, struct argp_state *state)
{
    if (!strcmp(word, "text"))
        return formats_write_text;
    if (strcmp(word, "json"))
        argp_error(state, "there is no output format '%s'; there are text and json", word);
    return formats_write_json;
}

static void check_all(struct options *o, struct argp_state *state)
{
    if (o->list && (o->n_formats || o->file || o->columns || o->rows || o->tables || o->out || o->seed_given ||
                    o->write != formats_write_text))
        argp_error(state, "--list lists the formats as text; leave out the other options");
    if (o->file && o->seed_given)
        argp_error(state, "--seed is about drawn numbers, not about those of --file");
    if (o->columns && !o->file)
        argp_error(state, "--columns is about a file; give --file, too");
    if (o->file && o->rows)
        argp_error(state, "--rows is about drawn numbers, not about those of --file");
    if (o->file && (o->tables & ~(unsigned)REPORT_ERRORS))
        argp_error(state, "with --file there is the table of errors only; leave out -t");
    if (!o->tables)
        o->tables = o->file ? REPORT_ERRORS : REPORT_ALL;
    if (!o->n_formats)
        while (number_format_shown(o->n_formats, &o->formats[o->n_formats]))
            o->n_formats++;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case KEY_FILE:
        o->file = arg;
        return 0;
    case KEY_COLUMNS:
        o->columns = (uint32_t)option_whole(arg, 1, 1u << 28, "--columns", state);
        return 0;
    case KEY_ROWS:
        o->rows = (uint32_t)option_whole(arg, 1, MAX_ROWS, "--rows", state);
        return 0;
    case KEY_SEED:
        o->seed_given = true;
        o->seed = option_whole(arg, 0, 1ull << 53, "--seed", state);
        return 0;
    case KEY_LIST:
        o->list = true;
        return 0;
    case 't':
        o->tables |= find_table(arg, state);
        return 0;
    case 'f':
        o->write = find_writer(arg, state);
        return 0;
    case 'o':
        o->out = arg;
        return 0;
    case ARGP_KEY_ARG:
        add_format(o, arg, state);
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
    "[FORMAT...]",
    "Encodes numbers in each FORMAT (default: those of the paper) and prints the errors: signal to noise, "
    "relative, bias; then those of a combine, of LogFMT's two roundings, and of GEMMs that a tensor core "
    "accumulates in few bits."
    "\vThe numbers are drawn (uniform, gaussian, heavy-tailed, with outlier channels) or read from --file.",
    progress_options,
    NULL,
    NULL};

/* --- work ------------------------------------------------------------------------------------------- */

static int list_formats(void)
{
    struct number_format f;
    for (size_t i = 0; number_format_listed(i, &f); i++)
        printf("%-16s %6.3f bits  %s%s%s\n", f.name, number_format_bits(&f), f.doc, *f.ref ? ", " : "", f.ref);
    puts("logfmtN, logfmtN_log: N from 4 to 16");
    return finish_stdout(EXIT_OK);
}

/* Rows of --columns numbers, or one row of all. */
static int read_data(const struct options *o, struct arena *arena, struct report_request *q, struct diag *diag)
{
    struct floats x;
    if (float_file_read(o->file, arena, &x, diag))
        return -1;
    q->columns = o->columns ? o->columns : (uint32_t)x.n;
    if (x.n % q->columns) {
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(o->file),
                   "%zu numbers are no whole number of rows of %u (--columns)", x.n, q->columns);
        return -1;
    }
    q->rows = (uint32_t)(x.n / q->columns);
    q->data = x.values;
    q->data_name = o->file;
    return 0;
}

static int report(const struct options *o, struct arena *arena, struct diag *diag)
{
    struct report_request q = {.formats = o->formats,
                               .n_formats = o->n_formats,
                               .tables = o->tables,
                               .seed = o->seed,
                               .rows = o->rows ? o->rows : DEFAULT_ROWS};
    struct format_report r;
    if (o->file && read_data(o, arena, &q, diag))
        return -1;
    progress_begin("encoding and multiplying");
    format_report(&q, arena, &r);
    progress_end();
    struct outfile *f = outfile_open(o->out ? o->out : "-", diag);
    if (!f)
        return -1;
    o->write(&q, &r, f);
    return outfile_close(f, diag);
}

int cmd_formats(int argc, char **argv)
{
    struct options o = {.seed = 1, .write = formats_write_text};
    options_parse(&argp, argc, argv, &o);
    if (o.list)
        return list_formats();
    struct arena *arena = arena_new();
    struct diag *diag = diag_new();
    report(&o, arena, diag);
    diag_print(diag, stderr);
    int code = diag_exit_code(diag);
    diag_free(diag);
    arena_free(arena);
    return code;
}

/* moesim report RESULT... -o report.html: results as one page for a browser. */
#include <argp.h>
#include <string.h>

#include "base/outfile.h"
#include "cmd/cmd.h"
#include "io/results/report.h"

enum { MAX_RESULTS = 256, KEY_TITLE = 256 };

struct options {
    const char *results[MAX_RESULTS], *out, *title;
    uint32_t n;
};

static const struct argp_option argp_options[] = {
    {"output", 'o', "FILE", 0, "the page, FILE.html (default: report.html); .gz compresses", 0},
    {"title", KEY_TITLE, "TEXT", 0, "its title (default: moesim)", 0},
    {0}};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 'o':
        if (!outfile_ends_in(arg, ".html") && strncmp(arg, "/dev/", 5) && strcmp(arg, "-"))
            argp_error(state, "-o %s: the page is HTML, its name must end in .html or .html.gz", arg);
        o->out = arg;
        return 0;
    case KEY_TITLE:
        o->title = arg;
        return 0;
    case ARGP_KEY_ARG:
        if (o->n == MAX_RESULTS)
            argp_error(state, "more than %d results", MAX_RESULTS);
        o->results[o->n++] = arg;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which results? For example:\n  moesim claims -o claims.json\n"
                          "  moesim report claims.json -o report.html");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    argp_options,
    parse_option,
    "RESULT...",
    "Makes one HTML page of results: claims with filters, charts whose axes are chosen in the page, drawings of "
    "networks, "
    "timelines, where all numbers are from. The page holds everything it needs and loads nothing."
    "\vRESULT is what these write: run -o FILE.json, run --timeline FILE.json, claims -o FILE.json, topo --format json "
    "-o "
    "FILE, sweep -o FILE.sqlite, export -o FILE.json, and any other JSON of moesim; .gz is read, too.",
    NULL,
    NULL,
    NULL};

static int work(const struct options *o, struct arena *arena, struct diag *diag)
{
    struct report_input *inputs = ARENA_ARRAY(arena, struct report_input, o->n);
    for (uint32_t i = 0; i < o->n; i++) /* all bad files are told in one go */
        report_read(o->results[i], arena, &inputs[i], diag);
    if (diag_failed(diag))
        return -1;
    return report_write(inputs, o->n, o->title, o->out, arena, diag);
}

int cmd_report(int argc, char **argv)
{
    struct options o = {.out = "report.html", .title = "moesim"};
    options_parse(&argp, argc, argv, &o);
    struct arena *arena = arena_new();
    struct diag *diag = diag_new();
    work(&o, arena, diag);
    diag_print(diag, stderr);
    int code = diag_exit_code(diag);
    diag_free(diag);
    arena_free(arena);
    return code;
}

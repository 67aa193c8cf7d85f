/* moesim plot RESULT --x --y --by --facet -o fig.pdf: a figure of a result, by gnuplot. */
#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "io/figures/figure.h"

enum { KEY_BY = 256, KEY_FACET, KEY_LOG, KEY_SIZE, KEY_TITLE };

struct options {
    struct figure_question question;
    const char *out;
    int n_y;
};

static const struct argp_option argp_options[] = {
    {"x", 'x', "NAME", 0,
     "along the bottom: an axis or a metric; the end of a name is enough (default: the axis of most numbers)", 0},
    {"y", 'y', "NAME", OPTION_LIST,
     "what is drawn; may be given several times, for what has one unit (default: the first metric)", 0},
    {"by", KEY_BY, "NAME", 0, "a line or a group of bars for each of its values (default: another axis that varies)",
     0},
    {"facet", KEY_FACET, "NAME", 0, "a panel for each of its values", 0},
    {"table", 't', "NAME", 0,
     "a table of the result (default: of a sweep wide_mean, where it has several seeds, else wide; 'moesim export -t')",
     0},
    {"log", KEY_LOG, "AXES", 0, "logarithmic axes: x, y, xy or none (default: as the numbers ask for)", 0},
    {"size", KEY_SIZE, "W,H", 0, "inches (default: 3.4,2.4, one column of a page; several panels: 7 wide)", 0},
    {"title", KEY_TITLE, "TEXT", 0, "above the figure (default: none; a paper has captions)", 0},
    {"output", 'o', "FILE", 0, "FILE.pdf (default: figure.pdf), .svg, .png, or .gp: gnuplot's script", 0},
    {0}};

static void set_size(struct figure_question *q, const char *text, struct argp_state *state)
{
    static const double least_in = 1, most_in = 100;
    int end = 0;
    if (sscanf(text, "%lf,%lf%n", &q->width_in, &q->height_in, &end) != 2 || text[end] || !(q->width_in >= least_in) ||
        !(q->height_in >= least_in) || q->width_in > most_in || q->height_in > most_in)
        argp_error(state, "--size wants width and height in inches from 1 to 100, for example 3.4,2.4, not '%s'", text);
}

static const char *log_axes(const char *word, struct argp_state *state)
{
    static const char *const words[] = {"x", "y", "xy", "none", NULL}, *const axes[] = {"x", "y", "xy", ""};
    return axes[option_word(word, words, "set of logarithmic axes", state)];
}

static void add_y(struct options *o, const char *name, struct argp_state *state)
{
    if (o->n_y == FIGURE_MOST_Y)
        argp_error(state, "more than %d times --y", FIGURE_MOST_Y);
    o->question.y[o->n_y++] = name;
}

static const char *figure_file(const char *path, struct argp_state *state)
{
    if (!figure_can_write(path))
        argp_error(state, "-o %s: the name must end in .pdf, .svg, .png or .gp", path);
    return path;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 'x':
        o->question.x = arg;
        return 0;
    case 'y':
        add_y(o, arg, state);
        return 0;
    case KEY_BY:
        o->question.by = arg;
        return 0;
    case KEY_FACET:
        o->question.facet = arg;
        return 0;
    case 't':
        o->question.view = arg;
        return 0;
    case KEY_LOG:
        o->question.log = log_axes(arg, state);
        return 0;
    case KEY_SIZE:
        set_size(&o->question, arg, state);
        return 0;
    case KEY_TITLE:
        o->question.title = arg;
        return 0;
    case 'o':
        o->out = figure_file(arg, state);
        return 0;
    case ARGP_KEY_ARG:
        if (o->question.result)
            argp_error(state, "one result at a time; '%s' is a second one", arg);
        o->question.result = arg;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which result? For example:\n  moesim plot result.sqlite -y tpot_bound -o figure.pdf");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    argp_options,
    parse_option,
    "RESULT",
    "Draws a figure of a result: lines with names at their ends, or bars where the bottom axis holds names; means of "
    "seeds "
    "with their 95 % intervals."
    "\vRESULT is what these write: sweep -o FILE.sqlite, run -o FILE.json (one of its tables), pareto, search and "
    "sensitivity -o FILE.json. gnuplot draws (Debian: gnuplot-nox).",
    NULL,
    NULL,
    NULL};

int cmd_plot(int argc, char **argv)
{
    struct options o = {.out = "figure.pdf"};
    options_parse(&argp, argc, argv, &o);
    struct arena *arena = arena_new();
    struct diag *diag = diag_new();
    struct figure_data data;
    struct figure figure;
    if (!figure_load(&o.question, arena, &data, diag) && !figure_make(&o.question, &data, arena, &figure, diag))
        figure_write(&figure, o.out, diag);
    diag_print(diag, stderr);
    int code = diag_exit_code(diag);
    diag_free(diag);
    arena_free(arena);
    return finish_stdout(code);
}

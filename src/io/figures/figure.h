/* A figure of a table: which columns are drawn against which, how its axes run, and the script for gnuplot. */
#ifndef MOESIM_IO_FIGURES_FIGURE_H
#define MOESIM_IO_FIGURES_FIGURE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"
#include "sim/result.h"

enum { FIGURE_MOST_LINES = 14, FIGURE_MOST_PANELS = 12, FIGURE_MOST_TICKS = 24, FIGURE_MOST_Y = 7 };

/* The rows, and where it is known which columns (axes of a sweep) tell them apart. */
struct figure_data {
    const char *path;
    struct result_table table;
    const char **keys; /* NULL-terminated; all are columns of the table */
    uint32_t n_seeds;  /* over which the rows are means; 0: they are no means */
};

/* What somebody asks for. NULL: found by the data. */
struct figure_question {
    const char *result, *view; /* a table of it */
    const char *x, *by, *facet;
    const char *y[FIGURE_MOST_Y + 1]; /* NULL-terminated */
    const char *log;                  /* "x", "y", "xy" or "none" */
    const char *title;
    double width_in, height_in; /* 0: by the number of panels */
};

struct figure_tick {
    double at; /* as the axis counts */
    const char *text;
};

struct figure_axis {
    const char *label; /* "nvlink bandwidth [GB/s]" */
    bool log, category;
    double scale, low, high; /* SI per what the axis counts; its ends */
    struct figure_tick ticks[FIGURE_MOST_TICKS];
    uint32_t n_ticks;
};

struct figure_point {
    double x, y, half; /* as the axes count; half: of the 95 % interval, NaN = none */
};

struct figure_line {
    const char *label; /* "" where there is one line only */
    struct figure_point *points;
    uint32_t n;
};

struct figure_panel {
    const char *title;
    struct figure_line lines[FIGURE_MOST_LINES];
    uint32_t n_lines;
};

struct figure {
    struct figure_axis x, y;
    struct figure_panel *panels;
    uint32_t n_panels;
    const char *title;
    double width_in, height_in;
};

/* The rows of a sweep's database or of a table in a JSON result. -1 with the reason in diag. */
int figure_load(const struct figure_question *q, struct arena *arena, struct figure_data *out, struct diag *diag);

/* Lines, panels and axes. A name may be the end of a column's, where that is clear. -1 with the reason in diag: no such
 * column, lines whose points share an x, nothing to draw. */
int figure_make(const struct figure_question *q, const struct figure_data *data, struct arena *arena,
                struct figure *out, struct diag *diag);

/* Along the bottom it has its ticks at the numbers, where they are few; for bars it begins at 0. */
enum figure_role { FIGURE_BOTTOM, FIGURE_LEFT, FIGURE_BARS };
/* An axis for numbers (NaN is left out) of a dimension. `log`: 'y', 'n' or '?'. */
void figure_axis_numbers(struct figure_axis *axis, const char *name, const double *si, uint32_t n, enum unit_dim dim,
                         enum figure_role role, char log, struct arena *arena);
void figure_axis_categories(struct figure_axis *axis, const char *name, const char *const *words, uint32_t n,
                            struct arena *arena);

/* The whole script for gnuplot, for a terminal (pdfcairo, svg, pngcairo); it writes to standard output. malloc'd. */
char *figure_script(const struct figure *f, const char *terminal, struct diag *diag);

/* Draws and writes: FILE.pdf, .svg, .png, or .gp (the script). The file appears whole or not at all. -1 with the reason in
 * diag; without gnuplot it says which package has it. */
int figure_write(const struct figure *f, const char *path, struct diag *diag);
/* Whether figure_write knows the ending. */
bool figure_can_write(const char *path);

#endif

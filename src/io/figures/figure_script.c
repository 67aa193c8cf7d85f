/* A figure as a script for gnuplot. Texts stand in apostrophes only, in which gnuplot reads no markup and runs no command;
 * numbers stand in blocks. Lines have their names at their ends, in their colours, as a reader need not look them up. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/data_find.h"
#include "io/figures/figure.h"
#include "io/whole_file.h"

enum { LONGEST_LABEL = 30, FEW_BARS = 8, MAX_STYLE_B = 1 << 20 };
static const double bar_width = 0.8, letter_in = 0.058, line_in = 0.125, axes_share = 0.8;

/* Text in apostrophes. */
static void put_text(FILE *out, const char *text, size_t longest)
{
    fputc('\'', out);
    for (size_t i = 0; text[i] && i < longest; i++)
        if (text[i] == '\'')
            fputs("''", out);
        else
            fputc((unsigned char)text[i] < ' ' ? '?' : text[i], out);
    fputs(strlen(text) > longest ? "...'" : "'", out);
}

static void put_block(FILE *out, uint32_t panel, uint32_t line, const struct figure_line *l, double shift)
{
    fprintf(out, "$d%u_%u << EOD\n", panel, line);
    for (uint32_t i = 0; i < l->n; i++)
        fprintf(out, "%.17g %.17g %.17g\n", l->points[i].x + shift, l->points[i].y,
                isfinite(l->points[i].half) ? l->points[i].half : 0);
    fputs("EOD\n", out);
}

static bool has_intervals(const struct figure_line *l)
{
    for (uint32_t i = 0; i < l->n; i++)
        if (l->points[i].half > 0)
            return true;
    return false;
}

/* --- axes -------------------------------------------------------------------------------------------------------- */

static void put_ticks(FILE *out, char axis, const struct figure_axis *a, double width_in)
{
    size_t longest = 0;
    for (uint32_t i = 0; a->category && i < a->n_ticks; i++)
        longest = strlen(a->ticks[i].text) > longest ? strlen(a->ticks[i].text) : longest;
    fprintf(out, "set %ctics %s(", axis,
            (double)(longest + 1) * letter_in * a->n_ticks > axes_share * width_in ? "rotate by 30 right " : "");
    for (uint32_t i = 0; i < a->n_ticks; i++) {
        fputs(i ? ", " : "", out);
        put_text(out, a->ticks[i].text, 64);
        fprintf(out, " %.17g", a->ticks[i].at);
    }
    fputs(")\n", out);
}

static void put_label(FILE *out, char axis, const struct figure_axis *a)
{
    fprintf(out, "set %clabel ", axis);
    put_text(out, a->label, 80);
    fputc('\n', out);
}

static void put_axis(FILE *out, char axis, const struct figure_axis *a, double width_in)
{
    put_label(out, axis, a);
    fprintf(out, "%s logscale %c\nset %crange [%.17g:%.17g]\n", a->log ? "set" : "unset", axis, axis, a->low, a->high);
    put_ticks(out, axis, a, width_in);
}

/* --- labels at the ends of lines ------------------------------------------------------------------------------------ */

static double share(const struct figure_axis *a, double v)
{
    return a->log ? log(v / a->low) / log(a->high / a->low) : (v - a->low) / (a->high - a->low);
}

struct end {
    uint32_t line;
    double at; /* share of the height */
};

static int by_height(const void *a, const void *b)
{
    const struct end *x = a, *y = b;
    return x->at < y->at ? -1 : x->at > y->at ? 1 : x->line < y->line ? -1 : 1;
}

/* Apart by a line's height, and not above the panel's top. */
static void push_apart(struct end *ends, uint32_t n, double gap)
{
    qsort(ends, n, sizeof *ends, by_height);
    for (uint32_t i = 1; i < n; i++)
        ends[i].at = fmax(ends[i].at, ends[i - 1].at + gap);
    for (uint32_t i = n; i-- > 0;)
        ends[i].at = fmin(ends[i].at, i + 1 == n ? 1 : ends[i + 1].at - gap);
}

static void put_labels(FILE *out, const struct figure *f, const struct figure_panel *p, double panel_in)
{
    struct end ends[FIGURE_MOST_LINES];
    for (uint32_t i = 0; i < p->n_lines; i++)
        ends[i] = (struct end){i, share(&f->y, p->lines[i].points[p->lines[i].n - 1].y)};
    push_apart(ends, p->n_lines, line_in / panel_in);
    for (uint32_t i = 0; i < p->n_lines; i++) {
        fputs("set label ", out);
        put_text(out, p->lines[ends[i].line].label, LONGEST_LABEL);
        fprintf(out, " at graph 1.02, graph %.4f left textcolor lt %u\n", ends[i].at, ends[i].line + 1);
    }
}

/* Letters of the longest label. */
static size_t longest_label(const struct figure_panel *p)
{
    size_t most = 0;
    for (uint32_t i = 0; i < p->n_lines; i++) {
        size_t n = 0;
        for (const char *s = p->lines[i].label; *s; s++)
            n += ((unsigned char)*s & 0xc0) != 0x80;
        most = n > most ? n : most;
    }
    return most < LONGEST_LABEL + 3 ? most : LONGEST_LABEL + 3;
}

/* --- what is drawn ------------------------------------------------------------------------------------------------ */

static void put_lines(FILE *out, uint32_t panel, const struct figure_panel *p)
{
    for (uint32_t i = 0; i < p->n_lines; i++)
        fprintf(out, "%s$d%u_%u using 1:2%s with %s lt %u dt %u notitle", i ? ", \\\n     " : "plot ", panel, i,
                has_intervals(&p->lines[i]) ? ":3" : "", has_intervals(&p->lines[i]) ? "yerrorlines" : "linespoints",
                i + 1, i / 7 + 1);
    fputc('\n', out);
}

static void put_bars(FILE *out, uint32_t panel, const struct figure_panel *p, const char *base)
{
    double width = bar_width / p->n_lines;
    uint32_t n_bars = 0;
    for (uint32_t i = 0; i < p->n_lines; i++)
        n_bars += p->lines[i].n;
    for (uint32_t i = 0; i < p->n_lines; i++) {
        fprintf(out, "%s$d%u_%u using 1:(%s):($1-%.4g):($1+%.4g):(%s):2 with boxxyerror lt %u title ",
                i ? ", \\\n     " : "plot ", panel, i, base, 0.46 * width, 0.46 * width, base, i + 1);
        put_text(out, p->lines[i].label, LONGEST_LABEL);
        if (has_intervals(&p->lines[i]))
            fprintf(out,
                    ", \\\n     $d%u_%u using 1:($2-$3):(0):(2*$3) with vectors heads size graph 0.012,90 lc rgb black "
                    "lw 0.8 notitle",
                    panel, i);
        else if (n_bars <= FEW_BARS)
            fprintf(out, ", \\\n     $d%u_%u using 1:2:(sprintf('%%.3g', $2)) with labels offset 0,0.6 notitle", panel,
                    i);
    }
    fputc('\n', out);
}

static void put_panel(FILE *out, const struct figure *f, uint32_t k, bool is_left, double height_in)
{
    const struct figure_panel *p = &f->panels[k];
    bool named = p->n_lines > 1, bars = f->x.category;
    double width = bar_width / p->n_lines, margin_in = named && !bars ? longest_label(p) * letter_in + 0.1 : 0.1;
    char base[64];
    snprintf(base, sizeof base, "%.17g", f->y.log ? f->y.low : 0.0);
    for (uint32_t i = 0; i < p->n_lines; i++)
        put_block(out, k, i, &p->lines[i], bars ? (i - (p->n_lines - 1) / 2.0) * width : 0);
    fputs(is_left ? "unset label\n" : "unset label\nunset ylabel\n", out);
    if (is_left)
        put_label(out, 'y', &f->y);
    if (*p->title) {
        fputs("set title ", out);
        put_text(out, p->title, 60);
        fputs(" offset 0,-0.5\n", out);
    }
    fprintf(out, "set rmargin %.1f\n", margin_in / letter_in);
    if (named && bars)
        fputs("set key outside top left horizontal\n", out);
    else
        fputs("unset key\n", out);
    if (named && !bars)
        put_labels(out, f, p, 0.68 * height_in);
    if (bars)
        put_bars(out, k, p, base);
    else
        put_lines(out, k, p);
}

static int put_style(FILE *out, struct diag *diag)
{
    struct arena *arena = arena_new();
    const char *path = data_find("report/style.gp", NULL, arena);
    char *style = NULL;
    size_t len;
    if (!path)
        diag_error(diag, EXIT_IO, SRCLOC_FILE("report/style.gp"), "a part of moesim is missing: is it installed?");
    else if (!whole_file_read(path, MAX_STYLE_B, &style, &len, diag))
        fwrite(style, 1, len, out);
    free(style);
    arena_free(arena);
    return style ? 0 : -1;
}

/* All panels have the same axes. */
static void put_all(FILE *out, const struct figure *f)
{
    uint32_t across = f->n_panels < 3 ? f->n_panels : 3, down = (f->n_panels + across - 1) / across;
    put_axis(out, 'x', &f->x, f->width_in / across);
    put_axis(out, 'y', &f->y, f->width_in);
    if (f->n_panels > 1 || *f->title) {
        fprintf(out, "set multiplot layout %u,%u", down, across);
        if (*f->title) {
            fputs(" title ", out);
            put_text(out, f->title, 100);
        }
        fputc('\n', out);
    }
    for (uint32_t k = 0; k < f->n_panels; k++)
        put_panel(out, f, k, k % across == 0, f->height_in / down);
    if (f->n_panels > 1 || *f->title)
        fputs("unset multiplot\n", out);
}

char *figure_script(const struct figure *f, const char *terminal, struct diag *diag)
{
    char *text;
    size_t size;
    FILE *out = checked_alloc(open_memstream(&text, &size));
    bool inches = !strcmp(terminal, "pdfcairo");
    double unit = inches ? 1 : !strcmp(terminal, "svg") ? 96 : 150;
    fprintf(out, "set terminal %s size %g%s,%g%s font 'Liberation Sans,8' noenhanced", terminal, f->width_in * unit,
            inches ? "in" : "", f->height_in * unit, inches ? "in" : "");
    fputs(!strcmp(terminal, "svg") ? " fontscale 1.33 background 'white'\n"
          : inches                 ? "\n"
                                   : " fontscale 2 linewidth 2\n",
          out);
    int failed = put_style(out, diag);
    put_all(out, f);
    if (fclose(out))
        out_of_memory();
    if (!failed)
        return text;
    free(text);
    return NULL;
}

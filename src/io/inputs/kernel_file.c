#include "io/inputs/kernel_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cfg.h"

enum { MAX_MEMBERS = 12, MAX_POINTS = 100000 };

struct reader {
    const char *text, *name;
    size_t len;
    const char *line, *end; /* what is being read, and where it ends */
    int number;
    const struct kernel_mechanism *mechanism; /* NULL until the kernel is known */
    const struct kernel_member *outer[MAX_MEMBERS], *inner;
    int n_outer;
    uint32_t room;
    struct kernel_row *rows;
    struct arena *arena;
    struct kernel *out;
    struct diag *diag;
};

/* Reports at `at` and gives up: what follows would mean nothing. */
#define REFUSE(r, at, ...) \
    (diag_error((r)->diag, EXIT_BAD_INPUT, \
                (struct srcloc){.file = (r)->name, \
                                .text = (r)->text, \
                                .text_len = (r)->len, \
                                .line = (r)->number, \
                                .column = (int)((at) - (r)->line) + 1}, \
                __VA_ARGS__), \
     -1)

static bool next_line(struct reader *r)
{
    const char *from = r->line ? r->end + 1 : r->text;
    if (from >= r->text + r->len)
        return false;
    r->line = from;
    r->end = from + strcspn(from, "\n");
    r->number++;
    return true;
}

/* --- words and numbers ---------------------------------------------------------------------------------------- */

static const char *skip(const struct reader *r, const char *at)
{
    while (at < r->end && (*at == ' ' || *at == '\t' || *at == ','))
        at++;
    return at;
}

static const char *word(const struct reader *r, const char **at)
{
    const char *from = skip(r, *at), *to = from;
    while (to < r->end && !strchr(" \t,|\r", *to))
        to++;
    *at = to;
    return arena_printf(r->arena, "%.*s", (int)(to - from), from);
}

/* Positive numbers as they are written here, quickly; all others go to strtod. NAN: none. */
static double number(const struct reader *r, const char **at)
{
    const char *from = skip(r, *at);
    char *end;
    double value = strtod(from, &end);
    if (end == from || end > r->end)
        return NAN;
    *at = end;
    return value;
}

/* --- head ------------------------------------------------------------------------------------------------------ */

static int read_kernel(struct reader *r, const char *at)
{
    const char *name = word(r, &at);
    if (!kernel_named(name, &r->out->family, &r->out->dtype))
        return REFUSE(r, r->line, "unknown kernel '%.40s' ('moesim kernels --list' lists them)", name);
    r->mechanism = kernel_mechanism_of(r->out->family);
    if (!r->mechanism)
        return REFUSE(r, r->line, "%s has no mechanism that constants could be of", name);
    return 0;
}

static int read_variant(struct reader *r, const char *at)
{
    const char *name = word(r, &at);
    for (int v = 0; r->mechanism->variants[v]; v++)
        if (!strcmp(r->mechanism->variants[v], name)) {
            r->out->variant = v;
            return 0;
        }
    const char *near = cfg_nearest(name, r->mechanism->variants);
    return REFUSE(r, r->line, "unknown variant '%.40s'%s%s%s", name, near ? "; did you mean '" : "", near ? near : "",
                  near ? "'?" : "");
}

static int read_part(struct reader *r, const char *at)
{
    r->out->part = number(r, &at);
    return r->out->part > 0 ? 0 : REFUSE(r, r->line, "a part is a number above 0: the length of heads");
}

static int read_trust(struct reader *r, const char *at)
{
    r->out->trust = number(r, &at);
    return r->out->trust >= 0 && r->out->trust <= 1 ? 0 : REFUSE(r, r->line, "trust is a number from 0 to 1");
}

static int read_figures(struct reader *r, const char *at)
{
    while ((at = skip(r, at)) < r->end && *at != '\r') {
        const char *from = at, *name = word(r, &at);
        const struct kernel_figure *g = kernel_figures;
        double value = number(r, &at);
        while (g->name && strcmp(g->name, name))
            g++;
        if (!g->name)
            return REFUSE(r, from, "a chip has no figure '%.40s'", name);
        if (!(value >= 0 && value <= 1e18))
            return REFUSE(r, from, "'%.40s' is no number from 0 up", name);
        *kernel_figure_at(&r->out->measured, g) = value;
    }
    return 0;
}

static int read_constants(struct reader *r, const char *at)
{
    while ((at = skip(r, at)) < r->end && *at != '\r') {
        const char *from = at, *name = word(r, &at);
        const struct kernel_constant *c = r->mechanism->constants;
        double value = number(r, &at);
        while (c->name && strcmp(c->name, name))
            c++;
        if (!c->name)
            return REFUSE(r, from, "%s has no constant '%.40s'", kernel_family_names[r->out->family], name);
        if (!(value >= 0 && value <= fmax(c->most, 1) * 1e3))
            return REFUSE(r, from, "'%.40s' is no number from 0 up", name);
        r->out->constants[c - r->mechanism->constants] = value;
    }
    return 0;
}

static int read_member(struct reader *r, const char **at, const struct kernel_member **out)
{
    const char *from = skip(r, *at), *name = word(r, at);
    for (const struct kernel_member *k = kernel_members; k->name; k++)
        if (!strcmp(k->name, name)) {
            *out = k;
            return 0;
        }
    return REFUSE(r, from, "'%.40s' is no number of a call", name);
}

/* "n, k | m, time_us, rows" */
static int read_points_head(struct reader *r, const char *at)
{
    for (at = skip(r, at); at < r->end && *at != '|'; at = skip(r, at))
        if (r->n_outer == MAX_MEMBERS || read_member(r, &at, &r->outer[r->n_outer++]))
            return REFUSE(r, r->line, "write the numbers of a series, a bar, then 'm, time_us, rows'");
    if (at++ >= r->end || read_member(r, &at, &r->inner))
        return REFUSE(r, r->line, "write the numbers of a series, a bar, then 'm, time_us, rows'");
    return 0;
}

struct key {
    const char *name;
    int (*read)(struct reader *r, const char *at);
    bool needs_kernel;
};
static const struct key keys[] = {{"kernel:", read_kernel, false},     {"part:", read_part, true},
                                  {"trust:", read_trust, false},       {"figures:", read_figures, false},
                                  {"variant:", read_variant, true},    {"constants:", read_constants, true},
                                  {"points:", read_points_head, true}, {0}};

static const struct {
    const char *name;
    size_t offset;
} texts[] = {{"library:", offsetof(struct kernel, library)},
             {"source:", offsetof(struct kernel, source)},
             {"chip:", offsetof(struct kernel, chip)},
             {"conditions:", offsetof(struct kernel, conditions)},
             {"validation:", offsetof(struct kernel, validation)}};

static int read_text(struct reader *r)
{
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t n = strlen(texts[i].name);
        if (strncmp(r->line, texts[i].name, n))
            continue;
        const char *from = skip(r, r->line + n);
        *(const char **)(void *)((char *)r->out + texts[i].offset) =
            arena_printf(r->arena, "%.*s", (int)(r->end - from), from);
        return 0;
    }
    if (!strncmp(r->line, "cache: fp8", 10)) {
        r->out->fp8_cache = true;
        return 0;
    }
    return REFUSE(
        r, r->line,
        "'%.20s' is no key of a kernel's file: kernel, library, variant, cache, chip, figures, source, conditions, "
        "validation, constants, points",
        r->line);
}

static int read_head_line(struct reader *r)
{
    for (const struct key *k = keys; k->name; k++) {
        size_t n = strlen(k->name);
        if (strncmp(r->line, k->name, n))
            continue;
        if (k->needs_kernel && !r->mechanism)
            return REFUSE(r, r->line, "say first which kernel it is: 'kernel: gemm_fp8'");
        return k->read(r, r->line + n);
    }
    return read_text(r);
}

/* --- points ---------------------------------------------------------------------------------------------------- */

static void keep(struct reader *r, const struct kernel_row *row)
{
    if (r->out->n_rows >= r->room) {
        r->room = r->room ? 2 * r->room : 512;
        struct kernel_row *grown = ARENA_ARRAY(r->arena, struct kernel_row, r->room);
        if (r->out->n_rows)
            memcpy(grown, r->rows, r->out->n_rows * sizeof *grown);
        r->out->rows = r->rows = grown;
    }
    r->rows[r->out->n_rows++] = *row;
}

static int read_point(struct reader *r, const char **at, struct kernel_row *row)
{
    double place = number(r, at), time_us = number(r, at), weight = number(r, at);
    if (!(place >= 0 && time_us > 0 && weight >= 1))
        return REFUSE(r, skip(r, *at),
                      "no point: write its place, its time in us and its rows, for example '4 10.15 3'");
    if (r->out->n_rows >= MAX_POINTS)
        return REFUSE(r, r->line, "more than %d points", MAX_POINTS);
    *kernel_member_at(&row->call, r->inner) = place;
    if (r->mechanism->complete)
        r->mechanism->complete(&row->call);
    row->time_s = time_us * 1e-6;
    row->weight = weight;
    row->line = r->number;
    keep(r, row);
    return 0;
}

static int read_series(struct reader *r)
{
    struct kernel_row row = {.call = {.family = r->out->family,
                                      .dtype = r->out->dtype,
                                      .fp8_cache = r->out->fp8_cache,
                                      .warm = true,
                                      .casts = true},
                             .library = r->out->library,
                             .file = r->name};
    const char *at = r->line;
    for (int i = 0; i < r->n_outer; i++) {
        double value = number(r, &at);
        if (!(value >= 0))
            return REFUSE(r, skip(r, at), "no number for '%s'", r->outer[i]->name);
        *kernel_member_at(&row.call, r->outer[i]) = value;
    }
    for (at = skip(r, at); at < r->end && *at == '|'; at = skip(r, at)) {
        at++;
        if (read_point(r, &at, &row))
            return -1;
    }
    return at < r->end && *at != '\r' ? REFUSE(r, at, "a bar '|' goes before each point") : 0;
}

/* --- all of it ------------------------------------------------------------------------------------------------- */

/* Files of an older moesim have other constants, and what is 0 here divides there. */
static const char *lacking_constant(const struct kernel *k, const struct kernel_mechanism *m)
{
    for (size_t i = 0; m->constants[i].name; i++)
        if ((!m->has || m->has(m->constants[i].name, k->dtype, k->variant)) && !(k->constants[i] > 0))
            return m->constants[i].name;
    return NULL;
}

static int check_whole(struct reader *r)
{
    if (!r->line)
        r->line = r->text;
    if (!r->mechanism)
        return REFUSE(r, r->line, "no 'kernel: ...' in it");
    if (!r->out->source || !r->out->conditions)
        return REFUSE(r, r->line, "no '%s: ...' in it; say whose measurements these are and under which conditions",
                      r->out->source ? "conditions" : "source");
    const struct kernel_device *d = &r->out->measured;
    if (!r->out->chip || !(d->sms > 0 && d->clock_Hz > 0 && d->memory_Bps > 0 && d->cache_B > 0 && d->bf16_flops > 0))
        return REFUSE(r, r->line,
                      "no '%s: ...' in it; say on which chip it was measured, with its sms, clock_Hz, "
                      "memory_Bps, cache_B and bf16_flops",
                      r->out->chip ? "figures" : "chip");
    const char *lacks = lacking_constant(r->out, r->mechanism);
    if (lacks && r->out->n_rows)
        return REFUSE(r, r->line,
                      "no constant '%s', which the way '%s' works with; fit the kernel anew: moesim kernels --fit",
                      lacks, r->mechanism->variants[r->out->variant]);
    return 0;
}

int kernel_file_parse(const char *text, size_t len, const char *name, struct arena *arena, struct kernel *out,
                      struct diag *diag)
{
    struct reader r = {
        .text = text, .len = len, .name = arena_strdup(arena, name), .arena = arena, .out = out, .diag = diag};
    *out = (struct kernel){.trust = 1};
    while (next_line(&r)) {
        if (*r.line == '#' || skip(&r, r.line) == r.end || *r.line == '\r')
            continue;
        if (r.inner ? read_series(&r) : read_head_line(&r))
            return -1;
    }
    return check_whole(&r);
}

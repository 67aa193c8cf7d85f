#include "io/inputs/measured_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cfg.h"
#include "hw/kernels/measured.h"
#include "io/whole_file.h"

enum { MAX_COLUMNS = 32, MAX_ERRORS = 10 };
static const size_t most_B = (size_t)1 << 30;

struct reader {
    const char *name;
    char *at; /* the next line */
    char *line;
    int number;
    const struct measured_family *family;
    const char *titles[MAX_COLUMNS];
    char *texts[MAX_COLUMNS];
    int n_titles, n_texts;
    int errors;
    const char *skip_reason; /* of rows that say nothing; NULL: there were none */
    uint32_t n_skipped;
    const char *libraries[64]; /* names that were met: few, so kept once */
    int n_libraries;
    uint32_t room;
    struct arena *arena;
    struct kernel_table *out;
    struct diag *diag;
};

#define COMPLAIN(r, at_column, ...) \
    do { \
        if (++(r)->errors <= MAX_ERRORS) \
            diag_error((r)->diag, EXIT_BAD_INPUT, \
                       (struct srcloc){.file = (r)->name, .line = (r)->number, .column = (at_column)}, __VA_ARGS__); \
    } while (0)

/* --- lines ------------------------------------------------------------------------------------------------------- */

static bool next_line(struct reader *r)
{
    if (!*r->at)
        return false;
    r->line = r->at;
    r->at += strcspn(r->at, "\n");
    if (*r->at)
        *r->at++ = '\0';
    r->line[strcspn(r->line, "\r")] = '\0';
    r->number++;
    return true;
}

static int split(struct reader *r, char **texts)
{
    int n = 0;
    for (char *rest = r->line, *text; n < MAX_COLUMNS && (text = strsep(&rest, ","));)
        texts[n++] = text;
    return n;
}

static int column_of(const struct reader *r, const char *title)
{
    for (int i = 0; i < r->n_titles; i++)
        if (!strcmp(r->titles[i], title))
            return i;
    return -1;
}

static int place_of(const struct reader *r, const char *title)
{
    int column = column_of(r, title);
    return column < 0 ? 1 : (int)(r->texts[column] - r->line) + 1;
}

/* --- header ------------------------------------------------------------------------------------------------------ */

static const char *const common[] = {"kernel_source", "latency_us", NULL};

static void need_columns(struct reader *r, const char *const *names)
{
    const char *titles[MAX_COLUMNS + 1];
    memcpy(titles, r->titles, sizeof r->titles);
    titles[r->n_titles] = NULL;
    for (; *names; names++) {
        const char *near = column_of(r, *names) < 0 ? cfg_nearest(*names, titles) : NULL;
        if (column_of(r, *names) < 0)
            COMPLAIN(r, 1, "no column '%s', which rows of %s need%s", *names, r->family->name,
                     near ? arena_printf(r->arena, "; is it '%s'?", near) : "");
    }
}

static bool knows_any(const struct reader *r, const char *const *names)
{
    while (*names && column_of(r, *names) < 0)
        names++;
    return *names;
}

static int read_header(struct reader *r)
{
    char *texts[MAX_COLUMNS];
    if (!next_line(r)) {
        COMPLAIN(r, 1, "nothing in it; write columns, for example '%s,...,kernel_source,latency_us', and rows",
                 r->family->mechanism->columns[0]);
        return -1;
    }
    r->n_titles = split(r, texts);
    for (int i = 0; i < r->n_titles; i++)
        r->titles[i] = arena_strdup(r->arena, texts[i]);
    if (!knows_any(r, r->family->mechanism->columns) && !knows_any(r, common)) {
        COMPLAIN(r, 1, "no column of it is known: rows of %s begin '%s,...,kernel_source,latency_us'", r->family->name,
                 r->family->mechanism->columns[0]);
        return -1;
    }
    need_columns(r, r->family->mechanism->columns);
    need_columns(r, common);
    return r->errors ? -1 : 0;
}

/* --- rows -------------------------------------------------------------------------------------------------------- */

static const char *library_of(struct reader *r, const char *name)
{
    for (int i = 0; i < r->n_libraries; i++)
        if (!strcmp(r->libraries[i], name))
            return r->libraries[i];
    const char *kept = arena_strdup(r->arena, name);
    if (r->n_libraries < (int)(sizeof r->libraries / sizeof *r->libraries))
        r->libraries[r->n_libraries++] = kept;
    return kept;
}

static void keep(struct reader *r, const struct kernel_row *row)
{
    struct kernel_table *t = r->out;
    if (t->n_rows >= r->room) {
        r->room = t->n_rows ? 2 * t->n_rows : 4096;
        struct kernel_row *grown = ARENA_ARRAY(r->arena, struct kernel_row, r->room);
        if (t->n_rows)
            memcpy(grown, t->rows, t->n_rows * sizeof *grown);
        t->rows = grown;
    }
    t->rows[t->n_rows++] = *row;
}

static void read_row(struct reader *r)
{
    struct kernel_cells cells = {r->titles, r->texts, r->n_titles};
    struct kernel_row row = {.file = r->name, .line = r->number};
    int errors = r->errors;
    r->n_texts = split(r, r->texts);
    if (r->n_texts != r->n_titles) {
        COMPLAIN(r, 1, "%d values for %d columns", r->n_texts, r->n_titles);
        return;
    }
    double time_us = cell_number(&cells, "latency_us");
    const char *source = cell_text(&cells, "kernel_source"), *why;
    if (!(time_us > 0 && time_us < 1e10))
        COMPLAIN(r, place_of(r, "latency_us"), "'%.24s' is no time; write microseconds, for example 103.7",
                 cell_text(&cells, "latency_us"));
    why = measured_read(r->family, &cells, &row.call);
    if (why && *why == '-') {
        r->skip_reason = why + 1;
        r->n_skipped++;
        return;
    }
    if (why)
        COMPLAIN(r, 1, "%s", why);
    if (r->errors != errors)
        return;
    row.time_s = time_us * 1e-6;
    row.library = library_of(r, source);
    keep(r, &row);
}

/* --- files ------------------------------------------------------------------------------------------------------- */

/* Names of the measured families, NULL-terminated: "gemm", "mla_decode" ... */
static const char *const *measured_families(struct arena *arena)
{
    size_t n = 0;
    while (measured_family_at(n).name)
        n++;
    const char **names = ARENA_ARRAY(arena, const char *, n + 1);
    for (size_t i = 0; i < n; i++)
        names[i] = measured_family_at(i).name;
    return names;
}

static const char *family_of(const char *path, struct arena *arena)
{
    const char *slash = strrchr(path, '/');
    char *name = arena_strdup(arena, slash ? slash + 1 : path);
    name[strcspn(name, ".")] = '\0';
    return name;
}

static int find_family(struct reader *r, const char *path, const char *given, struct measured_family *out)
{
    const char *name = given ? given : family_of(path, r->arena), *list = "";
    for (size_t i = 0; (*out = measured_family_at(i)).name; i++) {
        if (!strcmp(out->name, name))
            return 0;
        list = arena_printf(r->arena, "%s%s%s", list, *list ? ", " : "", out->name);
    }
    const char *near = cfg_nearest(name, measured_families(r->arena));
    diag_error(r->diag, EXIT_BAD_INPUT, SRCLOC_FILE(path),
               "of which kernels are these times? '%.40s' is no family%s%s%s; "
               "give --family, one of %s",
               name, near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "", list);
    return -1;
}

int measured_file_read(const char *path, const char *family, struct arena *arena, struct kernel_table *out,
                       struct diag *diag)
{
    struct measured_family found;
    struct reader r = {.name = arena_strdup(arena, path),
                       .arena = arena,
                       .out = out,
                       .room = out->n_rows,
                       .family = &found,
                       .diag = diag};
    char *bytes;
    size_t len;
    uint32_t before = out->n_rows;
    if (find_family(&r, path, family, &found) || whole_file_read(path, most_B, &bytes, &len, diag))
        return -1;
    r.at = bytes;
    if (!read_header(&r))
        while (next_line(&r))
            if (*r.line)
                read_row(&r);
    if (!r.errors && !r.n_skipped && out->n_rows == before)
        COMPLAIN(&r, 1, "no row in it: a line of columns, then one for each measured kernel");
    if (r.errors > MAX_ERRORS)
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(r.name), "and %d more like these", r.errors - MAX_ERRORS);
    if (r.n_skipped)
        diag_warning(diag, SRCLOC_FILE(r.name), "%u rows let pass: %s", r.n_skipped, r.skip_reason);
    free(bytes);
    return r.errors ? -1 : 0;
}

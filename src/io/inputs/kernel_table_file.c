#include "io/inputs/kernel_table_file.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/data_find.h"
#include "base/input_files.h"
#include "base/cfg.h"
#include "io/inputs/kernel_file.h"
#include "base/yaml_text.h"
#include "io/scenario.h"

enum { MAX_COLUMNS = 32, MAX_ERRORS = 20, MAX_GROUPS = 4096, MAX_ROWS = 100000 };
static const double most = 1e15;

enum column_kind { COLUMN_KERNEL, COLUMN_TIME, COLUMN_GROUPS, COLUMN_ROWS, COLUMN_CAUSAL, COLUMN_MEMBER };

struct column {
    enum column_kind kind;
    const struct kernel_member *member;
};

struct reader {
    const char *text, *name;
    size_t len;
    const char *line; /* what is being read, its end, and its number */
    size_t line_len;
    int number;
    struct column columns[MAX_COLUMNS];
    const char *titles[MAX_COLUMNS];
    int n_columns; /* 0: no header yet */
    const char *source, *conditions;
    int errors;
    struct arena *arena;
    struct kernel_table *out;
    uint32_t cap;
    struct diag *diag;
};

#define COMPLAIN(r, at, ...) \
    do { \
        if (++(r)->errors <= MAX_ERRORS) \
            diag_error((r)->diag, EXIT_BAD_INPUT, place((r), (at)), __VA_ARGS__); \
    } while (0)

static struct srcloc place(const struct reader *r, const char *at)
{
    return (struct srcloc){
        .file = r->name, .text = r->text, .text_len = r->len, .line = r->number, .column = (int)(at - r->line) + 1};
}

/* --- lines and cells --------------------------------------------------------------------------------- */

static bool next_line(struct reader *r)
{
    const char *from = r->line ? r->line + r->line_len + 1 : r->text;
    if (from >= r->text + r->len)
        return false;
    r->line = from;
    r->line_len = strcspn(from, "\n");
    r->number++;
    return true;
}

struct cell {
    const char *at;
    char *text; /* without blanks around it */
};

static char *trimmed(struct arena *arena, const char *from, size_t n)
{
    while (n && strchr(" \t\r", from[n - 1]))
        n--;
    while (n && strchr(" \t", *from))
        from++, n--;
    return arena_printf(arena, "%.*s", (int)n, from);
}

static int split(const struct reader *r, struct cell cells[MAX_COLUMNS + 1])
{
    int n = 0;
    for (const char *at = r->line, *end = r->line + r->line_len; at <= end && n <= MAX_COLUMNS;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        size_t length = (size_t)((comma ? comma : end) - at);
        cells[n++] = (struct cell){at, trimmed(r->arena, at, length)};
        at += length + 1;
    }
    return n;
}

/* --- comments and header ------------------------------------------------------------------------------- */

static const char *after(const struct reader *r, const char *label)
{
    size_t n = strlen(label);
    if (r->line_len < n || memcmp(r->line, label, n))
        return NULL;
    return trimmed(r->arena, r->line + n, r->line_len - n);
}

static void read_comment(struct reader *r)
{
    const char *text;
    if ((text = after(r, "# source:")))
        r->source = text;
    else if ((text = after(r, "# conditions:")))
        r->conditions = text;
}

static const struct kernel_member *find_member(const char *name)
{
    for (const struct kernel_member *m = kernel_members; m->name; m++)
        if (!strcmp(m->name, name))
            return m;
    return NULL;
}

static const char *const own_columns[] = {"kernel", "time_us", "groups", "rows", "causal"};
enum { OWN_COLUMNS = sizeof own_columns / sizeof *own_columns };

static const char *nearest_column(const struct reader *r, const char *title)
{
    const char *names[OWN_COLUMNS + 32];
    int n = 0;
    for (; n < OWN_COLUMNS; n++)
        names[n] = own_columns[n];
    for (const struct kernel_member *m = kernel_members; m->name; m++)
        names[n++] = m->name;
    names[n] = NULL;
    const char *near = cfg_nearest(title, names);
    return near ? arena_printf(r->arena, "; did you mean '%s'?", near) : "";
}

static void read_title(struct reader *r, const struct cell *cell)
{
    struct column column = {COLUMN_MEMBER, find_member(cell->text)};
    for (int i = 0; i < OWN_COLUMNS; i++)
        if (!strcmp(cell->text, own_columns[i]))
            column.kind = (enum column_kind)i;
    if (column.kind == COLUMN_MEMBER && !column.member)
        COMPLAIN(r, cell->at, "unknown column '%.40s'%s", cell->text, nearest_column(r, cell->text));
    for (int i = 0; i < r->n_columns; i++)
        if (!strcmp(r->titles[i], cell->text))
            COMPLAIN(r, cell->at, "column '%.40s' is there twice", cell->text);
    r->titles[r->n_columns] = cell->text;
    r->columns[r->n_columns++] = column;
}

static bool has_column(const struct reader *r, enum column_kind kind)
{
    for (int i = 0; i < r->n_columns; i++)
        if (r->columns[i].kind == kind)
            return true;
    return false;
}

/* Without columns that are all right, rows mean nothing. */
static int read_header(struct reader *r)
{
    struct cell cells[MAX_COLUMNS + 1];
    int n = split(r, cells), errors = r->errors;
    if (!r->source || !r->conditions)
        COMPLAIN(r, r->line, "no '%s' above the columns; say whose measurement it is and under which conditions",
                 r->source ? "# conditions: ..." : "# source: ...");
    if (n > MAX_COLUMNS)
        COMPLAIN(r, r->line, "more than %d columns", MAX_COLUMNS);
    for (int i = 0; i < n && i < MAX_COLUMNS; i++)
        read_title(r, &cells[i]);
    if (r->errors == errors && (!has_column(r, COLUMN_KERNEL) || !has_column(r, COLUMN_TIME)))
        COMPLAIN(r, r->line, "no column '%s'; write for example 'kernel,m,n,k,time_us'",
                 has_column(r, COLUMN_KERNEL) ? "time_us" : "kernel");
    return r->errors == errors ? 0 : -1;
}

/* --- rows ---------------------------------------------------------------------------------------------- */

static double read_number(struct reader *r, const struct cell *cell, double least, double largest)
{
    char *end;
    double value = strtod(cell->text, &end);
    if (end == cell->text || *end)
        COMPLAIN(r, cell->at, "'%.24s' is no number; write for example 4096 or 16.443", cell->text);
    else if (!(value >= least && value <= largest))
        COMPLAIN(r, cell->at, "%.24s is out of range: from %g to %g", cell->text, least, largest);
    else
        return value;
    return NAN;
}

static void read_kernel(struct reader *r, const struct cell *cell, struct kernel_call *call)
{
    if (!kernel_named(cell->text, &call->family, &call->dtype))
        COMPLAIN(r, cell->at,
                 "unknown kernel '%.40s'; write for example gemm_fp8, attention_decode_bf16 or norm "
                 "('moesim kernels --list' lists them)",
                 cell->text);
}

static void read_cell(struct reader *r, int column, const struct cell *cell, struct kernel_row *row, double *rows)
{
    const struct column *c = &r->columns[column];
    switch (c->kind) {
    case COLUMN_KERNEL:
        read_kernel(r, cell, &row->call);
        return;
    case COLUMN_TIME:
        row->time_s = read_number(r, cell, 1e-3, 1e12) * 1e-6;
        return;
    case COLUMN_GROUPS: {
        double groups = read_number(r, cell, 1, MAX_GROUPS);
        row->call.groups = groups >= 1 ? (uint32_t)groups : 1;
        return;
    }
    case COLUMN_ROWS:
        *rows = read_number(r, cell, 1, most);
        return;
    case COLUMN_CAUSAL:
        row->call.causal = read_number(r, cell, 0, 1) > 0;
        return;
    case COLUMN_MEMBER:
        *kernel_member_at(&row->call, c->member) = read_number(r, cell, 1e-3, most);
        return;
    }
}

/* What the kernel does not read would be ignored without a word. */
static void check_row(struct reader *r, const struct kernel_call *call)
{
    const char *missing = kernel_missing(call);
    const char *kernel = kernel_family_names[call->family];
    if (missing)
        COMPLAIN(r, r->line, "%s needs a column '%s'", kernel, missing);
    if (call->groups > 1 && !kernel_is_grouped(call->family))
        COMPLAIN(r, r->line, "%s has no groups", kernel);
    for (int i = 0; i < r->n_columns; i++)
        if (r->columns[i].kind == COLUMN_MEMBER && !kernel_uses(call->family, r->titles[i]))
            COMPLAIN(r, r->line, "%s has no '%s'; give it a file of its own", kernel, r->titles[i]);
}

static void keep_row(struct reader *r, const struct kernel_row *row)
{
    struct kernel_table *t = r->out;
    if (t->n_rows >= r->cap) {
        r->cap = t->n_rows ? 2 * t->n_rows : 64;
        struct kernel_row *grown = ARENA_ARRAY(r->arena, struct kernel_row, r->cap);
        if (t->n_rows)
            memcpy(grown, t->rows, t->n_rows * sizeof *grown);
        t->rows = grown;
    }
    t->rows[t->n_rows++] = *row;
}

static void read_row(struct reader *r)
{
    struct cell cells[MAX_COLUMNS + 1];
    struct kernel_row row = {
        .source = arena_printf(r->arena, "%s; %s", r->source, r->conditions), .file = r->name, .line = r->number};
    double rows = 0;
    int n = split(r, cells), errors = r->errors;
    if (n != r->n_columns) {
        COMPLAIN(r, r->line, "%d values for %d columns", n, r->n_columns);
        return;
    }
    for (int i = 0; i < n; i++)
        read_cell(r, i, &cells[i], &row, &rows);
    if (r->errors == errors)
        check_row(r, &row.call);
    if (r->errors != errors)
        return;
    if (rows > 0 && row.call.groups)
        row.call.rows = kernel_spread_rows(row.call.groups, row.call.family == KERNEL_WGRAD ? row.call.k : row.call.m,
                                           rows, r->arena);
    keep_row(r, &row);
}

int kernel_table_parse(const char *text, size_t len, const char *name, struct arena *arena, struct kernel_table *out,
                       struct diag *diag)
{
    struct reader r = {.text = text,
                       .len = len,
                       .name = arena_strdup(arena, name),
                       .arena = arena,
                       .out = out,
                       .cap = out->n_rows,
                       .diag = diag};
    const char *what, *bad = yaml_bad_byte(text, len, &what);
    if (bad) {
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(r.name), "byte %zu: %s", (size_t)(bad - text), what);
        return -1;
    }
    while (next_line(&r) && r.number <= MAX_ROWS) {
        if (r.line_len <= strspn(r.line, " \t\r"))
            continue;
        if (*r.line == '#')
            read_comment(&r);
        else if (r.n_columns)
            read_row(&r);
        else if (read_header(&r))
            break;
    }
    if (!r.n_columns)
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(r.name),
                   "no table in it; write columns, for example 'kernel,m,n,k,time_us', and rows");
    if (r.number > MAX_ROWS)
        diag_error(diag, EXIT_LIMIT, SRCLOC_FILE(r.name), "more than %d lines", MAX_ROWS);
    if (r.errors > MAX_ERRORS)
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(r.name), "and %d more like these", r.errors - MAX_ERRORS);
    return r.errors || !r.n_columns || r.number > MAX_ROWS ? -1 : 0;
}

/* --- folders ------------------------------------------------------------------------------------------- */

static bool ends_in(const char *name, const char *ending)
{
    size_t n = strlen(name), e = strlen(ending);
    return n > e && !strcmp(name + n - e, ending);
}

static int add_kernel(const char *text, size_t len, const char *path, struct arena *arena, struct kernel_table *out,
                      struct diag *diag)
{
    struct kernel *grown = ARENA_ARRAY(arena, struct kernel, out->n_kernels + 1);
    if (out->n_kernels)
        memcpy(grown, out->kernels, out->n_kernels * sizeof *grown);
    out->kernels = grown;
    return kernel_file_parse(text, len, path, arena, &grown[out->n_kernels++], diag);
}

static int read_file(const char *path, struct arena *arena, struct kernel_table *out, struct diag *diag)
{
    const char *text;
    size_t len;
    if (yaml_text_read(path, arena, &text, &len, diag))
        return -1;
    return ends_in(path, ".kernel") ? add_kernel(text, len, path, arena, out, diag)
                                    : kernel_table_parse(text, len, path, arena, out, diag);
}

static int read_folder(const char *folder, struct srcloc where, const char *beside, struct arena *arena,
                       struct kernel_table *out, struct diag *diag)
{
    int failed = 0, files = 0;
    const char *found = data_find(folder, beside, arena);
    const char **names = found ? data_list(folder, "", beside, arena) : NULL;
    for (; names && *names; names++) {
        if (!ends_in(*names, ".csv") && !ends_in(*names, ".kernel"))
            continue;
        const char *path = data_find(arena_printf(arena, "%s/%s", folder, *names), beside, arena);
        if (!path)
            continue;
        failed |= read_file(path, arena, out, diag);
        files++;
    }
    if (!files)
        diag_error(diag, found ? EXIT_BAD_INPUT : EXIT_IO, where,
                   "there are no kernel tables in '%s': no such folder beside the scenario, in the "
                   "working directory, in $MOESIM_PATH or among moesim's own, or no *.kernel or *.csv in it",
                   folder);
    return failed || !files ? -1 : 0;
}

/* A file of a folder instead of all of them. */
static bool is_one(const char *name)
{
    return ends_in(name, ".kernel") || ends_in(name, ".csv");
}

static int read_folders(const char *folders, struct srcloc where, const char *beside, struct arena *arena,
                        struct kernel_table *out, struct diag *diag)
{
    int failed = 0, n = 0;
    *out = (struct kernel_table){0};
    char *rest = arena_strdup(arena, folders), *folder;
    while (*folders && (folder = strsep(&rest, ","))) {
        folder += strspn(folder, " ");
        folder[strcspn(folder, " ")] = '\0';
        uint32_t rows = out->n_rows, kernels = out->n_kernels;
        const char *file = is_one(folder) ? data_find(folder, beside, arena) : NULL;
        failed |= file ? read_file(file, arena, out, diag) : read_folder(folder, where, beside, arena, out, diag);
        for (; rows < out->n_rows; rows++)
            out->rows[rows].folder = n;
        for (; kernels < out->n_kernels; kernels++)
            out->kernels[kernels].folder = n;
        n++;
    }
    return failed ? -1 : 0;
}

/* --- read already: a scenario is checked before it runs, and points of a sweep are children of who checked one -------- */

enum { MOST_READ = 4 };

static struct {
    unsigned list; /* of input files */
    const char *folders, *beside;
    struct kernel_table table;
} read_already[MOST_READ];
static uint32_t n_read_already;

static const struct kernel_table *find_read(const char *folders, const char *beside)
{
    for (uint32_t i = 0; i < n_read_already; i++)
        if (read_already[i].list == input_files_list() && !strcmp(read_already[i].folders, folders) &&
            !strcmp(read_already[i].beside, beside))
            return &read_already[i].table;
    return NULL;
}

int kernel_tables_read(const char *folders, struct srcloc where, const char *beside, struct arena *arena,
                       struct kernel_table *out, struct diag *diag)
{
    static struct arena *kept; /* as long as the process */
    const struct kernel_table *known = beside ? find_read(folders, beside) : NULL;
    if (known) {
        *out = *known;
        return 0;
    }
    if (!beside || !input_files_list() || n_read_already == MOST_READ)
        return read_folders(folders, where, beside, arena, out, diag);
    kept = kept ? kept : arena_new();
    if (read_folders(folders, where, beside, kept, out, diag))
        return -1;
    read_already[n_read_already].list = input_files_list();
    read_already[n_read_already].folders = arena_strdup(kept, folders);
    read_already[n_read_already].beside = arena_strdup(kept, beside);
    read_already[n_read_already++].table = *out;
    return 0;
}

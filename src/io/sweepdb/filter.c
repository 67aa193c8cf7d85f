/* Filters: rewriting of names and units, then SQLite. */
#include "io/sweepdb/filter.h"

#include <ctype.h>
#include <math.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

struct filter {
    sqlite3 *db;
    sqlite3_stmt *stmt;
    struct srcloc where;
    uint32_t n;
    struct arena *arena;
};

struct writer {
    const char *in; /* the expression */
    char *out;
    uint32_t *map;
    size_t n, cap, at; /* at: offset in `in` of what is written */
    const char *const *names;
    uint32_t n_names;
    struct srcloc where;
    struct arena *arena;
    struct diag *diag;
};

static struct srcloc place(struct srcloc where, size_t offset)
{
    if (where.column > 0)
        where.column += (int)offset;
    return where;
}

/* --- names and units ----------------------------------------------------------------------------------------- */

static void put(struct writer *w, const char *text, size_t len)
{
    BUG_IF(w->n + len >= w->cap);
    memcpy(w->out + w->n, text, len);
    for (size_t i = 0; i < len; i++)
        w->map[w->n + i] = (uint32_t)w->at;
    w->n += len;
    w->out[w->n] = '\0';
}

static void put_text(struct writer *w, const char *text)
{
    put(w, text, strlen(text));
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.';
}

/* "bandwidth" and "nic.bandwidth" are ends of "cluster.nic.bandwidth". */
static bool is_end_of(const char *word, const char *name)
{
    size_t n = strlen(word), m = strlen(name);
    return m >= n && !strcmp(name + m - n, word) && (m == n || name[m - n - 1] == '.');
}

static int put_name(struct writer *w, const char *word)
{
    const char *found = NULL;
    for (uint32_t i = 0; i < w->n_names; i++) {
        if (!strcmp(w->names[i], word)) {
            found = w->names[i];
            break;
        }
        if (!is_end_of(word, w->names[i]))
            continue;
        if (found) {
            diag_error(w->diag, EXIT_BAD_INPUT, place(w->where, w->at), "'%s' may be '%s' or '%s'; write more of it",
                       word, found, w->names[i]);
            return -1;
        }
        found = w->names[i];
    }
    put_text(w, found ? arena_printf(w->arena, "\"%s\"", found) : word);
    if (found || !strchr(word, '.'))
        return 0;
    const char *near = cfg_nearest(word, w->names);
    diag_error(w->diag, EXIT_BAD_INPUT, place(w->where, w->at), "there is no '%s' here%s%s%s", word,
               near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return -1;
}

/* The unit that starts at text, the longest one; its length or 0. */
static size_t unit_at(const char *text, enum unit_dim *dim)
{
    size_t longest = 0;
    for (int d = 0; d < DIM_N; d++)
        for (size_t i = 0; unit_name((enum unit_dim)d, i); i++) {
            const char *name = unit_name((enum unit_dim)d, i);
            size_t n = strlen(name);
            if (n > longest && !strncmp(text, name, n) && strcmp(name, "%") && !isalnum((unsigned char)text[n])) {
                longest = n;
                *dim = (enum unit_dim)d;
            }
        }
    return longest;
}

/* A number; its unit, where it has one, becomes part of it. Returns its end. */
static size_t put_number(struct writer *w, size_t i)
{
    char *end, why[512];
    strtod(w->in + i, &end);
    size_t stop = (size_t)(end - w->in), unit = stop + strspn(w->in + stop, " "), len;
    enum unit_dim dim;
    double si;
    if ((len = unit_at(w->in + unit, &dim)) && !unit_parse(w->in + i, unit + len - i, dim, &si, why, sizeof why)) {
        put_text(w, arena_printf(w->arena, "%.17g", si));
        return unit + len;
    }
    put(w, w->in + i, stop - i);
    return stop;
}

/* A literal or identifier in quotes; returns its end. */
static size_t put_quoted(struct writer *w, size_t i)
{
    size_t end = i + 1;
    while (w->in[end] && w->in[end] != w->in[i])
        end++;
    end += w->in[end] != '\0';
    put(w, w->in + i, end - i);
    return end;
}

static int rewrite(struct writer *w)
{
    for (size_t i = 0; w->in[i];) {
        w->at = i;
        char c = w->in[i];
        if (isdigit((unsigned char)c)) {
            i = put_number(w, i);
        } else if (c == '\'' || c == '"') {
            i = put_quoted(w, i);
        } else if (isalpha((unsigned char)c) || c == '_') {
            size_t end = i;
            while (is_word(w->in[end]))
                end++;
            if (put_name(w, arena_printf(w->arena, "%.*s", (int)(end - i), w->in + i)))
                return -1;
            i = end;
        } else {
            put(w, w->in + i++, 1);
        }
    }
    return 0;
}

const char *filter_sql(const char *expression, const char *const *names, uint32_t n_names, struct srcloc where,
                       struct arena *arena, uint32_t **map, struct diag *diag)
{
    size_t longest = 32;
    const char **ended = ARENA_ARRAY(arena, const char *, n_names + 1); /* for did you mean */
    for (uint32_t i = 0; i < n_names; i++) {
        ended[i] = names[i];
        longest = strlen(names[i]) + 2 > longest ? strlen(names[i]) + 2 : longest;
    }
    struct writer w = {
        .in = expression, .names = ended, .n_names = n_names, .where = where, .arena = arena, .diag = diag};
    w.cap = (strlen(expression) + 1) * longest;
    w.out = ARENA_ARRAY(arena, char, w.cap);
    *map = w.map = ARENA_ARRAY(arena, uint32_t, w.cap);
    return rewrite(&w) ? NULL : w.out;
}

/* --- SQLite ----------------------------------------------------------------------------------------------------- */

/* An expression reads its values and calls functions of them, nothing else. */
static int authorize(void *unused, int action, const char *a, const char *b, const char *c, const char *d)
{
    static const char *const refused[] = {
        "random",    "randomblob", "date",         "time",         "datetime",          "julianday",
        "unixepoch", "strftime",   "current_date", "current_time", "current_timestamp", "load_extension"};
    (void)unused, (void)a, (void)c, (void)d;
    if (action == SQLITE_FUNCTION)
        for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
            if (!strcmp(b, refused[i]))
                return SQLITE_DENY;
    return action == SQLITE_SELECT || action == SQLITE_READ || action == SQLITE_FUNCTION ? SQLITE_OK : SQLITE_DENY;
}

static int open_db(struct filter *f)
{
    if (sqlite3_open(":memory:", &f->db) != SQLITE_OK)
        return -1;
    sqlite3_db_config(f->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL); /* "unknown" is no string */
    sqlite3_limit(f->db, SQLITE_LIMIT_LENGTH, 1000000);
    sqlite3_limit(f->db, SQLITE_LIMIT_EXPR_DEPTH, 200);
    sqlite3_set_authorizer(f->db, authorize, NULL);
    return 0;
}

/* SELECT (expression) of one row with the values as columns. *before: bytes ahead of the expression. */
static char *statement(const char *sql, const char *const *names, uint32_t n, size_t *before)
{
    char *text = NULL;
    size_t size;
    FILE *out = checked_alloc(open_memstream(&text, &size));
    fputs("SELECT (", out);
    *before = strlen("SELECT (");
    fprintf(out, "%s\n) FROM (SELECT 1", sql); /* the line's end closes a comment */
    for (uint32_t i = 0; i < n; i++)
        fprintf(out, ", ?%u AS \"%s\"", i + 1, names[i]);
    fputc(')', out);
    if (fclose(out))
        out_of_memory();
    return checked_alloc(text);
}

/* The name that is meant by an unknown one, by its last part; NULL when none is near. */
static const char *meant(const struct filter *f, const char *message, const char *const *names)
{
    static const char unknown[] = "no such column: ";
    const char **ends = ARENA_ARRAY(f->arena, const char *, f->n + 1);
    if (strncmp(message, unknown, sizeof unknown - 1))
        return NULL;
    for (uint32_t i = 0; i < f->n; i++)
        ends[i] = strrchr(names[i], '.') ? strrchr(names[i], '.') + 1 : names[i];
    return cfg_nearest(message + sizeof unknown - 1, ends);
}

static void report(const struct filter *f, size_t before, const char *sql, const char *const *names,
                   const uint32_t *map, struct diag *diag)
{
    int at = sqlite3_error_offset(f->db) - (int)before;
    size_t offset = at >= 0 && (size_t)at < strlen(sql) ? map[at] : 0;
    const char *message = sqlite3_errmsg(f->db), *near = meant(f, message, names);
    diag_error(diag, EXIT_BAD_INPUT, place(f->where, offset), "the filter cannot be read: %s%s%s%s", message,
               near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int prepare(struct filter *f, const char *sql, const char *const *names, const uint32_t *map, struct diag *diag)
{
    size_t before;
    const char *tail = NULL;
    char *text = statement(sql, names, f->n, &before);
    int failed = sqlite3_prepare_v2(f->db, text, -1, &f->stmt, &tail) != SQLITE_OK;
    if (failed) {
        report(f, before, sql, names, map, diag);
    } else if (*tail || sqlite3_column_count(f->stmt) != 1) {
        diag_error(diag, EXIT_BAD_INPUT, f->where, "the filter is more than one expression");
        failed = 1;
    }
    free(text);
    return failed ? -1 : 0;
}

struct filter *filter_new(const char *expression, const char *const *names, uint32_t n_names, struct srcloc where,
                          struct diag *diag)
{
    struct filter *f = checked_alloc(calloc(1, sizeof *f));
    uint32_t *map;
    *f = (struct filter){.where = where, .n = n_names, .arena = arena_new()};
    if (open_db(f))
        out_of_memory();
    const char *sql = filter_sql(expression, names, n_names, where, f->arena, &map, diag);
    if (sql && !prepare(f, sql, names, map, diag))
        return f;
    filter_free(f);
    return NULL;
}

static void bind(sqlite3_stmt *stmt, int i, const struct cfg_value *v)
{
    if (isnan(v->number))
        sqlite3_bind_text(stmt, i, v->text, -1, SQLITE_STATIC);
    else if (v->type != CFG_QUANTITY)
        sqlite3_bind_int64(stmt, i, (sqlite3_int64)v->number);
    else
        sqlite3_bind_double(stmt, i, v->number);
}

int filter_accepts(struct filter *f, const struct cfg_value *values, struct diag *diag)
{
    sqlite3_reset(f->stmt);
    for (uint32_t i = 0; i < f->n; i++)
        bind(f->stmt, (int)i + 1, &values[i]);
    if (sqlite3_step(f->stmt) == SQLITE_ROW)
        return sqlite3_column_double(f->stmt, 0) != 0;
    diag_error(diag, EXIT_BAD_INPUT, f->where, "the filter cannot be computed: %s", sqlite3_errmsg(f->db));
    return -1;
}

void filter_free(struct filter *f)
{
    if (!f)
        return;
    sqlite3_finalize(f->stmt);
    sqlite3_close(f->db);
    arena_free(f->arena);
    free(f);
}

#include "io/inputs/row_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/yaml_text.h"

enum { MAX_ERRORS = 20, MAX_WORD = 63, SHOWN_WORD = 24, MAX_COLUMNS = 65536 };

struct reader {
    const struct row_format *format;
    const char *name, *text, *end, *at;
    struct diag *diag;
    int errors;
    uint32_t columns; /* 0 = not known yet */
    bool no_table;    /* the first row is none: the rest would be told word by word */
    double *values;   /* malloc */
    uint32_t *where;
    size_t n, room;
};

/* --- places and messages ---------------------------------------------------------------------------------- */

static struct srcloc place_of(const char *name, const char *text, size_t len, size_t offset)
{
    const char *line = text;
    int number = 1;
    for (const char *p = text; p < text + offset; p++)
        if (*p == '\n') {
            line = p + 1;
            number++;
        }
    return (struct srcloc){
        .file = name, .text = text, .text_len = len, .line = number, .column = (int)(text + offset - line) + 1};
}

static struct srcloc here(const struct reader *r, const char *at)
{
    return place_of(r->name, r->text, (size_t)(r->end - r->text), (size_t)(at - r->text));
}

struct srcloc rows_place(const struct rows *r, uint32_t row, uint32_t column)
{
    return place_of(r->name, r->text, r->text_len, r->at[(size_t)row * r->n_columns + column]);
}

#define COMPLAIN(r, at, ...) \
    do { \
        if ((r)->errors++ < MAX_ERRORS) \
            diag_error((r)->diag, EXIT_BAD_INPUT, here((r), (at)), __VA_ARGS__); \
    } while (0)

/* What a message shows of a word; printable. */
static const char *shown(const char *word, size_t len, char buf[SHOWN_WORD + 4])
{
    size_t n = len < SHOWN_WORD ? len : SHOWN_WORD;
    for (size_t i = 0; i < n; i++)
        buf[i] = word[i] > ' ' && word[i] < 0x7f ? word[i] : '?';
    strcpy(buf + n, len > n ? "..." : "");
    return buf;
}

/* --- words of a line ------------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool ends_line(const struct reader *r)
{
    return r->at == r->end || *r->at == '\n' || *r->at == '#';
}

static size_t word_length(const struct reader *r)
{
    const char *p = r->at;
    while (p < r->end && !is_blank(*p) && *p != ',' && *p != ';' && *p != '\n' && *p != '#')
        p++;
    return (size_t)(p - r->at);
}

static void skip_blanks(struct reader *r)
{
    while (r->at < r->end && is_blank(*r->at))
        r->at++;
}

/* Over what follows a word; false when the line ends. */
static bool next_word(struct reader *r)
{
    skip_blanks(r);
    if (ends_line(r))
        return false;
    if (*r->at == ',' || *r->at == ';')
        r->at++;
    skip_blanks(r);
    return true;
}

static void next_line(struct reader *r)
{
    const char *newline = memchr(r->at, '\n', (size_t)(r->end - r->at));
    r->at = newline ? newline + 1 : r->end;
}

/* --- rows ------------------------------------------------------------------------------------------------- */

/* False when the word is no number. */
static bool read_number(const char *word, size_t len, double *value)
{
    char copy[MAX_WORD + 1], *end;
    if (!len || len > MAX_WORD || memchr(word, '\0', len))
        return false;
    memcpy(copy, word, len);
    copy[len] = '\0';
    *value = strtod(copy, &end);
    return end == copy + len && isfinite(*value);
}

static void keep(struct reader *r, double value)
{
    if (r->n == r->room) {
        r->room = r->room ? 2 * r->room : 1024;
        r->values = checked_alloc(realloc(r->values, r->room * sizeof *r->values));
        r->where = checked_alloc(realloc(r->where, r->room * sizeof *r->where));
    }
    r->values[r->n] = value;
    r->where[r->n++] = (uint32_t)(r->at - r->text);
}

static void read_word(struct reader *r, size_t len)
{
    char word[SHOWN_WORD + 4];
    double value = 0;
    if (!len)
        COMPLAIN(r, r->at, "a number is missing here; write for example '%s'", r->format->example);
    else if (!read_number(r->at, len, &value))
        COMPLAIN(r, r->at, "'%s' is no number; write for example '%s'", shown(r->at, len, word), r->format->example);
    else if (value < r->format->least || value > r->format->most)
        COMPLAIN(r, r->at, "%s is not from %g to %g", shown(r->at, len, word), r->format->least, r->format->most);
    keep(r, value);
}

/* The line of names, when it is one. */
static bool read_header(struct reader *r)
{
    const char *const *name = r->format->columns, *start = r->at;
    bool is_header = name != NULL;
    for (; is_header && *name; name++) {
        size_t len = word_length(r);
        is_header = len == strlen(*name) && !memcmp(r->at, *name, len);
        r->at += len;
        is_header = is_header && next_word(r) == (name[1] != NULL);
    }
    if (!is_header)
        r->at = start;
    return is_header;
}

static void read_row(struct reader *r)
{
    const char *start = r->at;
    uint32_t n = 0;
    bool more = true;
    int errors = r->errors;
    for (; more && n < MAX_COLUMNS && r->errors == errors; n++) {
        size_t len = word_length(r);
        read_word(r, len);
        r->at += len;
        more = next_word(r);
    }
    if (r->errors > errors)
        return;
    if (more)
        COMPLAIN(r, start, "more than %d numbers in a line", MAX_COLUMNS);
    r->columns = r->columns ? r->columns : n;
    if (n != r->columns)
        COMPLAIN(r, start, "%u numbers where %s %u; write for example '%s'", n,
                 r->format->columns ? "a row has" : "the first row has", r->columns, r->format->example);
}

static void read_lines(struct reader *r)
{
    bool first = true;
    for (; r->at < r->end && r->errors <= MAX_ERRORS && !r->no_table; next_line(r)) {
        skip_blanks(r);
        if (ends_line(r))
            continue;
        if (!first || !read_header(r))
            read_row(r);
        r->no_table = first && r->errors;
        first = false;
    }
}

int rows_parse(const char *text, size_t len, const char *name, const struct row_format *format, struct arena *arena,
               struct rows *out, struct diag *diag)
{
    struct reader r = {.format = format, .name = name, .text = text, .end = text + len, .at = text, .diag = diag};
    for (uint32_t i = 0; format->columns && format->columns[i]; i++)
        r.columns++;
    read_lines(&r);
    if (!r.errors && !r.n)
        COMPLAIN(&r, text, "there is no row in it; write for example '%s'", format->example);
    double *values = ARENA_ARRAY(arena, double, r.n);
    uint32_t *at = ARENA_ARRAY(arena, uint32_t, r.n);
    if (r.n) {
        memcpy(values, r.values, r.n * sizeof *values);
        memcpy(at, r.where, r.n * sizeof *at);
    }
    *out =
        (struct rows){.values = values, .n_columns = r.columns, .name = name, .text = text, .text_len = len, .at = at};
    out->n_rows = r.columns ? (uint32_t)(r.n / r.columns) : 0;
    free(r.values);
    free(r.where);
    return r.errors ? -1 : 0;
}

int rows_read(const char *path, const struct row_format *format, struct arena *arena, struct rows *out,
              struct diag *diag)
{
    const char *text;
    size_t len;
    if (yaml_text_read(path, arena, &text, &len, diag))
        return -1;
    return rows_parse(text, len, path, format, arena, out, diag);
}

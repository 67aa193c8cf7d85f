/* Diagnostics: collects located messages, sorts them by place and renders them with the
 * offending source line and a caret. Everything is copied when it is reported, so an
 * arena that holds the input may be freed before the messages are printed. Leaves out:
 * colours, translations. Reference: the message style of jq and of GNU "Formatting
 * Error Messages". */
#include "base/diag.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/outfile.h"

/* More than this many messages of one input help nobody; the rest is only counted. */
#define MAX_STORED 200
/* Source lines wider than this are cut around the caret. */
#define MAX_LINE_CHARS 160

struct entry {
    char *text;  /* rendered, ends with a newline */
    size_t rank; /* order in which its file was first seen */
    int line, column;
    size_t seq;
    bool printed;
};

struct diag {
    struct entry *entries;
    size_t n, cap;
    char **files; /* by rank */
    size_t n_files;
    size_t n_errors, n_dropped;
    enum exit_code code;
    struct srcloc place; /* of errors without one */
    bool mute;           /* no warnings */
    char *all;           /* what diag_text returned last */
    size_t n_all;        /* how many messages it holds, the dropped ones too */
};

struct diag *diag_new(void)
{
    return checked_alloc(calloc(1, sizeof(struct diag)));
}

void diag_free(struct diag *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->n; i++)
        free(d->entries[i].text);
    for (size_t i = 0; i < d->n_files; i++)
        free(d->files[i]);
    free(d->entries);
    free(d->files);
    free(d->all);
    free(d);
}

static size_t file_rank(struct diag *d, const char *file)
{
    if (!file)
        file = "";
    for (size_t i = 0; i < d->n_files; i++)
        if (strcmp(d->files[i], file) == 0)
            return i;
    d->files = checked_alloc(realloc(d->files, (d->n_files + 1) * sizeof *d->files));
    d->files[d->n_files] = checked_alloc(strdup(file));
    return d->n_files++;
}

/* Input may hold terminal escapes; they must not reach the user's terminal. */
static void put_clean(FILE *out, const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        fputc(c == '\t' || c == '\n' || (c >= 0x20 && c != 0x7f) ? c : '?', out);
    }
}

/* The given line of the text; lines end at \n, \r\n or \r, as in YAML. */
static const char *find_line(const struct srcloc *w, size_t *len)
{
    const char *p = w->text, *end = w->text + w->text_len;
    for (int line = 1; line < w->line; line++) {
        while (p < end && *p != '\n' && *p != '\r')
            p++;
        if (p == end)
            return NULL;
        p += *p == '\r' && p + 1 < end && p[1] == '\n' ? 2 : 1;
    }
    const char *stop = p;
    while (stop < end && *stop != '\n' && *stop != '\r' && *stop)
        stop++;
    *len = (size_t)(stop - p);
    return p;
}

static bool starts_char(const char *p)
{
    return ((unsigned char)*p & 0xc0) != 0x80;
}

/* Steps over n characters (not bytes) of UTF-8. */
static const char *skip_chars(const char *p, const char *end, int n)
{
    while (n > 0 && p < end) {
        p++;
        while (p < end && !starts_char(p))
            p++;
        n--;
    }
    return p;
}

static void put_caret(FILE *out, const struct srcloc *w)
{
    size_t len = 0;
    const char *line = w->text ? find_line(w, &len) : NULL;
    if (!line || len == 0 || w->column < 1)
        return;
    const char *end = line + len;
    int before = w->column - 1;
    const char *from = line;
    if (before > MAX_LINE_CHARS / 2) {
        from = skip_chars(line, end, before - MAX_LINE_CHARS / 2);
        before = MAX_LINE_CHARS / 2;
    }
    const char *to = skip_chars(from, end, MAX_LINE_CHARS);
    const char *caret = skip_chars(from, end, before);
    fprintf(out, "    %s", from > line ? "..." : "");
    put_clean(out, from, (size_t)(to - from));
    fprintf(out, "%s\n    %s", to < end ? "..." : "", from > line ? "   " : "");
    for (const char *p = from; p < caret; p++)
        if (starts_char(p))
            fputc(*p == '\t' ? '\t' : ' ', out);
    fputs("^\n", out);
}

static char *render(const struct srcloc *w, const char *kind, const char *fmt, va_list ap)
{
    char *message = NULL, *text = NULL;
    size_t size = 0, message_size = 0;
    FILE *out = checked_alloc(open_memstream(&message, &message_size));
    vfprintf(out, fmt, ap);
    if (fclose(out) != 0)
        out_of_memory();
    out = checked_alloc(open_memstream(&text, &size));
    if (w->file)
        put_clean(out, w->file, strlen(w->file));
    if (w->file && w->line > 0) {
        fprintf(out, ":%d", w->line);
        if (w->column > 0)
            fprintf(out, ":%d", w->column);
    }
    fprintf(out, "%s%s: ", w->file ? ": " : "", kind);
    put_clean(out, message, message_size);
    fputc('\n', out);
    put_caret(out, w);
    if (fclose(out) != 0)
        out_of_memory();
    free(message);
    return checked_alloc(text);
}

static void add(struct diag *d, const struct srcloc *w, const char *kind, const char *fmt, va_list ap)
{
    if (!w->file)
        w = &d->place;
    if (d->n == MAX_STORED) {
        d->n_dropped++;
        return;
    }
    if (d->n == d->cap) {
        d->cap = d->cap ? 2 * d->cap : 8;
        d->entries = checked_alloc(realloc(d->entries, d->cap * sizeof *d->entries));
    }
    d->entries[d->n] = (struct entry){
        .text = render(w, kind, fmt, ap),
        .rank = file_rank(d, w->file),
        .line = w->line,
        .column = w->column,
        .seq = d->n,
    };
    d->n++;
}

void diag_error(struct diag *d, enum exit_code code, struct srcloc where, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add(d, &where, "error", fmt, ap);
    va_end(ap);
    if (d->n_errors++ == 0)
        d->code = code;
}

void diag_relay(struct diag *d, enum exit_code code, const char *text)
{
    static const char prefix[] = "error: ";
    size_t n = strlen(text);
    while (n && text[n - 1] == '\n')
        n--;
    if (!strncmp(text, prefix, sizeof prefix - 1)) {
        diag_error(d, code, SRCLOC_NONE, "%.*s", (int)(n - (sizeof prefix - 1)), text + sizeof prefix - 1);
        return;
    }
    size_t before = d->n;
    diag_error(d, code, SRCLOC_NONE, "%s", "");
    if (d->n == before) /* too many */
        return;
    char *whole = checked_alloc(malloc(n + 2));
    memcpy(whole, text, n);
    strcpy(whole + n, "\n");
    free(d->entries[before].text);
    d->entries[before].text = whole;
}

/* Takes the last message back when it has been said before. */
static void drop_repetition(struct diag *d)
{
    for (size_t i = 0; i + 1 < d->n; i++)
        if (strcmp(d->entries[i].text, d->entries[d->n - 1].text) == 0) {
            free(d->entries[--d->n].text);
            return;
        }
}

void diag_warning(struct diag *d, struct srcloc where, const char *fmt, ...)
{
    size_t before = d->n;
    va_list ap;
    if (d->mute)
        return;
    va_start(ap, fmt);
    add(d, &where, "warning", fmt, ap);
    va_end(ap);
    if (d->n > before)
        drop_repetition(d);
}

void diag_mute_warnings(struct diag *d, bool mute)
{
    d->mute = mute;
}

void diag_exit(struct diag *d, enum exit_code code)
{
    if (d->n_errors == 0)
        d->code = code;
}

void diag_default_place(struct diag *d, struct srcloc where)
{
    d->place = where;
}

struct srcloc diag_place(const struct diag *d)
{
    return d->place;
}

bool diag_failed(const struct diag *d)
{
    return d->n_errors > 0;
}

int diag_exit_code(const struct diag *d)
{
    return (int)d->code;
}

size_t diag_count(const struct diag *d)
{
    return d->n_errors;
}

static int by_place(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    if (x->column != y->column)
        return x->column < y->column ? -1 : 1;
    return (x->seq > y->seq) - (x->seq < y->seq);
}

static void put_all(struct diag *d, FILE *out, bool only_new)
{
    if (d->n)
        qsort(d->entries, d->n, sizeof *d->entries, by_place);
    for (size_t i = 0; i < d->n; i++)
        if (!only_new || !d->entries[i].printed)
            fputs(d->entries[i].text, out);
    if (d->n_dropped)
        fprintf(out, "... and %zu more messages\n", d->n_dropped);
}

void diag_print(struct diag *d, FILE *out)
{
    put_all(d, out, true);
    for (size_t i = 0; i < d->n; i++)
        d->entries[i].printed = true;
    d->n_dropped = 0;
}

const char *diag_text(struct diag *d)
{
    if (d->all && d->n_all == d->n + d->n_dropped)
        return d->all;
    free(d->all);
    d->all = NULL;
    size_t size = 0;
    FILE *out = checked_alloc(open_memstream(&d->all, &size));
    put_all(d, out, false);
    if (fclose(out) != 0)
        out_of_memory();
    d->n_all = d->n + d->n_dropped;
    return checked_alloc(d->all);
}

void bug_die(const char *file, int line, const char *fmt, ...)
{
    va_list ap;
    fprintf(stderr, "moesim: BUG at %s:%d: ", file, line);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputs("\nThis is a mistake in moesim, not in your input; please report it.\n", stderr);
    fflush(stderr);
    /* A forked child must not run the parent's exit handlers. */
    outfile_abandon_all();
    _exit(EXIT_BUG);
}

void out_of_memory(void)
{
    static const char message[] = "moesim: error: out of memory\n";
    ssize_t ignored = write(STDERR_FILENO, message, sizeof message - 1);
    (void)ignored;
    outfile_abandon_all();
    _exit(EXIT_LIMIT);
}

/* Requests as CSV whose first line names the columns, in any order, others beside them: Azure's traces of 2023 and 2024
 * (date and time), BurstGPT's and ServeGen's (seconds), and our own, whose column of arrivals says its unit. What the
 * other columns hold is left out. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "io/inputs/request_file.h"

enum { MOST_COLUMNS = 64, MOST_ERRORS = 20, LONGEST_FIELD = 120 };
enum { ARRIVAL, PROMPT, OUTPUT, N_WANTED };

/* unit_s 0: date and time. */
struct layout {
    const char *columns[N_WANTED], *format;
    double unit_s;
};

static const struct layout layouts[] = {
    {{"TIMESTAMP", "ContextTokens", "GeneratedTokens"}, "Azure's CSV, date and time", 0},
    {{"Timestamp", "Request tokens", "Response tokens"}, "BurstGPT's CSV, timestamps in seconds", 1},
    {{"timestamp", "input_tokens", "output_tokens"}, "ServeGen's CSV, timestamps in seconds", 1},
    {{"arrival_s", "prompt", "output"}, "CSV, arrival_s in seconds", 1},
    {{"arrival_ms", "prompt", "output"}, "CSV, arrival_ms in milliseconds", 1e-3},
    {{"arrival_us", "prompt", "output"}, "CSV, arrival_us in microseconds", 1e-6},
    {{"arrival_ns", "prompt", "output"}, "CSV, arrival_ns in nanoseconds", 1e-9},
    {{0}, NULL, 0}};

struct field {
    const char *at;
    size_t len;
};

struct table {
    const struct request_text *t;
    struct arena *arena;
    struct request_rows *out;
    struct diag *diag;
    const struct layout *layout;
    int column[N_WANTED], columns;
};

/* Fields of a line, without blanks and quotes around them. */
static int split(const char *line, size_t len, struct field *out)
{
    int n = 0;
    for (const char *p = line, *end = line + len; n < MOST_COLUMNS; n++) {
        bool quoted = false;
        const char *stop = p;
        for (; stop < end && (quoted || *stop != ','); stop++)
            quoted ^= *stop == '"';
        const char *a = p, *b = stop;
        while (a < b && (isspace((unsigned char)*a) || *a == '"'))
            a++;
        while (b > a && (isspace((unsigned char)b[-1]) || b[-1] == '"'))
            b--;
        out[n] = (struct field){a, (size_t)(b - a)};
        if (stop >= end)
            return n + 1;
        p = stop + 1;
    }
    return n;
}

/* The next line that says something; NULL: the end. */
static const char *next_line(const char *p, const char *end, size_t *len)
{
    for (; p < end; p += *len + 1) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        *len = (size_t)((stop ? stop : end) - p);
        size_t blank = strspn(p, " \t\r");
        if (blank < *len && p[blank] != '#')
            return p;
    }
    return NULL;
}

/* Names, not numbers. */
static bool recognises(const struct request_text *t)
{
    size_t len;
    const char *line = next_line(t->text, t->text + t->len, &len);
    if (!line || len > 4096 || !memchr(line, ',', len))
        return false;
    if (len > 3 && !memcmp(line, "\xef\xbb\xbf", 3))
        line += 3;
    return isalpha((unsigned char)line[strspn(line, " \t\"")]);
}

static bool is_field(const struct field *f, const char *name)
{
    return f->len == strlen(name) && !strncasecmp(f->at, name, f->len);
}

static int find_column(const struct field *fields, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (is_field(&fields[i], name))
            return i;
    return -1;
}

/* What is missing of the layout that has most of its columns. */
static int complain_of_header(struct table *c, const char *line, const struct field *fields, int n)
{
    const char *text = "";
    for (const struct layout *l = layouts; l->format; l++)
        text = arena_printf(c->arena, "%s%s%s, %s, %s", text, l == layouts ? "" : "; ", l->columns[0], l->columns[1],
                            l->columns[2]);
    for (int i = 0; i < n && i < N_WANTED; i++)
        if (is_field(&fields[i], "arrival") || is_field(&fields[i], "arrival_time")) {
            diag_error(c->diag, EXIT_BAD_INPUT, request_place(c->t, fields[i].at),
                       "'%.*s' does not say its unit of time; write arrival_s, arrival_ms, arrival_us or arrival_ns",
                       (int)fields[i].len, fields[i].at);
            return -1;
        }
    diag_error(c->diag, EXIT_BAD_INPUT, request_place(c->t, line), "columns must be named as one of: %s", text);
    return -1;
}

static int read_header(struct table *c, const char *line, size_t len)
{
    struct field fields[MOST_COLUMNS];
    if (len > 3 && !memcmp(line, "\xef\xbb\xbf", 3)) {
        line += 3;
        len -= 3;
    }
    c->columns = split(line, len, fields);
    for (const struct layout *l = layouts; l->format; l++) {
        bool all = true;
        for (int k = 0; k < N_WANTED; k++) {
            c->column[k] = find_column(fields, c->columns, l->columns[k]);
            all &= c->column[k] >= 0;
        }
        c->layout = l;
        if (all)
            return 0;
    }
    return complain_of_header(c, line, fields, c->columns);
}

/* --- values ---------------------------------------------------------------------------------------------------------- */

static bool number(const struct field *f, double *out)
{
    char text[LONGEST_FIELD + 1], *end;
    if (!f->len || f->len > LONGEST_FIELD)
        return false;
    memcpy(text, f->at, f->len);
    text[f->len] = 0;
    *out = strtod(text, &end);
    return !*end && isfinite(*out);
}

/* Days since 1970-01-01 of the Gregorian calendar. */
static double days_of(int year, int month, int day)
{
    int y = month > 2 ? year : year - 1, era = y / 400, of_era = y - era * 400;
    int of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097.0 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* "2023-11-16 18:15:46.6805900", with a zone or without. */
static bool date(const struct field *f, double *out)
{
    char text[LONGEST_FIELD + 1];
    int year, month, day, hour, minute, used = 0, h = 0, m = 0;
    double second;
    if (!f->len || f->len > LONGEST_FIELD)
        return false;
    memcpy(text, f->at, f->len);
    text[f->len] = 0;
    if (sscanf(text, "%4d-%2d-%2d%*1[ T]%2d:%2d:%lf%n", &year, &month, &day, &hour, &minute, &second, &used) != 6 ||
        !used)
        return false;
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 || hour > 23 || minute < 0 ||
        minute > 59 || !(second >= 0 && second < 61))
        return false;
    const char *zone = text + used;
    if (*zone && strcmp(zone, "Z") && sscanf(zone, "%3d:%2d", &h, &m) != 2)
        return false;
    *out = days_of(year, month, day) * 86400 + (hour - h) * 3600.0 + (minute - (h < 0 ? -m : m)) * 60.0 + second;
    return true;
}

static void complain(struct table *c, const struct field *f, const char *column, const char *what)
{
    diag_error(c->diag, EXIT_BAD_INPUT, request_place(c->t, f->at), "%s: '%.*s' %s", column,
               (int)(f->len < 40 ? f->len : 40), f->at, what);
}

static void read_row(struct table *c, const char *line, size_t len)
{
    struct field f[MOST_COLUMNS];
    double value[N_WANTED];
    int n = split(line, len, f);
    if (n != c->columns) {
        diag_error(c->diag, EXIT_BAD_INPUT, request_place(c->t, line), "%d fields; the first line names %d columns", n,
                   c->columns);
        return;
    }
    const struct field *time = &f[c->column[ARRIVAL]];
    bool dated = c->layout->unit_s == 0;
    if (!(dated ? date : number)(time, &value[ARRIVAL]) || value[ARRIVAL] < 0 || value[ARRIVAL] > 1e18) {
        complain(c, time, c->layout->columns[ARRIVAL], dated ? "is no date and time" : "is no time from 0 on");
        return;
    }
    for (int k = PROMPT; k < N_WANTED; k++)
        if (!number(&f[c->column[k]], &value[k]) || !request_is_tokens(value[k])) {
            complain(c, &f[c->column[k]], c->layout->columns[k], "is no whole number of tokens");
            return;
        }
    struct request_row *row = request_add(c->out, c->arena);
    row->arrival_s = value[ARRIVAL] * (dated ? 1 : c->layout->unit_s);
    row->prompt = (uint32_t)value[PROMPT];
    row->output = (uint32_t)value[OUTPUT];
    row->at = (size_t)(line - c->t->text);
}

static int read(const struct request_text *t, struct arena *arena, struct request_rows *out, struct diag *diag)
{
    struct table c = {.t = t, .arena = arena, .out = out, .diag = diag};
    size_t before = diag_count(diag), len;
    const char *end = t->text + t->len, *line = next_line(t->text, end, &len);
    if (read_header(&c, line, len))
        return -1;
    out->format = c.layout->format;
    while ((line = next_line(line + len + 1, end, &len)) && diag_count(diag) - before < MOST_ERRORS)
        read_row(&c, line, len);
    return diag_count(diag) == before ? 0 : -1;
}

const struct request_format request_csv = {"CSV", recognises, read};

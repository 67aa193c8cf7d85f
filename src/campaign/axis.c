/* Axes: the small language in which their values are written, and values at a share of a range. */
#include "campaign/axis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_VALUES = 1000000, FIRST_ROOM = 16 };

/* A part of the spec; `where` is the place of the spec's first character. */
struct part {
    const char *text; /* a copy, without blanks at its ends */
    size_t offset;    /* in the spec */
};

struct parser {
    struct axis *axis;
    const char *spec;
    struct srcloc where;
    struct arena *arena;
    struct diag *diag;
    const char *unit; /* for an item without one: " Gb/s" */
};

static struct srcloc place(const struct parser *p, size_t offset)
{
    struct srcloc w = p->where;
    if (w.column > 0)
        for (size_t i = 0; i < offset; i++)
            w.column += ((unsigned char)p->spec[i] & 0xc0) != 0x80;
    return w;
}

#define FAIL(p, offset, ...) (diag_error((p)->diag, EXIT_BAD_INPUT, place((p), (offset)), __VA_ARGS__), -1)

static struct part cut(const struct parser *p, size_t from, size_t to)
{
    while (from < to && (p->spec[from] == ' ' || p->spec[from] == '\t'))
        from++;
    while (to > from && (p->spec[to - 1] == ' ' || p->spec[to - 1] == '\t'))
        to--;
    return (struct part){arena_printf(p->arena, "%.*s", (int)(to - from), p->spec + from), from};
}

static bool is_number(const struct axis *axis)
{
    return axis->field->type == CFG_QUANTITY || axis->field->type == CFG_INT;
}

/* --- values ------------------------------------------------------------------------------------------------ */

static void add_value(struct parser *p, const struct cfg_value *v)
{
    struct axis *axis = p->axis;
    bool is_full = axis->n == 0 || (axis->n >= FIRST_ROOM && !(axis->n & (axis->n - 1)));
    if (is_full) { /* room grows by powers of two */
        struct cfg_value *grown = ARENA_ARRAY(p->arena, struct cfg_value, axis->n ? 2 * axis->n : FIRST_ROOM);
        if (axis->n)
            memcpy(grown, axis->values, axis->n * sizeof *grown);
        axis->values = grown;
    }
    axis->values[axis->n++] = *v;
}

static int add_text(struct parser *p, const char *text, size_t offset)
{
    char why[512];
    struct cfg_value v;
    if (cfg_value_read(p->axis->field, text, &v, p->arena, why, sizeof why))
        return FAIL(p, offset, "%s: %s", p->axis->key, why);
    add_value(p, &v);
    return 0;
}

/* What follows the number of a text: " Gb/s"; NULL when it starts with no number. */
static const char *unit_of(const char *text)
{
    char *end;
    strtod(text, &end);
    return end == text ? NULL : end;
}

/* A number without a unit takes this one. */
static const char *with_unit(const struct parser *p, const char *text, const char *unit)
{
    const char *own = unit_of(text);
    return own && !*own && unit ? arena_printf(p->arena, "%s%s", text, unit) : text;
}

static int read_number(const struct parser *p, struct part part, const char *unit, double *out)
{
    char why[512];
    struct cfg_value v;
    /* a step may lie outside of what the key allows: its values are checked, it is not */
    struct cfg_field unlimited = *p->axis->field;
    unlimited.min = unlimited.max = 0;
    if (cfg_value_read(&unlimited, with_unit(p, part.text, unit), &v, p->arena, why, sizeof why))
        return FAIL(p, part.offset, "%s: %s", p->axis->key, why);
    *out = v.number;
    return 0;
}

static double rounded(const struct axis *axis, double v)
{
    char digits[32];
    if (axis->field->type == CFG_INT)
        return round(v);
    snprintf(digits, sizeof digits, "%.12g", v);
    return strtod(digits, NULL);
}

static int add_number(struct parser *p, double v, size_t offset)
{
    char why[512];
    struct cfg_value value;
    if (cfg_value_of(p->axis->field, rounded(p->axis, v), &value, p->arena, why, sizeof why))
        return FAIL(p, offset, "%s: %s", p->axis->key, why);
    const struct axis *axis = p->axis;
    bool is_repeated = axis->field->type == CFG_INT && axis->n && axis->values[axis->n - 1].number == value.number;
    if (!is_repeated)
        add_value(p, &value);
    return 0;
}

/* --- ranges ------------------------------------------------------------------------------------------------- */

struct range {
    double from, to;
    struct part from_part, to_part, how; /* how: what follows TO, "" = nothing */
    const char *word;                    /* its first word */
    struct part rest;                    /* and what comes after it */
    const char *unit;
};

static int add_evenly(struct parser *p, const struct range *r, double n, bool is_log)
{
    if (n > MAX_VALUES)
        return FAIL(p, r->how.offset, "%s: this makes %.0f values; at most %d", p->axis->key, n, MAX_VALUES);
    if (is_log && r->from <= 0)
        return FAIL(p, r->from_part.offset, "%s: a logarithmic range starts above 0", p->axis->key);
    for (uint32_t i = 0; i < (uint32_t)n; i++) {
        double u = n > 1 ? i / (n - 1) : 0;
        double v = is_log ? r->from * pow(r->to / r->from, u) : r->from + u * (r->to - r->from);
        if (add_number(p, i + 1 == n && n > 1 ? r->to : v, r->from_part.offset))
            return -1;
    }
    return 0;
}

static int add_steps(struct parser *p, const struct range *r)
{
    double step;
    if (read_number(p, r->rest, r->unit, &step))
        return -1;
    double n = floor((r->to - r->from) / step + 1e-9) + 1;
    if (!(step > 0))
        return FAIL(p, r->rest.offset, "%s: a step is greater than 0", p->axis->key);
    if (n > MAX_VALUES)
        return FAIL(p, r->rest.offset, "%s: this makes %.0f values; at most %d", p->axis->key, n, MAX_VALUES);
    for (uint32_t i = 0; i < (uint32_t)n; i++)
        if (add_number(p, r->from + i * step, r->from_part.offset))
            return -1;
    return 0;
}

static int add_factors(struct parser *p, const struct range *r)
{
    char *end;
    double factor = strtod(r->rest.text + 1, &end);
    if (end == r->rest.text + 1 || *end || !(factor > 1))
        return FAIL(p, r->rest.offset, "%s: '%s' is no factor above 1; write for example 'by x2'", p->axis->key,
                    r->rest.text);
    if (r->from <= 0)
        return FAIL(p, r->from_part.offset, "%s: factors start above 0", p->axis->key);
    double n = floor(log(r->to / r->from) / log(factor) + 1e-9) + 1;
    if (n > MAX_VALUES)
        return FAIL(p, r->rest.offset, "%s: this makes %.0f values; at most %d", p->axis->key, n, MAX_VALUES);
    for (uint32_t i = 0; i < (uint32_t)n; i++)
        if (add_number(p, r->from * pow(factor, i), r->from_part.offset))
            return -1;
    return 0;
}

static int add_count(struct parser *p, const struct range *r, bool is_log)
{
    char *end;
    double n = strtod(r->rest.text, &end);
    if (end == r->rest.text || *end || n < 2 || floor(n) != n)
        return FAIL(p, r->rest.offset, "%s: '%s' is no number of values from 2; write for example '%s 5'", p->axis->key,
                    r->rest.text, is_log ? "log" : "lin");
    return add_evenly(p, r, n, is_log);
}

/* Without a word: whole numbers by 1; else, and with 'log' alone, a range that sampling draws from. */
static int add_open(struct parser *p, const struct range *r, bool is_log, bool is_alone)
{
    if (!is_log && p->axis->field->type == CFG_INT && !(is_alone && r->to - r->from >= MAX_VALUES))
        return add_evenly(p, r, r->to - r->from + 1, false);
    if (!is_alone)
        return FAIL(p, r->from_part.offset, "%s: which values? write for example '%s..%s lin 5'", p->axis->key,
                    r->from_part.text, r->to_part.text);
    if (is_log && r->from <= 0)
        return FAIL(p, r->from_part.offset, "%s: a logarithmic range starts above 0", p->axis->key);
    char why[512];
    struct cfg_value end;
    if (cfg_value_of(p->axis->field, r->from, &end, p->arena, why, sizeof why) ||
        cfg_value_of(p->axis->field, r->to, &end, p->arena, why, sizeof why))
        return FAIL(p, r->from_part.offset, "%s: %s", p->axis->key, why);
    p->axis->from = r->from;
    p->axis->to = r->to;
    p->axis->is_log = is_log;
    return 0;
}

static int add_values(struct parser *p, const struct range *r, bool is_alone)
{
    bool has_rest = *r->rest.text;
    if (!*r->word)
        return add_open(p, r, false, is_alone);
    if (!strcmp(r->word, "log") && !has_rest)
        return add_open(p, r, true, is_alone);
    if (!strcmp(r->word, "by") && r->rest.text[0] == 'x')
        return add_factors(p, r);
    if (!strcmp(r->word, "by") && has_rest)
        return add_steps(p, r);
    if ((!strcmp(r->word, "lin") || !strcmp(r->word, "log")) && has_rest)
        return add_count(p, r, r->word[1] == 'o');
    return FAIL(p, r->how.offset, "%s: '%s' is not understood; write 'by STEP', 'by xFACTOR', 'lin N' or 'log N'",
                p->axis->key, r->how.text);
}

/* Where in the text the word that says how to step begins; its end when there is none. */
static size_t find_how(const char *text)
{
    static const char *const words[] = {" by", " lin", " log", NULL};
    for (size_t i = 0; text[i]; i++)
        for (const char *const *w = words; *w; w++) {
            size_t n = strlen(*w);
            if (!strncmp(text + i, *w, n) && (text[i + n] == ' ' || !text[i + n]))
                return i;
        }
    return strlen(text);
}

static int parse_range(struct parser *p, struct part item, const char *dots, bool is_alone)
{
    struct range r = {0};
    size_t start = item.offset, end = start + strlen(item.text);
    size_t dot = start + (size_t)(dots - item.text);
    size_t how = dot + 2 + find_how(p->spec + dot + 2);
    if (how > end)
        how = end;
    r.from_part = cut(p, start, dot);
    r.to_part = cut(p, dot + 2, how);
    r.how = cut(p, how, end);
    size_t word = strcspn(r.how.text, " ");
    r.word = arena_printf(p->arena, "%.*s", (int)word, r.how.text);
    r.rest = cut(p, r.how.offset + word, end);
    r.unit = unit_of(r.to_part.text);
    if (r.unit && !*r.unit)
        r.unit = p->unit;
    if (read_number(p, r.from_part, r.unit, &r.from) || read_number(p, r.to_part, r.unit, &r.to))
        return -1;
    if (!(r.from < r.to))
        return FAIL(p, r.from_part.offset, "%s: a range rises: '%s' is not below '%s'", p->axis->key, r.from_part.text,
                    r.to_part.text);
    return add_values(p, &r, is_alone);
}

/* --- the spec ------------------------------------------------------------------------------------------------- */

static int parse_item(struct parser *p, struct part item, bool is_alone)
{
    size_t n = strlen(item.text);
    const char *dots = is_number(p->axis) ? strstr(item.text, "..") : NULL;
    if (!n)
        return FAIL(p, item.offset, "%s: there is no value here", p->axis->key);
    if (item.text[0] == '"' || item.text[0] == '\'') {
        if (n < 2 || item.text[n - 1] != item.text[0])
            return FAIL(p, item.offset, "%s: the quote does not end", p->axis->key);
        return add_text(p, arena_printf(p->arena, "%.*s", (int)n - 2, item.text + 1), item.offset);
    }
    if (dots)
        return parse_range(p, item, dots, is_alone);
    return add_text(p, is_number(p->axis) ? with_unit(p, item.text, p->unit) : item.text, item.offset);
}

/* The end of the item that starts at i: a comma outside of quotes, or the end. */
static size_t item_end(const char *spec, size_t i)
{
    char quote = 0;
    for (; spec[i] && (quote || spec[i] != ','); i++)
        if (quote)
            quote = spec[i] == quote ? 0 : quote;
        else if (spec[i] == '"' || spec[i] == '\'')
            quote = spec[i];
    return i;
}

/* The unit that an item ends in, NULL when it has none. */
static const char *unit_at_end(const struct parser *p, struct part item)
{
    const char *dots = strstr(item.text, "..");
    const char *unit = unit_of(dots ? dots + 2 + strspn(dots + 2, " ") : item.text);
    size_t n = unit ? find_how(unit) : 0;
    return n ? arena_printf(p->arena, "%.*s", (int)n, unit) : NULL;
}

/* The unit of the next item that has one, from the item at `start` on. */
static const char *next_unit(const struct parser *p, size_t start)
{
    for (;;) {
        size_t end = item_end(p->spec, start);
        const char *unit = unit_at_end(p, cut(p, start, end));
        if (unit || !p->spec[end])
            return unit;
        start = end + 1;
    }
}

int axis_parse(struct axis *axis, const char *spec, struct srcloc where, struct arena *arena, struct diag *diag)
{
    struct parser p = {.axis = axis, .spec = spec, .where = where, .arena = arena, .diag = diag};
    axis->spec = spec;
    axis->where = where;
    size_t end = item_end(spec, 0);
    bool is_alone = !spec[end];
    for (size_t start = 0;; end = item_end(spec, start)) {
        if (is_number(axis))
            p.unit = next_unit(&p, start);
        if (parse_item(&p, cut(&p, start, end), is_alone))
            return -1;
        if (!spec[end])
            return 0;
        start = end + 1;
    }
}

/* The values of a group at one place, in one text; ranges, of which values are drawn, have none. */
static const char *together(const struct axis *axes, uint32_t n, uint32_t group, uint32_t at, struct arena *arena)
{
    const char *text = NULL;
    for (uint32_t i = 0; i < n; i++)
        if (axes[i].group == group && axes[i].values && at < axes[i].n)
            text = text ? arena_printf(arena, "%s', '%s", text, axes[i].values[at].text) : axes[i].values[at].text;
    return text;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int axes_check_group(const struct axis *axes, uint32_t n, const struct axis *first, struct diag *diag)
{
    struct arena *arena = arena_new();
    const char **texts = ARENA_ARRAY(arena, const char *, (size_t)first->n + 1);
    int failed = 0;
    for (uint32_t i = 0; i < first->n; i++)
        texts[i] = together(axes, n, first->group, i, arena);
    qsort(texts, first->n, sizeof *texts, by_text);
    for (uint32_t i = 1; i < first->n && !failed; i++)
        if (!strcmp(texts[i - 1], texts[i])) {
            diag_error(diag, EXIT_BAD_INPUT, first->where, "%s: '%s' is there twice", first->key, texts[i]);
            failed = -1;
        }
    arena_free(arena);
    return failed;
}

int axis_append(struct axis *axis, const char *item, struct srcloc where, struct arena *arena, struct diag *diag)
{
    struct parser p = {.axis = axis, .spec = item, .where = where, .arena = arena, .diag = diag};
    return add_text(&p, item, 0);
}

/* --- sampling --------------------------------------------------------------------------------------------------- */

struct cfg_value axis_at(const struct axis *axis, double u, struct arena *arena)
{
    char why[512];
    struct cfg_value v;
    if (axis->values) {
        uint32_t i = (uint32_t)(u * axis->n);
        return axis->values[i < axis->n ? i : axis->n - 1];
    }
    double x = axis->is_log ? axis->from * pow(axis->to / axis->from, u) : axis->from + u * (axis->to - axis->from);
    x = fmin(fmax(rounded(axis, x), axis->from), axis->to);
    BUG_IF(cfg_value_of(axis->field, x, &v, arena, why, sizeof why)); /* between two checked ends */
    return v;
}

void axis_print(const struct axis *axis, struct arena *arena, FILE *out)
{
    char why[512];
    struct cfg_value from, to;
    for (uint32_t i = 0; i < axis->n; i++)
        fprintf(out, "%s%s", i ? ", " : "[", cfg_quote(axis->values[i].text, arena));
    if (axis->values) {
        fputc(']', out);
        return;
    }
    BUG_IF(cfg_value_of(axis->field, axis->from, &from, arena, why, sizeof why) ||
           cfg_value_of(axis->field, axis->to, &to, arena, why, sizeof why));
    fprintf(out, "\"%s..%s%s\"", from.text, to.text, axis->is_log ? " log" : "");
}

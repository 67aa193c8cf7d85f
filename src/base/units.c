/* Units: strict text <-> SI doubles. The unit's decimal exponent is joined to the
 * number's own before strtod sees it, so that "3.7 us" is the double nearest to 3.7e-6
 * and not 3.7 * 1e-6. Leaves out: compound units (the few that we need are in
 * units_table.c), locale. */
#include "base/units.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cfg.h"
#include "base/units_table.h"

#define MAX_NUMBER 64 /* characters of a number */
#define MAX_SHOWN 40  /* characters of the input that a message repeats */
#define MAX_EXPONENT 9999
#define MAX_NAMES 64 /* units of one dimension */

/* A piece of the input; not terminated. */
struct span {
    const char *p;
    size_t n;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct span trim(struct span s)
{
    while (s.n && is_blank(s.p[0]))
        s.p++, s.n--;
    while (s.n && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool same(struct span s, const char *name)
{
    return strlen(name) == s.n && memcmp(name, s.p, s.n) == 0;
}

static bool starts_with(struct span s, const char *word)
{
    size_t n = strlen(word);
    return s.n >= n && strncasecmp(s.p, word, n) == 0;
}

/* How much of the input a message repeats: whole UTF-8 characters up to MAX_SHOWN
 * bytes. */
static int shown(struct span s)
{
    size_t n = s.n;
    const char *nul = memchr(s.p, 0, n);
    if (nul)
        n = (size_t)(nul - s.p);
    if (n > MAX_SHOWN)
        for (n = MAX_SHOWN; n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80; n--)
            ;
    return (int)n;
}

/* The mantissa's length at the start of s: sign, digits, at most one point with digits
 * after it. */
static size_t scan_mantissa(struct span s)
{
    size_t i = 0;
    if (i < s.n && (s.p[i] == '+' || s.p[i] == '-'))
        i++;
    size_t first = i;
    while (i < s.n && is_digit(s.p[i]))
        i++;
    if (i == first)
        return 0;
    if (i + 1 < s.n && s.p[i] == '.' && is_digit(s.p[i + 1])) {
        i++;
        while (i < s.n && is_digit(s.p[i]))
            i++;
    }
    return i;
}

/* The exponent at the start of s ("e-6"); its length, or 0 when there is none. */
static size_t scan_exponent(struct span s, int *exponent)
{
    *exponent = 0;
    if (s.n < 2 || (s.p[0] != 'e' && s.p[0] != 'E'))
        return 0;
    size_t i = 1;
    bool negative = s.p[i] == '-';
    if (s.p[i] == '+' || s.p[i] == '-')
        i++;
    if (i >= s.n || !is_digit(s.p[i]))
        return 0;
    for (; i < s.n && is_digit(s.p[i]); i++)
        if (*exponent < MAX_EXPONENT)
            *exponent = *exponent * 10 + (s.p[i] - '0');
    if (negative)
        *exponent = -*exponent;
    return i;
}

/* Why a text that starts with no number, or goes on oddly after it, is refused. */
static const char *odd_number(struct span whole, size_t used)
{
    struct span body = whole;
    if (body.n && (body.p[0] == '+' || body.p[0] == '-'))
        body.p++, body.n--;
    if (starts_with(body, "inf") || starts_with(body, "nan") || starts_with(body, ".inf") || starts_with(body, ".nan"))
        return "is not a finite number";
    if (used == 0)
        return body.n && body.p[0] == '.' ? "has no digit before the point" : "does not start with a number";
    if (starts_with(body, "0x"))
        return "is hexadecimal; numbers are decimal";
    char next = used < whole.n ? whole.p[used] : 0;
    if (next == '_' || next == ',')
        return "has a separator inside the number";
    if (next == '.')
        return "has a misplaced decimal point";
    return NULL;
}

static const struct unit *find_unit(struct span s, enum unit_dim dim)
{
    for (size_t u = 0; u < unit_table_n; u++)
        if (unit_table[u].dim == dim && same(s, unit_table[u].name))
            return &unit_table[u];
    return NULL;
}

/* 'gb/s' could be bits or bytes: both are offered rather than one guessed. */
static void suggest(struct span s, enum unit_dim dim, char *out, size_t size)
{
    const char *names[MAX_NAMES + 1];
    char word[MAX_SHOWN + 1];
    size_t n = 0, used = 0;
    snprintf(word, sizeof word, "%.*s", shown(s), s.p);
    *out = 0;
    for (size_t u = 0; u < unit_table_n; u++) {
        if (unit_table[u].dim != dim)
            continue;
        BUG_IF(n == MAX_NAMES);
        names[n++] = unit_table[u].name;
        if (strcasecmp(word, unit_table[u].name) == 0 && used < size)
            used += (size_t)snprintf(out + used, size - used, "%s'%s'", used ? " or " : ", did you mean ",
                                     unit_table[u].name);
    }
    names[n] = NULL;
    const char *near = used ? NULL : cfg_nearest(word, names);
    if (near)
        snprintf(out, size, ", did you mean '%s'?", near);
    else if (used && used < size)
        snprintf(out + used, size - used, "?");
}

static void explain_unit(struct span s, enum unit_dim dim, char *why, size_t why_size)
{
    char hint[120];
    for (int other = 0; other < DIM_N; other++)
        if (other != (int)dim && find_unit(s, (enum unit_dim)other)) {
            snprintf(why, why_size, "'%.*s' is a unit of %s, not of %s; write for example '%s'", shown(s), s.p,
                     unit_dims[other].name, unit_dims[dim].name, unit_dims[dim].example);
            return;
        }
    suggest(s, dim, hint, sizeof hint);
    snprintf(why, why_size, "unknown unit '%.*s' of %s%s%s write for example '%s'", shown(s), s.p, unit_dims[dim].name,
             hint, *hint ? "" : ";", unit_dims[dim].example);
    if (dim == DIM_TIME && !*hint && strlen(why) + 40 < why_size)
        strcat(why, ", 'min', 'h' and 'd' are units, too");
}

/* Picks the unit; NULL in *unit means a bare number. 0, or -1 with `why`. */
static int pick_unit(struct span s, struct span whole, enum unit_dim dim, const struct unit **unit, char *why,
                     size_t why_size)
{
    *unit = NULL;
    if (s.n == 0) {
        if (dim == DIM_RATIO || dim == DIM_COUNT)
            return 0;
        snprintf(why, why_size, "'%.*s' has no unit; write for example '%s'", shown(whole), whole.p,
                 unit_dims[dim].example);
        return -1;
    }
    *unit = find_unit(s, dim);
    if (*unit)
        return 0;
    if (dim == DIM_COUNT)
        snprintf(why, why_size, "'%.*s' has a unit but a count has none; write for example '%s'", shown(whole), whole.p,
                 unit_dims[dim].example);
    else
        explain_unit(s, dim, why, why_size);
    return -1;
}

/* The value of mantissa * 10^exponent * unit; 0, or -1 with `why`. */
static int scale(struct span mantissa, int exponent, const struct unit *unit, struct span whole, double *si, char *why,
                 size_t why_size)
{
    char number[MAX_NUMBER + 16];
    if (mantissa.n > MAX_NUMBER) {
        snprintf(why, why_size, "'%.*s...' has too many digits", shown(mantissa), mantissa.p);
        return -1;
    }
    snprintf(number, sizeof number, "%.*se%d", (int)mantissa.n, mantissa.p, exponent + (unit ? unit->exp10 : 0));
    double v = strtod(number, NULL);
    if (unit)
        v = v * unit->mul / unit->div;
    bool nonzero = false;
    for (size_t i = 0; i < mantissa.n; i++)
        nonzero |= mantissa.p[i] >= '1' && mantissa.p[i] <= '9';
    if (isinf(v) || (nonzero && v == 0)) {
        snprintf(why, why_size, "'%.*s' is too %s for a number", shown(whole), whole.p, v == 0 ? "small" : "large");
        return -1;
    }
    *si = v == 0 ? 0 : v; /* no negative zero: it would print as '-0' */
    return 0;
}

static int check_whole(double v, struct span whole, char *why, size_t why_size)
{
    if (floor(v) == v && fabs(v) <= 0x1p53)
        return 0;
    snprintf(why, why_size, "'%.*s' is not a whole number; write for example '%s'", shown(whole), whole.p,
             unit_dims[DIM_COUNT].example);
    return -1;
}

/* "$1200" is read as "1200 USD". */
static bool take_dollar(struct span *s, enum unit_dim dim)
{
    if (dim != DIM_MONEY || !s->n || s->p[0] != '$')
        return false;
    s->p++, s->n--;
    *s = trim(*s);
    return true;
}

int unit_parse(const char *text, size_t len, enum unit_dim dim, double *si, char *why, size_t why_size)
{
    unit_check_dim(dim);
    struct span whole = trim((struct span){text, len});
    struct span body = whole;
    bool dollar = take_dollar(&body, dim);
    if (body.n == 0) {
        snprintf(why, why_size, "there is no value; write for example '%s'", unit_dims[dim].example);
        return -1;
    }
    struct span mantissa = {body.p, scan_mantissa(body)};
    struct span rest = {body.p + mantissa.n, body.n - mantissa.n};
    int exponent = 0;
    size_t n_exp = mantissa.n ? scan_exponent(rest, &exponent) : 0;
    rest.p += n_exp, rest.n -= n_exp;
    const char *odd = odd_number(body, mantissa.n ? mantissa.n + n_exp : 0);
    if (odd) {
        snprintf(why, why_size, "'%.*s' %s; write for example '%s'", shown(whole), whole.p, odd,
                 unit_dims[dim].example);
        return -1;
    }
    rest = trim(rest);
    if (dollar && rest.n == 0)
        rest = (struct span){"USD", 3};
    const struct unit *unit;
    double v;
    if (pick_unit(rest, whole, dim, &unit, why, why_size) ||
        scale(mantissa, exponent, unit, whole, &v, why, why_size) ||
        (dim == DIM_COUNT && check_whole(v, whole, why, why_size)))
        return -1;
    *si = v;
    return 0;
}

/* The largest binary prefix that leaves a whole number; NULL when there is none. */
static const struct unit *binary_unit(double v, enum unit_dim dim)
{
    const struct unit *best = NULL;
    for (size_t u = 0; u < unit_table_n; u++) {
        double n = fabs(v) / unit_table[u].mul;
        if (unit_table[u].dim == dim && unit_table[u].use == 'b' && n >= 1 && n < 1e6 && floor(n) == n)
            best = &unit_table[u];
    }
    return best;
}

/* The largest decimal prefix that leaves at least 1 in front of the point, else the
 * smallest. */
static const struct unit *decimal_unit(double rounded, enum unit_dim dim)
{
    const struct unit *best = NULL, *smallest = NULL, *base = NULL;
    for (size_t u = 0; u < unit_table_n; u++) {
        if (unit_table[u].dim != dim || unit_table[u].use != 'd')
            continue;
        if (!smallest)
            smallest = &unit_table[u];
        if (unit_table[u].exp10 == 0)
            base = &unit_table[u];
        if (fabs(rounded) >= pow(10, unit_table[u].exp10) * (1 - 1e-12))
            best = &unit_table[u];
    }
    return rounded == 0 ? base : best ? best : smallest;
}

const char *unit_format(double si, enum unit_dim dim, char *buf, size_t buf_size)
{
    unit_check_dim(dim);
    char digits[32], whole[32];
    snprintf(digits, sizeof digits, "%.5e", si);
    double rounded = strtod(digits, NULL);
    const struct unit *unit = decimal_unit(rounded, dim);
    if (!unit || !isfinite(si)) {
        snprintf(buf, buf_size, dim == DIM_COUNT ? "%.15g" : "%.6g", si);
        return buf;
    }
    snprintf(digits, sizeof digits, "%.6g", rounded / pow(10, unit->exp10));
    /* 4 KiB rather than 4.096 KB, but 128 KB rather than 125 KiB: the shorter number
     * wins. */
    const struct unit *binary = binary_unit(si, dim);
    if (binary)
        snprintf(whole, sizeof whole, "%.6g", si / binary->mul);
    bool use_binary = binary && strlen(whole) < strlen(digits);
    snprintf(buf, buf_size, "%s %s", use_binary ? whole : digits, use_binary ? binary->name : unit->name);
    return buf;
}

const char *unit_scale(double largest_si, enum unit_dim dim, bool binary, double *scale)
{
    unit_check_dim(dim);
    const struct unit *best = decimal_unit(largest_si, dim);
    for (size_t u = 0; binary && u < unit_table_n; u++)
        if (unit_table[u].dim == dim && unit_table[u].use == 'b' && fabs(largest_si) >= unit_table[u].mul)
            best = &unit_table[u];
    *scale = best ? pow(10, best->exp10) * best->mul / best->div : 1;
    return best ? best->name : "";
}

enum unit_dim unit_dim_of_si(const char *si)
{
    for (int dim = DIM_TIME; dim < DIM_N; dim++)
        if (strcmp(unit_dim_si((enum unit_dim)dim), si) == 0)
            return (enum unit_dim)dim;
    return DIM_RATIO;
}

/* Units: strict text <-> SI doubles. A unit is a decimal exponent and, for minutes, binary
 * prefixes and bits, a small exact factor. The decimal exponent is joined to the number's own
 * before strtod sees it, so that "3.7 us" is the double nearest to 3.7e-6 and not 3.7 * 1e-6.
 * Leaves out: compound units (the few that we need are in the table), locale.
 * Reference: BIPM SI brochure (9th ed.) and IEC 80000-13 for the binary prefixes. */
#include "base/units.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cfg.h"

#define MAX_NUMBER 64  /* characters of a number */
#define MAX_SHOWN 40   /* characters of the input that a message repeats */
#define MAX_EXPONENT 9999

struct unit {
    enum unit_dim dim;
    const char *name;
    int exp10;     /* value = number * 10^exp10 * mul / div */
    double mul;    /* exact in binary */
    double div;
    char use; /* 'd': preferred decimal prefix for output, 'b': binary prefix, 0: input only */
};

#define SIZE_UNITS(dim, per) \
    {dim, "B" per, 0, 1, 1, 'd'}, {dim, "KB" per, 3, 1, 1, 'd'}, \
    {dim, "kB" per, 3, 1, 1, 0}, {dim, "MB" per, 6, 1, 1, 'd'}, \
    {dim, "GB" per, 9, 1, 1, 'd'}, {dim, "TB" per, 12, 1, 1, 'd'}, \
    {dim, "PB" per, 15, 1, 1, 'd'}, {dim, "KiB" per, 0, 0x1p10, 1, 'b'}, \
    {dim, "MiB" per, 0, 0x1p20, 1, 'b'}, {dim, "GiB" per, 0, 0x1p30, 1, 'b'}, \
    {dim, "TiB" per, 0, 0x1p40, 1, 'b'}, {dim, "b" per, 0, 1, 8, 0}, \
    {dim, "Kb" per, 3, 1, 8, 0}, {dim, "kb" per, 3, 1, 8, 0}, \
    {dim, "Mb" per, 6, 1, 8, 0}, {dim, "Gb" per, 9, 1, 8, 0}, {dim, "Tb" per, 12, 1, 8, 0}

#define FLOP_UNITS(dim, suffix, use) \
    {dim, "FLOP" suffix, 0, 1, 1, use}, {dim, "KFLOP" suffix, 3, 1, 1, use}, \
    {dim, "MFLOP" suffix, 6, 1, 1, use}, {dim, "GFLOP" suffix, 9, 1, 1, use}, \
    {dim, "TFLOP" suffix, 12, 1, 1, use}, {dim, "PFLOP" suffix, 15, 1, 1, use}, \
    {dim, "EFLOP" suffix, 18, 1, 1, use}, {dim, "ZFLOP" suffix, 21, 1, 1, use}

static const struct unit units[] = {
    {DIM_RATIO, "%", -2, 1, 1, 0},
    {DIM_TIME, "ps", -12, 1, 1, 'd'},
    {DIM_TIME, "ns", -9, 1, 1, 'd'},
    {DIM_TIME, "us", -6, 1, 1, 'd'},
    {DIM_TIME, "ms", -3, 1, 1, 'd'},
    {DIM_TIME, "s", 0, 1, 1, 'd'},
    {DIM_TIME, "min", 0, 60, 1, 0},
    {DIM_TIME, "h", 0, 3600, 1, 0},
    {DIM_TIME, "d", 0, 86400, 1, 0},
    SIZE_UNITS(DIM_BYTES, ""),
    SIZE_UNITS(DIM_BANDWIDTH, "/s"),
    FLOP_UNITS(DIM_FLOP, "", 'd'),
    FLOP_UNITS(DIM_FLOPS, "S", 'd'),
    FLOP_UNITS(DIM_FLOPS, "/s", 0),
    {DIM_FREQUENCY, "Hz", 0, 1, 1, 'd'},
    {DIM_FREQUENCY, "kHz", 3, 1, 1, 'd'},
    {DIM_FREQUENCY, "MHz", 6, 1, 1, 'd'},
    {DIM_FREQUENCY, "GHz", 9, 1, 1, 'd'},
    {DIM_LENGTH, "mm", -3, 1, 1, 'd'},
    {DIM_LENGTH, "cm", -2, 1, 1, 0},
    {DIM_LENGTH, "m", 0, 1, 1, 'd'},
    {DIM_LENGTH, "km", 3, 1, 1, 'd'},
    {DIM_POWER, "mW", -3, 1, 1, 'd'},
    {DIM_POWER, "W", 0, 1, 1, 'd'},
    {DIM_POWER, "kW", 3, 1, 1, 'd'},
    {DIM_POWER, "MW", 6, 1, 1, 'd'},
    {DIM_ENERGY, "pJ", -12, 1, 1, 'd'},
    {DIM_ENERGY, "nJ", -9, 1, 1, 'd'},
    {DIM_ENERGY, "uJ", -6, 1, 1, 'd'},
    {DIM_ENERGY, "mJ", -3, 1, 1, 'd'},
    {DIM_ENERGY, "J", 0, 1, 1, 'd'},
    {DIM_ENERGY, "kJ", 3, 1, 1, 'd'},
    {DIM_ENERGY, "MJ", 6, 1, 1, 'd'},
    {DIM_MONEY, "USD", 0, 1, 1, 'd'},
    {DIM_MONEY, "kUSD", 3, 1, 1, 'd'},
    {DIM_MONEY, "MUSD", 6, 1, 1, 'd'},
};
#define N_UNITS (sizeof units / sizeof units[0])

static const struct {
    const char *name, *si, *example;
} dims[DIM_N] = {
    [DIM_RATIO] = {"ratio", "", "0.9"},
    [DIM_COUNT] = {"count", "", "64"},
    [DIM_TIME] = {"time", "s", "3.7 us"},
    [DIM_BYTES] = {"size", "B", "2 MB"},
    [DIM_BANDWIDTH] = {"bandwidth", "B/s", "50 GB/s"},
    [DIM_FLOP] = {"compute work", "FLOP", "250 GFLOP"},
    [DIM_FLOPS] = {"compute rate", "FLOPS", "989 TFLOPS"},
    [DIM_FREQUENCY] = {"frequency", "Hz", "1.7 GHz"},
    [DIM_LENGTH] = {"length", "m", "20 m"},
    [DIM_POWER] = {"power", "W", "700 W"},
    [DIM_ENERGY] = {"energy", "J", "2 pJ"},
    [DIM_MONEY] = {"money", "USD", "1200 USD"},
};

static void check_dim(enum unit_dim dim)
{
    if ((unsigned)dim >= DIM_N)
        BUG("no such dimension: %d", (int)dim);
}

const char *unit_dim_name(enum unit_dim dim)
{
    check_dim(dim);
    return dims[dim].name;
}

const char *unit_dim_si(enum unit_dim dim)
{
    check_dim(dim);
    return dims[dim].si;
}

const char *unit_dim_example(enum unit_dim dim)
{
    check_dim(dim);
    return dims[dim].example;
}

const char *unit_name(enum unit_dim dim, size_t i)
{
    for (size_t u = 0; u < N_UNITS; u++)
        if (units[u].dim == dim && i-- == 0)
            return units[u].name;
    return NULL;
}

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

/* How much of the input a message repeats: whole UTF-8 characters up to MAX_SHOWN bytes. */
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

/* The mantissa's length at the start of s: sign, digits, at most one point with digits after it. */
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
    if (starts_with(body, "inf") || starts_with(body, "nan") || starts_with(body, ".inf") ||
        starts_with(body, ".nan"))
        return "is not a finite number";
    if (used == 0)
        return body.n && body.p[0] == '.' ? "has no digit before the point"
                                          : "does not start with a number";
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
    for (size_t u = 0; u < N_UNITS; u++)
        if (units[u].dim == dim && same(s, units[u].name))
            return &units[u];
    return NULL;
}

/* 'gb/s' could be bits or bytes: both are offered rather than one guessed. */
static void suggest(struct span s, enum unit_dim dim, char *out, size_t size)
{
    const char *names[N_UNITS + 1];
    char word[MAX_SHOWN + 1];
    size_t n = 0, used = 0;
    snprintf(word, sizeof word, "%.*s", shown(s), s.p);
    *out = 0;
    for (size_t u = 0; u < N_UNITS; u++) {
        if (units[u].dim != dim)
            continue;
        names[n++] = units[u].name;
        if (strcasecmp(word, units[u].name) == 0 && used < size)
            used += (size_t)snprintf(out + used, size - used, "%s'%s'",
                                     used ? " or " : ", did you mean ", units[u].name);
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
            snprintf(why, why_size, "'%.*s' is a unit of %s, not of %s; write for example '%s'",
                     shown(s), s.p, dims[other].name, dims[dim].name, dims[dim].example);
            return;
        }
    suggest(s, dim, hint, sizeof hint);
    snprintf(why, why_size, "unknown unit '%.*s' of %s%s%s write for example '%s'", shown(s), s.p,
             dims[dim].name, hint, *hint ? "" : ";", dims[dim].example);
}

/* Picks the unit; NULL in *unit means a bare number. 0, or -1 with `why`. */
static int pick_unit(struct span s, struct span whole, enum unit_dim dim,
                     const struct unit **unit, char *why, size_t why_size)
{
    *unit = NULL;
    if (s.n == 0) {
        if (dim == DIM_RATIO || dim == DIM_COUNT)
            return 0;
        snprintf(why, why_size, "'%.*s' has no unit; write for example '%s'", shown(whole),
                 whole.p, dims[dim].example);
        return -1;
    }
    *unit = find_unit(s, dim);
    if (*unit)
        return 0;
    if (dim == DIM_COUNT)
        snprintf(why, why_size, "'%.*s' has a unit but a count has none; write for example '%s'",
                 shown(whole), whole.p, dims[dim].example);
    else
        explain_unit(s, dim, why, why_size);
    return -1;
}

/* The value of mantissa * 10^exponent * unit; 0, or -1 with `why`. */
static int scale(struct span mantissa, int exponent, const struct unit *unit,
                 struct span whole, double *si, char *why, size_t why_size)
{
    char number[MAX_NUMBER + 16];
    if (mantissa.n > MAX_NUMBER) {
        snprintf(why, why_size, "'%.*s...' has too many digits", shown(mantissa), mantissa.p);
        return -1;
    }
    snprintf(number, sizeof number, "%.*se%d", (int)mantissa.n, mantissa.p,
             exponent + (unit ? unit->exp10 : 0));
    double v = strtod(number, NULL);
    if (unit)
        v = v * unit->mul / unit->div;
    bool nonzero = false;
    for (size_t i = 0; i < mantissa.n; i++)
        nonzero |= mantissa.p[i] >= '1' && mantissa.p[i] <= '9';
    if (isinf(v) || (nonzero && v == 0)) {
        snprintf(why, why_size, "'%.*s' is too %s for a number", shown(whole), whole.p,
                 v == 0 ? "small" : "large");
        return -1;
    }
    *si = v == 0 ? 0 : v; /* no negative zero: it would print as '-0' */
    return 0;
}

static int check_whole(double v, struct span whole, char *why, size_t why_size)
{
    if (floor(v) == v && fabs(v) <= 0x1p53)
        return 0;
    snprintf(why, why_size, "'%.*s' is not a whole number; write for example '%s'", shown(whole),
             whole.p, dims[DIM_COUNT].example);
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

int unit_parse(const char *text, size_t len, enum unit_dim dim, double *si, char *why,
               size_t why_size)
{
    check_dim(dim);
    struct span whole = trim((struct span){text, len});
    struct span body = whole;
    bool dollar = take_dollar(&body, dim);
    if (body.n == 0) {
        snprintf(why, why_size, "there is no value; write for example '%s'", dims[dim].example);
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
                 dims[dim].example);
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
    for (size_t u = 0; u < N_UNITS; u++) {
        double n = fabs(v) / units[u].mul;
        if (units[u].dim == dim && units[u].use == 'b' && n >= 1 && n < 1e6 && floor(n) == n)
            best = &units[u];
    }
    return best;
}

/* The largest decimal prefix that leaves at least 1 in front of the point, else the smallest. */
static const struct unit *decimal_unit(double rounded, enum unit_dim dim)
{
    const struct unit *best = NULL, *smallest = NULL, *base = NULL;
    for (size_t u = 0; u < N_UNITS; u++) {
        if (units[u].dim != dim || units[u].use != 'd')
            continue;
        if (!smallest)
            smallest = &units[u];
        if (units[u].exp10 == 0)
            base = &units[u];
        if (fabs(rounded) >= pow(10, units[u].exp10) * (1 - 1e-12))
            best = &units[u];
    }
    return rounded == 0 ? base : best ? best : smallest;
}

const char *unit_format(double si, enum unit_dim dim, char *buf, size_t buf_size)
{
    check_dim(dim);
    char digits[32], whole[32];
    snprintf(digits, sizeof digits, "%.5e", si);
    double rounded = strtod(digits, NULL);
    const struct unit *unit = decimal_unit(rounded, dim);
    if (!unit || !isfinite(si)) {
        snprintf(buf, buf_size, dim == DIM_COUNT ? "%.15g" : "%.6g", si);
        return buf;
    }
    snprintf(digits, sizeof digits, "%.6g", rounded / pow(10, unit->exp10));
    /* 4 KiB rather than 4.096 KB, but 128 KB rather than 125 KiB: the shorter number wins. */
    const struct unit *binary = binary_unit(si, dim);
    if (binary)
        snprintf(whole, sizeof whole, "%.6g", si / binary->mul);
    bool use_binary = binary && strlen(whole) < strlen(digits);
    snprintf(buf, buf_size, "%s %s", use_binary ? whole : digits,
             use_binary ? binary->name : unit->name);
    return buf;
}

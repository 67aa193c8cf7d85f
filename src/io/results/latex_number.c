#include "io/results/latex_number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_DECIMALS = 9 };
static const double LEAST_INTERVAL = 1e-6; /* of the numbers: less is rounding */

struct span {
    double least, most; /* of the numbers but 0, without sign; most 0: none */
    bool whole, binary; /* all whole; all shorter in KiB, MiB, ... */
};

static bool is_binary(double value, enum unit_dim dim)
{
    char text[64];
    return strstr(unit_format(value, dim, text, sizeof text), "iB") != NULL;
}

static struct span span_of(const struct result_cell *cells, uint32_t n, uint32_t stride, enum unit_dim dim)
{
    struct span s = {INFINITY, 0, true, true};
    for (uint32_t i = 0; i < n; i++) {
        double v = fabs(cells[(size_t)i * stride].value);
        if (!isfinite(v) || v == 0)
            continue;
        s.least = fmin(s.least, v);
        s.most = fmax(s.most, v);
        s.whole &= v == round(v);
        s.binary &= is_binary(v, dim);
    }
    return s;
}

static int clamp(double x, int low, int high)
{
    return x < low ? low : x > high ? high : (int)x;
}

/* Three digits of the smallest number, but not more than six of the largest; of intervals two digits of the largest. */
static int decimals_for(const struct span *values, const struct span *half, double scale)
{
    if (half && half->most > 0)
        return clamp(1 - floor(log10(half->most / scale)), 0, MOST_DECIMALS);
    int most = clamp(5 - floor(log10(values->most / scale)), 0, MOST_DECIMALS);
    return clamp(2 - floor(log10(values->least / scale)), 0, most);
}

/* Zeros that all numbers end with say nothing. */
static bool ends_in_zeros(const struct result_cell *cells, uint32_t n, uint32_t stride, double scale, int decimals)
{
    double last = pow(10, decimals - 1);
    for (uint32_t i = 0; i < n; i++) {
        double v = cells[(size_t)i * stride].value / scale * last;
        if (isfinite(v) && fabs(v - round(v)) > 1e-9 * fmax(1, fabs(v)))
            return false;
    }
    return true;
}

static void choose_unit(struct number_style *s, const struct span *values)
{
    if (*unit_dim_si(s->dim)) {
        s->own_units = values->most > 1e4 * values->least;
        if (!s->own_units)
            s->unit = unit_scale(values->most, s->dim, values->binary, &s->scale);
    } else {
        s->powers = values->most > 1e6 * values->least && !values->whole;
    }
}

struct number_style number_style(const struct result_cell *cells, const struct result_cell *half, uint32_t n,
                                 uint32_t stride, enum unit_dim dim, const struct latex_column *column)
{
    struct span values = span_of(cells, n, stride, dim), halves = {0};
    if (half)
        halves = span_of(half, n, stride, dim);
    if (halves.most < LEAST_INTERVAL * values.most)
        halves.most = 0;
    struct number_style s = {.unit = "", .scale = 1, .dim = dim};
    if (column->scale != 0 || column->unit)
        s.scale = column->scale != 0 ? column->scale : 1;
    else if (values.most > 0)
        choose_unit(&s, &values);
    if (column->unit)
        s.unit = column->unit;
    if (values.most > 0 && !s.own_units && !s.powers)
        s.decimals = column->fixed ? column->decimals : decimals_for(&values, half ? &halves : NULL, s.scale);
    while (!column->fixed && !(halves.most > 0) && s.decimals > 0 &&
           ends_in_zeros(cells, n, stride, s.scale, s.decimals))
        s.decimals--;
    return s;
}

/* 1568 -> "1,568"; a minus as a minus. */
static const char *grouped(const char *digits, struct arena *arena)
{
    bool negative = *digits == '-' && digits[strcspn(digits, "123456789")];
    digits += *digits == '-';
    size_t whole = strspn(digits, "0123456789"), n = 0;
    char *out = arena_alloc(arena, 2 * strlen(digits) + 8);
    for (size_t i = 0; i < whole; i++) {
        if (i && whole > 3 && (whole - i) % 3 == 0)
            out[n++] = ',';
        out[n++] = digits[i];
    }
    strcpy(out + n, digits + whole);
    return negative ? arena_printf(arena, "\\ensuremath{-}%s", out) : out;
}

static const char *with_power(double value, struct arena *arena)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%.2e", value);
    char *e = strchr(digits, 'e');
    int power = 0;
    if (!e || sscanf(e + 1, "%d", &power) != 1)
        return digits[0] ? arena_strdup(arena, digits) : "--";
    *e = '\0';
    return arena_printf(arena, "\\ensuremath{%s\\times 10^{%d}}", digits, power);
}

const char *number_text(double value, const struct number_style *style, struct arena *arena)
{
    char digits[400], text[64];
    if (!isfinite(value))
        return "--";
    if (style->own_units) {
        snprintf(digits, sizeof digits, "%.4g", value);
        if (!is_binary(value, style->dim))
            value = strtod(digits, NULL);
        unit_format(value, style->dim, text, sizeof text);
        return unit_in_print(text, arena);
    }
    if (style->powers)
        return value == 0 ? "0" : with_power(value, arena);
    snprintf(digits, sizeof digits, "%.*f", style->decimals, value / style->scale);
    return grouped(digits, arena);
}

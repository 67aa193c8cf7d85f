/* How an axis runs: its unit, whether it is logarithmic, its ends and where its ticks are. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "io/figures/figure.h"
#include "io/results/latex.h"

enum { FEW_VALUES = 8, WORD = 28 };

struct span {
    double low, high;
    uint32_t n;                /* of different numbers */
    double values[FEW_VALUES]; /* the first of them, rising */
    bool binary;               /* all shorter in KiB, MiB, ..., or powers of two */
};

/* Rising; what there is no room for is only counted. */
static void add_value(struct span *s, double v)
{
    uint32_t k = 0, held = s->n < FEW_VALUES ? s->n : FEW_VALUES;
    while (k < held && s->values[k] < v)
        k++;
    if (k < held && s->values[k] == v)
        return;
    for (uint32_t i = held < FEW_VALUES ? held : FEW_VALUES - 1; i > k; i--)
        s->values[i] = s->values[i - 1];
    if (k < FEW_VALUES)
        s->values[k] = v;
    s->n++;
}

static struct span span_of(const double *v, uint32_t n, enum unit_dim dim)
{
    struct span s = {INFINITY, -INFINITY, 0, {0}, true};
    char text[64];
    for (uint32_t i = 0; i < n; i++) {
        if (!isfinite(v[i]))
            continue;
        s.low = fmin(s.low, v[i]);
        s.high = fmax(s.high, v[i]);
        bool small = v[i] < 1024 && frexp(v[i], &(int){0}) == 0.5; /* 64 B, among KiB */
        s.binary &= v[i] == 0 || small || strstr(unit_format(v[i], dim, text, sizeof text), "iB") != NULL;
        add_value(&s, v[i]);
    }
    return s;
}

/* Steps of factors rather than of sums: the largest gap is many times the smallest; a wide spread alone says it, too. */
static bool wants_log(const struct span *s)
{
    if (!(s->low > 0) || s->n < 2)
        return false;
    if (s->high / s->low > 50)
        return true;
    if (s->n < 3 || s->n > FEW_VALUES || s->high / s->low < 4)
        return false;
    double sum = (s->values[1] - s->values[0]) / (s->high - s->values[s->n - 2]);
    double factor = log(s->values[1] / s->values[0]) / log(s->high / s->values[s->n - 2]);
    return fabs(log(factor)) < fabs(log(sum));
}

static void add_tick(struct figure_axis *a, double at, const char *text)
{
    if (a->n_ticks < FIGURE_MOST_TICKS && at >= a->low * (1 - 1e-12) && at <= a->high * (1 + 1e-12))
        a->ticks[a->n_ticks++] = (struct figure_tick){at, text};
}

static const char *plain(double v, struct arena *arena)
{
    return fabs(v) < 1e6 ? arena_printf(arena, "%.6g", v) : arena_printf(arena, "%.3g", v);
}

/* 1, 2, 5 x 10^k */
static double nice_step(double range, int most)
{
    double rough = range / most, power = pow(10, floor(log10(rough)));
    return power * (rough <= power ? 1 : rough <= 2 * power ? 2 : rough <= 5 * power ? 5 : 10);
}

static void ticks_linear(struct figure_axis *a, struct arena *arena)
{
    double step = nice_step(a->high - a->low, 5);
    for (double k = ceil(a->low / step - 1e-9) + 0.0; k * step <= a->high * (1 + 1e-12) + 1e-12 * step; k++)
        a->ticks[a->n_ticks++ % FIGURE_MOST_TICKS] = (struct figure_tick){k * step, plain(k * step + 0.0, arena)};
}

/* Every decade of many, 1 2 5 of few; of sizes powers of two. */
static void ticks_log(struct figure_axis *a, double base, enum unit_dim dim, bool own_units, struct arena *arena)
{
    double steps = log(a->high / a->low) / log(base), every = base == 10 ? 1 : fmax(1, ceil(steps / 8));
    for (double k = floor(log(a->low) / log(base)); k <= log(a->high) / log(base) + 1e-9; k += every)
        for (int m = 0; m < (base == 10 && steps < 2.5 ? 3 : 1); m++) {
            double at = pow(base, k) * (m == 0 ? 1 : m == 1 ? 2 : 5);
            char text[64];
            const char *word =
                own_units ? unit_in_print(unit_format(at, dim, text, sizeof text), arena) : plain(at, arena);
            add_tick(a, at, word);
        }
}

/* At the numbers themselves, where they are few and not too near to each other. */
static bool ticks_at_values(struct figure_axis *a, const struct span *s, enum unit_dim dim, bool own_units,
                            struct arena *arena)
{
    if (s->n > FEW_VALUES)
        return false;
    for (uint32_t i = 1; i < s->n; i++) {
        double from = s->values[i - 1] / a->scale, to = s->values[i] / a->scale;
        double gap = a->log ? log(to / from) / log(a->high / a->low) : (to - from) / (a->high - a->low);
        if (gap < (own_units ? 0.14 : 0.08))
            return false;
    }
    for (uint32_t i = 0; i < s->n; i++) {
        char text[64];
        double at = s->values[i] / a->scale;
        add_tick(a, at,
                 own_units ? unit_in_print(unit_format(s->values[i], dim, text, sizeof text), arena)
                           : plain(at, arena));
    }
    return true;
}

static void set_ends(struct figure_axis *a, const struct span *s, bool zero)
{
    double low = s->low / a->scale, high = s->high / a->scale;
    if (a->log) {
        double factor = high > low ? pow(high / low, 0.06) : 1.5;
        a->low = low / factor;
        a->high = high * factor;
        return;
    }
    low = zero ? fmin(low, 0) : low;
    high = zero ? fmax(high, 0) : high;
    double pad = high > low ? 0.04 * (high - low) : 0.1 * fabs(high);
    a->low = zero && low == 0 ? 0 : low - pad;
    a->high = zero && high == 0 ? 0 : high + pad;
    if (!(a->high > a->low))
        a->high = a->low + 1;
}

void figure_axis_numbers(struct figure_axis *axis, const char *name, const double *si, uint32_t n, enum unit_dim dim,
                         enum figure_role role, char log, struct arena *arena)
{
    struct span s = span_of(si, n, dim);
    *axis = (struct figure_axis){.scale = 1, .log = log == 'y' || (log == '?' && wants_log(&s))};
    double most = fmax(fabs(s.low), fabs(s.high));
    bool has_unit = *unit_dim_si(dim) && most > 0, own_units = has_unit && axis->log && s.high / s.low > 1e4;
    const char *unit = has_unit && !own_units ? unit_scale(most, dim, s.binary, &axis->scale) : "";
    set_ends(axis, &s, role == FIGURE_BARS || (s.low >= 0 && s.low < 0.5 * s.high));
    const char *words = words_of_key(name, arena);
    axis->label = *unit ? arena_printf(arena, "%s [%s]", words, unit_in_print(unit, arena)) : words;
    bool powers_of_two = s.binary && dim == DIM_BYTES;
    if (role == FIGURE_BOTTOM && ticks_at_values(axis, &s, dim, own_units, arena))
        return;
    if (axis->log)
        ticks_log(axis, powers_of_two ? 2 : 10, dim, own_units, arena);
    else
        ticks_linear(axis, arena);
}

void figure_axis_categories(struct figure_axis *axis, const char *name, const char *const *words, uint32_t n,
                            struct arena *arena)
{
    *axis = (struct figure_axis){.category = true, .scale = 1, .low = -0.6, .high = n - 0.4};
    axis->label = words_of_key(name, arena);
    for (uint32_t i = 0; i < n && i < FIGURE_MOST_TICKS; i++) {
        bool is_long = strlen(words[i]) > WORD;
        axis->ticks[axis->n_ticks++] =
            (struct figure_tick){i, is_long ? arena_printf(arena, "%.*s...", WORD - 3, words[i]) : words[i]};
    }
}

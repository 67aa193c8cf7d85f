#include "hw/formats/logfmt.h"

#include <math.h>

#include "base/diag.h"

static double value_of(const struct logfmt_tile *tile, uint32_t k)
{
    double log2 = (double)tile->min_log2 + (double)tile->step_log2 * (double)((int)k - 1);
    return k ? (double)(float)exp2(log2) : 0;
}

/* Smallest and largest magnitude that is not zero; false when there is none. */
static int magnitudes(const float *x, int count, float *least, float *most)
{
    *least = INFINITY;
    *most = 0;
    for (int i = 0; i < count; i++) {
        float m = fabsf(x[i]);
        *most = fmaxf(*most, m);
        *least = m > 0 ? fminf(*least, m) : *least;
    }
    return *most > 0;
}

static void set_range(int bits, float least, float most, struct logfmt_tile *tile)
{
    double top = log2(most), bottom = fmax(log2(least), top - LOGFMT_RANGE_LOG2);
    tile->min_log2 = (float)bottom;
    tile->step_log2 = (float)((top - (double)tile->min_log2) / ((1 << (bits - 1)) - 2));
    if (tile->step_log2 < 0) /* one magnitude only, and min rounded up */
        tile->step_log2 = 0;
}

/* The neighbours in the logarithm, as a number of steps above k = 1. */
static double steps_above(const struct logfmt_tile *tile, float magnitude)
{
    double above = log2(magnitude) - (double)tile->min_log2;
    return tile->step_log2 > 0 ? above / (double)tile->step_log2 : 0;
}

static uint32_t round_linear(const struct logfmt_tile *tile, float magnitude, uint32_t last)
{
    double steps = floor(steps_above(tile, magnitude));
    uint32_t low = steps < 0 ? 0 : (uint32_t)fmin(steps, last - 1) + 1;
    uint32_t high = low < last ? low + 1 : last;
    double below = (double)magnitude - value_of(tile, low);
    double above = value_of(tile, high) - (double)magnitude;
    if (below == above)
        return low & 1 ? high : low;
    return below < above ? low : high;
}

static uint32_t round_log(const struct logfmt_tile *tile, float magnitude, uint32_t last)
{
    double steps = nearbyint(steps_above(tile, magnitude));
    return (uint32_t)fmin(fmax(steps, 0), last - 1) + 1;
}

void logfmt_encode(int bits, enum logfmt_rounding rounding, const float *x, int count, struct logfmt_tile *tile)
{
    uint32_t last = (1u << (bits - 1)) - 1;
    float least, most;
    BUG_IF(bits < LOGFMT_MIN_BITS || bits > LOGFMT_MAX_BITS || count > LOGFMT_TILE);
    *tile = (struct logfmt_tile){0};
    if (!magnitudes(x, count, &least, &most))
        return;
    set_range(bits, least, most, tile);
    for (int i = 0; i < count; i++) {
        uint32_t sign = (signbit(x[i]) ? 1u : 0u) << (bits - 1), k = 0;
        if (x[i] != 0)
            k = rounding == LOGFMT_LINEAR ? round_linear(tile, fabsf(x[i]), last) : round_log(tile, fabsf(x[i]), last);
        tile->codes[i] = (uint16_t)(sign | k);
    }
}

void logfmt_decode(int bits, const struct logfmt_tile *tile, float *x, int count)
{
    uint32_t sign = 1u << (bits - 1);
    for (int i = 0; i < count; i++) {
        float magnitude = (float)value_of(tile, tile->codes[i] & (sign - 1));
        x[i] = tile->codes[i] & sign ? -magnitude : magnitude;
    }
}

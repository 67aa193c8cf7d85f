/* The larger and the smaller of numbers that are never NaN, for loops in which a call of fmax would be most of the time. */
#ifndef MOESIM_BASE_EXTREMES_H
#define MOESIM_BASE_EXTREMES_H

#include <stddef.h>

static inline double larger(double a, double b)
{
    return a > b ? a : b;
}

static inline double smaller(double a, double b)
{
    return a < b ? a : b;
}

/* Of all; `start` where they are none or on its other side. Four at a time, as each waits for the one before. */
static inline double largest_of(const double *value, size_t n, double start)
{
    double most[4] = {start, start, start, start};
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (size_t k = 0; k < 4; k++)
            most[k] = larger(most[k], value[i + k]);
    for (; i < n; i++)
        most[0] = larger(most[0], value[i]);
    return larger(larger(most[0], most[1]), larger(most[2], most[3]));
}

static inline double smallest_of(const double *value, size_t n, double start)
{
    double least[4] = {start, start, start, start};
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (size_t k = 0; k < 4; k++)
            least[k] = smaller(least[k], value[i + k]);
    for (; i < n; i++)
        least[0] = smaller(least[0], value[i]);
    return smaller(smaller(least[0], least[1]), smaller(least[2], least[3]));
}

#endif

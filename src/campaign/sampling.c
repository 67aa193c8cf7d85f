/* Samples of the unit cube. GSL's Sobol sequence starts after the origin, as Sobol sampling wants it. */
#include "campaign/sampling.h"

#include <gsl/gsl_qrng.h>
#include <gsl/gsl_randist.h>
#include <string.h>

#include "base/rng.h"

const char *const sample_method_names[] = {"grid", "sobol", "lhs", "morris", "saltelli", NULL};

enum { SOBOL_DIMENSIONS = 40, MORRIS_LEVELS = 4 };

uint64_t sample_rows(enum sample_method method, uint64_t n, uint32_t k)
{
    switch (method) {
    case SAMPLE_MORRIS:
        return n * (k + 1);
    case SAMPLE_SALTELLI:
        return n * (k + 2);
    default:
        return n;
    }
}

uint32_t sample_max_dimensions(enum sample_method method)
{
    return method == SAMPLE_SOBOL ? SOBOL_DIMENSIONS : method == SAMPLE_SALTELLI ? SOBOL_DIMENSIONS / 2 : 0;
}

static void sobol(double *u, uint32_t n, uint32_t k)
{
    gsl_qrng *q = checked_alloc(gsl_qrng_alloc(gsl_qrng_sobol, k));
    for (uint32_t i = 0; i < n; i++)
        gsl_qrng_get(q, u + (size_t)i * k);
    gsl_qrng_free(q);
}

static void lhs(double *u, uint32_t n, uint32_t k, gsl_rng *rng, struct arena *arena)
{
    uint32_t *part = ARENA_ARRAY(arena, uint32_t, n);
    for (uint32_t d = 0; d < k; d++) {
        for (uint32_t i = 0; i < n; i++)
            part[i] = i;
        gsl_ran_shuffle(rng, part, n, sizeof *part);
        for (uint32_t i = 0; i < n; i++)
            u[(size_t)i * k + d] = (part[i] + gsl_rng_uniform(rng)) / n;
    }
}

/* From a random grid point each dimension moves once, in random order, to where there is room for the step. */
static void morris(double *u, uint32_t n, uint32_t k, gsl_rng *rng, struct arena *arena)
{
    const unsigned step = MORRIS_LEVELS / 2, last = MORRIS_LEVELS - 1;
    unsigned *level = ARENA_ARRAY(arena, unsigned, k), *order = ARENA_ARRAY(arena, unsigned, k);
    for (uint32_t t = 0; t < n; t++) {
        for (uint32_t d = 0; d < k; d++) {
            level[d] = (unsigned)gsl_rng_uniform_int(rng, MORRIS_LEVELS);
            order[d] = d;
        }
        gsl_ran_shuffle(rng, order, k, sizeof *order);
        for (uint32_t row = 0; row <= k; row++, u += k) {
            if (row > 0) {
                unsigned *moved = &level[order[row - 1]];
                *moved = *moved >= step ? *moved - step : *moved + step;
            }
            for (uint32_t d = 0; d < k; d++)
                u[d] = (double)level[d] / last;
        }
    }
}

/* Rows of one sample stand together: A, B, then A with one column of B each. */
static void saltelli(double *u, uint32_t n, uint32_t k, struct arena *arena)
{
    double *ab = ARENA_ARRAY(arena, double, (size_t)n * 2 * k);
    sobol(ab, n, 2 * k);
    for (uint32_t i = 0; i < n; i++) {
        const double *a = ab + (size_t)i * 2 * k, *b = a + k;
        double *rows = u + (size_t)i * (k + 2) * k;
        memcpy(rows, a, k * sizeof *u);
        memcpy(rows + k, b, k * sizeof *u);
        for (uint32_t d = 0; d < k; d++) {
            double *mixed = rows + (size_t)(d + 2) * k;
            memcpy(mixed, a, k * sizeof *u);
            mixed[d] = b[d];
        }
    }
}

double *sample_unit_cube(enum sample_method method, uint32_t n, uint32_t k, uint64_t seed, struct arena *arena)
{
    double *u = ARENA_ARRAY(arena, double, sample_rows(method, n, k) * k + 1);
    gsl_rng *rng = rng_stream(seed, 0, sample_method_names[method]);
    BUG_IF(sample_max_dimensions(method) && k > sample_max_dimensions(method));
    switch (method) {
    case SAMPLE_SOBOL:
        sobol(u, n, k);
        break;
    case SAMPLE_LHS:
        lhs(u, n, k, rng, arena);
        break;
    case SAMPLE_MORRIS:
        morris(u, n, k, rng, arena);
        break;
    case SAMPLE_SALTELLI:
        saltelli(u, n, k, arena);
        break;
    case SAMPLE_GRID:
        BUG("a grid is no sample");
    }
    gsl_rng_free(rng);
    return u;
}

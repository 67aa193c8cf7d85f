/* Lloyd's algorithm, at places in octaves and values; medians, as rows that were disturbed are too slow, never too fast. */
#include "hw/kernels/thin.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

enum { NONE = UINT32_MAX };
enum { ROUNDS = 8, SPACE = KERNEL_MAX_AXES + 1 };

/* A difference of values counts as that many octaves. */
static const double octaves_per_value = 4, golden = 0.6180339887498949;

struct clusters {
    const struct residual_point *points;
    uint32_t n, most;
    size_t n_axes;
    double *places;  /* [n][SPACE] of the points */
    double *centres; /* [most][SPACE] */
    double *weights; /* [most] */
    uint32_t *of;    /* [n] */
};

static double square_distance(const double *a, const double *b, size_t n, double enough)
{
    double sum = 0;
    for (size_t i = 0; i < n && sum < enough; i++)
        sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum;
}

static void assign(struct clusters *c)
{
    for (uint32_t i = 0; i < c->n; i++) {
        double least = INFINITY;
        for (uint32_t k = 0; k < c->most; k++) {
            double square = square_distance(c->places + i * SPACE, c->centres + k * SPACE, c->n_axes + 1, least);
            if (square >= least)
                continue;
            least = square;
            c->of[i] = k;
        }
    }
}

static void move_centres(struct clusters *c)
{
    memset(c->weights, 0, c->most * sizeof *c->weights);
    for (uint32_t i = 0; i < c->n; i++)
        c->weights[c->of[i]] += c->points[i].weight;
    for (uint32_t k = 0; k < c->most; k++)
        if (c->weights[k] > 0)
            memset(c->centres + k * SPACE, 0, SPACE * sizeof(double));
    for (uint32_t i = 0; i < c->n; i++)
        for (size_t a = 0; a <= c->n_axes; a++)
            c->centres[c->of[i] * SPACE + a] += c->places[i * SPACE + a] * c->points[i].weight / c->weights[c->of[i]];
}

/* The centres begin at points spread evenly over them. */
static struct clusters cluster(const struct residual_point *points, uint32_t n, uint32_t most, size_t n_axes,
                               struct arena *arena)
{
    struct clusters c = {.points = points, .n = n, .most = most, .n_axes = n_axes};
    c.places = ARENA_ARRAY(arena, double, (size_t)n *SPACE);
    c.centres = ARENA_ARRAY(arena, double, (size_t)most *SPACE);
    c.weights = ARENA_ARRAY(arena, double, most);
    c.of = ARENA_ARRAY(arena, uint32_t, n);
    for (uint32_t i = 0; i < n; i++) {
        memcpy(c.places + i * SPACE, points[i].x, n_axes * sizeof(double));
        c.places[i * SPACE + n_axes] = points[i].value * octaves_per_value;
    }
    for (uint32_t k = 0; k < most; k++)
        memcpy(c.centres + k * SPACE, c.places + (size_t)(fmod(k * golden, 1) * n) * SPACE, SPACE * sizeof(double));
    for (int round = 0; round < ROUNDS; round++) {
        assign(&c);
        move_centres(&c);
    }
    assign(&c);
    return c;
}

/* The point of each cluster that lies nearest to its centre; UINT32_MAX: it has none. */
static uint32_t *middles_of(const struct clusters *c, struct arena *arena)
{
    uint32_t *middle = ARENA_ARRAY(arena, uint32_t, c->most);
    double *least = ARENA_ARRAY(arena, double, c->most);
    for (uint32_t k = 0; k < c->most; k++)
        middle[k] = NONE, least[k] = INFINITY;
    for (uint32_t i = 0; i < c->n; i++) {
        uint32_t k = c->of[i];
        double square = square_distance(c->places + i * SPACE, c->centres + k * SPACE, c->n_axes, least[k]);
        if (square >= least[k])
            continue;
        least[k] = square;
        middle[k] = i;
    }
    return middle;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_in(const struct clusters *c, uint32_t k, double *scratch)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->n; i++)
        if (c->of[i] == k)
            scratch[n++] = c->points[i].value;
    qsort(scratch, n, sizeof *scratch, ascending);
    return n % 2 ? scratch[n / 2] : (scratch[n / 2 - 1] + scratch[n / 2]) / 2;
}

uint32_t thin_points(struct residual_point *points, uint32_t n, uint32_t most, size_t n_axes)
{
    if (n <= most)
        return n;
    struct arena *arena = arena_new();
    struct clusters c = cluster(points, n, most, n_axes, arena);
    uint32_t *middle = middles_of(&c, arena), left = 0;
    double *scratch = ARENA_ARRAY(arena, double, n);
    struct residual_point *out = ARENA_ARRAY(arena, struct residual_point, most);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = c.of[i];
        if (middle[k] != i)
            continue;
        out[left] = points[i];
        out[left].value = median_in(&c, k, scratch);
        out[left++].weight = c.weights[k];
    }
    memcpy(points, out, left * sizeof *out);
    arena_free(arena);
    return left;
}

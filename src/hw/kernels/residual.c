/* A tree of points (Bentley's k-d tree, in place: the middle of a range is its node) and a plane through the nearest.
 *
 * A plane near them, not a surface through the points: repeats and siblings of measured kernels scatter by per cents, so that
 * several neighbours say more of an unseen shape than the nearest does. */
#include "hw/kernels/residual.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/extremes.h"

enum { NEAREST = 16, LEAF = 6, ROUNDS = 3, SWEEPS = 2 };

/* Distances in octaves: within `near` points count alike; a point of weight one and value zero lies at `far`. */
static const double near = 0.3, far = 4, most_weight = 8, scatter = 0.1, same_place = 1e-9, ridge = 0.02;

struct residuals {
    struct residual_point *points;
    double *places; /* [n][n_axes] theirs, close together */
    uint32_t n;
    size_t n_axes;
    unsigned shape_axes;
    double trust;
};

/* --- the tree ------------------------------------------------------------------------------------------------ */

/* Halves [from, to) at its middle along an axis: quickselect. */
static void halve(struct residual_point *p, uint32_t from, uint32_t to, size_t axis)
{
    uint32_t middle = from + (to - from) / 2, low = from, high = to - 1;
    while (low < high) {
        double pivot = p[low + (high - low) / 2].x[axis];
        uint32_t i = low, k = high;
        while (i <= k) {
            while (p[i].x[axis] < pivot)
                i++;
            while (p[k].x[axis] > pivot)
                k--;
            if (i > k)
                break;
            struct residual_point swap = p[i];
            p[i++] = p[k];
            p[k] = swap;
            if (k == 0)
                break;
            k--;
        }
        if (middle <= k && k < high)
            high = k;
        else if (middle >= i && i > low)
            low = i;
        else
            return;
    }
}

static void build(struct residuals *r, uint32_t from, uint32_t to, size_t depth)
{
    if (to - from <= LEAF)
        return;
    uint32_t middle = from + (to - from) / 2;
    halve(r->points, from, to, depth % r->n_axes);
    build(r, from, middle, depth + 1);
    build(r, middle + 1, to, depth + 1);
}

struct residuals *residuals_new(const struct residual_point *points, uint32_t n, size_t n_axes, unsigned shape_axes,
                                double trust, struct arena *arena)
{
    if (!n)
        return NULL;
    struct residuals *r = ARENA_NEW(arena, struct residuals);
    *r = (struct residuals){.points = ARENA_ARRAY(arena, struct residual_point, n),
                            .places = ARENA_ARRAY(arena, double, n *n_axes),
                            .n = n,
                            .n_axes = n_axes,
                            .shape_axes = shape_axes,
                            .trust = trust};
    memcpy(r->points, points, n * sizeof *points);
    build(r, 0, n, 0);
    for (uint32_t i = 0; i < n; i++)
        memcpy(r->places + i * n_axes, r->points[i].x, n_axes * sizeof(double));
    return r;
}

/* --- the nearest --------------------------------------------------------------------------------------------- */

struct search {
    const struct residuals *r;
    const double *x;
    double squares[NEAREST]; /* ascending */
    uint32_t at[NEAREST];
    int n;
    uint32_t without;            /* id of a point that is passed over */
    double off[KERNEL_MAX_AXES]; /* of x from the box of the points that are looked at */
};

static void meet(struct search *s, uint32_t at)
{
    const double *place = s->r->places + at * s->r->n_axes;
    double square = 0;
    for (size_t a = 0; a < s->r->n_axes; a++)
        square += (s->x[a] - place[a]) * (s->x[a] - place[a]);
    if (square >= (s->n == NEAREST ? s->squares[NEAREST - 1] : INFINITY) || s->r->points[at].id == s->without)
        return;
    int i = s->n < NEAREST ? s->n++ : NEAREST - 1;
    for (; i > 0 && s->squares[i - 1] > square; i--) {
        s->squares[i] = s->squares[i - 1];
        s->at[i] = s->at[i - 1];
    }
    s->squares[i] = square;
    s->at[i] = at;
}

/* Distances to boxes are sums in another order than those to points: nothing is passed over for the last digit. */
static const double surely = 1 - 1e-12;

/* `square`: of the distance to the points' box, kept up to date by what changes on one axis (Arya and Mount, 1993). */
static void descend(struct search *s, uint32_t from, uint32_t to, size_t axis, double square)
{
    if (to - from <= LEAF) {
        for (uint32_t i = from; i < to; i++)
            meet(s, i);
        return;
    }
    uint32_t middle = from + (to - from) / 2;
    double beyond = s->x[axis] - s->r->places[middle * s->r->n_axes + axis], was = s->off[axis];
    size_t next = axis + 1 < s->r->n_axes ? axis + 1 : 0;
    meet(s, middle);
    if (beyond < 0)
        descend(s, from, middle, next, square);
    else
        descend(s, middle + 1, to, next, square);
    square += beyond * beyond - was * was;
    if (s->n == NEAREST && square * surely >= s->squares[NEAREST - 1])
        return;
    s->off[axis] = beyond;
    if (beyond < 0)
        descend(s, middle + 1, to, next, square);
    else
        descend(s, from, middle, next, square);
    s->off[axis] = was;
}

/* A plane through the nearest points: the mean at their centre, slopes along the axes. Always as long as it may be, so that
 * loops have no ends to look for: what is missing has no weight. */
struct plane {
    double near_weights[NEAREST], weights[NEAREST], all;
    double values[NEAREST], left[NEAREST]; /* what the plane leaves of values */
    double offs[KERNEL_MAX_AXES][NEAREST]; /* places less that of the question; lay: less the centre */
    double mean, centre[KERNEL_MAX_AXES], slopes[KERNEL_MAX_AXES];
};

/* In four sums, which processors add side by side. */
static inline double dot(const double *a, const double *b)
{
    double sum[4] = {0, 0, 0, 0};
    for (int i = 0; i < NEAREST; i += 4)
        for (int k = 0; k < 4; k++)
            sum[k] += a[i + k] * b[i + k];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static double sum_of(const double *a)
{
    double sum[4] = {0, 0, 0, 0};
    for (int i = 0; i < NEAREST; i += 4)
        for (int k = 0; k < 4; k++)
            sum[k] += a[i + k];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static void add_to_all(double *to, double by)
{
    for (int i = 0; i < NEAREST; i++)
        to[i] += by;
}

/* Points that the plane misses by much more than the scatter of measurements count less (Cauchy's weights). */
static void weigh(struct plane *p, bool robust)
{
    double by = robust ? 1 / (scatter * scatter) : 0;
    for (int i = 0; i < NEAREST; i++)
        p->weights[i] = p->near_weights[i] / (1 + by * p->left[i] * p->left[i]);
    p->all = sum_of(p->weights);
    p->mean = dot(p->weights, p->values) / p->all;
}

/* Slopes by ridge regression, one axis after the other, the others as they are. */
static void tilt(struct plane *p, size_t n_axes, double weighted[KERNEL_MAX_AXES][NEAREST])
{
    double squares[KERNEL_MAX_AXES];
    for (size_t a = 0; a < n_axes; a++) {
        for (int i = 0; i < NEAREST; i++)
            weighted[a][i] = p->weights[i] * p->offs[a][i];
        squares[a] = dot(weighted[a], p->offs[a]);
        p->slopes[a] = 0;
    }
    for (size_t step = 0; step < SWEEPS * n_axes; step++) {
        size_t a = step % n_axes;
        double slope = (dot(weighted[a], p->left) + p->slopes[a] * squares[a]) / (squares[a] + ridge * p->all);
        for (int i = 0; i < NEAREST; i++)
            p->left[i] -= (slope - p->slopes[a]) * p->offs[a][i];
        p->slopes[a] = slope;
    }
}

static void lay(struct plane *p, size_t n_axes)
{
    double weighted[KERNEL_MAX_AXES][NEAREST];
    for (int i = 0; i < NEAREST; i++)
        p->left[i] = p->values[i] - p->mean;
    for (size_t a = 0; a < n_axes; a++) {
        double moved = dot(p->weights, p->offs[a]) / p->all;
        add_to_all(p->offs[a], -moved);
        p->centre[a] += moved;
    }
    tilt(p, n_axes, weighted);
}

/* Of a place on an axis what lies between the nearest points: slopes say nothing of what is beyond them. */
static double nearest_within(const double *offs, int n, double place)
{
    double low = INFINITY, high = -INFINITY;
    for (int i = 0; i < n; i++) {
        low = smaller(low, offs[i]);
        high = larger(high, offs[i]);
    }
    return larger(low, smaller(high, place));
}

static void take_nearest(const struct search *s, struct plane *p)
{
    size_t n_axes = s->r->n_axes;
    memset(p, 0, sizeof *p);
    for (int i = 0; i < s->n; i++) {
        const struct residual_point *point = &s->r->points[s->at[i]];
        p->values[i] = point->value;
        p->near_weights[i] = smaller(point->weight, most_weight) / (s->squares[i] + near * near);
        for (size_t a = 0; a < n_axes; a++)
            p->offs[a][i] = s->r->places[s->at[i] * n_axes + a] - s->x[a];
    }
}

/* Never beyond what the nearest have. */
static double value_at(const struct search *s)
{
    struct plane p;
    take_nearest(s, &p);
    for (int round = 0; round < ROUNDS; round++) {
        weigh(&p, round > 0);
        lay(&p, s->r->n_axes);
    }
    double value = p.mean, least = p.mean, most = p.mean;
    for (size_t a = 0; a < s->r->n_axes; a++)
        value += p.slopes[a] * nearest_within(p.offs[a], s->n, -p.centre[a]);
    for (int i = 0; i < s->n; i++) {
        least = smaller(least, p.values[i]);
        most = larger(most, p.values[i]);
    }
    return larger(least, smaller(most, value)) * p.all / (p.all + 1 / (far * far));
}

/* Whether a point of this very shape is among the nearest. */
static bool shape_was_seen(const struct search *s)
{
    for (int i = 0; i < s->n; i++) {
        bool same = true;
        for (size_t a = 0; a < s->r->n_axes && same; a++)
            same = !(s->r->shape_axes >> a & 1) || fabs(s->x[a] - s->r->points[s->at[i]].x[a]) < same_place;
        if (same)
            return true;
    }
    return false;
}

struct residual_answer residual_without(const struct residuals *r, const double *x, uint32_t id)
{
    struct search s = {.r = r, .x = x, .without = id};
    if (r)
        descend(&s, 0, r->n, 0, 0);
    if (!s.n)
        return (struct residual_answer){0, INFINITY, 0, 0};
    const struct residual_point *nearest = &r->points[s.at[0]];
    double trust = shape_was_seen(&s) ? 1 : r->trust;
    return (struct residual_answer){trust * value_at(&s), sqrt(s.squares[0]), nearest->value, nearest->id};
}

struct residual_answer residual_at(const struct residuals *r, const double *x)
{
    return residual_without(r, x, UINT32_MAX);
}

/* Ward's clustering along series: always the pair whose joining costs least, found in a heap whose stale entries are
 * skipped. */
#include "hw/kernels/thin.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"

/* An octave between two points counts as that much of a difference of values: runs of equal values stay short enough to be
 * interpolated in. */
static const double per_octave = 0.02;

enum { NONE = UINT32_MAX };

struct run {
    double value, x, weight; /* sums of value and place, times weight */
    uint32_t before, after;  /* of the same series */
    uint32_t first, n;       /* rows */
    uint32_t version;
    bool alive;
};

struct joint {
    double cost;
    uint32_t left, right, left_version, right_version;
};

struct heap {
    struct joint *joints;
    uint32_t n, room;
};

static bool sooner(const struct joint *a, const struct joint *b)
{
    return a->cost != b->cost ? a->cost < b->cost : a->left < b->left;
}

static void push(struct heap *h, struct joint j)
{
    if (h->n == h->room) {
        h->room = h->room ? 2 * h->room : 1024;
        h->joints = checked_alloc(realloc(h->joints, h->room * sizeof j));
    }
    uint32_t at = h->n++;
    for (; at > 0 && sooner(&j, &h->joints[(at - 1) / 2]); at = (at - 1) / 2)
        h->joints[at] = h->joints[(at - 1) / 2];
    h->joints[at] = j;
}

static struct joint pop(struct heap *h)
{
    struct joint top = h->joints[0], last = h->joints[--h->n];
    uint32_t at = 0;
    for (uint32_t child; (child = 2 * at + 1) < h->n; at = child) {
        if (child + 1 < h->n && sooner(&h->joints[child + 1], &h->joints[child]))
            child++;
        if (!sooner(&h->joints[child], &last))
            break;
        h->joints[at] = h->joints[child];
    }
    h->joints[at] = last;
    return top;
}

static void offer(struct heap *h, const struct run *runs, uint32_t left, uint32_t right)
{
    if (left == NONE || right == NONE)
        return;
    const struct run *a = &runs[left], *b = &runs[right];
    double dv = a->value / a->weight - b->value / b->weight, dx = (a->x / a->weight - b->x / b->weight) * per_octave;
    double cost = a->weight * b->weight / (a->weight + b->weight) * (dv * dv + dx * dx);
    push(h, (struct joint){cost, left, right, a->version, b->version});
}

static void join(struct run *runs, uint32_t left, uint32_t right)
{
    struct run *a = &runs[left], *b = &runs[right];
    a->value += b->value;
    a->x += b->x;
    a->weight += b->weight;
    a->n += b->n;
    a->after = b->after;
    a->version++;
    b->alive = false;
    if (a->after != NONE)
        runs[a->after].before = left;
}

static void join_all(struct run *runs, uint32_t n, uint32_t most)
{
    struct heap h = {0};
    uint32_t left = n;
    for (uint32_t i = 0; i < n; i++)
        offer(&h, runs, i, runs[i].after);
    while (left > most && h.n) {
        struct joint j = pop(&h);
        if (!runs[j.left].alive || !runs[j.right].alive || runs[j.left].version != j.left_version ||
            runs[j.right].version != j.right_version)
            continue;
        join(runs, j.left, j.right);
        left--;
        offer(&h, runs, runs[j.left].before, j.left);
        offer(&h, runs, j.left, runs[j.left].after);
    }
    free(h.joints);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Rows that were disturbed are too slow, never too fast: their mean would be, too. */
static double median_of(const struct run *run, const struct residual_point *rows, double *scratch)
{
    for (uint32_t i = 0; i < run->n; i++)
        scratch[i] = rows[run->first + i].value;
    qsort(scratch, run->n, sizeof *scratch, ascending);
    return run->n % 2 ? scratch[run->n / 2] : (scratch[run->n / 2 - 1] + scratch[run->n / 2]) / 2;
}

/* The run's point: its median, at the place of its middle row. */
static struct residual_point point_of(const struct run *run, const struct residual_point *rows, double *scratch)
{
    double x = run->x / run->weight;
    uint32_t near = run->first;
    for (uint32_t i = run->first; i < run->first + run->n; i++)
        if (fabs(rows[i].x[0] - x) < fabs(rows[near].x[0] - x))
            near = i;
    struct residual_point p = rows[near];
    p.value = median_of(run, rows, scratch);
    p.weight = run->weight;
    return p;
}

/* --- points that others tell ---------------------------------------------------------------------------------------- */

enum { SHARE_OF_ROUND = 12 };

struct told {
    double cost;
    uint32_t at;
};

static int cheapest_first(const void *left, const void *right)
{
    const struct told *a = left, *b = right;
    return a->cost != b->cost ? (a->cost < b->cost ? -1 : 1) : a->at < b->at ? -1 : 1;
}

static struct told *costs_of(const struct residual_point *points, uint32_t n, size_t n_axes, struct arena *arena)
{
    struct residuals *all = residuals_new(points, n, n_axes, 0, 1, arena);
    struct told *told = ARENA_ARRAY(arena, struct told, n);
    for (uint32_t i = 0; i < n; i++) {
        double off = points[i].value - residual_without(all, points[i].x, points[i].id).value;
        told[i] = (struct told){points[i].weight * off * off, i};
    }
    qsort(told, n, sizeof *told, cheapest_first);
    return told;
}

/* The points whose neighbours tell them best, a share at a time: then neighbours of what is gone are looked at anew. */
static uint32_t drop_some(struct residual_point *points, uint32_t n, uint32_t most, size_t n_axes)
{
    struct arena *arena = arena_new();
    struct told *told = costs_of(points, n, n_axes, arena);
    bool *gone = ARENA_ARRAY(arena, bool, n);
    uint32_t share = n / SHARE_OF_ROUND + 1, drop = n - most < share ? n - most : share, left = 0;
    for (uint32_t i = 0; i < drop; i++)
        gone[told[i].at] = true;
    for (uint32_t i = 0; i < n; i++)
        if (!gone[i])
            points[left++] = points[i];
    arena_free(arena);
    return left;
}

uint32_t drop_points(struct residual_point *points, uint32_t n, uint32_t most, size_t n_axes)
{
    while (n > most)
        n = drop_some(points, n, most, n_axes);
    return n;
}

/* --- all of it ----------------------------------------------------------------------------------------------------- */

uint32_t thin_points(struct residual_point *points, const uint32_t *series, uint32_t n, uint32_t most)
{
    struct run *runs = checked_alloc(calloc(n + 1, sizeof *runs));
    double *scratch = checked_alloc(calloc(n + 1, sizeof *scratch));
    struct residual_point *joined = checked_alloc(calloc(n + 1, sizeof *joined));
    uint32_t left = 0;
    for (uint32_t i = 0; i < n; i++)
        runs[i] = (struct run){.value = points[i].value * points[i].weight,
                               .x = points[i].x[0] * points[i].weight,
                               .weight = points[i].weight,
                               .before = i > 0 && series[i - 1] == series[i] ? i - 1 : NONE,
                               .after = i + 1 < n && series[i + 1] == series[i] ? i + 1 : NONE,
                               .first = i,
                               .n = 1,
                               .alive = true};
    join_all(runs, n, most);
    for (uint32_t i = 0; i < n; i++)
        if (runs[i].alive)
            joined[left++] = point_of(&runs[i], points, scratch);
    memcpy(points, joined, left * sizeof *points);
    free(joined);
    free(scratch);
    free(runs);
    return left;
}

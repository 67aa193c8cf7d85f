#include "brute_force.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "sim/xalloc.h"

struct filling {
    const double *capacity_Bps;
    uint32_t n_links, n;
    struct brute_flow *flows;
    double *left_Bps;         /* per link */
    uint32_t *open;           /* per link: flows without a rate */
    uint32_t *first, *member; /* CSR: flows of a link */
    uint32_t *active, n_active;
    bool *has_rate;
};

static void list_members(struct filling *f)
{
    f->first = XREALLOC(NULL, uint32_t, f->n_links + 2);
    for (uint32_t l = 0; l < f->n_links + 2; l++)
        f->first[l] = 0;
    for (uint32_t i = 0; i < f->n; i++)
        for (uint32_t k = 0; k < f->flows[i].n_links; k++)
            f->first[f->flows[i].links[k] + 2]++;
    for (uint32_t l = 0; l <= f->n_links; l++)
        f->first[l + 1] += f->first[l];
    f->member = XREALLOC(NULL, uint32_t, f->first[f->n_links + 1] + 1);
    for (uint32_t i = 0; i < f->n; i++)
        for (uint32_t k = 0; k < f->flows[i].n_links; k++)
            f->member[f->first[f->flows[i].links[k] + 1]++] = i;
}

static uint32_t tightest(const struct filling *f, double *level_Bps)
{
    uint32_t best = UINT32_MAX;
    for (uint32_t l = 0; l < f->n_links; l++)
        if (f->open[l] && (best == UINT32_MAX || f->left_Bps[l] / f->open[l] < *level_Bps)) {
            *level_Bps = f->left_Bps[l] / f->open[l];
            best = l;
        }
    return best;
}

static void fix(struct filling *f, struct brute_flow *flow, double level_Bps)
{
    flow->rate_Bps = level_Bps;
    for (uint32_t k = 0; k < flow->n_links; k++) {
        f->open[flow->links[k]]--;
        f->left_Bps[flow->links[k]] = fmax(0, f->left_Bps[flow->links[k]] - level_Bps);
    }
}

static void fill(struct filling *f)
{
    double level_Bps = 0;
    uint32_t link;
    for (uint32_t l = 0; l < f->n_links; l++) {
        f->left_Bps[l] = f->capacity_Bps[l];
        f->open[l] = 0;
    }
    for (uint32_t a = 0; a < f->n_active; a++) {
        const struct brute_flow *flow = &f->flows[f->active[a]];
        f->has_rate[f->active[a]] = false;
        for (uint32_t k = 0; k < flow->n_links; k++)
            f->open[flow->links[k]]++;
    }
    while ((link = tightest(f, &level_Bps)) != UINT32_MAX)
        for (uint32_t m = f->first[link]; m < f->first[link + 1] && f->open[link]; m++) {
            struct brute_flow *flow = &f->flows[f->member[m]];
            if (flow->left_B <= 0 || f->has_rate[f->member[m]])
                continue;
            f->has_rate[f->member[m]] = true;
            fix(f, flow, level_Bps);
        }
}

/* To the next start or end; the flows that run from there. */
static double step(struct filling *f, double now_s, uint32_t *n_started, const uint32_t *by_start)
{
    double next_s = *n_started < f->n ? f->flows[by_start[*n_started]].start_s : INFINITY;
    uint32_t n = 0;
    for (uint32_t a = 0; a < f->n_active; a++) {
        const struct brute_flow *flow = &f->flows[f->active[a]];
        next_s = fmin(next_s, now_s + flow->left_B / flow->rate_Bps);
    }
    for (uint32_t a = 0; a < f->n_active; a++) {
        struct brute_flow *flow = &f->flows[f->active[a]];
        flow->left_B -= flow->rate_Bps * (next_s - now_s);
        if (flow->left_B > 1e-13 * flow->bytes_B) {
            f->active[n++] = f->active[a];
            continue;
        }
        flow->left_B = 0;
        flow->end_s = next_s;
        f->has_rate[f->active[a]] = true;
    }
    for (; *n_started < f->n && f->flows[by_start[*n_started]].start_s <= next_s; ++*n_started) {
        uint32_t i = by_start[*n_started];
        f->flows[i].left_B = f->flows[i].bytes_B;
        f->active[n++] = i;
    }
    f->n_active = n;
    return next_s;
}

static const struct brute_flow *sorted;

static int by_start_time(const void *a, const void *b)
{
    double x = sorted[*(const uint32_t *)a].start_s, y = sorted[*(const uint32_t *)b].start_s;
    return (x > y) - (x < y);
}

void brute_force(const double *capacity_Bps, uint32_t n_links, struct brute_flow *flows, uint32_t n)
{
    struct filling f = {.capacity_Bps = capacity_Bps, .n_links = n_links, .n = n, .flows = flows};
    f.left_Bps = XREALLOC(NULL, double, n_links);
    f.open = XREALLOC(NULL, uint32_t, n_links);
    f.active = XREALLOC(NULL, uint32_t, n);
    f.has_rate = XREALLOC(NULL, bool, n);
    uint32_t *by_start = XREALLOC(NULL, uint32_t, n), n_started = 0;
    for (uint32_t i = 0; i < n; i++) {
        by_start[i] = i;
        flows[i].left_B = 0;
        f.has_rate[i] = true;
    }
    sorted = flows;
    qsort(by_start, n, sizeof *by_start, by_start_time);
    list_members(&f);
    for (double now_s = 0; n_started < n || f.n_active;) {
        now_s = step(&f, now_s, &n_started, by_start);
        fill(&f);
    }
    void *owned[] = {f.left_Bps, f.open, f.active, f.has_rate, f.first, f.member, by_start};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
}

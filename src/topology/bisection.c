#include "topology/bisection.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

enum { RANDOM_HALVINGS = 4, FIEDLER_STEPS = 200, RANDOM_UP_TO_ARCS = 200000 };

/* --- maximum flow (Dinic), capacities in whole bytes per second ------------------------------------- */

struct flow_arc {
    uint32_t to, back; /* back: number of the opposite arc */
    int64_t left;
};

struct flow_graph {
    uint32_t n, source, sink, n_arcs;
    uint32_t *first, *next_try, *level, *queue, *path;
    struct flow_arc *arcs;
};

static int64_t whole(double capacity_Bps)
{
    return (int64_t)llround(capacity_Bps);
}

static bool find_levels(struct flow_graph *f)
{
    memset(f->level, 0xff, f->n * sizeof *f->level);
    uint32_t tail = 0;
    f->level[f->source] = 0;
    f->queue[tail++] = f->source;
    for (uint32_t head = 0; head < tail; head++) {
        uint32_t at = f->queue[head];
        for (uint32_t i = f->first[at]; i < f->first[at + 1]; i++)
            if (f->arcs[i].left > 0 && f->level[f->arcs[i].to] == UINT32_MAX) {
                f->level[f->arcs[i].to] = f->level[at] + 1;
                f->queue[tail++] = f->arcs[i].to;
            }
    }
    return f->level[f->sink] != UINT32_MAX;
}

/* Sends what the path allows; the path then is cut back to its first full arc. */
static int64_t send(struct flow_graph *f, uint32_t *depth)
{
    int64_t amount = INT64_MAX;
    for (uint32_t d = 0; d < *depth; d++)
        if (f->arcs[f->path[d]].left < amount)
            amount = f->arcs[f->path[d]].left;
    uint32_t keep = *depth;
    for (uint32_t d = *depth; d-- > 0;) {
        struct flow_arc *arc = &f->arcs[f->path[d]];
        arc->left -= amount;
        f->arcs[arc->back].left += amount;
        if (!arc->left)
            keep = d;
    }
    *depth = keep;
    return amount;
}

/* Blocking flow of the current levels, without recursion: a user's network may be a long chain. */
static int64_t block(struct flow_graph *f)
{
    int64_t sum = 0;
    uint32_t depth = 0, at = f->source;
    memcpy(f->next_try, f->first, f->n * sizeof *f->next_try);
    for (;;) {
        if (at == f->sink) {
            sum += send(f, &depth);
            at = depth ? f->arcs[f->path[depth - 1]].to : f->source;
            continue;
        }
        uint32_t i = f->next_try[at];
        while (i < f->first[at + 1] && (f->arcs[i].left <= 0 || f->level[f->arcs[i].to] != f->level[at] + 1))
            i++;
        f->next_try[at] = i;
        if (i < f->first[at + 1]) {
            f->path[depth++] = i;
            at = f->arcs[i].to;
        } else if (depth) { /* dead end: this arc is of no use */
            uint32_t dead = f->path[--depth];
            at = f->arcs[f->arcs[dead].back].to;
            f->next_try[at]++;
        } else {
            return sum;
        }
    }
}

/* What NICs of either side can send to or take from each switch. */
static double *sides_Bps(const struct topology *t, const struct net_graph *g, const uint8_t *side, struct arena *a)
{
    double *sum_Bps = ARENA_ARRAY(a, double, 2 * g->n_switches);
    for (uint32_t p = 0; p < g->n_ports; p++) {
        uint32_t node = g->endpoint[p] / t->gpus_per_node;
        sum_Bps[2 * g->switch_of[p] + side[node]] += g->port_Bps[p];
    }
    return sum_Bps;
}

static void lay_arcs(const struct net_graph *g, const double *sum_Bps, struct flow_graph *f)
{
    uint32_t n = 0;
    for (uint32_t s = 0; s < g->n_switches; s++) {
        uint32_t own = g->first[s];
        f->first[s] = n;
        for (uint32_t i = own; i < g->first[s + 1]; i++)
            f->arcs[n++] = (struct flow_arc){g->arcs[i].to, 0, whole(g->arcs[i].capacity_Bps)};
        f->arcs[n++] = (struct flow_arc){f->source, 0, 0};
        f->arcs[n++] = (struct flow_arc){f->sink, 0, whole(sum_Bps[2 * s + 1])};
    }
    f->first[f->source] = n;
    for (uint32_t s = 0; s < g->n_switches; s++)
        f->arcs[n++] = (struct flow_arc){s, 0, whole(sum_Bps[2 * s])};
    f->first[f->sink] = n;
    for (uint32_t s = 0; s < g->n_switches; s++)
        f->arcs[n++] = (struct flow_arc){s, 0, 0};
    f->first[f->n] = n;
}

/* The arc from b to a is found by bisection: rows are sorted by target. */
static uint32_t arc_to(const struct net_graph *g, uint32_t from, uint32_t to)
{
    uint32_t low = g->first[from], high = g->first[from + 1];
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (g->arcs[mid].to < to)
            low = mid + 1;
        else
            high = mid;
    }
    BUG_IF(low == g->first[from + 1] || g->arcs[low].to != to); /* cables go both ways */
    return low - g->first[from];
}

static void pair_arcs(const struct net_graph *g, struct flow_graph *f)
{
    for (uint32_t s = 0; s < g->n_switches; s++) {
        uint32_t row = f->first[s], n = g->first[s + 1] - g->first[s];
        for (uint32_t i = 0; i < n; i++) {
            uint32_t to = f->arcs[row + i].to;
            f->arcs[row + i].back = f->first[to] + arc_to(g, to, s);
        }
        f->arcs[row + n].back = f->first[f->source] + s;
        f->arcs[row + n + 1].back = f->first[f->sink] + s;
        f->arcs[f->first[f->source] + s].back = row + n;
        f->arcs[f->first[f->sink] + s].back = row + n + 1;
    }
}

double bisection_flow_Bps(const struct topology *t, const struct net_graph *g, const uint8_t *side, struct arena *a)
{
    uint32_t n = g->n_switches + 2, n_arcs = g->n_arcs + 4 * g->n_switches;
    struct flow_graph f = {.n = n, .source = n - 2, .sink = n - 1, .n_arcs = n_arcs};
    f.first = ARENA_ARRAY(a, uint32_t, n + 1);
    f.next_try = ARENA_ARRAY(a, uint32_t, n);
    f.level = ARENA_ARRAY(a, uint32_t, n);
    f.queue = ARENA_ARRAY(a, uint32_t, n);
    f.path = ARENA_ARRAY(a, uint32_t, n);
    f.arcs = ARENA_ARRAY(a, struct flow_arc, n_arcs);
    lay_arcs(g, sides_Bps(t, g, side, a), &f);
    pair_arcs(g, &f);
    int64_t sum = 0;
    while (find_levels(&f))
        sum += block(&f);
    return (double)sum;
}

/* --- halvings --------------------------------------------------------------------------------------- */

struct ranked {
    double key;
    uint32_t node;
};

static int by_key(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return (x->node > y->node) - (x->node < y->node);
}

static void halve(struct ranked *order, uint32_t nodes, uint8_t *side)
{
    qsort(order, nodes, sizeof *order, by_key);
    for (uint32_t i = 0; i < nodes; i++)
        side[order[i].node] = i >= nodes / 2;
}

/* One step of power iteration on (c - Laplacian): nodes first, then switches. */
static void fiedler_step(const struct topology *t, const struct net_graph *g, uint32_t nodes, const double *degree,
                         double c, const double *x, double *y)
{
    uint32_t n = nodes + g->n_switches;
    for (uint32_t v = 0; v < n; v++)
        y[v] = (c - degree[v]) * x[v];
    for (uint32_t p = 0; p < g->n_ports; p++) {
        uint32_t node = g->endpoint[p] / t->gpus_per_node, s = nodes + g->switch_of[p];
        y[node] += x[s];
        y[s] += x[node];
    }
    for (uint32_t s = 0; s < g->n_switches; s++)
        for (uint32_t i = g->first[s]; i < g->first[s + 1]; i++)
            y[nodes + s] += g->arcs[i].cables * x[nodes + g->arcs[i].to];
}

/* Orthogonal to the constant vector, length 1. */
static void normalise(double *x, uint32_t n)
{
    double mean = 0, square = 0;
    for (uint32_t v = 0; v < n; v++)
        mean += x[v] / n;
    for (uint32_t v = 0; v < n; v++) {
        x[v] -= mean;
        square += x[v] * x[v];
    }
    for (uint32_t v = 0; v < n && square > 0; v++)
        x[v] /= sqrt(square);
}

static double fill_degrees(const struct topology *t, const struct net_graph *g, uint32_t nodes, double *degree)
{
    double most = 0;
    for (uint32_t p = 0; p < g->n_ports; p++) {
        degree[g->endpoint[p] / t->gpus_per_node]++;
        degree[nodes + g->switch_of[p]]++;
    }
    for (uint32_t s = 0; s < g->n_switches; s++)
        for (uint32_t i = g->first[s]; i < g->first[s + 1]; i++)
            degree[nodes + s] += g->arcs[i].cables;
    for (uint32_t v = 0; v < nodes + g->n_switches; v++)
        most = fmax(most, degree[v]);
    return most;
}

static void rank_spectral(const struct topology *t, const struct net_graph *g, uint32_t nodes, struct ranked *order,
                          struct arena *a)
{
    uint32_t n = nodes + g->n_switches;
    double *x = ARENA_ARRAY(a, double, n), *y = ARENA_ARRAY(a, double, n);
    double *degree = ARENA_ARRAY(a, double, n), most = fill_degrees(t, g, nodes, degree);
    gsl_rng *rng = rng_stream(1, 0, "fiedler");
    for (uint32_t v = 0; v < n; v++)
        x[v] = gsl_rng_uniform(rng) - 0.5;
    gsl_rng_free(rng);
    for (int step = 0; step < FIEDLER_STEPS; step++) {
        normalise(x, n);
        fiedler_step(t, g, nodes, degree, 2 * most, x, y); /* eigenvalues are at most 2 * most */
        double *swap = x;
        x = y;
        y = swap;
    }
    for (uint32_t i = 0; i < nodes; i++)
        order[i] = (struct ranked){x[i], i};
}

static void rank_random(uint32_t nodes, uint32_t number, struct ranked *order)
{
    gsl_rng *rng = rng_stream(1, number, "bisection");
    for (uint32_t i = 0; i < nodes; i++)
        order[i] = (struct ranked){gsl_rng_uniform(rng), i};
    gsl_rng_free(rng);
}

static void rank(const struct topology *t, const struct net_graph *g, uint32_t nodes, uint32_t number,
                 struct ranked *order, struct arena *a)
{
    if (number == 1)
        rank_spectral(t, g, nodes, order, a);
    else if (number > 1)
        rank_random(nodes, number, order);
    else
        for (uint32_t i = 0; i < nodes; i++)
            order[i] = (struct ranked){i, i};
}

static double half_nics_Bps(const struct topology *t, const struct net_graph *g, const uint8_t *side)
{
    double sum_Bps[2] = {0, 0};
    for (uint32_t p = 0; p < g->n_ports; p++)
        sum_Bps[side[g->endpoint[p] / t->gpus_per_node]] += g->port_Bps[p];
    return fmin(sum_Bps[0], sum_Bps[1]);
}

void bisection_bound(const struct topology *t, const struct net_graph *g, struct arena *a, struct bisection *out)
{
    uint32_t nodes = t->n_endpoints / t->gpus_per_node;
    *out = (struct bisection){NAN, NAN, "there are no two nodes with a network between them"};
    if (nodes < 2 || !g->n_ports)
        return;
    uint32_t tries = g->n_arcs <= RANDOM_UP_TO_ARCS ? 2 + RANDOM_HALVINGS : 2;
    uint8_t *side = ARENA_ARRAY(a, uint8_t, nodes);
    struct ranked *order = ARENA_ARRAY(a, struct ranked, nodes);
    for (uint32_t i = 0; i < tries; i++) {
        rank(t, g, nodes, i, order, a);
        halve(order, nodes, side);
        double flow_Bps = bisection_flow_Bps(t, g, side, a);
        if (i && flow_Bps >= out->bandwidth_Bps)
            continue;
        out->bandwidth_Bps = flow_Bps;
        out->nic_Bps = half_nics_Bps(t, g, side);
    }
    out->method = tries > 2 ? "upper bound: least maximum flow between halves of the nodes, of six "
                              "halvings (by number, spectral, four at random)"
                            : "upper bound: least maximum flow between halves of the nodes, of two "
                              "halvings (by number, spectral)";
}

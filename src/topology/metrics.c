#include "topology/metrics.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "topology/bisection.h"

/* Cables that all searches together may look at before leaves are sampled: about a second. */
static const double SEARCH_BUDGET = 1e8;

static void count_ports(const struct net_graph *g, bool switchless, struct topo_metrics *out)
{
    out->radix_min = g->n_switches ? UINT32_MAX : 0;
    for (uint32_t s = 0; s < g->n_switches; s++) {
        uint32_t used = switchless ? 0 : g->nic_ports[s]; /* else the port is inside the GPU */
        for (uint32_t i = g->first[s]; i < g->first[s + 1]; i++)
            used += g->arcs[i].cables;
        out->radix_min = used < out->radix_min ? used : out->radix_min;
        out->radix_max = used > out->radix_max ? used : out->radix_max;
        out->leaves += g->nic_ports[s] > 0;
    }
}

/* --- shortest paths from one switch --------------------------------------------------------------- */

struct search {
    uint32_t *hops, *queue;
    double *paths;
};

static void search_from(const struct net_graph *g, uint32_t start, struct search *s, uint32_t *n)
{
    memset(s->hops, 0xff, g->n_switches * sizeof *s->hops);
    uint32_t tail = 0;
    s->hops[start] = 0;
    s->paths[start] = 1;
    s->queue[tail++] = start;
    for (uint32_t head = 0; head < tail; head++) {
        uint32_t at = s->queue[head];
        for (uint32_t i = g->first[at]; i < g->first[at + 1]; i++) {
            uint32_t to = g->arcs[i].to;
            if (s->hops[to] == UINT32_MAX) {
                s->hops[to] = s->hops[at] + 1;
                s->paths[to] = 0;
                s->queue[tail++] = to;
            }
            if (s->hops[to] == s->hops[at] + 1)
                s->paths[to] += s->paths[at];
        }
    }
    *n = tail;
}

struct sums {
    double pairs, hops;  /* over ordered pairs of NIC ports */
    double apart, paths; /* of these, on different switches */
    double min_paths;
    uint32_t diameter;
};

/* `weight` switches look like this one. */
static void add_leaf(const struct net_graph *g, uint32_t leaf, double weight, struct search *s, struct sums *sums)
{
    uint32_t reached;
    search_from(g, leaf, s, &reached);
    double from = g->nic_ports[leaf] * weight;
    sums->pairs += from * (g->nic_ports[leaf] - 1);
    for (uint32_t i = 1; i < reached; i++) {
        uint32_t to = s->queue[i];
        if (!g->nic_ports[to])
            continue;
        double pairs = from * g->nic_ports[to];
        sums->pairs += pairs;
        sums->apart += pairs;
        sums->hops += pairs * s->hops[to];
        sums->paths += pairs * s->paths[to];
        sums->min_paths = fmin(sums->min_paths, s->paths[to]);
        sums->diameter = s->hops[to] > sums->diameter ? s->hops[to] : sums->diameter;
    }
}

/* Twins see the same distances, so one search speaks for all of them; exact. */
static void measure_paths(const struct net_graph *g, struct arena *a, struct topo_metrics *out)
{
    struct search s = {.hops = ARENA_ARRAY(a, uint32_t, g->n_switches),
                       .queue = ARENA_ARRAY(a, uint32_t, g->n_switches),
                       .paths = ARENA_ARRAY(a, double, g->n_switches)};
    uint32_t *class_of = ARENA_ARRAY(a, uint32_t, g->n_switches);
    uint32_t *size = ARENA_ARRAY(a, uint32_t, g->n_switches), classes = 0, seen = 0;
    struct sums sums = {.min_paths = INFINITY};
    net_graph_twins(g, a, class_of);
    for (uint32_t i = 0; i < g->n_switches; i++)
        if (g->nic_ports[i])
            classes += !size[class_of[i]]++;
    uint32_t allowed = (uint32_t)fmax(8, fmin(SEARCH_BUDGET / (g->n_arcs + 1.0), UINT32_MAX));
    out->exact = classes <= allowed;
    for (uint32_t i = 0; i < g->n_switches; i++) {
        if (!size[i])
            continue;
        uint32_t before = out->exact ? seen : (uint32_t)((double)seen / classes * allowed);
        seen++;
        uint32_t after = out->exact ? seen : (uint32_t)((double)seen / classes * allowed);
        if (after == before)
            continue;
        add_leaf(g, i, size[i], &s, &sums);
        out->searched++;
    }
    out->diameter_hops = sums.diameter;
    out->mean_hops = sums.pairs > 0 ? sums.hops / sums.pairs : 0;
    out->mean_paths = sums.apart > 0 ? sums.paths / sums.apart : 1;
    out->min_paths = sums.apart > 0 ? sums.min_paths : 1;
}

/* --- what routing has to choose from -------------------------------------------------------------- */

enum { PAIRS = 1000000 };

static bool apart(const struct topology *t, uint32_t src, uint32_t dst)
{
    return src / t->gpus_per_node != dst / t->gpus_per_node;
}

static void measure_offered(const struct topology *t, struct topo_metrics *out)
{
    double sum = 0, pairs = 0, e = t->n_endpoints;
    out->offered_exact = e * e <= PAIRS;
    gsl_rng *rng = rng_stream(1, 0, "paths offered");
    uint32_t n = out->offered_exact ? t->n_endpoints * t->n_endpoints : PAIRS;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t src = i / t->n_endpoints, dst = i % t->n_endpoints;
        if (!out->offered_exact) {
            src = (uint32_t)gsl_rng_uniform_int(rng, t->n_endpoints);
            dst = (uint32_t)gsl_rng_uniform_int(rng, t->n_endpoints);
        }
        if (!apart(t, src, dst))
            continue;
        pairs++;
        sum += t->type->n_minimal(t, src, dst);
    }
    gsl_rng_free(rng);
    out->mean_offered = pairs > 0 ? sum / pairs : 0;
}

void topo_metrics(const struct topology *t, const struct net_graph *g, struct arena *a, struct topo_metrics *out)
{
    *out = (struct topo_metrics){.planes = g->n_planes};
    count_ports(g, t->type->switchless, out);
    measure_paths(g, a, out);
    measure_offered(t, out);
    struct bisection b;
    bisection_bound(t, g, a, &b);
    out->bisection_Bps = b.bandwidth_Bps;
    out->bisection_ratio = b.bandwidth_Bps / b.nic_Bps;
    out->bisection_method = b.method;
}

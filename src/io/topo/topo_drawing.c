/* A network as nodes and edges that can be looked at. Small ones whole: nodes and switches, parallel cables as one
 * edge with their number. Big ones are condensed: leaf switches with the same cables are one group, and level by level
 * the switches above that see the same groups are one. Where leaf switches are cabled to each other (Slim Fly,
 * Dragonfly), consecutive switches are one group, of the size with the best modularity (Newman, PNAS 2006), which finds
 * the Dragonfly's groups. */
#include "io/topo/topo_drawing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "topology/loads.h"

enum { WHOLE_UP_TO = 200 }; /* nodes and switches */

static void add_node(struct topo_drawing *d, struct drawn_node node)
{
    d->nodes[d->n_nodes++] = node;
}

static void add_edge(struct topo_drawing *d, uint32_t a, uint32_t b, uint32_t cables)
{
    d->edges[d->n_edges++] = (struct drawn_edge){a, b, cables, NAN, NAN};
}

/* --- groups ------------------------------------------------------------------------------------------------------- */

struct groups {
    const struct net_graph *g;
    uint32_t *of;    /* group of each switch; UINT32_MAX = not yet */
    uint32_t *level; /* cables to the nearest leaf switch */
    uint32_t n;
};

static uint32_t find_levels(struct groups *p, struct arena *a)
{
    const struct net_graph *g = p->g;
    uint32_t *queue = ARENA_ARRAY(a, uint32_t, g->n_switches), tail = 0, top = 0;
    for (uint32_t s = 0; s < g->n_switches; s++) {
        p->level[s] = g->nic_ports[s] ? 0 : UINT32_MAX;
        if (g->nic_ports[s])
            queue[tail++] = s;
    }
    for (uint32_t head = 0; head < tail; head++)
        for (uint32_t i = g->first[queue[head]]; i < g->first[queue[head] + 1]; i++) {
            uint32_t to = g->arcs[i].to;
            if (p->level[to] != UINT32_MAX)
                continue;
            p->level[to] = top = p->level[queue[head]] + 1;
            queue[tail++] = to;
        }
    return top;
}

/* How much more cable lies inside blocks of `size` switches than chance would put there. */
static double modularity(const struct net_graph *g, uint32_t size)
{
    double inside = 0, expected = 0, all = 2.0 * (double)g->n_cables;
    for (uint32_t block = 0; block < g->n_switches; block += size) {
        double ends = 0;
        uint32_t end = block + size < g->n_switches ? block + size : g->n_switches;
        for (uint32_t i = g->first[block]; i < g->first[end]; i++) {
            ends += g->arcs[i].cables;
            inside += g->arcs[i].to / size == block / size ? g->arcs[i].cables : 0;
        }
        expected += ends * ends;
    }
    return all > 0 ? inside / all - expected / (all * all) : 0;
}

/* Sizes that divide the switches evenly, and powers of two where nothing does. */
static void group_blocks(struct groups *p)
{
    uint32_t best = 1, n = p->g->n_switches;
    double most = -INFINITY;
    for (uint32_t size = 2; size < n; size++) {
        if (n % size && (size & (size - 1)))
            continue;
        double q = modularity(p->g, size);
        if (q <= most)
            continue;
        most = q;
        best = size;
    }
    for (uint32_t s = 0; s < n; s++)
        p->of[s] = s / best;
    p->n = (n + best - 1) / best;
}

static bool leaves_meet(const struct net_graph *g)
{
    for (uint32_t s = 0; s < g->n_switches; s++)
        for (uint32_t i = g->first[s]; i < g->first[s + 1]; i++)
            if (g->nic_ports[s] && g->nic_ports[g->arcs[i].to])
                return true;
    return false;
}

struct sight {
    uint32_t s, n, *groups; /* sorted: the groups below that switch s is cabled to */
};

static int by_number(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static int by_groups(const void *a, const void *b)
{
    const struct sight *x = a, *y = b;
    if (x->n != y->n)
        return x->n < y->n ? -1 : 1;
    return x->n ? memcmp(x->groups, y->groups, x->n * sizeof *x->groups) : 0;
}

static int by_groups_then_switch(const void *a, const void *b)
{
    int order = by_groups(a, b);
    return order ? order : by_number(&((const struct sight *)a)->s, &((const struct sight *)b)->s);
}

static struct sight look_down(const struct groups *p, uint32_t s, struct arena *a)
{
    const struct net_graph *g = p->g;
    struct sight v = {.s = s, .groups = ARENA_ARRAY(a, uint32_t, g->first[s + 1] - g->first[s])};
    uint32_t n = 0;
    for (uint32_t i = g->first[s]; i < g->first[s + 1]; i++)
        if (p->level[g->arcs[i].to] < p->level[s])
            v.groups[n++] = p->of[g->arcs[i].to];
    qsort(v.groups, n, sizeof *v.groups, by_number);
    for (uint32_t i = 0; i < n; i++)
        if (!i || v.groups[i] != v.groups[i - 1])
            v.groups[v.n++] = v.groups[i];
    return v;
}

static void group_level(struct groups *p, uint32_t level, struct arena *a)
{
    struct sight *seen = ARENA_ARRAY(a, struct sight, p->g->n_switches);
    uint32_t n = 0;
    for (uint32_t s = 0; s < p->g->n_switches; s++)
        if (p->level[s] == level)
            seen[n++] = look_down(p, s, a);
    qsort(seen, n, sizeof *seen, by_groups_then_switch);
    for (uint32_t i = 0; i < n; i++) {
        if (!i || by_groups(&seen[i - 1], &seen[i]))
            p->n++;
        p->of[seen[i].s] = p->n - 1;
    }
}

static void group_switches(struct groups *p, struct arena *a)
{
    const struct net_graph *g = p->g;
    uint32_t *twin = ARENA_ARRAY(a, uint32_t, g->n_switches), top = find_levels(p, a);
    if (leaves_meet(g)) {
        group_blocks(p);
        return;
    }
    net_graph_twins(g, a, twin);
    for (uint32_t s = 0; s < g->n_switches; s++)
        if (g->nic_ports[s])
            p->of[s] = twin[s] == s ? p->n++ : p->of[twin[s]];
    for (uint32_t level = 1; level <= top; level++)
        group_level(p, level, a);
}

/* --- whole -------------------------------------------------------------------------------------------------------- */

static bool is_of(const struct topology *t, const struct net_graph *g, uint32_t port, uint32_t node)
{
    return g->endpoint[port] / t->gpus_per_node == node;
}

static void add_nic_cables(struct topo_drawing *d, const struct topology *t, const struct net_graph *g, uint32_t node,
                           uint32_t first_switch)
{
    for (uint32_t p = 0; p < g->n_ports; p++) {
        uint32_t cables = 0, earlier = 0;
        for (uint32_t q = 0; q < g->n_ports && is_of(t, g, p, node); q++) {
            bool too = g->switch_of[q] == g->switch_of[p] && is_of(t, g, q, node);
            cables += too;
            earlier += too && q < p;
        }
        if (cables && !earlier)
            add_edge(d, node, first_switch + g->switch_of[p], cables);
    }
}

/* Without switches: nodes cabled to each other. */
static void draw_switchless(struct topo_drawing *d, const struct topology *t, const struct net_graph *g)
{
    for (uint32_t i = 0; i < g->n_switches; i++) {
        add_node(d, (struct drawn_node){.kind = DRAWN_NODE, .number = i, .gpus = t->gpus_per_node});
        for (uint32_t k = g->first[i]; k < g->first[i + 1]; k++)
            if (g->arcs[k].to > i)
                add_edge(d, i, g->arcs[k].to, g->arcs[k].cables);
    }
}

/* Compute nodes are level 0, switches come above them. */
static void draw_whole(struct topo_drawing *d, const struct topology *t, const struct net_graph *g,
                       const struct groups *p)
{
    uint32_t n_nodes = t->n_endpoints / t->gpus_per_node;
    for (uint32_t i = 0; i < n_nodes; i++) {
        add_node(d, (struct drawn_node){.kind = DRAWN_NODE, .number = i, .gpus = t->gpus_per_node});
        add_nic_cables(d, t, g, i, n_nodes);
    }
    for (uint32_t s = 0; s < g->n_switches; s++) {
        add_node(d, (struct drawn_node){.kind = DRAWN_SWITCH,
                                        .number = s,
                                        .plane = g->plane[s],
                                        .switches = 1,
                                        .level = p->level[s] == UINT32_MAX ? 1 : p->level[s] + 1});
        for (uint32_t i = g->first[s]; i < g->first[s + 1]; i++)
            if (g->arcs[i].to > s)
                add_edge(d, n_nodes + s, n_nodes + g->arcs[i].to, g->arcs[i].cables);
    }
}

/* --- condensed ---------------------------------------------------------------------------------------------------- */

static int by_ends(const void *x, const void *y)
{
    const struct drawn_edge *p = x, *q = y;
    int order = by_number(&p->a, &q->a);
    return order ? order : by_number(&p->b, &q->b);
}

static void draw_groups(struct topo_drawing *d, const struct groups *p)
{
    const struct net_graph *g = p->g;
    for (uint32_t i = 0; i < p->n; i++)
        add_node(d, (struct drawn_node){.kind = DRAWN_GROUP, .number = i});
    for (uint32_t s = 0; s < g->n_switches; s++) {
        if (p->of[s] == UINT32_MAX)
            continue;
        struct drawn_node *group = &d->nodes[p->of[s]];
        group->switches++;
        group->nic_ports += g->nic_ports[s];
        group->level = p->level[s] == UINT32_MAX ? 0 : p->level[s];
        for (uint32_t i = g->first[s]; i < g->first[s + 1]; i++)
            group->inside += p->of[g->arcs[i].to] == p->of[s] ? g->arcs[i].cables : 0;
    }
    for (uint32_t i = 0; i < p->n; i++)
        d->nodes[i].inside /= 2; /* seen from both ends */
}

static void draw_group_edges(struct topo_drawing *d, const struct groups *p)
{
    const struct net_graph *g = p->g;
    uint32_t kept = 0;
    for (uint32_t s = 0; s < g->n_switches; s++)
        for (uint32_t i = g->first[s]; i < g->first[s + 1]; i++)
            if (p->of[s] < p->of[g->arcs[i].to])
                add_edge(d, p->of[s], p->of[g->arcs[i].to], g->arcs[i].cables);
    qsort(d->edges, d->n_edges, sizeof *d->edges, by_ends);
    for (uint32_t i = 0; i < d->n_edges; i++) {
        if (kept && !by_ends(&d->edges[kept - 1], &d->edges[i]))
            d->edges[kept - 1].cables += d->edges[i].cables;
        else
            d->edges[kept++] = d->edges[i];
    }
    d->n_edges = kept;
}

/* --- loads ---------------------------------------------------------------------------------------------------------- */

enum { NOWHERE = UINT32_MAX };
static const double most_pairs = 5e5;

/* What a vertex is drawn as. */
static uint32_t drawn_as(const struct topology *t, const struct topo_drawing *d, const struct groups *p,
                         uint32_t vertex)
{
    uint32_t first = topology_first_switch(t), n_nodes = t->n_endpoints / t->gpus_per_node;
    if (vertex >= first)
        return d->condensed ? p->of[vertex - first] : n_nodes + vertex - first;
    if (d->condensed)
        return NOWHERE;
    uint32_t gpu = vertex < t->n_endpoints ? vertex : topology_port_owner(t, vertex - t->n_endpoints);
    return gpu == TOPOLOGY_NONE ? NOWHERE : gpu / t->gpus_per_node;
}

static double least_share_Bps(const struct topology *t, const uint32_t *flows)
{
    double least = INFINITY;
    for (uint32_t i = 0; i < t->n_links; i++)
        if (flows[i])
            least = fmin(least, t->links[i].capacity_Bps / flows[i]);
    return least;
}

static int by_ends_of(const void *x, const void *y)
{
    return by_ends(*(struct drawn_edge *const *)x, *(struct drawn_edge *const *)y);
}

/* Edges in order of their ends, for lookups. */
static struct drawn_edge **sorted_edges(struct topo_drawing *d, struct arena *a)
{
    struct drawn_edge **sorted = ARENA_ARRAY(a, struct drawn_edge *, d->n_edges + 1);
    for (uint32_t i = 0; i < d->n_edges; i++)
        sorted[i] = &d->edges[i];
    qsort(sorted, d->n_edges, sizeof *sorted, by_ends_of);
    return sorted;
}

static void add_loads(struct topo_drawing *d, const struct topology *t, const struct groups *p, struct arena *a)
{
    uint32_t *flows = topo_flows(t, most_pairs);
    if (!flows)
        return;
    struct drawn_edge **sorted = sorted_edges(d, a);
    double each_Bps = least_share_Bps(t, flows);
    for (uint32_t i = 0; i < t->n_links; i++) {
        uint32_t from = drawn_as(t, d, p, t->links[i].a), to = drawn_as(t, d, p, t->links[i].b);
        struct drawn_edge ends = {.a = from < to ? from : to, .b = from < to ? to : from}, *key = &ends;
        struct drawn_edge **found = bsearch(&key, sorted, d->n_edges, sizeof *sorted, by_ends_of);
        if (from == to || !found)
            continue;
        (*found)->flows = fmax((*found)->flows, flows[i]);
        (*found)->load = fmax((*found)->load, flows[i] * each_Bps / t->links[i].capacity_Bps);
    }
    free(flows);
}

void topo_draw(const struct topology *t, const struct net_graph *g, struct arena *a, struct topo_drawing *d)
{
    uint32_t n = g->n_switches, n_nodes = t->n_endpoints / t->gpus_per_node;
    struct groups p = {g, ARENA_ARRAY(a, uint32_t, n + 1), ARENA_ARRAY(a, uint32_t, n + 1), 0};
    bool switchless = t->type->switchless;
    uint32_t drawn = switchless ? n : n_nodes + n;
    *d = (struct topo_drawing){.condensed = drawn > WHOLE_UP_TO, .leaves_meet = leaves_meet(g)};
    d->nodes = ARENA_ARRAY(a, struct drawn_node, (size_t)n_nodes + n + 1);
    d->edges = ARENA_ARRAY(a, struct drawn_edge, (size_t)g->n_arcs + g->n_ports + 1);
    memset(p.of, 0xff, n * sizeof *p.of);
    if (d->condensed) {
        group_switches(&p, a);
        draw_groups(d, &p);
        draw_group_edges(d, &p);
    } else if (switchless) {
        draw_switchless(d, t, g);
    } else {
        find_levels(&p, a);
        draw_whole(d, t, g, &p);
    }
    if (!switchless)
        add_loads(d, t, &p, a);
}

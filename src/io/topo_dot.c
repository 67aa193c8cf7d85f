/* Networks for Graphviz. Small ones are drawn whole: nodes as boxes, switches as circles, parallel
 * cables as one edge with their number. Big ones are condensed: leaf switches with the same cables are
 * one group, and level by level the switches above that see the same groups are one. Where leaf switches
 * are cabled to each other (Slim Fly, Dragonfly), consecutive switches are one group, of the size with
 * the best modularity (Newman, PNAS 2006), which finds the Dragonfly's groups. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/topo_writers.h"

enum { WHOLE_UP_TO = 200 }; /* nodes and switches */

static uint32_t n_nodes(const struct topology *t)
{
    return t->n_endpoints / t->gpus_per_node;
}

/* --- whole ------------------------------------------------------------------------------------------ */

static void draw_nic_cables(const struct topo_report *r, uint32_t node, struct outfile *f)
{
    const struct net_graph *g = r->graph;
    uint32_t ports = r->topo->gpus_per_node * r->topo->ports_per_nic, first = node * ports;
    for (uint32_t p = first; p < first + ports; p++) {
        uint32_t cables = 0, earlier = 0;
        for (uint32_t q = first; q < first + ports; q++) {
            cables += g->switch_of[q] == g->switch_of[p];
            earlier += q < p && g->switch_of[q] == g->switch_of[p];
        }
        if (!earlier)
            outfile_printf(f, "  n%u -- s%u [label=\"%u\"];\n", node, g->switch_of[p], cables);
    }
}

static void draw_whole(const struct topo_report *r, struct outfile *f)
{
    const struct net_graph *g = r->graph;
    for (uint32_t i = 0; i < n_nodes(r->topo); i++) {
        outfile_printf(f, "  n%u [shape=box, label=\"node %u\\n%u GPUs\"];\n", i, i,
                       r->topo->gpus_per_node);
        draw_nic_cables(r, i, f);
    }
    for (uint32_t s = 0; s < g->n_switches; s++) {
        outfile_printf(f, "  s%u [shape=circle, label=\"switch %u\\nplane %u\"];\n", s, s,
                       g->plane[s]);
        for (uint32_t i = g->first[s]; i < g->first[s + 1]; i++)
            if (g->arcs[i].to > s)
                outfile_printf(f, "  s%u -- s%u [label=\"%u\"];\n", s, g->arcs[i].to,
                               g->arcs[i].cables);
    }
}

/* --- groups ----------------------------------------------------------------------------------------- */

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

/* --- condensed -------------------------------------------------------------------------------------- */

struct edge {
    uint32_t a, b, cables;
};

static int by_ends(const void *x, const void *y)
{
    const struct edge *p = x, *q = y;
    int order = by_number(&p->a, &q->a);
    return order ? order : by_number(&p->b, &q->b);
}

static void draw_groups(const struct topo_report *r, const struct groups *p, struct outfile *f)
{
    const struct net_graph *g = p->g;
    uint32_t *switches = ARENA_ARRAY(r->arena, uint32_t, p->n);
    uint32_t *nics = ARENA_ARRAY(r->arena, uint32_t, p->n);
    uint32_t *inside = ARENA_ARRAY(r->arena, uint32_t, p->n);
    for (uint32_t s = 0; s < g->n_switches; s++) {
        if (p->of[s] == UINT32_MAX)
            continue;
        switches[p->of[s]]++;
        nics[p->of[s]] += g->nic_ports[s];
        for (uint32_t i = g->first[s]; i < g->first[s + 1]; i++)
            inside[p->of[s]] += p->of[g->arcs[i].to] == p->of[s] ? g->arcs[i].cables : 0;
    }
    for (uint32_t i = 0; i < p->n; i++) {
        outfile_printf(f, "  g%u [shape=%s, label=\"%u switch%s", i, nics[i] ? "box" : "ellipse",
                       switches[i], switches[i] == 1 ? "" : "es");
        if (nics[i])
            outfile_printf(f, "\\n%u NIC ports", nics[i]);
        if (inside[i])
            outfile_printf(f, "\\n%u cables inside", inside[i] / 2);
        outfile_printf(f, "\"];\n");
    }
}

static void draw_group_edges(const struct topo_report *r, const struct groups *p,
                             struct outfile *f)
{
    const struct net_graph *g = p->g;
    struct edge *edges = ARENA_ARRAY(r->arena, struct edge, g->n_arcs + 1);
    uint32_t n = 0, kept = 0;
    for (uint32_t s = 0; s < g->n_switches; s++)
        for (uint32_t i = g->first[s]; i < g->first[s + 1]; i++)
            if (p->of[s] < p->of[g->arcs[i].to])
                edges[n++] = (struct edge){p->of[s], p->of[g->arcs[i].to], g->arcs[i].cables};
    qsort(edges, n, sizeof *edges, by_ends);
    for (uint32_t i = 0; i < n; i++) {
        if (kept && !by_ends(&edges[kept - 1], &edges[i]))
            edges[kept - 1].cables += edges[i].cables;
        else
            edges[kept++] = edges[i];
    }
    for (uint32_t i = 0; i < kept; i++)
        outfile_printf(f, "  g%u -- g%u [label=\"%u\"];\n", edges[i].a, edges[i].b,
                       edges[i].cables);
}

static void draw_condensed(const struct topo_report *r, struct outfile *f)
{
    uint32_t n = r->graph->n_switches;
    struct groups p = {r->graph, ARENA_ARRAY(r->arena, uint32_t, n),
                       ARENA_ARRAY(r->arena, uint32_t, n), 0};
    memset(p.of, 0xff, n * sizeof *p.of);
    group_switches(&p, r->arena);
    outfile_printf(f, "  // condensed: %u switches as %u groups; edges count cables\n", n, p.n);
    draw_groups(r, &p, f);
    draw_group_edges(r, &p, f);
}

int topo_write_dot(const struct topo_report *r, struct outfile *f, struct diag *diag)
{
    (void)diag;
    outfile_printf(f, "graph %s {\n  // %s: %u GPUs, %u switches, %llu cables\n", r->type->name,
                   r->type->doc, r->topo->n_endpoints, r->graph->n_switches,
                   (unsigned long long)r->graph->n_cables);
    if (n_nodes(r->topo) + r->graph->n_switches <= WHOLE_UP_TO)
        draw_whole(r, f);
    else
        draw_condensed(r, f);
    outfile_printf(f, "}\n");
    return 0;
}

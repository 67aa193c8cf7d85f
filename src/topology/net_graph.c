#include "topology/net_graph.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "topology/ends.h"

static bool between_switches(const struct topology *t, const struct topo_link *l)
{
    return l->a >= topology_first_switch(t) && l->b >= topology_first_switch(t);
}

/* A cable out of a NIC port ends at a switch. */
static bool out_of_nic(const struct topology *t, const struct topo_link *l)
{
    return l->kind == LINK_NIC && l->a >= t->n_endpoints && l->a < topology_first_switch(t) &&
           l->b >= topology_first_switch(t);
}

static int by_target(const void *a, const void *b)
{
    const struct net_arc *x = a, *y = b;
    return (x->to > y->to) - (x->to < y->to);
}

static void place_arcs(const struct topology *t, struct net_graph *g)
{
    uint32_t base = topology_first_switch(t);
    for (uint32_t i = 0; i < t->n_links; i++)
        if (between_switches(t, &t->links[i]))
            g->first[t->links[i].a - base + 1]++;
    for (uint32_t s = 0; s < g->n_switches; s++)
        g->first[s + 1] += g->first[s];
    for (uint32_t i = 0; i < t->n_links; i++) {
        const struct topo_link *l = &t->links[i];
        if (between_switches(t, l))
            g->arcs[g->first[l->a - base]++] = (struct net_arc){l->b - base, 1, l->capacity_Bps, l->latency_s};
    }
    for (uint32_t s = g->n_switches; s > 0; s--) /* filling moved each start to its end */
        g->first[s] = g->first[s - 1];
    g->first[0] = 0;
}

static void merge_parallel(struct net_graph *g)
{
    uint32_t kept = 0, begin = 0;
    for (uint32_t s = 0; s < g->n_switches; s++) {
        uint32_t end = g->first[s + 1], row = kept;
        qsort(g->arcs + begin, end - begin, sizeof *g->arcs, by_target);
        for (uint32_t i = begin; i < end; i++) {
            if (kept > row && g->arcs[kept - 1].to == g->arcs[i].to) {
                g->arcs[kept - 1].cables++;
                g->arcs[kept - 1].capacity_Bps += g->arcs[i].capacity_Bps;
            } else {
                g->arcs[kept++] = g->arcs[i];
            }
        }
        begin = end;
        g->first[s + 1] = kept;
    }
    g->n_arcs = kept;
}

/* Of a port, when all of its NIC send. */
static double share_Bps(const struct topology *t)
{
    uint32_t link;
    return t->n_endpoints && ends_shared_out(t, 0, &link) ? t->links[link].capacity_Bps / t->ports_per_nic : INFINITY;
}

static void attach_ports(const struct topology *t, struct net_graph *g)
{
    uint32_t base = topology_first_switch(t);
    double most_Bps = share_Bps(t);
    for (uint32_t i = 0; i < t->n_links; i++) {
        const struct topo_link *l = &t->links[i];
        if (!out_of_nic(t, l) || topology_port_owner(t, l->a - t->n_endpoints) == TOPOLOGY_NONE)
            continue;
        g->endpoint[g->n_ports] = topology_port_owner(t, l->a - t->n_endpoints);
        g->switch_of[g->n_ports] = l->b - base;
        g->port_Bps[g->n_ports++] = fmin(l->capacity_Bps, most_Bps);
        g->nic_ports[l->b - base]++;
    }
}

static void find_planes(struct net_graph *g, struct arena *a)
{
    uint32_t *stack = ARENA_ARRAY(a, uint32_t, g->n_switches + 1);
    memset(g->plane, 0xff, g->n_switches * sizeof *g->plane);
    for (uint32_t s = 0; s < g->n_switches; s++) {
        if (g->plane[s] != UINT32_MAX)
            continue;
        uint32_t depth = 0;
        stack[depth++] = s;
        g->plane[s] = g->n_planes;
        while (depth) {
            uint32_t at = stack[--depth];
            for (uint32_t i = g->first[at]; i < g->first[at + 1]; i++)
                if (g->plane[g->arcs[i].to] == UINT32_MAX) {
                    g->plane[g->arcs[i].to] = g->n_planes;
                    stack[depth++] = g->arcs[i].to;
                }
        }
        g->n_planes++;
    }
}

void net_graph_build(const struct topology *t, struct arena *a, struct net_graph *g)
{
    uint32_t arcs = 0;
    for (uint32_t i = 0; i < t->n_links; i++)
        arcs += between_switches(t, &t->links[i]);
    *g = (struct net_graph){.n_switches = t->n_vertices - topology_first_switch(t), .n_cables = arcs / 2};
    g->first = ARENA_ARRAY(a, uint32_t, g->n_switches + 1);
    g->arcs = ARENA_ARRAY(a, struct net_arc, arcs);
    g->nic_ports = ARENA_ARRAY(a, uint32_t, g->n_switches);
    g->endpoint = ARENA_ARRAY(a, uint32_t, t->n_ports);
    g->switch_of = ARENA_ARRAY(a, uint32_t, t->n_ports);
    g->port_Bps = ARENA_ARRAY(a, double, t->n_ports);
    g->plane = ARENA_ARRAY(a, uint32_t, g->n_switches);
    place_arcs(t, g);
    merge_parallel(g);
    attach_ports(t, g);
    find_planes(g, a);
}

/* --- twins ---------------------------------------------------------------------------------------- */

struct keyed {
    const struct net_graph *g;
    uint32_t s;
};

static int by_cables(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    const struct net_graph *g = x->g;
    uint32_t n = g->first[x->s + 1] - g->first[x->s], m = g->first[y->s + 1] - g->first[y->s];
    if (n != m)
        return n < m ? -1 : 1;
    if (g->nic_ports[x->s] != g->nic_ports[y->s])
        return g->nic_ports[x->s] < g->nic_ports[y->s] ? -1 : 1;
    for (uint32_t i = 0; i < n; i++) {
        const struct net_arc *p = &g->arcs[g->first[x->s] + i], *q = &g->arcs[g->first[y->s] + i];
        if (p->to != q->to)
            return p->to < q->to ? -1 : 1;
        if (p->cables != q->cables)
            return p->cables < q->cables ? -1 : 1;
    }
    return 0;
}

static int by_cables_then_number(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    int order = by_cables(a, b);
    return order ? order : (x->s > y->s) - (x->s < y->s);
}

void net_graph_twins(const struct net_graph *g, struct arena *a, uint32_t *class_of)
{
    struct keyed *order = ARENA_ARRAY(a, struct keyed, g->n_switches);
    for (uint32_t s = 0; s < g->n_switches; s++)
        order[s] = (struct keyed){g, s};
    qsort(order, g->n_switches, sizeof *order, by_cables_then_number);
    for (uint32_t i = 0, head = 0; i < g->n_switches; i++) {
        if (i && by_cables(&order[head], &order[i]))
            head = i;
        class_of[order[i].s] = order[head].s;
    }
}

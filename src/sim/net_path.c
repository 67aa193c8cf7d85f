#include "sim/net_path.h"

#include <math.h>
#include <string.h>

struct making {
    const struct sim_spec *spec;
    const struct router *r;
    const struct transfer *t;
    struct routing_key key;
};

/* Writes a route to `links`, which has room for ROUTE_MAX_LINKS; 0: none is whole. */
static uint32_t route(const struct making *m, uint32_t src, uint32_t dst, uint32_t *links)
{
    const struct topology *topo = m->spec->topo;
    struct routing_key key = m->key;
    key.src = src;
    key.dst = dst;
    if (m->t->pinned)
        return topo->type->path(topo, src, dst, m->t->pinned - 1, links);
    return routing_choose(m->r, &key, links);
}

static double latency_of(const struct making *m, const uint32_t *links, uint32_t n)
{
    double sum_s = m->t->latency_s;
    for (uint32_t i = 0; i < n; i++)
        sum_s += m->spec->topo->links[links[i]].latency_s;
    return sum_s;
}

/* An NVLink hop is two links, out of a GPU and into one. */
static uint32_t keep_half(uint8_t hop, uint32_t *links, uint32_t n)
{
    BUG_IF(n != 2);
    if (hop == HOP_IN)
        links[0] = links[1];
    return 1;
}

static void add_link(struct net_path *p, uint32_t link)
{
    BUG_IF(p->n == NET_MAX_LINKS);
    p->links[p->n++] = link;
}

static bool has_link(const struct net_path *p, uint32_t link)
{
    for (uint32_t i = 0; i < p->n; i++)
        if (p->links[i] == link)
            return true;
    return false;
}

/* Adds the links that other branches do not cross. */
static bool add_branch(const struct making *m, const struct transfer_tree *tree, uint32_t device, struct net_path *out)
{
    uint32_t links[ROUTE_MAX_LINKS], root = tree->inward ? m->t->dst : m->t->src;
    uint32_t n = tree->inward ? route(m, device, root, links) : route(m, root, device, links);
    if (n && m->t->hop != HOP_WHOLE)
        n = keep_half(m->t->hop, links, n);
    for (uint32_t i = 0; i < n; i++)
        if (!has_link(out, links[i]))
            add_link(out, links[i]);
    out->latency_s = fmax(out->latency_s, latency_of(m, links, n));
    return n > 0;
}

static bool add_tree(const struct making *m, struct net_path *out)
{
    const struct opgraph *g = m->spec->graph;
    const struct transfer_tree *tree = &g->trees[m->t->tree - 1];
    const struct branch *b = g->branches + tree->first;
    for (uint32_t i = 0; i < tree->n; i++)
        if (!add_branch(m, tree, b[i].device, out))
            return false;
    out->n_network = out->n;
    for (uint32_t i = 0; i < tree->n; i++)
        if (b[i].res != OP_NONE && !has_link(out, m->spec->topo->n_links + b[i].res))
            add_link(out, m->spec->topo->n_links + b[i].res);
    return true;
}

static bool add_route(const struct making *m, struct net_path *out)
{
    if (m->t->src == m->t->dst)
        return true;
    out->n = route(m, m->t->src, m->t->dst, out->links);
    if (out->n && m->t->hop != HOP_WHOLE)
        out->n = keep_half(m->t->hop, out->links, out->n);
    out->n_network = out->n;
    out->latency_s = latency_of(m, out->links, out->n);
    return out->n > 0;
}

bool net_path_of(const struct sim_spec *spec, const struct router *r, uint32_t transfer, uint32_t part, bool again,
                 struct net_path *out)
{
    const struct transfer *t = &spec->graph->transfers[transfer];
    struct making m = {spec, r, t, {.message = transfer, .part = part, .again = again}};
    out->n = out->n_network = 0;
    out->latency_s = t->latency_s;
    if (t->tree ? !add_tree(&m, out) : !add_route(&m, out))
        return false;
    for (uint32_t i = 0; i < t->n_res; i++)
        add_link(out, spec->topo->n_links + t->res[i]);
    return true;
}

bool net_path_sprayed(const struct sim_spec *spec, struct spreading *spreading, const uint8_t *down, uint32_t transfer,
                      struct net_path *out, struct spread_route *parts)
{
    const struct transfer *t = &spec->graph->transfers[transfer];
    if (!spreading_route(spreading, down, t->src, t->dst, parts))
        return false;
    out->n = parts->n_alone;
    memcpy(out->links, parts->alone, out->n * sizeof *out->links);
    if (t->hop != HOP_WHOLE)
        out->n = keep_half(t->hop, out->links, out->n);
    out->n_network = out->n;
    out->latency_s = t->latency_s + parts->latency_s;
    for (uint32_t i = 0; i < t->n_res; i++)
        add_link(out, spec->topo->n_links + t->res[i]);
    return true;
}

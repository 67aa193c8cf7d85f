#include "topology/opensm.h"

#include <stdlib.h>
#include <string.h>

#include "topology/ends.h"
#include "topology/plugs.h"

enum { FAR = 255, MOST_HOPS = 64 };

struct destination {
    uint32_t port, sw; /* NIC port, its switch */
};

struct updn {
    uint32_t *rank; /* [n] 0: root */
    uint8_t *down;  /* [n] the last step to it went down */
    uint8_t *waits; /* [n] it is in the queue */
    uint32_t *queue;
};

struct engine {
    const struct topology *t;
    struct tables *tables;
    const uint8_t *down;
    bool keep;
    struct arena *arena;
    struct plugs p;
    uint32_t n; /* switches */
    struct destination *to;
    uint32_t n_to;
    uint32_t *nics;   /* [n] NIC ports of each switch */
    uint8_t *hops;    /* [n][n] from, to; FAR */
    uint8_t *hops_by; /* [n_links] of links between switches, to the switch that is being routed to */
    uint32_t *count;  /* [n_links] destinations given to a link */
    struct updn *updn;
};

/* --- the network -------------------------------------------------------------------------------------------------------- */

static uint32_t head(const struct engine *e, uint32_t link)
{
    return e->t->links[link].b - topology_first_switch(e->t);
}

static bool is_cable(const struct engine *e, uint32_t link)
{
    return e->t->links[link].b >= topology_first_switch(e->t) && !(e->down && e->down[link]);
}

static bool nic_is_up(const struct engine *e, uint32_t port)
{
    return !(e->down && e->down[ends_first_in(e->t) + port]);
}

struct by_nics {
    uint32_t sw, nics;
};

static int most_first(const void *a, const void *b)
{
    const struct by_nics *x = a, *y = b;
    if (x->nics != y->nics)
        return x->nics > y->nics ? -1 : 1;
    return (x->sw > y->sw) - (x->sw < y->sw);
}

static void list_destinations(struct engine *e)
{
    struct by_nics *order = ARENA_ARRAY(e->arena, struct by_nics, e->n + 1);
    e->to = ARENA_ARRAY(e->arena, struct destination, e->t->n_ports + 1);
    e->nics = ARENA_ARRAY(e->arena, uint32_t, e->n + 1);
    for (uint32_t s = 0; s < e->n; s++) {
        for (uint32_t k = e->p.first[s]; k < e->p.first[s + 1]; k++)
            e->nics[s] += e->t->links[e->p.links[k]].b < topology_first_switch(e->t);
        order[s] = (struct by_nics){s, e->nics[s]};
    }
    qsort(order, e->n, sizeof *order, most_first);
    for (uint32_t i = 0; i < e->n; i++)
        for (uint32_t k = e->p.first[order[i].sw]; k < e->p.first[order[i].sw + 1]; k++) {
            uint32_t vertex = e->t->links[e->p.links[k]].b;
            if (vertex < topology_first_switch(e->t) && nic_is_up(e, vertex - e->t->n_endpoints))
                e->to[e->n_to++] = (struct destination){vertex - e->t->n_endpoints, order[i].sw};
        }
}

/* --- shortest ways -------------------------------------------------------------------------------------------------------- */

static void search(struct engine *e, uint32_t target, uint32_t *queue)
{
    uint32_t from = 0, to = 0;
    for (uint32_t s = 0; s < e->n; s++)
        e->hops[(size_t)s * e->n + target] = FAR;
    e->hops[(size_t)target * e->n + target] = 0;
    queue[to++] = target;
    while (from < to) {
        uint32_t v = queue[from++];
        uint8_t next = (uint8_t)(e->hops[(size_t)v * e->n + target] + 1);
        for (uint32_t k = e->p.first[v]; k < e->p.first[v + 1] && next < MOST_HOPS; k++) {
            uint32_t link = e->p.links[k];
            if (!is_cable(e, link) || !is_cable(e, e->p.back[link]) ||
                e->hops[(size_t)head(e, link) * e->n + target] != FAR)
                continue;
            e->hops[(size_t)head(e, link) * e->n + target] = next;
            queue[to++] = head(e, link);
        }
    }
}

static void search_all(struct engine *e)
{
    uint32_t *queue = ARENA_ARRAY(e->arena, uint32_t, e->n + 1);
    e->hops = ARENA_ARRAY(e->arena, uint8_t, (size_t)e->n * e->n + 1);
    for (uint32_t s = 0; s < e->n; s++)
        search(e, s, queue);
}

/* Hops of every link to one switch, as minhop counts them. */
static void hops_of_links(struct engine *e, uint32_t target)
{
    for (uint32_t i = ends_n_links(e->t); i < e->t->n_links; i++)
        if (e->t->links[i].a >= topology_first_switch(e->t) && is_cable(e, i)) {
            uint8_t hops = e->hops[(size_t)head(e, i) * e->n + target];
            e->hops_by[i] = hops == FAR ? FAR : (uint8_t)(hops + 1);
        }
}

/* --- minhop: every switch balances by itself ----------------------------------------------------------------------------- */

static uint8_t least_hops(const struct engine *e, uint32_t sw)
{
    uint8_t least = FAR;
    for (uint32_t k = e->p.first[sw]; k < e->p.first[sw + 1]; k++)
        if (is_cable(e, e->p.links[k]) && e->hops_by[e->p.links[k]] < least)
            least = e->hops_by[e->p.links[k]];
    return least;
}

static uint32_t least_given(const struct engine *e, uint32_t sw, uint8_t least)
{
    uint32_t best = TABLES_NONE;
    for (uint32_t k = e->p.first[sw]; k < e->p.first[sw + 1]; k++) {
        uint32_t link = e->p.links[k];
        if (is_cable(e, link) && e->hops_by[link] == least && (best == TABLES_NONE || e->count[link] < e->count[best]))
            best = link;
    }
    return best;
}

static void give(struct engine *e, uint32_t sw, const struct destination *d)
{
    uint32_t vertex = topology_first_switch(e->t) + sw, old = tables_next(e->tables, vertex, d->port), link;
    uint8_t least = least_hops(e, sw);
    if (sw == d->sw)
        return;
    bool stays = e->keep && old != TABLES_NONE && is_cable(e, old) && e->hops_by[old] == least;
    link = least == FAR ? TABLES_NONE : stays ? old : least_given(e, sw, least);
    tables_set(e->tables, vertex, d->port, link);
    if (link != TABLES_NONE)
        e->count[link]++;
}

typedef void hops_fn(struct engine *e, uint32_t target);

static void balance(struct engine *e, hops_fn *hops)
{
    uint32_t target = UINT32_MAX;
    for (uint32_t i = 0; i < e->n_to; i++) {
        if (e->to[i].sw != target) {
            target = e->to[i].sw;
            memset(e->hops_by, FAR, e->t->n_links);
            hops(e, target);
        }
        for (uint32_t s = 0; s < e->n; s++)
            give(e, s, &e->to[i]);
    }
}

/* --- updn: up, then down --------------------------------------------------------------------------------------------------- */

/* As far from nearly all NICs: one bar of the histogram above 90 %, and no other above 5 %. */
static bool is_root(const struct engine *e, uint32_t sw)
{
    uint32_t bars[MOST_HOPS + 1] = {0}, high = 0, low = 0;
    for (uint32_t s = 0; s < e->n; s++)
        if (e->nics[s] && e->hops[(size_t)sw * e->n + s] <= MOST_HOPS)
            bars[e->hops[(size_t)sw * e->n + s]] += e->nics[s];
    for (uint32_t i = 0; i <= MOST_HOPS; i++) {
        high += bars[i] > 0.9 * e->t->n_ports;
        low += bars[i] > 0.05 * e->t->n_ports;
    }
    return high == 1 && low == 1;
}

static uint32_t rank_all(struct engine *e, struct updn *u)
{
    uint32_t from = 0, to = 0, roots;
    memset(u->rank, 0xff, e->n * sizeof *u->rank);
    for (uint32_t s = 0; s < e->n; s++)
        if (is_root(e, s)) {
            u->rank[s] = 0;
            u->queue[to++] = s;
        }
    for (roots = to; from < to; from++)
        for (uint32_t k = e->p.first[u->queue[from]]; k < e->p.first[u->queue[from] + 1]; k++) {
            uint32_t link = e->p.links[k];
            if (!is_cable(e, link) || u->rank[head(e, link)] != UINT32_MAX)
                continue;
            u->rank[head(e, link)] = u->rank[u->queue[from]] + 1;
            u->queue[to++] = head(e, link);
        }
    return roots;
}

static bool goes_up(const struct updn *u, uint32_t from, uint32_t to)
{
    if (!u->rank[from] && !u->rank[to])
        return true;
    return u->rank[from] != u->rank[to] ? u->rank[from] > u->rank[to] : from > to;
}

/* From the destination outwards; a step from a switch gives the far end a way back over the same cable. */
static void updn_hops(struct engine *e, uint32_t target)
{
    struct updn *u = e->updn;
    uint32_t room = e->n + 1, from = 0, waiting = 0;
    u->down[target] = 0;
    u->queue[(from + waiting++) % room] = target;
    while (waiting) {
        uint32_t v = u->queue[from];
        uint8_t here = v == target ? 0 : least_hops(e, v);
        from = (from + 1) % room;
        waiting--;
        u->waits[v] = 0;
        for (uint32_t k = e->p.first[v]; k < e->p.first[v + 1]; k++) {
            uint32_t link = e->p.links[k], w = is_cable(e, link) ? head(e, link) : v, back;
            if (w == v || w == target || !is_cable(e, back = e->p.back[link]) || here + 1 >= MOST_HOPS)
                continue;
            bool up = goes_up(u, v, w);
            if ((u->down[v] && up) || here + 1 >= e->hops_by[back])
                continue;
            e->hops_by[back] = (uint8_t)(here + 1);
            if (u->waits[w])
                continue;
            u->down[w] = !up;
            u->waits[w] = 1;
            u->queue[(from + waiting++) % room] = w;
        }
    }
}

static int route_updn(struct engine *e, struct diag *diag)
{
    struct updn u = {ARENA_ARRAY(e->arena, uint32_t, e->n + 1), ARENA_ARRAY(e->arena, uint8_t, e->n + 1),
                     ARENA_ARRAY(e->arena, uint8_t, e->n + 1), ARENA_ARRAY(e->arena, uint32_t, e->n + 2)};
    if (!rank_all(e, &u)) {
        diag_error(
            diag, EXIT_BAD_INPUT, SRCLOC_NONE,
            "OpenSM's updn finds no root in this network (a switch that is as far from nearly all NICs) and would "
            "take minhop; write cluster.network.routing.policy: opensm-minhop");
        return -1;
    }
    e->updn = &u;
    balance(e, updn_hops);
    return 0;
}

/* --- dfsssp: weights ------------------------------------------------------------------------------------------------------- */

struct heap {
    uint32_t *at, *place, n; /* switches, where each is */
    const uint64_t *key;
};

static void swap(struct heap *h, uint32_t i, uint32_t j)
{
    uint32_t s = h->at[i];
    h->at[i] = h->at[j];
    h->at[j] = s;
    h->place[h->at[i]] = i;
    h->place[h->at[j]] = j;
}

static void rise(struct heap *h, uint32_t i)
{
    for (; i && h->key[h->at[i]] < h->key[h->at[(i - 1) / 4]]; i = (i - 1) / 4)
        swap(h, i, (i - 1) / 4);
}

static uint32_t take_first(struct heap *h)
{
    uint32_t first = h->at[0], i = 0;
    swap(h, 0, --h->n);
    for (;;) {
        uint32_t best = i;
        for (uint32_t c = 4 * i + 1; c <= 4 * i + 4 && c < h->n; c++)
            if (best == i || h->key[h->at[c]] <= h->key[h->at[best]])
                best = c; /* of equal ones the last */
        if (best == i || h->key[h->at[i]] <= h->key[h->at[best]])
            return first;
        swap(h, i, best);
        i = best;
    }
}

struct sssp {
    uint64_t *weight;   /* [n_links], of the link away from the destination */
    uint64_t *distance; /* [n] */
    uint32_t *by;       /* [n] the link by which it was reached */
    uint8_t *done;
    struct heap heap;
};

/* The destination is a vertex of its own, the last; what is equally far is taken in the order of OpenSM's heap. */
static void begin(struct engine *e, struct sssp *s, uint32_t target)
{
    for (uint32_t v = 0; v <= e->n; v++) {
        s->distance[v] = UINT64_MAX;
        s->by[v] = TABLES_NONE;
        s->done[v] = 0;
        s->heap.at[v] = s->heap.place[v] = v;
    }
    s->heap.n = e->n + 1;
    s->heap.key = s->distance;
    s->distance[e->n] = 0;
    rise(&s->heap, e->n);
    take_first(&s->heap);
    s->distance[target] = 1;
    rise(&s->heap, s->heap.place[target]);
}

static void dijkstra(struct engine *e, struct sssp *s, uint32_t target)
{
    begin(e, s, target);
    while (s->heap.n) {
        uint32_t v = take_first(&s->heap);
        s->done[v] = 1;
        for (uint32_t k = e->p.first[v]; k < e->p.first[v + 1] && s->distance[v] != UINT64_MAX; k++) {
            uint32_t link = e->p.links[k];
            if (!is_cable(e, link) || !is_cable(e, e->p.back[link]) || s->done[head(e, link)] ||
                s->distance[v] + s->weight[link] >= s->distance[head(e, link)])
                continue;
            s->by[head(e, link)] = link;
            s->distance[head(e, link)] = s->distance[v] + s->weight[link];
            rise(&s->heap, s->heap.place[head(e, link)]);
        }
    }
}

/* Every switch adds its NICs, and itself, along its way. */
static void add_weights(struct engine *e, struct sssp *s)
{
    for (uint32_t v = 0; v < e->n; v++)
        for (uint32_t at = v; s->by[at] != TABLES_NONE; at = e->t->links[s->by[at]].a - topology_first_switch(e->t))
            s->weight[s->by[at]] += e->nics[v] + 1;
}

static void route_dfsssp(struct engine *e)
{
    struct sssp s = {ARENA_ARRAY(e->arena, uint64_t, e->t->n_links + 1),
                     ARENA_ARRAY(e->arena, uint64_t, e->n + 1),
                     ARENA_ARRAY(e->arena, uint32_t, e->n + 1),
                     ARENA_ARRAY(e->arena, uint8_t, e->n + 1),
                     {ARENA_ARRAY(e->arena, uint32_t, e->n + 1), ARENA_ARRAY(e->arena, uint32_t, e->n + 1), 0, NULL}};
    uint64_t all = e->t->n_ports + e->n;
    for (uint32_t i = 0; i < e->t->n_links; i++)
        s.weight[i] = all * all; /* so that no way is longer than a shortest one */
    for (uint32_t i = 0; i < e->n_to; i++) {
        dijkstra(e, &s, e->to[i].sw);
        for (uint32_t v = 0; v < e->n; v++)
            if (v != e->to[i].sw)
                tables_set(e->tables, topology_first_switch(e->t) + v, e->to[i].port,
                           s.by[v] == TABLES_NONE ? TABLES_NONE : e->p.back[s.by[v]]);
        add_weights(e, &s);
    }
}

/* --- ftree ------------------------------------------------------------------------------------------------------------------ */

/* Switches in levels from those with NICs upwards, cables between neighbouring levels only. */
static int check_tree(struct engine *e, struct diag *diag)
{
    uint32_t *level = ARENA_ARRAY(e->arena, uint32_t, e->n + 1);
    bool tree = true;
    for (uint32_t v = 0; v < e->n; v++) {
        level[v] = UINT32_MAX;
        for (uint32_t s = 0; s < e->n; s++)
            if (e->nics[s] && e->hops[(size_t)v * e->n + s] < level[v])
                level[v] = e->hops[(size_t)v * e->n + s];
    }
    for (uint32_t i = ends_n_links(e->t); i < e->t->n_links; i++) {
        uint32_t a = e->t->links[i].a - topology_first_switch(e->t), b = head(e, i);
        tree = tree && (level[a] > level[b] ? level[a] - level[b] == 1 : level[b] - level[a] == 1);
    }
    if (!tree)
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_NONE,
                   "OpenSM's ftree refuses this network, which is no fat tree, and takes minhop; write "
                   "cluster.network.routing.policy: opensm-minhop");
    return tree ? 0 : -1;
}

static int route_ftree(struct engine *e, struct diag *diag)
{
    if (check_tree(e, diag))
        return -1;
    tables_compute(e->tables, e->down);
    return 0;
}

/* --- all ---------------------------------------------------------------------------------------------------------------------- */

bool opensm_is(int policy)
{
    return policy >= ROUTING_OPENSM_MINHOP && policy <= ROUTING_OPENSM_DFSSSP;
}

static int route(struct engine *e, int policy, struct diag *diag)
{
    switch (policy) {
    case ROUTING_OPENSM_UPDN:
        return route_updn(e, diag);
    case ROUTING_OPENSM_DFSSSP:
        route_dfsssp(e);
        return 0;
    case ROUTING_OPENSM_FTREE:
        return route_ftree(e, diag);
    default:
        balance(e, hops_of_links);
        return 0;
    }
}

int opensm_route(struct tables *tables, const struct topology *t, int policy, const uint8_t *down, bool keep,
                 struct diag *diag)
{
    struct engine e = {.t = t, .tables = tables, .down = down, .keep = keep, .arena = arena_new()};
    plugs_find(t, e.arena, &e.p);
    e.n = e.p.n_switches;
    e.hops_by = ARENA_ARRAY(e.arena, uint8_t, t->n_links + 1);
    e.count = ARENA_ARRAY(e.arena, uint32_t, t->n_links + 1);
    list_destinations(&e);
    search_all(&e);
    int failed = route(&e, policy, diag);
    arena_free(e.arena);
    return failed;
}

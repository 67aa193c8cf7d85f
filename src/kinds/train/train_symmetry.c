/* Two sets of transfers are one simulation when a one-to-one map of links carries the path of each transfer of the
 * first to the path of its counterpart and keeps capacity and latency: max-min fair rates are unique, and the map
 * carries them. Checked on the paths themselves. */
#include "kinds/train/train_symmetry.h"

#include "topology/routing.h"

/* Counterparts: pair i of one set and pair i of the other. */
struct pairs {
    const struct topology *topo;
    const bool *down; /* links, NULL: none */
    uint32_t *src, *dst, n;
};

struct link_map {
    uint32_t *there, *back; /* UINT32_MAX = not yet */
};

static uint32_t *unmapped(const struct topology *t, struct arena *arena)
{
    uint32_t *map = ARENA_ARRAY(arena, uint32_t, t->n_links);
    for (uint32_t i = 0; i < t->n_links; i++)
        map[i] = UINT32_MAX;
    return map;
}

/* The one path of a pair, whatever else goes on; false where the policy chooses by load or at random, or GPUs have several
 * NICs. */
static bool only_path(const struct topology *t, const struct hw_routing *routing, uint32_t src, uint32_t dst,
                      uint32_t links[ROUTE_MAX_LINKS], uint32_t *n)
{
    bool table = routing->policy == ROUTING_STATIC;
    bool detours = routing->policy == ROUTING_VALIANT || routing->policy == ROUTING_UGAL;
    if (topology_nics_per_gpu(t) > 1 || (!table && (detours || t->type->n_minimal(t, src, dst) > 1)))
        return false;
    *n = topology_route(t, src, dst, links);
    return true;
}

/* What is down is like nothing else: its flows go another way. */
static bool map_link(struct link_map *m, const struct pairs *a, uint32_t x, const struct pairs *b, uint32_t y)
{
    const struct topo_link *is = &a->topo->links[x], *other = &b->topo->links[y];
    if (m->there[x] == UINT32_MAX && m->back[y] == UINT32_MAX) {
        m->there[x] = y;
        m->back[y] = x;
    }
    return m->there[x] == y && m->back[y] == x && !(a->down && a->down[x]) && !(b->down && b->down[y]) &&
           is->capacity_Bps == other->capacity_Bps && is->latency_s == other->latency_s;
}

static bool alike(const struct pairs *a, const struct pairs *b, const struct hw_routing *routing, struct arena *scratch)
{
    struct link_map m = {unmapped(a->topo, scratch), unmapped(b->topo, scratch)};
    for (uint32_t i = 0; i < a->n; i++) {
        uint32_t x[ROUTE_MAX_LINKS], y[ROUTE_MAX_LINKS], n, k;
        if (!only_path(a->topo, routing, a->src[i], a->dst[i], x, &n) ||
            !only_path(b->topo, routing, b->src[i], b->dst[i], y, &k) || n != k)
            return false;
        for (uint32_t l = 0; l < n; l++)
            if (!map_link(&m, a, x[l], b, y[l]))
                return false;
    }
    return true;
}

static struct pairs pairs_new(const struct train_network *n, uint32_t most, struct arena *arena)
{
    return (struct pairs){n->topo, n->down, ARENA_ARRAY(arena, uint32_t, most), ARENA_ARRAY(arena, uint32_t, most), 0};
}

static void add_pair(struct pairs *p, uint32_t src, uint32_t dst)
{
    p->src[p->n] = src;
    p->dst[p->n++] = dst;
}

/* --- groups ------------------------------------------------------------------------------------------------------- */

/* Pairs that dispatch and combine use: within a node, and from node to node on the same rail (models/comm/deepep.c). */
static struct pairs within_group(const struct train_plan *p, const struct train_place *where, struct arena *arena)
{
    uint32_t n = p->layout.group, gpus_of_node = (uint32_t)p->scenario->cluster.node.gpus;
    uint32_t first = train_group_device(&p->layout, gpus_of_node, where->column, where->rank),
             node = p->shape.n_ranks ? p->shape.ranks_per_node : 1;
    struct pairs all = pairs_new(&p->networks[where->network], n * n, arena);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < n; k++)
            if (i != k && (i / node == k / node || i % node == k % node))
                add_pair(&all, first + i, first + k);
    return all;
}

/* All GPUs of a node have NVLinks alike. */
static bool within_node(const struct train_plan *p, const struct train_place *where)
{
    uint32_t gpus_of_node = (uint32_t)p->scenario->cluster.node.gpus;
    uint32_t first = train_group_device(&p->layout, gpus_of_node, where->column, where->rank);
    return first / gpus_of_node == (first + p->layout.group - 1) / gpus_of_node;
}

bool train_places_alike(const struct train_plan *p, const struct train_place *a, const struct train_place *b,
                        struct arena *scratch)
{
    if (within_node(p, a) && within_node(p, b))
        return true;
    struct pairs x = within_group(p, a, scratch), y = within_group(p, b, scratch);
    struct hw_routing routing = topology_routing(&p->scenario->cluster);
    return alike(&x, &y, &routing, scratch);
}

/* --- messages between pipeline ranks ---------------------------------------------------------------------------------- */

/* Appends each pair of ranks that exchange messages, for one GPU place of one column. */
static void add_neighbours(const struct train_plan *p, uint32_t column, uint32_t peer, bool *seen, struct pairs *out)
{
    uint32_t n = p->layout.ranks;
    for (uint32_t i = 0; i < n * n; i++)
        seen[i] = false;
    for (uint32_t r = 0; r < n; r++)
        for (uint32_t k = 0; k < p->schedule->ranks[r].n_messages; k++) {
            const struct schedule_message *m = &p->schedule->ranks[r].messages[k];
            if (m->send && !seen[r * n + m->peer])
                add_pair(out, train_device(&p->layout, column, r, peer),
                         train_device(&p->layout, column, m->peer, peer));
            seen[r * n + m->peer] |= m->send;
        }
}

/* Marks the links of all pairs as used by `who`; false where another one uses one of them. */
static bool claim(const struct pairs *p, uint32_t who, uint32_t *owner)
{
    uint32_t links[ROUTE_MAX_LINKS];
    for (uint32_t i = 0; i < p->n; i++)
        for (uint32_t l = 0, n = topology_route(p->topo, p->src[i], p->dst[i], links); l < n; l++) {
            if (owner[links[l]] != UINT32_MAX && owner[links[l]] != who)
                return false;
            owner[links[l]] = who;
        }
    return true;
}

bool train_peers_alike(const struct train_plan *p, const struct train_network *n, bool columns, struct arena *scratch)
{
    const struct train_layout *l = &p->layout;
    uint32_t ranks = l->ranks, apart = columns ? l->columns : 1, together = columns ? 1 : l->columns;
    bool *seen = ARENA_ARRAY(scratch, bool, (size_t)ranks *ranks);
    uint32_t *owner = unmapped(n->topo, scratch);
    struct pairs first = {0};
    for (uint32_t who = 0; who < l->group * apart; who++) {
        struct pairs mine = pairs_new(n, ranks * ranks * together, scratch);
        for (uint32_t c = 0; c < together; c++)
            add_neighbours(p, columns ? who / l->group : c, who % l->group, seen, &mine);
        first = who ? first : mine;
        struct hw_routing routing = topology_routing(n->hw);
        if (!alike(&first, &mine, &routing, scratch) || !claim(&mine, who, owner))
            return false;
    }
    return true;
}

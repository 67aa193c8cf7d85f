/* Points of a sweep with the same network need no routes where their tokens are known (infer_amounts.h): a few bytes tell
 * them that the routes are the same. Points whose networks differ in rates find them, and that they are the same. */
#include "kinds/infer/infer_fabric.h"

#include <string.h>

#include "base/shared_cache.h"
#include "topology/routing.h"

/* Numbers the cables between switches from 1; 0: other links. Returns how many there are. */
static uint32_t number_cables(const struct topology *t, uint32_t *number)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->n_links; i++)
        number[i] = t->links[i].kind >= LINK_LEAF_SPINE ? ++n : 0;
    return n;
}

/* Those that the route of a pair crosses; returns how many. */
static uint32_t cables_between(const struct topology *t, const uint32_t *number, uint32_t src, uint32_t dst,
                               uint32_t cables[ROUTE_MAX_LINKS])
{
    uint32_t route[ROUTE_MAX_LINKS], crossed = topology_route(t, src, dst, route), n = 0;
    for (uint32_t k = 0; k < crossed; k++)
        if (number[route[k]])
            cables[n++] = number[route[k]] - 1;
    return n;
}

void infer_fabric_route(struct infer_fabric *f, struct arena *arena)
{
    const struct topology *t = f->topo;
    uint32_t ranks = f->ranks, room = ranks * ranks;
    if (f->first || !f->n_links)
        return;
    uint32_t *number = ARENA_ARRAY(arena, uint32_t, t->n_links + 1);
    uint32_t *first = ARENA_ARRAY(arena, uint32_t, (size_t)room + 1);
    uint32_t *links = ARENA_ARRAY(arena, uint32_t, room + ROUTE_MAX_LINKS);
    number_cables(t, number);
    for (uint32_t pair = 0; pair < ranks * ranks; pair++) {
        if (first[pair] > room) {
            uint32_t *more = ARENA_ARRAY(arena, uint32_t, 2 * (size_t)room + ROUTE_MAX_LINKS);
            memcpy(more, links, first[pair] * sizeof *links);
            links = more;
            room *= 2;
        }
        first[pair + 1] = first[pair] + cables_between(t, number, pair / ranks, pair % ranks, links + first[pair]);
    }
    f->first = first;
    f->links = links;
}

/* --- telling apart ---------------------------------------------------------------- */

static uint64_t mixed(const uint32_t *words, size_t n, uint64_t hash)
{
    for (size_t i = 0; i < n; i++) {
        hash = (hash ^ words[i]) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 29;
    }
    return hash;
}

struct routes_hash {
    uint64_t word[2];
};

/* Which cables are on the way of which pair: too much for a slower hash in every point of a sweep. */
static struct routes_hash hash_routes(struct infer_fabric *f, struct arena *arena)
{
    size_t pairs = (size_t)f->ranks * f->ranks;
    struct routes_hash hash;
    infer_fabric_route(f, arena);
    for (uint64_t i = 0; i < 2; i++)
        hash.word[i] = mixed(f->links, f->first[pairs], mixed(f->first, pairs + 1, 1 + i));
    return hash;
}

/* Tables of switches may be a file's: no text says what is in them. */
static struct routes_hash find_hash(struct infer_fabric *f, const char *text, struct arena *arena)
{
    const char *key = text && !f->topo->tables && !f->topo->engine
                          ? arena_printf(arena, "%s, %u ranks, %s", f->topo->type->name, f->ranks, text)
                          : NULL;
    const struct routes_hash *known = key ? shared_cache_get("routes", key, sizeof *known) : NULL;
    if (known)
        return *known;
    struct routes_hash hash = hash_routes(f, arena);
    if (key)
        shared_cache_put("routes", key, &hash, sizeof hash);
    return hash;
}

static const double *capacities(const struct topology *t, const uint32_t *number, uint32_t n, struct arena *arena)
{
    double *capacity_Bps = ARENA_ARRAY(arena, double, n);
    for (uint32_t i = 0; i < t->n_links; i++)
        if (number[i])
            capacity_Bps[number[i] - 1] = t->links[i].capacity_Bps;
    return capacity_Bps;
}

/* Empty where the route of a pair is not known before anything moves, or is several. */
void infer_fabric_open(struct infer_fabric *f, const struct cluster_hw *hw, const struct topology *t, uint32_t ranks,
                       const char *text, struct arena *arena)
{
    uint32_t *number = ARENA_ARRAY(arena, uint32_t, t->n_links + 1), n = number_cables(t, number);
    *f = (struct infer_fabric){.routes = "no cables"};
    if (!n || topology_routing(hw).policy != ROUTING_STATIC || topology_nics_per_gpu(t) > 1)
        return;
    *f =
        (struct infer_fabric){.topo = t, .ranks = ranks, .n_links = n, .capacity_Bps = capacities(t, number, n, arena)};
    if (!shared_cache_B()) /* nobody asks */
        return;
    struct routes_hash hash = find_hash(f, text, arena);
    f->routes = arena_printf(arena, "%u cables, %llx %llx", n, (unsigned long long)hash.word[0],
                             (unsigned long long)hash.word[1]);
}

#include "topology/routing.h"

#include <math.h>
#include <string.h>

#include "topology/ends.h"
#include "topology/tables.h"

/* A switch compares a handful of ports, not a thousand paths: so many candidates are looked at. */
enum { MAX_CANDIDATES = 64, MAX_DETOURS_TRIED = 4 };
/* Apart from the salts of first hashes. */
#define LEFT_SALT 0x6c656674u

struct candidates {
    const struct router *r;
    const struct routing_key *key;
    uint32_t first, n_minimal; /* the minimal paths of the part's NIC */
    uint32_t detours, n_detours;
};

uint32_t routing_n_nics(const struct topology *t, uint32_t src, uint32_t dst)
{
    return t->type->n_by_nic && !ends_same_node(t, src, dst) ? topology_nics_per_gpu(t) : 1;
}

static struct candidates candidates_of(const struct router *r, const struct routing_key *key)
{
    const struct topology *t = r->topo;
    uint32_t nics = routing_n_nics(t, key->src, key->dst), all = t->type->n_minimal(t, key->src, key->dst);
    struct candidates c = {.r = r, .key = key, .n_minimal = all, .detours = all};
    for (uint32_t nic = 0; nics > 1 && nic <= key->part % nics; nic++) {
        c.first += nic ? c.n_minimal : 0;
        c.n_minimal = t->type->n_by_nic(t, key->src, key->dst, nic);
    }
    return c;
}

uint32_t routing_minimal(const struct router *r, const struct routing_key *key, uint32_t *first)
{
    struct candidates c = candidates_of(r, key);
    *first = c.first;
    return c.n_minimal;
}

bool routing_needs_load(const struct hw_routing *policy)
{
    return policy->policy == ROUTING_ADAPTIVE || policy->policy == ROUTING_UGAL;
}

static uint64_t mix(uint64_t h) /* MurmurHash3's finaliser */
{
    h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdu;
    h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53u;
    return h ^ (h >> 33);
}

/* Addresses and ports of a queue pair; a connection keeps them for all its messages. `salt` tells the
 * uses apart. */
static uint32_t hash_of(const struct candidates *c, uint64_t salt, uint32_t below)
{
    uint64_t h = mix(c->r->seed + 0x9e3779b97f4a7c15u * (salt + 1));
    h = mix(h ^ ((uint64_t)c->key->src << 32 | c->key->dst));
    h = mix(h ^ c->key->part);
    return (uint32_t)(((h >> 32) * below) >> 32);
}

/* --- paths ------------------------------------------------------------------------------------------ */

/* Writes path `number`; 0 when a link of it is down. */
static uint32_t whole_path(const struct candidates *c, uint32_t number, uint32_t *links)
{
    const struct topology *t = c->r->topo;
    uint32_t n = t->type->path(t, c->key->src, c->key->dst, number, links);
    for (uint32_t i = 0; c->r->down && i < n; i++)
        if (c->r->down[links[i]])
            return 0;
    return n;
}

/* The first whole path of [from, from + n), beginning with number from + start. */
static uint32_t first_whole(const struct candidates *c, uint32_t from, uint32_t n, uint32_t start, uint32_t *links)
{
    uint32_t n_links = 0;
    for (uint32_t i = 0; i < n && !n_links; i++)
        n_links = whole_path(c, from + (start + i) % n, links);
    return n_links;
}

/* How many paths of [from, from + n) are whole, or number `want` of them: its links, their number in *n_links. */
static uint32_t whole_of(const struct candidates *c, uint32_t from, uint32_t n, uint32_t want, uint32_t *links,
                         uint32_t *n_links)
{
    uint32_t whole = 0;
    for (uint32_t i = 0; i < n; i++) {
        *n_links = whole_path(c, from + i, links);
        if (*n_links && whole++ == want)
            return whole;
    }
    *n_links = 0;
    return whole;
}

/* A hash picks among the paths; where that one is down, a second hash picks among those that are left, as a group of
 * equal-cost members does that has lost some. */
static uint32_t hashed(const struct candidates *c, uint32_t from, uint32_t n, uint64_t salt, uint32_t *links)
{
    uint32_t n_links = n ? whole_path(c, from + hash_of(c, salt, n), links) : 0, left;
    if (n_links || !n)
        return n_links;
    left = whole_of(c, from, n, UINT32_MAX, links, &n_links);
    if (left)
        whole_of(c, from, n, hash_of(c, salt + LEFT_SALT, left), links, &n_links);
    return n_links;
}

/* The weight that a link carries beside the new flow, per unit of its capacity: the busiest link
 * decides how long the flow will take. What is no less than `enough` may be too small. */
static double cost_of(const struct router *r, const uint32_t *links, uint32_t n, double enough)
{
    double worst = 0;
    for (uint32_t i = 0; i < n && worst < enough; i++) {
        double cost = (r->load[links[i]] + 1) / r->topo->links[links[i]].capacity_Bps;
        worst = cost > worst ? cost : worst;
    }
    return worst;
}

/* The cheapest of up to `most` paths of [from, from + n), spread evenly from a hashed start, so that
 * ties do not all fall on one path. */
static uint32_t least_loaded(const struct candidates *c, uint32_t from, uint32_t n, uint32_t most, double *cost,
                             uint32_t *links)
{
    uint32_t best[ROUTE_MAX_LINKS], n_best = 0, looked = n < most ? n : most;
    *cost = INFINITY;
    if (!n)
        return 0;
    uint32_t start = hash_of(c, from, n);
    for (uint32_t i = 0; i < looked; i++) {
        uint32_t offset = (uint32_t)((uint64_t)i * n / looked);
        uint32_t k = whole_path(c, from + (start + offset) % n, links);
        double now = k ? cost_of(c->r, links, k, *cost) : INFINITY;
        if (now >= *cost)
            continue;
        *cost = now;
        n_best = k;
        memcpy(best, links, k * sizeof *best);
    }
    if (!n_best && looked < n)
        return first_whole(c, from, n, start, links);
    memcpy(links, best, n_best * sizeof *best);
    return n_best;
}

/* --- policies --------------------------------------------------------------------------------------- */

static uint32_t by_ugal(const struct candidates *c, uint32_t *links)
{
    uint32_t detour[ROUTE_MAX_LINKS];
    double minimal_cost, detour_cost;
    uint32_t n = least_loaded(c, c->first, c->n_minimal, MAX_CANDIDATES, &minimal_cost, links);
    uint32_t m = least_loaded(c, c->detours, c->n_detours, MAX_DETOURS_TRIED, &detour_cost, detour);
    if (!m || (n && minimal_cost * n <= detour_cost * m))
        return n;
    memcpy(links, detour, m * sizeof *links);
    return m;
}

/* A sprayed message takes one path of so many. */
static uint32_t spray_stride(uint32_t whole)
{
    return (whole + ROUTING_MAX_PARTS - 1) / ROUTING_MAX_PARTS;
}

/* 0 .. below - 1, evenly spread over any run of consecutive n (multiples of the golden ratio). */
static uint32_t spread(uint32_t n, uint32_t below)
{
    return (uint32_t)(((uint64_t)(n * 2654435769u) * below) >> 32);
}

/* Parts take every stride-th of the paths that are whole; pairs start at different ones, so that all paths are used
 * alike. Neighbouring GPUs do, and neighbouring nodes: what stays on one rail (GPU g of every node) would otherwise
 * leave paths out. A part that has lost its path goes on over any of them. */
static uint32_t spray_number(const struct candidates *c, uint32_t whole)
{
    const struct routing_key *key = c->key;
    uint32_t gpus = c->r->topo->gpus_per_node, stride = spray_stride(whole);
    uint32_t part = key->part / routing_n_nics(c->r->topo, key->src, key->dst);
    uint32_t pair = key->src + key->dst + (gpus > 1 ? key->src / gpus + key->dst / gpus : 0);
    if (key->again)
        return spread(part + key->src + key->dst, whole);
    return (part * stride + pair % stride) % whole;
}

static uint32_t sprayed(const struct candidates *c, uint32_t *links)
{
    uint32_t n_links, whole = c->n_minimal;
    if (c->r->down)
        whole = whole_of(c, c->first, c->n_minimal, UINT32_MAX, links, &n_links);
    if (!whole)
        return 0;
    uint32_t number = spray_number(c, whole);
    if (!c->r->down)
        return whole_path(c, c->first + number, links);
    whole_of(c, c->first, c->n_minimal, number, links, &n_links);
    return n_links;
}

/* Links of the way that tables lead from the NIC that a path leaves to the NIC that it enters, with the path's hops
 * over NVLink; 0: they lead nowhere. */
static uint32_t along_tables(const struct candidates *c, const struct tables *tables, const uint32_t *path, uint32_t n,
                             uint32_t *links)
{
    const struct topology *t = c->r->topo;
    uint32_t out = 0, in = n, room = ROUTE_MAX_LINKS - n;
    while (out < n && t->links[path[out]].kind != LINK_NIC)
        out++;
    while (in > out && t->links[path[in - 1]].kind != LINK_NIC)
        in--;
    for (uint32_t i = 0; i < n; i++) /* NICs and NVLink */
        if ((i <= out || i + 1 >= in) && c->r->down[path[i]])
            return 0;
    memcpy(links, path, n * sizeof *links);
    if (out == n)
        return n;
    uint32_t way =
        tables_walk(tables, path[out] - ends_first_out(t), path[in - 1] - ends_first_in(t), links + out + 1, room);
    if (way == TABLES_NONE)
        return 0;
    memcpy(links + out + 1 + way, path + in - 1, (n - in + 1) * sizeof *links);
    return out + 1 + way + (n - in + 1);
}

/* A path only says which NICs a message uses; the tables say the rest. */
static uint32_t try_paths(const struct candidates *c, uint32_t from, uint32_t n, uint32_t start, uint32_t *links)
{
    const struct tables *tables = failover_tables(c->r->failover);
    uint32_t n_links = 0, path[ROUTE_MAX_LINKS];
    for (uint32_t i = 0; i < n && !n_links; i++) {
        uint32_t length = c->r->topo->type->path(c->r->topo, c->key->src, c->key->dst, from + (start + i) % n, path);
        n_links = along_tables(c, tables, path, length, links);
    }
    return n_links;
}

/* The own NICs first; then those of a detour, sources and destination nodes spread evenly over them. */
static uint32_t over_tables(const struct candidates *c, uint32_t *links)
{
    const struct topology *t = c->r->topo;
    uint32_t start = t->type->by_destination ? t->type->by_destination(t, c->key->src, c->key->dst) : 0;
    uint32_t n = try_paths(c, c->first, c->n_minimal, start, links);
    if (!n && c->n_detours)
        n = try_paths(c, c->detours, c->n_detours, (c->key->src + c->key->dst / t->gpus_per_node) % c->n_detours,
                      links);
    return n;
}

static uint32_t static_route(const struct topology *t, const struct routing_key *key, uint32_t *links)
{
    if (routing_n_nics(t, key->src, key->dst) == 1)
        return topology_route(t, key->src, key->dst, links);
    return topology_route_by(t, key->src, key->dst, topology_port_of_nic(t, key->src, key->dst, key->part), links);
}

static uint32_t by_policy(const struct candidates *c, uint32_t *links)
{
    double cost;
    switch (c->r->policy.policy) {
    case ROUTING_ECMP:
        return hashed(c, c->first, c->n_minimal, 0, links);
    case ROUTING_ADAPTIVE:
        return least_loaded(c, c->first, c->n_minimal, MAX_CANDIDATES, &cost, links);
    case ROUTING_SPRAY:
        return sprayed(c, links);
    case ROUTING_VALIANT:
        if (!c->n_detours)
            break;
        return hashed(c, c->detours, c->n_detours, c->key->message, links);
    case ROUTING_UGAL:
        return by_ugal(c, links);
    default:
        break;
    }
    return c->r->failover ? over_tables(c, links) : static_route(c->r->topo, c->key, links);
}

/* Of the NIC that has most of them. */
static uint32_t whole_paths(const struct router *r, uint32_t src, uint32_t dst)
{
    uint32_t links[ROUTE_MAX_LINKS], n_links, most = 1;
    for (uint32_t nic = 0; nic < routing_n_nics(r->topo, src, dst); nic++) {
        struct routing_key key = {.src = src, .dst = dst, .part = nic};
        struct candidates c = candidates_of(r, &key);
        uint32_t whole = r->down ? whole_of(&c, c.first, c.n_minimal, UINT32_MAX, links, &n_links) : c.n_minimal;
        most = whole > most ? whole : most;
    }
    return most;
}

uint32_t routing_n_parts(const struct router *r, uint32_t src, uint32_t dst)
{
    uint32_t paths, nics = routing_n_nics(r->topo, src, dst);
    switch (r->policy.policy) {
    case ROUTING_ECMP:
        paths = r->topo->type->n_minimal(r->topo, src, dst);
        return nics * (paths > nics ? (uint32_t)r->policy.queue_pairs : 1);
    case ROUTING_SPRAY:
        paths = whole_paths(r, src, dst);
        return nics * (paths / spray_stride(paths));
    default:
        return nics;
    }
}

uint32_t routing_choose(const struct router *r, const struct routing_key *key, uint32_t links[ROUTE_MAX_LINKS])
{
    const struct topology *t = r->topo;
    if (r->policy.policy == ROUTING_STATIC && !r->down)
        return static_route(t, key, links);
    struct candidates c = candidates_of(r, key);
    c.n_detours = t->type->n_detours ? t->type->n_detours(t, key->src, key->dst) : 0;
    uint32_t n = by_policy(&c, links);
    /* nothing minimal is left: any way round */
    if (!n && r->policy.policy != ROUTING_STATIC)
        n = hashed(&c, c.detours, c.n_detours, 0, links);
    if (!n && r->policy.policy == ROUTING_VALIANT)
        n = hashed(&c, c.first, c.n_minimal, 0, links);
    if (!n && r->failover && r->policy.policy != ROUTING_STATIC)
        n = over_tables(&c, links);
    return n;
}

/* --- faults ---------------------------------------------------------------------------------------------------------- */

void routing_link_down(struct router *r, uint32_t link, uint32_t sweep)
{
    if (!r->failover)
        r->failover = failover_new(r->topo, r->manager);
    failover_link_down(r->failover, link, sweep);
}

void routing_free(struct router *r)
{
    failover_free(r->failover);
    r->failover = NULL;
}

int routing_check_faults(const struct topology *t, struct diag *diag)
{
    return tables_check_size(t, "cluster.faults.down", diag);
}

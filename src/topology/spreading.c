#include "topology/spreading.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "topology/ends.h"
#include "topology/routing.h"

enum { MAX_PORTS = 64 };

struct port_share {
    uint32_t port;
    double share;
};

struct way { /* between two switches, for NICs all of whose ports are up */
    uint32_t from, to, n_paths;
    uint32_t version;
    bool whole, regular; /* some path is whole; all leave and enter through the same two NICs */
    struct spread *between;
    struct port_share out[MAX_PORTS], in[MAX_PORTS];
    uint32_t n_out, n_in;
    double latency_s;
};

struct table { /* open addressing: hash -> pointer, checked by the caller */
    uint64_t *key;
    void **value;
    uint32_t n, size;
    struct arena *arena;
};

struct spreading {
    const struct topology *t;
    struct arena *arena;
    struct table spreads, ways;
    uint32_t version;
    /* the pair that is being worked out */
    double *n_on;                /* [n_links] paths that cross it, each with its weight */
    struct spread_link *touched; /* [n_links] */
    struct spread_link *rest;
    uint32_t n_touched, n_whole;
    double latency_s;
    bool regular;
};

/* --- tables ------------------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0xff51afd7ed558ccdu;
    return h ^ h >> 32;
}

static void table_put(struct table *t, uint64_t key, void *value);

static void table_grow(struct table *t)
{
    struct table old = *t;
    t->n = 0;
    t->size = old.size ? 2 * old.size : 256;
    t->key = ARENA_ARRAY(t->arena, uint64_t, t->size);
    t->value = arena_array(t->arena, sizeof *t->value, t->size);
    for (uint32_t i = 0; i < old.size; i++)
        if (old.value[i])
            table_put(t, old.key[i], old.value[i]);
}

static void table_put(struct table *t, uint64_t key, void *value)
{
    if (2 * (t->n + 1) > t->size)
        table_grow(t);
    uint32_t at = (uint32_t)key & (t->size - 1);
    while (t->value[at])
        at = (at + 1) & (t->size - 1);
    t->key[at] = key;
    t->value[at] = value;
    t->n++;
}

/* Number *at of the entries with this key; NULL: there are no more. */
static void *table_next(const struct table *t, uint64_t key, uint32_t *at)
{
    for (; t->size; ++*at) {
        uint32_t i = ((uint32_t)key + *at) & (t->size - 1);
        if (!t->value[i])
            return NULL;
        if (t->key[i] == key) {
            ++*at;
            return t->value[i];
        }
    }
    return NULL;
}

struct spreading *spreading_new(const struct topology *t)
{
    struct arena *a = arena_new();
    struct spreading *s = ARENA_NEW(a, struct spreading);
    s->t = t;
    s->arena = a;
    s->version = 1;
    s->spreads.arena = s->ways.arena = a;
    s->n_on = ARENA_ARRAY(a, double, t->n_links);
    s->touched = ARENA_ARRAY(a, struct spread_link, t->n_links);
    s->rest = ARENA_ARRAY(a, struct spread_link, t->n_links);
    return s;
}

void spreading_free(struct spreading *s)
{
    if (s)
        arena_free(s->arena);
}

void spreading_forget(struct spreading *s)
{
    s->version++;
}

/* The one spread of these links. */
static struct spread *intern(struct spreading *s, const struct spread_link *links, uint32_t n)
{
    uint64_t key = n;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, &links[i].share, sizeof bits);
        key = mix(mix(key, links[i].link), bits);
    }
    struct spread *found;
    for (uint32_t at = 0; (found = table_next(&s->spreads, key, &at));) {
        bool same = found->n == n;
        for (uint32_t i = 0; same && i < n; i++)
            same = found->links[i].link == links[i].link && found->links[i].share == links[i].share;
        if (same)
            return found;
    }
    found = ARENA_NEW(s->arena, struct spread);
    found->links = ARENA_ARRAY(s->arena, struct spread_link, n);
    memcpy(found->links, links, n * sizeof *links);
    found->n = n;
    table_put(&s->spreads, key, found);
    return found;
}

/* --- all paths of a pair ------------------------------------------------------------------------------ */

struct ends_of { /* positions of a path's first and last NIC link; n: it has none */
    uint32_t out, in;
};

static struct ends_of ends_of_path(const struct topology *t, const uint32_t *path, uint32_t n)
{
    struct ends_of e = {0, n};
    while (e.out < n && t->links[path[e.out]].kind != LINK_NIC)
        e.out++;
    while (e.in > e.out && t->links[path[e.in - 1]].kind != LINK_NIC)
        e.in--;
    e.in = e.out == n ? n : e.in - 1;
    return e;
}

/* Of a NIC. */
static uint32_t ports_together(const struct topology *t)
{
    return ends_ports(t);
}

static uint32_t nic_of(const struct topology *t, uint32_t link)
{
    return (link - ends_first_out(t)) / ports_together(t);
}

static void count_link(struct spreading *s, uint32_t link, uint32_t hop, double weight)
{
    if (s->n_on[link] <= 0)
        s->touched[s->n_touched++] = (struct spread_link){.link = link, .hop = (uint8_t)hop};
    s->n_on[link] += weight;
}

static bool is_whole(const uint8_t *down, const uint32_t *path, uint32_t n)
{
    for (uint32_t i = 0; down && i < n; i++)
        if (down[path[i]])
            return false;
    return n > 0;
}

static double latency_of(const struct topology *t, const uint32_t *path, uint32_t n)
{
    double sum_s = 0;
    for (uint32_t i = 0; i < n; i++)
        sum_s += t->links[path[i]].latency_s;
    return sum_s;
}

/* Whether a path differs from the first one between its NICs, and in the NICs' ports, only. */
static bool is_like(const struct topology *t, const uint32_t *a, uint32_t n_a, const uint32_t *b, uint32_t n_b)
{
    struct ends_of e = ends_of_path(t, a, n_a), f = ends_of_path(t, b, n_b);
    if (e.out == n_a || f.out == n_b || e.out != f.out || n_a - e.in != n_b - f.in)
        return false;
    return !memcmp(a, b, e.out * sizeof *a) && !memcmp(a + e.in + 1, b + f.in + 1, (n_a - e.in - 1) * sizeof *a) &&
           nic_of(t, a[e.out]) == nic_of(t, b[f.out]) && nic_of(t, a[e.in]) == nic_of(t, b[f.in]);
}

static uint32_t count_whole(const struct topology *t, const uint8_t *down, uint32_t src, uint32_t dst, uint32_t from,
                            uint32_t n_paths)
{
    uint32_t path[ROUTE_MAX_LINKS], whole = 0;
    for (uint32_t number = from; number < from + n_paths; number++)
        whole += is_whole(down, path, t->type->path(t, src, dst, number, path));
    return whole;
}

/* Counts what whole paths of [from, from + n_paths) cross. */
static void walk(struct spreading *s, const uint8_t *down, uint32_t src, uint32_t dst, uint32_t from, uint32_t n_paths,
                 double weight)
{
    const struct topology *t = s->t;
    uint32_t first[ROUTE_MAX_LINKS], path[ROUTE_MAX_LINKS], n_first = t->type->path(t, src, dst, 0, first);
    for (uint32_t number = from; number < from + n_paths; number++) {
        uint32_t n = t->type->path(t, src, dst, number, path);
        s->regular = s->regular && is_like(t, first, n_first, path, n);
        if (!is_whole(down, path, n))
            continue;
        s->n_whole++;
        s->latency_s = fmax(s->latency_s, latency_of(t, path, n));
        for (uint32_t i = 0; i < n; i++)
            count_link(s, path[i], i, weight);
    }
}

/* Of GPUs with several NICs each NIC sends as much, however many paths it has. Returns what all weights add up to. */
static double walk_nics(struct spreading *s, const uint8_t *down, uint32_t src, uint32_t dst, uint32_t nics)
{
    const struct topology *t = s->t;
    uint32_t from = 0, n_paths, whole, n_nics = 0;
    for (uint32_t nic = 0; nic < nics; nic++, from += n_paths) {
        n_paths = t->type->n_by_nic(t, src, dst, nic);
        whole = count_whole(t, down, src, dst, from, n_paths);
        n_nics += whole > 0;
        walk(s, down, src, dst, from, n_paths, whole ? 1.0 / whole : 1);
    }
    return n_nics;
}

static void walk_paths(struct spreading *s, const uint8_t *down, uint32_t src, uint32_t dst)
{
    const struct topology *t = s->t;
    uint32_t nics = routing_n_nics(t, src, dst);
    double sum;
    s->n_touched = s->n_whole = 0;
    s->latency_s = 0;
    s->regular = true;
    if (nics > 1) {
        sum = walk_nics(s, down, src, dst, nics);
    } else {
        walk(s, down, src, dst, 0, t->type->n_minimal(t, src, dst), 1);
        sum = s->n_whole;
    }
    for (uint32_t i = 0; i < s->n_touched; i++) {
        s->touched[i].share = s->n_on[s->touched[i].link] / sum;
        s->n_on[s->touched[i].link] = 0;
    }
}

/* --- by switches -------------------------------------------------------------------------------------- */

static bool is_nic_out(const struct topology *t, uint32_t link)
{
    return t->links[link].kind == LINK_NIC && link < ends_first_in(t);
}

static struct way *new_way(struct spreading *s, uint64_t key)
{
    struct way *w = ARENA_NEW(s->arena, struct way);
    table_put(&s->ways, key, w);
    return w;
}

/* Sorts what has been counted into ports of the two NICs and the rest. NVLink hops, and what the ports of a NIC
 * share, are the pair's own. */
static void fill_way(struct spreading *s, struct way *w)
{
    const struct topology *t = s->t;
    uint32_t n = 0;
    w->whole = s->n_whole > 0;
    w->regular = s->regular;
    w->latency_s = s->latency_s;
    w->n_out = w->n_in = 0;
    w->between = NULL;
    for (uint32_t i = 0; i < s->n_touched && w->regular; i++) {
        const struct spread_link *l = &s->touched[i];
        uint32_t port = (l->link - ends_first_out(t)) % ports_together(t);
        if (t->links[l->link].kind == LINK_NVLINK || t->links[l->link].kind == LINK_PCIE)
            continue;
        if (t->links[l->link].kind != LINK_NIC)
            s->rest[n++] = *l;
        else if (is_nic_out(t, l->link))
            w->out[w->n_out++] = (struct port_share){port, l->share};
        else
            w->in[w->n_in++] = (struct port_share){port, l->share};
    }
    if (n)
        w->between = intern(s, s->rest, n);
}

static struct way *way_of(struct spreading *s, const uint8_t *down, uint32_t src, uint32_t dst, uint32_t from,
                          uint32_t to)
{
    uint32_t n_paths = s->t->type->n_minimal(s->t, src, dst);
    uint64_t key = mix(mix(n_paths, from), to);
    struct way *w;
    for (uint32_t at = 0; (w = table_next(&s->ways, key, &at));)
        if (w->from == from && w->to == to && w->n_paths == n_paths)
            break;
    if (w && w->version == s->version)
        return w;
    if (!w)
        w = new_way(s, key);
    w->from = from;
    w->to = to;
    w->n_paths = n_paths;
    w->version = s->version;
    walk_paths(s, down, src, dst);
    fill_way(s, w);
    return w;
}

/* The first port's link of the NIC that a link leaves, or enters. */
static uint32_t first_out(const struct topology *t, uint32_t link)
{
    return link - (link - ends_first_out(t)) % ports_together(t);
}

static uint32_t first_in(const struct topology *t, uint32_t link)
{
    return link - (link - ends_first_in(t)) % ports_together(t);
}

static bool ports_are_up(const struct topology *t, const uint8_t *down, uint32_t nic_out, uint32_t nic_in)
{
    for (uint32_t p = 0; down && p < ports_together(t); p++)
        if (down[first_out(t, nic_out) + p] || down[first_in(t, nic_in) + p])
            return false;
    return true;
}

static void add_ports(struct spreading *s, uint32_t first, const struct port_share *ports, uint32_t n,
                      struct spread_route *out)
{
    struct spread_link links[MAX_PORTS];
    if (n == 1) {
        out->alone[out->n_alone++] = first + ports[0].port;
        return;
    }
    for (uint32_t i = 0; i < n; i++)
        links[i] = (struct spread_link){.link = first + ports[i].port, .share = ports[i].share};
    out->parts[out->n_parts++] = intern(s, links, n);
}

/* The pair's own hops and NICs around what lies between their switches. False: it is not as simple. */
static bool route_by_switches(struct spreading *s, const uint8_t *down, uint32_t src, uint32_t dst,
                              struct spread_route *out)
{
    const struct topology *t = s->t;
    uint32_t path[ROUTE_MAX_LINKS], n = t->type->path(t, src, dst, 0, path);
    struct ends_of e = ends_of_path(t, path, n);
    if (!t->ports_per_nic || t->ports_per_nic > MAX_PORTS || e.out >= e.in ||
        !ports_are_up(t, down, path[e.out], path[e.in]))
        return false;
    const struct way *w = way_of(s, down, src, dst, t->links[path[e.out]].b, t->links[path[e.in]].a);
    if (!w->regular || !w->whole)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        if (i == e.out)
            add_ports(s, first_out(t, path[i]), w->out, w->n_out, out);
        else if (i == e.in)
            add_ports(s, first_in(t, path[i]), w->in, w->n_in, out);
        else if (i < e.out || i > e.in)
            out->alone[out->n_alone++] = path[i];
    }
    if (w->between)
        out->parts[out->n_parts++] = w->between;
    out->latency_s = w->latency_s;
    for (uint32_t i = 0; down && i < out->n_alone; i++)
        if (down[out->alone[i]]) /* an NVLink hop */
            return false;
    return true;
}

/* --- any pair ------------------------------------------------------------------------------------------- */

static bool route_by_paths(struct spreading *s, const uint8_t *down, uint32_t src, uint32_t dst,
                           struct spread_route *out)
{
    uint32_t n = 0;
    walk_paths(s, down, src, dst);
    if (!s->n_whole)
        return false;
    for (uint32_t i = 0; i < s->n_touched; i++) {
        if (s->touched[i].share == 1 && out->n_alone < ROUTE_MAX_LINKS)
            out->alone[out->n_alone++] = s->touched[i].link;
        else
            s->rest[n++] = s->touched[i];
    }
    if (n)
        out->parts[out->n_parts++] = intern(s, s->rest, n);
    out->latency_s = s->latency_s;
    return true;
}

bool spreading_route(struct spreading *s, const uint8_t *down, uint32_t src, uint32_t dst, struct spread_route *out)
{
    *out = (struct spread_route){0};
    if (route_by_switches(s, down, src, dst, out))
        return true;
    *out = (struct spread_route){0};
    return route_by_paths(s, down, src, dst, out);
}

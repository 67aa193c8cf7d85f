/* Canonical Dragonfly (Kim, Dally, Scott, Abts, ISCA 2008): groups of a routers, all joined inside a group,
 * with h global cables and p endpoints each, balanced as a = 2p = 2h; at most a h + 1 groups, each joined
 * to each. Where there are fewer groups, every global port is still used: a h / (g - 1) cables per pair of
 * groups, the remainder on the pairs nearest in number (and the opposite one). Global ports of a group are
 * numbered by distance, d = 1 .. g - 1 groups ahead; router r has ports r h .. r h + h - 1. Routers are
 * filled in order. Ways are computed; nothing is stored per pair. */
#include <stdio.h>
#include <string.h>

#include "topology/ends.h"
#include "topology/topo_keys.h"

struct dragonfly_keys {
    int64_t groups;
};
static const struct cfg_field keys_fields[] = {{.name = "dragonfly_groups",
                                                .type = CFG_INT,
                                                .offset = offsetof(struct dragonfly_keys, groups),
                                                .dflt = "0",
                                                .min = 0,
                                                .max = 1 << 20,
                                                .doc = "dragonfly: groups; 0 = as few as hold all endpoints"},
                                               {0}};
static const struct cfg_table keys_table = {"dragonfly", "groups", sizeof(struct dragonfly_keys), keys_fields};

struct dragonfly {
    uint32_t p, a, h, groups;
    uint32_t base, rest; /* global cables of a pair of groups; pairs with one more, per group */
};

static const struct dragonfly *dragonfly_of(const struct topology *t)
{
    return t->state;
}

/* --- shape ------------------------------------------------------------------------------------------- */

static int refuse(const struct cluster_hw *hw, struct diag *diag, const char *text)
{
    diag_error(diag, EXIT_BAD_INPUT, topo_keys_where(hw, "dragonfly_groups"), "%s", text);
    return -1;
}

static int plan(const struct cluster_hw *hw, struct dragonfly *f, struct diag *diag)
{
    uint64_t n = topo_n_nics(hw);
    uint32_t p = (uint32_t)(hw->network.switch_ports + 1) / 4; /* p + (a - 1) + h = 4p - 1 ports */
    struct dragonfly_keys keys;
    char text[256];
    topo_keys_read(hw, &keys_table, &keys);
    if (topo_nics_fit(hw, diag))
        return -1;
    if (p < 1)
        return refuse(hw, diag,
                      "a Dragonfly needs switches of at least 3 ports "
                      "(cluster.network.switch_ports)");
    *f = (struct dragonfly){.p = p, .a = 2 * p, .h = p};
    uint64_t group = (uint64_t)f->a * p, most = (uint64_t)f->a * f->h + 1;
    f->groups = keys.groups ? (uint32_t)keys.groups : (uint32_t)((n + group - 1) / group);
    snprintf(text, sizeof text,
             "%llu endpoints on %u groups: a Dragonfly of %lld-port switches has groups of %llu "
             "endpoints, and at most %llu groups (cluster.network.dragonfly_groups, switch_ports)",
             (unsigned long long)n, f->groups, (long long)hw->network.switch_ports, (unsigned long long)group,
             (unsigned long long)most);
    if (f->groups > most || f->groups * group < n)
        return refuse(hw, diag, text);
    if (f->groups > 1) {
        f->base = f->a * f->h / (f->groups - 1);
        f->rest = f->a * f->h % (f->groups - 1);
    }
    return 0;
}

static uint64_t global_ports(const struct dragonfly *f)
{
    return f->groups > 1 ? (uint64_t)f->groups * f->a * f->h : 0;
}

static uint64_t local_ports(const struct dragonfly *f)
{
    return (uint64_t)f->groups * f->a * (f->a - 1);
}

static int count(const struct cluster_hw *hw, struct topo_counts *out, struct diag *diag)
{
    struct dragonfly f;
    if (plan(hw, &f, diag))
        return -1;
    out->endpoints = (uint64_t)hw->nodes * (uint64_t)hw->node.gpus;
    out->nics = out->nic_cables = topo_n_nics(hw);
    out->switches = (uint64_t)f.groups * f.a;
    out->links = (local_ports(&f) + global_ports(&f)) / 2;
    out->short_links = local_ports(&f) / 2;
    return 0;
}

/* --- global cables ----------------------------------------------------------------------------------- */

/* Distances 1 .. d that have one cable more: the nearest on both sides, and the opposite one. */
static uint32_t extras_up_to(const struct dragonfly *f, uint32_t d)
{
    uint32_t side = f->rest / 2, last = f->groups - 1 - side, n = d < side ? d : side;
    n += d > last ? d - last : 0;
    return n + (f->rest % 2 && d >= f->groups / 2);
}

static uint32_t cables_at(const struct dragonfly *f, uint32_t distance)
{
    return f->base + extras_up_to(f, distance) - extras_up_to(f, distance - 1);
}

/* First global port of a group towards the group `distance` ahead. */
static uint32_t first_port(const struct dragonfly *f, uint32_t distance)
{
    return f->base * (distance - 1) + extras_up_to(f, distance - 1);
}

static uint32_t distance_of(const struct dragonfly *f, uint32_t port)
{
    uint32_t low = 1, high = f->groups - 1;
    while (low < high) {
        uint32_t middle = (low + high + 1) / 2;
        if (first_port(f, middle) <= port)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

/* --- switches and links ------------------------------------------------------------------------------ */

static uint32_t router_of(const struct topology *t, uint32_t nic)
{
    return nic / dragonfly_of(t)->p;
}

static uint32_t leaf_of(const struct topology *t, uint32_t nic, uint32_t port)
{
    (void)port;
    return topology_first_switch(t) + router_of(t, nic);
}

/* Routers are numbered group * a + r. */
static uint32_t local_link(const struct topology *t, uint32_t from, uint32_t to)
{
    uint32_t a = dragonfly_of(t)->a, r = from % a, s = to % a;
    return ends_n_links(t) + from * (a - 1) + (s < r ? s : s - 1);
}

static uint32_t global_link(const struct topology *t, uint32_t group, uint32_t port)
{
    const struct dragonfly *f = dragonfly_of(t);
    return ends_n_links(t) + (uint32_t)local_ports(f) + group * f->a * f->h + port;
}

struct global {              /* one cable, seen from the group it leaves */
    uint32_t link, from, to; /* routers */
};

static struct global global_cable(const struct topology *t, uint32_t group, uint32_t distance, uint32_t number)
{
    const struct dragonfly *f = dragonfly_of(t);
    uint32_t port = first_port(f, distance) + number;
    uint32_t far_port = first_port(f, f->groups - distance) + number;
    uint32_t far_group = (group + distance) % f->groups;
    return (struct global){global_link(t, group, port), group * f->a + port / f->h, far_group * f->a + far_port / f->h};
}

static void build_cables(struct topology *t, const struct cluster_hw *hw)
{
    const struct dragonfly *f = dragonfly_of(t);
    uint32_t first = topology_first_switch(t), n = f->groups * f->a;
    double port_Bps = hw_port_payload_Bps(hw);
    double near_s = hw->network.switch_latency_s + hw_copper_s(&hw->network);
    double far_s = hw->network.switch_latency_s + hw_optical_s(&hw->network);
    for (uint32_t from = 0; from < n; from++)
        for (uint32_t r = 0; r < f->a; r++) {
            uint32_t to = from / f->a * f->a + r;
            if (to != from)
                t->links[local_link(t, from, to)] =
                    (struct topo_link){port_Bps, near_s, LINK_LEAF_SPINE, first + from, first + to};
        }
    for (uint32_t group = 0; f->groups > 1 && group < f->groups; group++)
        for (uint32_t port = 0; port < f->a * f->h; port++) {
            uint32_t d = distance_of(f, port);
            struct global g = global_cable(t, group, d, port - first_port(f, d));
            t->links[g.link] = (struct topo_link){port_Bps, far_s, LINK_SPINE_CORE, first + g.from, first + g.to};
        }
}

static int build(struct topology *t, const struct cluster_hw *hw, struct arena *a, struct diag *diag)
{
    struct dragonfly *f = ARENA_NEW(a, struct dragonfly);
    if (plan(hw, f, diag))
        return -1;
    ends_begin(t, hw, 1, diag);
    ends_nics(t, hw, 1, a, diag);
    t->state = f;
    t->n_vertices = topology_first_switch(t) + f->groups * f->a;
    t->n_links = ends_n_links(t) + (uint32_t)(local_ports(f) + global_ports(f));
    t->links = ARENA_ARRAY(a, struct topo_link, t->n_links);
    ends_build(t, hw, leaf_of);
    build_cables(t, hw);
    return 0;
}

/* --- ways between routers ---------------------------------------------------------------------------- */

static uint32_t distance_between(const struct topology *t, uint32_t u, uint32_t v)
{
    const struct dragonfly *f = dragonfly_of(t);
    return (v / f->a + f->groups - u / f->a) % f->groups;
}

/* Over one global cable, with local cables where its ends are other routers. */
static uint32_t over_cable(const struct topology *t, uint32_t u, uint32_t v, uint32_t number, uint32_t *links)
{
    uint32_t n = 0;
    struct global g = global_cable(t, u / dragonfly_of(t)->a, distance_between(t, u, v), number);
    if (u != g.from)
        links[n++] = local_link(t, u, g.from);
    links[n++] = g.link;
    if (v != g.to)
        links[n++] = local_link(t, g.to, v);
    return n;
}

/* Global cables by which ways are shortest, by number: at most two runs, in order. */
struct cables {
    uint32_t first[2], n[2];
};

/* Of the cables from port `begin_port` of a group on, those at one of its routers. */
static void cables_at_router(const struct dragonfly *f, uint32_t begin_port, uint32_t n_cables, uint32_t router,
                             uint32_t *first, uint32_t *n)
{
    uint32_t low = router % f->a * f->h, high = low + f->h;
    uint32_t begin = low > begin_port ? low - begin_port : 0, end = high > begin_port ? high - begin_port : 0;
    end = end < n_cables ? end : n_cables;
    *first = begin;
    *n = end > begin ? end - begin : 0;
}

/* Cables at both routers, else at either, else all: a local cable less for each end that is right. */
static struct cables shortest_cables(const struct topology *t, uint32_t u, uint32_t v)
{
    const struct dragonfly *f = dragonfly_of(t);
    uint32_t distance = distance_between(t, u, v), all = cables_at(f, distance);
    struct cables c;
    cables_at_router(f, first_port(f, distance), all, u, &c.first[0], &c.n[0]);
    cables_at_router(f, first_port(f, f->groups - distance), all, v, &c.first[1], &c.n[1]);
    if (!c.n[0] && !c.n[1])
        return (struct cables){{0, 0}, {all, 0}};
    uint32_t low = c.first[0] > c.first[1] ? c.first[0] : c.first[1];
    uint32_t end[2] = {c.first[0] + c.n[0], c.first[1] + c.n[1]}, high = end[0] < end[1] ? end[0] : end[1];
    if (c.n[0] && c.n[1] && low < high)
        return (struct cables){{low, 0}, {high - low, 0}};
    if (c.first[1] < c.first[0])
        return (struct cables){{c.first[1], c.first[0]}, {c.n[1], c.n[0]}};
    return c;
}

static uint32_t nth_cable(const struct cables *c, uint32_t want)
{
    return want < c->n[0] ? c->first[0] + want : c->first[1] + want - c->n[0];
}

/* Which of them a cable is. */
static uint32_t number_of(const struct cables *c, uint32_t cable)
{
    uint32_t in_second = cable >= c->first[1] && cable < c->first[1] + c->n[1];
    return in_second ? c->n[0] + cable - c->first[1] : cable - c->first[0];
}

/* The shortest ways: how many there are, and number `want` of them in links. */
static uint32_t shortest(const struct topology *t, uint32_t u, uint32_t v, uint32_t want, uint32_t *links,
                         uint32_t *n_links)
{
    if (distance_between(t, u, v) == 0) {
        *n_links = u != v;
        if (u != v)
            links[0] = local_link(t, u, v);
        return 1;
    }
    struct cables c = shortest_cables(t, u, v);
    *n_links = over_cable(t, u, v, nth_cable(&c, want), links);
    return c.n[0] + c.n[1];
}

/* Into another group and on from where that cable ends. */
static uint32_t over_group(const struct topology *t, uint32_t u, uint32_t v, uint32_t group, uint32_t *links)
{
    const struct dragonfly *f = dragonfly_of(t);
    uint32_t distance = (group + f->groups - u / f->a) % f->groups, n = 0, m = 0;
    struct global g = global_cable(t, u / f->a, distance, v % cables_at(f, distance));
    if (u != g.from)
        links[n++] = local_link(t, u, g.from);
    links[n++] = g.link;
    shortest(t, g.to, v, 0, links + n, &m);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < m; k++)
            if (links[i] == links[n + k]) { /* out and back over the same local cable: go straight */
                shortest(t, u, v, 0, links, &m);
                return m;
            }
    return n + m;
}

/* --- paths ------------------------------------------------------------------------------------------- */

/* Between two NICs. */
static uint32_t n_shortest(const struct topology *t, uint32_t from, uint32_t to)
{
    uint32_t links[3], n;
    return shortest(t, router_of(t, from), router_of(t, to), 0, links, &n);
}

static uint32_t n_minimal(const struct topology *t, uint32_t src, uint32_t dst)
{
    return ends_n_ways(t, src, dst, n_shortest);
}

static uint32_t n_by_nic(const struct topology *t, uint32_t src, uint32_t dst, uint32_t nic)
{
    return ends_ways_of_nic(t, src, dst, nic, n_shortest);
}

/* What a router's table says: the cable by which it sends to a destination, from itself or by way of a neighbour. */
static uint32_t table_cable(const struct topology *t, uint32_t u, uint32_t v, uint32_t dst)
{
    struct cables c = shortest_cables(t, u, v);
    return nth_cable(&c, dst % (c.n[0] + c.n[1]));
}

/* Where the cable is another router's, that router's own table decides which of its cables it is. */
static uint32_t way_to(const struct topology *t, uint32_t from, uint32_t to)
{
    uint32_t u = router_of(t, from), v = router_of(t, to), distance = distance_between(t, u, v);
    if (!distance || cables_at(dragonfly_of(t), distance) == 1)
        return 0;
    uint32_t cable = table_cable(t, u, v, to);
    struct global g = global_cable(t, u / dragonfly_of(t)->a, distance, cable);
    if (g.from != u)
        cable = table_cable(t, g.from, v, to);
    struct cables c = shortest_cables(t, u, v);
    return number_of(&c, cable);
}

static uint32_t by_port(const struct topology *t, uint32_t src, uint32_t dst, uint32_t port)
{
    if (ends_same_node(t, src, dst))
        return 0;
    return ends_first_way(t, src, dst, port, n_shortest) + way_to(t, ends_nic(t, src, port), ends_nic(t, dst, port));
}

static uint32_t by_destination(const struct topology *t, uint32_t src, uint32_t dst)
{
    return by_port(t, src, dst, 0);
}

/* Valiant: over any other group. */
static uint32_t n_longer(const struct topology *t, uint32_t from, uint32_t to)
{
    uint32_t u = router_of(t, from), v = router_of(t, to), groups = dragonfly_of(t)->groups;
    if (u == v)
        return 0;
    uint32_t own = distance_between(t, u, v) ? 2 : 1;
    return groups > own ? groups - own : 0;
}

static uint32_t n_detours(const struct topology *t, uint32_t src, uint32_t dst)
{
    return ends_same_node(t, src, dst) ? 0 : ends_n_ways(t, src, dst, n_longer);
}

static uint32_t detour_group(const struct topology *t, uint32_t u, uint32_t v, uint32_t number)
{
    const struct dragonfly *f = dragonfly_of(t);
    uint32_t d = distance_between(t, u, v), step = number + 1; /* groups ahead of u's */
    step += d && step >= d;
    return (u / f->a + step) % f->groups;
}

static uint32_t path(const struct topology *t, uint32_t src, uint32_t dst, uint32_t number,
                     uint32_t links[ROUTE_MAX_LINKS])
{
    if (ends_same_node(t, src, dst))
        return ends_nvlink(t, src, dst, links);
    uint32_t minimal = n_minimal(t, src, dst), more = 0;
    bool direct = number < minimal;
    struct ends_way w =
        direct ? ends_way(t, src, dst, number, n_shortest) : ends_way(t, src, dst, number - minimal, n_longer);
    uint32_t u = router_of(t, w.from), v = router_of(t, w.to), n = ends_shared_out(t, w.from, links);
    links[n++] = ends_first_out(t) + w.from;
    if (direct)
        shortest(t, u, v, w.number, links + n, &more);
    else
        more = over_group(t, u, v, detour_group(t, u, v, w.number), links + n);
    n += more;
    links[n++] = ends_first_in(t) + w.to;
    return n + ends_shared_in(t, w.to, links + n);
}

/* From a group to the next: behind a cable between groups a message needs another channel (Kim et al., section 4.1). */
static uint32_t link_order(const struct topology *t, uint32_t link)
{
    return t->links[link].kind == LINK_SPINE_CORE;
}

static const char *link_name(const struct topology *t, uint32_t link, char *buf, size_t size)
{
    uint32_t first = topology_first_switch(t), a = dragonfly_of(t)->a;
    if (link < ends_n_links(t))
        return ends_link_name(t, link, buf, size);
    uint32_t from = t->links[link].a - first, to = t->links[link].b - first;
    snprintf(buf, size, "group %u router %u to group %u router %u", from / a, from % a, to / a, to % a);
    return buf;
}

const struct topology_type topo_dragonfly = {
    .name = "dragonfly",
    .doc = "canonical Dragonfly: groups of routers, all joined inside, each group joined to each",
    .ref = "5.1, Table 3",
    .keys = &keys_table,
    .build = build,
    .count = count,
    .n_minimal = n_minimal,
    .n_detours = n_detours,
    .n_channels = 4,
    .link_order = link_order,
    .n_by_nic = n_by_nic,
    .by_destination = by_destination,
    .by_port = by_port,
    .path = path,
    .link_name = link_name,
};

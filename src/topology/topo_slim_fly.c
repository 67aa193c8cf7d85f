/* Slim Fly (Besta & Hoefler, SC'14): the graphs of McKay, Miller and Siran in Hafner's description (J. Combin.
 * Theory B 90, 2004). q = 4w + d is a prime power, d one of -1, 0, 1. Switches are (s, x, y), s a bit,
 * x and y elements of GF(q); with xi a primitive element:
 *     (0, x, y) - (0, x, y')   when y - y' is in X
 *     (1, m, c) - (1, m, c')   when c - c' is in X'
 *     (0, x, y) - (1, m, c)    when y = m x + c
 * Every switch has k' = (3q - d) / 2 neighbours, any two switches are at most two cables apart, and
 * ceil(k'/2) endpoints per switch balance the load (Besta & Hoefler, II.B). Switches are filled in order.
 * Neighbours and ways are computed by arithmetic in the field; nothing is stored per pair.
 *
 * Counting needs the formulas only: Table 3 of the paper counts q = 28, which is no prime power and so
 * cannot be built. */
#include <stdio.h>
#include <string.h>

#include "topology/ends.h"
#include "topology/galois.h"
#include "topology/topo_keys.h"
#include "base/cfg_rows.h"

struct slim_fly_keys {
    int64_t q;
};
static const struct cfg_field keys_fields[] = {
    ROW_COUNT(slim_fly_keys, "slim_fly_q", q, "0", 0, 4096,
              "slim_fly: size of the finite field; 0 = the smallest that holds all endpoints"),
    {0}};
static const struct cfg_table keys_table = {"slim_fly", "the finite field", sizeof(struct slim_fly_keys), keys_fields};

struct shape {
    uint32_t q, half, degree, per_switch; /* half: |X|; degree: k' */
};

struct slim_fly {
    struct shape s;
    const struct galois *f;
    uint32_t *set[2];   /* [half] X and X' */
    uint32_t *index[2]; /* [q] place of an element in the set; NONE = it is not in it */
};

#define NONE UINT32_MAX

static const struct slim_fly *slim_fly_of(const struct topology *t)
{
    return t->state;
}

/* --- shape ------------------------------------------------------------------------------------------- */

static struct shape shape_of(uint32_t q)
{
    struct shape s = {.q = q};
    uint32_t rest = q % 4; /* d = 1, 0, -1 */
    s.half = rest == 1 ? (q - 1) / 2 : rest == 0 ? q / 2 : (q + 1) / 2;
    s.degree = q + s.half;
    s.per_switch = (s.degree + 1) / 2;
    return s;
}

static uint64_t capacity(const struct shape *s)
{
    return 2 * (uint64_t)s->q * s->q * s->per_switch;
}

static bool buildable(uint32_t q)
{
    return q >= 3 && q % 4 != 2 && galois_is_prime_power(q, NULL, NULL);
}

static uint32_t smallest_that_holds(uint64_t endpoints)
{
    for (uint32_t q = 3; q <= GALOIS_MAX_Q; q++) {
        struct shape s = shape_of(q);
        if (buildable(q) && capacity(&s) >= endpoints)
            return q;
    }
    return 0;
}

static int plan(const struct cluster_hw *hw, struct shape *s, struct diag *diag)
{
    uint64_t n = topo_n_nics(hw);
    struct slim_fly_keys keys;
    topo_keys_read(hw, &keys_table, &keys);
    uint32_t q = keys.q ? (uint32_t)keys.q : smallest_that_holds(n);
    if (topo_nics_fit(hw, diag))
        return -1;
    *s = shape_of(q);
    if (q < 3 || q % 4 == 2) {
        diag_error(diag, EXIT_BAD_INPUT, topo_keys_where(hw, "slim_fly_q"),
                   "a Slim Fly needs q = 4w - 1, 4w or 4w + 1, at least 3, not %u "
                   "(cluster.network.slim_fly_q)",
                   q);
        return -1;
    }
    if (capacity(s) < n) {
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_NONE,
                   "%llu endpoints do not fit a Slim Fly of q = %u, which holds %llu; q = %u would hold "
                   "them (cluster.network.slim_fly_q; 0 chooses it)",
                   (unsigned long long)n, q, (unsigned long long)capacity(s), smallest_that_holds(n));
        return -1;
    }
    if (s->degree + s->per_switch > hw->network.switch_ports) {
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_NONE,
                   "a Slim Fly of q = %u needs %u ports per switch (%u cables, %u endpoints), not %lld "
                   "(cluster.network.switch_ports)",
                   q, s->degree + s->per_switch, s->degree, s->per_switch, (long long)hw->network.switch_ports);
        return -1;
    }
    return 0;
}

static int count(const struct cluster_hw *hw, struct topo_counts *out, struct diag *diag)
{
    struct shape s;
    if (plan(hw, &s, diag))
        return -1;
    out->endpoints = (uint64_t)hw->nodes * (uint64_t)hw->node.gpus;
    out->nics = out->nic_cables = topo_n_nics(hw);
    out->switches = 2 * (uint64_t)s.q * s.q;
    out->links = out->switches * s.degree / 2;
    return 0;
}

/* --- generators -------------------------------------------------------------------------------------- */

/* Exponents of xi in X (s = 0) or X' (s = 1), Hafner 2004, for q = 4w + d:
 *     d = 1, 0   X: the even ones, X': the odd ones
 *     d = -1     X: 0, 2 .. 2w-2 and 2w-1, 2w+1 .. 4w-3;  X': each one more */
static uint32_t exponent(const struct shape *s, uint32_t side, uint32_t i)
{
    uint32_t w = (s->q + 1) / 4;
    if (s->q % 4 != 3 || i < w)
        return 2 * i + side;
    return 2 * w - 1 + 2 * (i - w) + side;
}

static void make_sets(struct slim_fly *g, struct arena *a)
{
    for (uint32_t side = 0; side < 2; side++) {
        g->set[side] = ARENA_ARRAY(a, uint32_t, g->s.half);
        g->index[side] = ARENA_ARRAY(a, uint32_t, g->s.q);
        memset(g->index[side], 0xff, g->s.q * sizeof(uint32_t));
        for (uint32_t i = 0; i < g->s.half; i++) {
            g->set[side][i] = g->f->exp[exponent(&g->s, side, i)];
            g->index[side][g->set[side][i]] = i;
        }
    }
}

/* --- switches and links ------------------------------------------------------------------------------ */

struct place { /* (s, x, y) */
    uint32_t side, column, row;
};

static struct place place_of(const struct slim_fly *g, uint32_t sw)
{
    uint32_t q = g->s.q;
    return (struct place){sw / (q * q), sw / q % q, sw % q};
}

static uint32_t switch_at(const struct slim_fly *g, uint32_t side, uint32_t column, uint32_t row)
{
    return (side * g->s.q + column) * g->s.q + row;
}

/* The row of the neighbour of a switch in a column of the other side. */
static uint32_t row_across(const struct slim_fly *g, const struct place *p, uint32_t column)
{
    uint32_t product = galois_mul(g->f, p->column, column);
    return p->side ? galois_add(g->f, p->row, product) : galois_sub(g->f, p->row, product);
}

/* Neighbour number `slot`: first those of the own column, then one in each column across. */
static uint32_t neighbour(const struct slim_fly *g, uint32_t sw, uint32_t slot)
{
    struct place p = place_of(g, sw);
    if (slot < g->s.half)
        return switch_at(g, p.side, p.column, galois_add(g->f, p.row, g->set[p.side][slot]));
    uint32_t column = slot - g->s.half;
    return switch_at(g, !p.side, column, row_across(g, &p, column));
}

/* The link from one switch to a neighbour; NONE when they are not neighbours. */
static uint32_t link_between(const struct topology *t, uint32_t from, uint32_t to)
{
    const struct slim_fly *g = slim_fly_of(t);
    struct place a = place_of(g, from), b = place_of(g, to);
    uint32_t slot = NONE;
    if (a.side != b.side)
        slot = row_across(g, &a, b.column) == b.row ? g->s.half + b.column : NONE;
    else if (a.column == b.column && a.row != b.row)
        slot = g->index[a.side][galois_sub(g->f, b.row, a.row)];
    return slot == NONE ? NONE : ends_n_links(t) + from * g->s.degree + slot;
}

static uint32_t switch_of(const struct topology *t, uint32_t nic)
{
    return nic / slim_fly_of(t)->s.per_switch;
}

static uint32_t leaf_of(const struct topology *t, uint32_t nic, uint32_t port)
{
    (void)port;
    return topology_first_switch(t) + switch_of(t, nic);
}

static void build_cables(struct topology *t, const struct cluster_hw *hw)
{
    const struct slim_fly *g = slim_fly_of(t);
    uint32_t n = 2 * g->s.q * g->s.q, first = topology_first_switch(t), link = ends_n_links(t);
    double hop_s = hw->network.switch_latency_s + hw_optical_s(&hw->network);
    for (uint32_t sw = 0; sw < n; sw++)
        for (uint32_t slot = 0; slot < g->s.degree; slot++)
            t->links[link++] = (struct topo_link){hw_port_payload_Bps(hw), hop_s, LINK_LEAF_SPINE, first + sw,
                                                  first + neighbour(g, sw, slot)};
}

/* What there is to build near a q that cannot be built. */
static int not_buildable(const struct cluster_hw *hw, uint32_t q, struct diag *diag)
{
    uint32_t below = q, above = q;
    while (below > 3 && !buildable(below))
        below--;
    while (!buildable(above))
        above++;
    struct shape low = shape_of(below), high = shape_of(above);
    diag_error(diag, EXIT_BAD_INPUT, topo_keys_where(hw, "slim_fly_q"),
               "there is no Slim Fly of q = %u: it is no prime power (cluster.network.slim_fly_q); the "
               "nearest are q = %u (%u ports per switch, %llu endpoints) and q = %u (%u ports, %llu "
               "endpoints)",
               q, below, low.degree + low.per_switch, (unsigned long long)capacity(&low), above,
               high.degree + high.per_switch, (unsigned long long)capacity(&high));
    return -1;
}

static int build(struct topology *t, const struct cluster_hw *hw, struct arena *a, struct diag *diag)
{
    struct slim_fly *g = ARENA_NEW(a, struct slim_fly);
    if (plan(hw, &g->s, diag))
        return -1;
    g->f = buildable(g->s.q) ? galois_new(g->s.q, a) : NULL;
    if (!g->f)
        return not_buildable(hw, g->s.q, diag);
    make_sets(g, a);
    ends_begin(t, hw, 1, diag);
    ends_nics(t, hw, 1, a, diag);
    t->state = g;
    t->n_vertices = topology_first_switch(t) + 2 * g->s.q * g->s.q;
    t->n_links = ends_n_links(t) + 2 * g->s.q * g->s.q * g->s.degree;
    t->links = ARENA_ARRAY(a, struct topo_link, t->n_links);
    ends_build(t, hw, leaf_of);
    build_cables(t, hw);
    return 0;
}

/* --- paths ------------------------------------------------------------------------------------------- */

/* Switches in the middle of the ways of two cables from u to v: number `want`, or their number when
 * there are fewer (then *middle is NONE). u and v are neither equal nor neighbours. */
static uint32_t find_middle(const struct topology *t, uint32_t u, uint32_t v, uint32_t want, uint32_t *middle)
{
    const struct slim_fly *g = slim_fly_of(t);
    struct place a = place_of(g, u), b = place_of(g, v);
    uint32_t n = 0, degree = g->s.degree, candidate = NONE;
    *middle = NONE;
    /* columns of one side meet in one column across; the rest stays in u's column or next to v's */
    if (a.side == b.side && a.column != b.column) {
        uint32_t dx = galois_sub(g->f, b.column, a.column), dy = galois_sub(g->f, b.row, a.row);
        uint32_t column = galois_div(g->f, dy, dx);
        if (a.side) /* (1, m, c): y = m x + c is common, so x = -(dc / dm) */
            column = galois_sub(g->f, 0, column);
        *middle = want == 0 ? neighbour(g, u, g->s.half + column) : NONE;
        return 1;
    }
    for (uint32_t slot = 0; slot < degree; slot++) {
        candidate = neighbour(g, u, slot);
        if (link_between(t, candidate, v) == NONE)
            continue;
        if (n++ == want) {
            *middle = candidate;
            return n;
        }
    }
    return n;
}

static uint32_t n_ways(const struct topology *t, uint32_t u, uint32_t v)
{
    uint32_t middle;
    if (u == v || link_between(t, u, v) != NONE)
        return 1;
    return find_middle(t, u, v, NONE, &middle);
}

/* Links of way `number` from switch u to switch v; at most two. */
static uint32_t way(const struct topology *t, uint32_t u, uint32_t v, uint32_t number, uint32_t *links)
{
    uint32_t middle, direct = u == v ? NONE : link_between(t, u, v);
    if (u == v)
        return 0;
    if (direct != NONE) {
        links[0] = direct;
        return 1;
    }
    find_middle(t, u, v, number, &middle);
    links[0] = link_between(t, u, middle);
    links[1] = link_between(t, middle, v);
    return 2;
}

/* Between two NICs. */
static uint32_t n_shortest(const struct topology *t, uint32_t from, uint32_t to)
{
    return n_ways(t, switch_of(t, from), switch_of(t, to));
}

static uint32_t n_minimal(const struct topology *t, uint32_t src, uint32_t dst)
{
    return ends_n_ways(t, src, dst, n_shortest);
}

static uint32_t n_by_nic(const struct topology *t, uint32_t src, uint32_t dst, uint32_t nic)
{
    return ends_ways_of_nic(t, src, dst, nic, n_shortest);
}

static uint32_t by_port(const struct topology *t, uint32_t src, uint32_t dst, uint32_t port)
{
    if (ends_same_node(t, src, dst))
        return 0;
    uint32_t from = ends_nic(t, src, port), to = ends_nic(t, dst, port);
    return ends_first_way(t, src, dst, port, n_shortest) + to % n_shortest(t, from, to);
}

static uint32_t by_destination(const struct topology *t, uint32_t src, uint32_t dst)
{
    return by_port(t, src, dst, 0);
}

/* Valiant: over any other switch. */
static uint32_t n_longer(const struct topology *t, uint32_t from, uint32_t to)
{
    const struct slim_fly *g = slim_fly_of(t);
    return switch_of(t, from) == switch_of(t, to) ? 0 : 2 * g->s.q * g->s.q - 2;
}

static uint32_t n_detours(const struct topology *t, uint32_t src, uint32_t dst)
{
    return ends_same_node(t, src, dst) ? 0 : ends_n_ways(t, src, dst, n_longer);
}

static uint32_t detour_switch(uint32_t u, uint32_t v, uint32_t number)
{
    uint32_t low = u < v ? u : v, high = u < v ? v : u;
    number += number >= low;
    return number + (number >= high);
}

/* By way of another switch; the minimal way where both halves would use the same link. */
static uint32_t detour(const struct topology *t, uint32_t u, uint32_t v, uint32_t number, uint32_t *links)
{
    uint32_t over = detour_switch(u, v, number);
    uint32_t n = way(t, u, over, 0, links), m = way(t, over, v, 0, links + n);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < m; k++)
            if (links[i] == links[n + k])
                return way(t, u, v, 0, links);
    return n + m;
}

static uint32_t path(const struct topology *t, uint32_t src, uint32_t dst, uint32_t number,
                     uint32_t links[ROUTE_MAX_LINKS])
{
    if (ends_same_node(t, src, dst))
        return ends_nvlink(t, src, dst, links);
    uint32_t minimal = n_minimal(t, src, dst);
    bool direct = number < minimal;
    struct ends_way w =
        direct ? ends_way(t, src, dst, number, n_shortest) : ends_way(t, src, dst, number - minimal, n_longer);
    uint32_t u = switch_of(t, w.from), v = switch_of(t, w.to), n = ends_shared_out(t, w.from, links);
    links[n++] = ends_first_out(t) + w.from;
    n += direct ? way(t, u, v, w.number, links + n) : detour(t, u, v, w.number, links + n);
    links[n++] = ends_first_in(t) + w.to;
    return n + ends_shared_in(t, w.to, links + n);
}

static const char *link_name(const struct topology *t, uint32_t link, char *buf, size_t size)
{
    const struct slim_fly *g = slim_fly_of(t);
    if (link < ends_n_links(t))
        return ends_link_name(t, link, buf, size);
    uint32_t from = (link - ends_n_links(t)) / g->s.degree;
    struct place a = place_of(g, from);
    struct place b = place_of(g, t->links[link].b - topology_first_switch(t));
    snprintf(buf, size, "switch (%u,%u,%u) to (%u,%u,%u)", a.side, a.column, a.row, b.side, b.column, b.row);
    return buf;
}

const struct topology_type topo_slim_fly = {
    .name = "slim_fly",
    .doc = "Slim Fly: MMS graph over GF(q), any two switches at most two cables apart",
    .ref = "5.1, Table 3",
    .keys = &keys_table,
    .build = build,
    .count = count,
    .n_minimal = n_minimal,
    .n_detours = n_detours,
    .n_channels = 4, /* one for each cable: two halves of two */
    .n_by_nic = n_by_nic,
    .by_destination = by_destination,
    .by_port = by_port,
    .path = path,
    .link_name = link_name,
};

/* Forwarding tables: one link for each switch and destination, on every network, whole and with faults; and the link
 * loads of OpenSM's `ftree` engine (3.3.23, over ibsim) on the fabrics of which they were measured. */
#include <check.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hw/cluster.h"
#include "tap_main.h"
#include "topology/ends.h"
#include "topology/routing.h"
#include "topology/topo_keys.h"

static struct arena *a;
static struct diag *d;
static struct cluster_hw hw;
static struct topology t;
static struct router r;
static uint8_t *down;

static void setup(void)
{
    a = arena_new();
    d = diag_new();
    hw = (struct cluster_hw){.nodes = 128};
    hw.node = (struct hw_node){.gpus = 1, .nvlink_Bps = 200e9, .nvlink_efficiency_ratio = 1, .pcie_Bps = 63e9};
    hw.nic = (struct hw_nic){.per_node = 1, .bandwidth_Bps = 50e9, .mtu_B = 4096, .efficiency_ratio = 1};
    hw.network.switch_ports = 16;
    hw.network.port_Bps = 50e9;
}

static void teardown(void)
{
    routing_free(&r);
    diag_free(d);
    arena_free(a);
}

static void build(const char *name, const char *keys)
{
    hw.topology = name;
    hw.network.topology_keys = topo_keys_with(&hw, keys, a);
    t = (struct topology){.type = topology_find(name)};
    ck_assert_msg(t.type->build(&t, &hw, a, d) == 0, "%s: %s", name, diag_text(d));
    r = (struct router){.topo = &t};
    down = ARENA_ARRAY(a, uint8_t, t.n_links + 1);
}

/* Both directions of a cable between two switches, counted from 0 as `moesim topo` does: one sweep. */
static void cut(uint32_t from, uint32_t to, uint32_t sweep)
{
    uint32_t first = topology_first_switch(&t), n = 0;
    for (uint32_t i = ends_n_links(&t); i < t.n_links; i++) {
        uint32_t x = t.links[i].a - first, y = t.links[i].b - first;
        if (down[i] || !((x == from && y == to) || (x == to && y == from)))
            continue;
        down[i] = 1;
        routing_link_down(&r, i, sweep);
        n++;
    }
    ck_assert_uint_eq(n, 2);
    r.down = down;
}

struct load {
    uint32_t most, least, links; /* least: of the links that carry something */
    double mean;
};

/* An all-to-all: flows on each link between switches. */
static struct load all_to_all(void)
{
    uint32_t *flows = ARENA_ARRAY(a, uint32_t, t.n_links + 1), links[ROUTE_MAX_LINKS];
    struct load l = {.least = UINT32_MAX};
    for (uint32_t src = 0; src < t.n_endpoints; src++)
        for (uint32_t dst = 0; dst < t.n_endpoints; dst++) {
            struct routing_key key = {.src = src, .dst = dst};
            uint32_t n = src == dst ? 0 : routing_choose(&r, &key, links);
            ck_assert(src == dst || n > 0);
            for (uint32_t i = 0; i < n; i++)
                flows[links[i]]++;
        }
    for (uint32_t i = ends_n_links(&t); i < t.n_links; i++) {
        if (!flows[i])
            continue;
        l.most = flows[i] > l.most ? flows[i] : l.most;
        l.least = flows[i] < l.least ? flows[i] : l.least;
        l.mean += flows[i];
        l.links++;
    }
    l.mean /= l.links;
    return l;
}

static void expect_load(uint32_t most, uint32_t least, double mean)
{
    struct load l = all_to_all();
    ck_assert_msg(l.most == most && l.least == least && fabs(l.mean - mean) < 0.05,
                  "%u / %u / %.2f, not %u / %u / %.2f", l.most, l.least, l.mean, most, least, mean);
}

/* A network as a file that describes it: the cables of t, and where its NICs hang. */
static void build_file(const char *what)
{
    const char *path = arena_printf(a, "topology_tables_%s.yaml", what);
    FILE *f = fopen(path, "w");
    uint32_t first = topology_first_switch(&t);
    ck_assert_ptr_nonnull(f);
    fprintf(f, "switches: [");
    for (uint32_t s = first; s < t.n_vertices; s++)
        fprintf(f, "%ss%u", s > first ? ", " : "", s - first);
    fprintf(f, "]\ncables:\n");
    for (uint32_t i = ends_n_links(&t); i < t.n_links; i++)
        if (t.links[i].a < t.links[i].b)
            fprintf(f, "  - {from: s%u, to: s%u}\n", t.links[i].a - first, t.links[i].b - first);
    fprintf(f, "endpoints:\n");
    for (uint32_t e = 0; e < t.n_endpoints; e++)
        fprintf(f, "  - {switch: s%u}\n", t.links[ends_nic_out(&t, e, 0)].b - first);
    fclose(f);
    build("file", arena_printf(a, "file=%s", path));
    remove(path);
}

/* --- as OpenSM --------------------------------------------------------------------------------------------------- */

/* 16 leaves of eight hosts, eight spines; a file that describes them. */
START_TEST(two_levels_as_opensm)
{
    build("ft2", "");
    if (_i)
        build_file("ft2");
    expect_load(120, 120, 120);
    cut(0, 16, 0);
    expect_load(240, 112, 120.94);
}
END_TEST

/* Four of eight uplinks of a leaf, one after the other. Repaired fault by fault three destinations share a cable that
 * could be two. */
START_TEST(four_uplinks_as_opensm)
{
    static const uint32_t most[] = {[MANAGER_LIVE] = 360, [MANAGER_RESTARTED] = 240};
    build("ft2", "");
    if (_i >= 2)
        build_file("ft2");
    r.manager = (enum fault_manager)(_i % 2);
    for (uint32_t i = 0; i < 4; i++)
        cut(0, 16 + i, i);
    ck_assert_uint_eq(all_to_all().most, most[_i % 2]);
}
END_TEST

/* All four at once: there is nothing that a repair could do worse. */
START_TEST(four_uplinks_at_once_as_opensm)
{
    build("ft2", "");
    for (uint32_t i = 0; i < 4; i++)
        cut(0, 16 + i, 0);
    expect_load(240, 112, 123.87);
}
END_TEST

/* Eight pods of four leaves of four hosts. A cable below the aggregation switches, or one above them. */
START_TEST(three_levels_as_opensm)
{
    hw.network.switch_ports = 8;
    build("ft3", "");
    if (_i % 2)
        build_file("ft3");
    expect_load(124, 112, 118);
    if (_i < 2) {
        cut(0, 32, 0);
        expect_load(248, 84, 118.70);
    } else {
        cut(32, 64, 0);
        expect_load(224, 96, 118.46);
    }
}
END_TEST

/* --- one link for each switch and destination ------------------------------------------------------------------------ */

/* Follows all routes; what a switch does with a destination must be one thing. */
static void expect_tables(const char *what)
{
    uint32_t n_ports = t.n_endpoints * t.ports_per_nic, first = topology_first_switch(&t), links[ROUTE_MAX_LINKS];
    uint32_t *next = ARENA_ARRAY(a, uint32_t, (size_t)(t.n_vertices - first) * n_ports + 1);
    for (uint32_t src = 0; src < t.n_endpoints; src++)
        for (uint32_t dst = 0; dst < t.n_endpoints; dst++) {
            struct routing_key key = {.src = src, .dst = dst};
            uint32_t n = src == dst ? 0 : routing_choose(&r, &key, links), in = n;
            ck_assert_msg(n || src == dst, "%s: no way from %u to %u", what, src, dst);
            while (in > 0 && t.links[links[in - 1]].kind != LINK_NIC)
                in--;
            for (uint32_t i = 0; i < in; i++) {
                const struct topo_link *l = &t.links[links[i]];
                ck_assert_msg(!down[links[i]], "%s: from %u to %u over link %u, which is down", what, src, dst,
                              links[i]);
                if (l->kind <= LINK_NIC)
                    continue;
                uint32_t *e = &next[(size_t)(l->a - first) * n_ports + (links[in - 1] - ends_nic_in(&t, 0, 0))];
                ck_assert_msg(!*e || *e == links[i] + 1, "%s: switch %u sends to %u by links %u and %u", what,
                              l->a - first, dst, *e - 1, links[i]);
                *e = links[i] + 1;
            }
        }
}

static const struct network {
    const char *name, *keys;
    int64_t nodes, gpus, ports;
} networks[] = {
    {"ft2", "", 16, 2, 8},
    {"ft2", "oversubscription=3", 30, 1, 8},
    {"ft3", "", 30, 2, 8},
    {"mrft", "", 8, 4, 8},
    {"mpft", "", 16, 4, 8},
    {"mpft", "planes=2", 12, 4, 8},
    {"mpft_multiport", "nic_ports=2", 16, 2, 8},
    {"slim_fly", "slim_fly_q=5", 75, 2, 12},
    {"dragonfly", "", 72, 1, 7},
    {"dragonfly", "dragonfly_groups=3", 24, 1, 7}, /* parallel cables between groups */
    {"dragonfly", "dragonfly_groups=2", 30, 1, 11},
    {"dragonfly", "dragonfly_groups=4", 32, 2, 11},
};
enum { N_NETWORKS = sizeof networks / sizeof *networks };

static const char *build_network(const struct network *n)
{
    hw.nodes = n->nodes;
    hw.node.gpus = hw.nic.per_node = n->gpus;
    hw.network.switch_ports = n->ports;
    build(n->name, n->keys);
    return arena_printf(a, "%s %s", n->name, n->keys);
}

START_TEST(one_link_for_each_destination)
{
    const char *what = build_network(&networks[_i]);
    expect_tables(what);
}
END_TEST

/* Random cables fail, one sweep each, under both managers; NICs that reach each other stay in reach. */
START_TEST(one_link_with_faults)
{
    const char *what = build_network(&networks[_i % N_NETWORKS]);
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    gsl_rng_set(rng, (unsigned long)_i + 1);
    r.manager = _i < N_NETWORKS ? MANAGER_LIVE : MANAGER_RESTARTED;
    uint32_t from = ends_n_links(&t);
    for (uint32_t i = 0; i < 3; i++) {
        const struct topo_link *l = &t.links[from + gsl_rng_uniform_int(rng, t.n_links - from)];
        uint32_t x = l->a - topology_first_switch(&t), y = l->b - topology_first_switch(&t);
        for (uint32_t k = from; k < t.n_links; k++) {
            const struct topo_link *m = &t.links[k];
            bool same = (m->a == l->a && m->b == l->b) || (m->a == l->b && m->b == l->a);
            if (same && !down[k]) {
                down[k] = 1;
                routing_link_down(&r, k, i);
            }
        }
        r.down = down;
        what = arena_printf(a, "%s, %u-%u down", what, x, y);
    }
    expect_tables(what);
    gsl_rng_free(rng);
}
END_TEST

/* A NIC is down: another one of the node takes its traffic, by the tables. */
START_TEST(one_link_with_a_nic_down)
{
    static const int with_detours[] = {0, 2, 3, 4, 5};
    const char *what = build_network(&networks[with_detours[_i]]);
    if (t.gpus_per_node < 2 || !t.type->n_detours || !t.type->n_detours(&t, 0, t.n_endpoints - 1))
        return;
    down[ends_nic_out(&t, 1, 0)] = down[ends_nic_in(&t, 1, 0)] = 1;
    r.down = down;
    routing_link_down(&r, ends_nic_out(&t, 1, 0), 0);
    routing_link_down(&r, ends_nic_in(&t, 1, 0), 0);
    expect_tables(what);
}
END_TEST

/* What nothing leads to is not reached, and nobody walks for ever. */
START_TEST(a_leaf_that_is_cut_off)
{
    uint32_t links[ROUTE_MAX_LINKS];
    build("ft2", "");
    for (uint32_t i = 0; i < 8; i++)
        cut(0, 16 + i, i);
    for (uint32_t policy = ROUTING_STATIC; policy <= ROUTING_UGAL; policy++) {
        r.policy = (struct hw_routing){.policy = (int)policy, .queue_pairs = 1};
        r.load = ARENA_ARRAY(a, double, t.n_links);
        ck_assert_uint_eq(routing_choose(&r, &(struct routing_key){.src = 0, .dst = 100}, links), 0);
        ck_assert_uint_eq(routing_choose(&r, &(struct routing_key){.src = 100, .dst = 3}, links), 0);
        ck_assert_uint_gt(routing_choose(&r, &(struct routing_key){.src = 0, .dst = 3}, links), 0);
        ck_assert_uint_gt(routing_choose(&r, &(struct routing_key){.src = 100, .dst = 50}, links), 0);
    }
}
END_TEST

/* --- files ------------------------------------------------------------------------------------------------------------ */

static const struct described {
    const char *name, *keys;
    int64_t nodes, gpus, ports;
} described[] = {
    {"ft2", "", 16, 8, 16},  {"ft2", "", 9, 8, 16},   {"ft2", "oversubscription=3", 16, 8, 32},
    {"ft2", "", 16, 8, 64},  {"ft3", "", 16, 8, 8},   {"ft3", "", 12, 4, 8},
    {"mrft", "", 16, 4, 16}, {"mrft", "", 12, 8, 16}, {"mrft", "", 40, 2, 16},
};

/* The same network built in and from a file: the same loads under static tables, nearly the same under the others. */
START_TEST(a_file_is_what_it_describes)
{
    const struct described *w = &described[_i];
    struct load own[ROUTING_UGAL + 1];
    hw.nodes = w->nodes;
    hw.node.gpus = hw.nic.per_node = w->gpus;
    hw.network.switch_ports = w->ports;
    build(w->name, w->keys);
    for (int from_file = 0; from_file < 2; from_file++) {
        if (from_file)
            build_file(w->name);
        for (int policy = ROUTING_STATIC; policy <= ROUTING_ECMP; policy++) {
            r.policy = (struct hw_routing){.policy = policy, .queue_pairs = 1};
            struct load l = all_to_all();
            if (!from_file)
                own[policy] = l;
            else if (policy == ROUTING_STATIC)
                ck_assert_msg(l.most <= own[policy].most && fabs(l.mean - own[policy].mean) < 0.5,
                              "%s %s: %u / %u / %.2f from a file, %u / %u / %.2f built in", w->name, w->keys, l.most,
                              l.least, l.mean, own[policy].most, own[policy].least, own[policy].mean);
            else
                ck_assert_msg(fabs((double)l.most / own[policy].most - 1) < 0.1 &&
                                  fabs(l.mean - own[policy].mean) < 0.5,
                              "%s %s: ecmp %u / %.2f from a file, %u / %.2f built in", w->name, w->keys, l.most, l.mean,
                              own[policy].most, own[policy].mean);
        }
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("topology_tables");
    TCase *c = tcase_create("tables");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, two_levels_as_opensm, 0, 2);
    tcase_add_loop_test(c, four_uplinks_as_opensm, 0, 4);
    tcase_add_test(c, four_uplinks_at_once_as_opensm);
    tcase_add_loop_test(c, three_levels_as_opensm, 0, 4);
    tcase_add_loop_test(c, one_link_for_each_destination, 0, N_NETWORKS);
    tcase_add_loop_test(c, one_link_with_faults, 0, 2 * N_NETWORKS);
    tcase_add_loop_test(c, one_link_with_a_nic_down, 0, 5);
    tcase_add_test(c, a_leaf_that_is_cut_off);
    tcase_add_loop_test(c, a_file_is_what_it_describes, 0, sizeof described / sizeof *described);
    suite_add_tcase(s, c);
    return tap_main(s);
}

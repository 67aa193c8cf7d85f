/* Topologies as a user relies on them: counts agree with what is built, routes are real paths, and the
 * numbers of the config move them. Parameters are random but repeatable. */
#include <check.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <string.h>

#include "base/data_find.h"
#include "hw/cluster.h"
#include "io/scenario.h"
#include "tap_main.h"
#include "topology/topo_keys.h"
#include "topology/topology.h"

struct setup {
    struct arena *arena;
    struct diag *diag;
    struct cluster_hw *hw;
    struct topology topo;
    int64_t planes; /* of random_hardware */
};

static void set_key(struct setup *s, const char *key, double value)
{
    s->hw->network.topology_keys = topo_keys_with(s->hw, arena_printf(s->arena, "%s=%.9g", key, value), s->arena);
}

static struct setup *load(void)
{
    static const char *const parts[] = {"chip", "node", "nic", "network", "ep_kernel"};
    struct arena *a = arena_new();
    struct setup *s = ARENA_NEW(a, struct setup);
    s->arena = a;
    s->diag = diag_new();
    struct cfg *cfg = cfg_new(&cluster_hw_table, a);
    for (size_t i = 0; i < 5; i++) {
        const char *name = arena_printf(a, "configs/h800/%s.yaml", parts[i]);
        const char *path = data_find(name, NULL, a);
        ck_assert_msg(path != NULL, "%s", name);
        cfg_load_file(cfg, path, parts[i], true, NULL, s->diag);
    }
    ck_assert_msg(!diag_failed(s->diag), "%s", diag_text(s->diag));
    s->hw = cfg_struct(cfg);
    s->hw->nodes = 8;
    return s;
}

static int build(struct setup *s, const char *name)
{
    s->topo = (struct topology){.type = topology_find(name)};
    ck_assert_ptr_nonnull(s->topo.type);
    return s->topo.type->build(&s->topo, s->hw, s->arena, s->diag);
}

static void done(struct setup *s)
{
    diag_free(s->diag);
    arena_free(s->arena);
}

static double path_latency_s(const struct topology *t, uint32_t src, uint32_t dst, uint32_t *n)
{
    uint32_t links[ROUTE_MAX_LINKS];
    double sum_s = 0;
    *n = topology_route(t, src, dst, links);
    for (uint32_t i = 0; i < *n; i++)
        sum_s += t->links[links[i]].latency_s;
    return sum_s;
}

/* --- against the paper ------------------------------------------------------------------------------ */

START_TEST(latencies_of_table_5)
{
    struct setup *s = load();
    uint32_t n;
    ck_assert_int_eq(build(s, "mpft"), 0);
    ck_assert_double_eq_tol(path_latency_s(&s->topo, 0, 8, &n), 2.8e-6, 1e-9);
    ck_assert_uint_eq(n, 2);
    ck_assert_double_eq_tol(path_latency_s(&s->topo, 0, 1, &n), 3.33e-6, 1e-9);
    s->hw->nodes = 128; /* two leaves per plane */
    ck_assert_int_eq(build(s, "mpft"), 0);
    ck_assert_double_eq_tol(path_latency_s(&s->topo, 0, 127 * 8, &n), 3.7e-6, 1e-9);
    ck_assert_uint_eq(n, 4);
    done(s);
}
END_TEST

/* Table 3: 2,048 endpoints per plane on 96 switches with 2,048 cables; eight planes. */
START_TEST(counts_of_table_3)
{
    struct setup *s = load();
    struct topo_counts c;
    s->hw->nodes = 2048;
    ck_assert_int_eq(topology_find("mpft")->count(s->hw, &c, s->diag), 0);
    ck_assert_uint_eq(c.endpoints, 16384);
    ck_assert_uint_eq(c.switches, 768);
    ck_assert_uint_eq(c.links, 16384);
    done(s);
}
END_TEST

START_TEST(too_many_nodes_is_a_located_reason)
{
    struct setup *s = load();
    struct topo_counts c;
    s->hw->nodes = 2049;
    ck_assert_int_eq(topology_find("mpft")->count(s->hw, &c, s->diag), -1);
    ck_assert_ptr_nonnull(strstr(diag_text(s->diag), "two levels of 64-port switches"));
    done(s);
}
END_TEST

/* Ports that do not divide are refused, with what does; nothing is rounded in silence. */
START_TEST(ports_that_do_not_divide)
{
    static const struct {
        const char *topology, *says;
        int64_t ports;
        double ratio;
    } rows[] = {{"mpft", "cannot be divided 1.7 to 1", 64, 1.7},
                {"mpft", "1.78261 (41 down, 23 up) or 1.66667 (40 down, 24 up)", 64, 1.7},
                {"ft2", "2.2 (11 down, 5 up) or 1.66667 (10 down, 6 up)", 16, 1.9},
                {"mrft", "1.78261 (41 down, 23 up)", 64, 1.7},
                {"ft3", "62 or 64", 63, 1},
                {"mpft_multiport", "1.78261 (41 down, 23 up)", 64, 1.7},
                {"ft3", "1.78261 (41 down, 23 up)", 64, 1.7}};
    struct setup *s = load();
    struct topo_counts c = {0};
    s->hw->nodes = 96;
    s->hw->network.switch_ports = rows[_i].ports;
    set_key(s, "oversubscription", (double)(rows[_i].ratio));
    ck_assert_int_eq(topology_find(rows[_i].topology)->count(s->hw, &c, s->diag), -1);
    ck_assert_msg(strstr(diag_text(s->diag), rows[_i].says), "%s", diag_text(s->diag));
    done(s);
}
END_TEST

/* As real leaves are: 42 down and 21 up of 64 ports, one stays empty, and that is said. */
START_TEST(ports_that_stay_empty)
{
    static const struct {
        const char *topology, *says;
        int64_t ports;
        double ratio;
        uint64_t links; /* of 768 endpoints in one tree, or 8 of 96 */
    } rows[] = {{"ft2", "1 stays empty: 42 are downlinks and 21 uplinks, 2 to 1", 64, 2, 19 * 21},
                {"mpft", "1 stays empty: 42 are downlinks and 21 uplinks", 64, 2, 8 * 3 * 21},
                {"mpft", "1 stays empty: 31 are downlinks and 31 uplinks", 63, 1, 8 * 4 * 31},
                {"mpft", "4 stay empty: 36 are downlinks and 24 uplinks", 64, 1.5, 8 * 3 * 24}};
    struct setup *s = load();
    struct topo_counts c = {0};
    s->hw->nodes = 96;
    s->hw->network.switch_ports = rows[_i].ports;
    set_key(s, "oversubscription", rows[_i].ratio);
    ck_assert_msg(!topology_find(rows[_i].topology)->count(s->hw, &c, s->diag), "%s", diag_text(s->diag));
    ck_assert_msg(strstr(diag_text(s->diag), rows[_i].says), "%s", diag_text(s->diag));
    ck_assert_uint_eq(c.links, rows[_i].links);
    done(s);
}
END_TEST

/* The ratio that the message offers is taken as it is printed. */
START_TEST(offered_ratio_is_taken)
{
    struct setup *s = load();
    struct topo_counts c = {0};
    s->hw->nodes = 96;
    set_key(s, "oversubscription", 2.04762);
    ck_assert_int_eq(topology_find("mpft")->count(s->hw, &c, s->diag), 0);
    ck_assert_uint_eq(c.links, 8 * 3 * 21); /* planes, leaves of 43, uplinks */
    done(s);
}
END_TEST

/* --- NICs of several ports (paper Figure 4) ------------------------------------------------------------------ */

/* Least capacity of the links of a path of which the kind is one of these. */
static double rate_Bps(const struct topology *t, uint32_t number, unsigned kinds)
{
    uint32_t links[ROUTE_MAX_LINKS], n = t->type->path(t, 0, t->n_endpoints - 1, number, links);
    double least_Bps = INFINITY;
    for (uint32_t i = 0; i < n; i++)
        if (1u << t->links[links[i]].kind & kinds)
            least_Bps = fmin(least_Bps, t->links[links[i]].capacity_Bps);
    return least_Bps;
}

static const struct ports {
    const char *keys;
    double nic_Bps, port_Bps;
    bool given;
    double one_Bps, all_Bps; /* wanted line rates of a port and of all */
} ports[] = {
    {"", 50e9, 50e9, false, 12.5e9, 50e9}, /* four ports that share what the NIC has */
    {"nic_ports=8", 50e9, 50e9, false, 6.25e9, 50e9},
    {"nic_ports=4", 100e9, 25e9, true, 25e9, 100e9}, /* four of 200 Gb/s of an 800 Gb/s NIC */
    {"nic_ports=4", 50e9, 50e9, true, 50e9, 50e9},   /* each as fast as its NIC: together no faster */
    {"nic_ports=4", 50e9, 25e9, true, 25e9, 50e9},
    {"nic_ports=2", 100e9, 25e9, true, 25e9, 50e9}, /* the ports limit */
};

START_TEST(ports_have_their_rates)
{
    const struct ports *w = &ports[_i];
    struct setup *s = load();
    s->hw->topology = "mpft_multiport";
    s->hw->network.topology_keys = topo_keys_with(s->hw, w->keys, s->arena);
    s->hw->nic.bandwidth_Bps = w->nic_Bps;
    s->hw->network.port_Bps = w->port_Bps;
    s->hw->network.port_given = w->given;
    s->hw->node.pcie_Bps = 200e9;
    s->hw->nodes = 64;
    double payload_ratio = hw_port_payload_Bps(s->hw) / s->hw->network.port_Bps;
    ck_assert_int_eq(build(s, "mpft_multiport"), 0);
    ck_assert_uint_eq(s->topo.ports_per_nic, *w->keys ? (uint32_t)(w->keys[10] - '0') : 4);
    ck_assert_double_eq_tol(rate_Bps(&s->topo, 0, 1u << LINK_NIC | 1u << LINK_LEAF_SPINE), w->one_Bps * payload_ratio,
                            1);
    ck_assert_double_eq_tol(hw_nic_payload_Bps(s->hw), w->all_Bps * payload_ratio, 1);
    ck_assert_double_eq_tol(
        fmin(rate_Bps(&s->topo, 0, 1u << LINK_PCIE), w->one_Bps * payload_ratio * s->topo.ports_per_nic),
        w->all_Bps * payload_ratio, 1);
    ck_assert_int_eq(strstr(diag_text(s->diag), "the ports limit") != NULL, w->all_Bps < w->nic_Bps);
    done(s);
}
END_TEST

/* Static tables hash pairs over ports: what stays on one rail uses all of them. */
START_TEST(ports_are_used_alike)
{
    struct setup *s = load();
    uint32_t used[4] = {0}, n = 0, links[ROUTE_MAX_LINKS];
    s->hw->nodes = 32;
    ck_assert_int_eq(build(s, "mpft_multiport"), 0);
    for (uint32_t src = 0; src < s->topo.n_endpoints; src += 8)
        for (uint32_t dst = 0; dst < s->topo.n_endpoints; dst += 8, n++) {
            uint32_t length = topology_route(&s->topo, src, dst, links);
            for (uint32_t i = 0; i < length; i++)
                if (s->topo.links[links[i]].kind == LINK_NIC &&
                    s->topo.links[links[i]].a < topology_first_switch(&s->topo))
                    used[(s->topo.links[links[i]].a - s->topo.n_endpoints) % 4]++;
        }
    for (int i = 0; i < 4; i++)
        ck_assert_msg(used[i] > 0.2 * n && used[i] < 0.3 * n, "port %d carries %u of %u", i, used[i], n);
    s->hw->topology = "mpft_multiport";
    s->hw->network.routing.policy = ROUTING_AUTO;
    ck_assert_int_eq(topology_routing(s->hw).policy, ROUTING_SPRAY);
    s->hw->topology = "mpft";
    ck_assert_int_eq(topology_routing(s->hw).policy, ROUTING_STATIC);
    done(s);
}
END_TEST

/* --- properties ------------------------------------------------------------------------------------- */

static void random_hardware(struct setup *s, gsl_rng *rng)
{
    static const int64_t ports[] = {8, 16, 64, 128};
    s->hw->node.gpus = s->hw->nic.per_node = 1 + (int64_t)gsl_rng_uniform_int(rng, 8);
    s->hw->network.switch_ports = ports[gsl_rng_uniform_int(rng, 4)];
    uint32_t ratio = 1 + (uint32_t)gsl_rng_uniform_int(rng, 3);
    set_key(s, "oversubscription", ratio);
    if (ratio == 2) /* ports that can be divided by three */
        s->hw->network.switch_ports = s->hw->network.switch_ports * 3 / 2;
    s->hw->nodes = 1 + (int64_t)gsl_rng_uniform_int(rng, 40);
    set_key(s, "nic_ports", (double)(1 + (int64_t)gsl_rng_uniform_int(rng, 4)));
    s->planes = gsl_rng_uniform_int(rng, 2) ? 0 : s->hw->node.gpus;
    if (s->hw->node.gpus % 2 == 0 && gsl_rng_uniform_int(rng, 2))
        s->planes = s->hw->node.gpus / 2;
    set_key(s, "planes", (double)s->planes);
}

static void count_built(const struct topology *t, struct topo_counts *c)
{
    uint64_t up = 0;
    for (uint32_t i = 0; i < t->n_links; i++)
        up += t->links[i].kind > LINK_NIC;
    c->endpoints = t->n_endpoints;
    c->switches = t->n_vertices - topology_first_switch(t);
    c->links = up / 2;
}

/* NVLink hops start and end at GPUs of one node; network links must chain vertex to vertex. */
static void check_links(const struct topology *t, uint32_t dst, const uint32_t *links, uint32_t n)
{
    ck_assert_uint_gt(n, 0);
    uint32_t at = UINT32_MAX;
    for (uint32_t i = 0; i < n; i++) {
        const struct topo_link *l = &t->links[links[i]];
        for (uint32_t k = 0; k < i; k++)
            ck_assert_uint_ne(links[i], links[k]);
        if (l->kind == LINK_NVLINK)
            continue;
        if (at != UINT32_MAX)
            ck_assert_uint_eq(l->a, at);
        at = l->b;
    }
    if (t->links[links[n - 1]].kind != LINK_NVLINK)
        ck_assert_uint_eq((at - t->n_endpoints) / t->ports_per_nic, dst); /* ends at its NIC */
    else
        ck_assert_uint_eq(t->links[links[n - 1]].b, dst);
}

static void check_route(const struct topology *t, uint32_t src, uint32_t dst)
{
    uint32_t links[ROUTE_MAX_LINKS], n = topology_route(t, src, dst, links);
    check_links(t, dst, links, n);
}

/* Both ways take as long; unless several NICs of a node are on a plane: they may be on two leaves. */
static void check_pairs(const struct topology *t, gsl_rng *rng, bool symmetric)
{
    for (int i = 0; i < 200 && t->n_endpoints > 1; i++) {
        uint32_t src = (uint32_t)gsl_rng_uniform_int(rng, t->n_endpoints);
        uint32_t dst = (uint32_t)gsl_rng_uniform_int(rng, t->n_endpoints);
        uint32_t n, back;
        if (src == dst)
            continue;
        check_route(t, src, dst);
        if (!symmetric)
            continue;
        double there_s = path_latency_s(t, src, dst, &n);
        double back_s = path_latency_s(t, dst, src, &back);
        ck_assert_uint_eq(n, back);
        ck_assert_double_eq_tol(there_s, back_s, 1e-12);
    }
}

START_TEST(random_clusters)
{
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_taus2);
    gsl_rng_set(rng, 9 + (unsigned long)_i);
    struct setup *s = load();
    random_hardware(s, rng);
    for (const struct topology_type *const *t = topology_all(); *t; t++) {
        struct topo_counts counted = {0}, built;
        if ((*t)->count(s->hw, &counted, s->diag))
            continue; /* does not fit two levels: build must agree */
        ck_assert_int_eq(build(s, (*t)->name), 0);
        count_built(&s->topo, &built);
        ck_assert_uint_eq(built.endpoints, counted.endpoints);
        ck_assert_uint_eq(built.switches, counted.switches);
        ck_assert_uint_eq(built.links, counted.links);
        check_pairs(&s->topo, rng, !s->planes || s->planes == s->hw->node.gpus);
    }
    done(s);
    gsl_rng_free(rng);
}
END_TEST

/* No switch has more cables than ports. */
static void check_radix(const struct setup *s)
{
    const struct topology *t = &s->topo;
    uint32_t *used = ARENA_ARRAY(s->arena, uint32_t, t->n_vertices);
    for (uint32_t i = 0; i < t->n_links; i++)
        if (t->links[i].kind != LINK_NVLINK)
            used[t->links[i].a]++;
    for (uint32_t v = topology_first_switch(t); v < t->n_vertices; v++)
        ck_assert_uint_le(used[v], (uint32_t)s->hw->network.switch_ports);
}

START_TEST(radix_is_respected)
{
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_taus2);
    gsl_rng_set(rng, 100 + (unsigned long)_i);
    struct setup *s = load();
    random_hardware(s, rng);
    for (const struct topology_type *const *t = topology_all(); *t; t++) {
        struct topo_counts c = {0};
        if ((*t)->count(s->hw, &c, s->diag))
            continue;
        ck_assert_int_eq(build(s, (*t)->name), 0);
        check_radix(s);
    }
    done(s);
    gsl_rng_free(rng);
}
END_TEST

/* Every number is a path of its own; the minimal ones have the same length, detours are no shorter. */
START_TEST(paths_are_numbered)
{
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_taus2);
    gsl_rng_set(rng, 300 + (unsigned long)_i);
    struct setup *s = load();
    random_hardware(s, rng);
    for (const struct topology_type *const *type = topology_all(); *type; type++) {
        struct topo_counts c = {0};
        if ((*type)->count(s->hw, &c, s->diag) || c.endpoints < 2)
            continue;
        ck_assert_int_eq(build(s, (*type)->name), 0);
        const struct topology *t = &s->topo;
        uint32_t src = (uint32_t)gsl_rng_uniform_int(rng, t->n_endpoints);
        uint32_t dst = (src + 1 + (uint32_t)gsl_rng_uniform_int(rng, t->n_endpoints - 1)) % t->n_endpoints;
        uint32_t minimal = (*type)->n_minimal(t, src, dst), first[ROUTE_MAX_LINKS];
        uint32_t all = minimal + ((*type)->n_detours ? (*type)->n_detours(t, src, dst) : 0);
        uint32_t n_first = (*type)->path(t, src, dst, 0, first);
        ck_assert_uint_lt((*type)->by_destination(t, src, dst), minimal);
        for (uint32_t i = 0; i < all; i++) {
            uint32_t links[ROUTE_MAX_LINKS], n = (*type)->path(t, src, dst, i, links);
            check_links(t, dst, links, n);
            ck_assert(i < minimal ? n == n_first : n >= n_first);
            ck_assert(i == 0 || i >= minimal || memcmp(links, first, n * sizeof *links));
        }
    }
    done(s);
    gsl_rng_free(rng);
}
END_TEST

/* Table 3, first three columns: endpoints, switches and links. */
START_TEST(fat_trees_of_table_3)
{
    static const struct {
        const char *name;
        int64_t nodes;
        uint64_t endpoints, switches, links;
    } rows[] = {{"ft2", 256, 2048, 96, 2048}, {"mpft", 2048, 16384, 768, 16384}, {"ft3", 8192, 65536, 5120, 131072}};
    struct setup *s = load();
    struct topo_counts c = {0}, built;
    s->hw->nodes = rows[_i].nodes;
    ck_assert_int_eq(topology_find(rows[_i].name)->count(s->hw, &c, s->diag), 0);
    ck_assert_uint_eq(c.endpoints, rows[_i].endpoints);
    ck_assert_uint_eq(c.switches, rows[_i].switches);
    ck_assert_uint_eq(c.links, rows[_i].links);
    ck_assert_int_eq(build(s, rows[_i].name), 0);
    count_built(&s->topo, &built);
    ck_assert_uint_eq(built.switches, c.switches);
    ck_assert_uint_eq(built.links, c.links);
    done(s);
}
END_TEST

START_TEST(planes_must_divide)
{
    struct setup *s = load();
    struct topo_counts c = {0};
    set_key(s, "planes", 3);
    ck_assert_int_eq(topology_find("mpft")->count(s->hw, &c, s->diag), -1);
    ck_assert_ptr_nonnull(strstr(diag_text(s->diag), "a divisor of 8"));
    done(s);
}
END_TEST

/* With fewer planes than NICs a GPU whose own NIC is on the right plane needs no NVLink hop. */
START_TEST(planes_shared_by_nics)
{
    struct setup *s = load();
    uint32_t n;
    set_key(s, "planes", 4);
    ck_assert_int_eq(build(s, "mpft"), 0);
    path_latency_s(&s->topo, 0, 8 + 4, &n); /* plane 0 both */
    ck_assert_uint_eq(n, 2);
    path_latency_s(&s->topo, 0, 8 + 5, &n);
    ck_assert_uint_eq(n, 4);
    done(s);
}
END_TEST

START_TEST(planes_do_not_meet)
{
    struct setup *s = load();
    s->hw->nodes = 100;
    ck_assert_int_eq(build(s, "mpft"), 0);
    const struct topology *t = &s->topo;
    for (uint32_t src = 0; src < t->n_endpoints; src += 37)
        for (uint32_t dst = 0; dst < t->n_endpoints; dst += 41) {
            uint32_t links[ROUTE_MAX_LINKS];
            uint32_t n = src == dst ? 0 : topology_route(t, src, dst, links);
            for (uint32_t i = 0; i < n; i++)
                if (t->links[links[i]].kind == LINK_NIC) {
                    uint32_t nic =
                        t->links[links[i]].a < 2 * t->n_endpoints ? t->links[links[i]].a : t->links[links[i]].b;
                    ck_assert_uint_eq(nic % 8, dst % 8);
                }
        }
    done(s);
}
END_TEST

START_TEST(numbers_move_capacities)
{
    struct setup *s = load();
    ck_assert_int_eq(build(s, "mpft"), 0);
    uint32_t tx = 2 * s->topo.n_endpoints;
    ck_assert_double_eq_tol(s->topo.links[tx].capacity_Bps, 48.5e9, 0.05e9);
    ck_assert_double_eq_tol(s->topo.links[0].capacity_Bps, 160e9, 1);
    s->hw->nic.bandwidth_Bps = 25e9;
    ck_assert_int_eq(build(s, "mpft"), 0);
    ck_assert_double_eq_tol(s->topo.links[tx].capacity_Bps, 24.25e9, 0.05e9);
    s->hw->nic.bandwidth_Bps = 100e9; /* port and PCIe now limit, and say so */
    ck_assert_int_eq(build(s, "mpft"), 0);
    ck_assert_double_eq_tol(s->topo.links[tx].capacity_Bps, 48.5e9, 0.05e9);
    ck_assert_ptr_nonnull(strstr(diag_text(s->diag), "faster than its switch port"));
    ck_assert(!diag_failed(s->diag));
    done(s);
}
END_TEST

/* Traffic from one leaf to 32 different nodes uses 32 different uplinks. */
START_TEST(destinations_spread_over_uplinks)
{
    struct setup *s = load();
    s->hw->nodes = 128;
    for (int i = 0; i < 2; i++) {
        s->hw->nodes = i ? 16 : 128;
        s->hw->network.switch_ports = i ? 16 : 64;
        s->hw->node.gpus = s->hw->nic.per_node = i ? 1 : 8;
        ck_assert_int_eq(build(s, i ? "mrft" : "mpft"), 0);
        uint32_t gpus = s->topo.gpus_per_node, links[ROUTE_MAX_LINKS];
        uint32_t down = (uint32_t)s->hw->network.switch_ports / 2;
        uint8_t *seen = ARENA_ARRAY(s->arena, uint8_t, s->topo.n_links);
        for (uint32_t node = down; node < 2 * down && node < s->hw->nodes; node++) {
            uint32_t n = topology_route(&s->topo, 0, node * gpus, links);
            ck_assert_uint_eq(n, s->hw->nodes > s->hw->network.switch_ports ? 4 : n);
            if (n == 4)
                ck_assert_uint_eq(seen[links[1]]++, 0);
        }
    }
    done(s);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("topology");
    TCase *t = tcase_create("topology");
    tcase_add_loop_test(t, ports_have_their_rates, 0, sizeof ports / sizeof *ports);
    tcase_add_test(t, ports_are_used_alike);
    tcase_add_test(t, latencies_of_table_5);
    tcase_add_test(t, counts_of_table_3);
    tcase_add_test(t, too_many_nodes_is_a_located_reason);
    tcase_add_loop_test(t, ports_that_do_not_divide, 0, 7);
    tcase_add_loop_test(t, ports_that_stay_empty, 0, 4);
    tcase_add_test(t, offered_ratio_is_taken);
    tcase_add_loop_test(t, random_clusters, 0, 60);
    tcase_add_loop_test(t, radix_is_respected, 0, 60);
    tcase_add_loop_test(t, paths_are_numbered, 0, 60);
    tcase_add_loop_test(t, fat_trees_of_table_3, 0, 3);
    tcase_add_test(t, planes_must_divide);
    tcase_add_test(t, planes_shared_by_nics);
    tcase_add_test(t, planes_do_not_meet);
    tcase_add_test(t, numbers_move_capacities);
    tcase_add_test(t, destinations_spread_over_uplinks);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return tap_main(suite());
}

/* Networks without switches (full_mesh, torus) and the dual-plane network, held against brute force on their links:
 * counts, distances by Floyd and Warshall, shortest paths counted one by one, the bisection over all halvings. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hw/cluster.h"
#include "tap_main.h"
#include "topology/cost.h"
#include "topology/ends.h"
#include "topology/metrics.h"
#include "topology/routing.h"
#include "topology/symmetry.h"
#include "topology/topo_keys.h"

static struct arena *a;
static struct diag *d;
static struct cluster_hw hw;
static struct topology t;

static void setup(void)
{
    a = arena_new();
    d = diag_new();
    hw = (struct cluster_hw){.nodes = 1};
    hw.node = (struct hw_node){.gpus = 1, .nvlink_Bps = 200e9, .nvlink_efficiency_ratio = 1, .pcie_Bps = 63e9};
    hw.nic =
        (struct hw_nic){.per_node = 1, .bandwidth_Bps = 50e9, .mtu_B = 4096, .efficiency_ratio = 1, .latency_s = 1e-6};
    hw.network.switch_ports = 64;
    hw.network.port_Bps = 50e9;
}

static void teardown(void)
{
    diag_free(d);
    arena_free(a);
}

static void build(const char *name, int64_t nodes, const char *keys)
{
    hw.topology = name;
    hw.nodes = nodes;
    hw.network.topology_keys = topo_keys_with(&hw, keys, a);
    t = (struct topology){.type = topology_find(name)};
    ck_assert_msg(t.type->build(&t, &hw, a, d) == 0, "%s %s: %s", name, keys, diag_text(d));
}

static const struct shape {
    const char *name, *keys;
    int64_t n;
    uint32_t diameter;
    double bisection_Bps; /* over all halvings; 0: too many of them to try */
} shapes[] = {
    {"full_mesh", "mesh=5", 5, 1, 6 * 50e9},
    {"full_mesh", "mesh=4x4", 16, 2, 16 * 50e9},
    {"full_mesh", "mesh=4x4 mesh_bandwidth=100GB/s,20GB/s", 16, 2, 16 * 20e9},
    {"full_mesh", "mesh=2x3x2 mesh_bandwidth=10GB/s", 12, 3, 6 * 10e9},
    {"full_mesh", "mesh=8x8x4", 256, 3, 0},
    {"full_mesh", "mesh=3x3x3x3", 81, 4, 0},
    {"torus", "torus=4x4", 16, 4, 8 * 50e9},
    {"torus", "torus=4x4 torus_wrap=false", 16, 6, 4 * 50e9},
    {"torus", "torus=3x5", 15, 3, 8 * 50e9},
    {"torus", "torus=2x4", 8, 3, 4 * 50e9},
    {"torus", "torus=2x2x3", 12, 3, 0},
    {"torus", "torus=4x4x4", 64, 6, 0},
    {"torus", "torus=3x3x5", 45, 4, 0},
    {"torus", "torus=8x4x4 torus_bandwidth=50GB/s,25GB/s,25GB/s", 128, 8, 0},
};
enum { N_SHAPES = sizeof shapes / sizeof *shapes };

/* Links between GPUs: 1 where there is a cable. */
static uint8_t *cables(void)
{
    uint32_t n = t.n_endpoints, first = topology_first_switch(&t);
    uint8_t *c = ARENA_ARRAY(a, uint8_t, (size_t)n * n);
    for (uint32_t i = ends_n_links(&t); i < t.n_links; i++) {
        uint32_t x = t.links[i].a - first, y = t.links[i].b - first;
        ck_assert_msg(x < n && y < n && x != y && !c[x * n + y], "link %u from %u to %u", i, x, y);
        c[x * n + y] = 1;
    }
    return c;
}

static uint32_t *distances(const uint8_t *c)
{
    uint32_t n = t.n_endpoints, *h = ARENA_ARRAY(a, uint32_t, (size_t)n * n);
    for (uint32_t i = 0; i < n * n; i++)
        h[i] = i % (n + 1) == 0 ? 0 : c[i] ? 1 : 1000;
    for (uint32_t k = 0; k < n; k++)
        for (uint32_t i = 0; i < n; i++)
            for (uint32_t j = 0; j < n; j++)
                if (h[i * n + k] + h[k * n + j] < h[i * n + j])
                    h[i * n + j] = h[i * n + k] + h[k * n + j];
    return h;
}

START_TEST(counts_and_distances)
{
    const struct shape *w = &shapes[_i];
    struct topo_counts counts = {0};
    struct net_graph g;
    struct topo_metrics m;
    build(w->name, w->n, w->keys);
    ck_assert_int_eq(t.type->count(&hw, &counts, d), 0);
    ck_assert_uint_eq(counts.endpoints, (uint64_t)w->n);
    ck_assert_uint_eq(counts.switches, 0);
    ck_assert_uint_eq(topo_nic_cables(&counts), 0);
    ck_assert_uint_eq(2 * counts.links, t.n_links - ends_n_links(&t));
    uint8_t *c = cables();
    uint32_t n = t.n_endpoints, *h = distances(c), most = 0;
    double sum = 0;
    for (uint32_t i = 0; i < n * n; i++) {
        ck_assert_uint_eq(c[i], c[i % n * n + i / n]); /* both directions of a cable */
        most = h[i] > most ? h[i] : most;
        sum += h[i];
    }
    net_graph_build(&t, a, &g);
    topo_metrics(&t, &g, a, &m);
    ck_assert_uint_eq(most, w->diameter);
    ck_assert_uint_eq(m.diameter_hops, most);
    ck_assert_double_eq_tol(m.mean_hops, sum / n / (n - 1), 1e-9);
    double router_Bps = 0;
    for (uint32_t i = ends_n_links(&t); i < t.n_links; i++)
        router_Bps += t.links[i].a == topology_first_switch(&t) + n / 2 ? t.links[i].capacity_Bps : 0;
    ck_assert(hw_nic_payload_Bps(&hw) >= router_Bps * (1 - 1e-12)); /* of a GPU in the middle */
}
END_TEST

/* Bandwidth from one half to the other, the least over all halves of n GPUs. */
static double brute_bisection_Bps(void)
{
    uint32_t n = t.n_endpoints, first = topology_first_switch(&t);
    double least_Bps = INFINITY;
    for (uint32_t half = 0; half < 1u << n; half++) {
        double cut_Bps = 0;
        if ((uint32_t)__builtin_popcount(half) != n / 2)
            continue;
        for (uint32_t i = ends_n_links(&t); i < t.n_links; i++)
            if ((half >> (t.links[i].a - first) & 1) && !(half >> (t.links[i].b - first) & 1))
                cut_Bps += t.links[i].capacity_Bps;
        least_Bps = fmin(least_Bps, cut_Bps);
    }
    return least_Bps;
}

START_TEST(bisection_over_all_halvings)
{
    const struct shape *w = &shapes[_i];
    struct net_graph g;
    struct topo_metrics m;
    if (!(w->bisection_Bps > 0))
        return;
    build(w->name, w->n, w->keys);
    net_graph_build(&t, a, &g);
    topo_metrics(&t, &g, a, &m);
    ck_assert_double_eq_tol(brute_bisection_Bps(), w->bisection_Bps, 1);
    ck_assert_double_eq_tol(m.bisection_Bps, w->bisection_Bps, 1);
}
END_TEST

/* --- paths ------------------------------------------------------------------------------------------- */

/* A path of links that fit together, each once; its cables. */
static uint32_t check_path(uint32_t src, uint32_t dst, uint32_t number, uint32_t *links)
{
    uint32_t n = t.type->path(&t, src, dst, number, links), first = topology_first_switch(&t), at = first + src;
    ck_assert_uint_le(n, ROUTE_MAX_LINKS);
    ck_assert_uint_eq(links[0], ends_nic_out(&t, src, 0));
    ck_assert_uint_eq(links[n - 1], ends_nic_in(&t, dst, 0));
    for (uint32_t i = 1; i + 1 < n; i++) {
        for (uint32_t k = 1; k < i; k++)
            ck_assert_uint_ne(links[i], links[k]);
        ck_assert_uint_eq(t.links[links[i]].a, at);
        at = t.links[links[i]].b;
    }
    ck_assert_uint_eq(at, first + dst);
    return n - 2;
}

/* Shortest ways from src to dst, counted over the graph. */
static double count_shortest(const uint8_t *c, const uint32_t *h, uint32_t src, uint32_t dst)
{
    uint32_t n = t.n_endpoints;
    double sum = 0;
    if (src == dst)
        return 1;
    for (uint32_t v = 0; v < n; v++)
        if (c[src * n + v] && h[v * n + dst] + 1 == h[src * n + dst])
            sum += count_shortest(c, h, v, dst);
    return sum;
}

START_TEST(paths_are_the_shortest_there_are)
{
    const struct shape *w = &shapes[_i];
    build(w->name, w->n, w->keys);
    uint8_t *c = cables();
    uint32_t n = t.n_endpoints, *h = distances(c), links[ROUTE_MAX_LINKS];
    uint32_t(*seen)[ROUTE_MAX_LINKS] = arena_array(a, sizeof *seen, 1024);
    for (uint32_t src = 0; src < n; src += 1 + n / 7)
        for (uint32_t dst = 0; dst < n; dst++) {
            if (src == dst)
                continue;
            uint32_t minimal = t.type->n_minimal(&t, src, dst), detours = t.type->n_detours(&t, src, dst);
            double all = count_shortest(c, h, src, dst);
            ck_assert_uint_eq(minimal, (uint32_t)fmin(all, w->name[0] == 't' ? 128 : 720));
            for (uint32_t i = 0; i < minimal; i++) {
                memset(seen[i], 0, sizeof *seen);
                ck_assert_uint_eq(check_path(src, dst, i, seen[i]), h[src * n + dst]);
                for (uint32_t k = 0; k < i; k++)
                    ck_assert_msg(memcmp(seen[i], seen[k], sizeof *seen),
                                  "%s: paths %u and %u from %u to %u are the same", w->keys, k, i, src, dst);
            }
            for (uint32_t i = 0; i < detours; i++)
                ck_assert_uint_gt(check_path(src, dst, minimal + i, links), h[src * n + dst]);
        }
}
END_TEST

/* Tables go dimension by dimension, so that no links wait for each other in a circle but those of one ring. */
START_TEST(tables_go_by_dimensions)
{
    const struct shape *w = &shapes[_i];
    build(w->name, w->n, w->keys);
    uint32_t n = t.n_endpoints, *h = distances(cables()), links[ROUTE_MAX_LINKS];
    uint32_t *next = ARENA_ARRAY(a, uint32_t, (size_t)n * n);
    for (uint32_t src = 0; src < n; src++)
        for (uint32_t dst = 0; dst < n; dst++) {
            uint32_t length = topology_route(&t, src, dst, links), last = 0;
            if (src == dst)
                continue;
            ck_assert_uint_eq(length - 2, h[src * n + dst]);
            for (uint32_t i = 1; i + 1 < length; i++) {
                char name[80];
                uint32_t at = t.links[links[i]].a - topology_first_switch(&t), *e = &next[at * n + dst];
                unsigned dim;
                t.type->link_name(&t, links[i], name, sizeof name);
                ck_assert_int_eq(sscanf(strchr(name, '('), "(dimension %u)", &dim), 1);
                ck_assert_uint_ge(dim, last);
                last = dim;
                ck_assert(!*e || *e == links[i]); /* one link for each destination */
                *e = links[i];
            }
        }
}
END_TEST

/* An all-to-all by tables loads all links of a dimension alike. */
START_TEST(tables_balance)
{
    const struct shape *w = &shapes[_i];
    build(w->name, w->n, w->keys);
    if (strstr(w->keys, "wrap=false"))
        return;
    uint32_t n = t.n_endpoints, links[ROUTE_MAX_LINKS];
    uint32_t *flows = ARENA_ARRAY(a, uint32_t, t.n_links), most[8] = {0}, least[8];
    memset(least, 0xff, sizeof least);
    for (uint32_t i = 0; i < n * n; i++)
        for (uint32_t k = 0, length = topology_route(&t, i / n, i % n, links); k < length; k++)
            flows[links[k]]++;
    for (uint32_t i = ends_n_links(&t); i < t.n_links; i++) {
        char name[80];
        unsigned dim = 0;
        t.type->link_name(&t, i, name, sizeof name);
        sscanf(strchr(name, '('), "(dimension %u)", &dim);
        most[dim] = flows[i] > most[dim] ? flows[i] : most[dim];
        least[dim] = flows[i] < least[dim] ? flows[i] : least[dim];
    }
    for (int dim = 0; dim < 8 && most[dim]; dim++)
        ck_assert_uint_eq(most[dim], least[dim]);
}
END_TEST

START_TEST(all_paths_of_a_mesh)
{
    uint32_t links[ROUTE_MAX_LINKS];
    build("full_mesh", 32, "mesh=8x4 mesh_paths=all");
    ck_assert_uint_eq(t.type->n_minimal(&t, 0, 1), 1 + 6);     /* direct, or by one of six others */
    ck_assert_uint_eq(t.type->n_minimal(&t, 0, 9), 2 + 6 + 2); /* two orders, by a third in either dimension */
    ck_assert_uint_eq(t.type->n_detours(&t, 0, 1), 3);         /* by a parallel row */
    for (uint32_t i = 0; i < 7 + 3; i++)
        ck_assert_uint_eq(check_path(0, 1, i, links), i == 0 ? 1 : i < 7 ? 2 : 3);
}
END_TEST

/* What the copper is: cubes of a torus, the first dimensions of a mesh. */
START_TEST(copper_and_price)
{
    static const struct {
        const char *name, *keys;
        int64_t n;
        uint64_t links, copper;
    } w[] = {{"torus", "torus=4x4x4", 64, 192, 144},
             {"torus", "torus=8x8x8", 512, 1536, 1152},
             {"torus", "torus=4x4 torus_wrap=false", 16, 24, 24},
             {"torus", "torus=6x4", 24, 48, 4 * 4 + 6 * 3},
             {"full_mesh", "mesh=4x4x4", 64, 288, 192},
             {"full_mesh", "mesh=4x4x4 mesh_copper=3", 64, 288, 288}};
    struct cost_prices p = {
        .switch_USD = 1e6, .optical_cable_USD = 100, .copper_cable_USD = 10, .endpoint_cable_USD = 1e6, .nic_USD = 1e6};
    struct topo_counts c = {0};
    struct topo_cost cost;
    uint64_t copper = 0;
    hw.network.copper_length_m = 1;
    hw.network.optical_length_m = 10;
    build(w[_i].name, w[_i].n, w[_i].keys);
    ck_assert_int_eq(t.type->count(&hw, &c, d), 0);
    for (uint32_t i = ends_n_links(&t); i < t.n_links; i++)
        copper += t.links[i].latency_s < 1e-8; /* 5 ns a metre */
    ck_assert_uint_eq(copper, 2 * c.short_links);
    ck_assert_uint_eq(c.links, w[_i].links);
    ck_assert_uint_eq(c.short_links, w[_i].copper);
    topo_cost(&c, &hw, &p, &cost);
    ck_assert_double_eq(cost.total_USD, 100.0 * (double)(c.links - c.short_links) + 10.0 * (double)c.short_links);
}
END_TEST

/* GPUs that cannot be told apart: what one sends stands for all. */
START_TEST(meshes_fold_up)
{
    static const struct {
        const char *name, *keys;
        int64_t n;
        bool folds;
    } w[] = {{"full_mesh", "mesh=4x4x4", 64, true},
             {"full_mesh", "mesh=2x3 mesh_bandwidth=50GB/s,20GB/s", 6, true},
             {"torus", "torus=3x5", 15, false}, /* two links of a ring on a path */
             {"torus", "torus=4x4", 16, false},
             {"torus", "torus=3x5 torus_wrap=false", 15, false}};
    struct topology q;
    build(w[_i].name, w[_i].n, w[_i].keys);
    ck_assert_msg((symmetry_quotient(&t, &q, a, d) == 0) == w[_i].folds, "%s: %s", w[_i].keys, diag_text(d));
}
END_TEST

/* A cable is down: every policy finds a way, and tables of what is left are tables. */
START_TEST(ways_round_a_fault)
{
    const struct shape *w = &shapes[_i];
    build(w->name, w->n, w->keys);
    struct router r = {.topo = &t, .load = ARENA_ARRAY(a, double, t.n_links)};
    uint8_t *down = ARENA_ARRAY(a, uint8_t, t.n_links);
    uint32_t links[ROUTE_MAX_LINKS], first = topology_first_switch(&t), x = t.links[ends_n_links(&t)].b - first;
    for (uint32_t i = ends_n_links(&t); i < t.n_links; i++) {
        uint32_t p = t.links[i].a - first, q = t.links[i].b - first;
        if ((p == 0 && q == x) || (p == x && q == 0)) {
            down[i] = 1;
            routing_link_down(&r, i, 0);
        }
    }
    r.down = down;
    for (int policy = ROUTING_STATIC; policy <= ROUTING_UGAL; policy++) {
        r.policy = (struct hw_routing){.policy = policy, .queue_pairs = 1};
        for (uint32_t i = 0; i < 2; i++) {
            struct routing_key key = {.src = i ? x : 0, .dst = i ? 0 : x};
            uint32_t n = routing_choose(&r, &key, links);
            ck_assert_uint_ge(n, 4); /* two cables or more */
            for (uint32_t k = 0; k < n; k++)
                ck_assert(!down[links[k]]);
        }
    }
    routing_free(&r);
}
END_TEST

static const struct {
    const char *name, *keys, *says;
    int64_t nodes, gpus;
} wrong[] = {
    {"torus", "", "needs cluster.network.torus", 16, 1},
    {"torus", "torus=4x4", "every GPU is a node", 4, 4},
    {"torus", "torus=4x4", "set cluster.nodes to 16", 8, 1},
    {"torus", "torus=16", "2 to 3 dimensions", 16, 1},
    {"torus", "torus=2x2x2x2", "2 to 3 dimensions", 16, 1},
    {"torus", "torus=4,four", "write the sizes", 16, 1},
    {"torus", "torus=40x40", "up to 40 cables apart", 1600, 1},
    {"torus", "torus=4x4 torus_bandwidth=50", "cluster.network.torus_bandwidth", 16, 1},
    {"torus", "torus=4x4 torus_bandwidth=1GB/s,2GB/s,3GB/s", "more bandwidths than dimensions", 16, 1},
    {"full_mesh", "mesh=2x2x4 mesh_bandwidth=1GB/s,2GB/s", "2 bandwidths for 3 dimensions", 16, 1},
    {"full_mesh", "mesh=0x4", "write the sizes", 16, 1},
};

START_TEST(what_does_not_fit)
{
    hw.topology = wrong[_i].name;
    hw.nodes = wrong[_i].nodes;
    hw.node.gpus = wrong[_i].gpus;
    hw.network.topology_keys = topo_keys_with(&hw, wrong[_i].keys, a);
    t = (struct topology){.type = topology_find(hw.topology)};
    ck_assert_int_eq(t.type->build(&t, &hw, a, d), -1);
    ck_assert_msg(strstr(diag_text(d), wrong[_i].says) != NULL, "%s", diag_text(d));
}
END_TEST

/* --- two planes -------------------------------------------------------------------------------------- */

/* A segment of HPN: 128 hosts of eight GPUs, leaves of 256 ports (of 200 Gb/s): 16 leaves, one for each rail and plane. */
START_TEST(a_segment_of_hpn)
{
    struct topo_counts c = {0};
    struct net_graph g;
    struct topo_metrics m;
    hw.node.gpus = hw.nic.per_node = 8;
    hw.network.switch_ports = 256;
    build("dual_plane", 128, "");
    ck_assert_int_eq(t.type->count(&hw, &c, d), 0);
    ck_assert_uint_eq(c.endpoints, 1024);
    ck_assert_uint_eq(c.nic_cables, 2048);
    ck_assert_uint_eq(c.switches, 2 * (8 + 4));
    ck_assert_uint_eq(c.links, 2 * 8 * 128);
    net_graph_build(&t, a, &g);
    topo_metrics(&t, &g, a, &m);
    ck_assert_uint_eq(m.planes, 2);
    ck_assert_uint_eq(m.diameter_hops, 2);
    ck_assert_double_eq_tol(m.bisection_ratio, 1, 1e-9);
    ck_assert_double_eq_tol(hw_nic_payload_Bps(&hw), 50e9, 1); /* two ports of 200 Gb/s */
    /* both ports of one rail: one leaf in each plane, no spine between */
    uint32_t links[ROUTE_MAX_LINKS];
    ck_assert_uint_eq(t.type->n_minimal(&t, 0, 8), 2);
    for (uint32_t port = 0; port < 2; port++) {
        ck_assert_uint_eq(t.type->path(&t, 0, 8, port, links), 2);
        ck_assert_uint_eq(links[0], ends_nic_out(&t, 0, port));
        ck_assert_uint_eq(links[1], ends_nic_in(&t, 8, port));
    }
    ck_assert_uint_eq(t.type->n_minimal(&t, 0, 9), 2 * 128);
}
END_TEST

/* A leaf is lost: its NICs have their other port. A NIC is lost: another one of the node does its work. */
START_TEST(ports_and_nics_fail_over)
{
    struct router r = {.topo = &t};
    uint32_t links[ROUTE_MAX_LINKS];
    hw.node.gpus = hw.nic.per_node = 4;
    hw.network.switch_ports = 16;
    build("dual_plane", 12, "");
    uint8_t *down = ARENA_ARRAY(a, uint8_t, t.n_links);
    r.load = ARENA_ARRAY(a, double, t.n_links);
    uint32_t leaf = t.links[ends_nic_out(&t, 0, 0)].b;
    r.down = down;
    for (int step = 0; step < 2; step++) {
        for (uint32_t i = 0; i < t.n_links; i++) {
            const struct topo_link *l = &t.links[i];
            bool of_leaf = l->a == leaf || l->b == leaf,
                 of_nic = i == ends_nic_out(&t, 0, 1) || i == ends_nic_in(&t, 0, 1);
            if (l->kind != LINK_NVLINK && !down[i] && (step ? of_nic : of_leaf)) {
                down[i] = 1;
                routing_link_down(&r, i, (uint32_t)step);
            }
        }
        for (int policy = ROUTING_STATIC; policy <= ROUTING_UGAL; policy++)
            for (uint32_t dst = 4; dst < t.n_endpoints; dst++) {
                r.policy = (struct hw_routing){.policy = policy, .queue_pairs = 1};
                struct routing_key there = {.src = 0, .dst = dst}, back = {.src = dst, .dst = 0};
                uint32_t n = routing_choose(&r, &there, links);
                ck_assert_uint_gt(n, 0);
                if (policy < ROUTING_VALIANT) /* the others take detours anyway */
                    ck_assert(step ? t.links[links[0]].kind == LINK_NVLINK : links[0] == ends_nic_out(&t, 0, 1));
                ck_assert_uint_gt(routing_choose(&r, &back, links), 0);
            }
    }
    routing_free(&r);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("topology_direct");
    TCase *c = tcase_create("direct");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, counts_and_distances, 0, N_SHAPES);
    tcase_add_loop_test(c, bisection_over_all_halvings, 0, N_SHAPES);
    tcase_add_loop_test(c, paths_are_the_shortest_there_are, 0, N_SHAPES);
    tcase_add_loop_test(c, tables_go_by_dimensions, 0, N_SHAPES);
    tcase_add_loop_test(c, tables_balance, 0, N_SHAPES);
    tcase_add_test(c, all_paths_of_a_mesh);
    tcase_add_loop_test(c, copper_and_price, 0, 6);
    tcase_add_loop_test(c, meshes_fold_up, 0, 5);
    tcase_add_loop_test(c, ways_round_a_fault, 0, N_SHAPES);
    tcase_add_loop_test(c, what_does_not_fit, 0, sizeof wrong / sizeof *wrong);
    tcase_add_test(c, a_segment_of_hpn);
    tcase_add_test(c, ports_and_nics_fail_over);
    suite_add_tcase(s, c);
    return tap_main(s);
}

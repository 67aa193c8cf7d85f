/* Metrics of networks: against what is known of fat trees, and against brute force on random graphs:
 * distances and path counts by Floyd and Warshall, maximum flow by the least of all cuts. */
#include <check.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <string.h>

#include "base/data_find.h"
#include "hw/cluster.h"
#include "io/scenario.h"
#include "tap_main.h"
#include "topology/bisection.h"
#include "topology/metrics.h"
#include "topology/topo_keys.h"

struct setup {
    struct arena *arena;
    struct diag *diag;
    struct cluster_hw *hw;
    struct topology topo;
    struct net_graph graph;
    struct topo_metrics metrics;
};

static struct setup *load(void)
{
    static const char *const parts[] = {"chip", "node", "nic", "network", "ep_kernel"};
    struct arena *a = arena_new();
    struct setup *s = ARENA_NEW(a, struct setup);
    s->arena = a;
    s->diag = diag_new();
    struct cfg *cfg = cfg_new(&cluster_hw_table, a);
    for (size_t i = 0; i < 5; i++) {
        const char *path = data_find(arena_printf(a, "configs/h800/%s.yaml", parts[i]), NULL, a);
        ck_assert_ptr_nonnull(path);
        cfg_load_file(cfg, path, parts[i], true, NULL, s->diag);
    }
    ck_assert_msg(!diag_failed(s->diag), "%s", diag_text(s->diag));
    s->hw = cfg_struct(cfg);
    return s;
}

static void measure(struct setup *s, const char *name)
{
    s->topo = (struct topology){.type = topology_find(name)};
    ck_assert_ptr_nonnull(s->topo.type);
    int failed = s->topo.type->build(&s->topo, s->hw, s->arena, s->diag);
    ck_assert_msg(!failed, "%s", diag_text(s->diag));
    net_graph_build(&s->topo, s->arena, &s->graph);
    topo_metrics(&s->topo, &s->graph, s->arena, &s->metrics);
}

static void done(struct setup *s)
{
    diag_free(s->diag);
    arena_free(s->arena);
}

/* --- fat trees -------------------------------------------------------------------------------------- */

/* Table 3's MPFT: eight planes of 2,048 ports, 32 to a leaf; every port of every switch is in use. */
START_TEST(full_mpft)
{
    struct setup *s = load();
    s->hw->nodes = 2048;
    measure(s, "mpft");
    ck_assert_uint_eq(s->graph.n_switches, 768);
    ck_assert_uint_eq(s->graph.n_cables, 16384);
    ck_assert_uint_eq(s->graph.n_ports, 16384);
    ck_assert_uint_eq(s->metrics.planes, 8);
    ck_assert_uint_eq(s->metrics.radix_min, 64);
    ck_assert_uint_eq(s->metrics.radix_max, 64);
    ck_assert_uint_eq(s->metrics.diameter_hops, 2);
    ck_assert_double_eq_tol(s->metrics.mean_hops, 2.0 * (2048 - 32) / 2047, 1e-12);
    ck_assert_double_eq(s->metrics.min_paths, 32);
    ck_assert_double_eq_tol(s->metrics.mean_paths, 32, 1e-9);
    ck_assert(s->metrics.exact);
    ck_assert_double_eq_tol(s->metrics.bisection_ratio, 1, 1e-9);
    done(s);
}
END_TEST

START_TEST(oversubscription_narrows_the_bisection)
{
    struct setup *s = load();
    s->hw->nodes = 192; /* four leaves of 48 in each plane */
    s->hw->network.topology_keys = topo_keys_with(s->hw, "oversubscription=3", s->arena);
    measure(s, "mpft");
    ck_assert_double_eq_tol(s->metrics.bisection_ratio, 1.0 / 3, 1e-9);
    ck_assert_double_eq(s->metrics.min_paths, 1); /* one spine has room for all 64 uplinks */
    s->hw->network.port_Bps /= 2;                 /* NICs, too, send no faster than their port */
    double before_Bps = s->metrics.bisection_Bps;
    measure(s, "mpft");
    ck_assert_double_eq_tol(s->metrics.bisection_Bps, before_Bps / 2, before_Bps * 1e-9);
    done(s);
}
END_TEST

/* One switch per plane: no cables between switches at all. */
START_TEST(one_switch)
{
    struct setup *s = load();
    s->hw->nodes = 8;
    measure(s, "mpft");
    ck_assert_uint_eq(s->metrics.diameter_hops, 0);
    ck_assert_double_eq(s->metrics.mean_hops, 0);
    ck_assert_uint_eq(s->metrics.radix_max, 8);
    ck_assert_double_eq_tol(s->metrics.bisection_ratio, 1, 1e-9);
    s->hw->nodes = 1;
    measure(s, "mpft");
    ck_assert(isnan(s->metrics.bisection_Bps));
    done(s);
}
END_TEST

/* 100 nodes in planes of 64-port switches: four leaves of 32, 32, 32 and 4 nodes, 32 uplinks each that
 * pairs of two spines share. Routing tells parallel cables apart, the graph does not. */
START_TEST(parallel_cables)
{
    struct setup *s = load();
    s->hw->nodes = 100;
    measure(s, "mpft");
    double same = 3 * 32 * 31 + 4 * 3, all = 100 * 99;
    ck_assert_double_eq(s->metrics.min_paths, 2);
    ck_assert_double_eq(s->metrics.mean_paths, 2);
    ck_assert_double_eq_tol(s->metrics.mean_offered, (same + 32 * (all - same)) / all, 1e-9);
    ck_assert(s->metrics.offered_exact);
    ck_assert_double_eq_tol(s->metrics.mean_hops, 2 * (all - same) / all, 1e-9);
    done(s);
}
END_TEST

/* --- random graphs ---------------------------------------------------------------------------------- */

enum { MOST = 9 };

struct random_net {
    struct topology topo;
    uint32_t switches;
    uint32_t cables[MOST][MOST];
};

static void add_link(struct topology *t, uint8_t kind, uint32_t a, uint32_t b, double capacity_Bps)
{
    t->links[t->n_links++] = (struct topo_link){capacity_Bps, 1e-6, kind, a, b};
}

static uint32_t one_path(const struct topology *t, uint32_t src, uint32_t dst)
{
    (void)t, (void)src, (void)dst;
    return 1;
}

static const struct topology_type random_type = {.name = "random", .n_minimal = one_path};

/* Nodes of one GPU; switches in a random multigraph that may fall apart. */
static void random_net(struct random_net *r, gsl_rng *rng, struct arena *a)
{
    struct topology *t = &r->topo;
    *r = (struct random_net){.switches = 2 + (uint32_t)gsl_rng_uniform_int(rng, MOST - 1)};
    t->type = &random_type;
    t->n_endpoints = 2 + (uint32_t)gsl_rng_uniform_int(rng, 12);
    t->gpus_per_node = t->ports_per_nic = 1;
    t->n_ports = t->n_endpoints;
    t->n_vertices = 2 * t->n_endpoints + r->switches;
    t->links = ARENA_ARRAY(a, struct topo_link, 4 * MOST * MOST + 2 * t->n_endpoints);
    for (uint32_t e = 0; e < t->n_endpoints; e++) {
        uint32_t at = 2 * t->n_endpoints + (uint32_t)gsl_rng_uniform_int(rng, r->switches);
        add_link(t, LINK_NIC, t->n_endpoints + e, at, 3);
        add_link(t, LINK_NIC, at, t->n_endpoints + e, 3);
    }
    for (uint32_t i = 0; i < r->switches; i++)
        for (uint32_t j = 0; j < i; j++) {
            uint32_t n = (uint32_t)gsl_rng_uniform_int(rng, 5);
            r->cables[i][j] = r->cables[j][i] = n > 2 ? n - 2 : 0;
            for (uint32_t k = 0; k < r->cables[i][j]; k++) {
                add_link(t, LINK_OTHER, 2 * t->n_endpoints + i, 2 * t->n_endpoints + j, 2);
                add_link(t, LINK_OTHER, 2 * t->n_endpoints + j, 2 * t->n_endpoints + i, 2);
            }
        }
}

struct brute {
    double hops[MOST][MOST], paths[MOST][MOST];
};

static void shortest_by_brute_force(const struct random_net *r, struct brute *b)
{
    uint32_t n = r->switches;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < n; j++)
            b->hops[i][j] = i == j ? 0 : r->cables[i][j] ? 1 : INFINITY;
    for (uint32_t k = 0; k < n; k++)
        for (uint32_t i = 0; i < n; i++)
            for (uint32_t j = 0; j < n; j++)
                b->hops[i][j] = fmin(b->hops[i][j], b->hops[i][k] + b->hops[k][j]);
    for (uint32_t length = 0; length < n; length++)
        for (uint32_t i = 0; i < n; i++)
            for (uint32_t j = 0; j < n; j++) {
                if (b->hops[i][j] != length)
                    continue;
                b->paths[i][j] = length == 0;
                for (uint32_t k = 0; k < n && length; k++)
                    if (b->hops[i][k] == length - 1 && r->cables[k][j])
                        b->paths[i][j] += b->paths[i][k];
            }
}

static void check_distances(const struct random_net *r, const struct net_graph *g, const struct topo_metrics *m)
{
    struct brute b;
    double pairs = 0, hops = 0, apart = 0, paths = 0, fewest = INFINITY, diameter = 0;
    shortest_by_brute_force(r, &b);
    for (uint32_t e = 0; e < g->n_ports; e++)
        for (uint32_t f = 0; f < g->n_ports; f++) {
            uint32_t i = g->switch_of[e], j = g->switch_of[f];
            if (e == f || isinf(b.hops[i][j]))
                continue;
            pairs++;
            hops += b.hops[i][j];
            diameter = fmax(diameter, b.hops[i][j]);
            if (i == j)
                continue;
            apart++;
            paths += b.paths[i][j];
            fewest = fmin(fewest, b.paths[i][j]);
        }
    ck_assert_double_eq_tol(m->mean_hops, pairs > 0 ? hops / pairs : 0, 1e-9);
    ck_assert_double_eq(m->diameter_hops, diameter);
    ck_assert_double_eq_tol(m->mean_paths, apart > 0 ? paths / apart : 1, 1e-9);
    ck_assert_double_eq(m->min_paths, apart > 0 ? fewest : 1);
}

/* Over all ways to put the switches on either side: cables and NICs that are cut. */
static double least_cut_Bps(const struct random_net *r, const struct net_graph *g, const uint8_t *side)
{
    double least_Bps = INFINITY;
    for (uint32_t set = 0; set < 1u << r->switches; set++) {
        double cut_Bps = 0;
        for (uint32_t e = 0; e < g->n_ports; e++)
            cut_Bps += (set >> g->switch_of[e] & 1) != side[e] ? 3 : 0;
        for (uint32_t i = 0; i < r->switches; i++)
            for (uint32_t j = 0; j < r->switches; j++)
                if (!(set >> i & 1) && (set >> j & 1))
                    cut_Bps += 2.0 * r->cables[i][j];
        least_Bps = fmin(least_Bps, cut_Bps);
    }
    return least_Bps;
}

START_TEST(random_graphs)
{
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_taus2);
    gsl_rng_set(rng, 7 + (unsigned long)_i);
    struct arena *a = arena_new();
    struct random_net r;
    struct net_graph g;
    struct topo_metrics m;
    random_net(&r, rng, a);
    net_graph_build(&r.topo, a, &g);
    topo_metrics(&r.topo, &g, a, &m);
    check_distances(&r, &g, &m);
    double least_Bps = INFINITY;
    for (uint32_t set = 0; set < 1u << g.n_ports; set++) {
        uint8_t side[16];
        for (uint32_t e = 0; e < g.n_ports; e++)
            side[e] = set >> e & 1;
        if ((uint32_t)__builtin_popcount(set) != g.n_ports - g.n_ports / 2)
            continue;
        if (set % 7 == 0) /* every cut is slow: look at some of the halvings */
            ck_assert_double_eq(bisection_flow_Bps(&r.topo, &g, side, a), least_cut_Bps(&r, &g, side));
        least_Bps = fmin(least_Bps, bisection_flow_Bps(&r.topo, &g, side, a));
    }
    ck_assert_double_ge(m.bisection_Bps, least_Bps); /* it is an upper bound */
    ck_assert_double_le(m.bisection_ratio, 1 + 1e-12);
    arena_free(a);
    gsl_rng_free(rng);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("topology_metrics");
    TCase *t = tcase_create("metrics");
    tcase_add_test(t, full_mpft);
    tcase_add_test(t, oversubscription_narrows_the_bisection);
    tcase_add_test(t, one_switch);
    tcase_add_test(t, parallel_cables);
    tcase_add_loop_test(t, random_graphs, 0, 40);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return tap_main(suite());
}

/* Topologies as a user relies on them: counts agree with what is built, routes are real paths, and the
 * numbers of the config move them. Parameters are random but repeatable. */
#include <check.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <string.h>

#include "hw/cluster.h"
#include "io/scenario.h"
#include "tap_main.h"
#include "topology/topology.h"

struct setup {
    struct arena *arena;
    struct diag *diag;
    struct cluster_hw *hw;
    struct topology topo;
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

/* --- properties ------------------------------------------------------------------------------------- */

static void random_hardware(struct setup *s, gsl_rng *rng)
{
    static const int64_t ports[] = {8, 16, 64, 128};
    s->hw->node.gpus = s->hw->nic.per_node = 1 + (int64_t)gsl_rng_uniform_int(rng, 8);
    s->hw->network.switch_ports = ports[gsl_rng_uniform_int(rng, 4)];
    s->hw->network.oversubscription_ratio = 1 + (double)gsl_rng_uniform_int(rng, 3);
    s->hw->nodes = 1 + (int64_t)gsl_rng_uniform_int(rng, 40);
}

static void count_built(const struct topology *t, struct topo_counts *c)
{
    uint64_t up = 0;
    for (uint32_t i = 0; i < t->n_links; i++)
        up += t->links[i].kind == LINK_LEAF_SPINE;
    c->endpoints = t->n_endpoints;
    c->switches = t->n_vertices - 2 * t->n_endpoints;
    c->links = up / 2;
}

/* NVLink hops start and end at GPUs of one node; network links must chain vertex to vertex. */
static void check_route(const struct topology *t, uint32_t src, uint32_t dst)
{
    uint32_t links[ROUTE_MAX_LINKS], n = topology_route(t, src, dst, links);
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
    if (src / t->gpus_per_node != dst / t->gpus_per_node)
        ck_assert_uint_eq(at, t->n_endpoints + dst); /* ends at the destination's NIC */
    else
        ck_assert_uint_eq(t->links[links[n - 1]].b, dst);
}

static void check_pairs(const struct topology *t, gsl_rng *rng)
{
    for (int i = 0; i < 200 && t->n_endpoints > 1; i++) {
        uint32_t src = (uint32_t)gsl_rng_uniform_int(rng, t->n_endpoints);
        uint32_t dst = (uint32_t)gsl_rng_uniform_int(rng, t->n_endpoints);
        uint32_t n, back;
        if (src == dst)
            continue;
        check_route(t, src, dst);
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
        struct topo_counts counted, built;
        if ((*t)->count(s->hw, &counted, s->diag))
            continue; /* does not fit two levels: build must agree */
        ck_assert_int_eq(build(s, (*t)->name), 0);
        count_built(&s->topo, &built);
        ck_assert_uint_eq(built.endpoints, counted.endpoints);
        ck_assert_uint_eq(built.switches, counted.switches);
        ck_assert_uint_eq(built.links, counted.links);
        check_pairs(&s->topo, rng);
    }
    done(s);
    gsl_rng_free(rng);
}
END_TEST

/* No switch has more cables than ports. */
START_TEST(radix_is_respected)
{
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_taus2);
    gsl_rng_set(rng, 100 + (unsigned long)_i);
    struct setup *s = load();
    random_hardware(s, rng);
    const char *name = _i % 2 ? "mpft" : "mrft";
    struct topo_counts c;
    if (!topology_find(name)->count(s->hw, &c, s->diag)) {
        ck_assert_int_eq(build(s, name), 0);
        uint32_t *used = ARENA_ARRAY(s->arena, uint32_t, s->topo.n_vertices);
        for (uint32_t i = 0; i < s->topo.n_links; i++)
            if (s->topo.links[i].kind != LINK_NVLINK)
                used[s->topo.links[i].a]++;
        for (uint32_t v = 2 * s->topo.n_endpoints; v < s->topo.n_vertices; v++)
            ck_assert_uint_le(used[v], (uint32_t)s->hw->network.switch_ports);
    }
    done(s);
    gsl_rng_free(rng);
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
                    uint32_t nic = t->links[links[i]].a < 2 * t->n_endpoints
                                       ? t->links[links[i]].a
                                       : t->links[links[i]].b;
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
    tcase_add_test(t, latencies_of_table_5);
    tcase_add_test(t, counts_of_table_3);
    tcase_add_test(t, too_many_nodes_is_a_located_reason);
    tcase_add_loop_test(t, random_clusters, 0, 60);
    tcase_add_loop_test(t, radix_is_respected, 0, 60);
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

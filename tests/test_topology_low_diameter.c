/* Slim Fly and Dragonfly: every prime power gives diameter 2, counts are those of the formulas and of
 * Table 3, cables go both ways, minimal paths are minimal by breadth-first search. */
#include <check.h>
#include <gsl/gsl_rng.h>
#include <string.h>
#include <time.h>

#include "hw/cluster.h"
#include "tap_main.h"
#include "topology/topo_keys.h"
#include "topology/topology.h"

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
    hw.nic = (struct hw_nic){.per_node = 1, .bandwidth_Bps = 50e9, .mtu_B = 4096, .efficiency_ratio = 1};
    hw.network.switch_ports = 4096;
    hw.network.port_Bps = 50e9;
}

static void set_key(const char *key, uint32_t value)
{
    hw.network.topology_keys = topo_keys_with(&hw, arena_printf(a, "%s=%u", key, value), a);
}

static void teardown(void)
{
    diag_free(d);
    arena_free(a);
}

static int build(const char *name)
{
    t = (struct topology){.type = topology_find(name)};
    ck_assert_ptr_nonnull(t.type);
    return t.type->build(&t, &hw, a, d);
}

static struct topo_counts counted(const char *name)
{
    struct topo_counts c = {0};
    ck_assert_msg(topology_find(name)->count(&hw, &c, d) == 0, "%s", diag_text(d));
    return c;
}

/* --- the graph of switches -------------------------------------------------------------------------- */

static uint32_t n_switches(void)
{
    return t.n_vertices - topology_first_switch(&t);
}

static bool is_cable(const struct topo_link *l)
{
    return l->kind > LINK_NIC;
}

/* out[sw] .. : links that leave a switch, as compressed rows */
struct rows {
    uint32_t *first, *link;
};

static struct rows cables_by_switch(void)
{
    uint32_t n = n_switches(), base = topology_first_switch(&t);
    struct rows r = {ARENA_ARRAY(a, uint32_t, n + 2), ARENA_ARRAY(a, uint32_t, t.n_links)};
    for (uint32_t i = 0; i < t.n_links; i++)
        if (is_cable(&t.links[i]))
            r.first[t.links[i].a - base + 2]++;
    for (uint32_t i = 0; i <= n; i++)
        r.first[i + 1] += r.first[i];
    for (uint32_t i = 0; i < t.n_links; i++)
        if (is_cable(&t.links[i]))
            r.link[r.first[t.links[i].a - base + 1]++] = i;
    return r;
}

static void search(const struct rows *r, uint32_t from, uint32_t *distance)
{
    uint32_t n = n_switches(), base = topology_first_switch(&t), head = 0, tail = 0;
    uint32_t *queue = ARENA_ARRAY(a, uint32_t, n);
    memset(distance, 0xff, n * sizeof *distance);
    distance[from] = 0;
    queue[tail++] = from;
    while (head < tail) {
        uint32_t at = queue[head++];
        for (uint32_t i = r->first[at]; i < r->first[at + 1]; i++) {
            uint32_t to = t.links[r->link[i]].b - base;
            if (distance[to] != UINT32_MAX)
                continue;
            distance[to] = distance[at] + 1;
            queue[tail++] = to;
        }
    }
}

static uint32_t eccentricity(const struct rows *r, uint32_t from)
{
    uint32_t *distance = ARENA_ARRAY(a, uint32_t, n_switches()), most = 0;
    search(r, from, distance);
    for (uint32_t i = 0; i < n_switches(); i++)
        most = distance[i] > most ? distance[i] : most;
    return most;
}

static int by_ends(const void *x, const void *y)
{
    const uint32_t *p = x, *q = y;
    return p[0] != q[0] ? (p[0] < q[0] ? -1 : 1) : (p[1] > q[1]) - (p[1] < q[1]);
}

/* As many cables lead from u to v as from v to u, and none from u to u. */
static void cables_go_both_ways(void)
{
    uint32_t n = 0, (*there)[2] = arena_array(a, sizeof *there, t.n_links);
    uint32_t(*back)[2] = arena_array(a, sizeof *back, t.n_links);
    for (uint32_t i = 0; i < t.n_links; i++) {
        const struct topo_link *l = &t.links[i];
        if (!is_cable(l))
            continue;
        ck_assert_uint_ne(l->a, l->b);
        there[n][0] = back[n][1] = l->a;
        there[n][1] = back[n][0] = l->b;
        n++;
    }
    qsort(there, n, sizeof *there, by_ends);
    qsort(back, n, sizeof *back, by_ends);
    ck_assert(!memcmp(there, back, n * sizeof *there));
}

static void counts_agree(const char *name)
{
    struct topo_counts c = counted(name);
    uint64_t cables = 0;
    for (uint32_t i = 0; i < t.n_links; i++)
        cables += is_cable(&t.links[i]);
    ck_assert_uint_eq(c.endpoints, t.n_endpoints);
    ck_assert_uint_eq(c.switches, n_switches());
    ck_assert_uint_eq(2 * c.links, cables);
}

/* A Dragonfly's minimal routing takes one global cable at most: two may be a hop shorter now and then. */
static void check_one_global(const uint32_t *links, uint32_t n, uint32_t distance)
{
    uint32_t global = 0;
    for (uint32_t i = 0; i < n; i++)
        global += t.links[links[i]].kind == LINK_SPINE_CORE;
    ck_assert_uint_le(global, 1);
    ck_assert_uint_ge(n - 2, distance);
    ck_assert_uint_le(n - 2, 3);
}

/* Minimal paths are as long as breadth-first search says; detours lead to the same place. */
static void check_paths(const struct rows *r, uint32_t pairs, unsigned long seed, bool one_global)
{
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_taus2);
    uint32_t *distance = ARENA_ARRAY(a, uint32_t, n_switches()), base = topology_first_switch(&t);
    gsl_rng_set(rng, seed);
    for (uint32_t k = 0; k < pairs && t.n_endpoints > 1; k++) {
        uint32_t src = (uint32_t)gsl_rng_uniform_int(rng, t.n_endpoints);
        uint32_t dst = (uint32_t)gsl_rng_uniform_int(rng, t.n_endpoints), links[ROUTE_MAX_LINKS];
        if (src == dst || src / t.gpus_per_node == dst / t.gpus_per_node)
            continue;
        uint32_t minimal = t.type->n_minimal(&t, src, dst);
        uint32_t all = minimal + t.type->n_detours(&t, src, dst);
        ck_assert_uint_lt(t.type->by_destination(&t, src, dst), minimal);
        search(r, t.links[2 * t.n_endpoints + src].b - base, distance);
        uint32_t to = t.links[2 * t.n_endpoints + dst].b - base;
        for (uint32_t i = 0; i < all; i += i < minimal ? 1 : 1 + all / 20) {
            uint32_t n = t.type->path(&t, src, dst, i, links);
            ck_assert_uint_eq(t.links[links[0]].a, t.n_endpoints + src);
            ck_assert_uint_eq(t.links[links[n - 1]].b, t.n_endpoints + dst);
            for (uint32_t x = 1; x < n; x++)
                ck_assert_uint_eq(t.links[links[x]].a, t.links[links[x - 1]].b);
            for (uint32_t x = 0; x < n; x++)
                for (uint32_t y = 0; y < x; y++)
                    ck_assert_uint_ne(links[x], links[y]);
            if (i < minimal && !one_global)
                ck_assert_uint_eq(n - 2, distance[to]);
            else if (i < minimal)
                check_one_global(links, n, distance[to]);
        }
    }
    gsl_rng_free(rng);
}

/* --- Slim Fly --------------------------------------------------------------------------------------- */

static const int64_t buildable[] = {3, 4, 5, 7, 8, 9, 11, 13, 16, 17, 19, 23, 25, 27, 29, 31, 32};
enum { N_BUILDABLE = sizeof buildable / sizeof *buildable };

START_TEST(slim_fly_has_diameter_2)
{
    set_key("slim_fly_q", buildable[_i]);
    uint32_t q = (uint32_t)buildable[_i];
    hw.nodes = 2 * q * q; /* some switches stay empty */
    ck_assert_msg(build("slim_fly") == 0, "%s", diag_text(d));
    counts_agree("slim_fly");
    cables_go_both_ways();
    struct rows r = cables_by_switch();
    int w4 = (int)q % 4 == 3 ? (int)q + 1 : (int)q - (int)q % 4, delta = (int)q - w4;
    for (uint32_t sw = 0; sw < n_switches(); sw++)
        ck_assert_int_eq((int)(r.first[sw + 1] - r.first[sw]), (3 * (int)q - delta) / 2);
    for (uint32_t sw = 0; sw < n_switches(); sw += 1 + n_switches() / 60)
        ck_assert_uint_eq(eccentricity(&r, sw), 2);
    check_paths(&r, 60, 7 + (unsigned long)_i, false);
}
END_TEST

START_TEST(slim_fly_of_table_3_counts_but_cannot_be_built)
{
    set_key("slim_fly_q", 28);
    hw.network.switch_ports = 64;
    hw.nodes = 32928;
    struct topo_counts c = counted("slim_fly");
    ck_assert_uint_eq(c.switches, 1568);
    ck_assert_uint_eq(c.links, 32928);
    ck_assert_int_eq(build("slim_fly"), -1);
    ck_assert_ptr_nonnull(strstr(diag_text(d), "q = 27 (62 ports"));
    ck_assert_ptr_nonnull(strstr(diag_text(d), "q = 29 (65 ports"));
}
END_TEST

START_TEST(slim_fly_refuses)
{
    static const struct {
        int64_t q, ports, nodes;
        const char *says;
    } bad[] = {{6, 64, 4, "4w - 1"}, {27, 32, 4, "needs 62 ports"}, {5, 64, 1000, "holds 200"}, {15, 64, 4, "q = 13"}};
    struct topo_counts c = {0};
    set_key("slim_fly_q", bad[_i].q);
    hw.network.switch_ports = bad[_i].ports;
    hw.nodes = bad[_i].nodes;
    if (bad[_i].q == 15)
        ck_assert_int_eq(topology_find("slim_fly")->count(&hw, &c, d), 0);
    ck_assert_int_eq(build("slim_fly"), -1);
    ck_assert_msg(strstr(diag_text(d), bad[_i].says) != NULL, "%s", diag_text(d));
}
END_TEST

START_TEST(slim_fly_chooses_the_smallest_q)
{
    hw.nodes = 200;
    ck_assert_int_eq(build("slim_fly"), 0);
    ck_assert_uint_eq(n_switches(), 2 * 5 * 5); /* q = 4 holds 96, q = 5 holds 200 */
}
END_TEST

/* --- Dragonfly -------------------------------------------------------------------------------------- */

START_TEST(dragonfly_of_any_size)
{
    static const int64_t ports[] = {3, 7, 11, 15, 23};
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_taus2);
    gsl_rng_set(rng, 50 + (unsigned long)_i);
    hw.network.switch_ports = ports[_i % 5] + (int64_t)gsl_rng_uniform_int(rng, 3);
    uint32_t p = (uint32_t)(hw.network.switch_ports + 1) / 4, most = 2 * p * p + 1;
    uint32_t groups = 1 + (uint32_t)gsl_rng_uniform_int(rng, most);
    set_key("dragonfly_groups", groups);
    hw.nodes = 1 + (int64_t)gsl_rng_uniform_int(rng, (unsigned long)groups * 2 * p * p);
    ck_assert_msg(build("dragonfly") == 0, "%s", diag_text(d));
    counts_agree("dragonfly");
    cables_go_both_ways();
    struct rows r = cables_by_switch();
    uint32_t global = groups > 1 ? p : 0;
    for (uint32_t sw = 0; sw < n_switches(); sw++)
        ck_assert_uint_eq(r.first[sw + 1] - r.first[sw], 2 * p - 1 + global);
    for (uint32_t sw = 0; sw < n_switches(); sw += 1 + n_switches() / 30)
        ck_assert_uint_le(eccentricity(&r, sw), 3);
    check_paths(&r, 60, (unsigned long)_i, true);
    gsl_rng_free(rng);
}
END_TEST

START_TEST(dragonfly_of_table_3)
{
    hw.network.switch_ports = 64;
    set_key("dragonfly_groups", 511);
    hw.node.gpus = hw.nic.per_node = 8;
    hw.nodes = 261632 / 8;
    struct topo_counts c = counted("dragonfly");
    ck_assert_uint_eq(c.endpoints, 261632);
    ck_assert_uint_eq(c.switches, 16352);
    ck_assert_uint_eq(c.links, 384272);
    ck_assert_int_eq(build("dragonfly"), 0);
    counts_agree("dragonfly");
}
END_TEST

START_TEST(dragonfly_refuses)
{
    hw.network.switch_ports = 7;
    set_key("dragonfly_groups", _i ? 3 : 10);
    hw.nodes = _i ? 100 : 4;
    ck_assert_int_eq(build("dragonfly"), -1);
    ck_assert_ptr_nonnull(strstr(diag_text(d), "groups of 8 endpoints, and at most 9 groups"));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("low diameter");
    TCase *c = tcase_create("low diameter");
    tcase_set_timeout(c, 30);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_loop_test(c, slim_fly_has_diameter_2, 0, N_BUILDABLE);
    tcase_add_test(c, slim_fly_of_table_3_counts_but_cannot_be_built);
    tcase_add_loop_test(c, slim_fly_refuses, 0, 4);
    tcase_add_test(c, slim_fly_chooses_the_smallest_q);
    tcase_add_loop_test(c, dragonfly_of_any_size, 0, 60);
    tcase_add_test(c, dragonfly_of_table_3);
    tcase_add_loop_test(c, dragonfly_refuses, 0, 2);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    return tap_main(suite());
}

/* NICs that GPUs share, and several NICs a GPU, in every network that is built of numbers: each path is one of links that meet,
 * leaves and enters by NICs of its ends or of GPUs that NVLink reaches, and NICs carry alike. */
#include <check.h>
#include <stdlib.h>

#include "hw/cluster.h"
#include "tap_main.h"
#include "topology/ends.h"
#include "topology/loads.h"
#include "topology/routing.h"
#include "topology/tables.h"
#include "topology/topo_keys.h"

static struct arena *a;
static struct diag *d;
static struct cluster_hw hw;
static struct topology t;

static const struct {
    const char *name, *keys;
} nets[] = {{"ft2", ""},          {"mrft", ""},       {"mpft", ""},
            {"mpft", "planes=2"}, {"dual_plane", ""}, {"mpft_multiport", "nic_ports=2"},
            {"ft3", ""},          {"slim_fly", ""},   {"dragonfly", ""}};
enum { N_NETS = sizeof nets / sizeof *nets };
static const int nic_counts[] = {2, 4, 8, 16, 32};
enum { N_COUNTS = sizeof nic_counts / sizeof *nic_counts, GPUS = 8, NODES = 4 };

static void setup(void)
{
    a = arena_new();
    d = diag_new();
}

static void teardown(void)
{
    diag_free(d);
    arena_free(a);
}

static void build(int net, int nics)
{
    hw = (struct cluster_hw){.nodes = NODES, .topology = nets[net].name};
    hw.node = (struct hw_node){.gpus = GPUS, .nvlink_Bps = 200e9, .nvlink_efficiency_ratio = 1, .pcie_Bps = 60e9};
    hw.nic = (struct hw_nic){.per_node = nics, .bandwidth_Bps = 50e9, .mtu_B = 4096, .efficiency_ratio = 1};
    hw.network.switch_ports = nics > 16 ? 32 : 24;
    hw.network.port_Bps = 50e9;
    hw.network.topology_keys = topo_keys_with(&hw, nets[net].keys, a);
    t = (struct topology){0};
    ck_assert_msg(!topology_build(&t, &hw, a, d), "%s, %d NICs: %s", nets[net].name, nics, diag_text(d));
    ck_assert_uint_eq(t.n_ports, NODES * (uint32_t)nics * ends_ports(&t));
}

static bool uses(uint32_t gpu, uint32_t port)
{
    for (uint32_t p = 0; p < t.ports_per_nic; p++)
        if (topology_nic_port(&t, gpu, p) == port)
            return true;
    return false;
}

/* Hops over NVLink and what ports share lead from `gpu` to the NIC, or back; links[0 .. n). */
static void check_inside(const uint32_t *links, uint32_t n, uint32_t gpu, uint32_t port, bool out)
{
    uint32_t at = gpu;
    for (uint32_t i = 0; i < n; i++) {
        const struct topo_link *l = &t.links[links[out ? i : n - 1 - i]];
        ck_assert(l->kind == LINK_NVLINK || l->kind == LINK_PCIE);
        if (l->kind == LINK_PCIE)
            ck_assert(uses(l->a, port));
        else if (l->a != at)
            at = l->a;
        ck_assert(l->a / GPUS == gpu / GPUS);
    }
    ck_assert_msg(uses(at, port), "GPU %u does not use port %u", at, port);
}

static void check_path(const uint32_t *links, uint32_t n, uint32_t src, uint32_t dst, uint32_t *from)
{
    uint32_t out = 0, in = n, first = topology_first_switch(&t);
    while (out < n && t.links[links[out]].kind != LINK_NIC)
        out++;
    while (in > out && t.links[links[in - 1]].kind != LINK_NIC)
        in--;
    ck_assert(n <= ROUTE_MAX_LINKS && out < in - 1);
    *from = links[out] - ends_first_out(&t);
    check_inside(links, out, src, *from, true);
    check_inside(links + in, n - in, dst, links[in - 1] - ends_first_in(&t), false);
    for (uint32_t i = out; i + 1 < in; i++) {
        ck_assert_uint_eq(t.links[links[i]].b, t.links[links[i + 1]].a);
        ck_assert(t.links[links[i]].b >= first && t.links[links[i]].capacity_Bps > 0);
    }
}

static void check_pair(uint32_t src, uint32_t dst)
{
    uint32_t links[ROUTE_MAX_LINKS], from, n = t.type->n_minimal(&t, src, dst), sum = 0, nic = 0,
                                           nics = topology_nics_per_gpu(&t);
    for (uint32_t i = 0; i < nics; i++)
        sum += t.type->n_by_nic(&t, src, dst, i);
    ck_assert_uint_eq(sum, n);
    sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        while (i >= sum + t.type->n_by_nic(&t, src, dst, nic))
            sum += t.type->n_by_nic(&t, src, dst, nic++);
        check_path(links, t.type->path(&t, src, dst, i, links), src, dst, &from);
        ck_assert_uint_eq(from / ends_ports(&t) % nics, nic);
    }
    uint32_t detours = t.type->n_detours ? t.type->n_detours(&t, src, dst) : 0;
    for (uint32_t i = 0; i < detours; i++)
        check_path(links, t.type->path(&t, src, dst, n + i, links), src, dst, &from);
    for (uint32_t port = 0; port < t.ports_per_nic; port++) {
        check_path(links, topology_route_by(&t, src, dst, port, links), src, dst, &from);
        ck_assert_uint_eq(from % t.ports_per_nic, nics > 1 ? port : from % t.ports_per_nic);
    }
}

START_TEST(paths_are_of_links_that_meet)
{
    build(_i / N_COUNTS, nic_counts[_i % N_COUNTS]);
    for (uint32_t src = 0; src < t.n_endpoints; src += 5)
        for (uint32_t dst = 0; dst < t.n_endpoints; dst += 3)
            if (src / GPUS != dst / GPUS)
                check_pair(src, dst);
}
END_TEST

/* Every policy divides a message among all NICs of a GPU. */
START_TEST(parts_take_all_nics)
{
    static const int policies[] = {ROUTING_STATIC, ROUTING_ECMP, ROUTING_SPRAY, ROUTING_ADAPTIVE};
    build(_i % N_NETS, 32);
    for (size_t k = 0; k < 4; k++) {
        double *load = ARENA_ARRAY(a, double, t.n_links);
        struct router r = {.topo = &t, .policy = {.policy = policies[k], .queue_pairs = 3}, .load = load};
        uint32_t links[ROUTE_MAX_LINKS], from, parts = routing_n_parts(&r, 1, 2 * GPUS + 1), sent[4] = {0};
        for (uint32_t part = 0; part < parts; part++) {
            struct routing_key key = {1, 2 * GPUS + 1, 0, part, false};
            check_path(links, routing_choose(&r, &key, links), 1, 2 * GPUS + 1, &from);
            sent[from / ends_ports(&t) % 4]++;
        }
        for (int nic = 0; nic < 4; nic++)
            ck_assert_uint_eq(sent[nic], parts / 4);
        struct routing_key near = {1, 2, 0, 0, false};
        ck_assert_uint_eq(routing_n_parts(&r, near.src, near.dst), 1);
    }
}
END_TEST

/* In an all-to-all all NICs carry alike, where a hash does not choose between their ports. */
START_TEST(nics_carry_alike)
{
    build(_i / N_COUNTS, nic_counts[_i % N_COUNTS]);
    uint32_t *flows = topo_flows(&t, 1e6), each = flows[ends_first_out(&t)];
    for (uint32_t i = 0; i < 2 * t.n_ports && ends_ports(&t) == 1; i++)
        ck_assert_uint_eq(flows[ends_first_out(&t) + i], each);
    free(flows);
}
END_TEST

/* The tables that a subnet manager would read out of the routes lead to every NIC. */
START_TEST(tables_lead_to_all)
{
    uint32_t links[ROUTE_MAX_LINKS];
    build(_i / N_COUNTS, nic_counts[_i % N_COUNTS]);
    struct tables *tables = tables_new(&t, a);
    tables_compute(tables, NULL);
    for (uint32_t dst = 0; dst < t.n_endpoints; dst++)
        for (uint32_t p = 0; p < t.ports_per_nic && dst / GPUS; p++)
            ck_assert(tables_walk(tables, topology_nic_port(&t, dst % GPUS, p), topology_nic_port(&t, dst, p), links,
                                  ROUTE_MAX_LINKS) != TABLES_NONE ||
                      t.type->plane_of);
}
END_TEST

/* One NIC of twice the rate for two GPUs, and two of half for one, are as much; PCIe limits those of one GPU together. */
START_TEST(rates)
{
    build(0, 8);
    double one_Bps = hw_nic_payload_Bps(&hw);
    build(0, 4);
    ck_assert_double_eq_tol(hw_nic_payload_Bps(&hw), one_Bps / 2, 1);
    build(0, 16);
    ck_assert_double_eq_tol(hw_nic_payload_Bps(&hw), 60e9, 1);
    ck_assert(t.shared_nic);
    hw.node.pcie_Bps = 200e9;
    ck_assert_double_eq_tol(hw_nic_payload_Bps(&hw), 2 * one_Bps, 1);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("topology_nics");
    TCase *c = tcase_create("nics");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_loop_test(c, paths_are_of_links_that_meet, 0, N_NETS * N_COUNTS);
    tcase_add_loop_test(c, parts_take_all_nics, 0, N_NETS);
    tcase_add_loop_test(c, nics_carry_alike, 0, N_NETS * N_COUNTS);
    tcase_add_loop_test(c, tables_lead_to_all, 0, N_NETS * N_COUNTS);
    tcase_add_test(c, rates);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    return tap_main(suite());
}

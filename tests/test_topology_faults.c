/* What a list of faults takes down: exactly the links that a reader of the scenario would expect. */
#include <check.h>
#include <string.h>

#include "hw/cluster.h"
#include "tap_main.h"
#include "topology/faults.h"

static struct arena *a;
static struct diag *d;
static struct topology t;
static struct fault_link *links;
static uint32_t n;

/* 8 nodes of 4 GPUs on 4 planes of 4-port switches: four leaves (2 down, 2 up) per plane. */
static void setup(void)
{
    static struct cluster_hw hw;
    a = arena_new();
    d = diag_new();
    hw = (struct cluster_hw){.nodes = 8, .topology = "mpft"};
    hw.node = (struct hw_node){.gpus = 4, .nvlink_Bps = 200e9, .nvlink_efficiency_ratio = 1, .pcie_Bps = 63e9};
    hw.nic = (struct hw_nic){.per_node = 4, .bandwidth_Bps = 50e9, .mtu_B = 4096, .efficiency_ratio = 1};
    hw.network.switch_ports = 4;
    hw.network.port_Bps = 50e9;
    t = (struct topology){.type = topology_find("mpft")};
    ck_assert_msg(t.type->build(&t, &hw, a, d) == 0, "%s", diag_text(d));
}

static void teardown(void)
{
    diag_free(d);
    arena_free(a);
}

static int read(const char *list)
{
    return faults_links(&t, list, a, &links, &n, d);
}

START_TEST(nothing)
{
    ck_assert_int_eq(read(""), 0);
    ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(a_plane)
{
    ck_assert_int_eq(read("plane 2"), 0);
    /* NICs of 8 nodes and 8 cables, both directions */
    ck_assert_uint_eq(n, 2 * 8 + 2 * 8);
    char name[80];
    for (uint32_t i = 0; i < n; i++) {
        const struct topo_link *l = &t.links[links[i].link];
        t.type->link_name(&t, links[i].link, name, sizeof name);
        if (l->kind == LINK_NIC)
            ck_assert_uint_eq((l->a < l->b ? l->a : l->b) % 4, 2);
        else
            ck_assert_msg(!strncmp(name, "plane 2 ", 8), "%s", name);
    }
}
END_TEST

START_TEST(a_nic_and_its_neighbour_in_the_list)
{
    ck_assert_int_eq(read("nic 5, nic 5.0 ,nic 6"), 0);
    ck_assert_uint_eq(n, 4);
    for (uint32_t i = 0; i < n; i++)
        ck_assert_int_eq(t.links[links[i].link].kind, LINK_NIC);
    /* each is down with the first item that names it */
    ck_assert_uint_eq(links[0].item, 0);
    ck_assert_uint_eq(links[1].item, 0);
    ck_assert_uint_eq(links[2].item, 2);
    ck_assert_uint_eq(links[3].item, 2);
}
END_TEST

START_TEST(a_switch_and_a_link)
{
    ck_assert_int_eq(read("switch 0"), 0); /* a leaf: 2 NICs, 2 cables, both directions */
    ck_assert_uint_eq(n, 8);
    ck_assert_int_eq(read("link 3"), 0);
    ck_assert_uint_eq(n, 1);
    ck_assert_uint_eq(links[0].link, 3);
}
END_TEST

START_TEST(what_there_is_not)
{
    static const struct {
        const char *list, *says;
    } bad[] = {{"plane 4", "has 4 of these"},  {"switch 99", "has 24 of these"},
               {"nic 32", "has 32 of these"},  {"nic 0.1", "has 1 of these"},
               {"link 99999", "of these"},     {"plan 0", "write for example"},
               {"plane", "write for example"}, {"plane 0 plane 1", "write for example"},
               {"plane -1", "of these"},       {"plane 0.5", "write for example"}};
    ck_assert_int_eq(read(bad[_i].list), -1);
    ck_assert_msg(strstr(diag_text(d), bad[_i].says) != NULL, "%s: %s", bad[_i].list, diag_text(d));
    ck_assert_int_eq(diag_exit_code(d), EXIT_BAD_INPUT);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("faults");
    TCase *c = tcase_create("faults");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, nothing);
    tcase_add_test(c, a_plane);
    tcase_add_test(c, a_nic_and_its_neighbour_in_the_list);
    tcase_add_test(c, a_switch_and_a_link);
    tcase_add_loop_test(c, what_there_is_not, 0, 10);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    return tap_main(suite());
}

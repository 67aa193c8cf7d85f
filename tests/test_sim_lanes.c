/* Virtual channels: all paths that a topology has, those of its tables and all others that fit its channels, together
 * never close a circle of buffers; with one channel they do. A circle is found and is one. */
#include <check.h>

#include "hw/cluster.h"
#include "sim/packet/switch_model.h"
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
    hw.network.port_Bps = 50e9;
}

static void teardown(void)
{
    diag_free(d);
    arena_free(a);
}

static void build(const char *name, int64_t nodes, int64_t ports, const char *keys)
{
    hw.topology = name;
    hw.nodes = nodes;
    hw.network.switch_ports = ports;
    hw.network.topology_keys = topo_keys_with(&hw, keys, a);
    t = (struct topology){.type = topology_find(name)};
    ck_assert_msg(t.type->build(&t, &hw, a, d) == 0, "%s %s: %s", name, keys, diag_text(d));
}

static struct switch_net *network(uint32_t n_channels)
{
    uint32_t first = topology_first_switch(&t), *order = ARENA_ARRAY(a, uint32_t, t.n_links);
    struct switch_link *links = ARENA_ARRAY(a, struct switch_link, t.n_links);
    double *buffer_B = ARENA_ARRAY(a, double, t.n_vertices);
    for (uint32_t i = 0; i < t.n_links; i++) {
        const struct topo_link *l = &t.links[i];
        links[i] = (struct switch_link){.capacity_Bps = l->capacity_Bps,
                                        .head = l->b,
                                        .from_host = l->a < first,
                                        .to_host = l->b < first,
                                        .framed = true};
        if (l->a >= first && l->b >= first && t.type->link_order)
            order[i] = t.type->link_order(&t, i);
    }
    struct switch_config c = {.n_links = t.n_links,
                              .n_nodes = t.n_vertices,
                              .links = links,
                              .node_buffer_B = buffer_B,
                              .hw = {.flow_control = FLOW_CONTROL_CREDITS, .credits_B = 1 << 17},
                              .mtu_B = 4096,
                              .header_B = 64,
                              .order = t.type->link_order ? order : NULL,
                              .n_channels = n_channels};
    return switch_net_new(&c);
}

/* Every pair's path of the tables, then all of its paths that have channels; how many were left out. */
static uint32_t add_paths(struct switch_net *net, uint32_t senders)
{
    uint32_t links[ROUTE_MAX_LINKS], left_out = 0;
    for (uint32_t src = 0; src < senders; src++)
        for (uint32_t dst = 0; dst < t.n_endpoints; dst++) {
            if (src == dst)
                continue;
            uint32_t n = topology_route(&t, src, dst, links);
            switch_net_paths(net, 1, &n, links);
            uint32_t all = t.type->n_minimal(&t, src, dst) + (t.type->n_detours ? t.type->n_detours(&t, src, dst) : 0);
            for (uint32_t i = 0; i < all; i++) {
                n = t.type->path(&t, src, dst, i, links);
                if (switch_net_has_channels(net, n, links))
                    switch_net_paths(net, 1, &n, links);
                else
                    left_out++;
            }
        }
    return left_out;
}

static const struct shape {
    const char *name, *keys;
    int64_t nodes, ports;
    uint32_t senders; /* whose paths are added */
    bool left_out;    /* some of its paths have no channels */
    bool deadlocks;   /* the paths of its tables do, with one channel */
} shapes[] = {
    {"slim_fly", "slim_fly_q=5", 100, 12, 100, false, true},
    {"dragonfly", "dragonfly_groups=9", 72, 8, 72, false, true},
    {"dragonfly", "dragonfly_groups=3", 20, 8, 20, false, false},
    {"full_mesh", "mesh=3x3x3", 27, 64, 27, false, false}, /* dimension order */
    {"full_mesh", "mesh=4x4 mesh_paths=all", 16, 64, 16, false, false},
    {"torus", "torus=5x5", 25, 64, 25, false, true},
    {"torus", "torus=4x4x4", 64, 64, 64, false, false}, /* no way is longer than two links of a ring */
    {"torus", "torus=16x16", 256, 64, 8, true, true},
};

static uint32_t circle_of(const struct shape *s, uint32_t *left_out)
{
    const uint32_t *links;
    build(s->name, s->nodes, s->ports, s->keys);
    struct switch_net *net = network(t.type->n_channels);
    *left_out = add_paths(net, s->senders);
    uint32_t n = switch_net_circle(net, &links);
    for (uint32_t i = 0; i < n; i++) /* one link begins where the one before it ends */
        ck_assert_uint_eq(t.links[links[i]].b, t.links[links[(i + 1) % n]].a);
    switch_net_free(net);
    return n;
}

START_TEST(no_circle_with_channels)
{
    const struct shape *s = &shapes[_i];
    uint32_t left_out;
    ck_assert_msg(circle_of(s, &left_out) == 0, "%s %s", s->name, s->keys);
    ck_assert_msg((left_out > 0) == s->left_out, "%s %s: %u paths have no channels", s->name, s->keys, left_out);
}
END_TEST

START_TEST(a_circle_with_one)
{
    const struct shape *s = &shapes[_i];
    const uint32_t *links;
    uint32_t path[ROUTE_MAX_LINKS];
    build(s->name, s->nodes, s->ports, s->keys);
    struct switch_net *net = network(1);
    for (uint32_t src = 0; src < t.n_endpoints; src++)
        for (uint32_t dst = 0; dst < t.n_endpoints; dst++) {
            uint32_t n = topology_route(&t, src, dst, path);
            if (n)
                switch_net_paths(net, 1, &n, path);
        }
    ck_assert_msg((switch_net_circle(net, &links) > 0) == s->deadlocks, "%s %s", s->name, s->keys);
    switch_net_free(net);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sim_lanes");
    TCase *c = tcase_create("lanes");
    int n = sizeof shapes / sizeof *shapes;
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, no_circle_with_channels, 0, n);
    tcase_add_loop_test(c, a_circle_with_one, 0, n);
    suite_add_tcase(s, c);
    return tap_main(s);
}

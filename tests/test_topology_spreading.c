/* Shares of sprayed messages against counting all paths of the pair, on every topology, whole and with links down. */
#include <check.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdlib.h>

#include "base/data_find.h"
#include "hw/cluster.h"
#include "io/scenario.h"
#include "tap_main.h"
#include "topology/ends.h"
#include "topology/spreading.h"
#include "topology/topo_keys.h"

struct setup {
    struct arena *arena;
    struct diag *diag;
    struct topology topo;
};

static void build(struct setup *s, const char *name, const char *keys, int nics, bool fast_ports)
{
    static const char *const parts[] = {"chip", "node", "nic", "network", "ep_kernel"};
    *s = (struct setup){.arena = arena_new(), .diag = diag_new()};
    struct cfg *cfg = cfg_new(&cluster_hw_table, s->arena);
    for (size_t i = 0; i < 5; i++)
        cfg_load_file(cfg, data_find(arena_printf(s->arena, "configs/h800/%s.yaml", parts[i]), NULL, s->arena),
                      parts[i], true, NULL, s->diag);
    struct cluster_hw *hw = cfg_struct(cfg);
    hw->nodes = nics > 4 ? 12 : 24;
    hw->node.gpus = 4;
    hw->nic.per_node = nics;
    hw->network.port_given = fast_ports;
    hw->network.switch_ports = 16;
    hw->network.topology_keys = topo_keys_with(hw, keys, s->arena);
    s->topo.type = topology_find(name);
    ck_assert_msg(!s->topo.type->build(&s->topo, hw, s->arena, s->diag), "%s: %s", name, diag_text(s->diag));
}

static void count_paths(const struct topology *t, const uint8_t *down, uint32_t src, uint32_t dst, double *share)
{
    uint32_t n = t->type->n_minimal(t, src, dst), path[ROUTE_MAX_LINKS], whole[8] = {0}, used = 0;
    uint32_t nics = src / t->gpus_per_node == dst / t->gpus_per_node ? 1 : topology_nics_per_gpu(t);
    for (uint32_t i = 0; i < t->n_links; i++)
        share[i] = 0;
    /* first how many paths each NIC has, then what each of them carries */
    for (uint32_t number = 0; number < 2 * n; number++) {
        uint32_t length = t->type->path(t, src, dst, number % n, path), nic = 0;
        bool ok = true;
        for (uint32_t i = 0; i < length; i++) {
            ok = ok && !down[path[i]];
            if (nics > 1 && t->links[path[i]].kind == LINK_NIC && path[i] < ends_first_in(t))
                nic = (path[i] - ends_first_out(t)) / ends_ports(t) % nics;
        }
        used += ok && number < n && !whole[nic];
        whole[nic] += ok && number < n;
        for (uint32_t i = 0; ok && number >= n && i < length; i++)
            share[path[i]] += 1.0 / whole[nic] / used;
    }
}

static void compare(struct spreading *sp, const struct topology *t, const uint8_t *down, uint32_t src, uint32_t dst,
                    double *share)
{
    struct spread_route route;
    double left = 0;
    count_paths(t, down, src, dst, share);
    if (spreading_route(sp, down, src, dst, &route)) {
        for (uint32_t i = 0; i < route.n_alone; i++)
            share[route.alone[i]] -= 1;
        for (uint32_t p = 0; p < route.n_parts; p++)
            for (uint32_t i = 0; i < route.parts[p]->n; i++)
                share[route.parts[p]->links[i].link] -= route.parts[p]->links[i].share;
    }
    for (uint32_t i = 0; i < t->n_links; i++)
        left = fmax(left, fabs(share[i]));
    ck_assert_msg(left < 1e-12, "%s: from %u to %u a share is off by %g", t->type->name, src, dst, left);
}

static void check_topology(const char *name, const char *keys, int nics, bool fast_ports)
{
    struct setup s;
    build(&s, name, keys, nics, fast_ports);
    const struct topology *t = &s.topo;
    struct spreading *sp = spreading_new(t);
    uint8_t *down = ARENA_ARRAY(s.arena, uint8_t, t->n_links);
    double *share = ARENA_ARRAY(s.arena, double, t->n_links);
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_taus2);
    for (uint32_t round = 0; round < 4; round++) {
        for (uint32_t i = 0; i < 150; i++) {
            uint32_t src = (uint32_t)gsl_rng_uniform_int(rng, t->n_endpoints);
            uint32_t step = 1 + (uint32_t)gsl_rng_uniform_int(rng, t->n_endpoints - 1);
            compare(sp, t, down, src, (src + step) % t->n_endpoints, share);
        }
        for (uint32_t i = 0; i < 12; i++)
            down[gsl_rng_uniform_int(rng, t->n_links)] = 1;
        spreading_forget(sp);
    }
    gsl_rng_free(rng);
    spreading_free(sp);
    diag_free(s.diag);
    arena_free(s.arena);
}

START_TEST(shares_are_paths_over_all_paths)
{
    static const char *const cases[][2] = {{"ft2", "oversubscription=1"}, {"mrft", "oversubscription=1"},
                                           {"mpft", "planes=2"},          {"mpft_multiport", "nic_ports=4"},
                                           {"ft3", "oversubscription=1"}, {"dragonfly", "dragonfly_groups=0"},
                                           {"slim_fly", "slim_fly_q=0"}};
    check_topology(cases[_i][0], cases[_i][1], 4, false);
}
END_TEST

/* Of NICs that GPUs share, and of several NICs a GPU. */
START_TEST(shares_of_nics)
{
    static const char *const cases[][2] = {
        {"ft2", ""}, {"mpft", "planes=2"}, {"mpft_multiport", "nic_ports=4"}, {"ft3", ""}, {"dual_plane", ""}};
    check_topology(cases[_i / 2][0], cases[_i / 2][1], _i % 2 ? 8 : 2, false);
}
END_TEST

/* Ports that together can do more than their NIC: each NIC's own limit is on its own messages. */
START_TEST(shares_of_fast_ports)
{
    check_topology("mpft_multiport", "nic_ports=4", 2 << _i, true);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("topology_spreading");
    TCase *t = tcase_create("shares");
    tcase_add_loop_test(t, shares_are_paths_over_all_paths, 0, 7);
    tcase_add_loop_test(t, shares_of_nics, 0, 10);
    tcase_add_loop_test(t, shares_of_fast_ports, 0, 3);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return tap_main(suite());
}

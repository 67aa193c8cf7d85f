/* Network model packet under op graphs and real topologies: it agrees with the fluid
 * model where nothing queues, runs beside other ops on the same clock, and knows what
 * it cannot do. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "base/data_find.h"
#include "base/rng.h"
#include "io/scenario.h"
#include "sim/sim.h"
#include "tap_main.h"
#include "topology/ends.h"
#include "topology/topo_keys.h"

struct job {
    struct arena *arena;
    struct diag *diag;
    struct cluster_hw *hw;
    struct topology topo;
    struct opgraph *graph;
    struct sim_spec spec;
};

static struct job *load(const char *topology, int64_t nodes)
{
    static const char *const parts[] = {"chip", "node", "nic", "network", "packet", "ep_kernel"};
    struct arena *a = arena_new();
    struct job *j = ARENA_NEW(a, struct job);
    struct cfg *cfg = cfg_new(&cluster_hw_table, a);
    *j = (struct job){.arena = a, .diag = diag_new()};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const char *path = data_find(arena_printf(a, "configs/h800/%s.yaml", parts[i]), NULL, a);
        ck_assert_ptr_nonnull(path);
        cfg_load_file(cfg, path, parts[i], true, NULL, j->diag);
    }
    ck_assert_msg(!diag_failed(j->diag), "%s", diag_text(j->diag));
    j->hw = cfg_struct(cfg);
    j->hw->nodes = nodes;
    j->hw->topology = topology;
    return j;
}

static void build(struct job *j)
{
    j->topo = (struct topology){.type = topology_find(j->hw->topology)};
    ck_assert_msg(j->topo.type->build(&j->topo, j->hw, j->arena, j->diag) == 0, "%s", diag_text(j->diag));
    j->graph = opgraph_new(j->topo.n_endpoints);
    j->spec = (struct sim_spec){
        .graph = j->graph, .topo = &j->topo, .hw = j->hw, .net = NET_PACKET, .sm_per_device = 132, .checked = true};
}

static void unload(struct job *j)
{
    opgraph_free(j->graph);
    diag_free(j->diag);
    arena_free(j->arena);
}

static uint32_t add_op(struct job *j, enum op_kind kind, uint32_t device, double work_s, double lead_s)
{
    uint32_t name = opgraph_string(j->graph, "op");
    struct op op = {.kind = (uint8_t)kind,
                    .lane = opgraph_lane(j->graph),
                    .device = device,
                    .work_s = work_s,
                    .lead_s = lead_s,
                    .sync_group = OP_NONE,
                    .name = name,
                    .class_name = name,
                    .phase = name};
    return opgraph_add(j->graph, &op);
}

/* A transfer with an op of its own at its sender; returns the op. */
static uint32_t move(struct job *j, uint32_t src, uint32_t dst, double bytes_B, double at_s)
{
    uint32_t op = add_op(j, OP_COMM, src, 0, at_s);
    opgraph_transfer(
        j->graph,
        &(struct transfer){.src_op = op, .dst_op = op, .src = src, .dst = dst, .bytes_B = bytes_B, .weight = 1});
    return op;
}

static struct sim_outcome run(struct job *j, enum net_kind net)
{
    struct sim_outcome out;
    j->spec.net = net;
    j->spec.routing = j->hw->network.routing;
    opgraph_check(j->graph);
    ck_assert_msg(sim_run(&j->spec, j->arena, &out, j->diag) == 0, "%s", diag_text(j->diag));
    return out;
}

static void near(double got, double want, double relative)
{
    ck_assert_msg(fabs(got / want - 1) <= relative, "got %.9g, wanted %.9g within %g", got, want, relative);
}

static void expect_agreement(struct job *j, double relative)
{
    struct sim_outcome flow = run(j, NET_FLOW), packet = run(j, NET_PACKET);
    for (uint32_t i = 0; i < j->graph->n_transfers; i++)
        near(packet.transfer_end_s[i] - packet.transfer_start_s[i], flow.transfer_end_s[i] - flow.transfer_start_s[i],
             relative);
}

static const char *const networks[] = {"ft2", "mrft", "mpft", "mpft_multiport", "ft3", "slim_fly", "dragonfly"};

/* --- agreement with the fluid model ----------------------------------------------- */

/* One transfer at a time: latency and bytes, on every kind of path. */
START_TEST(alone_every_path_takes_the_fluid_time)
{
    for (size_t n = 0; n < sizeof networks / sizeof *networks; n++) {
        struct job *j = load(networks[n], 8);
        j->hw->network.switch_ports = 32;
        if (!strcmp(networks[n], "slim_fly"))
            j->hw->network.topology_keys = topo_keys_with(j->hw, "slim_fly_q=5", j->arena);
        if (!strcmp(networks[n], "mpft_multiport"))
            j->hw->network.topology_keys = topo_keys_with(j->hw, "nic_ports=2", j->arena);
        build(j);
        gsl_rng *rng = rng_stream(2, 0, "pairs");
        for (int i = 0; i < 40; i++) {
            uint32_t src = gsl_rng_uniform_int(rng, 64), dst = (src + 1 + gsl_rng_uniform_int(rng, 63)) % 64;
            move(j, src, dst, i % 8 ? 1e6 : 4096, 1e-3 * i);
        }
        gsl_rng_free(rng);
        expect_agreement(j, 5e-3);
        unload(j);
    }
}
END_TEST

/* Every GPU to one of another node, in all of them the paths apart: no queue anywhere.
 */
START_TEST(a_permutation_without_conflicts_agrees)
{
    for (int fc = FLOW_CONTROL_NONE; fc <= FLOW_CONTROL_CREDITS; fc++) {
        struct job *j = load("mrft", 4);
        j->hw->packet.flow_control = fc;
        build(j);
        for (uint32_t r = 0; r < 32; r++)
            move(j, r, (r + 8) % 32, 2e6, 0);
        expect_agreement(j, 3e-3);
        unload(j);
    }
}
END_TEST

/* Fair sharing of one output: equal transfers end when the fluid's do. */
START_TEST(incast_agrees_where_it_hurts_nobody_else)
{
    struct job *j = load("mrft", 16);
    build(j);
    for (uint32_t node = 1; node < 9; node++)
        move(j, 8 * node, 0, 4e6, 0);
    expect_agreement(j, 3e-3);
    unload(j);
}
END_TEST

START_TEST(all_to_all_agrees_in_its_end)
{
    struct job *j = load("mrft", 4);
    build(j);
    for (uint32_t src = 0; src < 32; src++)
        for (uint32_t dst = 0; dst < 32; dst++)
            if (src / 8 != dst / 8)
                move(j, src, dst, 256e3, 0);
    struct sim_outcome flow = run(j, NET_FLOW), packet = run(j, NET_PACKET);
    near(packet.makespan_s, flow.makespan_s, 0.03);
    ck_assert_uint_eq(packet.packet.dropped + packet.packet.retransmitted, 0);
    ck_assert_uint_eq(packet.packet.sent, packet.packet.accepted);
    unload(j);
}
END_TEST

/* --- what transfers may ask for --------------------------------------------------- */

START_TEST(caps_resources_and_nothing_at_all)
{
    struct job *j = load("mrft", 2);
    build(j);
    uint32_t slow = opgraph_resource(j->graph, 5e9, "copy"), op = add_op(j, OP_COMM, 0, 0, 0);
    struct transfer capped = {
        .src_op = op, .dst_op = op, .src = 0, .dst = 8, .bytes_B = 2e6, .weight = 1, .cap_Bps = 8e9};
    struct transfer copied = {
        .src_op = op, .dst_op = op, .src = 1, .dst = 9, .bytes_B = 2e6, .weight = 1, .n_res = 1, .res = {slow}};
    struct transfer local = {
        .src_op = op, .dst_op = op, .src = 2, .dst = 2, .bytes_B = 2e6, .weight = 1, .latency_s = 3e-6};
    struct transfer empty = {.src_op = op, .dst_op = op, .src = 3, .dst = 11, .weight = 1};
    opgraph_transfer(j->graph, &capped);
    opgraph_transfer(j->graph, &copied);
    opgraph_transfer(j->graph, &local);
    opgraph_transfer(j->graph, &empty);
    struct sim_outcome packet = run(j, NET_PACKET), flow = run(j, NET_FLOW);
    near(packet.transfer_end_s[0], flow.transfer_end_s[0], 5e-3);
    near(packet.transfer_end_s[1], flow.transfer_end_s[1], 5e-3);
    near(packet.transfer_end_s[2], 3e-6, 1e-9);
    near(packet.transfer_end_s[3], flow.transfer_end_s[3], 1e-3); /* a header crosses */
    unload(j);
}
END_TEST

static void expect_refusal(struct job *j, const char *words)
{
    struct sim_outcome out;
    j->spec.routing = j->hw->network.routing;
    ck_assert_int_eq(sim_run(&j->spec, j->arena, &out, j->diag), -1);
    ck_assert_msg(strstr(diag_text(j->diag), words) != NULL, "%s", diag_text(j->diag));
    unload(j);
}

START_TEST(what_packets_cannot_do_is_refused)
{
    struct job *j = load("mrft", 2);
    build(j);
    uint32_t op = move(j, 0, 8, 1e6, 0);
    opgraph_transfer(j->graph,
                     &(struct transfer){.src_op = op, .dst_op = op, .src = 0, .dst = 8, .bytes_B = 1e6, .weight = 2});
    expect_refusal(j, "unequal weights");
    j = load("mrft", 2);
    build(j);
    move(j, 0, 8, 1e6, 0);
    j->hw->network.routing.policy = ROUTING_UGAL;
    expect_refusal(j, "ugal");
}
END_TEST

/* --- beside other ops ------------------------------------------------------------- */

/* Timers of other ops cut the packet model's look-ahead into pieces; nothing may
 * change. */
START_TEST(ops_beside_it_change_nothing)
{
    double end_s[2];
    for (int busy = 0; busy < 2; busy++) {
        struct job *j = load("ft2", 8);
        build(j);
        for (uint32_t r = 8; r < 40; r++)
            move(j, r, r % 4, 900e3, 1e-7 * r);
        uint32_t last = 0;
        for (int i = 0; busy && i < 3000; i++) {
            uint32_t op = add_op(j, OP_COMPUTE, 60, 37e-9, 0);
            if (i)
                opgraph_dep(j->graph, last, op);
            last = op;
        }
        struct sim_outcome out = run(j, NET_PACKET);
        end_s[busy] = 0;
        for (uint32_t i = 0; i < j->graph->n_transfers; i++)
            end_s[busy] = fmax(end_s[busy], out.transfer_end_s[i]);
        unload(j);
    }
    ck_assert_double_gt(end_s[0], 37e-9 * 3000);
    near(end_s[1], end_s[0], 1e-9);
}
END_TEST

/* Starts at times that are no whole picoseconds. */
START_TEST(any_start_time_will_do)
{
    struct job *j = load("ft2", 8);
    build(j);
    gsl_rng *rng = rng_stream(4, 0, "times");
    for (int i = 0; i < 400; i++) {
        uint32_t src = gsl_rng_uniform_int(rng, 64);
        move(j, src, (src + 1 + gsl_rng_uniform_int(rng, 63)) % 64, 40e3, 1e-4 * gsl_rng_uniform(rng));
    }
    gsl_rng_free(rng);
    struct sim_outcome out = run(j, NET_PACKET);
    ck_assert_uint_eq(out.packet.sent, out.packet.accepted);
    unload(j);
}
END_TEST

/* A chain: computation, transfer, computation, transfer back. */
START_TEST(ends_start_what_waits_for_them)
{
    struct job *j = load("ft2", 2);
    build(j);
    uint32_t a = add_op(j, OP_COMPUTE, 0, 20e-6, 0), b = move(j, 0, 8, 1e6, 0);
    uint32_t c = add_op(j, OP_COMPUTE, 8, 7e-6, 0), d = move(j, 8, 0, 1e6, 0);
    opgraph_dep(j->graph, a, b);
    opgraph_dep(j->graph, b, c);
    opgraph_dep(j->graph, c, d);
    struct sim_outcome packet = run(j, NET_PACKET), flow = run(j, NET_FLOW);
    near(packet.makespan_s, flow.makespan_s, 2e-3);
    near(packet.op_start_s[c], packet.op_end_s[b], 1e-9);
    near(packet.op_end_s[d] - packet.op_start_s[d], packet.op_end_s[b] - packet.op_start_s[b], 1e-6);
    unload(j);
}
END_TEST

/* --- several paths, and links that fail ------------------------------------------- */

static double policy_s(enum routing_policy policy, struct sim_outcome *out)
{
    struct job *j = load("ft2", 8);
    j->hw->network.switch_ports = 16; /* leaves of eight GPUs with eight uplinks */
    j->hw->network.routing.policy = policy;
    j->hw->packet.placement = PLACEMENT_OUT_OF_ORDER;
    build(j);
    for (uint32_t r = 0; r < 8; r++)
        move(j, r, 8 * (r % 4 + 1), 4e6, 0); /* destinations of equal remainder: static
                                                routing puts them on one uplink */
    *out = run(j, NET_PACKET);
    double s = out->makespan_s;
    unload(j);
    return s;
}

START_TEST(spraying_spreads_what_static_routes_pile_up)
{
    struct sim_outcome fixed, sprayed, adaptive;
    double fixed_s = policy_s(ROUTING_STATIC, &fixed), sprayed_s = policy_s(ROUTING_SPRAY, &sprayed);
    double adaptive_s = policy_s(ROUTING_ADAPTIVE, &adaptive);
    ck_assert_double_gt(fixed_s, 3.5 * sprayed_s);
    near(adaptive_s, sprayed_s, 0.1);
    ck_assert_uint_eq(fixed.packet.reordered, 0);
    ck_assert_uint_gt(sprayed.packet.reordered + adaptive.packet.reordered, 0);
}
END_TEST

START_TEST(a_failed_link_is_left_for_another)
{
    struct job *j = load("ft2", 4);
    j->hw->network.switch_ports = 16;
    build(j);
    move(j, 0, 24, 8e6, 0);
    struct sim_outcome whole = run(j, NET_PACKET);
    uint32_t links[ROUTE_MAX_LINKS];
    topology_route(&j->topo, 0, 24, links);
    struct link_event fault = {.time_s = 60e-6, .link = links[1], .fails = true};
    j->spec.events = &fault;
    j->spec.n_events = 1;
    struct sim_outcome broken = run(j, NET_PACKET);
    ck_assert_uint_gt(broken.packet.cut, 0);
    /* what was under way and not acknowledged goes once more, with the latency of a new
     * message */
    ck_assert_double_gt(broken.makespan_s, whole.makespan_s);
    ck_assert_double_lt(broken.makespan_s, whole.makespan_s + 15e-6);
    fault.link = links[0]; /* the only NIC: NVLink and another NIC of the node remain */
    ck_assert_double_lt(run(j, NET_PACKET).makespan_s, whole.makespan_s + 25e-6);
    unload(j);
}
END_TEST

START_TEST(without_another_path_the_run_says_who_is_cut_off)
{
    struct job *j = load("ft2", 4);
    build(j);
    move(j, 0, 24, 8e6, 0);
    struct link_event faults[8]; /* all NICs of the sender's node */
    for (uint32_t i = 0; i < 8; i++)
        faults[i] = (struct link_event){.time_s = 10e-6, .link = ends_nic_out(&j->topo, i, 0), .fails = true};
    j->spec.events = faults;
    j->spec.n_events = 8;
    expect_refusal(j, "GPU 0 cannot reach GPU 24");
}
END_TEST

/* --- the same again --------------------------------------------------------------- */

START_TEST(runs_are_the_same_bytes)
{
    struct job *j = load("ft2", 8);
    j->hw->packet.loss_ratio = 1e-4;
    j->hw->packet.congestion_control = CONGESTION_RTT;
    j->hw->packet.placement = PLACEMENT_OUT_OF_ORDER;
    j->hw->packet.retransmission = RETRANSMIT_SELECTIVE;
    j->hw->network.routing.policy = ROUTING_SPRAY;
    j->hw->network.switch_ports = 16;
    build(j);
    for (uint32_t r = 0; r < 64; r++)
        move(j, r, (r * 7 + 9) % 64, 2e6, 1e-8 * r);
    struct sim_outcome a = run(j, NET_PACKET), b = run(j, NET_PACKET);
    uint32_t n = j->graph->n_transfers;
    ck_assert_mem_eq(&a.packet, &b.packet, sizeof a.packet);
    ck_assert_mem_eq(a.transfer_end_s, b.transfer_end_s, n * sizeof(double));
    ck_assert_mem_eq(a.packet_transfers, b.packet_transfers, n * sizeof *a.packet_transfers);
    ck_assert_mem_eq(a.packet_links, b.packet_links, j->topo.n_links * sizeof *a.packet_links);
    ck_assert_uint_gt(a.packet.corrupted, 0);
    unload(j);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("network model packet");
    TCase *t = tcase_create("packet");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, alone_every_path_takes_the_fluid_time);
    tcase_add_test(t, a_permutation_without_conflicts_agrees);
    tcase_add_test(t, incast_agrees_where_it_hurts_nobody_else);
    tcase_add_test(t, all_to_all_agrees_in_its_end);
    tcase_add_test(t, caps_resources_and_nothing_at_all);
    tcase_add_test(t, what_packets_cannot_do_is_refused);
    tcase_add_test(t, ops_beside_it_change_nothing);
    tcase_add_test(t, any_start_time_will_do);
    tcase_add_test(t, ends_start_what_waits_for_them);
    tcase_add_test(t, spraying_spreads_what_static_routes_pile_up);
    tcase_add_test(t, a_failed_link_is_left_for_another);
    tcase_add_test(t, without_another_path_the_run_says_who_is_cut_off);
    tcase_add_test(t, runs_are_the_same_bytes);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return tap_main(suite());
}

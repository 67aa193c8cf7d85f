/* Routing policies and faults on a ladder: N senders, N receivers, K cables between their two switches.
 * Every pair has K minimal paths (one per cable) and one detour over a slow cable. */
#include <check.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <string.h>

#include "sim/sim.h"
#include "tap_main.h"
#include "topology/routing.h"

static const double GB = 1e9;

struct ladder {
    struct arena *arena;
    struct diag *diag;
    struct topology topo;
    struct opgraph *graph;
    struct sim_spec spec;
    uint32_t n, k;
};

/* Links: 0 .. n-1 out of senders, n .. 2n-1 into receivers, 2n .. 2n+k-1 cables, then the slow one. */
static uint32_t path(const struct topology *t, uint32_t src, uint32_t dst, uint32_t number, uint32_t *links)
{
    const struct ladder *l = t->state;
    links[0] = src;
    links[1] = 2 * l->n + number;
    links[2] = dst;
    return 3;
}

static uint32_t n_minimal(const struct topology *t, uint32_t src, uint32_t dst)
{
    (void)src, (void)dst;
    return ((const struct ladder *)t->state)->k;
}

static uint32_t n_detours(const struct topology *t, uint32_t src, uint32_t dst)
{
    (void)t, (void)src, (void)dst;
    return 1;
}

static uint32_t by_destination(const struct topology *t, uint32_t src, uint32_t dst)
{
    (void)src;
    return dst % ((const struct ladder *)t->state)->k;
}

static const struct topology_type ladder_type = {
    .name = "ladder", .n_minimal = n_minimal, .n_detours = n_detours, .by_destination = by_destination, .path = path};

static struct ladder *ladder_new(uint32_t n, uint32_t k, enum routing_policy policy)
{
    struct arena *a = arena_new();
    struct ladder *l = ARENA_NEW(a, struct ladder);
    *l = (struct ladder){.arena = a, .diag = diag_new(), .n = n, .k = k};
    l->graph = opgraph_new(2 * n);
    l->topo = (struct topology){
        .type = &ladder_type, .n_endpoints = 2 * n, .gpus_per_node = 1, .n_links = 2 * n + k + 1, .state = l};
    l->topo.links = ARENA_ARRAY(a, struct topo_link, l->topo.n_links);
    for (uint32_t i = 0; i < l->topo.n_links; i++)
        l->topo.links[i].capacity_Bps = 1 * GB;
    l->topo.links[2 * n + k].capacity_Bps = 0.1 * GB;
    l->spec = (struct sim_spec){.graph = l->graph,
                                .topo = &l->topo,
                                .seed = 1,
                                .checked = true,
                                .routing = {.policy = policy, .queue_pairs = 1}};
    return l;
}

static void ladder_free(struct ladder *l)
{
    opgraph_free(l->graph);
    diag_free(l->diag);
    arena_free(l->arena);
}

static uint32_t add_op(struct ladder *l, uint32_t device, double lead_s)
{
    uint32_t name = opgraph_string(l->graph, "send");
    struct op op = {.kind = OP_COMM,
                    .lane = opgraph_lane(l->graph),
                    .device = device,
                    .lead_s = lead_s,
                    .sync_group = OP_NONE,
                    .name = name,
                    .class_name = name,
                    .phase = name};
    return opgraph_add(l->graph, &op);
}

static uint32_t send(struct ladder *l, uint32_t from, uint32_t to, double bytes_B, double at_s)
{
    struct transfer t = {.src = from, .dst = l->n + to, .bytes_B = bytes_B, .weight = 1};
    t.src_op = add_op(l, t.src, at_s);
    t.dst_op = add_op(l, t.dst, at_s);
    return opgraph_transfer(l->graph, &t);
}

static void send_shifted(struct ladder *l)
{
    for (uint32_t i = 0; i < l->n; i++)
        send(l, i, (i + 1) % l->n, 1 * GB, 0);
}

static struct sim_outcome run(struct ladder *l)
{
    struct sim_outcome out;
    ck_assert_msg(sim_run(&l->spec, l->arena, &out, l->diag) == 0, "%s", diag_text(l->diag));
    return out;
}

static double makespan_of(uint32_t n, uint32_t k, enum routing_policy policy, uint64_t seed)
{
    struct ladder *l = ladder_new(n, k, policy);
    l->spec.seed = seed;
    send_shifted(l);
    double makespan_s = run(l).makespan_s;
    ladder_free(l);
    return makespan_s;
}

/* --- policies --------------------------------------------------------------------------------------- */

START_TEST(static_routing_follows_the_destination)
{
    struct ladder *l = ladder_new(8, 4, ROUTING_STATIC);
    for (uint32_t i = 0; i < 4; i++)
        send(l, i, 4 * (i % 2), 1 * GB, 0); /* two receivers, both on cable 0 */
    ck_assert_double_eq_tol(run(l).makespan_s, 4, 1e-9);
    ladder_free(l);
    ck_assert_double_eq_tol(makespan_of(8, 8, ROUTING_STATIC, 1), 1, 1e-9);
}
END_TEST

/* With 16 flows on 16 cables hashing collides almost surely (16! / 16^16 = 1e-6 for none). */
START_TEST(ecmp_collides_and_depends_on_the_seed_only)
{
    double sum_s = 0;
    bool differs = false;
    for (uint64_t seed = 0; seed < 10; seed++) {
        double s = makespan_of(16, 16, ROUTING_ECMP, seed);
        ck_assert(s == makespan_of(16, 16, ROUTING_ECMP, seed));
        ck_assert_double_eq_tol(s, round(s), 1e-9); /* the fullest cable carries so many flows */
        differs |= s != makespan_of(16, 16, ROUTING_ECMP, 0);
        sum_s += s;
    }
    ck_assert(differs);
    ck_assert(sum_s / 10 > 2 && sum_s / 10 < 5); /* expected maximum load of 16 balls in 16 bins: 3.1 */
}
END_TEST

START_TEST(adaptive_routing_finds_the_free_cables)
{
    for (uint64_t seed = 0; seed < 5; seed++)
        ck_assert_double_eq_tol(makespan_of(16, 16, ROUTING_ADAPTIVE, seed), 1, 1e-9);
    ck_assert_double_eq_tol(makespan_of(16, 8, ROUTING_ADAPTIVE, 1), 2, 1e-9);
}
END_TEST

START_TEST(spraying_uses_all_cables)
{
    struct ladder *l = ladder_new(2, 4, ROUTING_SPRAY);
    for (uint32_t i = 0; i < 4; i++)
        l->topo.links[2 * l->n + i].capacity_Bps = 0.25 * GB;
    uint32_t id = send(l, 0, 1, 1 * GB, 0);
    struct sim_outcome out = run(l);
    ck_assert_double_eq_tol(out.transfer_end_s[id], 1, 1e-9); /* one cable alone: 4 s */
    ck_assert_uint_eq(out.n_flows, 1);
    ladder_free(l);
}
END_TEST

/* More cables than a message has parts (16), and flows of one rail only: numbers differ by multiples of 8. No cable
 * may be left out, whatever the rail. */
START_TEST(spraying_uses_all_cables_of_a_rail)
{
    for (uint32_t rail = 0; rail < 8; rail++) {
        struct ladder *l = ladder_new(64, 32, ROUTING_SPRAY);
        l->topo.gpus_per_node = 8;
        for (uint32_t i = 0; i < 32; i++)
            l->topo.links[2 * l->n + i].capacity_Bps = 0.25 * GB;
        for (uint32_t i = rail; i < 64; i += 8)
            for (uint32_t j = rail; j < 64; j += 8)
                if (i != j)
                    send(l, i, j, 1 * GB, 0);
        /* 56 GB over 32 cables of 0.25 GB/s: 7 s, as for their NICs; over half of them 14 s */
        ck_assert_double_lt(run(l).makespan_s, 8.1);
        ladder_free(l);
    }
}
END_TEST

/* A part of each message, by hand, on each cable: SimGrid's own model must end it when the sprayed message ends. Sizes and
 * arrivals differ; the cables of the ladder do not, so the parts of a message stay together. */
START_TEST(spraying_equals_parts_in_cm02)
{
    enum { N = 6, K = 5, MESSAGES = 40 };
    struct ladder *sprayed = ladder_new(N, K, ROUTING_SPRAY), *parts = ladder_new(N, K, ROUTING_STATIC);
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_taus2);
    parts->spec.net = NET_CM02;
    for (uint32_t i = 0; i < K; i++)
        sprayed->topo.links[2 * N + i].capacity_Bps = parts->topo.links[2 * N + i].capacity_Bps = 0.4 * GB;
    for (uint32_t m = 0; m < MESSAGES; m++) {
        uint32_t from = (uint32_t)gsl_rng_uniform_int(rng, N), to = (uint32_t)gsl_rng_uniform_int(rng, N);
        double bytes_B = floor(GB * gsl_rng_uniform(rng)) * K, at_s = gsl_rng_uniform(rng);
        send(sprayed, from, to, bytes_B, at_s);
        for (uint32_t i = 0; i < K; i++) {
            uint32_t id = send(parts, from, to, bytes_B / K, at_s);
            parts->graph->transfers[id].weight = 1.0 / K;
            parts->graph->transfers[id].pinned = i + 1;
        }
    }
    struct sim_outcome got = run(sprayed), want = run(parts);
    for (uint32_t m = 0; m < MESSAGES; m++)
        for (uint32_t i = 0; i < K; i++)
            ck_assert_double_eq_tol(got.transfer_end_s[m], want.transfer_end_s[m * K + i],
                                    1e-6 * got.transfer_end_s[m]);
    gsl_rng_free(rng);
    ladder_free(sprayed);
    ladder_free(parts);
}
END_TEST

/* One slow cable slows the whole message, as its packets take the cables in turn; a cable that is down carries nothing. */
START_TEST(sprayed_messages_are_as_fast_as_their_slowest_path)
{
    for (uint32_t down = 0; down < 2; down++) {
        struct ladder *l = ladder_new(2, 4, ROUTING_SPRAY);
        struct link_event event = {.link = 2 * 2 + 3, .fails = true};
        l->topo.links[2 * 2 + 3].capacity_Bps = 0.05 * GB;
        l->spec.events = &event;
        l->spec.n_events = down;
        uint32_t id = send(l, 0, 1, 1 * GB, 0);
        ck_assert_double_eq_tol(run(l).transfer_end_s[id], down ? 1 : 5, 1e-9);
        ladder_free(l);
    }
}
END_TEST

START_TEST(queue_pairs_spread_one_connection)
{
    double one_s = 0, many_s = 0;
    for (uint64_t seed = 0; seed < 10; seed++)
        for (int qps = 1; qps <= 16; qps += 15) {
            struct ladder *l = ladder_new(8, 8, ROUTING_ECMP);
            l->spec.seed = seed;
            l->spec.routing.queue_pairs = qps;
            send_shifted(l);
            *(qps == 1 ? &one_s : &many_s) += run(l).makespan_s / 10;
            ladder_free(l);
        }
    ck_assert(many_s > 1 && many_s < 0.8 * one_s);
}
END_TEST

START_TEST(rebalancing_moves_running_flows)
{
    bool helped = false;
    for (uint64_t seed = 0; seed < 8; seed++) {
        double end_s[2];
        for (int i = 0; i < 2; i++) {
            struct ladder *l = ladder_new(3, 2, ROUTING_ADAPTIVE);
            l->spec.seed = seed;
            l->spec.routing.rebalance_s = i ? 0.01 : 0;
            send(l, 0, 0, 0.5 * GB, 0); /* short: its cable is free soon */
            send(l, 1, 1, 2 * GB, 0.001);
            send(l, 2, 2, 2 * GB, 0.002); /* shares a cable with either, by its hash */
            end_s[i] = run(l).makespan_s;
            ladder_free(l);
        }
        ck_assert(end_s[1] <= end_s[0] + 0.011);
        helped |= end_s[1] < end_s[0] - 0.5;
    }
    ck_assert(helped);
}
END_TEST

START_TEST(valiant_takes_the_detour_ugal_only_when_it_pays)
{
    ck_assert_double_eq_tol(makespan_of(1, 4, ROUTING_VALIANT, 1), 10, 1e-9);
    ck_assert_double_eq_tol(makespan_of(1, 4, ROUTING_UGAL, 1), 1, 1e-9);
    /* 22 flows on one cable: the slow one next to it is worth taking for some */
    double minimal_s = makespan_of(22, 1, ROUTING_STATIC, 1);
    double ugal_s = makespan_of(22, 1, ROUTING_UGAL, 1);
    ck_assert_double_eq_tol(minimal_s, 22, 1e-9);
    ck_assert(ugal_s < minimal_s - 0.5);
}
END_TEST

/* --- faults ----------------------------------------------------------------------------------------- */

static struct link_event fails(uint32_t link, double at_s)
{
    return (struct link_event){.time_s = at_s, .link = link, .fails = true};
}

START_TEST(traffic_goes_another_way_when_a_cable_fails)
{
    enum routing_policy policies[] = {ROUTING_STATIC, ROUTING_ECMP, ROUTING_ADAPTIVE, ROUTING_SPRAY};
    struct ladder *l = ladder_new(4, 4, policies[_i]);
    send_shifted(l);
    struct link_event events[] = {fails(2 * 4 + 1, 0.25), fails(2 * 4 + 2, 0.25)};
    l->spec.events = events;
    l->spec.n_events = 2;
    struct sim_outcome out = run(l);
    /* 4 GB in all; 1 GB or less is through when two of four cables go, the rest takes two cables */
    ck_assert(out.makespan_s >= 0.25 + (4 - 4 * 0.25) / 2 - 1e-9);
    ck_assert(out.makespan_s < 5);
    ladder_free(l);
}
END_TEST

START_TEST(cables_that_are_down_from_the_start_are_avoided)
{
    struct ladder *l = ladder_new(4, 4, ROUTING_ADAPTIVE);
    send_shifted(l);
    struct link_event events[] = {fails(2 * 4, 0), fails(2 * 4 + 1, 0)};
    l->spec.events = events;
    l->spec.n_events = 2;
    ck_assert_double_eq_tol(run(l).makespan_s, 2, 1e-9);
    ladder_free(l);
}
END_TEST

START_TEST(the_detour_is_the_last_resort)
{
    struct ladder *l = ladder_new(1, 2, ROUTING_STATIC);
    send(l, 0, 0, 1 * GB, 0);
    struct link_event events[] = {fails(2, 0.5), fails(3, 0.5)};
    l->spec.events = events;
    l->spec.n_events = 2;
    ck_assert_double_eq_tol(run(l).makespan_s, 0.5 + 5, 1e-9);
    ladder_free(l);
}
END_TEST

START_TEST(without_any_path_the_pair_is_named)
{
    enum routing_policy policies[] = {ROUTING_STATIC, ROUTING_SPRAY};
    struct ladder *l = ladder_new(2, 2, policies[_i / 2]);
    send(l, 0, 1, 1 * GB, 0);
    struct sim_outcome out;
    struct link_event events[] = {fails(4, _i % 2), fails(5, _i % 2), fails(6, _i % 2)};
    l->spec.events = events;
    l->spec.n_events = 3;
    l->topo.links[0].capacity_Bps = 0.1 * GB; /* still running at 1 s */
    ck_assert_int_eq(sim_run(&l->spec, l->arena, &out, l->diag), -1);
    ck_assert_ptr_nonnull(strstr(diag_text(l->diag), "GPU 0 cannot reach GPU 3"));
    ck_assert_int_eq(diag_exit_code(l->diag), EXIT_BAD_INPUT);
    ladder_free(l);
}
END_TEST

START_TEST(only_flow_routes_by_load)
{
    struct ladder *l = ladder_new(2, 2, ROUTING_ADAPTIVE);
    struct sim_outcome out;
    l->spec.net = NET_CM02;
    send(l, 0, 1, 1 * GB, 0);
    ck_assert_int_eq(sim_run(&l->spec, l->arena, &out, l->diag), -1);
    ck_assert_ptr_nonnull(strstr(diag_text(l->diag), "use 'flow'"));
    ladder_free(l);
}
END_TEST

/* Hashed paths are the same for both networks. */
START_TEST(ecmp_equals_cm02)
{
    double end_s[2];
    for (int i = 0; i < 2; i++) {
        struct ladder *l = ladder_new(8, 4, ROUTING_ECMP);
        l->spec.net = i ? NET_CM02 : NET_FLOW;
        send_shifted(l);
        end_s[i] = run(l).makespan_s;
        ladder_free(l);
    }
    ck_assert_double_eq_tol(end_s[0], end_s[1], 1e-6 * end_s[0]);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("routing");
    TCase *t = tcase_create("policies");
    tcase_add_test(t, static_routing_follows_the_destination);
    tcase_add_test(t, ecmp_collides_and_depends_on_the_seed_only);
    tcase_add_test(t, adaptive_routing_finds_the_free_cables);
    tcase_add_test(t, spraying_uses_all_cables);
    tcase_add_test(t, spraying_uses_all_cables_of_a_rail);
    tcase_add_test(t, spraying_equals_parts_in_cm02);
    tcase_add_test(t, sprayed_messages_are_as_fast_as_their_slowest_path);
    tcase_add_test(t, queue_pairs_spread_one_connection);
    tcase_add_test(t, rebalancing_moves_running_flows);
    tcase_add_test(t, valiant_takes_the_detour_ugal_only_when_it_pays);
    tcase_add_test(t, only_flow_routes_by_load);
    tcase_add_test(t, ecmp_equals_cm02);
    suite_add_tcase(s, t);
    t = tcase_create("faults");
    tcase_add_loop_test(t, traffic_goes_another_way_when_a_cable_fails, 0, 4);
    tcase_add_test(t, cables_that_are_down_from_the_start_are_avoided);
    tcase_add_test(t, the_detour_is_the_last_resort);
    tcase_add_loop_test(t, without_any_path_the_pair_is_named, 0, 4);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return tap_main(suite());
}

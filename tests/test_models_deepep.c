/* DeepEP transfers: exact byte counts against the routing they were made from. */
#include <check.h>
#include <string.h>

#include "base/arena.h"
#include "models/comm/deepep.h"
#include "tap_main.h"

enum { RANKS = 16, NODES = 2, GPUS = 8 };

static const struct routing_cfg cfg = {
    .experts = 64, .experts_per_token = 4, .groups = 4, .groups_per_token = 2, .tokens_per_rank = 300, .hidden = 7168};

static const struct hw_ep_kernel plain; /* BF16 combines */

struct setup {
    struct arena *arena;
    struct cluster_hw hw;
    struct routing_shape shape;
    struct routing routing;
    struct opgraph *graph;
    uint32_t op[RANKS];
};

static struct setup *setup_new(int64_t sms)
{
    struct arena *arena = arena_new();
    struct setup *s = ARENA_NEW(arena, struct setup);
    double load[RANKS];

    s->arena = arena;
    s->shape =
        (struct routing_shape){.cfg = &cfg, .n_ranks = RANKS, .ranks_per_node = GPUS, .n_nodes = NODES, .sets = true};
    s->hw = (struct cluster_hw){.nodes = NODES,
                                .node = {.gpus = GPUS,
                                         .nvlink_Bps = 200e9,
                                         .nvlink_efficiency_ratio = 0.8,
                                         .nvlink_latency_s = 1e-6,
                                         .pcie_Bps = 100e9},
                                .network = {.port_Bps = 50e9},
                                .nic = {.bandwidth_Bps = 50e9, .mtu_B = 4096, .efficiency_ratio = 0.9},
                                .ep_kernel = {.sms = sms, .copy_Bps_per_sm = 2e9, .chunk_tokens = 20}};
    for (int r = 0; r < RANKS; r++)
        load[r] = 1;
    routing_sample(&s->shape, routing_pool_new(&s->shape, 1, arena), load, 1, 0, arena, &s->routing);
    s->graph = opgraph_new(RANKS);
    uint32_t text = opgraph_string(s->graph, "a2a");
    for (uint32_t r = 0; r < RANKS; r++)
        s->op[r] = opgraph_add(s->graph, &(struct op){.kind = OP_COMM,
                                                      .lane = opgraph_lane(s->graph),
                                                      .device = r,
                                                      .sync_group = OP_NONE,
                                                      .name = text,
                                                      .class_name = text,
                                                      .phase = text});
    return s;
}

static void setup_free(struct setup *s)
{
    opgraph_free(s->graph);
    arena_free(s->arena);
}

static void exchange(struct setup *s, struct deepep_call call)
{
    struct deepep d;

    deepep_init(&d, s->graph, &s->hw, &s->shape, s->arena);
    deepep_exchange(&d, call, &s->routing, s->op);
    opgraph_check(s->graph);
}

/* H800 numbers by hand: 7168 FP8 values and 56 float scales; two ints of metadata; 8
 * indices and 8 weights of 4 bytes. */
START_TEST(bytes_of_a_token)
{
    struct deepep_call first = {.choices = true}, cached = {.choices = false};
    struct deepep_call forward = {.combine = true}, backward = {.combine = true, .choices = true};

    ck_assert_double_eq(deepep_payload_B(7168, false), 7392);
    ck_assert_double_eq(deepep_payload_B(7168, true), 14336);
    ck_assert_double_eq(deepep_token_B(&plain, 7168, 8, cached), 7400);
    ck_assert_double_eq(deepep_token_B(&plain, 7168, 8, first), 7464);
    ck_assert_double_eq(deepep_token_B(&plain, 7168, 8, forward), 14344);
    ck_assert_double_eq(deepep_token_B(&plain, 7168, 8, backward), 14376);
}
END_TEST

/* 14 words per lane: 2 batches of 5, 4 single; 56 scales in 2 rounds; 1 for where to;
 * 28 for BF16. */
START_TEST(loads_in_turn)
{
    ck_assert_double_eq(deepep_serial_loads(7168, (struct deepep_call){false, false}), 9);
    ck_assert_double_eq(deepep_serial_loads(7168, (struct deepep_call){false, true}), 10);
    ck_assert_double_eq(deepep_serial_loads(7168, (struct deepep_call){true, false}), 28);
    ck_assert_double_eq(deepep_serial_loads(7168, (struct deepep_call){true, true}), 29);
}
END_TEST

/* Tokens that cross the network, stay in the node, and are forwarded, straight from the
 * routing. */
static void expected_tokens(const struct routing *r, double *network, double *local, double *forwarded)
{
    *network = *local = *forwarded = 0;
    for (uint32_t src = 0; src < RANKS; src++) {
        for (uint32_t node = 0; node < NODES; node++)
            *(node == src / GPUS ? local : network) += r->node_tokens[src * NODES + node];
        for (uint32_t dst = 0; dst < RANKS; dst++)
            *forwarded += dst % GPUS == src % GPUS ? 0 : r->rank_tokens[src * RANKS + dst];
    }
}

START_TEST(bytes_add_up)
{
    struct deepep_call call = {.combine = _i & 1, .choices = _i & 2};
    struct setup *s = setup_new(20);
    double token_B = deepep_token_B(&plain, 7168, 4, call), network_B = 0, local_B = 0, nvlink_B = 0;
    double network, local, forwarded;

    exchange(s, call);
    for (uint32_t i = 0; i < s->graph->n_transfers; i++) {
        const struct transfer *t = &s->graph->transfers[i];
        ck_assert_uint_eq(t->src_op, s->op[t->src]);
        ck_assert_uint_eq(t->dst_op, s->op[t->dst]);
        if (t->src / GPUS != t->dst / GPUS) {
            ck_assert_uint_eq(t->src % GPUS, t->dst % GPUS); /* rails only */
            network_B += t->bytes_B;
        } else {
            *(t->src == t->dst ? &local_B : &nvlink_B) += t->bytes_B;
        }
    }
    expected_tokens(&s->routing, &network, &local, &forwarded);
    ck_assert_double_eq_tol(network_B, network * token_B, 1e-6);
    ck_assert_double_eq_tol(local_B, local * token_B, 1e-6);
    ck_assert_double_eq_tol(nvlink_B, forwarded * token_B, 1e-6);
    setup_free(s);
}
END_TEST

START_TEST(combine_is_the_mirror_image)
{
    struct setup *out = setup_new(20), *back = setup_new(20);
    struct deepep_call dispatch = {.choices = true}, combine = {.combine = true};
    double ratio = deepep_token_B(&plain, 7168, 4, combine) / deepep_token_B(&plain, 7168, 4, dispatch);

    exchange(out, dispatch);
    exchange(back, combine);
    ck_assert_uint_eq(out->graph->n_transfers, back->graph->n_transfers);
    for (uint32_t i = 0; i < out->graph->n_transfers; i++) {
        const struct transfer *a = &out->graph->transfers[i], *b = &back->graph->transfers[i];
        ck_assert_uint_eq(a->src, b->dst);
        ck_assert_uint_eq(a->dst, b->src);
        ck_assert_double_eq_tol(b->bytes_B, a->bytes_B * ratio, 1e-3);
    }
    setup_free(out);
    setup_free(back);
}
END_TEST

/* Every node copy, and nothing else, crosses one sender and one forwarder; a rank's
 * sender carries exactly what that rank's own tokens need. */
START_TEST(copies_cross_the_copy_engines)
{
    struct setup *s = setup_new(20);
    struct deepep_call cached = {.choices = false};
    double through[8 * RANKS] = {0};

    exchange(s, cached);
    ck_assert_uint_eq(s->graph->n_resources, 8 * RANKS);
    for (uint32_t i = 0; i < s->graph->n_transfers; i++) {
        const struct transfer *t = &s->graph->transfers[i];
        bool copy = t->src == t->dst || t->src / GPUS != t->dst / GPUS;
        ck_assert_int_eq(t->n_res, copy ? 2 : 0);
        for (int k = 0; k < t->n_res; k++)
            through[t->res[k]] += t->bytes_B;
    }
    for (uint32_t r = 0; r < RANKS; r++) { /* the first engines are those of the plain dispatch */
        double tokens = s->routing.node_tokens[r * NODES] + s->routing.node_tokens[r * NODES + 1];
        ck_assert_double_eq_tol(through[2 * r], tokens * 7400, 1e-3);
        ck_assert_double_eq(s->graph->resources[2 * r].capacity_Bps, 40e9);
    }
    setup_free(s);
}
END_TEST

START_TEST(without_sms_only_links_limit)
{
    struct setup *s = setup_new(0);

    exchange(s, (struct deepep_call){.choices = true});
    ck_assert_uint_eq(s->graph->n_resources, 0);
    for (uint32_t i = 0; i < s->graph->n_transfers; i++)
        ck_assert_int_eq(s->graph->transfers[i].n_res, 0);
    setup_free(s);
}
END_TEST

/* Tokens that go to several places together are the tokens that go to each. */
START_TEST(sets_are_the_counts)
{
    struct setup *s = setup_new(20);
    double to_node[RANKS][NODES] = {{0}}, to_gpu[RANKS][GPUS] = {{0}};

    for (uint32_t i = 0; i < s->routing.n_node_sets; i++)
        for (uint32_t n = 0; n < NODES; n++)
            to_node[s->routing.node_sets[i].rank][n] +=
                s->routing.node_sets[i].mask >> n & 1 ? s->routing.node_sets[i].tokens : 0;
    for (uint32_t i = 0; i < s->routing.n_gpu_sets; i++)
        for (uint32_t g = 0; g < GPUS; g++)
            to_gpu[s->routing.gpu_sets[i].rank][g] +=
                s->routing.gpu_sets[i].mask >> g & 1 ? s->routing.gpu_sets[i].tokens : 0;
    for (uint32_t r = 0; r < RANKS; r++) {
        for (uint32_t n = 0; n < NODES; n++)
            ck_assert(to_node[r][n] == (n == r / GPUS ? 0 : s->routing.node_tokens[r * NODES + n]));
        for (uint32_t g = 0; g < GPUS; g++) {
            double passed = 0;
            for (uint32_t home = r % GPUS; home < RANKS; home += GPUS)
                passed += s->routing.rank_tokens[home * RANKS + r / GPUS * GPUS + g];
            ck_assert(to_gpu[r][g] == (g == r % GPUS ? 0 : passed));
        }
    }
    setup_free(s);
}
END_TEST

static void count_bytes(const struct opgraph *g, double in_B[RANKS], double out_B[RANKS])
{
    for (uint32_t i = 0; i < g->n_transfers; i++) {
        const struct transfer *t = &g->transfers[i];
        const struct branch *b = t->tree ? g->branches + g->trees[t->tree - 1].first : NULL;
        uint32_t n = t->tree ? g->trees[t->tree - 1].n : 1;
        if (t->src == t->dst)
            continue;
        out_B[t->src] += t->bytes_B;
        for (uint32_t k = 0; k < n; k++)
            in_B[b ? b[k].device : t->dst] += t->bytes_B;
    }
}

/* As many bytes arrive at each GPU with trees as without; fewer leave. */
START_TEST(trees_bring_the_same)
{
    struct setup *s[2] = {setup_new(0), setup_new(0)};
    double in_B[2][RANKS] = {{0}}, out_B[2][RANKS] = {{0}};

    s[1]->hw.ep_kernel.multicast = IN_NETWORK_BOTH;
    for (int tree = 0; tree < 2; tree++) {
        exchange(s[tree], (struct deepep_call){.choices = true});
        count_bytes(s[tree]->graph, in_B[tree], out_B[tree]);
    }
    for (uint32_t r = 0; r < RANKS; r++) {
        ck_assert_double_eq_tol(in_B[0][r], in_B[1][r], 1e-3);
        ck_assert(out_B[1][r] < out_B[0][r]);
    }
    setup_free(s[0]);
    setup_free(s[1]);
}
END_TEST

/* Tasks taken one by one: SMs are given back in proportion to warps, and an engine ends with the task that copies. */
START_TEST(tasks_are_taken_away)
{
    struct hw_ep_kernel k = {.sms = 20, .copy_Bps_per_sm = 1e9};
    struct deepep_call dispatch = {.choices = false}, combine = {.combine = true};

    ck_assert(ep_sms_held(&k, false) == 20 && ep_sms_held(&k, true) == 20);
    k.offload.forwarding = true; /* 8 of 9 warps of half the SMs */
    ck_assert(ep_sms_held(&k, false) == 12);
    ck_assert(ep_sms_held(&k, true) == 16); /* 12 of 25 warps of half the SMs: 20 * (1 - 0.24), rounded up */
    ck_assert(deepep_engine_Bps(&k, 7168, dispatch, EP_AWAY) == 0);
    ck_assert(deepep_engine_Bps(&k, 7168, dispatch, EP_HOME) == 20e9);
    ck_assert(deepep_engine_Bps(&k, 7168, combine, EP_AWAY) == 20e9);
    k.offload.reduce = true;
    ck_assert(deepep_engine_Bps(&k, 7168, combine, EP_AWAY) == 0);
    ck_assert(deepep_engine_Bps(&k, 7168, combine, EP_HOME) == 0);
    k.offload.rate_Bps = 7e9;
    ck_assert(deepep_engine_Bps(&k, 7168, combine, EP_HOME) == 7e9);
    k.offload.transport = k.offload.layout = true;
    ck_assert(ep_sms_held_most(&k) == 0);
}
END_TEST

/* A format changes what crosses the network, not what crosses NVLink or how many tokens SMs copy. */
START_TEST(formats_of_a_combine)
{
    struct hw_ep_kernel k = {
        .sms = 20, .copy_Bps_per_sm = 1e9, .combine_format = "e4m3_1x128", .codec_overhead_ratio = 0.75};
    struct deepep_call combine = {.combine = true};

    ck_assert_double_eq_tol(deepep_token_B(&k, 7168, 8, combine), 7168 + 56 * 4 + 8, 1e-9);
    ck_assert_double_eq(deepep_nvlink_token_B(7168, 8, combine), 14344);
    double tokens_per_s = deepep_engine_Bps(&k, 7168, combine, EP_HOME) / (7168 + 56 * 4);
    ck_assert_double_eq_tol(tokens_per_s, 20e9 / 14336, 1e-3);
    k.combine_format = "logfmt10"; /* 10 bits and two floats for 128 */
    ck_assert_double_eq_tol(deepep_token_B(&k, 7168, 8, combine), 7168 * 1.25 + 56 * 8 + 8, 1e-9);
    tokens_per_s = deepep_engine_Bps(&k, 7168, combine, EP_HOME) / (7168 * 1.25 + 56 * 8);
    ck_assert_double_eq_tol(tokens_per_s, 20e9 / 14336 / 1.75, 1e-3);
}
END_TEST

/* With adapters only tokens of the GPU itself leave it over NVLink in a dispatch. */
START_TEST(adapters_spare_nvlink)
{
    struct setup *s = setup_new(0);
    double out_B[RANKS] = {0}, token_B = deepep_nvlink_token_B(7168, 4, (struct deepep_call){.choices = true});

    s->hw.node.unified_adapter = true;
    exchange(s, (struct deepep_call){.choices = true});
    for (uint32_t i = 0; i < s->graph->n_transfers; i++) {
        const struct transfer *t = &s->graph->transfers[i];
        if (t->src != t->dst && t->src / GPUS == t->dst / GPUS && t->hop == HOP_WHOLE)
            out_B[t->src] += t->bytes_B;
        else if (t->hop != HOP_WHOLE)
            ck_assert(t->n_res == 1 && t->hop == HOP_IN);
    }
    for (uint32_t r = 0; r < RANKS; r++) {
        double own = 0;
        for (uint32_t g = r / GPUS * GPUS; g < (r / GPUS + 1) * GPUS; g++)
            own += g == r ? 0 : s->routing.rank_tokens[r * RANKS + g];
        ck_assert_double_eq_tol(out_B[r], own * token_B, 1e-3);
    }
    setup_free(s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("models: DeepEP");
    TCase *tc = tcase_create("deepep");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, bytes_of_a_token);
    tcase_add_test(tc, loads_in_turn);
    tcase_add_loop_test(tc, bytes_add_up, 0, 4);
    tcase_add_test(tc, combine_is_the_mirror_image);
    tcase_add_test(tc, copies_cross_the_copy_engines);
    tcase_add_test(tc, without_sms_only_links_limit);
    tcase_add_test(tc, sets_are_the_counts);
    tcase_add_test(tc, trees_bring_the_same);
    tcase_add_test(tc, tasks_are_taken_away);
    tcase_add_test(tc, formats_of_a_combine);
    tcase_add_test(tc, adapters_spare_nvlink);
    suite_add_tcase(suite, tc);
    return tap_main(suite);
}

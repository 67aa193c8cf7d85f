/* DeepEP transfers: exact byte counts against the routing they were made from. */
#include <check.h>
#include <string.h>

#include "base/arena.h"
#include "models/deepep.h"
#include "tap_main.h"

enum { RANKS = 16, NODES = 2, GPUS = 8 };

static const struct routing_cfg cfg = {.experts = 64,
                                       .experts_per_token = 4,
                                       .groups = 4,
                                       .groups_per_token = 2,
                                       .tokens_per_rank = 300,
                                       .hidden = 7168};

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
    s->shape = (struct routing_shape){&cfg, RANKS, GPUS, NODES};
    s->hw = (struct cluster_hw){
        .nodes = NODES,
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
    routing_sample(&s->shape, routing_pool_new(&s->shape, 1, arena), load, 1, 0, arena,
                   &s->routing);
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
    struct deepep_call forward = {.combine = true},
                       backward = {.combine = true, .choices = true};

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
    ck_assert_double_eq(deepep_serial_loads(7168, (struct deepep_call){false, false}),
                        9);
    ck_assert_double_eq(deepep_serial_loads(7168, (struct deepep_call){false, true}),
                        10);
    ck_assert_double_eq(deepep_serial_loads(7168, (struct deepep_call){true, false}),
                        28);
    ck_assert_double_eq(deepep_serial_loads(7168, (struct deepep_call){true, true}),
                        29);
}
END_TEST

/* Tokens that cross the network, stay in the node, and are forwarded, straight from the
 * routing. */
static void expected_tokens(const struct routing *r, double *network, double *local,
                            double *forwarded)
{
    *network = *local = *forwarded = 0;
    for (uint32_t src = 0; src < RANKS; src++) {
        for (uint32_t node = 0; node < NODES; node++)
            *(node == src / GPUS ? local : network) +=
                r->node_tokens[src * NODES + node];
        for (uint32_t dst = 0; dst < RANKS; dst++)
            *forwarded +=
                dst % GPUS == src % GPUS ? 0 : r->rank_tokens[src * RANKS + dst];
    }
}

START_TEST(bytes_add_up)
{
    struct deepep_call call = {.combine = _i & 1, .choices = _i & 2};
    struct setup *s = setup_new(20);
    double token_B = deepep_token_B(&plain, 7168, 4, call), network_B = 0, local_B = 0,
           nvlink_B = 0;
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
        const struct transfer *a = &out->graph->transfers[i],
                              *b = &back->graph->transfers[i];
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
    for (uint32_t r = 0; r < RANKS;
         r++) { /* the first engines are those of the plain dispatch */
        double tokens =
            s->routing.node_tokens[r * NODES] + s->routing.node_tokens[r * NODES + 1];
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
    suite_add_tcase(suite, tc);
    return tap_main(suite);
}

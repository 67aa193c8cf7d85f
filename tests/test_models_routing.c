/* Token routing: the statistics of DeepSeek-V3's gate, and imbalance that comes out as
 * asked for. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/shared_cache.h"
#include "models/routing/moe_routing.h"
#include "tap_main.h"

static const struct routing_cfg v3 = {.experts = 256,
                                      .experts_per_token = 8,
                                      .groups = 8,
                                      .groups_per_token = 4,
                                      .tokens_per_rank = 4096,
                                      .hidden = 7168,
                                      .rank_load_cv_ratio = 0.075};

static struct routing sample(const struct routing_cfg *cfg, const double *load, uint64_t seed, struct arena *arena)
{
    struct routing_shape shape = {cfg, 64, 8, 8};
    struct routing out = {0};
    double even[64];

    for (int r = 0; r < 64; r++)
        even[r] = load ? load[r] : 1;
    routing_sample(&shape, routing_pool_new(&shape, seed, arena), even, seed, 3, arena, &out);
    return out;
}

/* Monte Carlo of the same gate, 20,000 tokens, made independently of this code: 3.971
 * nodes and 7.487 ranks per token; without the limit on groups 5.294 nodes. */
START_TEST(group_limited_gate_reaches_four_nodes)
{
    struct arena *arena = arena_new();
    struct routing r = sample(&v3, NULL, 1, arena);

    ck_assert_double_eq_tol(r.nodes_per_token, 3.971, 0.01);
    ck_assert_double_eq_tol(r.ranks_per_token, 7.487, 0.03);
    arena_free(arena);
}
END_TEST

START_TEST(unlimited_gate_reaches_more_nodes)
{
    struct arena *arena = arena_new();
    struct routing_cfg cfg = v3;

    cfg.groups_per_token = 8;
    ck_assert_double_eq_tol(sample(&cfg, NULL, 1, arena).nodes_per_token, 5.294, 0.03);
    arena_free(arena);
}
END_TEST

START_TEST(every_token_is_counted_once)
{
    struct arena *arena = arena_new();
    struct routing r = sample(&v3, NULL, 2, arena);
    uint64_t rows = 0;

    for (uint32_t src = 0; src < 64; src++) {
        rows += r.expert_rows[src];
        for (uint32_t node = 0; node < 8; node++) {
            uint32_t to_node = r.node_tokens[src * 8 + node], most = 0, sum = 0;
            for (uint32_t dst = node * 8; dst < node * 8 + 8; dst++) {
                uint32_t to_rank = r.rank_tokens[src * 64 + dst];
                most = to_rank > most ? to_rank : most;
                sum += to_rank;
            }
            /* a copy for the node reaches at least one rank there, and no rank twice */
            ck_assert_uint_le(most, to_node);
            ck_assert_uint_ge(sum, to_node);
            ck_assert_uint_le(to_node, 4096);
        }
    }
    ck_assert_uint_eq(rows, 64u * 4096 * 8);
    arena_free(arena);
}
END_TEST

START_TEST(imbalance_comes_out_as_asked)
{
    struct arena *arena = arena_new();
    struct routing_shape shape = {&v3, 64, 8, 8};
    double load[64], sum = 0, squares = 0, error = 0;

    routing_draw_loads(&shape, 7, 0, "test", 5, 0.8, load);
    struct routing r = sample(&v3, load, 7, arena);
    for (int i = 0; i < 64; i++) {
        sum += load[i];
        squares += (load[i] - 1) * (load[i] - 1);
        error += pow(r.expert_rows[i] / (4096.0 * 8) - load[i], 2);
    }
    ck_assert_double_eq_tol(load[5], 0.8, 1e-12);
    ck_assert_double_eq_tol(sum, 64, 1e-9);
    ck_assert_double_eq_tol(sqrt(squares / 64), 0.075, 0.025);
    /* what is left is the noise of drawing 4096 tokens per rank */
    ck_assert_double_lt(sqrt(error / 64), 0.015);
    arena_free(arena);
}
END_TEST

START_TEST(mean_over_seeds_has_the_configured_spread)
{
    struct routing_shape shape = {&v3, 64, 8, 8};
    double load[64], squares = 0;

    for (uint64_t seed = 0; seed < 200; seed++) {
        routing_draw_loads(&shape, seed, 1, "test", 0, 0, load);
        for (int i = 0; i < 64; i++)
            squares += (load[i] - 1) * (load[i] - 1);
    }
    ck_assert_double_eq_tol(sqrt(squares / (200 * 64)), 0.075, 0.002);
}
END_TEST

START_TEST(same_seed_same_routing)
{
    struct arena *arena = arena_new();
    struct routing a = sample(&v3, NULL, 4, arena), b = sample(&v3, NULL, 4, arena);
    struct routing c = sample(&v3, NULL, 5, arena);
    size_t size = 64 * 64 * sizeof *a.rank_tokens;

    ck_assert_int_eq(memcmp(a.rank_tokens, b.rank_tokens, size), 0);
    ck_assert_int_ne(memcmp(a.rank_tokens, c.rank_tokens, size), 0);
    arena_free(arena);
}
END_TEST

START_TEST(one_rank_and_one_group_work)
{
    struct arena *arena = arena_new();
    struct routing_cfg cfg = {.experts = 4,
                              .experts_per_token = 2,
                              .groups = 1,
                              .groups_per_token = 1,
                              .tokens_per_rank = 100,
                              .hidden = 128};
    struct routing_shape shape = {&cfg, 1, 1, 1};
    struct routing r = {0};
    double load = 1;

    routing_sample(&shape, routing_pool_new(&shape, 1, arena), &load, 1, 0, arena, &r);
    ck_assert_uint_eq(r.expert_rows[0], 200);
    ck_assert_uint_eq(r.node_tokens[0], 100);
    ck_assert_double_eq(r.ranks_per_token, 1);
    arena_free(arena);
}
END_TEST

/* Loads of single experts, far apart, through the same gate. */
START_TEST(popular_experts_are_chosen_as_often_as_asked)
{
    struct arena *arena = arena_new();
    struct routing_shape shape = {&v3, 64, 8, 8, 0};
    struct expert_load_cfg cfg = {.skew = SKEW_ZIPF, .zipf_exponent = 0.7};
    struct placement_shape in_order = {256, 0, 8, 64, 8};
    struct gate_choices choices;
    struct placement p;
    struct routing r;
    double load[256], rank[64], node[8], error = 0;

    expert_load_draw(&cfg, NULL, 256, 1, 0, load);
    gate_choose(&shape, routing_pool_new(&shape, 1, arena), load, 1, 0, arena, &choices);
    ck_assert_double_lt(choices.load_error_ratio, 0.03);
    placement_make(&in_order, BALANCE_NONE, NULL, arena, &p);
    placement_load(&p, load, rank, node);
    gate_count(&shape, &choices, &p, 1, 0, arena, &r);
    for (int i = 0; i < 64; i++)
        error += pow(r.expert_rows[i] / (4096.0 * 8) - rank[i], 2);
    ck_assert_double_lt(sqrt(error / 64), 0.04);
    arena_free(arena);
}
END_TEST

/* Replicas share their expert's tokens, and groups that stay on one node keep a token to four nodes. */
START_TEST(replicas_take_turns)
{
    struct arena *arena = arena_new();
    struct routing_shape shape = {&v3, 32, 8, 4, 32};
    struct expert_load_cfg cfg = {.skew = SKEW_LOGNORMAL, .cv_ratio = 1};
    struct placement_shape eplb = {256, 32, 8, 32, 4};
    struct gate_choices choices;
    struct placement p;
    struct routing r;
    double load[256], rank[32], node[4], worst = 0;

    expert_load_draw(&cfg, NULL, 256, 1, 0, load);
    gate_choose(&shape, routing_pool_new(&shape, 1, arena), load, 1, 0, arena, &choices);
    placement_make(&eplb, BALANCE_EPLB, load, arena, &p);
    placement_load(&p, load, rank, node);
    gate_count(&shape, &choices, &p, 1, 0, arena, &r);
    for (int i = 0; i < 32; i++)
        worst = fmax(worst, fabs(r.expert_rows[i] / (4096.0 * 8) - rank[i]));
    ck_assert_double_lt(worst, 0.06);
    ck_assert_double_le(r.nodes_per_token, 4);
    arena_free(arena);
}
END_TEST

static void refused(struct routing_cfg cfg, uint32_t n_ranks, const char *what)
{
    struct diag *diag = diag_new();
    struct routing_shape shape = {&cfg, n_ranks, 1, n_ranks};

    ck_assert_int_eq(routing_check(&shape, "a.yaml", diag), -1);
    ck_assert_msg(strstr(diag_text(diag), what) != NULL, "%s", diag_text(diag));
    diag_free(diag);
}

START_TEST(what_does_not_fit_is_refused)
{
    struct routing_cfg cfg = v3;

    refused(cfg, 60, "60 ranks");
    cfg.groups = 7;
    refused(cfg, 64, "7 groups");
    cfg = v3;
    cfg.groups_per_token = 9;
    refused(cfg, 64, "only 8 groups");
    cfg = v3;
    cfg.experts_per_token = 33;
    cfg.groups_per_token = 1;
    refused(cfg, 64, "only 32 experts");
}
END_TEST

/* A run of the family finds what another has drawn; anything else is drawn. */
START_TEST(a_sample_that_is_known_is_not_drawn_again)
{
    struct arena *arena = arena_new();
    struct routing alone = sample(&v3, NULL, 7, arena), r;
    double load[64];
    shared_cache_begin();
    for (int i = 0; i < 2; i++) {
        r = sample(&v3, NULL, 7, arena);
        ck_assert_uint_eq(shared_cache_stats().hits, (unsigned)i);
        ck_assert_mem_eq(r.node_tokens, alone.node_tokens, 64 * 8 * sizeof *r.node_tokens);
        ck_assert_mem_eq(r.rank_tokens, alone.rank_tokens, 64 * 64 * sizeof *r.rank_tokens);
        ck_assert_mem_eq(r.expert_rows, alone.expert_rows, 64 * sizeof *r.expert_rows);
        ck_assert(r.nodes_per_token == alone.nodes_per_token && r.ranks_per_token == alone.ranks_per_token);
    }
    struct routing_cfg fewer = v3;
    fewer.tokens_per_rank--;
    for (int k = 0; k < 64; k++)
        load[k] = k ? 1 : 1.0001;
    sample(&fewer, NULL, 7, arena);
    sample(&v3, load, 7, arena);
    sample(&v3, NULL, 8, arena);
    ck_assert_uint_eq(shared_cache_stats().hits, 1);
    ck_assert_uint_eq(shared_cache_stats().entries, 4);
    arena_free(arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("models: token routing");
    TCase *tc = tcase_create("routing");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, group_limited_gate_reaches_four_nodes);
    tcase_add_test(tc, unlimited_gate_reaches_more_nodes);
    tcase_add_test(tc, every_token_is_counted_once);
    tcase_add_test(tc, imbalance_comes_out_as_asked);
    tcase_add_test(tc, mean_over_seeds_has_the_configured_spread);
    tcase_add_test(tc, same_seed_same_routing);
    tcase_add_test(tc, one_rank_and_one_group_work);
    tcase_add_test(tc, popular_experts_are_chosen_as_often_as_asked);
    tcase_add_test(tc, replicas_take_turns);
    tcase_add_test(tc, what_does_not_fit_is_refused);
    tcase_add_test(tc, a_sample_that_is_known_is_not_drawn_again);
    suite_add_tcase(suite, tc);
    return tap_main(suite);
}

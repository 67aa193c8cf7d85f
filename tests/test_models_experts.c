/* Popularity of experts, EPLB and placements: EPLB's own example to the last replica, and what must hold for
 * any loads. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/rng.h"
#include "models/routing/eplb.h"
#include "models/routing/expert_load.h"
#include "tap_main.h"

/* Loads and answer of the README of github.com/deepseek-ai/EPLB. */
static const double readme_load[2][12] = {{90, 132, 40, 61, 104, 165, 39, 4, 73, 56, 183, 86},
                                          {20, 107, 104, 64, 19, 197, 187, 157, 172, 86, 16, 27}};
static const uint32_t readme_answer[2][16] = {{5, 6, 5, 7, 8, 4, 3, 4, 10, 9, 10, 2, 0, 1, 11, 1},
                                              {7, 10, 6, 8, 6, 11, 8, 9, 2, 4, 5, 1, 5, 0, 3, 1}};
/* The same loads in 3 groups, which do not divide among 2 nodes; worked out apart from this code by the steps
 * of EPLB's program. */
static const uint32_t global_answer[2][16] = {{10, 6, 10, 7, 0, 2, 11, 4, 5, 9, 5, 4, 8, 3, 1, 1},
                                              {1, 10, 2, 4, 5, 11, 5, 0, 6, 7, 6, 3, 8, 8, 9, 7}};

START_TEST(readme_example_of_eplb)
{
    struct arena *arena = arena_new();
    uint32_t got[16];
    for (uint32_t groups = 4; groups >= 3; groups--)
        for (int layer = 0; layer < 2; layer++) {
            struct eplb_shape s = {12, 16, groups, 2, 8};
            eplb_balance(&s, readme_load[layer], arena, got);
            const uint32_t *want = groups == 4 ? readme_answer[layer] : global_answer[layer];
            for (int i = 0; i < 16; i++)
                ck_assert_uint_eq(got[i], want[i]);
        }
    arena_free(arena);
}
END_TEST

static void draw(uint64_t seed, uint32_t n, double cv, double *load)
{
    struct expert_load_cfg cfg = {.skew = SKEW_LOGNORMAL, .cv_ratio = cv};
    expert_load_draw(&cfg, NULL, n, seed, 3, load);
}

/* Every expert stands somewhere, every GPU is full, and a group's experts stay on one node. */
START_TEST(any_answer_is_a_placement)
{
    struct arena *arena = arena_new();
    double load[64];
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct eplb_shape s = {64, 64 + 16 * (uint32_t)(seed % 3), 8, 4, 16};
        uint32_t expert_of[96], count[64] = {0};
        draw(seed, 64, 1, load);
        eplb_balance(&s, load, arena, expert_of);
        for (uint32_t i = 0; i < s.replicas; i++)
            count[expert_of[i]]++;
        for (uint32_t e = 0; e < 64; e++)
            ck_assert_uint_ge(count[e], 1);
        int32_t node_of_group[8] = {-1, -1, -1, -1, -1, -1, -1, -1};
        for (uint32_t i = 0; i < s.replicas; i++) {
            int32_t node = (int32_t)(i / (s.replicas / 4)), *at = &node_of_group[expert_of[i] / 8];
            ck_assert_int_eq(*at < 0 ? node : *at, node);
            *at = node;
        }
    }
    arena_free(arena);
}
END_TEST

START_TEST(replicas_halve_what_hurts_most)
{
    struct arena *arena = arena_new();
    double load[8] = {4, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 1}, rank[4], node[1];
    struct placement_shape s = {8, 0, 1, 4, 1};
    struct placement p;
    placement_make(&s, BALANCE_NONE, load, arena, &p);
    placement_load(&p, load, rank, node);
    ck_assert_double_eq_tol(rank[0], 9.0 / 4, 1e-12);
    s.redundant = 4;
    placement_make(&s, BALANCE_EPLB, load, arena, &p);
    placement_load(&p, load, rank, node);
    ck_assert_uint_eq(p.first[1] - p.first[0], 5); /* 4, 2, 1.33, 1 (a tie with expert 7), 0.8 */
    double most = 0, sum = 0;
    for (int r = 0; r < 4; r++) {
        most = fmax(most, rank[r]);
        sum += rank[r];
    }
    ck_assert_double_eq_tol(sum, 4, 1e-12);
    ck_assert_double_eq_tol(node[0], 1, 1e-12);
    ck_assert_double_lt(most, 1.2);
    arena_free(arena);
}
END_TEST

START_TEST(replicas_in_order_are_copies_of_the_first)
{
    struct arena *arena = arena_new();
    struct placement_shape s = {6, 2, 1, 4, 2};
    struct placement p;
    placement_make(&s, BALANCE_NONE, NULL, arena, &p);
    ck_assert_uint_eq(p.first[1] - p.first[0], 2);
    ck_assert_uint_eq(p.rank[p.first[0]], 0);
    ck_assert_uint_eq(p.rank[p.first[0] + 1], 3);
    ck_assert_uint_eq(p.first[3] - p.first[2], 1);
    ck_assert_uint_eq(p.rank[p.first[2]], 1);
    arena_free(arena);
}
END_TEST

START_TEST(what_does_not_divide_is_told)
{
    struct placement_shape s = {256, 32, 8, 144, 18};
    ck_assert_ptr_null(placement_misfit(&s, BALANCE_EPLB));
    s.redundant = 31;
    ck_assert_ptr_nonnull(strstr(placement_misfit(&s, BALANCE_EPLB), "divide among the GPUs"));
    s = (struct placement_shape){10, 6, 4, 8, 2};
    ck_assert_ptr_nonnull(strstr(placement_misfit(&s, BALANCE_EPLB), "divide among the groups"));
    ck_assert_ptr_null(placement_misfit(&s, BALANCE_EPLB_GLOBAL));
    ck_assert_ptr_null(placement_misfit(&s, BALANCE_NONE));
}
END_TEST

START_TEST(draws_are_what_they_are_called)
{
    double load[256], squares = 0, rows[] = {1, 3, 2, 2};
    struct expert_load_cfg zipf = {.skew = SKEW_ZIPF, .zipf_exponent = 0.5}, file = {.skew = SKEW_FILE};
    struct load_rows counted = {rows, 2, 2};
    for (uint64_t seed = 0; seed < 200; seed++) {
        draw(seed, 256, 0.5, load);
        for (int e = 0; e < 256; e++)
            squares += (load[e] - 1) * (load[e] - 1);
    }
    ck_assert_double_eq_tol(sqrt(squares / (200 * 256)), 0.5, 0.01);
    expert_load_draw(&zipf, NULL, 256, 1, 0, load);
    double most = 0, least = INFINITY, sum = 0;
    for (int e = 0; e < 256; e++) {
        most = fmax(most, load[e]);
        least = fmin(least, load[e]);
        sum += load[e];
    }
    ck_assert_double_eq_tol(most / least, 16, 1e-9);
    ck_assert_double_eq_tol(sum, 256, 1e-9);
    expert_load_draw(&file, &counted, 2, 1, 0, load);
    ck_assert_double_eq(load[1], 1.5);
    expert_load_draw(&file, &counted, 2, 1, 1, load);
    ck_assert_double_eq(load[1], 1);
}
END_TEST

START_TEST(an_expert_cannot_have_more_than_every_token)
{
    double load[4] = {2.1, 0.9, 0.5, 0.5};
    ck_assert_int_eq(expert_load_infeasible(load, 4, 2), 0);
    load[0] = 2;
    ck_assert_int_eq(expert_load_infeasible(load, 4, 2), -1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("models: experts");
    TCase *tc = tcase_create("experts");
    tcase_add_test(tc, readme_example_of_eplb);
    tcase_add_test(tc, any_answer_is_a_placement);
    tcase_add_test(tc, replicas_halve_what_hurts_most);
    tcase_add_test(tc, replicas_in_order_are_copies_of_the_first);
    tcase_add_test(tc, what_does_not_divide_is_told);
    tcase_add_test(tc, draws_are_what_they_are_called);
    tcase_add_test(tc, an_expert_cannot_have_more_than_every_token);
    suite_add_tcase(suite, tc);
    return tap_main(suite);
}

/* Tables of step times, and requests that are drawn. */
#include <check.h>
#include <math.h>

#include "base/arena.h"
#include "kinds/serve/requests.h"
#include "kinds/serve/step_table.h"
#include "tap_main.h"

START_TEST(between_points_of_a_plane_there_is_the_plane)
{
    struct arena *arena = arena_new();
    struct step_table t;
    step_table_init(&t, 3, 3, arena);
    for (double y = 2; y <= 8; y *= 2)
        for (double x = 10; x <= 30; x += 10)
            step_table_add(&t, x, y, 1 + 0.1 * x + 0.5 * y);
    for (double y = 2; y <= 8; y += 0.7)
        for (double x = 0; x <= 60; x += 3) /* beyond the row's ends, too */
            ck_assert_double_eq_tol(step_table_time(&t, x, y), 1 + 0.1 * x + 0.5 * y, 1e-12);
    /* beyond the rows: the nearest one */
    ck_assert_double_eq_tol(step_table_time(&t, 10, 1), step_table_time(&t, 10, 2), 1e-12);
    ck_assert_double_eq_tol(step_table_time(&t, 10, 99), step_table_time(&t, 10, 8), 1e-12);
    arena_free(arena);
}
END_TEST

START_TEST(rows_may_differ)
{
    struct arena *arena = arena_new();
    struct step_table t;
    step_table_init(&t, 2, 2, arena);
    step_table_add(&t, 100, 1, 1);
    step_table_add(&t, 200, 1, 2);
    step_table_add(&t, 100, 3, 5); /* a single point stands for all x */
    ck_assert_double_eq_tol(step_table_time(&t, 150, 1), 1.5, 1e-12);
    ck_assert_double_eq_tol(step_table_time(&t, 1e6, 3), 5, 1e-12);
    ck_assert_double_eq_tol(step_table_time(&t, 150, 2), (1.5 + 5) / 2, 1e-12);
    /* no time is negative, however far the line goes */
    ck_assert_double_eq_tol(step_table_time(&t, -1e6, 1), 0.01, 1e-12);
    arena_free(arena);
}
END_TEST

enum { N = 50000 };

START_TEST(requests_are_what_the_keys_say)
{
    struct arena *arena = arena_new();
    struct request *r = ARENA_ARRAY(arena, struct request, N), *slow = ARENA_ARRAY(arena, struct request, N);
    struct requests_cfg c = {.arrivals = ARRIVALS_POISSON,
                             .rate_per_s = 50,
                             .count = N,
                             .prompt = {LENGTHS_LOGNORMAL, 2000, 0.5, 1, 1 << 20},
                             .output = {LENGTHS_EXPONENTIAL, 300, 0, 1, 1 << 20}};
    double prompt = 0, output = 0, squares = 0, gap = 0;
    requests_draw(&c, 1, r);
    for (int i = 0; i < N; i++) {
        prompt += r[i].prompt / (double)N;
        output += r[i].output / (double)N;
        squares += pow(r[i].prompt, 2) / N;
        gap += i ? pow(r[i].arrival_s - r[i - 1].arrival_s, 2) / N : 0;
        ck_assert(!i || r[i].arrival_s >= r[i - 1].arrival_s);
    }
    ck_assert_double_eq_tol(prompt / 2000, 1, 0.01);
    ck_assert_double_eq_tol(sqrt(squares - prompt * prompt) / prompt, 0.5, 0.02);
    ck_assert_double_eq_tol(output / 300, 1, 0.02);
    ck_assert_double_eq_tol(r[N - 1].arrival_s * 50 / N, 1, 0.02);
    ck_assert_double_eq_tol(gap * 50 * 50, 2, 0.1); /* of an exponential: twice the square of its mean */
    c.rate_per_s = 25;
    requests_draw(&c, 1, slow);
    ck_assert_double_eq_tol(slow[99].arrival_s / r[99].arrival_s, 2, 1e-9);
    ck_assert_uint_eq(slow[99].prompt, r[99].prompt);
    c.arrivals = ARRIVALS_EVEN;
    c.prompt = (struct length_cfg){LENGTHS_FIXED, 5000, 0, 1, 4000};
    requests_draw(&c, 2, r);
    ck_assert_double_eq_tol(r[99].arrival_s, 4, 1e-12);
    ck_assert_uint_eq(r[7].prompt, 4000);
    arena_free(arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("models: serving");
    TCase *tc = tcase_create("serving");
    tcase_add_test(tc, between_points_of_a_plane_there_is_the_plane);
    tcase_add_test(tc, rows_may_differ);
    tcase_add_test(tc, requests_are_what_the_keys_say);
    suite_add_tcase(suite, tc);
    return tap_main(suite);
}

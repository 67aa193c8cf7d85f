/* The random generator against its authors' known answers, as a GSL generator, and its streams; the
 * statistics against hand-worked samples. */
#include <check.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "base/stats.h"
#include "tap_main.h"

/* Random123, tests/kat_vectors, lines philox4x32 10 */
static const struct {
    uint32_t counter[4], key[2], want[4];
} answers[] = {
    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
     {0xffffffff, 0xffffffff},
     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

START_TEST(known_answers)
{
    uint32_t out[4];
    rng_philox_block(answers[_i].counter, answers[_i].key, out);
    ck_assert_mem_eq(out, answers[_i].want, sizeof out);
}
END_TEST

START_TEST(first_words_are_the_first_block)
{
    gsl_rng *r = gsl_rng_alloc(rng_philox);
    gsl_rng_set(r, 0);
    for (int i = 0; i < 4; i++)
        ck_assert_uint_eq(gsl_rng_get(r), answers[0].want[i]);
    gsl_rng_free(r);
}
END_TEST

START_TEST(behaves_as_a_gsl_generator)
{
    gsl_rng *r = gsl_rng_alloc(rng_philox), *copy;
    ck_assert_uint_eq(gsl_rng_max(r), UINT32_MAX);
    ck_assert_uint_eq(gsl_rng_min(r), 0);
    gsl_rng_set(r, 42);
    double sum = 0, squares = 0;
    enum { N = 200000 };
    for (int i = 0; i < N; i++) {
        double u = gsl_rng_uniform(r);
        ck_assert(u >= 0 && u < 1);
        sum += u;
        squares += u * u;
    }
    ck_assert_double_eq_tol(sum / N, 0.5, 5 / sqrt(12.0 * N)); /* five standard errors */
    ck_assert_double_eq_tol(squares / N, 1.0 / 3, 5 * sqrt(4.0 / 45 / N));
    copy = gsl_rng_clone(r);
    for (int i = 0; i < 10; i++)
        ck_assert_uint_eq(gsl_rng_get(r), gsl_rng_get(copy));
    gsl_rng_free(copy);
    gsl_rng_free(r);
}
END_TEST

/* What one entity draws depends on neither the others nor their order. */
START_TEST(streams_are_apart_and_repeatable)
{
    gsl_rng *a = rng_stream(1, 7, "sizes"), *b = rng_stream(1, 8, "sizes");
    gsl_rng *c = rng_stream(1, 7, "routes"), *e = rng_stream(2, 7, "sizes");
    unsigned long first = gsl_rng_get(a), second = gsl_rng_get(a);
    ck_assert(gsl_rng_get(b) != first && gsl_rng_get(c) != first && gsl_rng_get(e) != first);
    rng_stream_reset(a, 1, 7, "sizes");
    ck_assert_uint_eq(gsl_rng_get(a), first);
    ck_assert_uint_eq(gsl_rng_get(a), second);
    gsl_rng *all[] = {a, b, c, e};
    for (int i = 0; i < 4; i++)
        gsl_rng_free(all[i]);
}
END_TEST

START_TEST(statistics_of_a_sample)
{
    const double v[] = {4, 1, 3, 2, 5};
    struct stats s = stats_of(v, 5);
    ck_assert_uint_eq(s.n, 5);
    ck_assert_double_eq(s.mean, 3);
    ck_assert_double_eq_tol(s.sd, sqrt(2.5), 1e-15);
    ck_assert_double_eq(s.min, 1);
    ck_assert_double_eq(s.max, 5);
    ck_assert_double_eq(s.median, 3);
    ck_assert_double_eq_tol(s.p5, 1.2, 1e-12);
    ck_assert_double_eq_tol(s.p95, 4.8, 1e-12);
    ck_assert_double_eq_tol(stats_ci95(&s), 2.7764 * sqrt(2.5) / sqrt(5), 1e-3);
    ck_assert_double_eq(v[0], 4);
    s = stats_of(v, 1);
    ck_assert(s.mean == 4 && s.sd == 0 && s.median == 4 && isinf(stats_ci95(&s)));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("rng");
    TCase *t = tcase_create("rng");
    tcase_add_loop_test(t, known_answers, 0, 3);
    tcase_add_test(t, first_words_are_the_first_block);
    tcase_add_test(t, behaves_as_a_gsl_generator);
    tcase_add_test(t, streams_are_apart_and_repeatable);
    tcase_add_test(t, statistics_of_a_sample);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return tap_main(suite());
}

/* Goodput in closed form against Monte Carlo, and both against what must be. */
#include <check.h>
#include <math.h>

#include "base/stats.h"
#include "kinds/reliability/reliability.h"
#include "tap_main.h"

static const double DAY_S = 86400;

static struct hw_failures hw;
static struct reliability_cfg cfg;

static void begin(void)
{
    hw = (struct hw_failures){.gpu_s = 3377 * DAY_S,
                              .host_s = 2404 * DAY_S,
                              .software_s = 1755 * DAY_S,
                              .link_s = 21065 * DAY_S,
                              .silent_s = 147456 * DAY_S,
                              .flap_s = 100 * DAY_S,
                              .flap_length_s = 3,
                              .repair_s = DAY_S,
                              .retry_s = 4.295,
                              .break_s = 30.065,
                              .failover_s = 0.05};
    cfg = (struct reliability_cfg){.write_s = 5,
                                   .detect_s = 600,
                                   .restart_s = 300,
                                   .notice_s = DAY_S,
                                   .overhead_ratio = 0.02,
                                   .coverage_ratio = 0.95,
                                   .horizon_s = 60 * DAY_S,
                                   .replicas = 60};
}

static struct reliability job(int64_t gpus)
{
    struct reliability r;
    reliability_init(&r, &hw, &cfg, gpus, gpus / 8, gpus);
    return r;
}

static double sum_of(const struct reliability_account *a)
{
    return a->useful_s + a->checks_s + a->degraded_s + a->checkpoints_s + a->stalls_s + a->restarts_s + a->lost_s +
           a->corrupted_s;
}

static struct stats monte_carlo(const struct reliability *r)
{
    double goodput[60];
    for (int i = 0; i < 60; i++) {
        struct reliability_account a;
        reliability_simulate(r, 7, (uint64_t)i, &a);
        ck_assert_double_eq_tol(a.total_s, cfg.horizon_s, 1e-3);
        ck_assert_double_eq_tol(sum_of(&a), a.total_s, 1e-6 * a.total_s);
        goodput[i] = a.useful_s / a.total_s;
    }
    return stats_of(goodput, 60);
}

/* Within four standard errors, and never further apart than 1 % of goodput. */
static void agree(const struct reliability *r)
{
    struct stats s = monte_carlo(r);
    double closed = reliability_goodput(r), error = s.sd / sqrt(60);
    ck_assert_msg(fabs(closed - s.mean) < 4 * error + 0.004, "closed form %g, Monte Carlo %g +- %g", closed, s.mean,
                  error);
}

static const int64_t sizes[] = {2048, 16384, 131072};

START_TEST(closed_form_is_monte_carlo)
{
    struct reliability r = job(sizes[_i]);
    agree(&r);
    cfg.detection = SDC_CHECKSUMS;
    r = job(sizes[_i]);
    agree(&r);
    hw.failover = true;
    r = job(sizes[_i]);
    agree(&r);
    cfg.detection = SDC_PEOPLE, cfg.interval_s = 1800, hw.failover = false, hw.link_retry = true;
    r = job(sizes[_i]);
    agree(&r);
}
END_TEST

/* Corruption while a checkpoint is written, noticed: back to one before it, once. */
START_TEST(corrupted_while_writing)
{
    cfg.write_s = 60;
    cfg.detect_s = 300;
    cfg.restart_s = 600;
    struct reliability r = job(16384);
    for (uint64_t i = 0; i < 200; i++) {
        struct reliability_account a;
        reliability_simulate(&r, 1, i, &a);
        ck_assert_double_eq_tol(a.total_s, cfg.horizon_s, 1e-3);
    }
}
END_TEST

/* Four NICs for eight GPUs: half as many links that break. */
START_TEST(links_are_of_nics)
{
    struct reliability all = job(2048), half;
    reliability_init(&half, &hw, &cfg, 2048, 256, 1024);
    ck_assert_double_eq(2 * half.crash_Hz[CRASH_LINK], all.crash_Hz[CRASH_LINK]);
    ck_assert_double_eq(2 * half.flap_Hz, all.flap_Hz);
    ck_assert_double_eq(half.crash_Hz[CRASH_GPU], all.crash_Hz[CRASH_GPU]);
}
END_TEST

START_TEST(nothing_fails)
{
    hw.gpu_s = hw.host_s = hw.software_s = hw.link_s = hw.silent_s = hw.flap_s = 1e15;
    cfg.interval_s = 1000, cfg.write_s = 10;
    struct reliability r = job(8);
    struct reliability_account a;
    ck_assert_double_eq_tol(reliability_goodput(&r), 1000.0 / 1010, 1e-6);
    reliability_simulate(&r, 1, 0, &a);
    ck_assert_double_eq_tol(a.useful_s / a.total_s, 1000.0 / 1010, 1e-4);
    ck_assert(a.stops == 0 && a.flaps == 0);
}
END_TEST

/* Daly's optimum is one: shorter and longer intervals are worse. */
START_TEST(daly_is_the_optimum)
{
    hw.silent_s = 1e15;
    struct reliability r = job(16384);
    double daly_s = reliability_daly_s(&r), best = reliability_goodput(&r);
    for (double f = 0.5; f < 2.1; f += 0.1) {
        r.interval_s = f * daly_s;
        ck_assert(reliability_goodput(&r) < best + 2e-5);
    }
    ck_assert_double_eq_tol(daly_s, reliability_young_s(&r), 0.05 * daly_s);
}
END_TEST

/* Stalls: the transport's timer, the flap's own length, a change of path; and which of them break connections. */
START_TEST(flaps)
{
    struct reliability r = job(2048);
    double timer_s = reliability_flap_stall_s(&r), x = exp(-hw.retry_s / hw.flap_length_s);
    ck_assert_double_eq_tol(timer_s, hw.retry_s * (1 - pow(x, 7)) / (1 - x) - 7 * hw.retry_s * pow(x, 7), 1e-9);
    ck_assert_double_eq_tol(reliability_flap_breaks(&r), exp(-30.065 / 3), 1e-12);
    hw.link_retry = true;
    r = job(2048);
    double own_s = reliability_flap_stall_s(&r);
    ck_assert(own_s < hw.flap_length_s && own_s > 0.99 * hw.flap_length_s && own_s < timer_s);
    hw.failover = true;
    r = job(2048);
    ck_assert_double_eq(reliability_flap_stall_s(&r), 0.05);
    ck_assert_double_eq(reliability_flap_breaks(&r), 0);
}
END_TEST

/* Llama 3, 16,384 GPUs: 419 interruptions in 54 days, of which 6 were silent corruption; flaps came on top. */
START_TEST(rates_of_llama_3)
{
    hw.flap_s = 1e15;
    struct reliability r = job(16384);
    ck_assert_double_eq_tol(54 * DAY_S * reliability_stop_Hz(&r), 413, 1.5);
    ck_assert_double_eq_tol(54 * DAY_S * r.silent_Hz, 6, 0.01);
}
END_TEST

START_TEST(larger_jobs_get_less)
{
    double last = 1;
    for (int64_t gpus = 1024; gpus <= 1 << 18; gpus *= 2) {
        struct reliability r = job(gpus);
        ck_assert(reliability_goodput(&r) < last);
        last = reliability_goodput(&r);
    }
}
END_TEST

START_TEST(same_seed_same_replica)
{
    struct reliability r = job(16384);
    struct reliability_account a, b, c;
    reliability_simulate(&r, 3, 5, &a);
    reliability_simulate(&r, 3, 5, &b);
    reliability_simulate(&r, 3, 6, &c);
    ck_assert(a.useful_s == b.useful_s && a.stops == b.stops);
    ck_assert(a.useful_s != c.useful_s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reliability");
    TCase *tc = tcase_create("reliability");
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, begin, NULL);
    tcase_add_loop_test(tc, closed_form_is_monte_carlo, 0, 3);
    tcase_add_test(tc, corrupted_while_writing);
    tcase_add_test(tc, links_are_of_nics);
    tcase_add_test(tc, nothing_fails);
    tcase_add_test(tc, daly_is_the_optimum);
    tcase_add_test(tc, flaps);
    tcase_add_test(tc, rates_of_llama_3);
    tcase_add_test(tc, larger_jobs_get_less);
    tcase_add_test(tc, same_seed_same_replica);
    suite_add_tcase(suite, tc);
    return tap_main(suite);
}

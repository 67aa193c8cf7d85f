/* The proof of the flow network: on random scenarios every transfer ends when SimGrid's own
 * max-min model says it does. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "sim_fixture.h"
#include "tap_main.h"

static const double RELATIVE = 1e-6;

static void run(struct fixture *f, enum net_kind net, struct sim_outcome *out)
{
    f->spec.net = net;
    int rc = sim_run(&f->spec, f->arena, out, f->diag);
    ck_assert_msg(rc == 0, "%s: %s", net_kind_names[net], diag_text(f->diag));
}

static void compare(const struct fixture_options *options, unsigned seed)
{
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_taus2);
    gsl_rng_set(rng, seed);
    struct fixture *f = fixture_random(rng, options);
    struct sim_outcome flow, cm02;
    run(f, NET_FLOW, &flow);
    run(f, NET_CM02, &cm02);
    for (uint32_t i = 0; i < f->graph->n_transfers; i++) {
        double want_s = cm02.transfer_end_s[i], got_s = flow.transfer_end_s[i];
        ck_assert_msg(fabs(got_s - want_s) <= RELATIVE * want_s,
                      "seed %u, transfer %u of %u: flow ends at %.12g s, cm02 at %.12g s", seed, i,
                      f->graph->n_transfers, got_s, want_s);
    }
    fixture_free(f);
    gsl_rng_free(rng);
}

START_TEST(plain)
{
    struct fixture_options o = {.max_links = 12, .max_transfers = 60};
    compare(&o, 1000 + (unsigned)_i);
}
END_TEST

START_TEST(latencies_and_caps)
{
    struct fixture_options o = {.max_links = 12, .max_transfers = 60, .latencies = true, .caps = true};
    compare(&o, 2000 + (unsigned)_i);
}
END_TEST

START_TEST(weights)
{
    struct fixture_options o = {.max_links = 12, .max_transfers = 60, .latencies = true, .weights = true, .caps = true};
    compare(&o, 3000 + (unsigned)_i);
}
END_TEST

/* CM02 knows weights as latencies: transfers without any (copies inside a device) must not lose them, nor messages
 * their fractions of bytes. */
START_TEST(weights_without_latencies)
{
    struct fixture_options o = {.max_links = 12, .max_transfers = 60, .weights = true, .fractions = true};
    compare(&o, 5000 + (unsigned)_i);
}
END_TEST

START_TEST(crowded)
{
    struct fixture_options o = {.max_links = 40, .max_transfers = 250, .latencies = true};
    compare(&o, 4000 + (unsigned)_i);
}
END_TEST

/* DESIGN: pinned CM02 gives latency + bytes / bandwidth; SimGrid's TCP defaults would double it. */
START_TEST(latency_plus_bytes_over_bandwidth)
{
    for (enum net_kind net = NET_FLOW; net <= NET_BOUND; net++) {
        struct fixture *f = fixture_new(1, 2);
        f->topo.links[0].latency_s = 3.7e-6;
        uint32_t link = 0;
        fixture_flow(f, 2e6, 0, &link, 1);
        struct sim_outcome out;
        run(f, net, &out);
        ck_assert_double_eq_tol(out.transfer_end_s[0], 3.7e-6 + 2e6 / 50e9, 1e-12);
        fixture_free(f);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("sim_differential");
    TCase *t = tcase_create("flow equals cm02");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, plain, 0, 80);
    tcase_add_loop_test(t, latencies_and_caps, 0, 80);
    tcase_add_loop_test(t, weights, 0, 80);
    tcase_add_loop_test(t, weights_without_latencies, 0, 40);
    tcase_add_loop_test(t, crowded, 0, 20);
    tcase_add_test(t, latency_plus_bytes_over_bandwidth);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return tap_main(suite());
}

/* The service against queueing theory where it has closed forms, and what must hold for any load: Little's law,
 * conservation of tokens, order, limits. */
#include <check.h>
#include <gsl/gsl_randist.h>
#include <math.h>

#include "base/arena.h"
#include "base/rng.h"
#include "kinds/serve/serve.h"
#include "tap_main.h"

enum { MANY = 100000 };

struct linear {
    double prefill_token_s, decode_s, decode_sequence_s, decode_position_s;
};

static double prefill_time(void *ctx, double tokens, double prompt)
{
    (void)prompt;
    return ((const struct linear *)ctx)->prefill_token_s * tokens;
}

static double decode_time(void *ctx, double batch, double context)
{
    const struct linear *l = ctx;
    return l->decode_s + l->decode_sequence_s * batch + l->decode_position_s * batch * context;
}

static struct request *poisson(struct arena *arena, uint32_t n, double rate, double prompt, bool exponential,
                               uint32_t output)
{
    struct request *r = ARENA_ARRAY(arena, struct request, n);
    gsl_rng *rng = rng_stream(1, 0, "test arrivals");
    double now = 0;
    for (uint32_t i = 0; i < n; i++) {
        now += gsl_ran_exponential(rng, 1 / rate);
        double tokens = exponential ? ceil(gsl_ran_exponential(rng, prompt)) : prompt;
        r[i] = (struct request){now, (uint32_t)tokens, output};
    }
    gsl_rng_free(rng);
    return r;
}

static struct serve_spec spec_of(const struct request *r, uint32_t n, struct linear *times)
{
    return (struct serve_spec){.requests = r,
                               .n_requests = n,
                               .prefill_units = 1,
                               .prefill_ranks = 1,
                               .decode_units = 1,
                               .decode_ranks = 1,
                               .step_tokens = 1,
                               .max_batch = 1 << 16,
                               .kv_positions = 1e12,
                               .seed = 1,
                               .times = {prefill_time, decode_time, times}};
}

/* One server, one request after the other: Poisson arrivals at load rho. Mean wait: M/D/1 rho s / 2(1 - rho),
 * M/M/1 rho s / (1 - rho). */
START_TEST(one_prefill_rank_is_a_queue)
{
    for (int exponential = 0; exponential < 2; exponential++)
        for (double rho = 0.3; rho < 0.85; rho += 0.25) {
            struct arena *arena = arena_new();
            double service = 0.01, wait = 0, prompt = 1000;
            struct linear times = {.prefill_token_s = service / prompt};
            struct request *r = poisson(arena, MANY, rho / service, prompt, exponential, 1);
            struct serve_spec spec = spec_of(r, MANY, &times);
            struct serve_outcome out;
            serve_run(&spec, arena, &out);
            for (uint32_t i = 0; i < MANY; i++)
                wait += out.records[i].prefill_s - r[i].arrival_s;
            double theory = rho * service / (1 - rho) / (exponential ? 1 : 2);
            ck_assert_double_eq_tol(wait / MANY / theory, 1, 0.06);
            ck_assert_double_eq_tol(out.prefill_busy_s / out.end_s / rho, 1, 0.02);
            arena_free(arena);
        }
}
END_TEST

/* Steps of the same length whatever the batch: a request needs its tokens times the step, and the mean number of
 * sequences is arrivals times that (M/D/infinity, by Little). */
START_TEST(decoding_without_limits_has_no_queue)
{
    struct arena *arena = arena_new();
    uint32_t n = 20000, output = 100;
    double step = 0.02, rate = 10, time = 0;
    struct linear times = {.decode_s = step};
    struct request *r = poisson(arena, n, rate, 10, false, output);
    struct serve_spec spec = spec_of(r, n, &times);
    struct serve_outcome out;
    spec.step_tokens = 1 << 20;
    serve_run(&spec, arena, &out);
    for (uint32_t i = 0; i < n; i++) {
        double decode = out.records[i].end_s - out.records[i].joined_s;
        ck_assert_double_ge(decode, (output - 1) * step - 1e-9);
        ck_assert_double_le(decode, output * step + 1e-9); /* it may have to wait for a step to end */
        time += out.records[i].end_s - out.records[i].joined_s;
    }
    /* sequences in steps; the wait for the first step, half of one on average, is not in it */
    ck_assert_double_eq_tol(out.batch_time / (n * (output - 1) * step), 1, 1e-9);
    ck_assert_double_eq_tol(time / n, (output - 0.5) * step, 0.01 * output * step);
    arena_free(arena);
}
END_TEST

/* A batch of one at a time: M/D/1 with the whole generation as service. */
START_TEST(a_batch_of_one_is_a_queue)
{
    struct arena *arena = arena_new();
    uint32_t n = 50000;
    double service = 9 * 0.01, rho = 0.6, wait = 0;
    struct linear times = {.decode_s = 0.01};
    struct request *r = poisson(arena, n, rho / service, 1, false, 10);
    struct serve_spec spec = spec_of(r, n, &times);
    struct serve_outcome out;
    spec.step_tokens = 1 << 20;
    spec.max_batch = 1;
    serve_run(&spec, arena, &out);
    for (uint32_t i = 0; i < n; i++)
        wait += out.records[i].admitted_s - out.records[i].first_token_s;
    ck_assert_double_eq_tol(wait / n / (rho * service / 2 / (1 - rho)), 1, 0.05);
    arena_free(arena);
}
END_TEST

struct caches {
    double position_B, window;
};
static const struct caches all_positions = {70272, 1e9}, window = {70272, 1000}, small = {50e3, 1e9};

static double cache_B(const void *ctx, double positions)
{
    const struct caches *c = ctx;
    return fmin(positions, c->window) * c->position_B;
}

static struct serve_spec busy(struct request *r, uint32_t n, struct linear *times)
{
    struct serve_spec s = spec_of(r, n, times);
    s.prefill_units = 2, s.prefill_ranks = 4;
    s.decode_units = 3, s.decode_ranks = 8;
    s.step_tokens = 4096;
    s.max_batch = 16;
    s.kv_positions = 20000;
    s.cache_B = cache_B;
    s.cache_ctx = &all_positions;
    s.link_Bps = 50e9;
    s.link_latency_s = 10e-6;
    return s;
}

/* Every request goes through its stations in order, and limits hold. */
START_TEST(requests_pass_in_order)
{
    struct linear times = {1e-6, 0.01, 1e-4, 1e-9};
    for (int mode = 0; mode < 5; mode++) {
        struct arena *arena = arena_new();
        uint32_t n = 3000;
        struct request *r = poisson(arena, n, 150, 2000, true, 64);
        struct serve_spec spec = busy(r, n, &times);
        struct serve_outcome out;
        for (uint32_t i = 0; i < n; i++) {
            r[i].prompt = r[i].prompt > 19000 ? 19000 : r[i].prompt;
            r[i].output = 1 + i % 100;
        }
        spec.colocated = mode >= 2;
        spec.chunked = mode == 1 || mode == 3;
        spec.mixed = spec.chunked;
        spec.kv_layers = mode == 1 ? 61 : 0;
        spec.extra_tokens = mode == 4 ? 2 : 0;
        spec.accept_ratio = 0.8;
        serve_run(&spec, arena, &out);
        ck_assert_double_le(out.kv_peak_ratio, 1);
        for (uint32_t i = 0; i < n; i++) {
            const struct serve_record *x = &out.records[i];
            ck_assert_double_ge(x->prefill_s, r[i].arrival_s);
            ck_assert_double_gt(x->first_token_s, x->prefill_s);
            ck_assert_double_ge(x->end_s, x->first_token_s);
            if (r[i].output == 1)
                continue;
            ck_assert_double_ge(x->joined_s, x->admitted_s);
            ck_assert_double_ge(x->joined_s, x->first_token_s);
            ck_assert_double_gt(x->end_s, x->joined_s);
            if (!spec.extra_tokens) /* a step for each token, of 10 ms at least */
                ck_assert_double_ge(x->end_s - x->joined_s, (r[i].output - 1) * 0.01 - 1e-9);
        }
        arena_free(arena);
    }
}
END_TEST

/* One request, nothing else: a window of a tenth of the prompt takes a tenth of the link's time. */
START_TEST(a_window_is_all_that_is_transferred)
{
    struct linear times = {1e-6, 0.01, 1e-4, 1e-9};
    double joined_s[2];
    for (int i = 0; i < 2; i++) {
        struct arena *arena = arena_new();
        struct request *r = poisson(arena, 1, 1, 10000, false, 1);
        struct serve_spec spec = busy(r, 1, &times);
        struct serve_outcome out;
        r[0].prompt = 10000, r[0].output = 10;
        spec.cache_ctx = i ? &window : &all_positions;
        serve_run(&spec, arena, &out);
        joined_s[i] = out.records[0].joined_s - out.records[0].first_token_s - spec.link_latency_s;
        arena_free(arena);
    }
    ck_assert_double_eq_tol(joined_s[0], 10000 * 70272 / 50e9, 1e-9);
    ck_assert_double_eq_tol(joined_s[1], joined_s[0] / 10, 1e-9);
}
END_TEST

static double first_token(const struct serve_outcome *out, const struct request *r, uint32_t i)
{
    return out->records[i].first_token_s - r[i].arrival_s;
}

/* By hand: two prompts of 3000 on one rank, 4096 a step. Whole: 3000, 3000. Chunked: 4096, then 1904. */
START_TEST(chunks_by_hand)
{
    struct arena *arena = arena_new();
    struct request r[] = {{0, 10, 1}, {0, 3000, 1}, {0, 3000, 1}};
    struct linear times = {.prefill_token_s = 1e-3};
    struct serve_spec spec = spec_of(r, 3, &times);
    struct serve_outcome out;
    spec.step_tokens = 4096;
    serve_run(&spec, arena, &out);
    ck_assert_double_eq_tol(first_token(&out, r, 1), 3.01, 1e-9);
    ck_assert_double_eq_tol(first_token(&out, r, 2), 6.01, 1e-9);
    spec.chunked = true;
    spec.mixed = true;
    serve_run(&spec, arena, &out);
    ck_assert_double_eq_tol(first_token(&out, r, 1), 4.106, 1e-9);
    ck_assert_double_eq_tol(first_token(&out, r, 2), 6.01, 1e-9);
    spec.cached_ratio = 0.5;
    serve_run(&spec, arena, &out);
    ck_assert_double_eq_tol(first_token(&out, r, 2), 3.005, 1e-9);
    arena_free(arena);
}
END_TEST

/* By hand: the cache of 1000 positions of 50 KB takes 1 ms at 50 GB/s; layer by layer a 50th of it after a
 * prefill that takes longer. */
START_TEST(transfers_by_hand)
{
    struct arena *arena = arena_new();
    struct request r[] = {{0, 1000, 2}};
    struct linear times = {.prefill_token_s = 1e-5, .decode_s = 0.02};
    struct serve_spec spec = spec_of(r, 1, &times);
    struct serve_outcome out;
    spec.step_tokens = 4096;
    spec.cache_B = cache_B;
    spec.cache_ctx = &small;
    spec.link_Bps = 50e9;
    spec.link_latency_s = 5e-6;
    serve_run(&spec, arena, &out);
    ck_assert_double_eq_tol(out.records[0].joined_s, 0.010 + 0.001 + 5e-6, 1e-12);
    ck_assert_double_eq_tol(out.records[0].end_s, 0.010 + 0.001 + 5e-6 + 0.02, 1e-12);
    spec.kv_layers = 50;
    serve_run(&spec, arena, &out);
    ck_assert_double_eq_tol(out.records[0].joined_s, 0.010 + 0.00002 + 5e-6, 1e-12);
    arena_free(arena);
}
END_TEST

/* Colocated, whole prompts hold up decoding; chunks share the step. */
START_TEST(a_prompt_holds_up_decoding)
{
    struct arena *arena = arena_new();
    struct request r[] = {{0, 100, 11}, {0.5, 1000, 2}};
    struct linear times = {.prefill_token_s = 1e-3, .decode_s = 0.1};
    struct serve_spec spec = spec_of(r, 2, &times);
    struct serve_outcome out;
    spec.colocated = true;
    spec.step_tokens = 250;
    serve_run(&spec, arena, &out);
    /* 10 steps of 0.1 s after 0.1 s of prefill, and the whole prompt of 1 s between them */
    ck_assert_double_eq_tol(out.records[0].end_s, 0.1 + 10 * 0.1 + 1, 1e-9);
    ck_assert_double_eq_tol(first_token(&out, r, 1), 1, 0.1 + 1e-9);
    spec.chunked = true;
    spec.mixed = true;
    serve_run(&spec, arena, &out);
    ck_assert_double_eq_tol(out.records[0].end_s, 0.1 + 10 * 0.1 + 1, 1e-9); /* four steps longer by 0.25 s */
    ck_assert_double_eq_tol(first_token(&out, r, 1), 4 * 0.35, 0.1 + 1e-9);
    arena_free(arena);
}
END_TEST

/* 1 + p + p^2 tokens a step. */
START_TEST(predicted_tokens_shorten_generation)
{
    struct arena *arena = arena_new();
    uint32_t n = 200, output = 2000;
    struct linear times = {.decode_s = 0.01};
    struct request *r = poisson(arena, n, 1000, 1, false, output);
    struct serve_spec spec = spec_of(r, n, &times);
    struct serve_outcome out, again;
    double sum = 0;
    spec.step_tokens = 1 << 20;
    spec.extra_tokens = 2;
    spec.accept_ratio = 0.8;
    serve_run(&spec, arena, &out);
    for (uint32_t i = 0; i < n; i++)
        sum += out.records[i].end_s - out.records[i].joined_s;
    ck_assert_double_eq_tol(sum / n / 0.01 / (output / (1 + 0.8 + 0.64)), 1, 0.01);
    serve_run(&spec, arena, &again);
    for (uint32_t i = 0; i < n; i++)
        ck_assert(out.records[i].end_s == again.records[i].end_s);
    arena_free(arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim: service");
    TCase *tc = tcase_create("serve");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, one_prefill_rank_is_a_queue);
    tcase_add_test(tc, decoding_without_limits_has_no_queue);
    tcase_add_test(tc, a_batch_of_one_is_a_queue);
    tcase_add_test(tc, requests_pass_in_order);
    tcase_add_test(tc, a_window_is_all_that_is_transferred);
    tcase_add_test(tc, chunks_by_hand);
    tcase_add_test(tc, transfers_by_hand);
    tcase_add_test(tc, a_prompt_holds_up_decoding);
    tcase_add_test(tc, predicted_tokens_shorten_generation);
    suite_add_tcase(suite, tc);
    return tap_main(suite);
}

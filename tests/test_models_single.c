/* Parts of a decoding step against the model's own sums, experts that several tokens choose against a gate that
 * chooses, and single machines: conservation of time, placement, what a number changes. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "io/inputs/model_file.h"
#include "models/routing/moe_routing.h"
#include "kinds/machine/single_machine.h"
#include "tap_main.h"

static struct model v3, dense;

/* In 4.5 bits a weight, the cache in BF16. */
static struct model load(const char *name, struct arena *arena)
{
    static const char *const set[] = {"weight=4.5 b", "weight_scale=0 B", "other_weight=0 B"};
    struct model_file m;
    struct diag *diag = diag_new();
    ck_assert_msg(!model_load(name, set, 3, arena, &m, diag), "%s", diag_text(diag));
    diag_free(diag);
    return *m.model;
}

static struct arena *models;

static void setup(void)
{
    models = arena_new();
    v3 = load("deepseek_v3", models);
    dense = load("llama3.1_70b", models);
}

static void teardown(void)
{
    arena_free(models);
}

static const struct hw_machine soc = {.gpu = {.memory_B = 128e9,
                                              .memory_Bps = 256e9,
                                              .bandwidth_efficiency_ratio = 0.8,
                                              .flops = 50e12,
                                              .flops_efficiency_ratio = 1,
                                              .copies = 1},
                                      .cpu = {.copies = 1}};
static const struct hw_machine server = {.gpu = {.memory_B = 24e9,
                                                 .memory_Bps = 1e12,
                                                 .bandwidth_efficiency_ratio = 1,
                                                 .flops = 100e12,
                                                 .flops_efficiency_ratio = 1,
                                                 .copies = 1},
                                         .cpu = {.memory_B = 1e12,
                                                 .memory_Bps = 600e9,
                                                 .bandwidth_efficiency_ratio = 0.7,
                                                 .flops = 10e12,
                                                 .flops_efficiency_ratio = 1,
                                                 .copies = 2},
                                         .link_Bps = 30e9,
                                         .hop_s = 10e-6};

static double sum_of(const struct part_work parts[N_DECODE_PARTS], size_t member)
{
    double sum = 0;
    for (int i = 0; i < N_DECODE_PARTS; i++)
        sum += *(const double *)((const char *)&parts[i] + member);
    return sum;
}

/* The sums of model.c count norms, too: less than 1e-4. */
START_TEST(parts_are_the_whole)
{
    const struct model *models[] = {&v3, &dense};
    for (int i = 0; i < 2; i++) {
        struct part_work parts[N_DECODE_PARTS];
        struct model_params p = model_params(models[i]);
        decode_parts(models[i], 1, 4095, NULL, parts);
        ck_assert_double_eq_tol(sum_of(parts, offsetof(struct part_work, read_B)) / model_decode_B(models[i], 4096), 1,
                                1e-4);
        ck_assert_double_eq_tol(sum_of(parts, offsetof(struct part_work, flop)) / model_decode_flop(models[i], 4096), 1,
                                1e-4);
        double weights_B = sum_of(parts, offsetof(struct part_work, stored_B)) - parts[DECODE_CACHE].stored_B;
        ck_assert_double_eq_tol(weights_B / model_stored_B(models[i], p.total - p.embedding, 0), 1, 1e-4);
    }
}
END_TEST

/* Distinct experts of t tokens of a pool that a gate routed, mean over many draws. */
static double counted(const struct gate_choices *c, uint32_t tokens)
{
    double sum = 0;
    uint32_t draws = ROUTING_POOL_TOKENS / tokens;
    for (uint32_t d = 0; d < draws; d++) {
        bool seen[256] = {false};
        for (uint32_t i = d * tokens * 8; i < (d + 1) * tokens * 8; i++) {
            sum += !seen[c->expert[i]];
            seen[c->expert[i]] = true;
        }
    }
    return sum / draws;
}

/* Groups tie the choices of one token together, not those of different tokens: the formula holds with them. */
START_TEST(several_tokens_choose_more_experts)
{
    struct arena *arena = arena_new();
    struct routing_cfg cfg = {.experts = 256,
                              .experts_per_token = 8,
                              .groups = 8,
                              .groups_per_token = 4,
                              .tokens_per_rank = 1,
                              .hidden = 7168};
    struct routing_shape shape = {&cfg, 8, 8, 1, 0};
    struct expert_load_cfg skews[] = {{.skew = SKEW_EVEN}, {.skew = SKEW_ZIPF, .zipf_exponent = 0.7}};
    ck_assert_double_eq_tol(experts_chosen(&v3.experts, 1, NULL), 8, 1e-9);
    ck_assert_double_eq_tol(experts_chosen(&v3.experts, 2, NULL), 15.75, 1e-9);
    for (int s = 0; s < 2; s++) {
        double load[256];
        struct gate_choices c;
        expert_load_draw(&skews[s], NULL, 256, 1, 0, load);
        gate_choose(&shape, routing_pool_new(&shape, 1, arena), load, 1, 0, arena, &c);
        for (uint32_t tokens = 2; tokens <= 64; tokens *= 4)
            ck_assert_double_eq_tol(counted(&c, tokens) / experts_chosen(&v3.experts, tokens, load), 1, 0.01);
    }
    arena_free(arena);
}
END_TEST

static struct single_time run(const struct model *m, const struct hw_machine *machine, double context, double extra,
                              struct single_placement *p)
{
    struct single_setup s = {.model = m, .machine = machine, .context = context, .extra_tokens = extra};
    struct single_time t;
    ck_assert(single_place(&s, p));
    single_time(&s, p, &t);
    return t;
}

START_TEST(time_adds_up_and_is_bytes_over_bandwidth)
{
    struct single_placement p;
    struct single_time t = run(&dense, &soc, 0, 0, &p);
    double parts = 0, limits = 0, extra_s;
    ck_assert_double_eq_tol(t.step_s * 0.8 * 256e9 / model_decode_B(&dense, 1), 1, 1e-3);
    for (double extra = 0; extra < 2; extra++) {
        t = run(&v3, &server, 4096, extra, &p);
        parts = t.hops_s + t.draft_s;
        for (int i = 0; i < N_DECODE_PARTS; i++)
            parts += t.part_s[i];
        limits = 0;
        for (int i = 0; i < N_LIMITS; i++)
            limits += t.limit_s[i];
        ck_assert_double_eq_tol(parts / t.step_s, 1, 1e-12);
        ck_assert_double_eq_tol(limits / t.step_s, 1, 1e-12);
        extra_s = t.step_s;
    }
    /* two tokens choose 15.75 / 8 times the experts, and the module has a layer of its own */
    t = run(&v3, &server, 4096, 0, &p);
    ck_assert_double_gt(extra_s / t.step_s, 1.5);
    ck_assert_double_lt(extra_s / t.step_s, 2);
}
END_TEST

START_TEST(experts_are_the_cpus)
{
    struct single_placement p;
    struct single_time t = run(&v3, &server, 4096, 0, &p);
    ck_assert_double_eq(p.gpu_layers[DECODE_EXPERTS], 0);
    ck_assert_double_eq(p.gpu_layers[DECODE_ATTENTION], 61);
    ck_assert_int_eq(single_limit(&t), LIMIT_CPU_MEMORY);
    ck_assert_double_eq_tol(t.cpu_B, 58 * 8 * 44.040192e6 * 0.5625, 1e3);
    /* the shared expert runs beside them */
    ck_assert_double_eq(t.part_s[DECODE_SHARED], 0);
    /* a GPU's cache grows until attention has to move */
    t = run(&v3, &server, 300000, 0, &p);
    ck_assert_double_lt(p.gpu_layers[DECODE_ATTENTION] + p.gpu_layers[DECODE_HEAD], 62);
}
END_TEST

START_TEST(dense_layers_are_divided)
{
    struct single_placement p;
    struct single_time t = run(&dense, &server, 4096, 0, &p);
    ck_assert_double_gt(p.gpu_layers[DECODE_DENSE], 10);
    ck_assert_double_lt(p.gpu_layers[DECODE_DENSE], 70);
    ck_assert_double_eq(p.gpu_layers[DECODE_DENSE], floor(p.gpu_layers[DECODE_DENSE]));
    ck_assert_double_le(p.gpu_B, 24e9);
    ck_assert_double_eq_tol(t.hops_s, 2 * (80 - p.gpu_layers[DECODE_DENSE]) * (10e-6 + 2 * 8192 / 30e9), 1e-12);
}
END_TEST

START_TEST(what_does_not_fit_is_told)
{
    struct single_setup s = {.model = &v3, .machine = &soc, .context = 4096};
    struct hw_machine small = server;
    struct single_placement p;
    ck_assert(!single_place(&s, &p));
    ck_assert_double_gt(p.gpu_B, 377e9);
    s.machine = &small;
    small.cpu.memory_B = 700e9; /* two copies of 368 GB */
    ck_assert(!single_place(&s, &p));
    small.cpu.copies = 1;
    ck_assert(single_place(&s, &p));
}
END_TEST

/* What should matter does, and in which direction; what should not does not. */
START_TEST(numbers_matter)
{
    static const struct {
        size_t member;
        bool slower; /* less of it is slower */
    } numbers[] = {{offsetof(struct hw_machine, gpu.memory_Bps), true},
                   {offsetof(struct hw_machine, gpu.bandwidth_efficiency_ratio), true},
                   {offsetof(struct hw_machine, gpu.flops), true}, /* absorbed attention computes */
                   {offsetof(struct hw_machine, cpu.memory_Bps), true},
                   {offsetof(struct hw_machine, link_Bps), true},
                   {offsetof(struct hw_machine, cpu.flops), false},
                   {offsetof(struct hw_machine, price_USD), false}};
    struct single_placement p;
    double was = run(&v3, &server, 16384, 0, &p).step_s;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct hw_machine m = server;
        *(double *)((char *)&m + numbers[i].member) *= 0.5;
        double is = run(&v3, &m, 16384, 0, &p).step_s;
        ck_assert_msg(numbers[i].slower ? is > was : is == was, "number %zu: %g, was %g", i, is, was);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("models: single machines");
    TCase *tc = tcase_create("single");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, parts_are_the_whole);
    tcase_add_test(tc, several_tokens_choose_more_experts);
    tcase_add_test(tc, time_adds_up_and_is_bytes_over_bandwidth);
    tcase_add_test(tc, experts_are_the_cpus);
    tcase_add_test(tc, dense_layers_are_divided);
    tcase_add_test(tc, what_does_not_fit_is_told);
    tcase_add_test(tc, numbers_matter);
    suite_add_tcase(suite, tc);
    return tap_main(suite);
}

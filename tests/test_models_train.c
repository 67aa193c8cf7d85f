/* Training: the arithmetic of Table 4, layers dealt to stages, parameters and memory. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "io/inputs/model_file.h"
#include "kinds/train/train_memory.h"
#include "kinds/train/train_rates.h"
#include "tap_main.h"

static struct arena *arena;
static struct diag *d;

static void setup(void)
{
    arena = arena_new();
    d = diag_new();
}

static void teardown(void)
{
    diag_free(d);
    arena_free(arena);
}

static const struct model *model(const char *name)
{
    struct model_file file;
    ck_assert_msg(model_load(name, NULL, 0, arena, &file, d) == 0, "%s", diag_text(d));
    return file.model;
}

/* --- Table 4 ------------------------------------------------------------------------------------------------------ */

/* The paper's own tokens per day give the rest of its rows, to the printed digits. */
START_TEST(rates_of_table4)
{
    const struct {
        double tokens_per_day, full_mfu, causal_mfu;
    } rows[] = {{272.80e9, 43.73, 38.94}, {272.52e9, 43.68, 38.90}};
    struct train_economy e = {2048, 989e12, 4096, 14.8e12, 2};
    for (size_t i = 0; i < 2; i++) {
        struct train_rates r = train_rates_of(model("deepseek_v3"), &e, rows[i].tokens_per_day / 86400);
        ck_assert_double_eq_tol(r.tokens_per_day, rows[i].tokens_per_day, 1);
        ck_assert_double_eq(round(r.full_flops / 1e12), 432);
        ck_assert_double_eq(round(r.causal_flops / 1e12), 385);
        ck_assert_double_eq(round(r.full_mfu * 1e4) / 100, rows[i].full_mfu);
        ck_assert_double_eq(round(r.causal_mfu * 1e4) / 100, rows[i].causal_mfu);
    }
    /* DeepSeek-V3 report: 180K GPU-hours per trillion tokens, 2.664M for all */
    struct train_rates r = train_rates_of(model("deepseek_v3"), &e, 272.80e9 / 86400);
    ck_assert_double_eq_tol(r.gpu_hours, 2.664e6, 0.005 * 2.664e6);
    ck_assert_double_eq_tol(r.cost_USD, 2 * r.gpu_hours, 1);
}
END_TEST

/* --- stages ----------------------------------------------------------------------------------------------------------- */

static struct train_cfg cfg = {.schedule = "dualpipe",
                               .pp = 16,
                               .ep = 64,
                               .sequences = 15360,
                               .sequence = 4096,
                               .micro_batch = 1,
                               .precision = {2, 4, 4, 4, 2, 1.03125, 1.5, 2, 0, 4}};

static struct train_layout layout(const struct model *m, const char *schedule, uint32_t ranks, uint32_t columns,
                                  uint32_t group)
{
    struct train_layout l = {.model = m,
                             .cfg = &cfg,
                             .schedule = schedule_find(schedule),
                             .ranks = ranks,
                             .columns = columns,
                             .group = group,
                             .tp = 1,
                             .cp = 1,
                             .ep = group,
                             .etp = 1,
                             .recipe = training_recipe_deepseek,
                             .gpus_per_node = 8,
                             .micro_batches = 120};
    l.gpus = ranks * columns * group;
    struct schedule_shape shape = schedule_shape_of(l.schedule, ranks, 120, 1);
    l.modules = shape.modules;
    l.n_stages = schedule_stages(l.schedule, &shape);
    return l;
}

static uint32_t count(const struct chunk_stage *s, enum chunk_layer kind)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n; i++)
        n += s->kind[i] == kind;
    return n;
}

static void deal(struct train_layout *l, uint32_t last)
{
    train_partition(l, train_even_counts((uint32_t)l->model->layers, l->n_stages, last, 0, arena), arena);
}

/* 4 layers on 15 stages, one and the MTP module with both heads on the last. */
START_TEST(stages_of_deepseek_v3)
{
    struct train_layout l = layout(model("deepseek_v3"), "dualpipe", 16, 2, 64);
    deal(&l, 1);
    ck_assert_uint_eq(count(&l.stages[0], LAYER_EMBEDDING), 1);
    ck_assert_uint_eq(count(&l.stages[0], LAYER_DENSE), 3);
    ck_assert_uint_eq(count(&l.stages[0], LAYER_MOE), 1);
    for (uint32_t s = 1; s < 15; s++) {
        ck_assert_uint_eq(l.stages[s].n, 4);
        ck_assert_uint_eq(count(&l.stages[s], LAYER_MOE), 4);
    }
    ck_assert_uint_eq(count(&l.stages[15], LAYER_MOE), 2);
    ck_assert_uint_eq(count(&l.stages[15], LAYER_HEAD), 2);
    ck_assert_uint_eq(count(&l.stages[15], LAYER_PROJECTION), 1);
}
END_TEST

/* Every layer once, as even as can be, one more from the stage that is asked for. */
START_TEST(even_stages)
{
    for (uint32_t n = 2; n <= 61; n += 3)
        for (uint32_t last = 0; last <= 61 / n + 1 && last + n - 1 <= 61; last++)
            for (uint32_t from = 0; from + (61 - last) % (n - 1) < n; from++) {
                uint32_t *counts = train_even_counts(61, n, last, from, arena), sum = 0, least = (61 - last) / (n - 1);
                for (uint32_t s = 0; s < n; s++) {
                    bool more = s >= from && s < from + (61 - last) % (n - 1);
                    ck_assert_uint_eq(counts[s], s + 1 == n ? last : least + more);
                    sum += counts[s];
                }
                ck_assert_uint_eq(sum, 61);
            }
}
END_TEST

START_TEST(stages_by_hand)
{
    struct train_layout l = layout(model("llama3.1_70b"), "1f1b", 4, 1, 1);
    const uint32_t counts[] = {10, 20, 25, 25};
    train_partition(&l, counts, arena);
    for (uint32_t s = 0; s < 4; s++)
        ck_assert_uint_eq(count(&l.stages[s], LAYER_DENSE), counts[s]);
    ck_assert_uint_eq(count(&l.stages[3], LAYER_HEAD), 1);
}
END_TEST

/* MLPerf's layout of DeepSeek-V3 on 4 ranks of 4 virtual stages. */
START_TEST(stages_as_megatron_writes_them)
{
    struct stage_letters letters;
    struct train_layout l = layout(model("deepseek_v3"), "1f1b", 16, 1, 64);
    ck_assert_ptr_null(stage_letters_read("Et*4|(t*4|)*14tmL", arena, &letters));
    ck_assert_ptr_null(stage_letters_misfit(&letters, 61, 1, 16, arena));
    train_lay_out(&l, &letters, arena);
    const uint8_t first[] = {LAYER_EMBEDDING, LAYER_DENSE, LAYER_DENSE, LAYER_DENSE, LAYER_MOE};
    const uint8_t last[] = {LAYER_MOE, LAYER_EMBEDDING, LAYER_PROJECTION, LAYER_MOE, LAYER_HEAD, LAYER_HEAD};
    ck_assert_uint_eq(l.stages[0].n, sizeof first);
    ck_assert_mem_eq(l.stages[0].kind, first, sizeof first);
    for (uint32_t s = 1; s < 15; s++)
        ck_assert_uint_eq(count(&l.stages[s], LAYER_MOE), 4);
    ck_assert_uint_eq(l.stages[15].n, sizeof last);
    ck_assert_mem_eq(l.stages[15].kind, last, sizeof last);
}
END_TEST

START_TEST(wrong_layouts_say_why)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"Et*4|(t*4|)*13tmL", "these are 15 stages; there are 16"},
        {"Et*3|(t*4|)*14tmL", "these are 60 layers (t); there are 61"},
        {"Et*4|(t*4|)*14tL", "these are 0 MTP modules (m); there are 1"},
        {"Et*4|(t*4|)*14tm", "there is one E and one L"},
        {"Et*8||(t*4|)*13tmL", "stage 1 is empty"},
        {"tE*1t*3|(t*4|)*14tmL", "the order is E, then t, then m, then L"},
        {"Et*4|(t*4|*14tmL", "a '(' has no ')'"},
        {"Et*4|(t*x|)*14tmL", "'*' wants a number from 1 behind it, not 'x|)*14tmL'"},
        {"Ed*4|(t*4|)*14tmL", "'d' is none of E"},
        {"E((t*9999)*9999|)L", "longer than"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stage_letters letters;
        const char *why = stage_letters_read(cases[i].text, arena, &letters);
        if (!why)
            why = stage_letters_misfit(&letters, 61, 1, 16, arena);
        ck_assert_msg(why && strstr(why, cases[i].why), "%s: %s", cases[i].text, why ? why : "right");
    }
}
END_TEST

/* --- parameters, memory --------------------------------------------------------------------------------------------------- */

static void expect_all_params(const char *name, const char *schedule, uint32_t ranks, uint32_t group, double times)
{
    const struct model *m = model(name);
    struct model_params p = model_params(m);
    struct train_layout l = layout(m, schedule, ranks, 1, group);
    double dense = 0, experts = 0, copies = 0;
    deal(&l, 1);
    for (uint32_t r = 0; r < ranks; r++) {
        struct train_params of = train_rank_params(&l, r);
        dense += of.dense;
        experts += of.experts * group;
    }
    /* an MTP module on another rank than the embedding has a copy of it */
    if (m->mtp_layers && !l.schedule->both_directions && ranks > 1)
        copies = p.embedding;
    ck_assert_double_eq_tol(dense + experts, times * (p.total + p.mtp) + copies, 1e-6 * p.total);
}

START_TEST(ranks_hold_the_whole_model)
{
    expect_all_params("deepseek_v3", "1f1b", 16, 64, 1);
    expect_all_params("deepseek_v3", "dualpipe", 16, 64, 2);
    expect_all_params("deepseek_v2", "zb1p", 10, 8, 1);
    expect_all_params("llama3.1_70b", "1f1b", 8, 1, 1);
}
END_TEST

START_TEST(memory_is_the_sum_and_moves_as_it_should)
{
    struct train_layout l = layout(model("deepseek_v3"), "dualpipe", 16, 2, 64);
    struct schedule_shape shape = train_shape(&l);
    struct schedule *s = schedule_build(l.schedule, &shape, arena);
    deal(&l, 1);
    struct train_memory is = train_rank_memory(&l, s, 5, arena);
    struct train_params p = train_rank_params(&l, 5);
    ck_assert_double_eq_tol(is.weights_B, 2 * (p.dense + p.experts), 1);
    ck_assert_double_eq_tol(is.gradients_B, 4 * (p.dense + p.experts), 1);
    ck_assert_double_eq_tol(is.optimizer_B, 8 * (p.dense / 256 + p.experts / 4), 1);
    ck_assert_double_eq(is.in_flight, 17);
    ck_assert_double_eq_tol(is.activations_B, 17 * 4 * 4096 * train_layer_activation_B(&l, LAYER_MOE), 1);
    ck_assert_double_eq_tol(is.total_B, is.weights_B + is.gradients_B + is.optimizer_B + is.activations_B, 1);
    ck_assert_double_lt(is.total_B, 80e9); /* it was trained on 80 GB */
    l.recipe.again = 0;
    ck_assert_double_gt(train_rank_memory(&l, s, 5, arena).total_B, 80e9); /* which is why it recomputes */
    l.recipe.again = AGAIN_LAYER;
    ck_assert_double_lt(train_rank_memory(&l, s, 5, arena).activations_B, 0.2 * is.activations_B);
    l.recipe.again = AGAIN_SELECTIVE;
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("models: training");
    TCase *tc = tcase_create("training");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, rates_of_table4);
    tcase_add_test(tc, stages_of_deepseek_v3);
    tcase_add_test(tc, even_stages);
    tcase_add_test(tc, stages_by_hand);
    tcase_add_test(tc, stages_as_megatron_writes_them);
    tcase_add_test(tc, wrong_layouts_say_why);
    tcase_add_test(tc, ranks_hold_the_whole_model);
    tcase_add_test(tc, memory_is_the_sum_and_moves_as_it_should);
    suite_add_tcase(suite, tc);
    return tap_main(suite);
}

/* Layers from the kernel model: the kernels that the training trace shows, work that follows dimensions and
 * hardware, chunks that add up. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "folders.h"
#include "io/inputs/cluster_file.h"
#include "io/inputs/kernel_table_file.h"
#include "io/inputs/model_file.h"
#include "io/trace/trace_file.h"
#include "models/chunk/chunk_kernels.h"
#include "models/chunk/chunk_material.h"
#include "tap_main.h"

enum { GROUP = 64, TOKENS = 4096 };

static struct arena *arena;
static struct diag *diag;
static struct cluster_hw hw;
static struct kernel_table table;
static struct model model;

/* set NULL: as it is */
static void load_model(const char *name, const char *set)
{
    struct model_file file;
    ck_assert_msg(!model_load(name, &set, set != NULL, arena, &file, diag), "%s", diag_text(diag));
    model = *file.model;
}

static void setup(void)
{
    struct cluster_source from = {.hardware = "h800, cutlass_2025_01", .topology = "mrft"};
    struct cluster_file file;
    arena = arena_new();
    diag = diag_new();
    ck_assert_msg(!cluster_load(&from, arena, &file, diag), "%s", diag_text(diag));
    hw = *file.hw;
    ck_assert_msg(!kernel_tables_read(hw.kernels.tables, SRCLOC_NONE, NULL, arena, &table, diag), "%s",
                  diag_text(diag));
    load_model("deepseek_v3", NULL);
}

static void teardown(void)
{
    diag_free(diag);
    arena_free(arena);
}

static struct chunk_material material(const double *load)
{
    struct chunk_work work = {.model = &model,
                              .kernels = kernel_model_new(&hw, &table, arena),
                              .hw = &hw,
                              .recipe = &training_recipe_deepseek,
                              .sequences = 1,
                              .length = TOKENS,
                              .group = GROUP,
                              .etp = 1,
                              .tp = 1,
                              .cp = 1,
                              .gemm_sms = chunk_kernel_sms(&hw, &model),
                              .attention_sms = chunk_kernel_sms(&hw, &model),
                              .layers = 1,
                              .load = load};
    struct chunk_material m;
    material_from_kernels(&work, arena, &m);
    return m;
}

static void add_ends(struct chunk_material *m, double logit_B)
{
    struct chunk_ends ends = {.model = &model,
                              .kernels = kernel_model_new(&hw, &table, arena),
                              .recipe = &training_recipe_deepseek,
                              .tokens = TOKENS,
                              .tp = 1,
                              .hw = &hw,
                              .logit_B = logit_B};
    material_add_ends(m, &ends, arena);
}

static bool is_kernel(const struct chunk_program *p, const struct chunk_kernel *k, const char *part, const char *name)
{
    return (!part || !strcmp(p->phases[k->phase], part)) && (!name || !strcmp(p->names[k->name], name));
}

static uint32_t count(const struct chunk_material *m, uint8_t kind, const char *part, const char *name)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->program.n_kernels; i++) {
        const struct chunk_kernel *k = &m->program.kernels[i];
        n += m->kind[k->layer - 1] == kind && is_kernel(&m->program, k, part, name);
    }
    return n;
}

static double work(const struct chunk_material *m, uint8_t kind, const char *part, const char *name)
{
    double sum_s = 0;
    for (uint32_t i = 0; i < m->program.n_kernels; i++) {
        const struct chunk_kernel *k = &m->program.kernels[i];
        if (m->kind[k->layer - 1] == kind && is_kernel(&m->program, k, part, name))
            sum_s += k->work_s;
    }
    return sum_s;
}

/* Kernels of a class in a part of the recorded trace, per layer pair. */
static double recorded(const struct trace *t, const char *part, const char *name)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->n_kernels; i++) {
        const struct trace_kernel *k = &t->kernels[i];
        n +=
            k->phase != TRACE_NONE && !strcmp(t->phases[k->phase], part) && !strcmp(t->classes[k->class_id].name, name);
    }
    return n / 4.0;
}

START_TEST(a_layer_has_the_kernels_of_the_trace)
{
    static const char *const parts[] = {"attn(F)", "mlp(B)",     "mlp(W)",      "mlp(F)",      "attn(B)",
                                        "attn(W)", "combine(B)", "dispatch(F)", "dispatch(B)", "combine(F)"};
    static const char *const names[] = {"gemm_fp8",
                                        "grouped_gemm_fp8",
                                        "gate_gemm_bf16",
                                        "fa3_fwd",
                                        "fa3_bwd",
                                        "quant_cast",
                                        "transpose",
                                        "rope",
                                        "swiglu",
                                        "swiglu_cast",
                                        "moe_permute",
                                        "moe_unpermute_reduce",
                                        "moe_mapping",
                                        "a2a_dispatch",
                                        "a2a_dispatch_cached",
                                        "a2a_combine",
                                        "a2a_cached_notify",
                                        "a2a_notify_dispatch",
                                        "a2a_layout"};
    struct trace *t = trace_read(MOESIM_SRCDIR "/traces/deepseek_v3_train.trace.json", arena, diag);
    struct chunk_material m = material(NULL);
    ck_assert_ptr_nonnull(t);
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++)
        for (size_t n = 0; n < sizeof names / sizeof *names; n++)
            ck_assert_msg(count(&m, LAYER_MOE, parts[p], names[n]) == recorded(t, parts[p], names[n]),
                          "%s, %s: %u of %g", parts[p], names[n], count(&m, LAYER_MOE, parts[p], names[n]),
                          recorded(t, parts[p], names[n]));
}
END_TEST

START_TEST(dense_layers_do_not_communicate)
{
    struct chunk_material m = material(NULL);
    ck_assert_uint_eq(m.n_layers, 2);
    ck_assert_uint_eq(count(&m, LAYER_DENSE, "dispatch(F)", NULL), 0);
    ck_assert_uint_eq(count(&m, LAYER_DENSE, NULL, "grouped_gemm_fp8"), 0);
    ck_assert_uint_eq(count(&m, LAYER_DENSE, NULL, "gate_gemm_bf16"), 0);
    /* 9 experts of 2,048 are as wide as the dense network, but in smaller pieces and with passes of their own */
    double dense_s = work(&m, LAYER_DENSE, "mlp(F)", NULL), moe_s = work(&m, LAYER_MOE, "mlp(F)", NULL);
    ck_assert(dense_s < moe_s && dense_s > 0.5 * moe_s);
    ck_assert_double_eq(work(&m, LAYER_DENSE, "attn(W)", NULL), work(&m, LAYER_MOE, "attn(W)", NULL));
}
END_TEST

START_TEST(chunks_add_up)
{
    struct chunk_material m = material(NULL);
    const uint8_t moe[] = {LAYER_MOE};
    struct chunk_stage one = {moe, 1}, none = {NULL, 0};
    const struct chunk_spec specs[] = {
        {one, one, WORK_INPUT | WORK_WEIGHT}, {one, none, 0}, {none, one, WORK_INPUT}, {none, one, WORK_WEIGHT}};
    double sum_s[4] = {0};
    for (int i = 0; i < 4; i++) {
        struct chunk_program p;
        chunk_compose(&m, &specs[i], arena, &p);
        for (uint32_t k = 0; k < p.n_kernels; k++)
            sum_s[i] += p.kernels[k].work_s;
        ck_assert_uint_gt(p.n_kernels, 0);
    }
    ck_assert_double_eq_tol(sum_s[0], sum_s[1] + sum_s[2] + sum_s[3], 1e-12);
}
END_TEST

START_TEST(work_follows_load)
{
    const double more[2] = {1.5, 1};
    struct chunk_material even = material(NULL), uneven = material(more);
    ck_assert_double_eq(uneven.program.load[2], 1.5);
    ck_assert_double_gt(work(&uneven, LAYER_MOE, "mlp(F)", "grouped_gemm_fp8"),
                        1.3 * work(&even, LAYER_MOE, "mlp(F)", "grouped_gemm_fp8"));
    ck_assert_double_eq(work(&uneven, LAYER_MOE, "mlp(B)", NULL), work(&even, LAYER_MOE, "mlp(B)", NULL));
    ck_assert_double_eq(work(&uneven, LAYER_MOE, "attn(F)", NULL), work(&even, LAYER_MOE, "attn(F)", NULL));
}
END_TEST

START_TEST(work_follows_dimensions_and_hardware)
{
    struct chunk_material base = material(NULL);
    double all_s = work(&base, LAYER_MOE, NULL, NULL), attention_s = work(&base, LAYER_MOE, "attn(F)", NULL);
    load_model("deepseek_v3", "hidden=8192");
    struct chunk_material m = material(NULL);
    ck_assert_double_gt(work(&m, LAYER_MOE, NULL, NULL), 1.05 * all_s);
    load_model("deepseek_v3", "attention.heads=64");
    m = material(NULL);
    ck_assert_double_lt(work(&m, LAYER_MOE, "attn(F)", NULL), 0.7 * attention_s);
    load_model("deepseek_v3", "moe.ffn=4096");
    m = material(NULL);
    ck_assert_double_gt(work(&m, LAYER_MOE, "mlp(W)", NULL), 1.6 * work(&base, LAYER_MOE, "mlp(W)", NULL));
    load_model("deepseek_v3", NULL);
    hw.chip.fp8_flops *= 1.5;
    hw.chip.bf16_flops *= 1.5;
    m = material(NULL);
    ck_assert_double_lt(work(&m, LAYER_MOE, NULL, NULL), 0.9 * all_s);
    hw.chip.memory_Bps *= 2;
    struct chunk_material faster = material(NULL);
    ck_assert_double_lt(work(&faster, LAYER_MOE, NULL, NULL), work(&m, LAYER_MOE, NULL, NULL));
}
END_TEST

START_TEST(computation_takes_what_communication_leaves)
{
    struct chunk_material m = material(NULL);
    for (uint32_t i = 0; i < m.program.n_kernels; i++) {
        const struct chunk_kernel *k = &m.program.kernels[i];
        if (k->collective != COLL_NONE)
            ck_assert_double_eq(k->sm_hold, 20);
        else
            ck_assert(k->sm_max == 0 || k->sm_max == 112);
    }
}
END_TEST

/* Tasks that hardware does give their SMs back to computation, and leave no kernels of their own (paper 4.4.2). */
static float most_memory(const struct chunk_program *p, bool exchanges, bool passes)
{
    float most = 0;
    for (uint32_t i = 0; i < p->n_kernels; i++) {
        const struct chunk_kernel *k = &p->kernels[i];
        if (chunk_is_exchange(k) == exchanges && (exchanges || (k->sm_ref <= 0) == passes))
            most = fmaxf(most, k->memory);
    }
    return most;
}

/* Where exchanges leave less than a kernel takes; on an H800 they leave enough. Passes were recorded beside them. */
START_TEST(kernels_share_memory_with_exchanges)
{
    struct chunk_material m = material(NULL);
    ck_assert_float_eq(most_memory(&m.program, true, false), 0);
    ck_assert_float_eq(most_memory(&m.program, false, false), 0);
    hw.chip.memory_Bps *= 0.7;
    m = material(NULL);
    float held = most_memory(&m.program, true, false), taken = most_memory(&m.program, false, false);
    ck_assert_float_gt(held, 0.2F);
    ck_assert_float_gt(taken, 0.5F);
    ck_assert_float_gt(held + taken, 1);
    ck_assert_float_eq(most_memory(&m.program, false, true), 0);
    load_model("deepseek_v3",
               "moe.top_groups=8"); /* as many nodes as a token likes: the network holds it back longer */
    m = material(NULL);
    ck_assert_float_lt(most_memory(&m.program, true, false), 0.9F * held);
}
END_TEST

START_TEST(offloaded_tasks_free_sms)
{
    struct chunk_material before = material(NULL), after;
    hw.ep_kernel.offload =
        (struct hw_offload){.forwarding = true, .transport = true, .reduce = true, .layout = true, .cast = true};
    after = material(NULL);
    for (uint32_t i = 0; i < after.program.n_kernels; i++) {
        const struct chunk_kernel *k = &after.program.kernels[i];
        ck_assert_double_eq(k->sm_hold, 0);
        ck_assert(k->sm_max == 0 || k->sm_max == 132);
    }
    ck_assert_double_lt(work(&after, LAYER_MOE, NULL, "gemm_fp8"), 0.95 * work(&before, LAYER_MOE, NULL, "gemm_fp8"));
    ck_assert_uint_eq(count(&after, LAYER_MOE, "dispatch(F)", "a2a_layout"), 0);
    ck_assert_uint_eq(count(&after, LAYER_MOE, "combine(B)", "quant_cast"), 0);
    ck_assert_uint_eq(count(&before, LAYER_MOE, "combine(B)", "quant_cast"), 1);
    hw.ep_kernel.offload = (struct hw_offload){.forwarding = true};
    after = material(NULL);
    for (uint32_t i = 0; i < after.program.n_kernels; i++)
        if (after.program.kernels[i].collective == COLL_DISPATCH)
            ck_assert_double_eq(after.program.kernels[i].sm_hold, 12); /* ceil(20 * (1 + 1/9) / 2) */
}
END_TEST

/* Grouped heads and a dense network: no latents, no experts, all SMs. */
START_TEST(a_dense_model_has_layers_too)
{
    load_model("llama3.1_70b", NULL);
    struct chunk_material m = material(NULL);
    ck_assert_uint_eq(m.n_layers, 1);
    ck_assert_uint_eq(m.kind[0], LAYER_DENSE);
    ck_assert_uint_eq(count(&m, LAYER_DENSE, "attn(F)", "gemm_fp8"), 2);
    ck_assert_uint_eq(count(&m, LAYER_DENSE, "attn(W)", "wgrad_gemm_fp8"), 2);
    ck_assert_uint_eq(count(&m, LAYER_DENSE, "mlp(F)", "gemm_fp8"), 2);
    for (uint32_t i = 0; i < m.program.n_kernels; i++)
        ck_assert(m.program.kernels[i].sm_max == 0 || m.program.kernels[i].sm_max == 132);
    ck_assert_ptr_null(material_from_kernels_lacks(&model));
}
END_TEST

/* Scores of a window of a 16th of the sequence: about an eighth of the causal half. */
START_TEST(a_window_shortens_attention)
{
    double whole[2], cut[2];
    const char *const names[] = {"fa3_fwd", "fa3_bwd"};
    load_model("llama3.1_70b", NULL);
    struct chunk_material m = material(NULL);
    for (int i = 0; i < 2; i++)
        whole[i] = work(&m, LAYER_DENSE, NULL, names[i]);
    load_model("llama3.1_70b", "attention.window=256");
    m = material(NULL);
    for (int i = 0; i < 2; i++) {
        cut[i] = work(&m, LAYER_DENSE, NULL, names[i]);
        ck_assert_double_lt(cut[i], 0.4 * whole[i]);
        ck_assert_double_gt(cut[i], 0.1 * whole[i]);
    }
    ck_assert_double_gt(work(&m, LAYER_DENSE, NULL, "gemm_fp8"), 0);
}
END_TEST

START_TEST(ends_come_behind)
{
    struct chunk_material m = material(NULL);
    uint32_t layers = m.n_layers;
    add_ends(&m, 4);
    ck_assert_uint_eq(m.n_layers, layers + 3);
    const uint8_t kinds[] = {LAYER_EMBEDDING, LAYER_DENSE, LAYER_MOE, LAYER_HEAD};
    struct chunk_spec spec = {{kinds, 4}, {NULL, 0}, 0};
    struct chunk_program p;
    chunk_compose(&m, &spec, arena, &p);
    ck_assert_uint_gt(p.n_kernels, 100);
}
END_TEST

static double head_s(double logit_B)
{
    struct chunk_material m = material(NULL);
    double sum_s = 0;
    add_ends(&m, logit_B);
    for (uint32_t i = 0; i < m.program.n_kernels; i++)
        if (m.kind[m.program.kernels[i].layer - 1] == LAYER_HEAD)
            sum_s += m.program.kernels[i].work_s;
    return sum_s;
}

/* Two casts and two passes over logits of 4 B are 24 B a logit, one pass over those of 2 B is 4 B. */
START_TEST(a_loss_in_fp32_passes_over_wide_logits)
{
    double more_B = 20 * TOKENS * (double)model.vocab;
    double more_s = head_s(4) - head_s(2);
    ck_assert_double_gt(more_s, more_B / hw.chip.memory_Bps);
    ck_assert_double_lt(more_s, 2 * more_B / hw.chip.memory_Bps);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("models_chunk_kernels");
    TCase *c = tcase_create("layers");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, a_layer_has_the_kernels_of_the_trace);
    tcase_add_test(c, dense_layers_do_not_communicate);
    tcase_add_test(c, chunks_add_up);
    tcase_add_test(c, work_follows_load);
    tcase_add_test(c, work_follows_dimensions_and_hardware);
    tcase_add_test(c, computation_takes_what_communication_leaves);
    tcase_add_test(c, kernels_share_memory_with_exchanges);
    tcase_add_test(c, offloaded_tasks_free_sms);
    tcase_add_test(c, a_dense_model_has_layers_too);
    tcase_add_test(c, a_window_shortens_attention);
    tcase_add_test(c, ends_come_behind);
    tcase_add_test(c, a_loss_in_fp32_passes_over_wide_logits);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    return tap_main(suite());
}

/* How libraries cut their work: tiles, parts, waves and pieces, as their sources say and measurements show. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "base/fit.h"
#include "hw/kernels/kernel.h"
#include "tap_main.h"

static const struct kernel_device blackwell = {.sms = 148,
                                               .clock_Hz = 1.965e9,
                                               .memory_Bps = 7.7e12,
                                               .cache_B = 126e6,
                                               .bf16_flops = 2.25e15,
                                               .fp8_flops = 4.5e15,
                                               .fp4_flops = 9e15,
                                               .stays_in_core = 1};

/* A kernel that works in a way of its mechanism, with the constants that calibrations start from. */
static struct kernel kernel_in(enum kernel_family family, enum kernel_dtype dtype, const char *way)
{
    struct kernel k = {.family = family, .dtype = dtype, .measured = blackwell};
    const struct kernel_mechanism *m = kernel_mechanism_of(family);
    while (m->variants[k.variant] && strcmp(m->variants[k.variant], way))
        k.variant++;
    ck_assert_msg(m->variants[k.variant] != NULL, "no way '%s'", way);
    for (size_t i = 0; m->constants[i].name; i++)
        if (!m->has || m->has(m->constants[i].name, dtype, k.variant))
            k.constants[i] = m->constants[i].first;
    return k;
}

static struct kernel_time time_of(const struct kernel *k, struct kernel_call call)
{
    struct kernel_time t = {0};
    call.family = k->family;
    call.dtype = k->dtype;
    kernel_mechanism_time(k, &blackwell, &call, &t);
    return t;
}

static struct kernel_call mla(double batch, double heads, double kv_len)
{
    return (struct kernel_call){
        .batch = batch, .heads = heads, .kv_heads = 1, .q_len = 1, .kv_len = kv_len, .qk_dim = 576, .v_dim = 512};
}

/* Units and waves by TensorRT-LLM's published choice (selectMlaGenerationKernel). */
START_TEST(generated_decoding_cuts_by_heads_and_length)
{
    struct kernel k = kernel_in(KERNEL_MLA_DECODE, KERNEL_BF16, "trtllm_gen");
    struct kernel_time pairs = time_of(&k, mla(64, 128, 65536)), two = time_of(&k, mla(64, 32, 65536));
    ck_assert(pairs.tiles == 64 && pairs.waves == 1); /* a request on two SMs */
    ck_assert(two.tiles == 128 && two.waves == 1);    /* 16 heads an SM: each reads the cache */
    ck_assert(time_of(&k, mla(128, 32, 65536)).waves == 2);
    ck_assert(time_of(&k, mla(2, 128, 2048)).tiles >= 16); /* short: eight tiles of 16 heads */
    ck_assert(time_of(&k, mla(64, 8, 65536)).tiles == 64);
    ck_assert_double_gt(two.memory_s, 1.2 * time_of(&k, mla(64, 16, 65536)).memory_s);
}
END_TEST

START_TEST(triton_splits_a_sequence_into_eight_at_most)
{
    struct kernel k = kernel_in(KERNEL_GQA_DECODE, KERNEL_BF16, "triton");
    struct kernel_call c = {
        .batch = 1, .heads = 8, .kv_heads = 1, .q_len = 1, .kv_len = 131072, .qk_dim = 256, .v_dim = 256};
    double long_s = time_of(&k, c).tensor_s;
    c.kv_len /= 2;
    ck_assert_double_eq_tol(long_s / time_of(&k, c).tensor_s, 2, 0.02);
    ck_assert(time_of(&k, c).waves == 1);
}
END_TEST

/* Triton's prefill masks what lies before a window; TensorRT-LLM's passes over it. */
START_TEST(a_window_spares_only_those_that_skip)
{
    struct kernel_call c = {
        .batch = 4, .heads = 8, .kv_heads = 1, .q_len = 16384, .qk_dim = 192, .v_dim = 192, .causal = true};
    struct kernel triton = kernel_in(KERNEL_GQA_PREFILL, KERNEL_BF16, "waves_64"),
                  trtllm = kernel_in(KERNEL_GQA_PREFILL, KERNEL_BF16, "waves_256");
    double triton_s = time_of(&triton, c).mechanism_s, trtllm_s = time_of(&trtllm, c).mechanism_s;
    c.window = 128;
    ck_assert_double_gt(time_of(&triton, c).mechanism_s, 0.7 * triton_s);
    ck_assert_double_lt(time_of(&triton, c).mechanism_s, triton_s);
    ck_assert_double_lt(time_of(&trtllm, c).mechanism_s, 0.3 * trtllm_s);
}
END_TEST

/* 149 tiles on 148 SMs take as long as 296. */
START_TEST(tiles_go_in_waves)
{
    struct kernel k = kernel_in(KERNEL_GQA_PREFILL, KERNEL_BF16, "waves_256");
    struct kernel_call c = {
        .batch = 149, .heads = 1, .kv_heads = 1, .q_len = 256, .qk_dim = 128, .v_dim = 128, .causal = true};
    double two_s = time_of(&k, c).tensor_s;
    c.batch = 296;
    ck_assert_double_eq_tol(time_of(&k, c).tensor_s, two_s, 0.02 * two_s);
    c.batch = 148;
    ck_assert_double_lt(time_of(&k, c).tensor_s, 0.7 * two_s);
}
END_TEST

/* Scores of all queries and all requests' positions: twice the requests, more than twice the time. */
START_TEST(scores_beyond_their_room_go_in_pieces)
{
    struct kernel k = kernel_in(KERNEL_DSA_PREFILL, KERNEL_BF16, "indexer");
    struct kernel_call c = {.batch = 16, .heads = 8, .q_len = 64, .kv_len = 1e6, .k = 6144};
    double sixteen_s = time_of(&k, c).mechanism_s;
    c.batch = 32;
    ck_assert_double_gt(time_of(&k, c).mechanism_s, 2.5 * sixteen_s);
}
END_TEST

START_TEST(generated_experts_are_padded)
{
    struct kernel k = kernel_in(KERNEL_MOE, KERNEL_FP8, "generated");
    struct kernel_call c = {.batch = 64, .k = 6144, .n = 64, .top_k = 8, .experts = 256, .ranks = 1, .split = 1};
    double t64_s = time_of(&k, c).tensor_s;
    c.n = 128;
    ck_assert_double_eq(time_of(&k, c).tensor_s, t64_s);
    c.n = 129;
    ck_assert_double_gt(time_of(&k, c).tensor_s, 1.2 * t64_s);
}
END_TEST

/* FlashInfer's choice: the power of two above the mean rows of the rank's experts, halved; at most 64 rows, 128 in FP4. */
START_TEST(generated_experts_have_tiles_by_the_ranks_own_rows)
{
    struct kernel k = kernel_in(KERNEL_MOE, KERNEL_FP8, "generated"),
                  fp4 = kernel_in(KERNEL_MOE, KERNEL_NVFP4, "generated");
    struct kernel_call few = {.batch = 256, .top_k = 8, .experts = 256, .ranks = 1, .n = 2048, .k = 7168}, more = few;
    more.batch = 320; /* 10 rows an expert, with tiles of 8 two each */
    ck_assert_double_gt(time_of(&k, more).tensor_s, 1.9 * time_of(&k, few).tensor_s);
    struct kernel_call shared = more;
    shared.ranks = 2; /* of 128 experts: the mean is taken for 20, tiles have 16 rows */
    ck_assert_double_lt(time_of(&k, shared).tensor_s, 0.4 * time_of(&k, more).tensor_s);
    few.batch = 64 * 32, more.batch = 128 * 32; /* an expert: 64 and 128 rows, in tiles of 32 and 64: two each */
    ck_assert_double_lt(time_of(&k, more).tensor_s, 2 * time_of(&k, few).tensor_s);
    few.batch = 128 * 32, more.batch = 256 * 32; /* one tile more for each 64 rows but in FP4, whose tiles grow, too */
    ck_assert_double_eq_tol(time_of(&k, more).tensor_s / time_of(&k, few).tensor_s, 2, 0.05);
    ck_assert_double_lt(time_of(&fp4, more).tensor_s, 1.95 * time_of(&fp4, few).tensor_s);
}
END_TEST

/* Tokens are rows of Triton's tiles: with few of them Blackwell's tensor cores do in a clock what Hopper's do. */
START_TEST(tritons_tiles_gain_little_from_wider_tensor_cores)
{
    struct kernel fp8 = kernel_in(KERNEL_MOE, KERNEL_FP8, "triton"),
                  bf16 = kernel_in(KERNEL_MOE, KERNEL_BF16, "triton");
    struct kernel_device hopper = {132, 1.83e9, 3.35e12, 50e6, 9.89e14, 1.979e15, 0, 0};
    struct kernel_call c = {
        .family = KERNEL_MOE, .batch = 16384, .top_k = 8, .experts = 128, .ranks = 1, .n = 2048, .k = 7168};
    struct kernel_time here = {0}, there = {0};
    double clocks = 148 * 1.965e9 / (132 * 1.83e9);
    c.dtype = KERNEL_FP8;
    kernel_mechanism_time(&fp8, &hopper, &c, &there);
    kernel_mechanism_time(&fp8, &blackwell, &c, &here);
    ck_assert_double_eq_tol(there.tensor_s / here.tensor_s, clocks, 0.05);
    c.dtype = KERNEL_BF16; /* tiles of 128 rows */
    kernel_mechanism_time(&bf16, &hopper, &c, &there);
    kernel_mechanism_time(&bf16, &blackwell, &c, &here);
    ck_assert_double_gt(there.tensor_s / here.tensor_s, 1.5);
}
END_TEST

/* A library that nobody measured here but whose way is known: a dense GEMM's rates, its own launches and tiles. */
START_TEST(a_known_library_is_assumed_with_a_gemms_rates)
{
    struct kernel gemm = kernel_in(KERNEL_GEMM, KERNEL_BF16, "tiles"), k;
    const struct kernel_mechanism *m = kernel_mechanism_of(KERNEL_MOE);
    ck_assert(!m->assume(&gemm, "sglang_fused_moe_triton", &k));
    ck_assert(m->assume(&gemm, "sglang_flashinfer_trtllm_moe", &k));
    struct kernel_call one = {.batch = 1, .top_k = 1, .experts = 8, .ranks = 1, .n = 256, .k = 256};
    ck_assert_double_eq_tol(time_of(&k, one).start_s / gemm.constants[0], 4, 0.05);
    one.batch = 8, one.top_k = 8; /* as many experts, 3 x 8192 x 4096 values of 2 bytes each */
    one.n = 4096, one.k = 8192;
    ck_assert_double_eq_tol(time_of(&k, one).memory_s, 8 * 3 * 8192.0 * 4096 * 2 / (0.85 * 7.7e12), 2e-6);
    gemm.dtype = KERNEL_FP8;
    ck_assert_msg(!m->assume(&gemm, "sglang_flashinfer_trtllm_moe", &k), "scales of another library's kernel");
}
END_TEST

/* --- what was answered -------------------------------------------------------------------------------------------- */

START_TEST(calls_that_come_again_get_the_same_answer)
{
    struct arena *arena = arena_new();
    struct kernel_call at = {.family = KERNEL_GEMM, .dtype = KERNEL_BF16, .m = 128, .n = 4096, .k = 4096};
    struct kernel_row point = {.call = at, .time_s = 3e-5, .weight = 1};
    struct kernel k = kernel_in(KERNEL_GEMM, KERNEL_BF16, "tiles");
    k.chip = "x", k.source = "s", k.rows = &point, k.n_rows = 1, k.trust = 1;
    struct kernel_table table = {.kernels = &k, .n_kernels = 1};
    struct cluster_hw hw = {.chip = {.sms = 148, .clock_Hz = 1.965e9, .memory_Bps = 7.7e12, .bf16_flops = 2.25e15}};
    const struct kernel_model *m = kernel_model_new(&hw, &table, arena);
    struct kernel_call c = at;
    double first_s[50];
    for (int round = 0; round < 3; round++) /* far more calls between than are kept */
        for (int i = 0; i < 6000; i++) {
            c.m = 1 + i;
            double s = kernel_time(m, &c).time_s;
            if (i < 50 && round == 0)
                first_s[i] = s;
            ck_assert(i >= 50 || s == first_s[i]);
        }
    c = at, c.sms = 100;
    ck_assert_double_ne(kernel_time(m, &c).time_s, kernel_time(m, &at).time_s);
    arena_free(arena);
}
END_TEST

/* --- gradients of weights ------------------------------------------------------------------------------------------- */

/* By GEMMs of the chip where tensor cores scale by themselves, with outputs in FP32 read and written; else by the roofline. */
START_TEST(gradients_of_weights_are_products_with_outputs_in_fp32)
{
    struct arena *arena = arena_new();
    struct kernel_call gemm = {.family = KERNEL_GEMM, .dtype = KERNEL_FP8_TENSOR, .m = 4096, .n = 4096, .k = 4096};
    struct kernel_call wgrad = gemm, grouped = gemm;
    struct kernel_row point = {.call = gemm, .time_s = 1e-3, .weight = 1};
    struct kernel k = kernel_in(KERNEL_GEMM, KERNEL_FP8_TENSOR, "tiles");
    k.chip = "x", k.source = "s", k.rows = &point, k.n_rows = 1, k.trust = 1;
    struct kernel_table table = {.kernels = &k, .n_kernels = 1};
    struct cluster_hw hw = {
        .chip = {.sms = 148, .clock_Hz = 1.965e9, .memory_Bps = 7.7e12, .bf16_flops = 2.25e15, .fp8_flops = 4.5e15}};
    const struct kernel_model *m = kernel_model_new(&hw, &table, arena);
    wgrad.family = KERNEL_WGRAD;
    struct kernel_time one = kernel_time(m, &wgrad);
    ck_assert_ptr_nonnull(one.chip);
    ck_assert_double_gt(one.mechanism_s, kernel_time(m, &gemm).mechanism_s);
    ck_assert_double_eq(one.residual_ratio, 1); /* points of products in BF16 say nothing of it */
    grouped.family = KERNEL_WGRAD, grouped.groups = 8, grouped.k = 512;
    ck_assert_double_gt(kernel_time(m, &grouped).memory_s, one.memory_s);
    ck_assert_double_eq_tol(kernel_time(m, &grouped).tensor_s / one.tensor_s, 1, 1.5);
    arena_free(arena);
}
END_TEST

/* --- least squares ------------------------------------------------------------------------------------------------ */

static void rosenbrock(const double *x, double *terms, void *ctx)
{
    (void)ctx;
    terms[0] = 10 * (x[1] - x[0] * x[0]);
    terms[1] = 1 - x[0];
    terms[2] = 0.5; /* cannot be made less */
}

START_TEST(least_squares_end_in_the_valley)
{
    double x[] = {-1.2, 1};
    double least = fit_least_squares(rosenbrock, NULL, x, 2, 3, 1e-3, 100);
    ck_assert_double_eq_tol(x[0], 1, 1e-3);
    ck_assert_double_eq_tol(x[1], 1, 1e-3);
    ck_assert_double_eq_tol(least, 0.25, 1e-4);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("hw_kernels_ways");
    TCase *c = tcase_create("ways");
    tcase_add_test(c, generated_decoding_cuts_by_heads_and_length);
    tcase_add_test(c, triton_splits_a_sequence_into_eight_at_most);
    tcase_add_test(c, a_window_spares_only_those_that_skip);
    tcase_add_test(c, tiles_go_in_waves);
    tcase_add_test(c, scores_beyond_their_room_go_in_pieces);
    tcase_add_test(c, generated_experts_are_padded);
    tcase_add_test(c, generated_experts_have_tiles_by_the_ranks_own_rows);
    tcase_add_test(c, tritons_tiles_gain_little_from_wider_tensor_cores);
    tcase_add_test(c, a_known_library_is_assumed_with_a_gemms_rates);
    tcase_add_test(c, calls_that_come_again_get_the_same_answer);
    tcase_add_test(c, gradients_of_weights_are_products_with_outputs_in_fp32);
    tcase_add_test(c, least_squares_end_in_the_valley);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    return tap_main(suite());
}

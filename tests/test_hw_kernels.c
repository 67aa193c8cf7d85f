/* Kernel times: tables are reproduced, rooflines behave as physics does, bad tables are refused with their
 * place. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "hw/kernels/kernels.h"
#include "io/inputs/cluster_file.h"
#include "io/inputs/kernel_table_file.h"
#include "tap_main.h"

static struct arena *arena;
static struct diag *diag;
static struct cluster_hw hw;
static struct kernel_table table;
static struct kernel_model *model;

static void load(const char *hardware)
{
    struct cluster_source from = {.hardware = hardware, .topology = "mrft"};
    struct cluster_file file;
    arena = arena_new();
    diag = diag_new();
    ck_assert_msg(!cluster_load(&from, arena, &file, diag), "%s", diag_text(diag));
    hw = *file.hw;
    ck_assert_msg(!kernel_tables_read(hw.kernels.tables, SRCLOC_NONE, NULL, arena, &table, diag), "%s",
                  diag_text(diag));
    model = kernel_model_new(&hw, &table, arena);
}

static void setup(void)
{
    load("h800");
}

static void teardown(void)
{
    diag_free(diag);
    arena_free(arena);
}

static double roofline_s(const struct kernel_call *call)
{
    return kernel_roofline(model, call).time_s;
}

/* Families that the roofline does not know. */
static bool is_fitted_only(int family)
{
    return family >= KERNEL_MLA_DECODE && family <= KERNEL_DSA_PREFILL;
}

/* One call of each family, of a size that fills the chip. */
static struct kernel_call sample(int family)
{
    struct kernel_call c = {.family = (enum kernel_family)family, .dtype = KERNEL_FP8};
    if (kernel_is_pass(c.family)) {
        c.read_B = 1e8;
        c.written_B = 5e7;
    } else if (family >= KERNEL_ATTENTION_FORWARD) {
        bool decode = family == KERNEL_ATTENTION_DECODE;
        c = (struct kernel_call){.family = c.family,
                                 .dtype = KERNEL_BF16,
                                 .batch = decode ? 64 : 1,
                                 .q_len = decode ? 1 : 4096,
                                 .kv_len = 4096,
                                 .heads = 128,
                                 .kv_heads = decode ? 1 : 128,
                                 .qk_dim = decode ? 576 : 192,
                                 .v_dim = decode ? 512 : 128,
                                 .kv_token_B = decode ? 1152 : 0,
                                 .causal = !decode};
    } else {
        c.m = 1000, c.n = 4096, c.k = 7168;
        c.groups = kernel_is_grouped(c.family) ? 4 : 1;
    }
    return c;
}

/* --- tables ------------------------------------------------------------------------------------------ */

START_TEST(table_points_are_reproduced)
{
    ck_assert_uint_gt(table.n_rows, 280);
    for (uint32_t i = 0; i < table.n_rows; i++) {
        struct kernel_time t = kernel_time(model, &table.rows[i].call);
        double off = fabs(t.time_s / table.rows[i].time_s - 1); /* by mechanisms: residuals are floats */
        ck_assert_msg(off <= (t.library ? 1e-7 : 0), "%s:%d: %g", table.rows[i].file, table.rows[i].line, off);
        ck_assert_int_eq(t.origin, KERNEL_FROM_POINT);
        ck_assert_ptr_nonnull(t.source);
    }
}
END_TEST

START_TEST(between_points_is_interpolated)
{
    struct kernel_call c = {
        .family = KERNEL_GROUPED_CONTIGUOUS, .dtype = KERNEL_FP8, .m = 384, .n = 4096, .k = 7168, .groups = 256};
    struct kernel_time t = kernel_time(model, &c);
    ck_assert_int_eq(t.origin, KERNEL_FROM_INTERPOLATION);
    ck_assert(t.time_s > 4531e-6 && t.time_s < 7486e-6); /* the rows of 256 and 512 */
    c.m = 400000;                                        /* beyond the last row: nothing is extrapolated */
    ck_assert_int_eq(kernel_time(model, &c).origin, KERNEL_FROM_ROOFLINE);
    c.m = 384, c.n = 4104;
    ck_assert_int_eq(kernel_time(model, &c).origin, KERNEL_FROM_ROOFLINE);
}
END_TEST

START_TEST(three_experts_lie_between_two_and_four)
{
    struct kernel_call c = {
        .family = KERNEL_GROUPED_MASKED, .dtype = KERNEL_FP8, .m = 128, .n = 4096, .k = 7168, .groups = 3};
    ck_assert_int_eq(kernel_time(model, &c).origin, KERNEL_FROM_INTERPOLATION);
    c.groups = 300;
    ck_assert_int_eq(kernel_time(model, &c).origin, KERNEL_FROM_ROOFLINE);
}
END_TEST

START_TEST(other_machines_move_tables_as_rooflines)
{
    struct kernel_call c = {
        .family = KERNEL_GROUPED_CONTIGUOUS, .dtype = KERNEL_FP8, .m = 2048, .n = 4096, .k = 7168, .groups = 8};
    double table_s = kernel_time(model, &c).time_s, before_s = roofline_s(&c);
    c.sms = 112;
    struct kernel_time t = kernel_time(model, &c);
    ck_assert_int_eq(t.origin, KERNEL_FROM_SCALING);
    ck_assert_double_eq_tol(t.time_s, table_s * roofline_s(&c) / before_s, 1e-12);
    ck_assert_double_gt(t.time_s, table_s);
    c.sms = 0;
    hw.chip.fp8_flops *= 2;
    struct kernel_model *faster = kernel_model_new(&hw, &table, arena);
    t = kernel_time(faster, &c);
    ck_assert_int_eq(t.origin, KERNEL_FROM_SCALING);
    ck_assert_double_lt(t.time_s, 0.75 * table_s);
    ck_assert_double_gt(t.time_s, 0.5 * table_s); /* what waits does not get faster */
}
END_TEST

START_TEST(leave_one_out_needs_neighbours)
{
    uint32_t reached = 0;
    for (uint32_t i = 0; i < table.n_rows; i++) {
        struct kernel_time t;
        if (!kernel_time_without(model, i, &t))
            continue;
        reached++;
        ck_assert_int_eq(t.origin, KERNEL_FROM_INTERPOLATION);
        ck_assert_double_lt(fabs(log(t.time_s / table.rows[i].time_s)), log(2));
    }
    ck_assert_uint_gt(reached, 175);
    ck_assert_uint_lt(reached, table.n_rows); /* rows at the edges are reached by nothing */
}
END_TEST

/* --- rooflines ----------------------------------------------------------------------------------------- */

START_TEST(flop_and_bytes_are_exact)
{
    struct kernel_call c = {.family = KERNEL_GEMM, .dtype = KERNEL_FP8, .m = 64, .n = 256, .k = 512};
    struct kernel_time t = kernel_roofline(model, &c);
    ck_assert_double_eq(t.flop, 2.0 * 64 * 256 * 512);
    ck_assert_double_eq(t.bytes_B, 64 * (512 + 4 * 4) + 256 * 512 + 2 * 64 * 256);
    c.dtype = KERNEL_BF16;
    ck_assert_double_eq(kernel_bytes_B(&c), 2 * 64 * 512 + 2 * 256 * 512 + 2 * 64 * 256);
    const double rows[] = {0, 10, 20};
    c = (struct kernel_call){
        .family = KERNEL_GROUPED_MASKED, .dtype = KERNEL_FP8, .m = 10, .n = 256, .k = 512, .groups = 3, .rows = rows};
    ck_assert_double_eq(kernel_flop(&c), 2.0 * 30 * 256 * 512);
    ck_assert_double_eq(kernel_bytes_B(&c), 30 * (512 + 4 * 4) + 2 * 256 * 512 + 2 * 30 * 256);
    c = (struct kernel_call){.family = KERNEL_WGRAD, .dtype = KERNEL_FP8, .m = 128, .n = 256, .k = 512};
    ck_assert_double_eq(kernel_flop(&c), 2.0 * 128 * 256 * 512);
    ck_assert_double_eq(kernel_bytes_B(&c), (128 + 256) * (512 + 4 * 4) + 8 * 128 * 256);
}
END_TEST

/* DeepSeek-V3's training shape: 687.2 GFLOP forward, 1786.7 backward. */
START_TEST(attention_flop_is_exact)
{
    struct kernel_call c = sample(KERNEL_ATTENTION_FORWARD);
    ck_assert_double_eq(kernel_flop(&c), 4096.0 * 4096 / 2 * 128 * 2 * 320);
    c.family = KERNEL_ATTENTION_BACKWARD;
    ck_assert_double_eq(kernel_flop(&c), 4096.0 * 4096 / 2 * 128 * 2 * (3 * 192 + 2 * 128));
    c = sample(KERNEL_ATTENTION_DECODE);
    ck_assert_double_eq(kernel_flop(&c), 64.0 * 4096 * 128 * 2 * (576 + 512));
    ck_assert_double_eq(kernel_bytes_B(&c), 64 * 4096 * 1152.0 + 2 * 64 * 128 * (576.0 + 512));
}
END_TEST

/* A window is a band below the diagonal: counted query by query. */
START_TEST(windowed_attention_is_counted)
{
    static const double windows[] = {1, 100, 1000, 3000, 4096, 6000, 8192};
    struct kernel_call c = sample(KERNEL_ATTENTION_FORWARD);
    double last = 0;
    c.kv_len = 6000; /* 1,904 positions before the first query */
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
        double pairs = 0;
        c.window = windows[i];
        for (double q = 0; q < c.q_len; q++)
            pairs += fmin(c.kv_len - c.q_len + q + 0.5, c.window);
        ck_assert_double_eq_tol(kernel_flop(&c) / (2 * 128 * (192 + 128)) / pairs, 1, 1e-3);
        struct kernel_time t = kernel_roofline(model, &c);
        ck_assert(t.bytes_B > 0 && t.time_s >= last);
        last = t.time_s;
    }
    c.kv_len = 4096, c.window = 1024; /* no table has windows */
    ck_assert_int_eq(kernel_time(model, &c).origin, KERNEL_FROM_ROOFLINE);
    c.window = 0;
    ck_assert_int_ne(kernel_time(model, &c).origin, KERNEL_FROM_ROOFLINE);
}
END_TEST

START_TEST(waves_are_counted)
{
    /* 16 experts of 300 rows: 3 tiles high each, whatever their sum would fill */
    struct kernel_call c = {
        .family = KERNEL_GROUPED_CONTIGUOUS, .dtype = KERNEL_FP8, .m = 300, .n = 128, .k = 7168, .groups = 16};
    struct kernel_time t = kernel_roofline(model, &c);
    ck_assert_double_eq(t.tile_m, 128);
    ck_assert_double_eq(t.tiles, 16 * 3 * ceil(128 / t.tile_n));
    ck_assert_double_eq(t.waves, ceil(t.tiles / 132));
    /* 256 x 7168 leaves 20 SMs idle with tiles of 128 x 128; a narrower one is found (DeepGEMM README) */
    c = (struct kernel_call){.family = KERNEL_GEMM, .dtype = KERNEL_FP8, .m = 256, .n = 7168, .k = 7168};
    t = kernel_roofline(model, &c);
    ck_assert_double_eq(t.waves, 1);
    ck_assert_double_eq(t.tiles, 128);
    ck_assert_double_eq(t.tile_n, 112);
}
END_TEST

static void grows(const struct kernel_call *base, const char *member, double from, double to)
{
    struct kernel_call c = *base;
    const struct kernel_member *k = kernel_members;
    double before_s = 0;
    while (strcmp(k->name, member))
        k++;
    for (double at = from; at <= to; at = ceil(at * 1.07)) {
        *kernel_member_at(&c, k) = at;
        double now_s = roofline_s(&c);
        ck_assert_msg(now_s >= before_s, "%s: %s = %g takes %g s, less takes %g s", kernel_family_names[c.family],
                      member, at, now_s, before_s);
        before_s = now_s;
    }
}

START_TEST(more_work_never_takes_less)
{
    static const char *const members[] = {"m", "n", "k", "batch", "heads", "read_B", "written_B"};
    for (int f = 0; f < KERNEL_FAMILIES; f++) {
        struct kernel_call c = sample(f);
        if (is_fitted_only(f))
            continue;
        for (size_t i = 0; i < sizeof members / sizeof *members; i++)
            if (kernel_uses(c.family, members[i]))
                grows(&c, members[i], 1, 20000);
    }
}
END_TEST

START_TEST(longer_contexts_never_take_less)
{
    struct kernel_call c = sample(KERNEL_ATTENTION_DECODE);
    grows(&c, "kv_len", 1, 200000);
    c = sample(KERNEL_ATTENTION_FORWARD);
    c.kv_len = 0;
    grows(&c, "q_len", 1, 200000);
    c.family = KERNEL_ATTENTION_BACKWARD;
    grows(&c, "q_len", 1, 200000);
}
END_TEST

START_TEST(more_sms_never_take_longer)
{
    for (int f = 0; f < KERNEL_FAMILIES; f++) {
        struct kernel_call c = sample(f);
        if (is_fitted_only(f))
            continue;
        double before_s = INFINITY;
        for (c.sms = 1; c.sms <= 132; c.sms++) {
            double now_s = roofline_s(&c);
            ck_assert_msg(now_s <= before_s, "%s on %g SMs", kernel_family_names[f], c.sms);
            before_s = now_s;
        }
    }
}
END_TEST

START_TEST(better_chips_never_take_longer)
{
    for (int f = 0; f < KERNEL_FAMILIES; f++) {
        struct kernel_call c = sample(f);
        if (is_fitted_only(f))
            continue;
        double before_s = roofline_s(&c);
        struct cluster_hw better = hw;
        better.chip.memory_Bps *= 1.5;
        double memory_s = kernel_roofline(kernel_model_new(&better, NULL, arena), &c).time_s;
        ck_assert_double_le(memory_s, before_s);
        better.chip.fp8_flops *= 1.5;
        better.chip.bf16_flops *= 1.5;
        double tensor_s = kernel_roofline(kernel_model_new(&better, NULL, arena), &c).time_s;
        ck_assert_double_le(tensor_s, memory_s);
        ck_assert_double_lt(tensor_s, before_s);
        better.chip.clock_Hz *= 1.5;
        ck_assert_double_le(kernel_roofline(kernel_model_new(&better, NULL, arena), &c).time_s, tensor_s);
    }
}
END_TEST

/* A per cent of a resource saves what the call's gain says; shares are of one. */
START_TEST(gains_are_what_faster_resources_save)
{
    for (int f = 0; f < KERNEL_FAMILIES; f++) {
        struct kernel_call c = sample(f);
        if (is_fitted_only(f))
            continue;
        struct kernel_gains g = kernel_gains(kernel_model_new(&hw, NULL, arena), &c);
        ck_assert_double_eq_tol(g.of[KERNEL_BY_TENSOR] + g.of[KERNEL_BY_MEMORY] + g.of[KERNEL_BY_LATENCY], 1, 1e-9);
        struct cluster_hw better = hw;
        better.chip.memory_Bps *= 1.001;
        double saved = 1 - kernel_roofline(kernel_model_new(&better, NULL, arena), &c).time_s / roofline_s(&c);
        ck_assert_double_eq_tol(saved / 0.001, g.of[KERNEL_BY_MEMORY], 0.02);
    }
}
END_TEST

START_TEST(spread_rows_have_their_sum)
{
    for (uint32_t groups = 1; groups <= 256; groups *= 2)
        for (double mean = 1; mean <= 4096; mean *= 4)
            for (double share = 0.6; share < 1.4; share += 0.1) {
                double wanted = round(groups * mean * share), sum = 0;
                const double *rows = kernel_spread_rows(groups, mean, wanted, arena);
                for (uint32_t g = 0; g < groups; g++) {
                    ck_assert_double_ge(rows[g], 0);
                    sum += rows[g];
                }
                ck_assert_msg(sum == wanted, "%u groups of %g: %g for %g", groups, mean, sum, wanted);
            }
}
END_TEST

/* FlashMLA on the H20 (InferSim bench_data/mla/decode/h20): 78 SMs, 148 TFLOPS of BF16, 4 TB/s, so 6.7 times
 * less compute than the H800 and more bandwidth. The H800's table moved there predicts it. */
START_TEST(a_table_moves_to_another_chip)
{
    static const double rows[][3] = {{1, 8192, 38.929},     {1, 65536, 167.421},  {16, 4096, 214.107},
                                     {32, 8192, 811.198},   {64, 4096, 689.563},  {128, 1024, 363.708},
                                     {128, 8192, 2711.245}, {256, 4096, 2398.27}, {512, 8192, 9469.949}};
    enum { ROWS = sizeof rows / sizeof *rows };
    double sum = 0;
    hw.chip.sms = 78;
    hw.chip.bf16_flops = 148e12;
    hw.chip.fp8_flops = 296e12;
    hw.chip.memory_Bps = 4e12;
    struct kernel_model *h20 = kernel_model_new(&hw, &table, arena);
    for (int i = 0; i < ROWS; i++) {
        struct kernel_call c = sample(KERNEL_ATTENTION_DECODE);
        c.batch = rows[i][0];
        c.kv_len = rows[i][1];
        struct kernel_time t = kernel_time(h20, &c);
        ck_assert_int_eq(t.origin, KERNEL_FROM_SCALING);
        ck_assert_msg(fabs(t.time_s / (rows[i][2] * 1e-6) - 1) < 0.4, "batch %g, %g tokens: %g us for %g", c.batch,
                      c.kv_len, t.time_s * 1e6, rows[i][2]);
        sum += t.time_s / (rows[i][2] * 1e-6) - 1;
    }
    ck_assert_double_lt(fabs(sum / ROWS), 0.15);
    printf("# H20 from the H800's table: mean error %+.3f\n", sum / ROWS);
}
END_TEST

/* FlashMLA on the H800 was measured with one query, 128 heads. Published beside that, and nothing is taken from it: 660 TFLOPS
 * where tensor cores bound it, 3000 GB/s where memory does (its README; memory_ratio alone knows of that), 255 us in DeepSeek's
 * decoding profile (64 requests of two queries, caches of 4096; FlashMLA of February 2025, which was 5 to 15 % slower). */
START_TEST(queries_that_share_a_cache_share_its_bytes)
{
    struct kernel_call c = sample(KERNEL_ATTENTION_DECODE);
    struct kernel_time one = kernel_time(model, &c);
    c.q_len = 2;
    struct kernel_time two = kernel_time(model, &c);
    ck_assert_str_eq(two.library, "flashmla");
    ck_assert_msg(fabs(two.time_s / 255e-6 - 1) < 0.05, "profile: %g us", two.time_s * 1e6);
    ck_assert_double_lt(two.time_s, 1.75 * one.time_s);
    c.batch = 128, c.kv_len = 16384;
    two = kernel_time(model, &c);
    ck_assert_msg(fabs(two.flop / two.time_s / 660e12 - 1) < 0.07, "%g FLOP/s", two.flop / two.time_s);
    c.q_len = 1, c.heads = 16;
    struct kernel_time few = kernel_time(model, &c);
    ck_assert_msg(fabs(few.bytes_B / few.time_s / 3e12 - 1) < 0.07, "%g B/s", few.bytes_B / few.time_s);
}
END_TEST

/* What adds up the parts of K comes behind them: where memory decides, its start is not hidden either. */
START_TEST(parts_of_k_are_added_up_by_a_kernel_of_its_own)
{
    struct kernel_call c = {.family = KERNEL_GEMM, .dtype = KERNEL_BF16, .m = 128, .n = 256, .k = 7168};
    double start_s = hw.kernels.gemm_bf16.start_s;
    ck_assert_double_gt(kernel_time(model, &c).start_s, 2 * start_s);
    c.n = 8192; /* enough tiles for all SMs */
    ck_assert(kernel_time(model, &c).start_s == start_s);
}
END_TEST

/* Blocks of all requests are dealt evenly: one request more costs no second round of parts. */
START_TEST(any_batch_uses_all_parts)
{
    struct kernel_call c = sample(KERNEL_ATTENTION_DECODE);
    c.kv_len = 16384;
    c.batch = 66; /* two tiles of rows each: 132 SMs */
    double full_s = kernel_time(model, &c).time_s;
    c.batch = 67;
    ck_assert_double_lt(kernel_time(model, &c).time_s, 1.06 * full_s);
}
END_TEST

START_TEST(other_hardware_has_a_model)
{
    struct kernel_call c = {.family = KERNEL_GEMM, .dtype = KERNEL_FP8, .m = 4000, .n = 7168, .k = 16384};
    double h800_s = kernel_time(model, &c).time_s;
    teardown();
    load("gb200_nvl72");
    struct kernel_time t = kernel_time(model, &c);
    ck_assert(t.origin == KERNEL_FROM_INTERPOLATION && !strcmp(t.chip, "gb200"));
    ck_assert_double_lt(t.time_s, h800_s / 1.5);
    struct cluster_hw other = hw; /* a chip that nobody measured */
    other.chip.memory_Bps *= 1.25;
    t = kernel_time(kernel_model_new(&other, &table, arena), &c);
    ck_assert(t.origin == KERNEL_FROM_SCALING && !strcmp(t.chip, "gb200"));
    c.dtype = KERNEL_MXFP8;
    t = kernel_time(kernel_model_new(&hw, &table, arena), &c);
    ck_assert(t.origin == KERNEL_FROM_RELATED && t.residual_ratio == 1);
    c = (struct kernel_call){
        .family = KERNEL_GROUPED_MASKED, .dtype = KERNEL_FP8, .m = 100, .n = 4096, .k = 7168, .groups = 4};
    t = kernel_time(kernel_model_new(&hw, &table, arena), &c); /* by constants of pairs of products */
    ck_assert(t.origin == KERNEL_FROM_FIT && !strcmp(t.chip, "gb200") && t.residual_ratio == 1);
    ck_assert(t.time_s > t.bytes_B / hw.chip.memory_Bps && t.time_s < 20e-6 + 1.5 * t.bytes_B / hw.chip.memory_Bps);
    c.family = KERNEL_WGRAD;
    ck_assert_str_eq(kernel_time(kernel_model_new(&hw, &table, arena), &c).chip, "gb200"); /* as its products */
}
END_TEST

/* --- keys ---------------------------------------------------------------------------------------------- */

/* What all keys together say: kernels of all families, small ones and large, by table and by roofline. */
static double sum_of(const struct cluster_hw *cluster, const struct kernel_table *of)
{
    struct kernel_model *m = kernel_model_new(cluster, of, arena);
    double sum_s = cluster->kernels.launch_gap_s;
    for (int f = 0; f < KERNEL_FAMILIES; f++)
        if (!is_fitted_only(f))
            for (int large = 0; large < 2; large++) {
                struct kernel_call c = sample(f);
                if (!kernel_is_pass(c.family) && f < KERNEL_ATTENTION_FORWARD && !large)
                    c.m = 40, c.n = 200; /* a single tile, where the largest and smallest count */
                if (f == KERNEL_ATTENTION_FORWARD && !large)
                    c.batch = 3; /* that no table has */
                if (f == KERNEL_ATTENTION_DECODE && !large)
                    c.heads = 16, c.kv_len = 100000; /* the cache's bytes decide */
                if (f == KERNEL_ATTENTION_DECODE && large)
                    c.batch = 1, c.kv_len = 1000; /* split as finely as may be */
                if (kernel_is_pass(c.family) && !large)
                    c.sms = 2; /* what SMs can load decides */
                sum_s += kernel_time(m, &c).time_s;
                c.dtype = KERNEL_BF16;
                sum_s += kernel_time(m, &c).time_s;
            }
    struct kernel_call point = {
        .family = KERNEL_GEMM, .dtype = KERNEL_FP8, .m = 4096, .n = 7168, .k = 2048, .sms = 112};
    struct kernel_call square = {.family = KERNEL_GEMM, .dtype = KERNEL_BF16, .m = 8192, .n = 8192, .k = 8192};
    return sum_s + kernel_time(m, &point).time_s + kernel_time(m, &square).time_s;
}

/* With kernels that have a mechanism, and by tables and rooflines alone. */
static double all_of_it(const struct cluster_hw *cluster)
{
    struct kernel_table rows = {.rows = table.rows, .n_rows = table.n_rows};
    return sum_of(cluster, &table) + sum_of(cluster, &rows);
}

struct keys {
    const struct cluster_hw *of;
    int n;
};

/* The same hardware with one number changed. */
static void change(void *ctx, const char *dotted_key, const struct cfg_field *field, const void *value,
                   const char *text, const char *source)
{
    struct keys *k = ctx;
    struct cluster_hw changed = *k->of;
    char *at = (char *)&changed + ((const char *)value - (const char *)k->of);
    (void)text, (void)source;
    if (strncmp(dotted_key, "cluster.kernels.", 16) || field->type == CFG_STRING || field->type == CFG_BOOL ||
        strstr(dotted_key, "measured_on.fp4") ||
        strstr(dotted_key, "measured_on.l2")) /* kernels with constants read these */
        return;
    if (field->type == CFG_INT)
        *(int64_t *)(void *)at /= 2;
    else
        *(double *)(void *)at *= 0.7;
    ck_assert_msg(all_of_it(&changed) != all_of_it(k->of), "%s changes nothing", dotted_key);
    k->n++;
}

/* A constant that no kernel reads would be one too many. */
START_TEST(every_key_changes_something)
{
    struct cluster_source from = {.hardware = "h800", .topology = "mrft"};
    struct cluster_file file;
    ck_assert(!cluster_load(&from, arena, &file, diag));
    struct keys keys = {file.hw, 0};
    cfg_visit(file.cfg, change, &keys);
    ck_assert_int_gt(keys.n, 35);
}
END_TEST

/* --- bad tables ---------------------------------------------------------------------------------------- */

static void refused(const char *text, const char *message)
{
    struct kernel_table t = {0};
    struct diag *d = diag_new();
    ck_assert_int_eq(kernel_table_parse(text, strlen(text), "t.csv", arena, &t, d), -1);
    ck_assert_msg(strstr(diag_text(d), message), "'%s' is not in: %s", message, diag_text(d));
    diag_free(d);
}

#define HEAD "# source: me\n# conditions: here\n"

START_TEST(bad_tables_are_refused_with_their_place)
{
    refused("", "no table in it");
    refused("kernel,m,n,k,time_us\n", "t.csv:1:1: error: no '# source: ...' above the columns");
    refused("# source: me\nkernel,m,n,k,time_us\n", "no '# conditions: ...'");
    refused(HEAD "kernel,m,n,kk,time_us\n", "t.csv:3:12: error: unknown column 'kk'; did you mean 'k'?");
    refused(HEAD "kernel,m,m,k,time_us\n", "t.csv:3:10: error: column 'm' is there twice");
    refused(HEAD "kernel,m,n,k\n", "no column 'time_us'");
    refused(HEAD "kernel,m,n,k,time_us\ngemm_fp8,1,2,3\n", "t.csv:4:1: error: 4 values for 5 columns");
    refused(HEAD "kernel,m,n,k,time_us\ngemm_fp9,1,2,3,4\n", "t.csv:4:1: error: unknown kernel 'gemm_fp9'");
    refused(HEAD "kernel,m,n,k,time_us\ngemm_fp8,1,x,3,4\n", "t.csv:4:12: error: 'x' is no number");
    refused(HEAD "kernel,m,n,k,time_us\ngemm_fp8,1,2,3,-4\n", "t.csv:4:16: error: -4 is out of range");
    refused(HEAD "kernel,m,n,k,time_us\ngemm_fp8,1,2,nan,4\n", "t.csv:4:14: error: nan is out of range");
    refused(HEAD "kernel,m,n,time_us\ngemm_fp8,1,2,4\n", "gemm needs a column 'k'");
    refused(HEAD "kernel,m,n,k,heads,time_us\ngemm_fp8,1,2,3,4,5\n", "gemm has no 'heads'");
    refused(HEAD "kernel,groups,m,n,k,time_us\ngemm_fp8,2,2,3,4,5\n", "gemm has no groups");
    refused("a\001b", "control character");
}
END_TEST

START_TEST(a_missing_folder_is_an_error)
{
    struct diag *d = diag_new();
    struct kernel_table t;
    ck_assert_int_eq(kernel_tables_read("configs/nowhere", SRCLOC_FILE("s.yaml"), NULL, arena, &t, d), -1);
    ck_assert_ptr_nonnull(strstr(diag_text(d), "s.yaml: error: there are no kernel tables in 'configs/nowhere'"));
    ck_assert_int_eq(kernel_tables_read("", SRCLOC_NONE, NULL, arena, &t, d), 0);
    ck_assert_uint_eq(t.n_rows, 0);
    diag_free(d);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("hw_kernels");
    TCase *c = tcase_create("kernels");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, table_points_are_reproduced);
    tcase_add_test(c, between_points_is_interpolated);
    tcase_add_test(c, three_experts_lie_between_two_and_four);
    tcase_add_test(c, other_machines_move_tables_as_rooflines);
    tcase_add_test(c, leave_one_out_needs_neighbours);
    tcase_add_test(c, flop_and_bytes_are_exact);
    tcase_add_test(c, attention_flop_is_exact);
    tcase_add_test(c, windowed_attention_is_counted);
    tcase_add_test(c, waves_are_counted);
    tcase_add_test(c, more_work_never_takes_less);
    tcase_add_test(c, longer_contexts_never_take_less);
    tcase_add_test(c, more_sms_never_take_longer);
    tcase_add_test(c, better_chips_never_take_longer);
    tcase_add_test(c, gains_are_what_faster_resources_save);
    tcase_add_test(c, spread_rows_have_their_sum);
    tcase_add_test(c, a_table_moves_to_another_chip);
    tcase_add_test(c, queries_that_share_a_cache_share_its_bytes);
    tcase_add_test(c, parts_of_k_are_added_up_by_a_kernel_of_its_own);
    tcase_add_test(c, any_batch_uses_all_parts);
    tcase_add_test(c, other_hardware_has_a_model);
    tcase_add_test(c, every_key_changes_something);
    tcase_add_test(c, bad_tables_are_refused_with_their_place);
    tcase_add_test(c, a_missing_folder_is_an_error);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    return tap_main(suite());
}

/* Kernels from measurements: tiles, points, constants that are found again, files that are read as they were written. */
#include <check.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/rng.h"
#include "hw/kernels/deepgemm_tiles.h"
#include "hw/kernels/kernel_check.h"
#include "hw/kernels/measured.h"
#include "hw/kernels/moe_load.h"
#include "hw/kernels/residual.h"
#include "hw/kernels/thin.h"
#include "io/inputs/kernel_file.h"
#include "io/inputs/measured_file.h"
#include "io/results/kernel_file_write.h"
#include "tap_main.h"

static struct arena *arena;
static struct diag *diag;

static const struct kernel_device hopper = {
    .sms = 132, .clock_Hz = 1.83e9, .memory_Bps = 3.35e12, .cache_B = 50e6, .bf16_flops = 989e12, .fp8_flops = 1979e12};

static void setup(void)
{
    arena = arena_new();
    diag = diag_new();
}

static void teardown(void)
{
    diag_free(diag);
    arena_free(arena);
}

/* --- tiles ------------------------------------------------------------------------------------------------------- */

/* Rows of H100 SXM with DeepGEMM (ai-dynamo/aiconfigurator): 1792 and 2048 rows of 1536 x 7168 take twice as long as 2049,
 * because a single wave of the widest tile, which loads alone, is chosen. */
START_TEST(deepgemm_takes_bad_tiles_where_it_does)
{
    struct kernel_plan p;
    deepgemm_plan_hopper(2048, 1536, 7168, 132, &p);
    ck_assert(p.tile_m == 128 && p.tile_n == 192 && p.waves == 1 && p.cluster == 1);
    deepgemm_plan_hopper(2049, 1536, 7168, 132, &p);
    ck_assert(p.tile_m == 128 && p.tile_n == 112 && p.waves == 2 && p.cluster == 2);
    deepgemm_plan_hopper(2560, 1536, 7168, 132, &p);
    ck_assert(p.tile_m == 256 && p.tile_n == 128 && p.waves == 1);
    deepgemm_plan_hopper(2561, 1536, 7168, 132, &p);
    ck_assert(p.tile_m == 128 && p.tile_n == 128 && p.waves == 2);
    deepgemm_plan_blackwell(64, 4096, 7168, 148, &p);
    ck_assert(p.waves == 1 && p.cluster == 2);
}
END_TEST

/* --- points ------------------------------------------------------------------------------------------------------ */

static void draw_points(struct residual_point *points, uint32_t n)
{
    gsl_rng *r = rng_stream(7, n, "points");
    for (uint32_t i = 0; i < n; i++) {
        points[i] = (struct residual_point){.weight = 1, .id = i};
        for (int a = 0; a < 3; a++)
            points[i].x[a] = floor(20 * gsl_rng_uniform(r)) / 2; /* many in the same place */
        points[i].value = gsl_rng_uniform(r) - 0.5;
    }
    gsl_rng_free(r);
}

static double nearest_by_hand(const struct residual_point *points, uint32_t n, const double *x)
{
    double least = INFINITY;
    for (uint32_t i = 0; i < n; i++) {
        double square = 0;
        for (int a = 0; a < 3; a++)
            square += pow(points[i].x[a] - x[a], 2);
        least = fmin(least, square);
    }
    return sqrt(least);
}

START_TEST(the_nearest_point_is_found)
{
    enum { N = 700 };
    struct residual_point points[N];
    for (uint32_t n = 1; n <= N; n = n * 3 + 1) {
        draw_points(points, n);
        struct residuals *r = residuals_new(points, n, 3, 0, 1, arena);
        for (double at = 0; at < 10; at += 0.37) {
            double x[] = {at, 10 - at, fmod(3 * at, 10)};
            ck_assert_double_eq_tol(residual_at(r, x).distance, nearest_by_hand(points, n, x), 1e-12);
        }
    }
    ck_assert(residual_at(NULL, (double[]){0}).distance == INFINITY);
}
END_TEST

/* Points in another order make another tree, whose boxes are passed over elsewhere: the nearest stay the same. */
START_TEST(all_of_the_nearest_are_found)
{
    enum { N = 500 };
    struct residual_point points[N], other[N];
    draw_points(points, N);
    for (uint32_t i = 0; i < N; i++) {
        for (int a = 0; a < 3; a++)
            points[i].x[a] += fmod(i * 0.6180339887 + a * 0.414, 0.5); /* none in the same place */
        other[N - 1 - i] = points[i];
    }
    struct residuals *r = residuals_new(points, N, 3, 0, 1, arena), *s = residuals_new(other, N, 3, 0, 1, arena);
    for (double at = 0; at < 10; at += 0.031) {
        double x[] = {at, 10 - at, fmod(3 * at, 10)};
        ck_assert_double_eq_tol(residual_at(r, x).value, residual_at(s, x).value, 1e-12);
    }
}
END_TEST

START_TEST(a_disturbed_point_is_outvoted)
{
    struct residual_point points[9];
    for (uint32_t i = 0; i < 9; i++)
        points[i] = (struct residual_point){.x = {i}, .value = i == 4 ? 0.7 : 0.1, .weight = 1, .id = i};
    struct residuals *r = residuals_new(points, 9, 1, 0, 1, arena);
    double near = residual_at(r, (double[]){4.6}).value;
    ck_assert(near > 0.05 && near < 0.2);
    ck_assert_double_lt(fabs(residual_at(r, (double[]){200}).value), 0.02); /* far from all: the mechanism alone */
    struct residuals *doubted = residuals_new(points, 9, 1, 1, 0.25, arena);
    ck_assert_double_eq_tol(residual_at(doubted, (double[]){4.6}).value, 0.25 * near, 1e-12);
    ck_assert_double_eq(residual_at(doubted, (double[]){3}).value, residual_at(r, (double[]){3}).value);
}
END_TEST

START_TEST(thinning_keeps_steps)
{
    enum { N = 100, MOST = 6 };
    struct residual_point points[N];
    double weight = 0;
    for (uint32_t i = 0; i < N; i++) {
        double value = i < 50 ? 0 : i < 80 ? 1 : 0.2;
        points[i] = (struct residual_point){.x = {i / 10.0}, .value = value, .weight = 1, .id = i};
    }
    points[10].value = 0.7; /* disturbed */
    uint32_t left = thin_points(points, N, MOST, 1);
    ck_assert(left > 3 && left <= MOST);
    for (uint32_t i = 0; i < left; i++) {
        uint32_t was = points[i].id;
        ck_assert_double_eq(points[i].value, was < 50 ? 0 : was < 80 ? 1 : 0.2);
        ck_assert_double_eq(points[i].x[0], was / 10.0);
        weight += points[i].weight;
    }
    ck_assert_double_eq(weight, N);
    ck_assert_uint_eq(thin_points(points, left, MOST, 1), left); /* few enough: all stay */
}
END_TEST

/* Values that rise along an axis go on rising between points, and never beyond those of the nearest. */
START_TEST(between_points_lies_a_plane)
{
    struct residual_point points[9];
    for (uint32_t i = 0; i < 9; i++)
        points[i] = (struct residual_point){.x = {i % 3, i / 3}, .value = 0.02 * (i % 3), .weight = 1, .id = i};
    struct residuals *r = residuals_new(points, 9, 2, 0, 1, arena);
    ck_assert_double_eq_tol(residual_at(r, (double[]){0.25, 1}).value, 0.005, 2e-3);
    ck_assert_double_eq_tol(residual_at(r, (double[]){1.75, 1}).value, 0.035, 2e-3);
    ck_assert_double_le(residual_at(r, (double[]){30, 1}).value, 0.04);
}
END_TEST

/* --- constants ---------------------------------------------------------------------------------------------------- */

/* Times that the mechanism itself made, with known constants. */
static uint32_t made_rows(const struct kernel *k, struct kernel_row *rows)
{
    uint32_t n = 0;
    for (double m = 1; m <= 16384; m *= 4)
        for (double width = 256; width <= 16384; width *= 2)
            for (double depth = 256; depth <= 16384; depth *= 4) {
                struct kernel_time t = {0};
                rows[n] = (struct kernel_row){
                    .call = {
                        .family = KERNEL_GEMM, .dtype = KERNEL_BF16, .m = m, .n = width, .k = depth, .warm = true}};
                kernel_mechanism_time(k, &hopper, &rows[n].call, &t);
                rows[n++].time_s = t.mechanism_s;
            }
    return n;
}

static struct kernel made_kernel(void)
{
    struct kernel k = {.family = KERNEL_GEMM, .dtype = KERNEL_BF16, .library = "cublas", .variant = 3};
    static const double values[] = {3e-6, 0.8, 0.1, 1e-7, 0, 100, 0.9, 0.05, 8e-7, 0.2};
    memcpy(k.constants, values, sizeof values);
    return k;
}

START_TEST(constants_are_found_again)
{
    struct kernel_row rows[400];
    struct kernel k = made_kernel(), again = {.family = KERNEL_GEMM, .dtype = KERNEL_BF16, .library = "cublas"};
    uint32_t n = made_rows(&k, rows);
    double error = kernel_fit_constants(&again, &hopper, rows, n, false);
    ck_assert_msg(error < 0.035, "mean error %g", error);
    ck_assert_int_eq(again.variant, k.variant);
    ck_assert_double_eq_tol(again.constants[0] / k.constants[0], 1, 0.1);
    ck_assert_double_eq_tol(again.constants[6] / k.constants[6], 1, 0.1);
}
END_TEST

START_TEST(shapes_that_are_left_out_are_predicted)
{
    struct kernel_row rows[400];
    struct kernel k = made_kernel();
    struct kernel_group group = {rows, made_rows(&k, rows)};
    struct check_group g;
    for (uint32_t i = 0; i < group.n_rows; i++)
        rows[i].time_s *= 1.1, rows[i].library = "cublas";
    kernel_check_left_out(&hopper, &group, 2, arena, &g);
    ck_assert_uint_gt(g.all.rows, 100);
    ck_assert_double_lt(g.all.median, 0.05);
    ck_assert_uint_eq(g.all.rows + g.beyond.rows, group.n_rows);
}
END_TEST

/* --- loads of experts ------------------------------------------------------------------------------------------------ */

START_TEST(loads_are_drawn_as_the_benchmark_does)
{
    struct kernel_call c = {.family = KERNEL_MOE, .batch = 1, .top_k = 8, .experts = 128, .ranks = 8};
    struct moe_load l = moe_load_of(&c);
    ck_assert(l.rows == 1 && l.active == 1); /* one token's experts lie on all eight ranks */
    c.batch = 16, c.ranks = 1;
    l = moe_load_of(&c);
    ck_assert(l.rows == 128 && l.active == 128 && l.most == 1);
    c.batch = 4096, c.skew = 1.2;
    l = moe_load_of(&c);
    ck_assert(l.rows == 4096 * 8 && l.most > 4 * 256 && l.most <= 4096);
    c.ranks = 8;
    l = moe_load_of(&c);
    ck_assert(l.rows > 4096 && l.rows < 4096 * 4); /* the fullest rank */
    const double rows[] = {0, 10, 130};
    c = (struct kernel_call){.family = KERNEL_MOE, .groups = 3, .rows = rows};
    l = moe_load_of(&c);
    ck_assert(l.rows == 140 && l.active == 2 && l.most == 130 && l.tiles[MOE_HEIGHTS - 1] == 3);
}
END_TEST

/* --- files ---------------------------------------------------------------------------------------------------------- */

static char path[] = "kernel_test_XXXXXX.csv";

static void write_file(const char *text)
{
    strcpy(path, "kernel_test_XXXXXX.csv");
    int fd = mkstemps(path, 4);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (int)strlen(text));
    close(fd);
}

static void refused(const char *text, const char *message)
{
    struct kernel_table t = {0};
    struct diag *d = diag_new();
    write_file(text);
    ck_assert_int_eq(measured_file_read(path, "gemm", arena, &t, d), -1);
    ck_assert_msg(strstr(diag_text(d), message), "'%s' is not in: %s", message, diag_text(d));
    unlink(path);
    diag_free(d);
}

#define HEAD "gemm_dtype,m,n,k,kernel_source,latency_us\n"

START_TEST(bad_measured_files_are_refused_with_their_place)
{
    struct kernel_table t = {0};
    refused("", "nothing in it");
    refused("gemm_dtype,m,n,kernel_source,latency_us\n", ":1:1: error: no column 'k', which rows of gemm need");
    refused("gemm_dtype,m,n,k,kernel_source,latency_ms\n",
            "no column 'latency_us', which rows of gemm need; is it 'latency_ms'?");
    refused(HEAD "bfloat16,1,2,3,x\n", ":2:1: error: 5 values for 6 columns");
    refused(HEAD "bfloat16,1,2,3,x,nan\n", ":2:18: error: 'nan' is no time");
    refused(HEAD "bfloat16,1,2,3,x,-4\n", "'-4' is no time");
    refused(HEAD "bfloat16,1,2,inf,x,4\n", ":2:1: error: a number that is none, or out of range");
    refused(HEAD "bfloat17,1,2,3,x,4\n", "unknown number format");
    ck_assert_int_eq(measured_file_read("nowhere.csv", NULL, arena, &t, diag), -1);
    ck_assert_ptr_nonnull(strstr(diag_text(diag), "'nowhere' is no family"));
}
END_TEST

static const char file[] =
    "# a comment\nkernel: gemm_bf16\nlibrary: cublas\nvariant: tiles_split\nsource: me\nconditions: here\n"
    "chip: mine\nfigures: sms 132, clock_Hz 1.83e9, memory_Bps 3.35e12, cache_B 5e7, bf16_flops 9.89e14\n"
    "trust: 0.5\nconstants: start_s 3e-06, tensor_ratio 0.8, throttle_ratio 0.1, step_s 1e-07, load_B 100, "
    "memory_ratio 0.9, "
    "cache_ratio 0.1, fill_s 1e-06, unhidden_ratio 0.2,\n"
    "points: n k | m time_us rows\n7168 2048|4 10.15 3|16 10.4 20\n128 512|1 5 1\n";

static int read_as(const char *family, const char *text)
{
    struct kernel_table t = {0};
    write_file(text);
    int failed = measured_file_read(path, family, arena, &t, diag);
    unlink(path);
    return failed ? -1 : (int)t.n_rows;
}

/* What a row's columns do not say follows from its family: that is no size of 0. */
START_TEST(measured_rows_of_every_kind_of_attention_are_read)
{
    ck_assert_int_eq(read_as("mla_decode",
                             "mla_dtype,kv_cache_dtype,num_heads,batch_size,isl,step,kernel_source,latency_us\n"
                             "bfloat16,fp8,128,1,1,1,trtllm_mla,10.5\n"),
                     1);
    ck_assert_int_eq(read_as("mla_prefill",
                             "mla_dtype,kv_cache_dtype,num_heads,batch_size,isl,kernel_source,latency_us\n"
                             "bfloat16,bfloat16,128,1,64,trtllm_mla,14.7\n"),
                     1);
    ck_assert_int_eq(read_as("gqa_decode",
                             "attn_dtype,kv_cache_dtype,batch_size,num_heads,num_key_value_heads,head_dim,isl,"
                             "step,window_size,kernel_source,latency_us\n"
                             "bfloat16,bfloat16,32,16,8,256,1,1,1024,trtllm_mha,12.6\n"),
                     1);
    ck_assert_msg(!diag_failed(diag), "%s", diag_text(diag));
    ck_assert_int_eq(read_as("mla_decode",
                             "mla_dtype,kv_cache_dtype,num_heads,batch_size,isl,step,kernel_source,latency_us\n"
                             "bfloat16,fp8,128,0,1,1,trtllm_mla,10.5\n"),
                     -1);
    ck_assert_ptr_nonnull(strstr(diag_text(diag), "batch of this row is 0"));
}
END_TEST

START_TEST(kernel_files_are_read_as_they_are_written)
{
    struct kernel k, again;
    char name[] = "kernel_file_XXXXXX", text[2000] = "";
    ck_assert_int_eq(kernel_file_parse(file, strlen(file), "a.kernel", arena, &k, diag), 0);
    ck_assert(k.n_rows == 3 && k.variant == 3 && k.trust == 0.5 && k.constants[0] == 3e-6);
    ck_assert(k.rows[1].call.m == 16 && k.rows[1].call.n == 7168 && k.rows[1].weight == 20);
    int fd = mkstemp(name);
    close(fd);
    struct outfile *f = outfile_open(name, diag);
    kernel_file_write(&k, f);
    ck_assert_int_eq(outfile_close(f, diag), 0);
    FILE *in = fopen(name, "r");
    ck_assert_uint_gt(fread(text, 1, sizeof text - 1, in), 100);
    fclose(in);
    unlink(name);
    ck_assert_int_eq(kernel_file_parse(text, strlen(text), "b.kernel", arena, &again, diag), 0);
    ck_assert_uint_eq(again.n_rows, 3);
    for (int i = 0; i < 3; i++)
        ck_assert(again.rows[i].time_s == k.rows[i].time_s && again.rows[i].call.k == k.rows[i].call.k);
    ck_assert_double_eq(again.constants[3], k.constants[3]);
}
END_TEST

static void refused_kernel(const char *text, const char *message)
{
    struct kernel k;
    struct diag *d = diag_new();
    ck_assert_int_eq(kernel_file_parse(text, strlen(text), "k.kernel", arena, &k, d), -1);
    ck_assert_msg(strstr(diag_text(d), message), "'%s' is not in: %s", message, diag_text(d));
    diag_free(d);
}

START_TEST(bad_kernel_files_are_refused_with_their_place)
{
    refused_kernel("", "no 'kernel: ...' in it");
    refused_kernel("kernel: gem\n", "k.kernel:1:1: error: unknown kernel 'gem'");
    refused_kernel("variant: tiles\n", "say first which kernel it is");
    char *old = arena_strdup(arena, file), *fill = strstr(old, "fill_s 1e-06, ");
    memset(fill, ' ', strlen("fill_s 1e-06, "));
    refused_kernel(old, "no constant 'fill_s', which the way 'tiles_split' works with");
    refused_kernel("kernel: gemm_bf16\nvariant: tile\n", "did you mean 'tiles'?");
    refused_kernel("kernel: gemm_bf16\nconstants: star_s 1\n", "k.kernel:2:12: error: gemm has no constant 'star_s'");
    refused_kernel("kernel: gemm_bf16\nconstants: start_s -1\n", "is no number from 0 up");
    refused_kernel("kernel: gemm_bf16\nsauce: x\n", "is no key of a kernel's file");
    refused_kernel("kernel: gemm_bf16\n", "no 'source: ...' in it");
    refused_kernel("kernel: gemm_bf16\nsource: a\nconditions: b\n", "no 'chip: ...' in it");
    refused_kernel("kernel: gemm_bf16\nsource: a\nconditions: b\nchip: c\nfigures: sms 3\n", "no 'figures: ...' in it");
    refused_kernel("kernel: gemm_bf16\nfigures: cores 3\n", "k.kernel:2:10: error: a chip has no figure 'cores'");
    refused_kernel("kernel: gemm_bf16\nsource: a\nconditions: b\npoints: n k | m time_us rows\n1 2|3 -4 1\n",
                   "k.kernel:5:11: error: no point");
    refused_kernel("kernel: gemm_bf16\nsource: a\nconditions: b\npoints: n k m time_us rows\n", "a bar");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("hw_kernels_fit");
    TCase *c = tcase_create("kernels");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, deepgemm_takes_bad_tiles_where_it_does);
    tcase_add_test(c, the_nearest_point_is_found);
    tcase_add_test(c, all_of_the_nearest_are_found);
    tcase_add_test(c, a_disturbed_point_is_outvoted);
    tcase_add_test(c, thinning_keeps_steps);
    tcase_add_test(c, between_points_lies_a_plane);
    tcase_add_test(c, constants_are_found_again);
    tcase_add_test(c, shapes_that_are_left_out_are_predicted);
    tcase_add_test(c, loads_are_drawn_as_the_benchmark_does);
    tcase_add_test(c, bad_measured_files_are_refused_with_their_place);
    tcase_add_test(c, measured_rows_of_every_kind_of_attention_are_read);
    tcase_add_test(c, kernel_files_are_read_as_they_are_written);
    tcase_add_test(c, bad_kernel_files_are_refused_with_their_place);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    return tap_main(suite());
}

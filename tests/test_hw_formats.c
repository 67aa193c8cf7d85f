/* Number formats: every code by its definition, every rounding against all neighbours, the fast GEMM against
 * the plain one. */
#include <check.h>
#include <float.h>
#include <gsl/gsl_randist.h>
#include <math.h>

#include "base/rng.h"
#include "hw/formats/format_study.h"
#include "hw/formats/mx.h"
#include "tap_main.h"

static struct arena *arena;
static gsl_rng *rng;

static void setup(void)
{
    arena = arena_new();
    rng = rng_stream(7, 0, "format tests");
}

static void teardown(void)
{
    gsl_rng_free(rng);
    arena_free(arena);
}

/* --- minifloats ------------------------------------------------------------------------------------------- */

static const struct minifloat *const all_formats[] = {&minifloat_e4m3, &minifloat_e5m2, &minifloat_e5m6,
                                                      &minifloat_bf16, &minifloat_fp16, &minifloat_e2m3,
                                                      &minifloat_e3m2, &minifloat_e2m1};
enum { N_FORMATS = sizeof all_formats / sizeof *all_formats };

/* IEEE 754's definition, with nothing of the implementation. */
static double value_of(const struct minifloat *f, uint32_t code)
{
    uint32_t m = code & ((1u << f->mantissa_bits) - 1);
    uint32_t top = (1u << f->exponent_bits) - 1, e = code >> f->mantissa_bits & top;
    double sign = code >> (f->mantissa_bits + f->exponent_bits) & 1 ? -1 : 1;
    uint32_t ones = (1u << f->mantissa_bits) - 1;
    if (f->specials == MINIFLOAT_IEEE && e == top)
        return m ? NAN : sign * INFINITY;
    if (f->specials == MINIFLOAT_ONE_NAN && e == top && m == ones)
        return NAN;
    if (e == 0)
        return sign * ldexp(m, 1 - f->bias - f->mantissa_bits);
    return sign * ldexp(m + ldexp(1, f->mantissa_bits), (int)e - f->bias - f->mantissa_bits);
}

START_TEST(every_code_decodes_by_definition)
{
    const struct minifloat *f = all_formats[_i];
    for (uint32_t code = 0; code < 1u << minifloat_bits(f); code++) {
        double want = value_of(f, code);
        float is = minifloat_decode(f, code);
        if (isnan(want)) {
            ck_assert_msg(isnan(is), "%s 0x%x is %g", f->name, code, is);
            continue;
        }
        ck_assert_msg(is == want && !signbit(is) == !signbit(want), "%s 0x%x is %g, not %g", f->name, code, is, want);
        ck_assert_uint_eq(minifloat_encode(f, is, MINIFLOAT_OVERFLOW), code);
    }
}
END_TEST

/* Between any two neighbours: the nearer one, and at the middle the even code. */
START_TEST(encoding_takes_the_nearest)
{
    const struct minifloat *f = all_formats[_i];
    for (uint32_t code = 0; code + 1 < 1u << (minifloat_bits(f) - 1); code++) {
        float low = minifloat_decode(f, code), high = minifloat_decode(f, code + 1);
        if (!isfinite(low) || !isfinite(high))
            continue;
        float middle = low + (high - low) / 2;
        ck_assert_uint_eq(minifloat_encode(f, middle, MINIFLOAT_SATURATE), code + (code & 1));
        ck_assert_uint_eq(minifloat_encode(f, nextafterf(middle, -INFINITY), MINIFLOAT_SATURATE), code);
        ck_assert_uint_eq(minifloat_encode(f, nextafterf(middle, INFINITY), MINIFLOAT_SATURATE), code + 1);
    }
}
END_TEST

START_TEST(arrays_agree_with_scalars)
{
    const struct minifloat *f = all_formats[_i];
    enum { N = 5003 }; /* no multiple of any vector */
    float x[N], y[N];
    uint16_t codes[N];
    for (int i = 0; i < N; i++)
        x[i] = (float)(gsl_ran_gaussian(rng, 1) * exp(gsl_ran_gaussian(rng, 8)));
    x[0] = 0, x[1] = -0.0f, x[2] = FLT_MAX, x[3] = -FLT_MAX, x[4] = FLT_TRUE_MIN;
    minifloat_encode_array(f, x, codes, N);
    minifloat_decode_array(f, codes, y, N);
    for (int i = 0; i < N; i++) {
        ck_assert_msg(codes[i] == minifloat_encode(f, x[i], MINIFLOAT_SATURATE), "%s of %g", f->name, x[i]);
        ck_assert_float_eq(y[i], minifloat_decode(f, codes[i]));
    }
}
END_TEST

/* OFP8 1.0 table 2, MX 1.0 tables 4 to 6, IEEE 754 binary16: largest, smallest normal, largest and smallest
 * subnormal number. */
START_TEST(published_limits)
{
    static const struct {
        const struct minifloat *f;
        uint32_t code;
        double value;
    } rows[] = {{&minifloat_e4m3, 0x7e, 448},
                {&minifloat_e4m3, 0x08, 0x1p-6},
                {&minifloat_e4m3, 0x07, 0.875 * 0x1p-6},
                {&minifloat_e4m3, 0x01, 0x1p-9},
                {&minifloat_e5m2, 0x7b, 57344},
                {&minifloat_e5m2, 0x04, 0x1p-14},
                {&minifloat_e5m2, 0x03, 0.75 * 0x1p-14},
                {&minifloat_e5m2, 0x01, 0x1p-16},
                {&minifloat_e2m3, 0x1f, 7.5},
                {&minifloat_e2m3, 0x08, 1},
                {&minifloat_e2m3, 0x07, 0.875},
                {&minifloat_e2m3, 0x01, 0.125},
                {&minifloat_e3m2, 0x1f, 28},
                {&minifloat_e3m2, 0x04, 0.25},
                {&minifloat_e3m2, 0x03, 0.1875},
                {&minifloat_e3m2, 0x01, 0.0625},
                {&minifloat_e2m1, 0x07, 6},
                {&minifloat_e2m1, 0x02, 1},
                {&minifloat_e2m1, 0x01, 0.5},
                {&minifloat_fp16, 0x03ff, 0x1.ff8p-15},
                {&minifloat_fp16, 0x7bff, 65504},
                {&minifloat_bf16, 0x3f80, 1},
                {&minifloat_bf16, 0x7f7f, 0x1.fep127}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_double_eq(minifloat_decode(rows[i].f, rows[i].code), rows[i].value);
    for (uint32_t code = 0; code < 256; code++) { /* S.1111.111; S.11111.{01,10,11} and S.11111.00 */
        ck_assert(isnan(minifloat_decode(&minifloat_e4m3, code)) == ((code & 0x7f) == 0x7f));
        ck_assert(isnan(minifloat_decode(&minifloat_e5m2, code)) == ((code & 0x7f) > 0x7c));
        ck_assert(!isinf(minifloat_decode(&minifloat_e4m3, code)));
    }
    ck_assert(isinf(minifloat_decode(&minifloat_e5m2, 0x7c)));
    ck_assert_uint_eq(minifloat_encode(&minifloat_e4m3, 1e9f, MINIFLOAT_SATURATE), 0x7e);
    ck_assert_uint_eq(minifloat_encode(&minifloat_e4m3, 1e9f, MINIFLOAT_OVERFLOW), 0x7f);
    ck_assert_uint_eq(minifloat_encode(&minifloat_e5m2, -1e9f, MINIFLOAT_OVERFLOW), 0xfc);
}
END_TEST

/* --- LogFMT ------------------------------------------------------------------------------------------------- */

static int fill_tile(float *x, double spread)
{
    for (int i = 0; i < LOGFMT_TILE; i++)
        x[i] = (float)(gsl_ran_gaussian(rng, 1) * exp(gsl_ran_gaussian(rng, spread)));
    x[17] = 0;
    return LOGFMT_TILE;
}

/* Every code of every n by the paper's formula: in order, evenly spaced in the logarithm, and its own code again. */
START_TEST(logfmt_every_code_by_definition)
{
    int bits = LOGFMT_MIN_BITS + _i;
    uint32_t sign = 1u << (bits - 1), last = sign - 1;
    struct logfmt_tile t = {.min_log2 = -20.25f, .step_log2 = 31.5f / (float)(last - 1)}, again;
    double before = 0;
    for (uint32_t first = 0; first < 2 * sign; first += LOGFMT_TILE - 2) {
        float x[LOGFMT_TILE];
        int n = (int)fmin(LOGFMT_TILE - 2, 2 * sign - first);
        for (int i = 0; i < n; i++)
            t.codes[i] = (uint16_t)(first + (uint32_t)i);
        t.codes[n] = 1, t.codes[n + 1] = (uint16_t)last; /* so that the tile has the same range */
        logfmt_decode(bits, &t, x, n + 2);
        for (int i = 0; i < n; i++) {
            uint32_t code = first + (uint32_t)i, k = code & last;
            double want = k ? pow(2, (double)t.min_log2 + (double)t.step_log2 * (k - 1.0)) : 0;
            ck_assert_double_le(fabs(fabs((double)x[i]) - want), 1e-7 * want);
            ck_assert(!k || !!signbit(x[i]) == (code >= sign));
            ck_assert(k < 2 || fabs(x[i]) > before);
            before = fabs(x[i]);
        }
        logfmt_encode(bits, LOGFMT_LINEAR, x, n + 2, &again);
        for (int i = 0; i < n; i++)
            ck_assert_msg(again.codes[i] == t.codes[i], "%d bits: code 0x%x became 0x%x", bits, t.codes[i],
                          again.codes[i]);
    }
}
END_TEST

static double magnitude(const struct logfmt_tile *t, int k)
{
    return k ? exp2((double)t->min_log2 + (double)t->step_log2 * (k - 1)) : 0;
}

/* No other code of the tile is nearer to the value, in value (or in the logarithm). */
START_TEST(logfmt_takes_the_nearest)
{
    int bits = LOGFMT_MIN_BITS + _i, last = (1 << (bits - 1)) - 1;
    float x[LOGFMT_TILE], y[LOGFMT_TILE];
    struct logfmt_tile t;
    for (int round = 0; round < 4; round++) {
        logfmt_encode(bits, LOGFMT_LINEAR, x, fill_tile(x, round), &t);
        logfmt_decode(bits, &t, y, LOGFMT_TILE);
        for (int i = 0; i < LOGFMT_TILE; i++) {
            double best = fabs(x[i]), error = fabs((double)y[i] - (double)x[i]);
            for (int k = 1; k <= last; k++)
                best = fmin(best, fabs(magnitude(&t, k) - fabs(x[i])));
            ck_assert_msg(error <= best + 1e-6 * fabs(x[i]), "%d bits: %g became %g", bits, x[i], y[i]);
            ck_assert(x[i] != 0 || y[i] == 0);
            ck_assert(y[i] == 0 || signbit(x[i]) == signbit(y[i]));
        }
    }
}
END_TEST

START_TEST(logfmt_range_is_two_to_the_32)
{
    float x[4] = {1, 0x1p-31f, 0x1p-40f, 0}, y[4];
    struct logfmt_tile t;
    logfmt_encode(8, LOGFMT_LINEAR, x, 4, &t);
    logfmt_decode(8, &t, y, 4);
    ck_assert_double_eq_tol((double)t.min_log2, -32, 1e-6);
    ck_assert_double_eq_tol((double)y[0], 1, 1e-5);
    ck_assert_float_eq(y[2], 0); /* nearer to zero than to 2^-32 */
    ck_assert_float_eq(y[3], 0);
}
END_TEST

/* The paper's claims (3.2): LogFMT-8 above both FP8s, LogFMT-10 near BF16; linear rounding unbiased. */
START_TEST(logfmt_against_fp8)
{
    enum { ROWS = 32, COLUMNS = 4096 };
    static const char *const names[] = {"logfmt8", "e4m3_1x128", "e5m2_1x128", "logfmt10"};
    float *x = ARENA_ARRAY(arena, float, ROWS *COLUMNS), *y = ARENA_ARRAY(arena, float, ROWS *COLUMNS);
    double snr_dB[4];
    char why[160];
    activations_fill((enum activations)_i, 3, ROWS, COLUMNS, x);
    for (int i = 0; i < 4; i++) {
        struct number_format f;
        ck_assert_int_eq(number_format_find(names[i], &f, why, sizeof why), 0);
        number_format_round_trip(&f, x, ROWS, COLUMNS, y);
        snr_dB[i] = format_error(x, y, (size_t)ROWS * COLUMNS).snr_dB;
    }
    ck_assert_double_gt(snr_dB[0], snr_dB[1] + 3);
    ck_assert_double_gt(snr_dB[0], snr_dB[2] + 3);
    ck_assert_double_gt(snr_dB[3], snr_dB[0] + 10);
}
END_TEST

START_TEST(linear_rounding_is_unbiased)
{
    enum { ROWS = 128, COLUMNS = 4096 };
    size_t n = (size_t)ROWS * COLUMNS;
    float *x = ARENA_ARRAY(arena, float, n), *y = ARENA_ARRAY(arena, float, n);
    struct number_format f;
    char why[160];
    activations_fill(UNIFORM, 5, ROWS, COLUMNS, x);
    number_format_find("logfmt6", &f, why, sizeof why);
    number_format_round_trip(&f, x, ROWS, COLUMNS, y);
    struct format_error linear = format_error(x, y, n);
    number_format_find("logfmt6_log", &f, why, sizeof why);
    number_format_round_trip(&f, x, ROWS, COLUMNS, y);
    struct format_error log = format_error(x, y, n);
    ck_assert_double_lt(fabs(linear.bias_ratio), 4 * linear.bias_se_ratio);
    ck_assert_double_gt(log.bias_ratio, 20 * log.bias_se_ratio);
}
END_TEST

/* --- MX ------------------------------------------------------------------------------------------------------ */

START_TEST(mx_blocks)
{
    float x[MX_BLOCK] = {6, 3, 1.5f, -0.5f, 0.25f, 0.2f}, y[MX_BLOCK];
    struct mx_block b;
    mx_encode(&minifloat_e2m1, x, MX_BLOCK, &b);
    ck_assert_int_eq(b.scale, 127); /* floor(log2 6) - 2 = 0 */
    mx_decode(&minifloat_e2m1, &b, y, MX_BLOCK);
    float want[6] = {6, 3, 1.5f, -0.5f, 0, 0};
    for (int i = 0; i < 6; i++)
        ck_assert_float_eq(y[i], want[i]);
    for (int i = 0; i < MX_BLOCK; i++)
        x[i] = ldexpf(x[i], 100);
    mx_encode(&minifloat_e2m1, x, MX_BLOCK, &b);
    ck_assert_int_eq(b.scale, 227);
}
END_TEST

static const struct minifloat *const mx_elements[] = {&minifloat_e4m3, &minifloat_e5m2, &minifloat_e2m3,
                                                      &minifloat_e3m2, &minifloat_e2m1, NULL};

/* An element of INT8 is 2^-6 of two's complement. */
static double mx_value(const struct minifloat *f, uint32_t code)
{
    return f ? (double)minifloat_decode(f, code) : (int8_t)code / 64.0;
}

/* Every element under every scale: code * 2^(scale - 127), and the same block again where its largest element fills
 * the format's top exponent. */
START_TEST(mx_every_code_and_scale)
{
    const struct minifloat *f = mx_elements[_i];
    uint32_t n_codes = f ? 1u << minifloat_bits(f) : 256;
    for (int scale = 0; scale < 255; scale++)
        for (uint32_t first = 0; first < n_codes; first += MX_BLOCK - 1) {
            struct mx_block b = {.scale = (uint8_t)scale}, again;
            float x[MX_BLOCK];
            for (int i = 0; i < MX_BLOCK; i++)
                b.codes[i] = (uint16_t)((first + (uint32_t)i) % n_codes);
            b.codes[MX_BLOCK - 1] = f ? (uint16_t)minifloat_encode(f, INFINITY, MINIFLOAT_SATURATE) : 127;
            mx_decode(f, &b, x, MX_BLOCK);
            bool exact = true;
            for (int i = 0; i < MX_BLOCK; i++) {
                double want = ldexp(mx_value(f, b.codes[i]), scale - 127);
                ck_assert_msg(isnan(want) ? isnan(x[i]) : x[i] == (float)want, "0x%x, scale %d", b.codes[i], scale);
                exact &= isfinite(want) && (double)(float)want == want && (f || b.codes[i] != 0x80);
            }
            if (!exact)
                continue;
            mx_encode(f, x, MX_BLOCK, &again);
            ck_assert_int_eq(again.scale, scale);
            for (int i = 0; i < MX_BLOCK; i++)
                ck_assert_uint_eq(again.codes[i], b.codes[i]);
        }
}
END_TEST

/* --- tensor core --------------------------------------------------------------------------------------------- */

/* 13 fraction bits below the largest exponent are kept, the rest cut off (paper 3.1). */
START_TEST(alignment_truncates)
{
    const struct tensor_core *tc = &tensor_core_hopper_fp8;
    double one_and[2] = {1, 0x1p-13}, one_less[2] = {1, 0x1p-14}, minus[2] = {1, -0x1p-14};
    int e13[2] = {0, -13}, e14[2] = {0, -14};
    ck_assert_float_eq(tensor_core_step(tc, 0, one_and, e13, 2), 1 + 0x1p-13f);
    ck_assert_float_eq(tensor_core_step(tc, 0, one_less, e14, 2), 1);
    ck_assert_float_eq(tensor_core_step(tc, 0, minus, e14, 2), 1);
    /* the accumulator takes part in the alignment */
    ck_assert_float_eq(tensor_core_step(tc, 4096, one_less, e14, 1), 4097);
    ck_assert_float_eq(tensor_core_step(tc, 16384, one_less, e14, 1), 16384);
}
END_TEST

static const struct tensor_core cores[] = {{32, 13, 13, 128}, {32, 13, 13, 0}, {32, 23, 23, 128},
                                           {16, 8, 10, 64},   {64, 25, 23, 0}, {32, 40, 23, 128}};

START_TEST(fast_gemm_is_the_plain_one)
{
    enum { M = 5, N = 19 };
    for (uint32_t k = 96; k <= 608; k += 512)
        for (int fine = 0; fine < 2; fine++) {
            struct gemm_case c = {M, N, k, _i % 2 ? GEMM_POSITIVE : GEMM_GAUSSIAN, 11, fine};
            struct gemm_sample s = gemm_sample(&c, arena);
            float fast[M * N], plain[M * N];
            tensor_core_gemm(&cores[_i], &s.a, &s.b, fast);
            tensor_core_gemm_plain(&cores[_i], &s.a, &s.b, plain);
            for (int i = 0; i < M * N; i++)
                ck_assert_msg(fast[i] == plain[i], "core %d, K %u: %a, not %a", _i, k, fast[i], plain[i]);
        }
}
END_TEST

/* More bits, and promotion, only help; with all bits an FP32 sum's error is left. */
START_TEST(accumulation_error_falls)
{
    struct gemm_case c = {16, 32, 4096, GEMM_POSITIVE, 2, false};
    struct gemm_sample s = gemm_sample(&c, arena);
    struct tensor_core tc = {32, 13, 13, 0};
    double never = gemm_accumulation_error(&tc, &s).rms_ratio;
    tc.promote_every = 128;
    double promoted = gemm_accumulation_error(&tc, &s).rms_ratio;
    tc = (struct tensor_core){32, 40, 23, 0};
    double wide = gemm_accumulation_error(&tc, &s).rms_ratio;
    ck_assert_double_gt(never, 5 * promoted);
    ck_assert_double_gt(promoted, 10 * wide);
    ck_assert_double_lt(wide, 1e-4);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("formats");
    TCase *c = tcase_create("formats");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, every_code_decodes_by_definition, 0, N_FORMATS);
    tcase_add_loop_test(c, encoding_takes_the_nearest, 0, N_FORMATS);
    tcase_add_loop_test(c, arrays_agree_with_scalars, 0, N_FORMATS);
    tcase_add_test(c, published_limits);
    tcase_add_loop_test(c, logfmt_every_code_by_definition, 0, LOGFMT_MAX_BITS - LOGFMT_MIN_BITS + 1);
    tcase_add_loop_test(c, logfmt_takes_the_nearest, 0, 9);
    tcase_add_test(c, logfmt_range_is_two_to_the_32);
    tcase_add_loop_test(c, logfmt_against_fp8, 0, N_ACTIVATIONS);
    tcase_add_test(c, linear_rounding_is_unbiased);
    tcase_add_test(c, mx_blocks);
    tcase_add_loop_test(c, mx_every_code_and_scale, 0, sizeof mx_elements / sizeof *mx_elements);
    tcase_add_test(c, alignment_truncates);
    tcase_add_loop_test(c, fast_gemm_is_the_plain_one, 0, sizeof cores / sizeof *cores);
    tcase_add_test(c, accumulation_error_falls);
    suite_add_tcase(s, c);
    return tap_main(s);
}

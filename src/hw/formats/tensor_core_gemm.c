/* The emulated GEMM, vectorised: 32 columns of the result side by side, one element of K at a time. The
 * same bits as tensor_core_gemm_plain, which it leaves what it cannot hold: more than 23 aligned bits
 * (sums of 64 products would pass 31 bits), exponents of more than 5 bits, infinities and NaNs.
 *
 * Per step of K: products of two FP8 values are exact in binary32; multiplied by 2^(align_bits - largest
 * exponent) and converted to integers they are truncated toward zero, as the alignment does; integer sums
 * are exact. Exponents are 8-bit words beside the values. */
#include <math.h>
#include <stdbool.h>

#include "base/diag.h"
#include "hw/formats/simd.h"
#include "hw/formats/tensor_core_gemm.h"

enum {
    LANES = 32,
    MAX_FAST_ALIGN = 23,
    ZERO_EXPONENT = -60, /* of an operand that is zero: below all sums of two real exponents, -32 */
    LEAST_EXPONENT = -90 /* keeps 2^(align_bits - exponent) finite when everything is zero */
};

/* An operand laid out for the loop: rows of a, or panels of LANES rows of b with K outermost. */
struct operand {
    float *values;
    int8_t *exponents;
};

struct panel_work {
    const struct tensor_core *tc;
    uint32_t depth, interval, rows;
    struct operand a, panel;
    const float *scales; /* [interval][row][lane]: of a times of b */
    float *out;          /* [row][lane] */
};

struct lanes {
    f32x8 part[LANES / 8];
};

SIMD_INLINE void take_larger(i8x32 *best, int8_t a, const int8_t *b)
{
    i8x32 sum;
    memcpy(&sum, b, sizeof sum);
    sum += a;
    *best = SIMD_LARGER(sum, *best);
}

/* Four chains, because one would be bound by the latency of compare and select. */
SIMD_INLINE void largest_exponents(const int8_t *a, const int8_t *b, uint32_t n, i8x32 *most)
{
    i8x32 none = {0};
    none += ZERO_EXPONENT + ZERO_EXPONENT;
    i8x32 best0 = none, best1 = none, best2 = none, best3 = none;
    uint32_t k = 0;
    for (; k + 4 <= n; k += 4) {
        take_larger(&best0, a[k], b + (size_t)k * LANES);
        take_larger(&best1, a[k + 1], b + (size_t)(k + 1) * LANES);
        take_larger(&best2, a[k + 2], b + (size_t)(k + 2) * LANES);
        take_larger(&best3, a[k + 3], b + (size_t)(k + 3) * LANES);
    }
    for (; k < n; k++)
        take_larger(&best0, a[k], b + (size_t)k * LANES);
    best0 = SIMD_LARGER(best0, best1);
    best2 = SIMD_LARGER(best2, best3);
    *most = SIMD_LARGER(best0, best2);
}

/* 8 lanes between two additions: the register as integers of the common exponent. */
struct aligned {
    f32x8 up, down;
    i32x8 sum;
};

SIMD_INLINE void align_register(int align_bits, const int8_t *products_exponent, const f32x8 *reg, struct aligned *to)
{
    i32x8 exponent = ((i32x8)*reg >> 23 & 0xff) - 127, least = {0}, products = {0};
    for (int lane = 0; lane < 8; lane++)
        products[lane] = products_exponent[lane];
    least += LEAST_EXPONENT;
    exponent = SIMD_LARGER(exponent, products);
    exponent = SIMD_LARGER(exponent, least);
    to->up = (f32x8)((127 + align_bits - exponent) << 23);
    to->down = (f32x8)((127 - align_bits + exponent) << 23);
    to->sum = __builtin_convertvector(*reg * to->up, i32x8);
}

SIMD_INLINE void add_product(float a, const float *b, struct aligned *to)
{
    f32x8 value;
    memcpy(&value, b, sizeof value);
    value = value * a * to->up;
    to->sum += __builtin_convertvector(value, i32x8);
}

/* Conversion of sums above 24 bits rounds to nearest; where it went up, one step back. */
SIMD_INLINE void write_register(int register_bits, const struct aligned *from, f32x8 *reg)
{
    i32x8 sum = from->sum;
    f32x8 rounded = __builtin_convertvector(sum, f32x8);
    i32x8 back = __builtin_convertvector(rounded, i32x8);
    i32x8 sign = sum >> 31, magnitude = (sum ^ sign) - sign, got = (back ^ sign) - sign;
    i32x8 bits = (i32x8)rounded + (got > magnitude);
    *reg = (f32x8)(bits & (int32_t)(~0u << (23 - register_bits))) * from->down;
}

SIMD_INLINE void step(const struct panel_work *w, const float *a, const int8_t *ea, const float *b, const int8_t *eb,
                      uint32_t n, struct lanes *reg)
{
    i8x32 most;
    int8_t exponents[LANES];
    struct aligned x0, x1, x2, x3;
    largest_exponents(ea, eb, n, &most);
    memcpy(exponents, &most, sizeof exponents);
    align_register(w->tc->align_bits, exponents, &reg->part[0], &x0);
    align_register(w->tc->align_bits, exponents + 8, &reg->part[1], &x1);
    align_register(w->tc->align_bits, exponents + 16, &reg->part[2], &x2);
    align_register(w->tc->align_bits, exponents + 24, &reg->part[3], &x3);
    for (uint32_t k = 0; k < n; k++, b += LANES) {
        add_product(a[k], b, &x0);
        add_product(a[k], b + 8, &x1);
        add_product(a[k], b + 16, &x2);
        add_product(a[k], b + 24, &x3);
    }
    write_register(w->tc->register_bits, &x0, &reg->part[0]);
    write_register(w->tc->register_bits, &x1, &reg->part[1]);
    write_register(w->tc->register_bits, &x2, &reg->part[2]);
    write_register(w->tc->register_bits, &x3, &reg->part[3]);
}

/* One stretch of K between two promotions, for one row of a. */
SIMD_INLINE void part(const struct panel_work *w, uint32_t row, uint32_t at, struct lanes *reg)
{
    uint32_t end = at + w->interval < w->depth ? at + w->interval : w->depth;
    uint32_t group = (uint32_t)w->tc->group;
    const size_t from = (size_t)row * w->depth;
    memset(reg, 0, sizeof *reg);
    for (uint32_t k = at; k < end; k += group)
        step(w, w->a.values + from + k, w->a.exponents + from + k, w->panel.values + (size_t)k * LANES,
             w->panel.exponents + (size_t)k * LANES, end - k < group ? end - k : group, reg);
}

SIMD_CLONES
static void run_panel(const struct panel_work *w)
{
    size_t block = (size_t)w->rows * LANES;
    memset(w->out, 0, block * sizeof *w->out);
    for (uint32_t at = 0, p = 0; at < w->depth; at += w->interval, p++)
        for (uint32_t i = 0; i < w->rows; i++) {
            struct lanes reg;
            float values[LANES];
            const float *scale = w->scales + p * block + (size_t)i * LANES;
            part(w, i, at, &reg);
            memcpy(values, &reg, sizeof values);
            for (int lane = 0; lane < LANES; lane++)
                w->out[(size_t)i * LANES + (size_t)lane] =
                    fmaf(scale[lane], values[lane], w->out[(size_t)i * LANES + (size_t)lane]);
        }
}

/* --- layout ----------------------------------------------------------------------------------------- */

/* A format's codes as the loop wants them. */
struct table {
    float *values;
    int8_t *exponents;
};

static struct table table_of(const struct minifloat *f, struct arena *arena)
{
    uint32_t n = 1u << minifloat_bits(f);
    struct table t = {ARENA_ARRAY(arena, float, n), ARENA_ARRAY(arena, int8_t, n)};
    for (uint32_t code = 0; code < n; code++) {
        t.values[code] = minifloat_decode(f, code);
        t.exponents[code] = (int8_t)(t.values[code] == 0 ? ZERO_EXPONENT : minifloat_exponent(f, code));
    }
    return t;
}

static struct operand lay_out_rows(const struct quantised *q, const struct table *t, struct arena *arena)
{
    size_t n = (size_t)q->rows * q->cols;
    struct operand o = {ARENA_ARRAY(arena, float, n), ARENA_ARRAY(arena, int8_t, n)};
    for (size_t i = 0; i < n; i++) {
        o.values[i] = t->values[q->codes[i]];
        o.exponents[i] = t->exponents[q->codes[i]];
    }
    return o;
}

/* Rows first .. first + LANES of q; rows past the end are zero, as code 0 is in every format. By squares
 * of 32 x 32: rows lie at distances that would evict each other from the cache. */
static void lay_out_panel(const struct quantised *q, const struct table *t, uint32_t first, struct operand *panel)
{
    for (uint32_t at = 0; at < q->cols; at += LANES)
        for (uint32_t lane = 0; lane < LANES; lane++) {
            uint32_t end = at + LANES < q->cols ? at + LANES : q->cols;
            const uint16_t *row = q->codes + (size_t)(first + lane) * q->cols;
            for (uint32_t k = at; k < end; k++) {
                uint16_t code = first + lane < q->rows ? row[k] : 0;
                panel->values[(size_t)k * LANES + lane] = t->values[code];
                panel->exponents[(size_t)k * LANES + lane] = t->exponents[code];
            }
        }
}

static void lay_out_scales(const struct quantised *a, const struct quantised *b, uint32_t first, uint32_t interval,
                           float *scales)
{
    for (uint32_t at = 0; at < a->cols; at += interval)
        for (uint32_t i = 0; i < a->rows; i++)
            for (uint32_t lane = 0; lane < LANES; lane++, scales++)
                *scales = first + lane < b->rows ? quantised_scale(a, i, at) * quantised_scale(b, first + lane, at) : 0;
}

static bool fits(const struct tensor_core *tc, const struct quantised *a, const struct quantised *b)
{
    return tc->align_bits <= MAX_FAST_ALIGN && a->format->exponent_bits <= 5 && b->format->exponent_bits <= 5 &&
           minifloat_all_finite(a->format, a->codes, (size_t)a->rows * a->cols) &&
           minifloat_all_finite(b->format, b->codes, (size_t)b->rows * b->cols);
}

static void run_panels(struct panel_work *w, const struct quantised *a, const struct quantised *b,
                       const struct table *table_of_b, float *scales, float *c)
{
    for (uint32_t first = 0; first < b->rows; first += LANES) {
        lay_out_panel(b, table_of_b, first, &w->panel);
        lay_out_scales(a, b, first, w->interval, scales);
        run_panel(w);
        for (uint32_t i = 0; i < a->rows; i++)
            for (uint32_t lane = 0; lane < LANES && first + lane < b->rows; lane++)
                c[(size_t)i * b->rows + first + lane] = w->out[(size_t)i * LANES + lane];
    }
}

static void gemm_fast(const struct tensor_core *tc, const struct quantised *a, const struct quantised *b, float *c)
{
    struct arena *arena = arena_new();
    size_t panel = (size_t)a->cols * LANES, block = (size_t)a->rows * LANES;
    struct table of_a = table_of(a->format, arena), of_b = table_of(b->format, arena);
    struct panel_work w = {.tc = tc,
                           .depth = a->cols,
                           .interval = gemm_interval(tc, a, b),
                           .rows = a->rows,
                           .a = lay_out_rows(a, &of_a, arena),
                           .panel = {ARENA_ARRAY(arena, float, panel), ARENA_ARRAY(arena, int8_t, panel)},
                           .out = ARENA_ARRAY(arena, float, block)};
    float *scales = ARENA_ARRAY(arena, float, block *((w.depth + w.interval - 1) / w.interval));
    w.scales = scales;
    run_panels(&w, a, b, &of_b, scales, c);
    arena_free(arena);
}

void tensor_core_gemm(const struct tensor_core *tc, const struct quantised *a, const struct quantised *b, float *c)
{
    gemm_check(tc, a, b);
    if (fits(tc, a, b))
        gemm_fast(tc, a, b, c);
    else
        tensor_core_gemm_plain(tc, a, b, c);
}

/* --- the reference ---------------------------------------------------------------------------------- */

static void dequantise_double(const struct quantised *q, double *x)
{
    for (uint32_t r = 0; r < q->rows; r++)
        for (uint32_t c = 0; c < q->cols; c++, x++)
            *x = (double)minifloat_decode(q->format, q->codes[(size_t)r * q->cols + c]) *
                 (double)quantised_scale(q, r, c);
}

void gemm_double(const struct quantised *a, const struct quantised *b, double *c)
{
    struct arena *arena = arena_new();
    double *x = ARENA_ARRAY(arena, double, (size_t)a->rows * a->cols);
    double *y = ARENA_ARRAY(arena, double, (size_t)b->rows * b->cols);
    BUG_IF(a->cols != b->cols);
    dequantise_double(a, x);
    dequantise_double(b, y);
    for (uint32_t i = 0; i < a->rows; i++)
        for (uint32_t j = 0; j < b->rows; j++) {
            double sum = 0;
            for (uint32_t k = 0; k < a->cols; k++)
                sum += x[(size_t)i * a->cols + k] * y[(size_t)j * a->cols + k];
            c[(size_t)i * b->rows + j] = sum;
        }
    arena_free(arena);
}

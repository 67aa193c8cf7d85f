#include "hw/formats/quantise.h"

#include <math.h>

#include "hw/formats/simd.h"

/* 2^-100: the factor 448 / 2^-100 is far from overflow. */
static const float least_magnitude = 0x1p-100f;

SIMD_CLONES
static float row_magnitude(const float *x, uint32_t n)
{
    /* Magnitudes order like their patterns as signed words. */
    i32x8 most = {0};
    uint32_t i = 0;
    for (; i + 8 <= n; i += 8) {
        i32x8 in;
        memcpy(&in, x + i, sizeof in);
        in &= 0x7fffffff;
        most = (i32x8)SIMD_SELECT(in > most, in, most);
    }
    int32_t best = 0;
    for (int lane = 0; lane < 8; lane++)
        best = most[lane] > best ? most[lane] : best;
    float magnitude;
    memcpy(&magnitude, &best, sizeof magnitude);
    for (; i < n; i++)
        magnitude = fmaxf(magnitude, fabsf(x[i]));
    return magnitude;
}

SIMD_CLONES
static void multiply(const float *x, float factor, float *out, uint32_t n)
{
    uint32_t i = 0;
    for (; i + 8 <= n; i += 8) {
        f32x8 in;
        memcpy(&in, x + i, sizeof in);
        in *= factor;
        memcpy(out + i, &in, sizeof in);
    }
    for (; i < n; i++)
        out[i] = x[i] * factor;
}

static uint32_t at_most(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

struct block {
    uint32_t row, col, rows, cols;
};

static float block_magnitude(const float *x, uint32_t stride, const struct block *b)
{
    float most = least_magnitude;
    for (uint32_t r = b->row; r < b->row + b->rows; r++)
        most = fmaxf(most, row_magnitude(x + (size_t)r * stride + b->col, b->cols));
    return most;
}

static float scale_of(float magnitude, float largest, enum scale_kind kind)
{
    float scale = magnitude / largest;
    if (kind == SCALE_FP32)
        return scale;
    int exponent;
    float half = frexpf(scale, &exponent); /* in [0.5, 1) */
    return ldexpf(1, half == 0.5f ? exponent - 1 : exponent);
}

static void quantise_block(struct quantised *q, const float *x, const struct block *b, enum scale_kind kind, float *row)
{
    float largest = minifloat_max(q->format);
    float magnitude = block_magnitude(x, q->cols, b);
    float scale = scale_of(magnitude, largest, kind);
    float factor = kind == SCALE_FP32 ? largest / magnitude : 1 / scale;
    q->scales[b->row / q->block_rows * q->scale_cols + b->col / q->block_cols] = scale;
    for (uint32_t r = b->row; r < b->row + b->rows; r++) {
        size_t at = (size_t)r * q->cols + b->col;
        multiply(x + at, factor, row, b->cols);
        minifloat_encode_array(q->format, row, q->codes + at, b->cols);
    }
}

struct quantised quantise(const struct minifloat *f, const float *x, uint32_t rows, uint32_t cols,
                          struct blocking blocking, struct arena *arena)
{
    struct quantised q = {.format = f, .rows = rows, .cols = cols};
    q.block_rows = blocking.rows ? blocking.rows : rows;
    q.block_cols = blocking.cols ? blocking.cols : cols;
    q.scale_cols = (cols + q.block_cols - 1) / q.block_cols;
    q.codes = ARENA_ARRAY(arena, uint16_t, (size_t)rows * cols);
    q.scales = ARENA_ARRAY(arena, float, (size_t)q.scale_cols *((rows + q.block_rows - 1) / q.block_rows));
    float *row = ARENA_ARRAY(arena, float, at_most(q.block_cols, cols));
    for (uint32_t r = 0; r < rows; r += q.block_rows)
        for (uint32_t c = 0; c < cols; c += q.block_cols) {
            struct block b = {r, c, at_most(q.block_rows, rows - r), at_most(q.block_cols, cols - c)};
            quantise_block(&q, x, &b, blocking.scale, row);
        }
    return q;
}

void dequantise(const struct quantised *q, float *x)
{
    minifloat_decode_array(q->format, q->codes, x, (size_t)q->rows * q->cols);
    for (uint32_t r = 0; r < q->rows; r++)
        for (uint32_t c = 0; c < q->cols; c += q->block_cols) {
            float *at = x + (size_t)r * q->cols + c;
            multiply(at, quantised_scale(q, r, c), at, at_most(q->block_cols, q->cols - c));
        }
}

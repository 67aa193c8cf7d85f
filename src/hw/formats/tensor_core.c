/* A tensor core's addition by its definition, and the GEMM made of it. */
#include "hw/formats/tensor_core.h"

#include <math.h>

#include "base/diag.h"
#include "hw/formats/tensor_core_gemm.h"

const struct tensor_core tensor_core_hopper_fp8 = {
    .group = 32, .align_bits = 13, .register_bits = 13, .promote_every = 128};

static double truncated(double x, int exponent, int bits)
{
    return ldexp(trunc(ldexp(x, bits - exponent)), exponent - bits);
}

/* Infinities and NaNs go through as in IEEE 754; alignment is about finite values only. */
static bool special_sum(float accumulator, const double *products, int n, float *sum)
{
    double all = accumulator;
    for (int i = 0; i < n; i++)
        all += products[i];
    *sum = (float)all;
    return !isfinite(all);
}

float tensor_core_step(const struct tensor_core *tc, float accumulator, const double *products, const int *exponents,
                       int n)
{
    float special;
    if (special_sum(accumulator, products, n, &special))
        return special;
    int largest = accumulator == 0 ? TENSOR_CORE_NO_EXPONENT : ilogbf(accumulator);
    for (int i = 0; i < n; i++)
        largest = exponents[i] > largest ? exponents[i] : largest;
    if (largest == TENSOR_CORE_NO_EXPONENT)
        return 0;
    double sum = truncated(accumulator, largest, tc->align_bits);
    for (int i = 0; i < n; i++)
        sum += truncated(products[i], largest, tc->align_bits);
    return sum == 0 ? 0 : (float)truncated(sum, ilogb(sum), tc->register_bits);
}

/* --- GEMM ------------------------------------------------------------------------------------------- */

static uint32_t at_most(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* K elements from one scaling to the next. */
uint32_t gemm_interval(const struct tensor_core *tc, const struct quantised *a, const struct quantised *b)
{
    uint32_t interval = at_most(at_most(a->block_cols, b->block_cols), a->cols);
    if (tc->promote_every)
        interval = at_most(interval, (uint32_t)tc->promote_every);
    return interval;
}

void gemm_check(const struct tensor_core *tc, const struct quantised *a, const struct quantised *b)
{
    uint32_t interval = gemm_interval(tc, a, b), group = (uint32_t)tc->group;
    BUG_IF(a->cols != b->cols);
    BUG_IF(tc->group < 1 || tc->group > TENSOR_CORE_MAX_GROUP);
    BUG_IF(tc->align_bits < 1 || tc->align_bits > TENSOR_CORE_MAX_ALIGN);
    BUG_IF(tc->register_bits < 1 || tc->register_bits > 23);
    BUG_IF(interval < a->cols && interval % group);
    BUG_IF(a->block_cols < a->cols && a->block_cols % interval);
    BUG_IF(b->block_cols < b->cols && b->block_cols % interval);
}

/* The products of one group of a row of a and a row of b. */
static int multiply_group(const struct quantised *a, uint32_t i, const struct quantised *b, uint32_t j, uint32_t k,
                          uint32_t end, double *products, int *exponents)
{
    int n = 0;
    for (; k < end; k++, n++) {
        uint32_t x = a->codes[(size_t)i * a->cols + k], y = b->codes[(size_t)j * b->cols + k];
        products[n] = (double)minifloat_decode(a->format, x) * (double)minifloat_decode(b->format, y);
        exponents[n] = products[n] == 0 ? TENSOR_CORE_NO_EXPONENT
                                        : minifloat_exponent(a->format, x) + minifloat_exponent(b->format, y);
    }
    return n;
}

static float dot_plain(const struct tensor_core *tc, const struct quantised *a, uint32_t i, const struct quantised *b,
                       uint32_t j)
{
    uint32_t interval = gemm_interval(tc, a, b);
    float sum = 0;
    for (uint32_t at = 0; at < a->cols; at += interval) {
        uint32_t end = at_most(at + interval, a->cols);
        float part = 0;
        for (uint32_t k = at; k < end; k += (uint32_t)tc->group) {
            double products[TENSOR_CORE_MAX_GROUP];
            int exponents[TENSOR_CORE_MAX_GROUP];
            int n = multiply_group(a, i, b, j, k, at_most(k + (uint32_t)tc->group, end), products, exponents);
            part = tensor_core_step(tc, part, products, exponents, n);
        }
        sum = fmaf(quantised_scale(a, i, at) * quantised_scale(b, j, at), part, sum);
    }
    return sum;
}

void tensor_core_gemm_plain(const struct tensor_core *tc, const struct quantised *a, const struct quantised *b,
                            float *c)
{
    gemm_check(tc, a, b);
    for (uint32_t i = 0; i < a->rows; i++)
        for (uint32_t j = 0; j < b->rows; j++)
            c[(size_t)i * b->rows + j] = dot_plain(tc, a, i, b, j);
}

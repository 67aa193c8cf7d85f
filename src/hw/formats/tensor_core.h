/* How a tensor core adds: the arithmetic of an FP8 GEMM on Hopper, bit by bit (paper 3.1).
 *
 * One instruction step takes a group of products (32 for FP8) and the accumulator, aligns all of them to
 * the largest exponent, keeps `align_bits` fraction bits of each by truncation, adds those exactly, and
 * writes the sum to a register of 1 sign, 8 exponent and `register_bits` mantissa bits, truncating again
 * (13: FP22). Every `promote_every` elements of K the register is scaled, added to an FP32 accumulator on
 * the CUDA cores, and cleared (DeepGEMM: 128).
 *
 * Two readings of the paper are settled by measurements of others: the accumulator takes part in the
 * alignment, and an exponent is the sum of the operands' exponents, before the product is normalised
 * (microsoft/MMA-Sim, bit-accurate models of tensor cores, WGMMA on Hopper: f32_e8m13, 13 fraction bits).
 * SageAttention2 (arXiv:2411.10958) measured the register: what is below the 13th mantissa bit is lost even
 * with A = B = 0.
 *
 * Left out: the order of products inside a group (it cannot matter: the sum is exact), sparsity, FP16
 * accumulators, the sign of a zero result, which payload a NaN has. */
#ifndef MOESIM_HW_FORMATS_TENSOR_CORE_H
#define MOESIM_HW_FORMATS_TENSOR_CORE_H

#include "hw/formats/quantise.h"

struct tensor_core {
    int group;         /* products added in one step; at most TENSOR_CORE_MAX_GROUP */
    int align_bits;    /* 1 .. 40 */
    int register_bits; /* 1 .. 23 */
    int promote_every; /* elements of K, a multiple of group; 0 = only at the end */
};

enum { TENSOR_CORE_MAX_GROUP = 64, TENSOR_CORE_MAX_ALIGN = 40, TENSOR_CORE_NO_EXPONENT = -1000 };

extern const struct tensor_core tensor_core_hopper_fp8; /* 32, 13, 13, promoted every 128 */

/* One step by its definition: n products with their unnormalised exponents, zeros having none
 * (TENSOR_CORE_NO_EXPONENT). Products must be exact in double. */
float tensor_core_step(const struct tensor_core *tc, float accumulator, const double *products, const int *exponents,
                       int n);

/* c[m][n] = a[m][k] * b[n][k]' (both have K as their second dimension), with scales. Promotes at least at
 * every border of a scale's block, because the scale is applied there. The blocks of a and b along K are
 * multiples of the group, or cover all of K. */
void tensor_core_gemm(const struct tensor_core *tc, const struct quantised *a, const struct quantised *b, float *c);
/* The same by tensor_core_step alone: slow, for tests and for what the fast version cannot hold. */
void tensor_core_gemm_plain(const struct tensor_core *tc, const struct quantised *a, const struct quantised *b,
                            float *c);
/* The product of the same codes and scales in double. */
void gemm_double(const struct quantised *a, const struct quantised *b, double *c);

#endif

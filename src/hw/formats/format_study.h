/* What a number format costs in accuracy: errors of values, of the combine step of expert parallelism,
 * and of GEMMs whose accumulation is that of a tensor core. Every number is measured on drawn (seeded) or
 * given data; nothing is looked up.
 *
 * Distributions, all of unit scale: Gaussian; heavy-tailed (Student's t, 3 degrees of freedom); outliers
 * (Gaussian, one channel in 1,000 is 20 times as large: the systematic outlier channels of large models,
 * Dettmers et al., LLM.int8(), arXiv:2208.07339); uniform on -1 .. 1 (flat: what rounding bias is about).
 *
 * Left out: what an error does to a model's loss. */
#ifndef MOESIM_HW_FORMATS_FORMAT_STUDY_H
#define MOESIM_HW_FORMATS_FORMAT_STUDY_H

#include "hw/formats/number_format.h"
#include "hw/formats/tensor_core.h"

enum activations { GAUSSIAN, HEAVY_TAILED, OUTLIERS, UNIFORM, N_ACTIVATIONS };

const char *activations_name(enum activations kind);
void activations_fill(enum activations kind, uint64_t seed, uint32_t rows, uint32_t cols, float *x);

/* y against x. */
struct format_error {
    double snr_dB;         /* sum of x^2 / sum of (y - x)^2; infinite when exact */
    double relative_ratio; /* mean of |y - x| / |x| over x that is not 0 */
    double bias_ratio;     /* mean of |y| - |x|, over the mean of |x| */
    double bias_se_ratio;  /* standard error of bias_ratio */
    double zeroed_ratio;   /* share of values not 0 that became 0 */
};

struct format_error format_error(const float *x, const float *y, size_t n);

/* The combine step (paper 3.2): every token sums `experts` outputs that came over the wire in the format,
 * weighted, in FP32; the sum is stored in BF16. Against the sum in double of what was sent. */
struct format_error combine_error(const struct number_format *f, enum activations kind, uint64_t seed, uint32_t tokens,
                                  uint32_t cols, uint32_t experts);

struct gemm_error {
    double rms_ratio;  /* Frobenius norm of the error, over that of the reference */
    double max_ratio;  /* largest error, over the root mean square of the reference */
    double bias_ratio; /* mean of |c| - |reference|, over the mean of |reference| */
};

/* What the operands of a GEMM are made of: zero mean (Gaussian), or not (uniform on 0 .. 1). */
enum gemm_data { GEMM_GAUSSIAN, GEMM_POSITIVE };

struct gemm_case {
    uint32_t m, n, k;
    enum gemm_data data;
    uint64_t seed;
    bool fine; /* scales of 1 x 128 and 128 x 128 in E4M3, else one for each operand */
};

/* Operands in E4M3, with the double product of the codes and that of the data before quantisation. */
struct gemm_sample {
    struct quantised a, b;
    double *codes_product, *true_product;
};

struct gemm_sample gemm_sample(const struct gemm_case *c, struct arena *arena);
/* Of the accumulation alone: emulated against the double product of the same codes. */
struct gemm_error gemm_accumulation_error(const struct tensor_core *tc, const struct gemm_sample *s);
/* Of the quantisation alone: both in double. */
struct gemm_error gemm_quantisation_error(const struct gemm_sample *s);

#endif

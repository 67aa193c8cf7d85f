/* Matrices in a minifloat with scales: one FP32 scale for each block of rows x columns. Fine-grained
 * scaling as DeepSeek-V3 uses it is 1 x 128 for activations and 128 x 128 for weights (paper 2.1, 3.1);
 * a block of the whole matrix is per-tensor scaling.
 *
 * scale = largest magnitude of the block / largest value of the format, both in FP32; codes are those of
 * x * (largest value / largest magnitude), in FP32, as DeepGEMM's casts compute it. Blocks of nothing but
 * zeros (or of values below 2^-100, whose factor would overflow) get the scale of 2^-100.
 *
 * Left out: DeepGEMM's lower limit of 1e-4 on the largest magnitude, which is about its inputs. */
#ifndef MOESIM_HW_FORMATS_QUANTISE_H
#define MOESIM_HW_FORMATS_QUANTISE_H

#include <stdint.h>

#include "base/arena.h"
#include "hw/formats/minifloat.h"

enum scale_kind {
    SCALE_FP32,
    SCALE_POWER_OF_2 /* rounded up to a power of two (UE8M0), so that nothing saturates */
};

struct blocking {
    uint32_t rows, cols; /* of one block; 0 = all */
    enum scale_kind scale;
};

struct quantised {
    const struct minifloat *format;
    uint32_t rows, cols;
    uint32_t block_rows, block_cols; /* never 0 */
    uint32_t scale_cols;             /* blocks in a row of blocks */
    uint16_t *codes;                 /* [rows][cols] */
    float *scales;                   /* [block row][block column] */
};

/* x is [rows][cols], finite. Codes and scales are the arena's. */
struct quantised quantise(const struct minifloat *f, const float *x, uint32_t rows, uint32_t cols,
                          struct blocking blocking, struct arena *arena);
/* x = scale * value, in FP32. */
void dequantise(const struct quantised *q, float *x);

static inline float quantised_scale(const struct quantised *q, uint32_t row, uint32_t col)
{
    return q->scales[row / q->block_rows * q->scale_cols + col / q->block_cols];
}

#endif

/* LogFMT-nBit, the paper's logarithmic format for activations on the wire (3.2). n bits: the leading one
 * is the sign, the others a number k.
 *
 * A tile of 1 x 128 values shares the smallest and the largest logarithm of its magnitudes: k = 0 is zero,
 * k = 1 the smallest magnitude, k = 2^(n-1) - 1 the largest, evenly spaced in the logarithm between:
 *
 *     Step = (max - min) / (2^(n-1) - 2)          value = sign * 2^(min + Step * (k - 1))
 *
 * min is kept within max - 32 (a range of 2^32, that of 5 exponent bits); what is smaller becomes k = 1 or
 * zero, whichever is nearer.
 *
 * Rounding: LOGFMT_LINEAR takes the neighbour that is nearer in value, as the paper demands for unbiased
 * activations; LOGFMT_LOG the nearer in the logarithm, for comparison. Ties go to the even k.
 *
 * Logarithms are to base 2 here; the base drops out of the definition. The paper does not say how min and
 * Step travel: here they are two binary32 numbers, 64 bits per tile, and values are computed from them in
 * double and rounded to binary32, so that sender and receiver agree bit by bit.
 *
 * Left out: the cost of it (the paper's 50 - 100 % when fused with communication). */
#ifndef MOESIM_HW_FORMATS_LOGFMT_H
#define MOESIM_HW_FORMATS_LOGFMT_H

#include <stdint.h>

enum { LOGFMT_TILE = 128, LOGFMT_MIN_BITS = 4, LOGFMT_MAX_BITS = 16, LOGFMT_RANGE_LOG2 = 32 };
enum logfmt_rounding { LOGFMT_LINEAR, LOGFMT_LOG };

struct logfmt_tile {
    float min_log2, step_log2;
    uint16_t codes[LOGFMT_TILE]; /* sign << (n - 1) | k */
};

/* count <= LOGFMT_TILE values, finite. */
void logfmt_encode(int bits, enum logfmt_rounding rounding, const float *x, int count, struct logfmt_tile *tile);
void logfmt_decode(int bits, const struct logfmt_tile *tile, float *x, int count);

#endif

/* Binary floating-point formats of up to 22 bits: sign, exponent, mantissa, with subnormals. What differs
 * between them is a row: widths, bias, and which codes are infinities or NaNs. Codes are right-aligned
 * integers with the sign in the top bit of the format's width.
 *
 * Every value of every format is a binary32 number, so decoding is exact; encoding rounds to nearest,
 * ties to even.
 *
 * Left out: other rounding modes (stochastic rounding among them), signalling NaNs, exception flags.
 *
 * References: OCP 8-bit Floating Point Specification (OFP8) 1.0; OCP Microscaling Formats (MX) 1.0 for
 * the 4- and 6-bit elements; IEEE 754-2019 3.4; the paper, 3.1 (FP22) and 3.2 (E5M6). */
#ifndef MOESIM_HW_FORMATS_MINIFLOAT_H
#define MOESIM_HW_FORMATS_MINIFLOAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum minifloat_specials {
    MINIFLOAT_IEEE,    /* the top exponent: infinity and NaNs */
    MINIFLOAT_ONE_NAN, /* all ones is NaN; no infinity (OFP8 E4M3) */
    MINIFLOAT_FINITE   /* every code is a number (MX elements of 4 and 6 bits) */
};

struct minifloat {
    const char *name;
    int exponent_bits, mantissa_bits, bias;
    enum minifloat_specials specials;
};

/* What a value beyond the largest becomes: the largest, or infinity (NaN where there is none). */
enum minifloat_overflow { MINIFLOAT_SATURATE, MINIFLOAT_OVERFLOW };

extern const struct minifloat minifloat_e4m3, minifloat_e5m2, minifloat_e5m6, minifloat_bf16, minifloat_fp16,
    minifloat_e2m3, minifloat_e3m2, minifloat_e2m1;

int minifloat_bits(const struct minifloat *f);
float minifloat_max(const struct minifloat *f);        /* the largest finite value */
int minifloat_max_exponent(const struct minifloat *f); /* of the largest finite value */
int minifloat_min_exponent(const struct minifloat *f); /* of the smallest normal value */

float minifloat_decode(const struct minifloat *f, uint32_t code);
/* A NaN becomes the format's NaN; not allowed where there is none. */
uint32_t minifloat_encode(const struct minifloat *f, float x, enum minifloat_overflow overflow);
/* The exponent that goes with the significand before any normalisation: that of the smallest normal
 * value for subnormals. Not for zeros, infinities and NaNs. */
int minifloat_exponent(const struct minifloat *f, uint32_t code);

/* The same for arrays, vectorised; formats of at most 16 bits. Saturating. */
void minifloat_encode_array(const struct minifloat *f, const float *x, uint16_t *codes, size_t n);
void minifloat_decode_array(const struct minifloat *f, const uint16_t *codes, float *x, size_t n);
bool minifloat_all_finite(const struct minifloat *f, const uint16_t *codes, size_t n);

#endif

/* Microscaling (MX) blocks: 32 elements in a small format share one power of two (E8M0).
 *
 * The shared exponent is floor(log2(largest magnitude)) - (exponent of the element format's largest
 * value), limited to what E8M0 can say; elements are rounded to nearest even and saturate: the largest
 * magnitude can be up to 2^(emax+1) / max of the format above its range, which is MX's known loss.
 * MXINT8 has elements of two's complement with 6 fraction bits, here limited to -127/64 .. 127/64, as
 * the specification allows.
 *
 * Left out: NaN blocks (inputs are finite).
 * Reference: OCP Microscaling Formats (MX) Specification 1.0, 5.2, 5.3, 6.3. */
#ifndef MOESIM_HW_FORMATS_MX_H
#define MOESIM_HW_FORMATS_MX_H

#include "hw/formats/minifloat.h"

enum { MX_BLOCK = 32 };

struct mx_block {
    uint8_t scale;            /* E8M0: 2^(scale - 127) */
    uint16_t codes[MX_BLOCK]; /* of the minifloat, or two's complement in 8 bits */
};

/* element NULL = INT8. n <= MX_BLOCK; codes past n are zero. */
void mx_encode(const struct minifloat *element, const float *x, int n, struct mx_block *block);
void mx_decode(const struct minifloat *element, const struct mx_block *block, float *x, int n);

#endif

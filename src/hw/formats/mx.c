#include "hw/formats/mx.h"

#include <math.h>
#include <string.h>

enum { INT8_FRACTION_BITS = 6, E8M0_BIAS = 127 };

static uint8_t shared_scale(const struct minifloat *element, const float *x, int n)
{
    float largest = 0;
    for (int i = 0; i < n; i++)
        largest = fmaxf(largest, fabsf(x[i]));
    if (largest == 0)
        return 0;
    int exponent = ilogbf(largest) - (element ? minifloat_max_exponent(element) : 0);
    return (uint8_t)(exponent < -E8M0_BIAS ? 0 : exponent + E8M0_BIAS);
}

static uint16_t encode_int8(float x)
{
    float units = nearbyintf(ldexpf(x, INT8_FRACTION_BITS));
    return (uint8_t)(int)fmaxf(-127, fminf(127, units));
}

void mx_encode(const struct minifloat *element, const float *x, int n, struct mx_block *block)
{
    float scaled[MX_BLOCK];
    memset(block, 0, sizeof *block);
    block->scale = shared_scale(element, x, n);
    for (int i = 0; i < n; i++)
        scaled[i] = ldexpf(x[i], E8M0_BIAS - block->scale);
    if (element)
        minifloat_encode_array(element, scaled, block->codes, (size_t)n);
    for (int i = 0; i < n && !element; i++)
        block->codes[i] = encode_int8(scaled[i]);
}

void mx_decode(const struct minifloat *element, const struct mx_block *block, float *x, int n)
{
    if (element)
        minifloat_decode_array(element, block->codes, x, (size_t)n);
    for (int i = 0; i < n; i++) {
        float value = element ? x[i] : ldexpf((int8_t)block->codes[i], -INT8_FRACTION_BITS);
        x[i] = ldexpf(value, block->scale - E8M0_BIAS);
    }
}

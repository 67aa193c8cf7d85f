/* Minifloats one at a time, by their definition: the plain version that the vectorised one
 * (minifloat_array.c) is held against. */
#include "hw/formats/minifloat.h"

#include <math.h>

#include "base/diag.h"

const struct minifloat minifloat_e4m3 = {"e4m3", 4, 3, 7, MINIFLOAT_ONE_NAN};
const struct minifloat minifloat_e5m2 = {"e5m2", 5, 2, 15, MINIFLOAT_IEEE};
/* The paper (3.2) names E5M6 only; as E5M2, it is a binary16 number cut short. */
const struct minifloat minifloat_e5m6 = {"e5m6", 5, 6, 15, MINIFLOAT_IEEE};
const struct minifloat minifloat_bf16 = {"bf16", 8, 7, 127, MINIFLOAT_IEEE};
const struct minifloat minifloat_fp16 = {"fp16", 5, 10, 15, MINIFLOAT_IEEE};
const struct minifloat minifloat_e2m3 = {"e2m3", 2, 3, 1, MINIFLOAT_FINITE};
const struct minifloat minifloat_e3m2 = {"e3m2", 3, 2, 3, MINIFLOAT_FINITE};
const struct minifloat minifloat_e2m1 = {"e2m1", 2, 1, 1, MINIFLOAT_FINITE};

int minifloat_bits(const struct minifloat *f)
{
    return 1 + f->exponent_bits + f->mantissa_bits;
}

/* All codes above this one, without the sign, are infinities or NaNs. */
static uint32_t last_finite(const struct minifloat *f)
{
    uint32_t all_ones = (1u << (f->exponent_bits + f->mantissa_bits)) - 1;
    switch (f->specials) {
    case MINIFLOAT_FINITE:
        return all_ones;
    case MINIFLOAT_ONE_NAN:
        return all_ones - 1;
    case MINIFLOAT_IEEE:
        return all_ones - (1u << f->mantissa_bits);
    }
    BUG("minifloat %s: unknown kind of specials", f->name);
}

int minifloat_min_exponent(const struct minifloat *f)
{
    return 1 - f->bias;
}

int minifloat_max_exponent(const struct minifloat *f)
{
    return (int)(last_finite(f) >> f->mantissa_bits) - f->bias;
}

float minifloat_max(const struct minifloat *f)
{
    return minifloat_decode(f, last_finite(f));
}

int minifloat_exponent(const struct minifloat *f, uint32_t code)
{
    int field = (int)(code >> f->mantissa_bits & ((1u << f->exponent_bits) - 1));
    return (field ? field : 1) - f->bias;
}

float minifloat_decode(const struct minifloat *f, uint32_t code)
{
    uint32_t sign = code >> (minifloat_bits(f) - 1) & 1;
    uint32_t magnitude = code & ((1u << (minifloat_bits(f) - 1)) - 1);
    uint32_t infinity = ((1u << f->exponent_bits) - 1) << f->mantissa_bits;
    float x;
    if (magnitude > last_finite(f))
        x = f->specials == MINIFLOAT_IEEE && magnitude == infinity ? INFINITY : NAN;
    else {
        uint32_t hidden = magnitude >> f->mantissa_bits ? 1u << f->mantissa_bits : 0;
        uint32_t significand = hidden | (magnitude & ((1u << f->mantissa_bits) - 1));
        x = ldexpf((float)significand, minifloat_exponent(f, code) - f->mantissa_bits);
    }
    return sign ? -x : x;
}

static uint32_t overflowed(const struct minifloat *f, enum minifloat_overflow overflow)
{
    if (overflow == MINIFLOAT_SATURATE || f->specials == MINIFLOAT_FINITE)
        return last_finite(f);
    return last_finite(f) + 1;
}

uint32_t minifloat_encode(const struct minifloat *f, float x, enum minifloat_overflow overflow)
{
    uint32_t sign = (signbit(x) ? 1u : 0u) << (minifloat_bits(f) - 1);
    if (isnan(x)) {
        BUG_IF(f->specials == MINIFLOAT_FINITE);
        return sign | (last_finite(f) + (f->specials == MINIFLOAT_IEEE ? 2 : 1));
    }
    if (isinf(x))
        return sign | overflowed(f, overflow);
    int exponent = x == 0 ? minifloat_min_exponent(f) : ilogbf(x);
    if (exponent < minifloat_min_exponent(f))
        exponent = minifloat_min_exponent(f);
    /* In units of the last mantissa bit; a carry out of the mantissa lands in the exponent field. */
    double units = nearbyint(ldexp(fabs((double)x), f->mantissa_bits - exponent));
    uint64_t code = (uint64_t)units + ((uint64_t)(exponent - minifloat_min_exponent(f)) << f->mantissa_bits);
    return sign | (code > last_finite(f) ? overflowed(f, overflow) : (uint32_t)code);
}

/* Minifloats by the array: 8 lanes at a time, without branches. Same bits as minifloat.c.
 *
 * Encoding works on the binary32 pattern. Normal results: round to nearest even by adding half a unit
 * (and the last kept bit) before the shift. Subnormal results: adding the power of two whose unit in the
 * last place is the format's smallest value lets the FPU round there, and leaves the code in the low bits. */
#include <math.h>

#include "base/diag.h"
#include "hw/formats/minifloat.h"
#include "hw/formats/simd.h"

/* What the loops need of a format, as words. */
struct shape {
    int shift;         /* mantissa bits of binary32 that fall away */
    uint32_t rebias;   /* difference of exponent fields, in place */
    uint32_t sign_bit; /* of the code */
    int sign_shift;
    uint32_t last, nan;    /* largest finite code; the NaN */
    uint32_t first_normal; /* binary32 pattern of the smallest normal value */
    float subnormal_magic;
    float decode_scale;
    uint32_t infinity; /* codes from here on have a binary32 exponent of all ones */
};

static uint32_t bits_of(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static struct shape shape_of(const struct minifloat *f)
{
    BUG_IF(minifloat_bits(f) > 16);
    uint32_t all = (1u << (minifloat_bits(f) - 1)) - 1;
    int min = minifloat_min_exponent(f);
    struct shape s = {
        .shift = 23 - f->mantissa_bits,
        .rebias = (uint32_t)(127 - f->bias) << f->mantissa_bits,
        .sign_bit = all + 1,
        .sign_shift = minifloat_bits(f) - 1,
        .last = minifloat_encode(f, minifloat_max(f), MINIFLOAT_SATURATE),
        .nan = f->specials == MINIFLOAT_FINITE ? 0 : minifloat_encode(f, NAN, MINIFLOAT_SATURATE),
        .first_normal = bits_of(ldexpf(1, min)),
        .subnormal_magic = ldexpf(1, min - f->mantissa_bits + 23),
        .decode_scale = ldexpf(1, 127 - f->bias),
        .infinity = all + 1,
    };
    if (f->specials == MINIFLOAT_IEEE)
        s.infinity = s.last + 1;
    else if (f->specials == MINIFLOAT_ONE_NAN)
        s.infinity = s.nan;
    s.nan &= all;
    return s;
}

SIMD_INLINE void encode8(const struct shape *s, const u32x8 *x, u32x8 *out)
{
    u32x8 magnitude = *x & 0x7fffffffu, sign = *x >> 31;
    u32x8 odd = magnitude >> s->shift & 1;
    u32x8 normal = ((magnitude + ((1u << (s->shift - 1)) - 1) + odd) >> s->shift) - s->rebias;
    f32x8 shifted = (f32x8)magnitude + s->subnormal_magic;
    u32x8 subnormal = (u32x8)shifted - bits_of(s->subnormal_magic);
    /* As signed words: magnitudes have no top bit, and x86 below v4 compares signed words only. */
    i32x8 is_small = (i32x8)magnitude < (int32_t)s->first_normal;
    u32x8 code = SIMD_SELECT(is_small, subnormal, normal);
    i32x8 too_large = (i32x8)code > (int32_t)s->last;
    i32x8 is_nan = (i32x8)magnitude > 0x7f800000;
    code = SIMD_SELECT(too_large, (u32x8){0} + s->last, code);
    code = SIMD_SELECT(is_nan, (u32x8){0} + s->nan, code);
    *out = code | sign << s->sign_shift;
}

SIMD_INLINE void decode8(const struct shape *s, const u32x8 *code, u32x8 *x)
{
    u32x8 magnitude = *code & (s->sign_bit - 1), sign = *code >> s->sign_shift;
    f32x8 scaled = (f32x8)(magnitude << s->shift) * s->decode_scale;
    i32x8 special = (i32x8)magnitude >= (int32_t)s->infinity;
    /* One NaN: all ones, so that its mantissa is not zero; IEEE: the mantissa says which. */
    u32x8 wide = 0x7f800000u | (magnitude << s->shift & 0x7fffffu);
    *x = SIMD_SELECT(special, wide, scaled) | sign << 31;
}

SIMD_CLONES
static void encode_blocks(const struct shape *s, const float *x, uint16_t *codes, size_t blocks)
{
    for (size_t b = 0; b < blocks; b++) {
        u32x8 in, wide;
        memcpy(&in, x + 8 * b, sizeof in);
        encode8(s, &in, &wide);
        u16x8 out = __builtin_convertvector(wide, u16x8);
        memcpy(codes + 8 * b, &out, sizeof out);
    }
}

SIMD_CLONES
static void decode_blocks(const struct shape *s, const uint16_t *codes, float *x, size_t blocks)
{
    for (size_t b = 0; b < blocks; b++) {
        u16x8 in;
        memcpy(&in, codes + 8 * b, sizeof in);
        u32x8 out, wide = __builtin_convertvector(in, u32x8);
        decode8(s, &wide, &out);
        memcpy(x + 8 * b, &out, sizeof out);
    }
}

void minifloat_encode_array(const struct minifloat *f, const float *x, uint16_t *codes, size_t n)
{
    struct shape s = shape_of(f);
    encode_blocks(&s, x, codes, n / 8);
    for (size_t i = n / 8 * 8; i < n; i++)
        codes[i] = (uint16_t)minifloat_encode(f, x[i], MINIFLOAT_SATURATE);
}

void minifloat_decode_array(const struct minifloat *f, const uint16_t *codes, float *x, size_t n)
{
    struct shape s = shape_of(f);
    decode_blocks(&s, codes, x, n / 8);
    for (size_t i = n / 8 * 8; i < n; i++)
        x[i] = minifloat_decode(f, codes[i]);
}

bool minifloat_all_finite(const struct minifloat *f, const uint16_t *codes, size_t n)
{
    struct shape s = shape_of(f);
    uint32_t largest = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t magnitude = codes[i] & (s.sign_bit - 1);
        largest = magnitude > largest ? magnitude : largest;
    }
    return largest <= s.last;
}

/* Vectors by the compiler's own extension, and functions compiled once per x86 level and chosen when the
 * program starts. Every operation used on them is exact or a single rounding, so all
 * versions give the same bits. */
#ifndef MOESIM_HW_FORMATS_SIMD_H
#define MOESIM_HW_FORMATS_SIMD_H

#include <stdint.h>
#include <string.h>

typedef float f32x8 __attribute__((vector_size(32)));
typedef int32_t i32x8 __attribute__((vector_size(32)));
typedef uint32_t u32x8 __attribute__((vector_size(32)));
typedef uint16_t u16x8 __attribute__((vector_size(16)));
typedef int8_t i8x32 __attribute__((vector_size(32)));

/* Resolvers of clones run before the sanitizers are ready; clang 14 knows the attribute only in part. */
#if defined __x86_64__ && defined __GNUC__ && !defined __clang__ && !defined __SANITIZE_ADDRESS__
#define SIMD_CLONES __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define SIMD_CLONES
#endif

#define SIMD_INLINE static inline __attribute__((always_inline))

/* Lanes of x where mask is all ones, lanes of y where it is zero, as unsigned words. A macro, as vectors
 * are passed between functions by pointer only: by value they have no ABI that all levels share. */
#define SIMD_SELECT(mask, x, y) (((u32x8)(mask) & (u32x8)(x)) | (~(u32x8)(mask) & (u32x8)(y)))

/* The larger of two vectors of the same signed type, by lane. */
#define SIMD_LARGER(x, y) ((((x) > (y)) & (x)) | (~((x) > (y)) & (y)))

#endif

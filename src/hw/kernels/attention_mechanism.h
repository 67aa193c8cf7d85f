/* What attention kernels have in common: decoding, few queries against a long cache, and prefill, tiles of queries. Each
 * family (mla.c, gqa.c) has constants of its own. Inside src/hw/kernels only. */
#ifndef MOESIM_HW_KERNELS_ATTENTION_MECHANISM_H
#define MOESIM_HW_KERNELS_ATTENTION_MECHANISM_H

#include "hw/kernels/mechanism.h"

/* Positions that queries of a decoding step look at: the window's, or all. */
double attention_length(const struct kernel_call *call);
/* Bytes of the cache for one position of a sequence, all heads. */
double attention_token_B(const struct kernel_call *call);

extern const struct kernel_constant decode_constants[], prefill_constants[];
extern const char *const decode_variants[];
bool decode_has(const char *constant, enum kernel_dtype dtype, int variant);

void decode_time(const double *constants, int variant, const struct kernel_device *on, const struct kernel_call *call,
                 struct kernel_time *t);
/* `groups`: sets of heads of a sequence whose queries share tiles; `tile_rows`: how many queries a tile has room for. */
void prefill_time(const double *constants, double groups, double tile_rows, const struct kernel_device *on,
                  const struct kernel_call *call, struct kernel_time *t);

#endif

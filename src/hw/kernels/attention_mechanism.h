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
bool decode_offers(int variant, enum kernel_dtype dtype, const char *library);
bool decode_has(const char *constant, enum kernel_dtype dtype, int variant);

void decode_time(const double *constants, int variant, const struct kernel_device *on, const struct kernel_call *call,
                 struct kernel_time *t);
/* How prefill is cut. */
struct prefill_tiles {
    double groups;       /* sets of heads of a sequence whose queries share tiles */
    double rows;         /* queries that a tile has room for */
    bool walks_over_all; /* a window masks keys, but spares no steps over them */
    bool in_waves;       /* SMs take tiles in rounds, not as they come free */
};
void prefill_time(const double *constants, const struct prefill_tiles *tiles, const struct kernel_device *on,
                  const struct kernel_call *call, struct kernel_time *t);

#endif

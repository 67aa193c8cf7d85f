/* A cache of prompts' beginnings, in blocks: of a prompt the first blocks are found up to the first that is not there; all
 * its blocks are there from then on. Full, it forgets the block that was used longest ago; of one prompt the last. One
 * pool for all that prefill (Mooncake's store), which knows a block from the arrival of the request that computes it on. */
#ifndef MOESIM_KINDS_SERVE_PREFIX_CACHE_H
#define MOESIM_KINDS_SERVE_PREFIX_CACHE_H

#include <stdint.h>

#include "base/arena.h"

struct prefix_cache;

/* Of `capacity` blocks at most, for `distinct` blocks or fewer. The arena's. */
struct prefix_cache *prefix_cache_new(uint32_t capacity, uint32_t distinct, struct arena *arena);
/* Blocks found of block[n]. */
uint32_t prefix_cache_use(struct prefix_cache *c, const int64_t *block, uint32_t n);
uint32_t prefix_cache_evicted(const struct prefix_cache *c); /* so far */

#endif

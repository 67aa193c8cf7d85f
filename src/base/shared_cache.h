/* Results that are looked up by the text of what they depend on, in memory that a process shares with the children that it
 * forks: what one point of a sweep has worked out, the next one finds. Nothing is ever changed or taken out. */
#ifndef MOESIM_BASE_SHARED_CACHE_H
#define MOESIM_BASE_SHARED_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Makes the cache of this process and of all that it forks from now on, unless it has one. Without memory there is none. */
void shared_cache_begin(void);

/* Address space that it takes; 0: there is none. */
uint64_t shared_cache_B(void);

/* The bytes that were put under a key, or NULL; they stay. `kind` tells apart what they are. */
const void *shared_cache_get(const char *kind, const char *key, size_t n_bytes);

/* Puts a copy under a key. When the cache is full, or there is none, nothing happens. */
void shared_cache_put(const char *kind, const char *key, const void *bytes, size_t n_bytes);

struct shared_cache_stats {
    uint64_t entries, hits; /* of this process and all that share its cache */
};
struct shared_cache_stats shared_cache_stats(void);

#endif

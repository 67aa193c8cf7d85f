/* A log in shared memory: an entry's place is taken by adding to `used`, its length is written first and its mark last. A
 * process that dies in between leaves a place without a mark, which the others step over, or one without a length, behind
 * which nobody looks: both cost time only. */
#include "base/shared_cache.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/input_files.h"

enum { CACHE_B = 256 << 20, ALIGN_B = 16 };

struct entry {
    _Atomic uint64_t length_B; /* of the whole entry; 0: not known yet */
    _Atomic uint32_t complete;
    char key[SHA256_TEXT];
    uint64_t n_bytes;
};

struct cache {
    _Atomic uint64_t used, entries, hits;
    _Alignas(ALIGN_B) uint8_t log[];
};

_Static_assert(offsetof(struct cache, log) % ALIGN_B == 0, "what is put is aligned for any type");

static struct cache *cache;

void shared_cache_begin(void)
{
    if (cache)
        return;
    void *at = mmap(NULL, CACHE_B, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    cache = at == MAP_FAILED ? NULL : at;
}

static void hash_key(const char *kind, const char *key, char out[SHA256_TEXT])
{
    char text[2 * SHA256_TEXT];
    sha256_text(key, strlen(key), out);
    int n = snprintf(text, sizeof text, "%.40s %s", kind, out);
    sha256_text(text, (size_t)n, out);
}

static size_t header_B(void)
{
    return (sizeof(struct entry) + ALIGN_B - 1) / ALIGN_B * ALIGN_B;
}

static size_t room_B(void)
{
    return CACHE_B - sizeof(struct cache);
}

uint64_t shared_cache_B(void)
{
    return cache ? CACHE_B : 0;
}

const void *shared_cache_get(const char *kind, const char *key, size_t n_bytes)
{
    char wanted[SHA256_TEXT];
    if (!cache)
        return NULL;
    hash_key(kind, key, wanted);
    uint64_t used = cache->used < room_B() ? cache->used : room_B();
    for (uint64_t at = 0, length_B; at + header_B() <= used; at += length_B) {
        struct entry *e = (void *)(cache->log + at);
        length_B = e->length_B;
        if (!length_B)
            return NULL;
        if (e->complete && e->n_bytes == n_bytes && !strcmp(e->key, wanted)) {
            cache->hits++;
            return (uint8_t *)e + header_B();
        }
    }
    return NULL;
}

void shared_cache_put(const char *kind, const char *key, const void *bytes, size_t n_bytes)
{
    uint64_t length_B = header_B() + (n_bytes + ALIGN_B - 1) / ALIGN_B * ALIGN_B;
    if (!cache || length_B > room_B() / 16 || cache->used + length_B > room_B())
        return;
    uint64_t at = atomic_fetch_add(&cache->used, length_B);
    if (at + length_B > room_B())
        return;
    struct entry *e = (void *)(cache->log + at);
    e->length_B = length_B;
    e->n_bytes = n_bytes;
    hash_key(kind, key, e->key);
    memcpy((uint8_t *)e + header_B(), bytes, n_bytes);
    e->complete = 1;
    cache->entries++;
}

struct shared_cache_stats shared_cache_stats(void)
{
    return cache ? (struct shared_cache_stats){cache->entries, cache->hits} : (struct shared_cache_stats){0};
}

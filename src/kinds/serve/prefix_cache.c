#include "kinds/serve/prefix_cache.h"

#include <stdbool.h>

#define NOWHERE UINT32_MAX

struct entry {
    int64_t block;
    uint32_t newer, older; /* entries, by last use */
    bool cached;
};

/* Entries of blocks that were forgotten stay in the table: they may come back. */
struct prefix_cache {
    struct entry *entry;   /* [n] of `distinct` */
    uint32_t *slot, slots; /* power of two: entry + 1, 0 = free */
    uint32_t n, capacity, cached, evicted, newest, oldest;
};

struct prefix_cache *prefix_cache_new(uint32_t capacity, uint32_t distinct, struct arena *arena)
{
    struct prefix_cache *c = ARENA_NEW(arena, struct prefix_cache);
    uint32_t slots = 64;
    while (slots < 2 * (uint64_t)distinct && slots < 1u << 31)
        slots *= 2;
    *c = (struct prefix_cache){.entry = ARENA_ARRAY(arena, struct entry, distinct + 1),
                               .slot = ARENA_ARRAY(arena, uint32_t, slots),
                               .slots = slots,
                               .capacity = capacity,
                               .newest = NOWHERE,
                               .oldest = NOWHERE};
    return c;
}

static uint32_t find(struct prefix_cache *c, int64_t block)
{
    uint64_t hash = (uint64_t)block * 0x9e3779b97f4a7c15u;
    uint32_t at = (uint32_t)(hash >> 32) & (c->slots - 1);
    while (c->slot[at] && c->entry[c->slot[at] - 1].block != block)
        at = (at + 1) & (c->slots - 1);
    if (!c->slot[at]) {
        c->entry[c->n] = (struct entry){.block = block, .newer = NOWHERE, .older = NOWHERE};
        c->slot[at] = ++c->n;
    }
    return c->slot[at] - 1;
}

static void unlink_entry(struct prefix_cache *c, uint32_t i)
{
    struct entry *e = &c->entry[i];
    *(e->newer == NOWHERE ? &c->newest : &c->entry[e->newer].older) = e->older;
    *(e->older == NOWHERE ? &c->oldest : &c->entry[e->older].newer) = e->newer;
    e->cached = false;
    c->cached--;
}

static void put(struct prefix_cache *c, uint32_t i)
{
    struct entry *e = &c->entry[i];
    if (e->cached)
        unlink_entry(c, i);
    if (c->cached == c->capacity) {
        unlink_entry(c, c->oldest);
        c->evicted++;
    }
    e->newer = NOWHERE;
    e->older = c->newest;
    *(c->newest == NOWHERE ? &c->oldest : &c->entry[c->newest].newer) = i;
    c->newest = i;
    e->cached = true;
    c->cached++;
}

uint32_t prefix_cache_use(struct prefix_cache *c, const int64_t *block, uint32_t n)
{
    uint32_t hits = 0, keep = n < c->capacity ? n : c->capacity;
    while (hits < n && c->entry[find(c, block[hits])].cached)
        hits++;
    for (uint32_t i = keep; i-- > 0;) /* the first block last, so that it outlives the others */
        put(c, find(c, block[i]));
    return hits;
}

uint32_t prefix_cache_evicted(const struct prefix_cache *c)
{
    return c->evicted;
}

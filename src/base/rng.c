/* Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC'11). */
#include "base/rng.h"

#include <string.h>

struct philox {
    uint32_t counter[4], key[2], block[4];
    uint32_t used; /* words of block handed out */
};

static void round_once(uint32_t c[4], const uint32_t k[2])
{
    uint64_t p0 = (uint64_t)0xD2511F53u * c[0], p1 = (uint64_t)0xCD9E8D57u * c[2];
    uint32_t next[4] = {(uint32_t)(p1 >> 32) ^ c[1] ^ k[0], (uint32_t)p1, (uint32_t)(p0 >> 32) ^ c[3] ^ k[1],
                        (uint32_t)p0};
    memcpy(c, next, sizeof next);
}

void rng_philox_block(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t k[2] = {key[0], key[1]};
    memcpy(out, counter, 4 * sizeof *out);
    for (int i = 0; i < 10; i++) {
        round_once(out, k);
        k[0] += 0x9E3779B9u;
        k[1] += 0xBB67AE85u;
    }
}

static void next_block(struct philox *p)
{
    rng_philox_block(p->counter, p->key, p->block);
    p->used = 0;
    for (int i = 0; i < 4 && ++p->counter[i] == 0; i++)
        ;
}

static unsigned long get(void *state)
{
    struct philox *p = state;
    if (p->used == 4)
        next_block(p);
    return p->block[p->used++];
}

/* 53 random bits: [0, 1) */
static double get_double(void *state)
{
    uint64_t high = get(state) >> 5, low = get(state) >> 6;
    return (double)(high * 67108864u + low) / 9007199254740992.0;
}

static void set_key(struct philox *p, uint64_t key, uint64_t stream)
{
    memset(p, 0, sizeof *p);
    p->key[0] = (uint32_t)key;
    p->key[1] = (uint32_t)(key >> 32);
    p->counter[2] = (uint32_t)stream;
    p->counter[3] = (uint32_t)(stream >> 32);
    p->used = 4;
}

static void set(void *state, unsigned long seed)
{
    set_key(state, seed, 0);
}

static const gsl_rng_type philox_type = {"philox4x32-10", UINT32_MAX, 0, sizeof(struct philox), set, get, get_double};
const gsl_rng_type *const rng_philox = &philox_type;

/* FNV-1a of the purpose's name, mixed into the key: purposes are independent streams. */
static uint64_t purpose_key(uint64_t seed, const char *purpose)
{
    uint64_t h = 14695981039346656037u;
    for (const char *c = purpose; *c; c++)
        h = (h ^ (unsigned char)*c) * 1099511628211u;
    return seed ^ (h * 0x9E3779B97F4A7C15u);
}

void rng_stream_reset(gsl_rng *r, uint64_t seed, uint64_t entity, const char *purpose)
{
    set_key(r->state, purpose_key(seed, purpose), entity);
}

gsl_rng *rng_stream(uint64_t seed, uint64_t entity, const char *purpose)
{
    gsl_rng *r = gsl_rng_alloc(rng_philox);
    rng_stream_reset(r, seed, entity, purpose);
    return r;
}

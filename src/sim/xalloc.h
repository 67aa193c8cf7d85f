/* Growing arrays of the engine: out of memory ends the run with exit code 5. */
#ifndef MOESIM_SIM_XALLOC_H
#define MOESIM_SIM_XALLOC_H

#include <stddef.h>
#include <stdint.h>

void *xrealloc(void *old, size_t n, size_t element_B);

/* The same for arrays whose elements begin with a cache line. */
void *xlines(void *old, size_t n_old, size_t n, size_t element_B);

#define XREALLOC(old, type, n) ((type *)xrealloc((old), (n), sizeof(type)))

/* Room for one more element behind n: doubles *cap when it is reached. */
#define XGROW(array, n, cap) \
    do { \
        if ((n) == (cap)) { \
            (cap) = (cap) ? 2 * (cap) : 16; \
            (array) = xrealloc((array), (cap), sizeof *(array)); \
        } \
    } while (0)

/* Runs of uint32_t of mixed small lengths, recycled by length: paths and link memberships. */
enum { SPAN_MAX = 6400 };
struct span_pool {
    uint32_t *words;
    uint32_t n, cap;
    uint32_t free_head[SPAN_MAX + 1]; /* 0 = none; word 0 is never handed out */
};

uint32_t span_alloc(struct span_pool *p, uint32_t len); /* offset; len in 1 .. SPAN_MAX */
void span_free(struct span_pool *p, uint32_t offset, uint32_t len);

#endif

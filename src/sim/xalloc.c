#include "sim/xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"

static void no_room(size_t n, size_t element_B)
{
    fprintf(stderr, "moesim: error: out of memory (%zu elements of %zu bytes)\n", n, element_B);
    _exit(EXIT_LIMIT);
}

void *xrealloc(void *old, size_t n, size_t element_B)
{
    size_t bytes;
    void *p = NULL;
    if (!__builtin_mul_overflow(n ? n : 1, element_B, &bytes))
        p = realloc(old, bytes);
    if (!p)
        no_room(n, element_B);
    return p;
}

void *xlines(void *old, size_t n_old, size_t n, size_t element_B)
{
    enum { LINE = 64 };
    size_t bytes;
    void *p = NULL;
    if (!__builtin_mul_overflow(n ? n : 1, element_B, &bytes) && bytes <= SIZE_MAX - LINE)
        p = aligned_alloc(LINE, (bytes + LINE - 1) / LINE * LINE);
    if (!p)
        no_room(n, element_B);
    if (n_old)
        memcpy(p, old, n_old * element_B);
    free(old);
    return p;
}

uint32_t span_alloc(struct span_pool *p, uint32_t len)
{
    BUG_IF(len == 0 || len > SPAN_MAX);
    uint32_t offset = p->free_head[len];
    if (offset) {
        p->free_head[len] = p->words[offset];
        return offset;
    }
    if (p->n == 0)
        p->n = 1;
    if (p->n + len > p->cap) {
        p->cap = p->cap + p->cap / 2 + 4096;
        p->words = XREALLOC(p->words, uint32_t, p->cap);
    }
    offset = p->n;
    p->n += len;
    return offset;
}

void span_free(struct span_pool *p, uint32_t offset, uint32_t len)
{
    p->words[offset] = p->free_head[len];
    p->free_head[len] = offset;
}

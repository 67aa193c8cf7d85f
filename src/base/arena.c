/* Arena over malloc'd blocks that grow by doubling; big requests get a block of their own. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"

enum { ALIGN = 16, FIRST_BLOCK = 4096, LARGEST_BLOCK = 1 << 20 };

struct block {
    struct block *next;
    size_t size, used;
    _Alignas(16) unsigned char data[];
};

struct arena {
    struct block *blocks; /* the first has room */
    size_t next_size, used;
};

struct arena *arena_new(void)
{
    struct arena *a = checked_alloc(calloc(1, sizeof *a));
    a->next_size = FIRST_BLOCK;
    return a;
}

void arena_free(struct arena *a)
{
    if (!a)
        return;
    for (struct block *b = a->blocks, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    free(a);
}

static struct block *add_block(struct arena *a, size_t at_least)
{
    size_t size = a->next_size > at_least ? a->next_size : at_least;
    struct block *b = checked_alloc(calloc(1, sizeof *b + size)); /* fresh pages are not touched */
    b->next = a->blocks;
    b->size = size;
    a->blocks = b;
    if (a->next_size < LARGEST_BLOCK)
        a->next_size *= 2;
    return b;
}

void *arena_alloc(struct arena *a, size_t n_bytes)
{
    if (n_bytes > SIZE_MAX / 2)
        out_of_memory();
    size_t n = (n_bytes + ALIGN - 1) / ALIGN * ALIGN;
    struct block *b = a->blocks;
    if (!b || b->size - b->used < n)
        b = add_block(a, n);
    void *p = b->data + b->used;
    b->used += n;
    a->used += n;
    return p;
}

void *arena_array(struct arena *a, size_t element_B, size_t n)
{
    size_t bytes;
    if (__builtin_mul_overflow(element_B, n, &bytes))
        out_of_memory();
    return arena_alloc(a, bytes);
}

char *arena_strdup(struct arena *a, const char *s)
{
    size_t n = strlen(s) + 1;
    return memcpy(arena_alloc(a, n), s, n);
}

/* Most texts are short: those are written once, others twice. */
char *arena_printf(struct arena *a, const char *fmt, ...)
{
    char first[512];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(first, sizeof first, fmt, args);
    va_end(args);
    BUG_IF(n < 0);
    char *s = arena_alloc(a, (size_t)n + 1);
    if ((size_t)n < sizeof first)
        return memcpy(s, first, (size_t)n + 1);
    va_start(args, fmt);
    vsnprintf(s, (size_t)n + 1, fmt, args);
    va_end(args);
    return s;
}

size_t arena_used_B(const struct arena *a)
{
    return a->used;
}

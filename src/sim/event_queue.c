#include "sim/event_queue.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/xalloc.h"

enum { BLOCK = 64, SUPER = 64 * 64 };

void event_queue_free(struct event_queue *q)
{
    free(q->time_s);
    free(q->block_min);
    free(q->super_min);
    free(q->block_dirty);
    free(q->super_dirty);
    free(q->dirty_blocks);
    free(q->dirty_supers);
    *q = (struct event_queue){0};
}

static void fill_infinite(double *v, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++)
        v[i] = INFINITY;
}

void event_queue_reserve(struct event_queue *q, uint32_t n)
{
    if (n <= q->capacity)
        return;
    uint32_t old = q->capacity, grown = old + old / 2;
    uint32_t cap = ((grown > n ? grown : n) + SUPER - 1) / SUPER * SUPER;
    q->time_s = XREALLOC(q->time_s, double, cap);
    q->block_min = XREALLOC(q->block_min, double, cap / BLOCK);
    q->super_min = XREALLOC(q->super_min, double, cap / SUPER);
    q->block_dirty = XREALLOC(q->block_dirty, uint8_t, cap / BLOCK);
    q->super_dirty = XREALLOC(q->super_dirty, uint8_t, cap / SUPER);
    q->dirty_blocks = XREALLOC(q->dirty_blocks, uint32_t, cap / BLOCK);
    q->dirty_supers = XREALLOC(q->dirty_supers, uint32_t, cap / SUPER);
    fill_infinite(q->time_s, old, cap);
    fill_infinite(q->block_min, old / BLOCK, cap / BLOCK);
    fill_infinite(q->super_min, old / SUPER, cap / SUPER);
    memset(q->block_dirty + old / BLOCK, 0, (cap - old) / BLOCK);
    memset(q->super_dirty + old / SUPER, 0, (cap - old) / SUPER);
    q->capacity = cap;
}

void event_queue_set(struct event_queue *q, uint32_t slot, double time_s)
{
    uint32_t block = slot / BLOCK;
    q->time_s[slot] = time_s;
    if (!q->block_dirty[block]) {
        q->block_dirty[block] = 1;
        q->dirty_blocks[q->n_dirty_blocks++] = block;
    }
}

static double min_of(const double *v, uint32_t n)
{
    double m[4] = {INFINITY, INFINITY, INFINITY, INFINITY};
    for (uint32_t i = 0; i < n; i += 4)
        for (uint32_t k = 0; k < 4; k++)
            m[k] = v[i + k] < m[k] ? v[i + k] : m[k];
    double a = m[0] < m[1] ? m[0] : m[1], b = m[2] < m[3] ? m[2] : m[3];
    return a < b ? a : b;
}

static void refresh(struct event_queue *q)
{
    for (uint32_t i = 0; i < q->n_dirty_blocks; i++) {
        uint32_t block = q->dirty_blocks[i], super = block / (SUPER / BLOCK);
        q->block_dirty[block] = 0;
        q->block_min[block] = min_of(q->time_s + (size_t)block * BLOCK, BLOCK);
        if (!q->super_dirty[super]) {
            q->super_dirty[super] = 1;
            q->dirty_supers[q->n_dirty_supers++] = super;
        }
    }
    q->n_dirty_blocks = 0;
    for (uint32_t i = 0; i < q->n_dirty_supers; i++) {
        uint32_t super = q->dirty_supers[i];
        q->super_dirty[super] = 0;
        q->super_min[super] = min_of(q->block_min + (size_t)super * (SUPER / BLOCK), SUPER / BLOCK);
    }
    q->n_dirty_supers = 0;
}

double event_queue_min(struct event_queue *q)
{
    refresh(q);
    double m = INFINITY;
    for (uint32_t s = 0; s < q->capacity / SUPER; s++)
        m = q->super_min[s] < m ? q->super_min[s] : m;
    return m;
}

uint32_t event_queue_due(struct event_queue *q, double limit_s)
{
    refresh(q);
    for (uint32_t s = 0; s < q->capacity / SUPER; s++) {
        if (q->super_min[s] > limit_s)
            continue;
        uint32_t block = s * (SUPER / BLOCK);
        while (q->block_min[block] > limit_s)
            block++;
        uint32_t slot = block * BLOCK;
        while (q->time_s[slot] > limit_s)
            slot++;
        return slot;
    }
    return UINT32_MAX;
}

#include "sim/packet/calendar.h"

#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "sim/xalloc.h"

#define NIL UINT32_MAX

enum { MIN_BUCKETS = 4096, MAX_BUCKETS = 131072, BUCKETS_PER_EVENT = 4 };

void calendar_init(struct calendar *c, uint64_t span_ps, uint32_t n_expected)
{
    *c = (struct calendar){.n_buckets = MIN_BUCKETS, .free_event = NIL};
    while (c->n_buckets < MAX_BUCKETS && c->n_buckets / BUCKETS_PER_EVENT < n_expected)
        c->n_buckets *= 2;
    while ((uint64_t)c->n_buckets << c->shift < span_ps)
        c->shift++;
    c->buckets = XREALLOC(NULL, struct calendar_bucket, c->n_buckets);
    c->occupied = XREALLOC(NULL, uint64_t, c->n_buckets / 64);
    memset(c->occupied, 0, c->n_buckets / 64 * sizeof *c->occupied);
}

void calendar_free(struct calendar *c)
{
    free(c->buckets);
    free(c->occupied);
    free(c->events);
    free(c->far);
}

static uint32_t new_event(struct calendar *c)
{
    uint32_t e = c->free_event;
    if (e != NIL) {
        c->free_event = c->events[e].next;
        return e;
    }
    XGROW(c->events, c->n_events, c->cap_events);
    return c->n_events++;
}

/* --- far events: a binary heap by time, then by number ---------------------------- */

static int far_before(const struct calendar_far *x, const struct calendar_far *y)
{
    return x->at_ps != y->at_ps ? x->at_ps < y->at_ps : x->number < y->number;
}

static void far_add(struct calendar *c, uint32_t event)
{
    XGROW(c->far, c->n_far, c->cap_far);
    struct calendar_far f = {c->events[event].at_ps, c->n_added, event};
    uint32_t i = c->n_far++;
    for (; i && far_before(&f, &c->far[(i - 1) / 2]); i = (i - 1) / 2)
        c->far[i] = c->far[(i - 1) / 2];
    c->far[i] = f;
}

static uint32_t far_take(struct calendar *c)
{
    uint32_t event = c->far[0].event, i = 0;
    struct calendar_far last = c->far[--c->n_far];
    for (uint32_t child = 1; child < c->n_far; child = 2 * i + 1) {
        child += child + 1 < c->n_far && far_before(&c->far[child + 1], &c->far[child]);
        if (!far_before(&c->far[child], &last))
            break;
        c->far[i] = c->far[child];
        i = child;
    }
    c->far[i] = last;
    return event;
}

/* --- near events: buckets, each in order ------------------------------------------ */

static void near_add(struct calendar *c, uint32_t event, uint32_t bucket)
{
    struct calendar_bucket *b = &c->buckets[bucket];
    struct calendar_event *e = &c->events[event];
    uint64_t bit = (uint64_t)1 << bucket % 64;
    e->next = NIL;
    if (!(c->occupied[bucket / 64] & bit)) {
        c->occupied[bucket / 64] |= bit;
        *b = (struct calendar_bucket){event, event};
    } else if (c->events[b->tail].at_ps <= e->at_ps) {
        c->events[b->tail].next = event;
        b->tail = event;
    } else {
        uint32_t *link = &b->head;
        while (c->events[*link].at_ps <= e->at_ps)
            link = &c->events[*link].next;
        e->next = *link;
        *link = event;
    }
}

/* The next bucket that holds something, from this one on round the wheel; NIL when it
 * is empty. */
static uint32_t occupied_from(const struct calendar *c, uint32_t first)
{
    uint32_t word = first / 64, n_words = c->n_buckets / 64;
    uint64_t bits = c->occupied[word] & ~(uint64_t)0 << first % 64;
    for (uint32_t i = 0; i < n_words && !bits; i++) {
        word = (word + 1) & (n_words - 1);
        bits = c->occupied[word];
    }
    return bits ? word * 64 + (uint32_t)__builtin_ctzll(bits) : NIL;
}

static uint32_t near_bucket(const struct calendar *c)
{
    return occupied_from(c, (uint32_t)(c->now_ps >> c->shift) & (c->n_buckets - 1));
}

static uint32_t near_take(struct calendar *c, uint32_t bucket)
{
    uint32_t event = c->buckets[bucket].head;
    c->buckets[bucket].head = c->events[event].next;
    if (c->buckets[bucket].head == NIL)
        c->occupied[bucket / 64] &= ~((uint64_t)1 << bucket % 64);
    return event;
}

/* --- both ------------------------------------------------------------------------- */

void calendar_add(struct calendar *c, uint64_t at_ps, uint32_t kind, uint32_t a, uint32_t b, uint32_t extra)
{
    BUG_IF(at_ps < c->now_ps);
    uint32_t event = new_event(c);
    c->events[event] = (struct calendar_event){at_ps, NIL, kind, a, b, extra};
    c->n_added++;
    if ((at_ps >> c->shift) - (c->now_ps >> c->shift) < c->n_buckets)
        near_add(c, event, (uint32_t)(at_ps >> c->shift) & (c->n_buckets - 1));
    else
        far_add(c, event);
}

uint64_t calendar_next(const struct calendar *c)
{
    uint32_t bucket = near_bucket(c);
    uint64_t near_ps = bucket == NIL ? CALENDAR_NEVER : c->events[c->buckets[bucket].head].at_ps;
    uint64_t far_ps = c->n_far ? c->far[0].at_ps : CALENDAR_NEVER;
    return near_ps < far_ps ? near_ps : far_ps;
}

uint32_t calendar_ahead(const struct calendar *c, const struct calendar_event **out, uint32_t n)
{
    uint32_t bucket = near_bucket(c), first = bucket, found = 0;
    while (bucket != NIL && found < n) {
        uint32_t event = c->buckets[bucket].head;
        for (; event != NIL && found < n; event = c->events[event].next)
            out[found++] = &c->events[event];
        bucket = occupied_from(c, (bucket + 1) & (c->n_buckets - 1));
        if (bucket == first)
            break;
    }
    return found;
}

bool calendar_take(struct calendar *c, uint64_t limit_ps, struct calendar_event *out)
{
    uint32_t bucket = near_bucket(c), event;
    uint64_t near_ps = bucket == NIL ? CALENDAR_NEVER : c->events[c->buckets[bucket].head].at_ps;
    /* a far event was added before any near one of its time */
    bool is_far = c->n_far && c->far[0].at_ps <= near_ps;
    uint64_t at_ps = is_far ? c->far[0].at_ps : near_ps;
    if (at_ps > limit_ps || at_ps == CALENDAR_NEVER)
        return false;
    event = is_far ? far_take(c) : near_take(c, bucket);
    *out = c->events[event];
    c->now_ps = at_ps;
    c->events[event].next = c->free_event;
    c->free_event = event;
    return true;
}

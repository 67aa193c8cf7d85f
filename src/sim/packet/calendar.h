/* Calendar of a packet simulation: a timing wheel for what happens within its span, a
 * heap for the rest (timers). Times are whole picoseconds, so that ties are ties;
 * events of one time come in the order in which they were added, those of the heap
 * first. Nothing is allocated per event once the pool has grown. */
#ifndef MOESIM_SIM_PACKET_CALENDAR_H
#define MOESIM_SIM_PACKET_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

#define CALENDAR_NEVER UINT64_MAX

struct calendar_event {
    uint64_t at_ps;
    uint32_t next; /* in its bucket or the pool */
    uint32_t kind, a, b, c;
};

struct calendar_bucket {
    uint32_t head, tail;
};

struct calendar_far { /* a heap's entry */
    uint64_t at_ps, number;
    uint32_t event;
};

struct calendar {
    uint64_t now_ps;
    uint32_t n_buckets, shift; /* a bucket is 2^shift ps wide */
    struct calendar_bucket *buckets;
    uint64_t *occupied; /* a bit per bucket */
    struct calendar_event *events;
    uint32_t n_events, cap_events, free_event;
    struct calendar_far *far;
    uint32_t n_far, cap_far;
    uint64_t n_added;
};

/* For events that mostly come within span_ps, about so many of them at a time. */
void calendar_init(struct calendar *c, uint64_t span_ps, uint32_t n_expected);
void calendar_free(struct calendar *c);
/* Not before now. */
void calendar_add(struct calendar *c, uint64_t at_ps, uint32_t kind, uint32_t a, uint32_t b, uint32_t extra);
/* Time of the next event, or CALENDAR_NEVER. */
uint64_t calendar_next(const struct calendar *c);
/* Up to n of the next events, in order and still in the calendar; far ones are left
 * out. For fetching what they will need. */
uint32_t calendar_ahead(const struct calendar *c, const struct calendar_event **out, uint32_t n);
/* Takes the next event out and moves the clock there; false when there is none up to
 * limit_ps. */
bool calendar_take(struct calendar *c, uint64_t limit_ps, struct calendar_event *out);

#endif

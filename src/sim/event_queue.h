/* Block-minimum queue: one time per slot, changed often, asked for its minimum after each batch of
 * changes. A change costs O(1) (it marks its block), the question rescans marked blocks of 64. When a
 * third of all rates change at every event this beats a heap. */
#ifndef MOESIM_SIM_EVENT_QUEUE_H
#define MOESIM_SIM_EVENT_QUEUE_H

#include <stdint.h>

struct event_queue {
    double *time_s;    /* [capacity] INFINITY = no event */
    uint32_t capacity; /* multiple of 4096 */
    double *block_min; /* [capacity / 64] */
    double *super_min; /* [capacity / 4096] */
    uint8_t *block_dirty, *super_dirty;
    uint32_t *dirty_blocks, n_dirty_blocks;
    uint32_t *dirty_supers, n_dirty_supers;
};

void event_queue_free(struct event_queue *q);
/* Makes room for slots 0 .. n-1; new slots have no event. */
void event_queue_reserve(struct event_queue *q, uint32_t n);
void event_queue_set(struct event_queue *q, uint32_t slot, double time_s);
/* The earliest time; INFINITY when there is none. */
double event_queue_min(struct event_queue *q);
/* Some slot with time <= limit, the lowest number first; UINT32_MAX when there is none. */
uint32_t event_queue_due(struct event_queue *q, double limit_s);

#endif

/* Pairing heap inside flat arrays (Fredman et al., Algorithmica 1986): the flows of one class, the
 * one that needs least service on top. Ties go to the smaller flow id, so order never depends on
 * history. Indices instead of pointers: 8 bytes per flow. */
#ifndef MOESIM_SIM_FLOW_FLOW_HEAP_H
#define MOESIM_SIM_FLOW_FLOW_HEAP_H

#include <stdint.h>

#define FLOW_NONE UINT32_MAX

struct flow_heap {
    double *key;
    uint32_t *child, *sibling;
};

/* Both return the new root. `root` may be FLOW_NONE for push, not for pop. */
uint32_t flow_heap_push(const struct flow_heap *h, uint32_t root, uint32_t flow);
uint32_t flow_heap_pop(const struct flow_heap *h, uint32_t root);

#endif

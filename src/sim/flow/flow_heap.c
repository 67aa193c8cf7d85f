#include "sim/flow/flow_heap.h"

static int before(const struct flow_heap *h, uint32_t a, uint32_t b)
{
    return h->key[a] < h->key[b] || (h->key[a] == h->key[b] && a < b);
}

static uint32_t meld(const struct flow_heap *h, uint32_t a, uint32_t b)
{
    if (before(h, b, a)) {
        uint32_t t = a;
        a = b;
        b = t;
    }
    h->sibling[b] = h->child[a];
    h->child[a] = b;
    return a;
}

uint32_t flow_heap_push(const struct flow_heap *h, uint32_t root, uint32_t flow)
{
    h->child[flow] = FLOW_NONE;
    h->sibling[flow] = FLOW_NONE;
    return root == FLOW_NONE ? flow : meld(h, root, flow);
}

uint32_t flow_heap_pop(const struct flow_heap *h, uint32_t root)
{
    /* first pass: meld the children in pairs, leaving the pairs as a reversed list */
    uint32_t pairs = FLOW_NONE, next = h->child[root];
    while (next != FLOW_NONE) {
        uint32_t a = next, b = h->sibling[a];
        next = b == FLOW_NONE ? FLOW_NONE : h->sibling[b];
        uint32_t m = b == FLOW_NONE ? a : meld(h, a, b);
        h->sibling[m] = pairs;
        pairs = m;
    }
    /* second pass: meld the pairs into one */
    uint32_t result = FLOW_NONE;
    while (pairs != FLOW_NONE) {
        uint32_t rest = h->sibling[pairs];
        result = result == FLOW_NONE ? pairs : meld(h, result, pairs);
        pairs = rest;
    }
    if (result != FLOW_NONE)
        h->sibling[result] = FLOW_NONE;
    return result;
}

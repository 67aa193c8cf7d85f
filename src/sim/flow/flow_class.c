/* Classes of flows: joining, leaving, and the lists of classes per link. */
#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "sim/flow/flow_net_impl.h"

/* The links of a flow that can bind, in path order. */
static uint32_t awake_links(const struct flow_net *net, uint32_t flow, uint32_t *out)
{
    const uint32_t *path = net->spans.words + net->flow_path[flow];
    uint32_t n = 0;
    for (uint32_t i = 0; i < net->flow_n_links[flow]; i++)
        if (!net->links[path[i]].dormant)
            out[n++] = path[i];
    return n;
}

static uint32_t hash_of(const uint32_t *links, uint32_t n, uint32_t service)
{
    uint64_t h = 0x9e3779b97f4a7c15u ^ service;
    for (uint32_t i = 0; i < n; i++)
        h = (h ^ links[i]) * 0xff51afd7ed558ccdu, h ^= h >> 32;
    return (uint32_t)h;
}

static uint32_t find(const struct flow_net *net, const uint32_t *links, uint32_t n, uint32_t service, uint32_t hash)
{
    if (!net->n_buckets)
        return FLOW_NONE;
    uint32_t cls = net->buckets[hash & (net->n_buckets - 1)];
    for (; cls != FLOW_NONE; cls = net->classes[cls].hash_next) {
        const struct flow_class *c = &net->classes[cls];
        if (c->hash == hash && c->service == service && c->n_links == n &&
            !memcmp(flow_class_links(net, cls), links, n * sizeof *links))
            return cls;
    }
    return FLOW_NONE;
}

static void hash_insert(struct flow_net *net, uint32_t cls)
{
    uint32_t *head = &net->buckets[net->classes[cls].hash & (net->n_buckets - 1)];
    net->classes[cls].hash_next = *head;
    *head = cls;
}

static void hash_grow(struct flow_net *net)
{
    net->n_buckets = net->n_buckets ? 2 * net->n_buckets : 64;
    net->buckets = XREALLOC(net->buckets, uint32_t, net->n_buckets);
    memset(net->buckets, 0xff, net->n_buckets * sizeof *net->buckets);
    for (uint32_t cls = 0; cls < net->n_classes; cls++)
        if (net->classes[cls].n)
            hash_insert(net, cls);
}

static void hash_remove(struct flow_net *net, uint32_t cls)
{
    uint32_t *at = &net->buckets[net->classes[cls].hash & (net->n_buckets - 1)];
    while (*at != cls)
        at = &net->classes[*at].hash_next;
    *at = net->classes[cls].hash_next;
}

static uint32_t new_slot(struct flow_net *net)
{
    uint32_t cls = net->free_classes;
    if (cls != FLOW_NONE) {
        net->free_classes = net->classes[cls].hash_next;
        return cls;
    }
    XGROW(net->classes, net->n_classes, net->cap_classes);
    cls = net->n_classes++;
    net->classes[cls].region = net->classes[cls].fixed = 0;
    return cls;
}

static void store_links(struct flow_net *net, struct flow_class *c, const uint32_t *links, uint32_t n)
{
    uint32_t *to = c->few_links;
    if (n > FLOW_FEW_LINKS) {
        c->many_links = span_alloc(&net->spans, n);
        to = net->spans.words + c->many_links;
    }
    memcpy(to, links, n * sizeof *links);
    c->n_links = (uint8_t)n;
}

static void enter_links(struct flow_net *net, uint32_t cls, const uint32_t *links, uint32_t n)
{
    struct flow_class *c = &net->classes[cls];
    store_links(net, c, links, n);
    c->positions = n ? span_alloc(&net->spans, n) : 0;
    for (uint32_t slot = 0; slot < n; slot++) {
        struct flow_link *l = &net->links[links[slot]];
        XGROW(l->list, l->n, l->cap);
        net->spans.words[c->positions + slot] = l->n;
        l->list[l->n++] = (struct link_entry){cls, slot};
    }
}

static void leave_links(struct flow_net *net, uint32_t cls)
{
    const struct flow_class *c = &net->classes[cls];
    const uint32_t *links = flow_class_links(net, cls);
    for (uint32_t slot = 0; slot < c->n_links; slot++) {
        struct flow_link *l = &net->links[links[slot]];
        uint32_t at = net->spans.words[c->positions + slot];
        struct link_entry moved = l->list[--l->n];
        l->list[at] = moved;
        net->spans.words[net->classes[moved.cls].positions + moved.slot] = at;
    }
    if (c->n_links)
        span_free(&net->spans, c->positions, c->n_links);
    if (c->n_links > FLOW_FEW_LINKS)
        span_free(&net->spans, c->many_links, c->n_links);
}

static uint32_t class_new(struct flow_net *net, const uint32_t *links, uint32_t n, uint32_t service, uint32_t hash)
{
    if (net->live_classes + 1 > net->n_buckets)
        hash_grow(net);
    uint32_t cls = new_slot(net);
    struct flow_class *c = &net->classes[cls];
    c->offset_B = c->level_Bps = 0;
    c->n = 0;
    c->service = service;
    c->weight = net->services[service].weight;
    c->priority = net->services[service].priority;
    c->heap = FLOW_NONE;
    c->clock = CLOCK_NONE;
    c->hash = hash;
    enter_links(net, cls, links, n);
    hash_insert(net, cls);
    net->live_classes++;
    return cls;
}

static void class_free(struct flow_net *net, uint32_t cls, double now_s)
{
    struct flow_class *c = &net->classes[cls];
    flow_clock_move(net, cls, CLOCK_NONE, now_s);
    hash_remove(net, cls);
    leave_links(net, cls);
    c->hash_next = net->free_classes;
    net->free_classes = cls;
    net->live_classes--;
}

/* Load and clock learn that the class has one flow more or less. */
static void count_flow(struct flow_net *net, uint32_t cls, int by)
{
    struct flow_class *c = &net->classes[cls];
    double rate_Bps = c->weight * flow_class_level(net, cls);
    const uint32_t *links = flow_class_links(net, cls);
    c->n = (uint32_t)((int64_t)c->n + by);
    for (uint32_t i = 0; i < c->n_links; i++) {
        struct flow_link *l = &net->links[links[i]];
        l->load_Bps = flow_max(0, l->load_Bps + by * rate_Bps);
    }
    if (c->clock != CLOCK_NONE)
        net->clocks[c->clock].own_weight += by * c->weight;
}

void flow_class_join(struct flow_net *net, uint32_t flow, double service_B, double now_s)
{
    uint32_t links[SPAN_MAX / 2];
    uint32_t n = awake_links(net, flow, links), service = net->flow_service[flow];
    uint32_t hash = hash_of(links, n, service);
    uint32_t cls = find(net, links, n, service, hash);
    if (cls == FLOW_NONE)
        cls = class_new(net, links, n, service, hash);
    struct flow_class *c = &net->classes[cls];
    if (c->n == 0 || c->clock != CLOCK_NONE) {
        XGROW(net->seeds, net->n_seeds, net->cap_seeds);
        net->seeds[net->n_seeds++] = cls;
    }
    count_flow(net, cls, 1);
    net->flow_class[flow] = cls;
    net->heap.key[flow] = flow_class_served(net, cls, now_s) + service_B;
    c->heap = flow_heap_push(&net->heap, c->heap, flow);
    flow_clock_first_end(net, cls);
}

uint32_t flow_class_pop(struct flow_net *net, uint32_t cls, double now_s)
{
    struct flow_class *c = &net->classes[cls];
    uint32_t flow = c->heap;
    c->heap = flow_heap_pop(&net->heap, flow);
    count_flow(net, cls, -1);
    for (uint32_t i = 0; i < c->n_links; i++)
        flow_mark_dirty(net, flow_class_links(net, cls)[i]);
    if (c->n == 0)
        class_free(net, cls, now_s);
    else
        flow_clock_first_end(net, cls);
    return flow;
}

void flow_class_make_first(struct flow_net *net, uint32_t flow)
{
    struct flow_class *c = &net->classes[net->flow_class[flow]];
    uint32_t popped = FLOW_NONE;
    while (c->heap != flow) {
        uint32_t top = c->heap;
        c->heap = flow_heap_pop(&net->heap, top);
        net->heap.sibling[top] = popped;
        popped = top;
    }
    c->heap = flow_heap_pop(&net->heap, flow);
    while (popped != FLOW_NONE) {
        uint32_t next = net->heap.sibling[popped];
        c->heap = flow_heap_push(&net->heap, c->heap, popped);
        popped = next;
    }
    net->heap.key[flow] = -INFINITY;
    c->heap = flow_heap_push(&net->heap, c->heap, flow);
}

/* All flows of a heap as a list through sibling; keys become the service they still lack. */
static uint32_t heap_to_list(struct flow_net *net, uint32_t root, double served_B, uint32_t list)
{
    struct flow_heap *h = &net->heap;
    uint32_t stack = root; /* nodes to visit, linked through sibling */
    while (stack != FLOW_NONE) {
        uint32_t flow = stack, child = h->child[flow];
        stack = h->sibling[flow];
        while (child != FLOW_NONE) {
            uint32_t next = h->sibling[child];
            h->sibling[child] = stack;
            stack = child;
            child = next;
        }
        h->key[flow] = flow_max(0, h->key[flow] - served_B);
        h->sibling[flow] = list;
        list = flow;
    }
    return list;
}

/* Empties every class: each flow's key is what it lacks, its class FLOW_HOMELESS. */
void flow_class_drop_all(struct flow_net *net, double now_s)
{
    uint32_t list = FLOW_NONE;
    for (uint32_t cls = 0; cls < net->n_classes; cls++) {
        if (!net->classes[cls].n)
            continue;
        double served_B = flow_class_served(net, cls, now_s);
        list = heap_to_list(net, net->classes[cls].heap, served_B, list);
        net->classes[cls].n = 0;
        class_free(net, cls, now_s);
    }
    for (uint32_t i = 0; i < net->n_links; i++)
        net->links[i].load_Bps = 0;
    for (; list != FLOW_NONE; list = net->heap.sibling[list])
        net->flow_class[list] = FLOW_HOMELESS;
    net->n_seeds = 0;
}

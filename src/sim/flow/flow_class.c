/* Classes of flows: joining, leaving, and the lists of classes per link. */
#include <math.h>
#include <stdlib.h>

#include "base/diag.h"
#include "sim/flow/flow_net_impl.h"

struct wanted_class { /* what a flow asks of its class */
    struct flow_use uses[FLOW_MAX_USES];
    uint32_t n;
    uint16_t service;
    bool shared;
};

/* --- links ------------------------------------------------------------------------------------------- */

/* The links of a flow that can bind, at its priority. */
static void awake_links(struct flow_net *net, uint32_t flow, struct wanted_class *w)
{
    struct flow_use all[FLOW_MAX_USES];
    uint32_t n = flow_uses(net, flow, all);
    w->service = net->flow_service[flow];
    w->n = 0;
    w->shared = false;
    uint32_t shift = net->services[w->service].priority * net->n_real;
    for (uint32_t i = 0; i < n; i++) {
        if (net->links[all[i].link].dormant)
            continue;
        w->uses[w->n++] = (struct flow_use){all[i].link + shift, all[i].share};
        w->shared |= all[i].share != 1;
    }
}

static uint32_t new_cap(struct flow_net *net, const struct flow_service *s)
{
    uint32_t link = net->free_caps;
    if (link != FLOW_NONE) {
        net->free_caps = net->links[link].place;
    } else {
        link = net->n_links;
        flow_net_grow_links(net, link + 1);
    }
    net->links[link].place = FLOW_NONE;
    net->links[link].priority = s->priority;
    return link;
}

void flow_cap_free(struct flow_net *net, uint32_t link)
{
    net->links[link].gone = false;
    net->links[link].place = net->free_caps;
    net->free_caps = link;
}

static uint32_t cap_of(const struct flow_net *net, const struct flow_class *c)
{
    return net->services[c->service].cap_Bps > 0 ? flow_class_links(net, c)[c->n_limits - 1] : FLOW_NONE;
}

/* The private link of a capped class is as wide as all its flows may be together. */
static void widen_cap(struct flow_net *net, const struct flow_class *c)
{
    uint32_t link = cap_of(net, c);
    if (link == FLOW_NONE)
        return;
    net->links[link].capacity_Bps = c->n * net->services[c->service].cap_Bps;
    flow_note_overload(net, link);
}

static void drop_cap(struct flow_net *net, const struct flow_class *c)
{
    uint32_t link = cap_of(net, c);
    if (link == FLOW_NONE)
        return;
    if (net->links[link].part == FLOW_NONE)
        flow_cap_free(net, link);
    else
        net->links[link].gone = true;
}

bool flow_class_crosses(const struct flow_net *net, uint32_t cls, uint32_t link)
{
    const struct flow_class *c = &net->classes[cls];
    const uint32_t *links = flow_class_links(net, c);
    for (uint32_t i = 0; c->n && i < c->n_links; i++)
        if (links[i] == link)
            return true;
    return false;
}

bool flow_class_limited_by(const struct flow_net *net, uint32_t cls, uint32_t link)
{
    return flow_class_crosses(net, cls, link) &&
           net->services[net->classes[cls].service].priority == net->links[link].priority;
}

/* --- lists of classes per link ------------------------------------------------------------------------ */

/* Classes leave by being forgotten; once three of four are gone, the list is gone through. */
static void forget_gone(struct flow_net *net, uint32_t link)
{
    struct flow_link *l = &net->links[link];
    uint32_t n = 0, stamp = ++net->fill_id;
    for (uint32_t i = 0; i < l->n_crossing; i++) {
        struct flow_class *c = &net->classes[l->crossing[i]];
        if (c->stamp == stamp || !flow_class_crosses(net, l->crossing[i], link))
            continue;
        c->stamp = stamp;
        l->crossing[n++] = l->crossing[i];
    }
    l->n_crossing = n;
}

static void enter_links(struct flow_net *net, uint32_t cls)
{
    const struct flow_class *c = &net->classes[cls];
    for (uint32_t i = 0; i < c->n_links; i++) {
        uint32_t link = flow_class_links(net, c)[i];
        struct flow_link *l = &net->links[link];
        if (!l->used) {
            l->used = true;
            flow_list_add(&net->used, link);
        }
        if (l->n_crossing == l->cap_crossing) {
            l->cap_crossing += l->cap_crossing / 2 + 16;
            l->crossing = XREALLOC(l->crossing, uint32_t, l->cap_crossing);
        }
        l->crossing[l->n_crossing++] = cls;
        l->n_live++;
    }
}

static void leave_links(struct flow_net *net, const struct flow_class *c)
{
    for (uint32_t i = 0; i < c->n_links; i++) {
        uint32_t link = flow_class_links(net, c)[i];
        struct flow_link *l = &net->links[link];
        if (--l->n_live == 0) {
            l->n_crossing = 0;
            net->background_Bps[link] = l->ending_Bps; /* exact */
        } else if (l->n_crossing > 4 * l->n_live + 64) {
            forget_gone(net, link);
        }
    }
}

/* --- hash -------------------------------------------------------------------------------------------- */

/* Scattered by the first link, in order of the others: flows mostly come receiver by receiver. */
static uint32_t hash_begin(uint32_t service, uint32_t first)
{
    uint64_t h = ((uint64_t)service << 32 ^ first) * 0xff51afd7ed558ccdu;
    return (uint32_t)(h >> 32);
}

static uint32_t n_plain(const struct flow_net *net, const struct flow_class *c)
{
    return c->n_limits - (net->services[c->service].cap_Bps > 0);
}

static uint32_t *bucket_of_class(const struct flow_net *net, const struct flow_class *c)
{
    const uint32_t *links = flow_class_links(net, c);
    uint32_t n = n_plain(net, c), h = hash_begin(c->service, n ? links[0] : 0);
    for (uint32_t i = 1; i < n; i++)
        h += links[i];
    return &net->buckets[h & (net->n_buckets - 1)];
}

static bool is_wanted(const struct flow_net *net, const struct flow_class *c, const struct wanted_class *w)
{
    if (c->service != w->service || c->shared != w->shared || n_plain(net, c) != w->n)
        return false;
    for (uint32_t i = 0; i < w->n; i++)
        if (flow_class_links(net, c)[i] != w->uses[i].link || flow_class_share(net, c, i) != w->uses[i].share)
            return false;
    return true;
}

static uint32_t find(const struct flow_net *net, const struct wanted_class *w)
{
    uint32_t h = hash_begin(w->service, w->n ? w->uses[0].link : 0);
    if (!net->n_buckets)
        return FLOW_NONE;
    for (uint32_t i = 1; i < w->n; i++)
        h += w->uses[i].link;
    uint32_t cls = net->buckets[h & (net->n_buckets - 1)];
    while (cls != FLOW_NONE && !is_wanted(net, &net->classes[cls], w))
        cls = net->classes[cls].hash_next;
    return cls;
}

static void hash_insert(struct flow_net *net, uint32_t cls)
{
    uint32_t *head = bucket_of_class(net, &net->classes[cls]);
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
    uint32_t *at = bucket_of_class(net, &net->classes[cls]);
    while (*at != cls)
        at = &net->classes[*at].hash_next;
    *at = net->classes[cls].hash_next;
}

/* --- classes ----------------------------------------------------------------------------------------- */

static uint32_t new_slot(struct flow_net *net)
{
    uint32_t cls = net->free_classes;
    if (cls != FLOW_NONE) {
        net->free_classes = net->classes[cls].hash_next;
        return cls;
    }
    if (net->n_classes == net->cap_classes) {
        net->cap_classes += net->cap_classes / 2 + 64;
        net->classes = XREALLOC(net->classes, struct flow_class, net->cap_classes);
    }
    return net->n_classes++;
}

static uint32_t span_words(const struct flow_class *c)
{
    return c->n_links * (c->shared ? 3u : 1u);
}

/* Its links are `w`'s, its cap, then the shadows: links of lower priorities, on which it is background. */
static void store_links(struct flow_net *net, uint32_t cls, const struct wanted_class *w)
{
    const struct flow_service *s = &net->services[w->service];
    uint32_t below = net->n_priorities - 1 - s->priority, cap = s->cap_Bps > 0 ? new_cap(net, s) : FLOW_NONE;
    struct flow_class *c = &net->classes[cls];
    uint32_t n = w->n + (cap != FLOW_NONE) + below * w->n;
    BUG_IF(n > FLOW_MAX_USES);
    c->n_links = (uint16_t)n;
    c->n_limits = (uint16_t)(w->n + (cap != FLOW_NONE));
    c->shared = w->shared;
    bool inside = n <= FLOW_FEW_LINKS && !c->shared;
    if (!inside)
        c->few_links[0] = span_alloc(&net->spans, span_words(c));
    uint32_t *links = inside ? c->few_links : net->spans.words + c->few_links[0], at = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = i < w->n ? i : i < c->n_limits ? w->n : (i - c->n_limits) % w->n;
        uint32_t lower = i < c->n_limits ? 0 : 1 + (i - c->n_limits) / w->n;
        double share = k < w->n ? w->uses[k].share : 1;
        links[at++] = k < w->n ? w->uses[k].link + lower * net->n_real : cap;
        if (c->shared)
            memcpy(links + n + 2 * i, &share, sizeof share);
    }
}

static uint32_t class_new(struct flow_net *net, const struct wanted_class *w)
{
    if (net->live_classes + 1 > net->n_buckets)
        hash_grow(net);
    uint32_t cls = new_slot(net);
    struct flow_class *c = &net->classes[cls];
    *c = (struct flow_class){.service = w->service, .heap = FLOW_NONE, .n = 1};
    store_links(net, cls, w);
    enter_links(net, cls);
    hash_insert(net, cls);
    net->live_classes++;
    flow_list_add(&net->seeds, cls);
    return cls;
}

static void class_free(struct flow_net *net, uint32_t cls)
{
    struct flow_class *c = &net->classes[cls];
    hash_remove(net, cls);
    leave_links(net, c);
    drop_cap(net, c);
    if (c->n_links > FLOW_FEW_LINKS || c->shared)
        span_free(&net->spans, c->few_links[0], span_words(c));
    c->n = 0;
    c->hash_next = net->free_classes;
    net->free_classes = cls;
    net->live_classes--;
}

double flow_class_left_B(const struct flow_net *net, uint32_t cls)
{
    const struct flow_class *c = &net->classes[cls];
    return c->owned ? net->links[c->owner].own.end_B[c->at] - net->links[c->owner].clock_B : c->left_B;
}

/* What its first flow lacks is this from now on. */
static void set_left(struct flow_net *net, uint32_t cls, double left_B)
{
    struct flow_class *c = &net->classes[cls];
    if (!c->owned) {
        c->left_B = left_B;
        return;
    }
    struct flow_link *l = &net->links[c->owner];
    double end_B = l->clock_B + left_B;
    if (l->own.end_B[c->at] == l->next_B)
        l->next_B = NAN;
    l->own.end_B[c->at] = end_B;
    if (end_B < l->next_B)
        l->next_B = end_B;
}

/* The class has more or fewer flows; its load follows. */
static void resize(struct flow_net *net, uint32_t cls, int by)
{
    struct flow_class *c = &net->classes[cls];
    if (c->owned)
        flow_own_reweigh(net, cls, by);
    else
        c->n = (uint32_t)((int64_t)c->n + by);
    widen_cap(net, c);
}

void flow_class_touch(struct flow_net *net, uint32_t cls, double now_s)
{
    const struct flow_class *c = &net->classes[cls];
    if (!c->owned)
        return;
    flow_part_touch(net, c->owner, now_s); /* the first of its links in the order: the others are looked at, too */
    net->parts[net->links[c->owner].part].n_changed++;
}

void flow_class_join(struct flow_net *net, uint32_t flow, double service_B, double now_s)
{
    struct wanted_class w;
    awake_links(net, flow, &w);
    uint32_t cls = find(net, &w);
    double served_B = 0;
    if (cls == FLOW_NONE) {
        cls = class_new(net, &w);
        widen_cap(net, &net->classes[cls]);
    } else {
        flow_class_touch(net, cls, now_s);
        served_B = flow_class_served_B(net, cls);
        resize(net, cls, 1);
    }
    struct flow_class *c = &net->classes[cls];
    net->flow_class[flow] = cls;
    net->heap.key[flow] = served_B + service_B;
    c->heap = flow_heap_push(&net->heap, c->heap, flow);
    set_left(net, cls, net->heap.key[c->heap] - served_B);
}

/* A class of one flow leaves the loads of its links. */
static void leave_owner(struct flow_net *net, uint32_t cls)
{
    const struct flow_class *c = &net->classes[cls];
    uint32_t owner = c->owner;
    if (!c->owned)
        return;
    flow_own_shift(net, owner, c->at, -net->links[owner].level_Bps);
    flow_own_remove(net, owner, c->at);
}

double flow_class_served_B(const struct flow_net *net, uint32_t cls)
{
    return net->heap.key[net->classes[cls].heap] - flow_class_left_B(net, cls);
}

uint32_t flow_class_pop(struct flow_net *net, uint32_t cls)
{
    struct flow_class *c = &net->classes[cls];
    uint32_t flow = c->heap;
    c->heap = flow_heap_pop(&net->heap, flow);
    return flow;
}

void flow_class_popped(struct flow_net *net, uint32_t cls, uint32_t n, double served_B)
{
    struct flow_class *c = &net->classes[cls];
    if (c->heap == FLOW_NONE) {
        leave_owner(net, cls);
        class_free(net, cls);
        return;
    }
    resize(net, cls, -(int)n);
    set_left(net, cls, net->heap.key[c->heap] - served_B);
}

void flow_class_make_first(struct flow_net *net, uint32_t flow)
{
    uint32_t cls = net->flow_class[flow];
    struct flow_class *c = &net->classes[cls];
    double served_B = flow_class_served_B(net, cls);
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
    net->heap.key[flow] = served_B;
    net->heap.child[flow] = FLOW_NONE;
    c->heap = flow_heap_push(&net->heap, c->heap, flow);
    set_left(net, cls, net->heap.key[c->heap] - served_B);
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
    for (uint32_t part = 0; part < net->n_parts; part++)
        flow_part_advance(net, part, now_s);
    for (uint32_t cls = 0; cls < net->n_classes; cls++) {
        const struct flow_class *c = &net->classes[cls];
        if (!c->n)
            continue;
        double served_B = flow_class_served_B(net, cls);
        list = heap_to_list(net, c->heap, served_B, list);
        if (c->n_links > FLOW_FEW_LINKS || c->shared)
            span_free(&net->spans, c->few_links[0], span_words(c));
    }
    for (; list != FLOW_NONE; list = net->heap.sibling[list])
        net->flow_class[list] = FLOW_HOMELESS;
    net->n_classes = net->live_classes = 0;
    net->free_classes = FLOW_NONE;
    if (net->n_buckets)
        memset(net->buckets, 0xff, net->n_buckets * sizeof *net->buckets);
    net->seeds.n = 0;
    flow_parts_reset(net);
}

/* What a link limits: its own classes, packed, with the other links that each of them crosses. */
#include <stdlib.h>

#include "base/diag.h"
#include "sim/flow/flow_net_impl.h"

void flow_own_free(struct flow_own *own)
{
    free(own->end_B);
    free(own->cls);
    free(own->other);
    free(own->amount);
    free(own->other_amount);
    *own = (struct flow_own){0};
}

/* --- packing ---------------------------------------------------------------------------------------- */

static bool is_long(const struct flow_own *own, const struct flow_class *c)
{
    return c->n_links > own->stride + 1u;
}

/* Writes what a class does on the others of its links; the rest of many is looked up when it is needed. */
static void pack(struct flow_net *net, uint32_t link, uint32_t at)
{
    struct flow_own *own = &net->links[link].own;
    const struct flow_class *c = &net->classes[own->cls[at]];
    const uint32_t *links = flow_class_links(net, c);
    double load = c->n * flow_class_weight(net, c);
    uint32_t n = 0, *other = own->other + (size_t)at * own->stride;
    double *amount = own->other_amount ? own->other_amount + (size_t)at * own->stride : NULL;
    for (uint32_t i = 0; i < c->n_links; i++) {
        if (links[i] == link && own->amount)
            own->amount[at] = load * flow_class_share(net, c, i);
        if (links[i] == link || n == own->stride)
            continue;
        if (amount)
            amount[n] = load * flow_class_share(net, c, i);
        other[n++] = links[i];
    }
    for (; n < own->stride; n++) {
        other[n] = 0;
        if (amount)
            amount[n] = 0;
    }
}

static void resize(struct flow_own *own, uint32_t cap)
{
    own->end_B = XREALLOC(own->end_B, double, cap);
    own->cls = XREALLOC(own->cls, uint32_t, cap);
    own->other = XREALLOC(own->other, uint32_t, (size_t)cap * own->stride);
    if (own->amount) {
        own->amount = XREALLOC(own->amount, double, cap);
        own->other_amount = XREALLOC(own->other_amount, double, (size_t)cap * own->stride);
    }
    own->cap = cap;
}

static void repack(struct flow_net *net, uint32_t link)
{
    struct flow_own *own = &net->links[link].own;
    own->n_long = 0;
    for (uint32_t i = 0; i < own->n; i++) {
        pack(net, link, i);
        own->n_long += is_long(own, &net->classes[own->cls[i]]);
    }
}

static void keep_amounts(struct flow_net *net, uint32_t link)
{
    struct flow_own *own = &net->links[link].own;
    own->amount = XREALLOC(NULL, double, own->cap);
    own->other_amount = XREALLOC(NULL, double, (size_t)own->cap * own->stride);
    repack(net, link);
}

/* Room for one more, as wide as it is. */
static void reserve(struct flow_net *net, uint32_t link, const struct flow_class *c)
{
    struct flow_own *own = &net->links[link].own;
    uint32_t others = c->n_links > FLOW_MAX_STRIDE ? FLOW_MAX_STRIDE : c->n_links - 1u;
    bool wider = others > own->stride;
    if (wider)
        own->stride = others;
    if (own->n == own->cap)
        resize(own, own->cap + own->cap / 2 + 4);
    else if (wider)
        resize(own, own->cap);
    if (wider)
        repack(net, link);
    if (!own->amount && (c->shared || c->n * flow_class_weight(net, c) != 1))
        keep_amounts(net, link);
}

void flow_own_reserve(struct flow_net *net, uint32_t link, uint32_t n)
{
    if (n > net->links[link].own.cap)
        resize(&net->links[link].own, n);
}

void flow_own_append(struct flow_net *net, uint32_t link, uint32_t cls, double left_B)
{
    struct flow_link *l = &net->links[link];
    struct flow_own *own = &l->own;
    struct flow_class *c = &net->classes[cls];
    reserve(net, link, c);
    uint32_t at = own->n++;
    own->cls[at] = cls;
    own->end_B[at] = l->clock_B + left_B;
    if (own->end_B[at] < l->next_B || at == 0)
        l->next_B = own->end_B[at];
    c->owned = true;
    c->owner = link;
    c->at = at;
    pack(net, link, at);
    own->n_long += is_long(own, c);
    l->own_use += own->amount ? own->amount[at] : 1;
}

void flow_own_remove(struct flow_net *net, uint32_t link, uint32_t at)
{
    struct flow_link *l = &net->links[link];
    struct flow_own *own = &l->own;
    uint32_t last = --own->n, stride = own->stride;
    own->n_long -= own->n_long && is_long(own, &net->classes[own->cls[at]]);
    l->own_use -= own->amount ? own->amount[at] : 1;
    if (own->end_B[at] == l->next_B)
        l->next_B = NAN;
    net->classes[own->cls[at]].owned = false;
    if (own->n == 0)
        l->own_use = 0;
    if (at == last)
        return;
    own->cls[at] = own->cls[last];
    own->end_B[at] = own->end_B[last];
    memcpy(own->other + (size_t)at * stride, own->other + (size_t)last * stride, stride * sizeof *own->other);
    if (own->amount) {
        own->amount[at] = own->amount[last];
        memcpy(own->other_amount + (size_t)at * stride, own->other_amount + (size_t)last * stride,
               stride * sizeof *own->other_amount);
    }
    net->classes[own->cls[at]].at = at;
}

static double smallest(const double *v, uint32_t n)
{
    double m[4] = {INFINITY, INFINITY, INFINITY, INFINITY};
    uint32_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (uint32_t k = 0; k < 4; k++)
            m[k] = v[i + k] < m[k] ? v[i + k] : m[k];
    for (; i < n; i++)
        m[0] = v[i] < m[0] ? v[i] : m[0];
    double a = m[0] < m[1] ? m[0] : m[1], b = m[2] < m[3] ? m[2] : m[3];
    return a < b ? a : b;
}

double flow_own_next_B(struct flow_net *net, uint32_t link)
{
    struct flow_link *l = &net->links[link];
    if (isnan(l->next_B))
        l->next_B = smallest(l->own.end_B, l->own.n);
    return l->next_B;
}

/* --- changes of levels ------------------------------------------------------------------------------- */

/* The two hot loops: nothing else is done as often. */
static void add_amounts(double *background_Bps, const uint32_t *link, const double *amount, size_t n, double delta_Bps)
{
    for (size_t i = 0; i < n; i++)
        background_Bps[link[i]] += delta_Bps * amount[i];
}

static void add_to_all(double *background_Bps, const uint32_t *link, size_t n, double delta_Bps)
{
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        uint32_t a = link[i], b = link[i + 1], c = link[i + 2], d = link[i + 3];
        background_Bps[a] += delta_Bps;
        background_Bps[b] += delta_Bps;
        background_Bps[c] += delta_Bps;
        background_Bps[d] += delta_Bps;
    }
    for (; i < n; i++)
        background_Bps[link[i]] += delta_Bps;
}

/* Links of a long class beyond those that are packed. */
static void shift_rest(struct flow_net *net, uint32_t link, uint32_t at, double delta_Bps)
{
    const struct flow_own *own = &net->links[link].own;
    const struct flow_class *c = &net->classes[own->cls[at]];
    const uint32_t *links = flow_class_links(net, c);
    double load = c->n * flow_class_weight(net, c) * delta_Bps;
    for (uint32_t i = 0, n = 0; is_long(own, c) && i < c->n_links; i++)
        if (links[i] != link && n++ >= own->stride)
            net->background_Bps[links[i]] += load * flow_class_share(net, c, i);
}

void flow_own_push(struct flow_net *net, uint32_t link, uint32_t from, uint32_t to, double delta_Bps)
{
    const struct flow_own *own = &net->links[link].own;
    size_t begin = (size_t)from * own->stride, n = (size_t)(to - from) * own->stride;
    const uint32_t *other = own->other + begin;
    net->stats.visits += to - from;
    if (own->other_amount)
        add_amounts(net->background_Bps, other, own->other_amount + begin, n, delta_Bps);
    else
        add_to_all(net->background_Bps, other, n, delta_Bps);
    for (uint32_t i = from; own->n_long && i < to; i++)
        shift_rest(net, link, i, delta_Bps);
}

void flow_own_shift(struct flow_net *net, uint32_t link, uint32_t at, double delta_Bps)
{
    flow_own_push(net, link, at, at + 1, delta_Bps);
}

/* --- changes of owners ------------------------------------------------------------------------------- */

typedef uint32_t u32x4 __attribute__((vector_size(16)));

/* The first of n ids that is `id`, or n. */
static size_t find_id(const uint32_t *ids, size_t n, uint32_t id)
{
    enum { BLOCK = 16 };
    const u32x4 wanted = {id, id, id, id};
    size_t i = 0;
    for (; i + BLOCK <= n; i += BLOCK) {
        u32x4 v[4], hit;
        memcpy(v, ids + i, sizeof v);
        hit = (u32x4)((v[0] == wanted) | (v[1] == wanted) | (v[2] == wanted) | (v[3] == wanted));
        uint64_t half[2];
        memcpy(half, &hit, sizeof half);
        if (half[0] | half[1])
            break;
    }
    while (i < n && ids[i] != id)
        i++;
    return i;
}

uint32_t flow_own_find(const struct flow_net *net, uint32_t link, uint32_t from, uint32_t crosses)
{
    const struct flow_own *own = &net->links[link].own;
    if (from >= own->n)
        return own->n;
    size_t begin = (size_t)from * own->stride, n = (size_t)own->n * own->stride;
    uint32_t at =
        own->stride ? (uint32_t)((begin + find_id(own->other + begin, n - begin, crosses)) / own->stride) : own->n;
    for (uint32_t i = from; own->n_long && i < at; i++)
        if (is_long(own, &net->classes[own->cls[i]]) && flow_class_crosses(net, own->cls[i], crosses))
            return i;
    return at;
}

/* What the class carries on one of its links at a level of 1. */
static double use_of(const struct flow_net *net, uint32_t cls, uint32_t link)
{
    const struct flow_class *c = &net->classes[cls];
    const uint32_t *links = flow_class_links(net, c);
    for (uint32_t i = 0; i < c->n_links; i++)
        if (links[i] == link)
            return c->n * flow_class_weight(net, c) * flow_class_share(net, c, i);
    return 0;
}

void flow_own_take(struct flow_net *net, uint32_t cls, uint32_t to)
{
    uint32_t from = net->classes[cls].owner, at = net->classes[cls].at;
    const struct flow_link *l = &net->links[from];
    double left_B = l->own.end_B[at] - l->clock_B, level_Bps = l->level_Bps;
    net->background_Bps[from] += level_Bps * use_of(net, cls, from);
    net->background_Bps[to] -= level_Bps * use_of(net, cls, to);
    flow_own_remove(net, from, at);
    flow_own_append(net, to, cls, left_B);
    if (net->n_dormant)
        flow_dormant_moved(net, to, net->classes[cls].at);
}

void flow_own_move(struct flow_net *net, uint32_t cls, uint32_t to)
{
    double was_Bps = net->links[net->classes[cls].owner].level_Bps;
    flow_own_take(net, cls, to);
    flow_own_shift(net, to, net->classes[cls].at, net->links[to].level_Bps - was_Bps);
}

/* The class has `by` flows more. */
void flow_own_reweigh(struct flow_net *net, uint32_t cls, int by)
{
    struct flow_class *c = &net->classes[cls];
    uint32_t link = c->owner, at = c->at;
    struct flow_link *l = &net->links[link];
    flow_own_shift(net, link, at, -l->level_Bps);
    l->own_use -= l->own.amount ? l->own.amount[at] : 1;
    c->n = (uint32_t)((int64_t)c->n + by);
    if (!l->own.amount)
        keep_amounts(net, link);
    else
        pack(net, link, at);
    l->own_use += l->own.amount[at];
    flow_own_shift(net, link, at, l->level_Bps);
}

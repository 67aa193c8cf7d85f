/* Parts: links that limit somebody and depend on each other, in order of priority and level. */
#include <stdlib.h>

#include "base/diag.h"
#include "sim/flow/flow_net_impl.h"

/* A load above the capacity by rounding only is none. */
static const double OVERLOAD = 1e-12;

uint32_t flow_part_new(struct flow_net *net, double now_s)
{
    uint32_t part = net->free_parts;
    if (part != FLOW_NONE) {
        net->free_parts = net->parts[part].next_free;
    } else {
        XGROW(net->parts, net->n_parts, net->cap_parts);
        part = net->n_parts++;
        net->parts[part] = (struct flow_part){0};
        event_queue_reserve(&net->queue, net->cap_parts);
    }
    struct flow_part *p = &net->parts[part];
    p->used = true;
    p->serial = ++net->part_serial;
    p->n = p->n_own = p->n_changed = p->loose.n = 0;
    p->from = FLOW_NONE;
    p->next_link = FLOW_NONE;
    p->since_s = now_s;
    p->begun_s = net->fill_begun_s;
    p->window_s = p->last_window_s = 0;
    p->n_members = 0;
    p->patience = 0;
    flow_part_changed(net, part);
    return part;
}

void flow_part_release(struct flow_net *net, uint32_t part)
{
    struct flow_part *p = &net->parts[part];
    p->n = 0;
    p->used = false;
    event_queue_set(&net->queue, part, INFINITY);
    p->next_free = net->free_parts;
    net->free_parts = part;
}

static void place(struct flow_net *net, uint32_t part, uint32_t at, uint32_t link)
{
    net->parts[part].order[at] = link;
    net->links[link].part = part;
    net->links[link].place = at;
}

void flow_part_append(struct flow_net *net, uint32_t part, uint32_t link)
{
    struct flow_part *p = &net->parts[part];
    XGROW(p->order, p->n, p->cap);
    place(net, part, p->n++, link);
}

void flow_part_advance(struct flow_net *net, uint32_t part, double now_s)
{
    struct flow_part *p = &net->parts[part];
    double passed_s = now_s - p->since_s;
    if (p->window_s > 0)
        flow_window_close(net, part, now_s);
    if (passed_s <= 0 || p->since_s == now_s)
        return;
    for (uint32_t i = 0; i < p->n; i++) {
        struct flow_link *l = &net->links[p->order[i]];
        l->clock_B += l->level_Bps * passed_s;
    }
    p->since_s = now_s;
}

void flow_part_changed(struct flow_net *net, uint32_t part)
{
    if (net->parts[part].changed)
        return;
    net->parts[part].changed = true;
    flow_list_add(&net->changed, part);
}

void flow_part_dirty(struct flow_net *net, uint32_t part)
{
    struct flow_part *p = &net->parts[part];
    if (!p->dirty) {
        p->dirty = true;
        flow_list_add(&net->dirty, part);
    }
    flow_part_changed(net, part);
}

void flow_part_touch(struct flow_net *net, uint32_t link, double now_s)
{
    uint32_t part = net->links[link].part, at = net->links[link].place;
    if (part == FLOW_NONE)
        return;
    struct flow_part *p = &net->parts[part];
    flow_part_advance(net, part, now_s);
    if (at < p->from)
        p->from = at;
    flow_part_dirty(net, part);
}

/* --- merging ---------------------------------------------------------------------------------------- */

static bool comes_before(const struct flow_link *a, const struct flow_link *b)
{
    return a->priority != b->priority ? a->priority < b->priority : a->level_Bps <= b->level_Bps;
}

/* Where something is out of date is remembered by its link, as places change. */
static uint32_t first_dirty(const struct flow_part *p)
{
    return p->from < p->n ? p->order[p->from] : FLOW_NONE;
}

static void touch_again(struct flow_net *net, uint32_t link)
{
    if (link != FLOW_NONE)
        flow_part_touch(net, link, net->parts[net->links[link].part].since_s);
}

/* From the back, so that the longer order can grow in place. */
static void merge_orders(struct flow_net *net, uint32_t into, const struct flow_part *b)
{
    struct flow_part *a = &net->parts[into];
    uint32_t i = a->n, k = b->n, n = a->n + b->n;
    if (n > a->cap) {
        a->cap = n + n / 2;
        a->order = XREALLOC(a->order, uint32_t, a->cap);
    }
    a->n = n;
    while (k > 0) {
        bool take_a = i > 0 && !comes_before(&net->links[a->order[i - 1]], &net->links[b->order[k - 1]]);
        uint32_t link = take_a ? a->order[--i] : b->order[--k];
        place(net, into, --n, link);
    }
}

uint32_t flow_part_merge(struct flow_net *net, uint32_t a, uint32_t b, double now_s)
{
    if (a == b)
        return a;
    if (net->parts[a].n < net->parts[b].n) {
        uint32_t t = a;
        a = b;
        b = t;
    }
    flow_part_advance(net, a, now_s);
    flow_part_advance(net, b, now_s);
    struct flow_part *p = &net->parts[a], *q = &net->parts[b];
    uint32_t dirty_a = first_dirty(p), dirty_b = first_dirty(q);
    merge_orders(net, a, q);
    p->n_changed += q->n_changed;
    p->n_own += q->n_own;
    if (p->n_members + q->n_members)
        p->begun_s = (p->begun_s * p->n_members + q->begun_s * q->n_members) / (p->n_members + q->n_members);
    p->n_members += q->n_members;
    for (uint32_t i = 0; i < q->loose.n; i++)
        flow_part_add_loose(net, a, q->loose.items[i]);
    p->from = FLOW_NONE;
    q->from = FLOW_NONE;
    flow_part_release(net, b);
    flow_part_changed(net, a);
    touch_again(net, dirty_a);
    touch_again(net, dirty_b);
    return a;
}

/* --- loose links: they limit nobody -------------------------------------------------------------------------- */

bool flow_is_overloaded(const struct flow_net *net, uint32_t link)
{
    const struct flow_link *l = &net->links[link];
    return l->part == FLOW_NONE && net->background_Bps[link] > l->capacity_Bps * (1 + OVERLOAD);
}

void flow_note_overload(struct flow_net *net, uint32_t link)
{
    if (net->links[link].noted || !flow_is_overloaded(net, link))
        return;
    net->links[link].noted = true;
    flow_list_add(&net->overloaded, link);
}

static void limits_nobody(struct flow_net *net, uint32_t link)
{
    struct flow_link *l = &net->links[link];
    l->part = l->place = FLOW_NONE;
    l->level_Bps = l->own_use = l->clock_B = 0;
    if (l->gone)
        flow_cap_free(net, link);
}

void flow_part_add_loose(struct flow_net *net, uint32_t part, uint32_t link)
{
    struct flow_part *p = &net->parts[part];
    if (net->links[link].loose_in == p->serial)
        return;
    net->links[link].loose_in = p->serial;
    flow_list_add(&p->loose, link);
}

/* Loose links that carry too much are noted; those that are none any more are forgotten. */
static void check_loose(struct flow_net *net, struct flow_part *p)
{
    uint32_t n = 0, stamp = ++net->loose_stamp;
    for (uint32_t i = 0; i < p->loose.n; i++) {
        uint32_t link = p->loose.items[i];
        struct flow_link *l = &net->links[link];
        if (l->part != FLOW_NONE || !l->n_live) {
            l->loose_in = 0;
            continue;
        }
        if (l->loose_stamp == stamp)
            continue;
        l->loose_stamp = stamp;
        p->loose.items[n++] = link;
        flow_note_overload(net, link);
    }
    p->loose.n = n;
}

void flow_part_settled(struct flow_net *net, uint32_t part)
{
    struct flow_part *p = &net->parts[part];
    uint32_t n = 0;
    p->n_own = 0;
    for (uint32_t i = 0; i < p->n; i++) {
        uint32_t link = p->order[i];
        if (net->links[link].own.n) {
            p->n_own += net->links[link].own.n;
            place(net, part, n++, link);
            continue;
        }
        limits_nobody(net, link);
        flow_part_add_loose(net, part, link);
    }
    p->n = n;
    check_loose(net, p);
}

void flow_part_empty(struct flow_net *net, uint32_t part)
{
    for (uint32_t i = 0; i < net->parts[part].n; i++) {
        uint32_t link = net->parts[part].order[i];
        net->background_Bps[link] =
            net->links[link].ending_Bps; /* all who cross a link of a part are limited in that part */
        limits_nobody(net, link);
    }
    flow_part_release(net, part);
}

/* Who ends first: compared crosswise, as a division for each link costs more. */
void flow_part_find_next(struct flow_net *net, uint32_t part)
{
    struct flow_part *p = &net->parts[part];
    double left_B = INFINITY, level_Bps = 1;
    if (p->window_s > 0) {
        event_queue_set(&net->queue, part, flow_window_next(p));
        return;
    }
    p->next_link = FLOW_NONE;
    for (uint32_t i = 0; i < p->n; i++) {
        const struct flow_link *l = &net->links[p->order[i]];
        if (!l->own.n || !(l->level_Bps > 0))
            continue;
        double l_left_B = flow_max(0, flow_own_next_B(net, p->order[i]) - l->clock_B);
        if (l_left_B * level_Bps < left_B * l->level_Bps || p->next_link == FLOW_NONE) {
            left_B = l_left_B;
            level_Bps = l->level_Bps;
            p->next_link = p->order[i];
        }
    }
    event_queue_set(&net->queue, part, p->next_link == FLOW_NONE ? INFINITY : p->since_s + left_B / level_Bps);
}

/* No class has an owner any more. */
void flow_parts_reset(struct flow_net *net)
{
    for (uint32_t part = 0; part < net->n_parts; part++)
        if (net->parts[part].used)
            flow_part_release(net, part);
    for (uint32_t i = 0; i < net->used.n; i++) {
        uint32_t link = net->used.items[i];
        struct flow_link *l = &net->links[link];
        l->own.n = l->own.n_long = 0;
        l->n_crossing = l->n_live = 0;
        l->used = false;
        net->background_Bps[link] = 0;
        limits_nobody(net, link);
    }
    net->used.n = 0;
    net->free_caps = FLOW_NONE;
    for (uint32_t i = 1 + net->n_priorities * net->n_real; i < net->n_links; i++)
        flow_cap_free(net, i);
}

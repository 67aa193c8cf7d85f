/* Service clocks: one per limiting link and priority, one per class that runs at its own cap. */
#include <math.h>
#include <stdlib.h>

#include "sim/flow/flow_net_impl.h"

double flow_clock_read(const struct flow_net *net, uint32_t clock, double now_s)
{
    const struct flow_clock *k = &net->clocks[clock];
    return k->read_B + k->level_Bps * (now_s - k->since_s);
}

double flow_class_served(const struct flow_net *net, uint32_t cls, double now_s)
{
    const struct flow_class *c = &net->classes[cls];
    return c->offset_B + (c->clock == CLOCK_NONE ? 0 : flow_clock_read(net, c->clock, now_s));
}

static void retime(struct flow_net *net, uint32_t clock)
{
    const struct flow_clock *k = &net->clocks[clock];
    double t_s = INFINITY;
    if (k->n_own) {
        double left_B = net->classes[k->own[0]].end_B - k->read_B;
        if (left_B <= 0)
            t_s = k->since_s;
        else if (k->level_Bps > 0)
            t_s = k->since_s + left_B / k->level_Bps;
    }
    event_queue_set(&net->queue, clock, t_s);
}

void flow_clock_set_level(struct flow_net *net, uint32_t clock, double level_Bps, double now_s)
{
    struct flow_clock *k = &net->clocks[clock];
    k->read_B = flow_clock_read(net, clock, now_s);
    k->since_s = now_s;
    k->level_Bps = level_Bps;
    retime(net, clock);
}

uint32_t flow_clock_new(struct flow_net *net, uint32_t link, double now_s)
{
    uint32_t clock = net->free_clocks;
    if (clock != CLOCK_NONE) {
        net->free_clocks = net->clocks[clock].next_free;
    } else {
        XGROW(net->clocks, net->n_clocks, net->cap_clocks);
        clock = net->n_clocks++;
        net->clocks[clock] = (struct flow_clock){0};
        event_queue_reserve(&net->queue, net->cap_clocks);
    }
    struct flow_clock *k = &net->clocks[clock];
    k->level_Bps = k->read_B = k->own_weight = 0;
    k->since_s = now_s;
    k->n_own = 0;
    k->link = link;
    return clock;
}

uint32_t flow_clock_of_link(struct flow_net *net, uint32_t link, uint8_t priority, double now_s)
{
    uint32_t *clock = &net->links[link].clock[priority];
    if (*clock == CLOCK_NONE)
        *clock = flow_clock_new(net, link, now_s);
    return *clock;
}

static void clock_free(struct flow_net *net, uint32_t clock, uint8_t priority)
{
    struct flow_clock *k = &net->clocks[clock];
    if (k->link != FLOW_NONE)
        net->links[k->link].clock[priority] = CLOCK_NONE;
    event_queue_set(&net->queue, clock, INFINITY);
    k->next_free = net->free_clocks;
    net->free_clocks = clock;
}

/* --- the heap of followers -------------------------------------------------------------------------- */

static void place(struct flow_net *net, struct flow_clock *k, uint32_t at, uint32_t cls)
{
    k->own[at] = cls;
    net->classes[cls].own_at = at;
}

static void sift(struct flow_net *net, struct flow_clock *k, uint32_t at)
{
    uint32_t cls = k->own[at], child;
    double end_B = net->classes[cls].end_B;
    while (at > 0 && end_B < net->classes[k->own[(at - 1) / 2]].end_B) {
        place(net, k, at, k->own[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    while ((child = 2 * at + 1) < k->n_own) {
        if (child + 1 < k->n_own && net->classes[k->own[child + 1]].end_B < net->classes[k->own[child]].end_B)
            child++;
        if (!(net->classes[k->own[child]].end_B < end_B))
            break;
        place(net, k, at, k->own[child]);
        at = child;
    }
    place(net, k, at, cls);
}

static void unfollow(struct flow_net *net, uint32_t cls)
{
    struct flow_class *c = &net->classes[cls];
    struct flow_clock *k = &net->clocks[c->clock];
    k->own_weight -= c->n * c->weight;
    uint32_t at = c->own_at, last = k->own[--k->n_own];
    if (last != cls) {
        place(net, k, at, last);
        sift(net, k, at);
    }
    if (k->n_own == 0)
        clock_free(net, c->clock, c->priority);
    else if (at == 0)
        retime(net, c->clock);
}

static void follow(struct flow_net *net, uint32_t cls, uint32_t clock)
{
    struct flow_class *c = &net->classes[cls];
    struct flow_clock *k = &net->clocks[clock];
    k->own_weight += c->n * c->weight;
    XGROW(k->own, k->n_own, k->cap_own);
    place(net, k, k->n_own++, cls);
    sift(net, k, c->own_at);
    if (c->own_at == 0)
        retime(net, clock);
}

void flow_clock_move(struct flow_net *net, uint32_t cls, uint32_t clock, double now_s)
{
    struct flow_class *c = &net->classes[cls];
    if (c->clock == clock)
        return;
    double served_B = flow_class_served(net, cls, now_s);
    if (c->clock != CLOCK_NONE)
        unfollow(net, cls);
    c->clock = clock;
    c->offset_B = served_B;
    if (clock == CLOCK_NONE)
        return;
    c->offset_B -= flow_clock_read(net, clock, now_s);
    c->end_B = net->heap.key[c->heap] - c->offset_B;
    follow(net, cls, clock);
}

void flow_clock_first_end(struct flow_net *net, uint32_t cls)
{
    struct flow_class *c = &net->classes[cls];
    if (c->clock == CLOCK_NONE)
        return;
    struct flow_clock *k = &net->clocks[c->clock];
    uint32_t was_at = c->own_at;
    c->end_B = net->heap.key[c->heap] - c->offset_B;
    sift(net, k, was_at);
    if (was_at == 0 || c->own_at == 0)
        retime(net, c->clock);
}

/* Life of flows: waiting for their latency, sharing, ending. */
#include "sim/flow/flow_net.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "sim/flow/flow_net_impl.h"

/* Ends that differ by rounding only are one event: of the clock, and of symmetric flows' rates. */
static const double CLOCK_ROUNDING = 2e-15;
static const double RATE_ROUNDING = 1e-12;

enum { MANY_STARTS = 64, MANY_ENDS = 4096 };

void flow_net_grow_links(struct flow_net *net, uint32_t n)
{
    if (n > net->cap_links) {
        net->cap_links = n + net->cap_links / 2;
        net->links = XREALLOC(net->links, struct flow_link, net->cap_links);
        net->background_Bps = XREALLOC(net->background_Bps, double, net->cap_links);
        net->open = XREALLOC(net->open, struct flow_open, net->cap_links);
        net->slots = XREALLOC(net->slots, struct flow_slots, net->cap_links);
        net->root = XREALLOC(net->root, uint32_t, net->cap_links);
        net->sleepers = XREALLOC(net->sleepers, struct flow_sleeper, net->cap_links);
    }
    for (; net->n_links < n; net->n_links++) {
        net->links[net->n_links] =
            (struct flow_link){.part = FLOW_NONE, .place = FLOW_NONE, .behind = FLOW_NONE, .next_B = NAN};
        net->background_Bps[net->n_links] = 0;
        net->open[net->n_links] = (struct flow_open){0};
    }
}

/* The links of one more priority, alike those of the first. Rate caps come behind them: nobody may have one. */
static void add_priority(struct flow_net *net)
{
    uint32_t first = net->n_priorities * net->n_real;
    flow_net_grow_links(net, 1 + first + net->n_real);
    for (uint32_t i = 0; i < net->n_real; i++) {
        struct flow_link *l = &net->links[1 + first + i];
        l->priority = (uint8_t)net->n_priorities;
        l->capacity_Bps = net->n_priorities ? net->links[1 + i].capacity_Bps : net->real_Bps[i];
    }
    net->n_priorities++;
}

struct flow_net *flow_net_new(const struct flow_net_config *config)
{
    struct flow_net *net = XREALLOC(NULL, struct flow_net, 1);
    memset(net, 0, sizeof *net);
    uint32_t n = net->n_real = config->n_links;
    net->config = *config;
    net->config.capacity_Bps = NULL; /* copied below */
    net->real_Bps = XREALLOC(NULL, double, n);
    net->failed = XREALLOC(NULL, uint8_t, n);
    net->free_flows = net->free_classes = net->free_parts = net->free_caps = FLOW_NONE;
    net->rebuild_factor = 1;
    net->solve_call = 1;
    memset(net->failed, 0, n);
    for (uint32_t i = 0; i < n; i++)
        net->real_Bps[i] = config->capacity_Bps[i];
    flow_net_grow_links(net, 1);
    net->links[0].capacity_Bps = INFINITY; /* nobody's */
    add_priority(net);
    return net;
}

void flow_net_free(struct flow_net *net)
{
    if (!net)
        return;
    for (uint32_t i = 0; i < net->n_links; i++) {
        flow_own_free(&net->links[i].own);
        free(net->links[i].crossing);
        free(net->links[i].core);
    }
    for (uint32_t i = 0; i < net->n_parts; i++) {
        free(net->parts[i].order);
        free(net->parts[i].loose.items);
        free(net->parts[i].endings);
    }
    flow_groups_free(net);
    void *owned[] = {
        net->links,         net->background_Bps, net->open,          net->slots,         net->root,
        net->real_Bps,      net->failed,         net->heap.key,      net->heap.child,    net->heap.sibling,
        net->size_B,        net->flow_class,     net->flow_path,     net->flow_cookie,   net->flow_service,
        net->flow_n_path,   net->spans.words,    net->services,      net->classes,       net->buckets,
        net->parts,         net->seeds.items,    net->dirty.items,   net->changed.items, net->overloaded.items,
        net->watched.items, net->set.items,      net->touched.items, net->filled.items,  net->slot_owner.items,
        net->cross.items,   net->open_heap,      net->segments,      net->joints,        net->bound_changed.items,
        net->ended,         net->used.items,     net->built.items,   net->sleepers};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
    flow_starts_free(&net->starts);
    event_queue_free(&net->queue);
    free(net);
}

static uint32_t new_flow(struct flow_net *net)
{
    uint32_t flow = net->free_flows;
    if (flow != FLOW_NONE) {
        net->free_flows = net->heap.sibling[flow];
        return flow;
    }
    if (net->n_flows == net->cap_flows) {
        uint32_t n = net->cap_flows + net->cap_flows / 2 + 256;
        net->heap.key = XREALLOC(net->heap.key, double, n);
        net->heap.child = XREALLOC(net->heap.child, uint32_t, n);
        net->heap.sibling = XREALLOC(net->heap.sibling, uint32_t, n);
        net->size_B = XREALLOC(net->size_B, float, n);
        net->flow_class = XREALLOC(net->flow_class, uint32_t, n);
        net->flow_path = XREALLOC(net->flow_path, uint32_t, n);
        net->flow_cookie = XREALLOC(net->flow_cookie, uint32_t, n);
        net->flow_service = XREALLOC(net->flow_service, uint16_t, n);
        net->flow_n_path = XREALLOC(net->flow_n_path, uint8_t, n);
        net->cap_flows = n;
    }
    return net->n_flows++;
}

static uint16_t service_id(struct flow_net *net, const struct flow_spec *spec)
{
    for (uint32_t i = net->n_services; i-- > 0;) {
        const struct flow_service *s = &net->services[i];
        if (s->weight == spec->weight && s->cap_Bps == spec->cap_Bps && s->priority == spec->priority)
            return (uint16_t)i;
    }
    BUG_IF(net->n_services == UINT16_MAX || spec->priority >= FLOW_MAX_PRIORITY);
    XGROW(net->services, net->n_services, net->cap_services);
    net->services[net->n_services] = (struct flow_service){spec->weight, spec->cap_Bps, spec->priority};
    net->any_caps |= spec->cap_Bps > 0;
    if (spec->priority >= net->n_wanted_priorities)
        net->n_wanted_priorities = spec->priority + 1u;
    return (uint16_t)net->n_services++;
}

static void keep_path(struct flow_net *net, uint32_t flow, const struct flow_spec *spec)
{
    uint32_t n = spec->n_links + spec->n_spreads;
    BUG_IF(n > UINT8_MAX);
    net->flow_n_path[flow] = (uint8_t)n;
    net->flow_path[flow] = n ? span_alloc(&net->spans, n) : 0;
    uint32_t *path = net->spans.words + net->flow_path[flow];
    if (spec->n_links)
        memcpy(path, spec->links, spec->n_links * sizeof *path);
    for (uint32_t i = 0; i < spec->n_spreads; i++)
        path[spec->n_links + i] = FLOW_SPREAD | (spec->spreads[i] - 1);
}

uint32_t flow_net_start(struct flow_net *net, double now_s, const struct flow_spec *spec)
{
    BUG_IF(!(spec->weight > 0) || !(spec->bytes_B >= 0) || !(spec->latency_s >= 0));
    net->now_s = now_s;
    uint32_t flow = new_flow(net);
    net->heap.key[flow] = spec->bytes_B;
    net->heap.sibling[flow] = FLOW_NONE;
    net->size_B[flow] = (float)spec->bytes_B;
    net->flow_class[flow] = FLOW_NONE;
    net->flow_cookie[flow] = spec->cookie;
    net->flow_service[flow] = service_id(net, spec);
    keep_path(net, flow, spec);
    net->stats.flows++;
    flow_starts_add(net, now_s + spec->latency_s, flow);
    return flow;
}

static void release(struct flow_net *net, uint32_t flow)
{
    if (net->flow_n_path[flow])
        span_free(&net->spans, net->flow_path[flow], net->flow_n_path[flow]);
    net->flow_class[flow] = FLOW_NONE;
    net->heap.sibling[flow] = net->free_flows;
    net->free_flows = flow;
}

static void flow_done(struct flow_net *net, uint32_t flow, uint32_t limit)
{
    XGROW(net->ended, net->n_ended, net->cap_ended);
    net->ended[net->n_ended++] = (struct ended_flow){net->flow_cookie[flow], limit};
    release(net, flow);
}

static void flow_fails(struct flow_net *net, uint32_t flow, double left_B)
{
    XGROW(net->failures, net->n_failures, net->cap_failures);
    net->failures[net->n_failures++] = (struct failed_flow){net->flow_cookie[flow], left_B};
    release(net, flow);
}

/* Whether the flow takes part from now on; its key becomes the service that it needs. */
static bool takes_part(struct flow_net *net, uint32_t flow)
{
    const struct flow_service *service = &net->services[net->flow_service[flow]];
    double bytes_B = net->heap.key[flow];
    bool unlimited = !net->flow_n_path[flow] && service->cap_Bps <= 0;
    if (flow_crosses_failed(net, flow)) {
        flow_fails(net, flow, bytes_B);
        return false;
    }
    if (unlimited || bytes_B <= 0) {
        flow_done(net, flow, FLOW_NONE);
        return false;
    }
    for (uint32_t i = 0; net->group && i < net->flow_n_path[flow]; i++)
        if (!(net->spans.words[net->flow_path[flow] + i] & FLOW_SPREAD))
            flow_group_plain(net, net->spans.words[net->flow_path[flow] + i]);
    net->heap.key[flow] = bytes_B / service->weight;
    net->checked_due_B += bytes_B;
    if (++net->n_active > net->stats.max_concurrent)
        net->stats.max_concurrent = net->n_active;
    return true;
}

static void join_one(struct flow_net *net, uint32_t flow, double now_s)
{
    flow_class_join(net, flow, net->heap.key[flow], now_s);
    if (net->n_dormant)
        flow_dormant_joined(net, flow);
}

/* Keeps those that take part, as a list through sibling. */
static uint32_t keep_taking_part(struct flow_net *net, uint32_t flow)
{
    uint32_t first = FLOW_NONE, last = FLOW_NONE, next;
    for (; flow != FLOW_NONE; flow = next) {
        next = net->heap.sibling[flow];
        if (!takes_part(net, flow))
            continue;
        net->heap.sibling[flow] = FLOW_NONE;
        if (first == FLOW_NONE)
            first = flow;
        else
            net->heap.sibling[last] = flow;
        last = flow;
    }
    return first;
}

/* Rare, and mostly before anything runs: all classes are made anew. */
static void add_priorities(struct flow_net *net, double now_s)
{
    flow_class_drop_all(net, now_s);
    for (uint32_t i = 1 + net->n_priorities * net->n_real; i < net->n_links; i++)
        flow_own_free(&net->links[i].own);
    net->n_links = 1 + net->n_priorities * net->n_real;
    net->free_caps = FLOW_NONE;
    while (net->n_priorities < net->n_wanted_priorities)
        add_priority(net);
    flow_rebuild(net, now_s);
}

/* Flows that come in numbers get their classes in one build, which knows what can sleep. */
static void activate_due(struct flow_net *net, double now_s)
{
    uint32_t n, flow = flow_starts_pop(net, now_s, &n), next;
    bool disturbed = false, together = n >= MANY_STARTS && n >= net->n_active;
    if (net->n_wanted_priorities > net->n_priorities)
        add_priorities(net, now_s);
    flow = keep_taking_part(net, flow);
    together = together && flow_build_is_old(net, flow, n);
    for (uint32_t f = flow; f != FLOW_NONE && !together && net->n_dormant; f = net->heap.sibling[f])
        disturbed |= flow_dormant_disturbed(net, f);
    for (; flow != FLOW_NONE; flow = next) {
        next = net->heap.sibling[flow];
        if (together || disturbed)
            net->flow_class[flow] = FLOW_HOMELESS;
        else
            join_one(net, flow, now_s);
    }
    if (together)
        flow_build_started(net, now_s);
    else if (disturbed)
        flow_rebuild(net, now_s);
}

/* --- ends ---------------------------------------------------------------------------------------------- */

/* What its first flow lacks; the class's part is read at this time. */
static double first_left_B(const struct flow_net *net, uint32_t cls)
{
    return flow_class_weight(net, &net->classes[cls]) * flow_class_left_B(net, cls);
}

/* How much may be missing when a flow ends, by rounding. */
static double forgiven_B(const struct flow_net *net, uint32_t cls, double now_s)
{
    const struct flow_class *c = &net->classes[cls];
    const struct flow_link *l = &net->links[c->owner];
    double reading_B = fabs(l->own.end_B[c->at]) + l->level_Bps * now_s;
    return RATE_ROUNDING * (double)net->size_B[c->heap] + CLOCK_ROUNDING * flow_class_weight(net, c) * reading_B;
}

/* The topology's link behind one of the solver's; FLOW_NONE: a class's own cap. */
static uint32_t real_link(const struct flow_net *net, uint32_t link)
{
    return link > net->n_priorities * net->n_real ? FLOW_NONE : (link - 1) % net->n_real;
}

static void left(struct flow_net *net, uint32_t flow, double left_B)
{
    net->checked_due_B -= left_B;
    if (net->n_dormant)
        flow_dormant_left(net, flow);
    net->n_active--;
}

void flow_end_now(struct flow_net *net, uint32_t flow, uint32_t link)
{
    left(net, flow, 0);
    flow_done(net, flow, real_link(net, link));
}

/* Ends the first flow of a class, and all others of it that lack no more than what is forgiven. */
static void end_first(struct flow_net *net, uint32_t cls, double now_s)
{
    const struct flow_class *c = &net->classes[cls];
    flow_class_touch(net, cls, now_s);
    double served_B = flow_class_served_B(net, cls), weight = flow_class_weight(net, c);
    uint32_t limit = real_link(net, c->owner), n = 0;
    do {
        uint32_t flow = flow_class_pop(net, cls);
        left(net, flow, weight * (net->heap.key[flow] - served_B));
        flow_done(net, flow, limit);
        n++;
    } while (c->heap != FLOW_NONE && weight * (net->heap.key[c->heap] - served_B) <= forgiven_B(net, cls, now_s));
    flow_class_popped(net, cls, n, served_B);
}

static void report_ended(struct flow_net *net, double now_s)
{
    /* on_end may start flows, never end them: the lists do not grow under us */
    uint32_t n = net->n_ended, n_failures = net->n_failures;
    net->n_ended = net->n_failures = 0;
    for (uint32_t i = 0; i < n; i++) {
        net->limit = net->ended[i].limit;
        net->config.on_end(net->config.ctx, net->ended[i].cookie, now_s, FLOW_DONE, 0);
    }
    net->limit = FLOW_NONE;
    for (uint32_t i = 0; i < n_failures; i++)
        net->config.on_end(net->config.ctx, net->failures[i].cookie, now_s, FLOW_FAILED, net->failures[i].left_B);
}

/* Every flow of the part that lacks no more than what is forgiven, if it would end within so much time. */
static void end_forgiven(struct flow_net *net, uint32_t part, double now_s, double within_s)
{
    flow_part_advance(net, part, now_s);
    for (uint32_t i = 0; i < net->parts[part].n; i++) {
        uint32_t link = net->parts[part].order[i];
        struct flow_link *l = &net->links[link];
        double until_B = l->clock_B + l->level_Bps * within_s;
        until_B += CLOCK_ROUNDING * (fabs(until_B) + l->level_Bps * now_s);
        if (!l->own.n || flow_own_next_B(net, link) > until_B)
            continue;
        for (uint32_t k = 0; k < l->own.n;) {
            uint32_t cls = l->own.cls[k];
            bool ends = l->own.end_B[k] <= until_B && first_left_B(net, cls) <= forgiven_B(net, cls, now_s);
            if (ends)
                end_first(net, cls, now_s); /* another class takes its place, or its next flow is first */
            else
                k++;
        }
        if (net->n_ended >= MANY_ENDS) /* thousands that end together do not have to wait in a list */
            report_ended(net, now_s);
    }
}

static uint32_t first_class(struct flow_net *net, uint32_t link)
{
    const struct flow_own *own = &net->links[link].own;
    double next_B = flow_own_next_B(net, link);
    uint32_t at = 0;
    while (own->end_B[at] != next_B)
        at++;
    return own->cls[at];
}

/* Ends the flow that is due and all that end with it but for rounding. */
static void end_first_of(struct flow_net *net, uint32_t part, double now_s)
{
    uint32_t link = net->parts[part].next_link, cls = first_class(net, link);
    double rate_Bps = flow_class_weight(net, &net->classes[cls]) * net->links[link].level_Bps;
    double within_s = RATE_ROUNDING * (double)net->size_B[net->classes[cls].heap] / rate_Bps;
    end_first(net, cls, now_s);
    while ((part = event_queue_due(&net->queue, now_s + within_s)) != UINT32_MAX) {
        event_queue_set(&net->queue, part, INFINITY);
        flow_part_changed(net, part);
        if (!(net->parts[part].window_s > 0))
            end_forgiven(net, part, now_s, within_s);
    }
}

static void end_due(struct flow_net *net, double now_s)
{
    uint32_t part;
    while ((part = event_queue_due(&net->queue, now_s * (1 + CLOCK_ROUNDING))) != UINT32_MAX) {
        if (net->parts[part].window_s > 0) {
            flow_window_advance(net, part, now_s * (1 + CLOCK_ROUNDING));
        } else {
            end_first_of(net, part, now_s);
            break;
        }
    }
}

void flow_net_advance(struct flow_net *net, double now_s)
{
    net->stats.events++;
    net->now_s = now_s;
    if (net->config.checked)
        flow_check_advance(net, now_s);
    end_due(net, now_s);
    activate_due(net, now_s);
    report_ended(net, now_s);
}

double flow_net_next(struct flow_net *net, double now_s)
{
    flow_solve(net, now_s);
    double next_s = fmin(event_queue_min(&net->queue), flow_starts_next_s(net));
    return next_s < now_s ? now_s : next_s;
}

bool flow_net_running(const struct flow_net *net, uint32_t flow)
{
    return net->flow_class[flow] < FLOW_HOMELESS || net->flow_class[flow] == FLOW_ENDING;
}

double flow_net_stop(struct flow_net *net, uint32_t flow, double now_s)
{
    BUG_IF(!flow_net_running(net, flow));
    if (net->flow_class[flow] == FLOW_ENDING)
        flow_windows_close(net, now_s);
    uint32_t cls = net->flow_class[flow];
    flow_class_touch(net, cls, now_s);
    double served_B = flow_class_served_B(net, cls);
    double left_B = flow_class_weight(net, &net->classes[cls]) * (net->heap.key[flow] - served_B);
    flow_class_make_first(net, flow);
    flow_class_pop(net, cls);
    flow_class_popped(net, cls, 1, served_B);
    left(net, flow, left_B);
    release(net, flow);
    return flow_max(left_B, 0);
}

/* --- links ---------------------------------------------------------------------------------------------- */

void flow_net_watch(struct flow_net *net, uint32_t link)
{
    net->links[flow_link_of(net, link)].watched = true;
    flow_list_add(&net->watched, link);
    net->reported_Bps = XREALLOC(net->reported_Bps, double, net->watched.n);
    net->reported_Bps[net->watched.n - 1] = 0;
}

void flow_link_set_capacity(struct flow_net *net, uint32_t real, double capacity_Bps)
{
    for (uint32_t p = 0; p < net->n_priorities; p++) {
        uint32_t link = 1 + real + p * net->n_real;
        net->links[link].capacity_Bps = capacity_Bps;
        flow_note_overload(net, link);
        flow_part_touch(net, link, net->now_s);
    }
}

void flow_net_set_capacity(struct flow_net *net, uint32_t link, double capacity_Bps, double now_s)
{
    net->now_s = now_s;
    flow_windows_close(net, now_s);
    flow_wake(net, flow_link_of(net, link), now_s);
    net->real_Bps[link] = capacity_Bps;
    flow_link_set_capacity(net, flow_link_of(net, link) - 1, flow_group_capacity_Bps(net, link));
}

static void fail_class(struct flow_net *net, uint32_t cls, double now_s)
{
    const struct flow_class *c = &net->classes[cls];
    uint32_t n = 0;
    flow_class_touch(net, cls, now_s);
    double served_B = flow_class_served_B(net, cls), weight = flow_class_weight(net, c);
    for (; c->heap != FLOW_NONE; n++) {
        uint32_t flow = flow_class_pop(net, cls);
        double left_B = weight * (net->heap.key[flow] - served_B);
        left(net, flow, left_B);
        flow_fails(net, flow, flow_max(left_B, 0));
    }
    flow_class_popped(net, cls, n, served_B);
}

/* Ends all flows of classes that cross the link. */
static void fail_crossing(struct flow_net *net, uint32_t link, double now_s)
{
    const struct flow_link *l = &net->links[link];
    for (uint32_t i = 0; i < l->n_crossing;) {
        if (flow_class_limited_by(net, l->crossing[i], link))
            fail_class(net, l->crossing[i], now_s); /* the list may have changed: look again */
        else
            i++;
    }
}

void flow_net_fail_link(struct flow_net *net, uint32_t link, double now_s)
{
    net->now_s = now_s;
    flow_windows_close(net, now_s);
    flow_wake(net, flow_link_of(net, link), now_s);
    net->failed[link] = 1;
    for (uint32_t p = 0; p < net->n_priorities; p++)
        fail_crossing(net, flow_link_of(net, link) + p * net->n_real, now_s);
    report_ended(net, now_s);
}

uint32_t flow_net_limit(const struct flow_net *net)
{
    return net->limit;
}

/* Of the lowest priority's link: it has the others as background. */
double flow_net_load_Bps(const struct flow_net *net, uint32_t link)
{
    uint32_t lowest = flow_link_of(net, link) + (net->n_priorities - 1) * net->n_real;
    const struct flow_link *l = &net->links[lowest];
    return flow_group_unit(net, link) * (net->background_Bps[lowest] + l->own_use * l->level_Bps);
}

struct flow_net_stats flow_net_stats(const struct flow_net *net)
{
    return net->stats;
}

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

enum { MANY_STARTS = 64 };

struct flow_net *flow_net_new(const struct flow_net_config *config)
{
    struct flow_net *net = XREALLOC(NULL, struct flow_net, 1);
    memset(net, 0, sizeof *net);
    uint32_t n = net->n_links = config->n_links;
    net->config = *config;
    net->config.capacity_Bps = NULL; /* copied below */
    net->links = XREALLOC(NULL, struct flow_link, n);
    memset(net->links, 0, n * sizeof *net->links);
    for (uint32_t i = 0; i < n; i++) {
        net->links[i].capacity_Bps = config->capacity_Bps[i];
        memset(net->links[i].clock, 0xff, sizeof net->links[i].clock);
    }
    net->dirty_links = XREALLOC(NULL, uint32_t, n);
    net->touched = XREALLOC(NULL, uint32_t, n);
    net->open_links = XREALLOC(NULL, struct level_key, n);
    net->bound_changed = XREALLOC(NULL, uint32_t, n);
    net->free_flows = net->free_classes = net->free_clocks = FLOW_NONE;
    net->rebuild_factor = 1;
    net->solve_call = 1;
    return net;
}

void flow_net_free(struct flow_net *net)
{
    if (!net)
        return;
    for (uint32_t i = 0; i < net->n_links; i++) {
        free(net->links[i].list);
        free(net->links[i].crossing);
    }
    for (uint32_t i = 0; i < net->n_clocks; i++)
        free(net->clocks[i].own);
    void *owned[] = {net->links,       net->heap.key,   net->heap.child,  net->heap.sibling,  net->size_B,
                     net->flow_class,  net->flow_path,  net->flow_cookie, net->flow_service,  net->flow_n_links,
                     net->spans.words, net->services,   net->classes,     net->clocks,        net->ripple,
                     net->buckets,     net->starts,     net->dirty_links, net->seeds,         net->region,
                     net->touched,     net->open_links, net->caps,        net->bound_changed, net->ended,
                     net->parked};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
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
        net->flow_n_links = XREALLOC(net->flow_n_links, uint8_t, n);
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
    if (spec->priority + 1u > net->n_priorities)
        net->n_priorities = spec->priority + 1u;
    return (uint16_t)net->n_services++;
}

static bool starts_before(const struct start_batch *a, const struct start_batch *b)
{
    return a->time_s < b->time_s || (a->time_s == b->time_s && a->seq < b->seq);
}

static void push_start(struct flow_net *net, double time_s, uint32_t flow)
{
    XGROW(net->starts, net->n_starts, net->cap_starts);
    struct start_batch batch = {time_s, net->start_seq++, flow, flow, 1};
    uint32_t at = net->n_starts++;
    while (at > 0 && starts_before(&batch, &net->starts[(at - 1) / 2])) {
        net->starts[at] = net->starts[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    net->starts[at] = batch;
}

static struct start_batch pop_start(struct flow_net *net)
{
    struct start_batch top = net->starts[0], last = net->starts[--net->n_starts];
    uint32_t at = 0, child;
    while ((child = 2 * at + 1) < net->n_starts) {
        if (child + 1 < net->n_starts && starts_before(&net->starts[child + 1], &net->starts[child]))
            child++;
        if (!starts_before(&net->starts[child], &last))
            break;
        net->starts[at] = net->starts[child];
        at = child;
    }
    net->starts[at] = last;
    return top;
}

uint32_t flow_net_start(struct flow_net *net, double now_s, const struct flow_spec *spec)
{
    BUG_IF(!(spec->weight > 0) || !(spec->bytes_B >= 0) || !(spec->latency_s >= 0));
    BUG_IF(spec->n_links > SPAN_MAX / 2);
    uint32_t flow = new_flow(net);
    net->heap.key[flow] = spec->bytes_B;
    net->heap.sibling[flow] = FLOW_NONE;
    net->size_B[flow] = (float)spec->bytes_B;
    net->flow_class[flow] = FLOW_NONE;
    net->flow_cookie[flow] = spec->cookie;
    net->flow_service[flow] = service_id(net, spec);
    net->flow_n_links[flow] = (uint8_t)spec->n_links;
    net->flow_path[flow] = spec->n_links ? span_alloc(&net->spans, spec->n_links) : 0;
    if (spec->n_links)
        memcpy(net->spans.words + net->flow_path[flow], spec->links, spec->n_links * sizeof *spec->links);
    net->stats.flows++;
    double start_s = now_s + spec->latency_s;
    /* collectives start thousands of flows at one time: they share the heap's top entry */
    if (net->n_starts && net->starts[0].time_s == start_s) {
        net->heap.sibling[net->starts[0].last] = flow;
        net->starts[0].last = flow;
        net->starts[0].n++;
    } else {
        push_start(net, start_s, flow);
    }
    return flow;
}

static void release(struct flow_net *net, uint32_t flow)
{
    if (net->flow_n_links[flow])
        span_free(&net->spans, net->flow_path[flow], net->flow_n_links[flow]);
    net->flow_class[flow] = FLOW_NONE;
    net->heap.sibling[flow] = net->free_flows;
    net->free_flows = flow;
}

static void flow_ends(struct flow_net *net, uint32_t flow, enum flow_end how, uint32_t limit, double left_B)
{
    XGROW(net->ended, net->n_ended, net->cap_ended);
    net->ended[net->n_ended++] = (struct ended_flow){net->flow_cookie[flow], how, limit, left_B};
    release(net, flow);
}

static bool crosses_failed(const struct flow_net *net, uint32_t flow)
{
    const uint32_t *path = net->spans.words + net->flow_path[flow];
    for (uint32_t i = 0; i < net->flow_n_links[flow]; i++)
        if (net->links[path[i]].failed)
            return true;
    return false;
}

/* Whether the flow takes part from now on; its key becomes the service that it needs. */
static bool takes_part(struct flow_net *net, uint32_t flow)
{
    const struct flow_service *service = &net->services[net->flow_service[flow]];
    double bytes_B = net->heap.key[flow];
    bool unlimited = !net->flow_n_links[flow] && service->cap_Bps <= 0;
    if (crosses_failed(net, flow)) {
        flow_ends(net, flow, FLOW_FAILED, FLOW_NONE, bytes_B);
        return false;
    }
    if (unlimited || bytes_B <= 0) {
        flow_ends(net, flow, FLOW_DONE, FLOW_NONE, 0);
        return false;
    }
    net->heap.key[flow] = bytes_B / service->weight;
    net->checked_due_B += bytes_B;
    if (++net->n_active > net->stats.max_concurrent)
        net->stats.max_concurrent = net->n_active;
    return true;
}

static void join_one(struct flow_net *net, uint32_t flow, double now_s)
{
    uint32_t core = flow_core_link(net, flow);
    if (net->n_dormant && core != FLOW_NONE)
        flow_wake(net, core, now_s);
    flow_class_join(net, flow, net->heap.key[flow], now_s);
    if (net->n_dormant)
        flow_dormant_joined(net, flow);
}

/* The flows that are due, as a list through sibling. */
static uint32_t pop_due(struct flow_net *net, double now_s, uint32_t *n)
{
    uint32_t first = FLOW_NONE, last = FLOW_NONE;
    *n = 0;
    while (net->n_starts && net->starts[0].time_s <= now_s) {
        struct start_batch batch = pop_start(net);
        if (first == FLOW_NONE)
            first = batch.first;
        else
            net->heap.sibling[last] = batch.first;
        last = batch.last;
        *n += batch.n;
    }
    return first;
}

/* Flows that come in numbers get their classes in one build, which knows what can sleep. */
static void activate_due(struct flow_net *net, double now_s)
{
    uint32_t n, flow = pop_due(net, now_s, &n), next;
    bool together = n >= MANY_STARTS && n >= net->n_active;
    for (; flow != FLOW_NONE; flow = next) {
        next = net->heap.sibling[flow];
        if (!takes_part(net, flow))
            continue;
        if (together)
            net->flow_class[flow] = FLOW_HOMELESS;
        else
            join_one(net, flow, now_s);
    }
    if (together)
        flow_build_started(net, now_s);
}

static double merged_share(const struct flow_net *net)
{
    return fmax(net->config.epsilon, RATE_ROUNDING);
}

static double first_left_B(const struct flow_net *net, uint32_t cls, double now_s)
{
    const struct flow_class *c = &net->classes[cls];
    return c->weight * (net->heap.key[c->heap] - flow_class_served(net, cls, now_s));
}

/* How much may be missing when a flow ends: the share of it that merges, and rounding. */
static double forgiven_B(const struct flow_net *net, uint32_t cls, double now_s)
{
    const struct flow_class *c = &net->classes[cls];
    double reading_B = fabs(c->end_B) + flow_class_level(net, cls) * now_s;
    return merged_share(net) * (double)net->size_B[c->heap] + CLOCK_ROUNDING * c->weight * reading_B;
}

static uint32_t leave(struct flow_net *net, uint32_t cls, double now_s)
{
    uint32_t flow = flow_class_pop(net, cls, now_s);
    if (net->n_dormant)
        flow_dormant_left(net, flow);
    net->n_active--;
    return flow;
}

static void end_first(struct flow_net *net, uint32_t cls, double now_s, enum flow_end how)
{
    double left_B = first_left_B(net, cls, now_s);
    net->checked_due_B -= left_B;
    uint32_t clock = net->classes[cls].clock;
    uint32_t limit = clock == CLOCK_NONE ? FLOW_NONE : net->clocks[clock].link;
    flow_ends(net, leave(net, cls, now_s), how, limit, how == FLOW_DONE ? 0 : flow_max(left_B, 0));
}

/* Everything that the clock may end now. A clock without followers is free: nothing is left to do. */
static void end_forgiven(struct flow_net *net, uint32_t clock, double now_s)
{
    while (net->queue.time_s[clock] < INFINITY) {
        uint32_t cls = net->clocks[clock].own[0];
        if (first_left_B(net, cls, now_s) > forgiven_B(net, cls, now_s))
            return;
        end_first(net, cls, now_s, FLOW_DONE);
    }
}

/* Ends the flow that is due and all that merge with it. */
static void end_due(struct flow_net *net, double now_s)
{
    uint32_t clock = event_queue_due(&net->queue, now_s * (1 + CLOCK_ROUNDING));
    if (clock == UINT32_MAX)
        return;
    uint32_t cls = net->clocks[clock].own[0];
    double rate_Bps = net->classes[cls].weight * net->clocks[clock].level_Bps;
    double limit_s = now_s;
    if (rate_Bps > 0)
        limit_s += merged_share(net) * (double)net->size_B[net->classes[cls].heap] / rate_Bps;
    end_first(net, cls, now_s, FLOW_DONE);
    /* clocks inside the window whose first flow may not end yet are parked until the sweep is over */
    uint32_t n_parked = 0;
    while ((clock = event_queue_due(&net->queue, limit_s)) != UINT32_MAX) {
        end_forgiven(net, clock, now_s);
        if (net->queue.time_s[clock] <= limit_s) {
            XGROW(net->parked, n_parked, net->cap_parked);
            net->parked[n_parked++] = (struct parked_clock){net->queue.time_s[clock], clock};
            event_queue_set(&net->queue, clock, INFINITY);
        }
    }
    for (uint32_t i = 0; i < n_parked; i++)
        event_queue_set(&net->queue, net->parked[i].clock, net->parked[i].time_s);
}

static void report_ended(struct flow_net *net, double now_s)
{
    /* on_end may start flows, never end them: the list does not grow under us */
    uint32_t n = net->n_ended;
    net->n_ended = 0;
    for (uint32_t i = 0; i < n; i++) {
        net->limit = net->ended[i].limit;
        net->config.on_end(net->config.ctx, net->ended[i].cookie, now_s, (enum flow_end)net->ended[i].how,
                           net->ended[i].left_B);
    }
}

void flow_net_advance(struct flow_net *net, double now_s)
{
    net->stats.events++;
    if (net->config.checked)
        flow_check_advance(net, now_s);
    end_due(net, now_s);
    activate_due(net, now_s);
    report_ended(net, now_s);
}

double flow_net_next(struct flow_net *net, double now_s)
{
    flow_solve(net, now_s);
    double next_s = event_queue_min(&net->queue);
    if (net->n_starts && net->starts[0].time_s < next_s)
        next_s = net->starts[0].time_s;
    return next_s < now_s ? now_s : next_s;
}

bool flow_net_running(const struct flow_net *net, uint32_t flow)
{
    return net->flow_class[flow] < FLOW_HOMELESS;
}

double flow_net_stop(struct flow_net *net, uint32_t flow, double now_s)
{
    BUG_IF(!flow_net_running(net, flow));
    uint32_t cls = net->flow_class[flow];
    double weight = net->classes[cls].weight;
    double left_B = weight * (net->heap.key[flow] - flow_class_served(net, cls, now_s));
    net->checked_due_B -= left_B;
    flow_class_make_first(net, flow);
    release(net, leave(net, cls, now_s));
    return flow_max(left_B, 0);
}

void flow_net_watch(struct flow_net *net, uint32_t link)
{
    net->links[link].watched = true;
}

void flow_net_set_capacity(struct flow_net *net, uint32_t link, double capacity_Bps, double now_s)
{
    flow_wake(net, link, now_s);
    struct flow_link *l = &net->links[link];
    l->shrunk |= capacity_Bps < l->capacity_Bps;
    l->capacity_Bps = capacity_Bps;
    flow_mark_dirty(net, link);
}

void flow_net_fail_link(struct flow_net *net, uint32_t link, double now_s)
{
    flow_wake(net, link, now_s);
    struct flow_link *l = &net->links[link];
    l->failed = true;
    while (l->n)
        end_first(net, l->list[l->n - 1].cls, now_s, FLOW_FAILED);
    report_ended(net, now_s);
}

uint32_t flow_net_limit(const struct flow_net *net)
{
    return net->limit;
}

double flow_net_load_Bps(const struct flow_net *net, uint32_t link)
{
    return net->links[link].load_Bps;
}

struct flow_net_stats flow_net_stats(const struct flow_net *net)
{
    return net->stats;
}

#include "sim/flow/net_flow.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "sim/engine.h"
#include "sim/net_path.h"
#include "sim/xalloc.h"

#define NONE UINT32_MAX /* no flow, no part */

/* A move has to pay: a flow changes its path only for one that is this much less loaded. */
static const double WORTH_MOVING = 0.9;

struct part { /* of a transfer: one flow at a time */
    uint32_t transfer, number, flow;
    uint32_t path, n_links; /* span; kept only when routing looks at loads */
    double weight;
    uint32_t next_free;
};

_Static_assert(3 * (int)NET_MAX_LINKS <= (int)SPAN_MAX, "the solver takes as many links as a flow may cross");

struct net_flow {
    struct net_setup setup;
    struct flow_net *flow;
    struct router routing;
    struct spreading *spreading; /* policy spray */
    uint8_t *down;
    double *load;
    bool plain; /* one part per transfer and no loads: a flow's cookie is its transfer */
    struct part *parts;
    uint32_t n_parts, cap_parts, free_parts, n_live;
    uint32_t *missing; /* [n_transfers] parts that have not ended */
    struct span_pool paths;
    bool rebalancing;
};

static const struct transfer *transfer_of(const struct net_flow *n, uint32_t transfer)
{
    return &n->setup.spec->graph->transfers[transfer];
}

static bool is_routed(const struct transfer *t)
{
    return t->src != t->dst && !t->pinned;
}

/* --- parts ------------------------------------------------------------------------------------------ */

static uint32_t new_part(struct net_flow *n)
{
    uint32_t id = n->free_parts;
    n->n_live++;
    if (id != NONE) {
        n->free_parts = n->parts[id].next_free;
        return id;
    }
    XGROW(n->parts, n->n_parts, n->cap_parts);
    return n->n_parts++;
}

static void free_part(struct net_flow *n, uint32_t id)
{
    n->parts[id].next_free = n->free_parts;
    n->parts[id].flow = NONE;
    n->free_parts = id;
    n->n_live--;
}

static void add_load(struct net_flow *n, const struct part *p, double sign)
{
    const uint32_t *links = n->paths.words + p->path;
    for (uint32_t i = 0; n->load && i < p->n_links; i++)
        n->load[links[i]] += sign * p->weight;
}

static void keep_path(struct net_flow *n, struct part *p, const struct net_path *path)
{
    p->n_links = n->load ? path->n_network : 0;
    if (!p->n_links)
        return;
    p->path = span_alloc(&n->paths, p->n_links);
    memcpy(n->paths.words + p->path, path->links, p->n_links * sizeof *path->links);
    add_load(n, p, 1);
}

static void drop_path(struct net_flow *n, struct part *p)
{
    add_load(n, p, -1);
    if (p->n_links)
        span_free(&n->paths, p->path, p->n_links);
    p->n_links = 0;
}

/* --- starting --------------------------------------------------------------------------------------- */

struct departure { /* one part, or the rest of one, about to leave */
    uint32_t transfer, number, n_parts, cookie;
    double bytes_B;
    bool again;   /* it has lost its path */
    bool latency; /* false: it is under way already and only changes its path */
};

static bool choose(const struct net_flow *n, const struct departure *d, struct net_path *path)
{
    return net_path_of(n->setup.spec, &n->routing, d->transfer, d->number, d->again, path);
}

/* The numbers of its spreads in the flow network. */
static uint32_t spreads_of(struct net_flow *n, const struct spread_route *route, uint32_t spreads[SPREAD_MAX_PARTS])
{
    for (uint32_t i = 0; i < route->n_parts; i++) {
        struct spread *s = route->parts[i];
        if (!s->tag) {
            struct flow_share *shares = XREALLOC(NULL, struct flow_share, s->n);
            for (uint32_t k = 0; k < s->n; k++)
                shares[k] = (struct flow_share){s->links[k].link, s->links[k].hop, s->links[k].share};
            s->tag = flow_net_spread(n->flow, shares, s->n);
            free(shares);
        }
        spreads[i] = s->tag;
    }
    return route->n_parts;
}

/* Starts a flow; its number, or NONE when no path is left. */
static uint32_t depart(struct net_flow *n, const struct departure *d, struct net_path *path)
{
    const struct transfer *t = transfer_of(n, d->transfer);
    struct spread_route route;
    uint32_t spreads[SPREAD_MAX_PARTS], n_spreads = 0;
    if (n->spreading && is_routed(t) && !t->tree &&
        net_path_sprayed(n->setup.spec, n->spreading, n->down, d->transfer, path, &route))
        n_spreads = spreads_of(n, &route, spreads);
    else if (!choose(n, d, path))
        return NONE;
    struct flow_spec flow = {.links = path->links,
                             .n_links = path->n,
                             .spreads = spreads,
                             .n_spreads = n_spreads,
                             .bytes_B = d->bytes_B,
                             .weight = t->weight / d->n_parts,
                             .cap_Bps = t->cap_Bps / d->n_parts,
                             .priority = t->priority,
                             .cookie = d->cookie,
                             .latency_s = d->latency ? path->latency_s : 0};
    return flow_net_start(n->flow, engine_now(), &flow);
}

static void fail(struct net_flow *n, uint32_t transfer, double left_B)
{
    n->setup.on_end(n->setup.ctx, transfer, engine_now(), FLOW_FAILED, left_B);
}

static void arm_rebalancing(struct net_flow *n);

static void start_part(struct net_flow *n, const struct departure *from)
{
    struct net_path path;
    struct departure d = *from;
    uint32_t id = d.cookie = new_part(n);
    struct part *p = &n->parts[id];
    *p = (struct part){.transfer = d.transfer, .number = d.number};
    p->weight = transfer_of(n, d.transfer)->weight / d.n_parts;
    p->flow = depart(n, &d, &path);
    if (p->flow == NONE) {
        free_part(n, id);
        fail(n, d.transfer, d.bytes_B);
        return;
    }
    keep_path(n, p, &path);
    arm_rebalancing(n);
}

void net_flow_start(struct net_flow *n, uint32_t transfer)
{
    struct net_path path;
    const struct transfer *t = transfer_of(n, transfer);
    struct departure d = {transfer, 0, 1, transfer, t->bytes_B, false, true};
    if (n->plain) {
        if (depart(n, &d, &path) == NONE)
            fail(n, transfer, t->bytes_B);
        return;
    }
    if (is_routed(t) && !t->tree)
        d.n_parts = routing_n_parts(&n->routing, t->src, t->dst);
    else if (t->tree) /* each of its branches is divided */
        d.n_parts = topology_nics_per_gpu(n->setup.spec->topo);
    d.bytes_B /= d.n_parts;
    n->missing[transfer] = d.n_parts;
    for (; d.number < d.n_parts; d.number++)
        start_part(n, &d);
}

/* --- ending ----------------------------------------------------------------------------------------- */

/* A link on the way failed: the rest goes over another path. */
static bool go_another_way(struct net_flow *n, struct departure *d)
{
    struct net_path path;
    const struct transfer *t = transfer_of(n, d->transfer);
    if (!is_routed(t))
        return false;
    if (n->plain)
        return depart(n, d, &path) != NONE;
    struct part *p = &n->parts[d->cookie];
    d->number = p->number;
    d->n_parts = (uint32_t)lround(t->weight / p->weight);
    drop_path(n, p);
    p->flow = depart(n, d, &path);
    if (p->flow == NONE)
        return false;
    keep_path(n, p, &path);
    return true;
}

static void on_end(void *ctx, uint32_t cookie, double now_s, enum flow_end how, double left_B)
{
    struct net_flow *n = ctx;
    uint32_t transfer = n->plain ? cookie : n->parts[cookie].transfer;
    struct departure rest = {transfer, 0, 1, cookie, left_B, true, true};
    if (how == FLOW_FAILED && go_another_way(n, &rest))
        return;
    if (!n->plain) {
        drop_path(n, &n->parts[cookie]);
        free_part(n, cookie);
        if (how == FLOW_DONE && --n->missing[transfer])
            return;
    }
    n->setup.on_end(n->setup.ctx, transfer, now_s, how, left_B);
}

static void on_load(void *ctx, uint32_t link, double time_s, double load_Bps)
{
    const struct net_flow *n = ctx;
    n->setup.on_load(n->setup.ctx, link, time_s, load_Bps);
}

/* --- adaptive routing reconsiders --------------------------------------------------------------------- */

/* Load of the busiest link of a path with one more flow of that weight on it. */
static double busiest_with(const struct net_flow *n, double weight, const uint32_t *links, uint32_t n_links)
{
    const struct topo_link *all = n->setup.spec->topo->links;
    double worst = 0;
    for (uint32_t i = 0; i < n_links; i++)
        worst = fmax(worst, (n->load[links[i]] + weight) / all[links[i]].capacity_Bps);
    return worst;
}

static void reconsider(struct net_flow *n, uint32_t id)
{
    struct part *p = &n->parts[id];
    struct net_path path;
    struct departure d = {p->transfer, p->number, 1, id, 0, false, false};
    if (p->flow == NONE || !flow_net_running(n->flow, p->flow) || !is_routed(transfer_of(n, p->transfer)))
        return;
    add_load(n, p, -1);
    bool found = choose(n, &d, &path);
    double here = busiest_with(n, p->weight, n->paths.words + p->path, p->n_links);
    double there = busiest_with(n, p->weight, path.links, path.n_network);
    add_load(n, p, 1);
    if (!found || there > WORTH_MOVING * here)
        return;
    d.bytes_B = flow_net_stop(n->flow, p->flow, engine_now());
    drop_path(n, p);
    p->flow = depart(n, &d, &path);
    keep_path(n, p, &path);
}

static void rebalance(void *ctx, uint32_t a, uint32_t b)
{
    struct net_flow *n = ctx;
    (void)a, (void)b;
    n->rebalancing = false;
    for (uint32_t id = 0; id < n->n_parts; id++)
        reconsider(n, id);
    if (flow_net_next(n->flow, engine_now()) < INFINITY)
        arm_rebalancing(n);
}

static void arm_rebalancing(struct net_flow *n)
{
    double period_s = n->routing.policy.rebalance_s;
    if (n->rebalancing || !n->n_live || !(period_s > 0) || n->routing.policy.policy != ROUTING_ADAPTIVE)
        return;
    n->rebalancing = true;
    engine_timer(engine_now() + period_s, rebalance, n, 0, 0);
}

/* --- the network -------------------------------------------------------------------------------------- */

static double flow_next(void *ctx, double now_s)
{
    return flow_net_next(((struct net_flow *)ctx)->flow, now_s);
}

static void flow_advance(void *ctx, double now_s)
{
    flow_net_advance(((struct net_flow *)ctx)->flow, now_s);
}

static void make_routing(struct net_flow *n)
{
    uint32_t n_transfers = n->setup.spec->graph->n_transfers, n_links = n->setup.n_links;
    int policy = n->routing.policy.policy;
    bool one_part = (policy == ROUTING_STATIC || policy == ROUTING_VALIANT || policy == ROUTING_SPRAY ||
                     (policy == ROUTING_ECMP && n->routing.policy.queue_pairs == 1)) &&
                    (policy == ROUTING_SPRAY || topology_nics_per_gpu(n->setup.spec->topo) == 1);
    bool loads = routing_needs_load(&n->routing.policy);
    n->plain = one_part && !loads;
    if (policy == ROUTING_SPRAY)
        n->spreading = spreading_new(n->setup.spec->topo);
    if (!n->plain) {
        n->missing = XREALLOC(NULL, uint32_t, n_transfers);
        memset(n->missing, 0, n_transfers * sizeof *n->missing);
    }
    if (loads) {
        n->load = XREALLOC(NULL, double, n_links);
        for (uint32_t i = 0; i < n_links; i++)
            n->load[i] = 0;
    }
    n->routing.load = n->load;
}

struct net_flow *net_flow_new(const struct net_setup *setup, const struct router *routing)
{
    const struct sim_spec *spec = setup->spec;
    struct net_flow *n = XREALLOC(NULL, struct net_flow, 1);
    *n = (struct net_flow){.setup = *setup, .routing = *routing, .free_parts = NONE};
    make_routing(n);
    struct flow_net_config config = {
        .n_links = setup->n_links,
        .capacity_Bps = setup->capacity_Bps,
        .epsilon = spec->epsilon,
        .checked = spec->checked,
        .on_end = on_end,
        .on_load = on_load,
        .ctx = n,
    };
    n->flow = flow_net_new(&config);
    for (uint32_t i = 0; i < spec->n_watch; i++)
        flow_net_watch(n->flow, spec->watch[i]);
    struct engine_model model = {flow_next, flow_advance, n};
    engine_init(&model);
    return n;
}

void net_flow_free(struct net_flow *n)
{
    if (!n)
        return;
    flow_net_free(n->flow);
    spreading_free(n->spreading);
    free(n->down);
    routing_free(&n->routing);
    free(n->load);
    free(n->parts);
    free(n->missing);
    free(n->paths.words);
    free(n);
}

/* What fails at the same time is known to be down before anything looks for another path. */
static void mark_down(struct net_flow *n, double time_s)
{
    const struct sim_spec *spec = n->setup.spec;
    if (!n->down) {
        n->down = XREALLOC(NULL, uint8_t, n->setup.n_links);
        memset(n->down, 0, n->setup.n_links);
        n->routing.down = n->down;
    }
    for (uint32_t i = 0; i < spec->n_events; i++)
        if (spec->events[i].fails && spec->events[i].time_s == time_s && !n->down[spec->events[i].link]) {
            n->down[spec->events[i].link] = 1;
            routing_link_down(&n->routing, spec->events[i].link, spec->events[i].sweep);
        }
    if (n->spreading)
        spreading_forget(n->spreading);
}

void net_flow_link_event(struct net_flow *n, const struct link_event *event)
{
    if (!event->fails) {
        flow_net_set_capacity(n->flow, event->link, event->capacity_Bps, engine_now());
        return;
    }
    mark_down(n, event->time_s);
    flow_net_fail_link(n->flow, event->link, engine_now());
}

uint32_t net_flow_limit(const struct net_flow *n)
{
    return flow_net_limit(n->flow);
}

struct flow_net_stats net_flow_stats(const struct net_flow *n)
{
    return flow_net_stats(n->flow);
}

/* Which network runs: flow and packet (ours, plugged in) or cm02 (SimGrid's). `bound` needs no clock: sim/bound/. */
#include "sim/net.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "sim/engine.h"
#include "sim/flow/net_flow.h"
#include "sim/net_path.h"
#include "sim/packet/net_packet.h"
#include "sim/xalloc.h"

const char *const net_kind_names[] = {"flow", "cm02", "bound", "packet", NULL};
const char *const net_kind_docs[] = {
    "exact max-min sharing of routed flows (default)",
    "SimGrid's own model pinned to plain max-min: the reference, slow for many flows",
    "lower bound, quick: every link carries what it has to, nothing waits for its share",
    "packet by packet, with queues, flow control and loss; for small networks", NULL};

struct net {
    struct net_setup setup;
    struct router routing;
    struct net_flow *flow;     /* NET_FLOW */
    struct net_packet *packet; /* NET_PACKET */
    uint32_t *pair;            /* NET_CM02: [n_transfers] */
    double *delay_s;           /* NET_CM02: before SimGrid sees it */
    uint64_t n_started;
};

/* Its links, with nothing down: a route is always there. */
static void path_of(const struct net *net, uint32_t transfer, struct net_path *p)
{
    bool found = net_path_of(net->setup.spec, &net->routing, transfer, 0, false, p);
    BUG_IF(!found);
}

/* --- cm02 ---------------------------------------------------------------------------------------- */

static void cm02_end(void *ctx, uint32_t transfer, double now_s)
{
    struct net *n = ctx;
    n->setup.on_end(n->setup.ctx, transfer, now_s, FLOW_DONE, 0);
}

static void cm02_new(struct net *n)
{
    const struct sim_spec *spec = n->setup.spec;
    const struct opgraph *g = spec->graph;
    engine_init(NULL);
    engine_cm02_links(n->setup.n_links, n->setup.capacity_Bps);
    n->pair = XREALLOC(NULL, uint32_t, g->n_transfers);
    n->delay_s = XREALLOC(NULL, double, g->n_transfers);
    for (uint32_t i = 0; i < g->n_transfers; i++) {
        const struct transfer *t = &g->transfers[i];
        struct net_path path;
        path_of(n, i, &path);
        n->pair[i] = engine_cm02_pair(t->src, t->dst, path.links, path.n, t->cap_Bps);
        n->delay_s[i] = path.latency_s;
    }
    engine_cm02_ready(cm02_end, n);
}

static void cm02_begin(void *ctx, uint32_t transfer, uint32_t unused)
{
    struct net *n = ctx;
    const struct transfer *t = &n->setup.spec->graph->transfers[transfer];
    (void)unused;
    if (t->bytes_B < 1e-3) /* SimGrid would see nothing */
        n->setup.on_end(n->setup.ctx, transfer, engine_now(), FLOW_DONE, 0);
    else
        engine_cm02_start(n->pair[transfer], t->bytes_B, t->weight, transfer);
}

/* --- common -------------------------------------------------------------------------------------- */

struct net *net_new(const struct net_setup *setup)
{
    struct net *n = XREALLOC(NULL, struct net, 1);
    *n = (struct net){.setup = *setup};
    n->routing = (struct router){.topo = setup->spec->topo,
                                 .policy = setup->spec->routing,
                                 .seed = setup->spec->seed,
                                 .manager = setup->spec->hw ? (enum fault_manager)setup->spec->hw->faults.manager
                                                            : MANAGER_LIVE};
    switch (setup->spec->net) {
    case NET_FLOW:
        n->flow = net_flow_new(setup, &n->routing);
        break;
    case NET_PACKET:
        n->packet = net_packet_new(setup, &n->routing);
        break;
    case NET_CM02:
        cm02_new(n);
        break;
    case NET_BOUND:
        BUG("network bound has no clock");
    }
    return n;
}

void net_free(struct net *n)
{
    net_flow_free(n->flow);
    net_packet_free(n->packet);
    free(n->pair);
    free(n->delay_s);
    free(n);
}

void net_start(struct net *n, uint32_t transfer)
{
    n->n_started++;
    if (n->setup.spec->net == NET_FLOW)
        net_flow_start(n->flow, transfer);
    else if (n->setup.spec->net == NET_PACKET)
        net_packet_start(n->packet, transfer);
    else
        engine_timer(engine_now() + n->delay_s[transfer], cm02_begin, n, transfer, 0);
}

void net_link_event(struct net *n, const struct link_event *event)
{
    if (n->setup.spec->net == NET_CM02)
        engine_cm02_capacity(event->link, event->capacity_Bps);
    else if (n->setup.spec->net == NET_PACKET)
        net_packet_link_event(n->packet, event);
    else
        net_flow_link_event(n->flow, event);
}

uint32_t net_limit(const struct net *n)
{
    return n->flow ? net_flow_limit(n->flow) : UINT32_MAX;
}

struct flow_net_stats net_stats(const struct net *n)
{
    if (n->flow)
        return net_flow_stats(n->flow);
    if (n->packet)
        return net_packet_stats(n->packet);
    return (struct flow_net_stats){.flows = n->n_started};
}

void net_report(struct net *n, struct arena *arena, struct sim_outcome *out)
{
    if (n->packet)
        net_packet_report(n->packet, arena, out);
}

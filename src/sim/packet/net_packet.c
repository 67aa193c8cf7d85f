/* Transfers as messages of QPs: with ecmp one per queue pair of the connection, else
 * one. Its paths come from routing: one that is chosen when the message starts; all
 * minimal ones (spray: packets take them in turn; adaptive: the first switch takes the
 * shortest queue).
 *
 * A link's latency is taken apart: the traversal of the switch before it, its cable,
 * and the rest, which is a NIC's or NVLink's and delays a message once. Resources (SMs
 * that copy) come behind the network's links, one packet at a time. NVLink is a link
 * without packet headers whose buffers never fill. */
#include "sim/packet/net_packet.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "sim/engine.h"
#include "sim/packet/switch_model.h"
#include "sim/xalloc.h"

#define NONE UINT32_MAX

struct part { /* of a transfer: one QP at a time */
    uint32_t transfer, number, qp;
    uint32_t next_free;
};

struct net_packet {
    struct net_setup setup;
    struct router routing;
    struct switch_net *net;
    double *begin_s, *end_s; /* [topology links] latency that a message meets once:
                                before, behind its packets */
    uint8_t *down;
    struct part *parts;
    uint32_t n_parts, cap_parts, free_parts;
    uint32_t *missing;                 /* [n_transfers] parts that have not ended */
    struct packet_transfer *transfers; /* [n_transfers] */
    uint64_t n_started;
    bool told; /* of a circle */
};

static const struct transfer *transfer_of(const struct net_packet *n, uint32_t transfer)
{
    return &n->setup.spec->graph->transfers[transfer];
}

/* --- links ------------------------------------------------------------------------ */

static double wire_s(const struct cluster_hw *hw, const struct topo_link *l)
{
    double s = l->kind == LINK_NVLINK || l->kind == LINK_PCIE ? 0
               : l->kind == LINK_NIC                          ? hw_copper_s(&hw->network)
                                                              : hw_optical_s(&hw->network);
    return fmin(s, l->latency_s);
}

static struct switch_link network_link(struct net_packet *n, uint32_t link)
{
    const struct topology *topo = n->setup.spec->topo;
    const struct cluster_hw *hw = n->setup.spec->hw;
    const struct topo_link *l = &topo->links[link];
    uint32_t first_switch = topology_first_switch(topo);
    struct switch_link s = {.capacity_Bps = l->capacity_Bps, .head = l->b};
    s.from_host = l->a < first_switch;
    s.to_host = l->b < first_switch;
    s.framed = l->kind != LINK_NVLINK && l->kind != LINK_PCIE;
    s.wire_s = wire_s(hw, l);
    s.pipe_s = s.from_host ? 0 : fmin(hw->network.switch_latency_s, l->latency_s - s.wire_s);
    double rest_s = l->latency_s - s.wire_s - s.pipe_s;
    *(s.from_host ? &n->begin_s[link] : &n->end_s[link]) = rest_s > 0 ? rest_s : 0;
    return s;
}

/* The topology's, [n_links]; NULL: it has none. */
static uint32_t *order_of(const struct net_packet *n)
{
    const struct topology *topo = n->setup.spec->topo;
    if (!topo->type->link_order)
        return NULL;
    uint32_t *order = XREALLOC(NULL, uint32_t, n->setup.n_links), first = topology_first_switch(topo);
    for (uint32_t i = 0; i < n->setup.n_links; i++) {
        bool between = i < topo->n_links && topo->links[i].a >= first && topo->links[i].b >= first;
        order[i] = between ? topo->type->link_order(topo, i) : 0;
    }
    return order;
}

/* Nodes: the topology's vertices, then one per resource. */
static void make_net(struct net_packet *n)
{
    const struct sim_spec *spec = n->setup.spec;
    uint32_t first = spec->topo->n_links, n_links = n->setup.n_links;
    uint32_t n_vertices = spec->topo->n_vertices, n_nodes = n_vertices + n_links - first;
    struct switch_link *links = XREALLOC(NULL, struct switch_link, n_links);
    double *buffer_B = XREALLOC(NULL, double, n_nodes);
    for (uint32_t i = 0; i < first; i++)
        links[i] = network_link(n, i);
    for (uint32_t i = first; i < n_links; i++)
        links[i] = (struct switch_link){.capacity_Bps = n->setup.capacity_Bps[i],
                                        .from_host = true,
                                        .to_host = true,
                                        .head = n_vertices + i - first};
    for (uint32_t i = 0; i < n_nodes; i++)
        buffer_B[i] = spec->hw->packet.buffer_B * (double)spec->hw->network.switch_ports;
    uint32_t *order = order_of(n);
    struct switch_config config = {.n_links = n_links,
                                   .n_nodes = n_nodes,
                                   .links = links,
                                   .node_buffer_B = buffer_B,
                                   .hw = spec->hw->packet,
                                   .mtu_B = spec->hw->nic.mtu_B,
                                   .header_B = spec->hw->nic.header_B,
                                   .seed = spec->seed,
                                   .order = order,
                                   .n_channels = spec->topo->type->n_channels};
    n->net = switch_net_new(&config);
    free(order);
    free(links);
    free(buffer_B);
}

/* --- paths ------------------------------------------------------------------------ */

struct choice { /* the paths of one message */
    uint32_t n, lengths[SWITCH_MAX_PATHS];
    uint32_t links[SWITCH_MAX_PATHS * (ROUTE_MAX_LINKS + TRANSFER_MAX_RES)], n_links;
};

static bool is_whole(const struct net_packet *n, const uint32_t *links, uint32_t n_links)
{
    for (uint32_t i = 0; n->down && i < n_links; i++)
        if (n->down[links[i]])
            return false;
    return true;
}

/* The path that stands at the end of c->links, with the transfer's resources behind it.
 */
static void add_path(const struct net_packet *n, struct choice *c, const struct transfer *t, uint32_t n_links)
{
    uint32_t *links = c->links + c->n_links;
    for (uint32_t i = 0; i < t->n_res; i++)
        links[n_links++] = n->setup.spec->topo->n_links + t->res[i];
    c->lengths[c->n++] = n_links;
    c->n_links += n_links;
}

static bool has_one_channel(const struct net_packet *n)
{
    return n->setup.spec->topo->type->n_channels <= 1;
}

/* All minimal paths of a part that are whole and have channels, or as many as a set holds, evenly spread. */
static void add_minimal(const struct net_packet *n, struct choice *c, const struct transfer *t,
                        const struct routing_key *key)
{
    const struct topology *topo = n->setup.spec->topo;
    uint32_t first, all = routing_minimal(&n->routing, key, &first);
    uint32_t used = all < SWITCH_MAX_PATHS ? all : SWITCH_MAX_PATHS;
    for (uint32_t i = 0; i < used; i++) {
        uint32_t number = first + (uint32_t)((uint64_t)i * all / used);
        uint32_t n_links = topo->type->path(topo, t->src, t->dst, number, c->links + c->n_links);
        const uint32_t *links = c->links + c->n_links;
        if (is_whole(n, links, n_links) && (has_one_channel(n) || switch_net_has_channels(n->net, n_links, links)))
            add_path(n, c, t, n_links);
    }
}

static bool takes_all(const struct net_packet *n, const struct transfer *t)
{
    int policy = n->routing.policy.policy;
    return t->src != t->dst && !t->pinned && (policy == ROUTING_SPRAY || policy == ROUTING_ADAPTIVE);
}

/* The paths of a part; none when all are down. */
static void choose(const struct net_packet *n, const struct part *p, bool again, struct choice *c)
{
    const struct topology *topo = n->setup.spec->topo;
    const struct transfer *t = transfer_of(n, p->transfer);
    struct routing_key key = {t->src, t->dst, p->transfer, p->number, again};
    uint32_t n_links = 0;
    c->n = c->n_links = 0;
    if (takes_all(n, t))
        add_minimal(n, c, t, &key);
    if (c->n)
        return;
    if (t->src != t->dst && t->pinned)
        n_links = topo->type->path(topo, t->src, t->dst, t->pinned - 1, c->links);
    else if (t->src != t->dst)
        n_links = routing_choose(&n->routing, &key, c->links);
    if (t->src == t->dst || (n_links && is_whole(n, c->links, n_links)))
        add_path(n, c, t, n_links);
}

/* --- starting --------------------------------------------------------------------- */

static uint32_t new_part(struct net_packet *n)
{
    uint32_t id = n->free_parts;
    if (id != NONE) {
        n->free_parts = n->parts[id].next_free;
        return id;
    }
    XGROW(n->parts, n->n_parts, n->cap_parts);
    return n->n_parts++;
}

static void free_part(struct net_packet *n, uint32_t id)
{
    n->parts[id].qp = NONE;
    n->parts[id].next_free = n->free_parts;
    n->free_parts = id;
}

/* A transfer within one GPU that crosses nothing. */
static void on_nothing_crossed(void *ctx, uint32_t transfer, uint32_t unused)
{
    struct net_packet *n = ctx;
    (void)unused;
    n->setup.on_end(n->setup.ctx, transfer, engine_now(), FLOW_DONE, 0);
}

static void cross_nothing(struct net_packet *n, uint32_t transfer)
{
    const struct transfer *t = transfer_of(n, transfer);
    double bytes_s = t->cap_Bps > 0 ? t->bytes_B / t->cap_Bps : 0;
    engine_timer(engine_now() + t->latency_s + bytes_s, on_nothing_crossed, n, transfer, 0);
}

enum { MAX_TOLD = 8 }; /* links of a circle that a message names */

/* A network that can deadlock ends the run: what it would take in time hangs on luck. */
static void tell_circle(struct net_packet *n)
{
    const struct topology *topo = n->setup.spec->topo;
    const uint32_t *links;
    uint32_t n_links = switch_net_circle(n->net, &links);
    char text[MAX_TOLD * 100 + 100], name[80];
    size_t at = 0;
    if (!n_links || n->told)
        return;
    n->told = true;
    for (uint32_t i = 0; i < n_links && i < MAX_TOLD; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", i ? ", " : "",
                               topo->type->link_name(topo, links[i], name, sizeof name));
    if (n_links > MAX_TOLD)
        snprintf(text + at, sizeof text - at, " and %u more", n_links - MAX_TOLD);
    diag_error(n->setup.diag, EXIT_BAD_INPUT, SRCLOC_NONE,
               "lossless packets deadlock on these routes: messages wait in a circle of %u links, each for room behind "
               "the next (%s); give topology %s routes without a circle, or write 'cluster.packet.flow_control: none'",
               n_links, text, topo->type->name);
    engine_stop();
}

/* Sends so many bytes of a part; false when no path is left. */
static bool depart(struct net_packet *n, uint32_t id, double bytes_B, uint32_t n_of, bool again)
{
    struct part *p = &n->parts[id];
    const struct transfer *t = transfer_of(n, p->transfer);
    struct choice c;
    choose(n, p, again, &c);
    if (!c.n)
        return false;
    struct switch_message m = {.paths = switch_net_paths(n->net, c.n, c.lengths, c.links),
                               .choice =
                                   n->routing.policy.policy == ROUTING_ADAPTIVE ? SWITCH_SHORTEST : SWITCH_IN_TURN,
                               .bytes_B = bytes_B,
                               .begin_s = t->latency_s,
                               .cap_Bps = t->cap_Bps / n_of,
                               .priority = t->priority,
                               .cookie = id};
    for (uint32_t i = 0; i < c.lengths[0] - t->n_res; i++) {
        m.begin_s += n->begin_s[c.links[i]];
        m.end_s += n->end_s[c.links[i]];
    }
    tell_circle(n);
    p->qp = switch_net_start(n->net, engine_now(), &m);
    return true;
}

static uint32_t n_parts(const struct net_packet *n, const struct transfer *t)
{
    if (t->src == t->dst || t->pinned)
        return 1;
    return n->routing.policy.policy == ROUTING_ECMP ? routing_n_parts(&n->routing, t->src, t->dst)
                                                    : routing_n_nics(n->setup.spec->topo, t->src, t->dst);
}

static void fail(struct net_packet *n, uint32_t transfer, double left_B)
{
    n->setup.on_end(n->setup.ctx, transfer, engine_now(), FLOW_FAILED, left_B);
}

void net_packet_start(struct net_packet *n, uint32_t transfer)
{
    const struct transfer *t = transfer_of(n, transfer);
    uint32_t parts = n_parts(n, t);
    n->n_started++;
    if (t->src == t->dst && !t->n_res) {
        cross_nothing(n, transfer);
        return;
    }
    n->missing[transfer] = parts;
    for (uint32_t i = 0; i < parts; i++) {
        uint32_t id = new_part(n);
        n->parts[id] = (struct part){.transfer = transfer, .number = i, .qp = NONE};
        if (!depart(n, id, t->bytes_B / parts, parts, false)) {
            free_part(n, id);
            fail(n, transfer, t->bytes_B / parts);
        }
    }
}

/* --- the engine's loop ------------------------------------------------------------ */

/* Packets are simulated ahead up to the next timer: nothing outside can happen before
 * it. The engine's loop then turns once per message instead of once per packet. */
static double next(void *ctx, double now_s)
{
    const struct net_packet *n = ctx;
    return switch_net_run(n->net, now_s, engine_horizon());
}

static void note(struct net_packet *n, uint32_t transfer, const struct switch_end *e)
{
    struct packet_transfer *t = &n->transfers[transfer];
    t->retransmitted_B += (double)e->retransmitted_B;
    t->packets += e->packets;
    t->reordered += e->reordered;
    t->reorder_extent = e->reorder_extent > t->reorder_extent ? e->reorder_extent : t->reorder_extent;
}

static void advance(void *ctx, double now_s)
{
    struct net_packet *n = ctx;
    struct switch_end e;
    while (switch_net_ended(n->net, now_s, &e)) {
        uint32_t transfer = n->parts[e.cookie].transfer;
        note(n, transfer, &e);
        free_part(n, e.cookie);
        if (--n->missing[transfer] == 0)
            n->setup.on_end(n->setup.ctx, transfer, now_s, FLOW_DONE, 0);
    }
}

/* --- links that change ------------------------------------------------------------ */

static void mark_down(struct net_packet *n, double time_s)
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
}

/* QPs that have lost all their paths go on with what had not arrived over another one.
 */
static void reroute(struct net_packet *n)
{
    for (uint32_t id = 0; id < n->n_parts; id++) {
        struct part *p = &n->parts[id];
        if (p->qp == NONE || !switch_net_stranded(n->net, p->qp))
            continue;
        double left_B = switch_net_abort(n->net, p->qp);
        uint32_t transfer = p->transfer, parts = n_parts(n, transfer_of(n, transfer));
        p->qp = NONE;
        if (!depart(n, id, left_B, parts, true)) {
            free_part(n, id);
            fail(n, transfer, left_B);
        }
    }
}

void net_packet_link_event(struct net_packet *n, const struct link_event *event)
{
    if (!event->fails) {
        switch_net_set_capacity(n->net, event->link, event->capacity_Bps, engine_now());
        return;
    }
    mark_down(n, event->time_s);
    switch_net_fail_link(n->net, event->link, engine_now());
    reroute(n);
}

/* --- the network ------------------------------------------------------------------ */

struct net_packet *net_packet_new(const struct net_setup *setup, const struct router *routing)
{
    uint32_t n_transfers = setup->spec->graph->n_transfers, n_links = setup->spec->topo->n_links;
    struct net_packet *n = XREALLOC(NULL, struct net_packet, 1);
    *n = (struct net_packet){.setup = *setup, .routing = *routing, .free_parts = NONE};
    n->missing = XREALLOC(NULL, uint32_t, n_transfers);
    n->transfers = XREALLOC(NULL, struct packet_transfer, n_transfers);
    memset(n->transfers, 0, n_transfers * sizeof *n->transfers);
    n->begin_s = XREALLOC(NULL, double, n_links);
    n->end_s = XREALLOC(NULL, double, n_links);
    for (uint32_t i = 0; i < n_links; i++)
        n->begin_s[i] = n->end_s[i] = 0;
    make_net(n);
    struct engine_model model = {next, advance, n};
    engine_init(&model);
    return n;
}

void net_packet_free(struct net_packet *n)
{
    if (!n)
        return;
    switch_net_free(n->net);
    free(n->begin_s);
    free(n->end_s);
    free(n->down);
    routing_free(&n->routing);
    free(n->parts);
    free(n->missing);
    free(n->transfers);
    free(n);
}

void net_packet_report(struct net_packet *n, struct arena *arena, struct sim_outcome *out)
{
    const struct sim_spec *spec = n->setup.spec;
    const struct switch_totals *t = &out->packet;
    out->packet = switch_net_totals(n->net);
    BUG_IF(spec->checked && (t->sent != t->delivered + t->dropped + t->corrupted + t->cut + t->in_network ||
                             t->delivered != t->accepted + t->discarded + t->duplicates));
    out->packet_links = ARENA_ARRAY(arena, struct switch_link_totals, spec->topo->n_links);
    for (uint32_t i = 0; i < spec->topo->n_links; i++)
        out->packet_links[i] = switch_net_link_totals(n->net, i);
    out->packet_transfers = ARENA_ARRAY(arena, struct packet_transfer, spec->graph->n_transfers);
    memcpy(out->packet_transfers, n->transfers, spec->graph->n_transfers * sizeof *n->transfers);
}

struct flow_net_stats net_packet_stats(const struct net_packet *n)
{
    struct switch_totals t = switch_net_totals(n->net);
    return (struct flow_net_stats){.flows = n->n_started, .events = t.events};
}

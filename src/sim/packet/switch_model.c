#include "sim/packet/switch_model.h"

#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/rng.h"
#include "sim/packet/switch_impl.h"
#include "sim/xalloc.h"

enum purpose { DRAW_ERROR, DRAW_MARK, DRAW_PATH };

/* Counter-based: [0, 1), the same for the same purpose, entity and number. */
static double draw(struct switch_net *net, uint32_t entity, uint64_t number, uint32_t purpose)
{
    uint32_t counter[4] = {(uint32_t)number, (uint32_t)(number >> 32), entity, purpose};
    uint32_t key[2] = {(uint32_t)net->seed, (uint32_t)(net->seed >> 32)}, out[4];
    rng_philox_block(counter, key, out);
    return (double)((uint64_t)(out[0] >> 5) * 67108864u + (out[1] >> 6)) / 9007199254740992.0;
}

void packet_free(struct switch_net *net, uint32_t packet)
{
    net->packets[packet].next = net->free_packet;
    net->free_packet = packet;
}

/* --- a packet begins to cross a link ---------------------------------------------- */

/* Errors come as a Poisson process along what crosses: no draw per packet. */
static bool is_hit(struct switch_net *net, uint32_t link, uint32_t size_B)
{
    struct port *p = &net->ports[link];
    double hazard = net->loss_hazard + net->bit_hazard * size_B;
    if (hazard <= 0 || !p->framed)
        return false;
    p->hazard -= hazard;
    if (p->hazard > 0)
        return false;
    p->hazard = -log1p(-draw(net, link, net->records[link].n_errors++, DRAW_ERROR));
    return true;
}

/* A link that retries repeats everything from the bad packet on: the wire carries
 * nothing of use until then. */
static uint64_t retries_ps(struct switch_net *net, uint32_t link, uint32_t size_B)
{
    const struct port *p = &net->ports[link];
    uint64_t lost_ps = 0;
    while (net->hw.llr && is_hit(net, link, size_B)) {
        lost_ps += crossing_ps(p, size_B) + 2 * p->wire_ps + net->llr_ps;
        net->totals.replays++;
    }
    return lost_ps;
}

static void mark(struct switch_net *net, const struct port *p, struct packet *k)
{
    const struct hw_packet *hw = &net->hw;
    double waiting_B = (double)p->waiting_B, share;
    if (hw->congestion_control != CONGESTION_DCQCN || p->from_host || waiting_B <= hw->ecn_min_B)
        return;
    share = hw->ecn_probability_ratio * (waiting_B - hw->ecn_min_B) / (hw->ecn_max_B - hw->ecn_min_B);
    if (waiting_B < hw->ecn_max_B && draw(net, 0, net->n_draws++, DRAW_MARK) >= share)
        return;
    net->totals.marked += !(k->flags & PACKET_MARKED);
    k->flags |= PACKET_MARKED;
}

/* When the far node may pass the packet on: its head has arrived and is through the
 * pipe, and what comes in keeps up with what goes out; at its destination, the whole
 * packet. */
static uint64_t through_ps(const struct switch_net *net, const struct port *p, const struct packet *k,
                           uint64_t crossing)
{
    uint32_t next = link_at(net, k, k->hop + 1u);
    if (next == NIL)
        return p->wire_ps + crossing;
    const struct port *onward = &net->ports[next];
    uint64_t out_ps = crossing_ps(onward, size_on(onward, k));
    return p->wire_ps + onward->pipe_ps + (crossing > out_ps ? crossing - out_ps : 0);
}

static void onto_wire(struct switch_net *net, uint32_t link, uint32_t packet, uint64_t at_ps)
{
    struct port *p = &net->ports[link];
    p->last_ps = at_ps > p->last_ps ? at_ps : p->last_ps;
    net->packets[packet].at_ps = p->last_ps;
    net->packets[packet].next = NIL;
    if (p->wire_head == NIL)
        p->wire_head = packet;
    else
        net->packets[p->wire_tail].next = packet;
    p->wire_tail = packet;
    if (p->arriving)
        return;
    p->arriving = true;
    at_time(net, p->last_ps, EVENT_ARRIVE, link, 0, 0);
}

static void cross(struct switch_net *net, uint32_t link, uint32_t packet, uint32_t lane)
{
    struct port *p = &net->ports[link];
    struct packet *k = &net->packets[packet];
    uint32_t size_B = size_on(p, k);
    uint64_t begin_ps = now_of(net) + retries_ps(net, link, size_B), crossing = crossing_ps(p, size_B);
    p->free_ps = begin_ps + crossing;
    gate_spend(net, link, lane, size_B);
    gate_leave(net, k, p->free_ps);
    net->records[link].sent_B += size_B;
    net->totals.packet_hops++;
    if (!net->hw.llr && is_hit(net, link, size_B))
        k->flags |= PACKET_LOST;
    onto_wire(net, link, packet, begin_ps + through_ps(net, p, k, crossing));
}

/* --- whose turn it is ------------------------------------------------------------- */

/* Channels of a class take turns. */
static uint32_t next_lane(const struct switch_net *net, const struct port *p, uint64_t lanes)
{
    uint64_t after = lanes & ~(((uint64_t)2 << p->last_lane) - 1);
    if (net->hw.scheduling == SCHEDULE_STRICT) {
        uint32_t first = (uint32_t)__builtin_ctzll(lanes) / net->n_channels * net->n_channels;
        lanes &= (((uint64_t)1 << net->n_channels) - 1) << first;
        after &= lanes;
    }
    return (uint32_t)__builtin_ctzll(after ? after : lanes);
}

static uint32_t take_packet(struct switch_net *net, uint32_t link, uint32_t queue)
{
    struct port *p = &net->ports[link];
    queue_passed(net, queue);
    if (net->queues[queue].qp != NIL) {
        nic_look_ahead(net, queue);
        return nic_make_packet(net, queue);
    }
    uint32_t packet = queue_pop(net, queue);
    mark(net, p, &net->packets[packet]);
    queue_depth(net, link, -(int64_t)size_on(p, &net->packets[packet]));
    if (queue_is_input(net, queue)) {
        queue_detach(net, queue);
        net->queues[queue].busy = true;
        p->serving = queue;
    } else if (net->queues[queue].head == NIL) {
        queue_detach(net, queue);
    }
    return packet;
}

static uint32_t head_B(const struct switch_net *net, const struct port *p, const struct queue *q)
{
    return p->header_B + (q->qp == NIL ? net->packets[q->head].payload_B : nic_packet_B(net, q->qp));
}

/* shared_input: the packet has crossed, the one behind it may ask for its own output.
 */
static void release_served(struct switch_net *net, uint32_t link)
{
    struct port *p = &net->ports[link];
    uint32_t served = p->serving;
    if (served == NIL || p->free_ps > now_of(net))
        return;
    p->serving = NIL;
    net->queues[served].busy = false;
    queue_attach(net, served);
    if (net->queues[served].in_ring && net->queues[served].link != link)
        link_try(net, net->queues[served].link);
}

/* Sends one packet if the link is free and something may go. */
void link_try(struct switch_net *net, uint32_t link)
{
    struct port *p = &net->ports[link];
    release_served(net, link);
    uint64_t lanes = p->ready & ~p->paused;
    if (p->free_ps > now_of(net)) {
        if (lanes || p->serving != NIL)
            link_wake(net, link, p->free_ps);
        return;
    }
    if (p->down || p->gone)
        return;
    while (lanes) {
        uint32_t lane = next_lane(net, p, lanes), queue = *ring_of(net, link, lane);
        if (!gate_open(net, link, lane, head_B(net, p, &net->queues[queue]))) {
            lanes &= ~((uint64_t)1 << lane);
            continue;
        }
        p->last_lane = (uint8_t)lane;
        cross(net, link, take_packet(net, link, queue), lane);
        if (p->ready || p->serving != NIL)
            link_wake(net, link, p->free_ps);
        return;
    }
}

void link_wake(struct switch_net *net, uint32_t link, uint64_t at_ps)
{
    struct port *p = &net->ports[link];
    if (at_ps >= p->due_ps)
        return;
    p->due_ps = at_ps;
    at_time(net, at_ps, EVENT_SEND, link, 0, 0);
}

static void on_send(struct switch_net *net, uint32_t link)
{
    struct port *p = &net->ports[link];
    if (p->due_ps <= now_of(net))
        p->due_ps = CALENDAR_NEVER;
    link_try(net, link);
}

/* --- a packet reaches a node ------------------------------------------------------ */

static void lose(struct switch_net *net, uint32_t link, uint32_t lane, uint32_t packet, uint64_t *count)
{
    const struct packet *k = &net->packets[packet];
    const struct port *p = &net->ports[link];
    if (net->hw.flow_control == FLOW_CONTROL_CREDITS && !p->to_host)
        gate_return(net, link, lane, size_on(p, k), now_of(net));
    ++*count;
    nic_forget(net, packet);
}

static void enter(struct switch_net *net, uint32_t in, uint32_t packet)
{
    struct packet *k = &net->packets[packet];
    k->hop++;
    if (k->flags & PACKET_OPEN && k->hop == 1)
        route_choose(net, k);
    uint32_t out = link_at(net, k, k->hop);
    if (net->ports[out].gone || !gate_admits(net, k, in, out)) {
        lose(net, in, lane_at(net, k, k->hop - 1u), packet,
             net->ports[out].gone ? &net->totals.cut : &net->totals.dropped);
        return;
    }
    gate_enter(net, k, in);
    if (net->ports[out].to_host)
        fetch_qp(net, k->qp);
    uint32_t queue = queue_of(net, k, in, out);
    bool was_empty = net->queues[queue].head == NIL;
    queue_append(net, queue, packet);
    queue_depth(net, out, size_on(&net->ports[out], k));
    if (!was_empty)
        return;
    queue_attach(net, queue);
    link_try(net, out);
}

static void on_arrive(struct switch_net *net, uint32_t link)
{
    struct port *p = &net->ports[link];
    uint32_t packet = p->wire_head;
    p->arriving = false;
    if (packet == NIL || (p->down && net->hw.llr)) /* a link that retries keeps it until it is up again */
        return;
    struct packet *k = &net->packets[packet];
    if (k->at_ps > now_of(net)) {
        p->arriving = true;
        at_time(net, k->at_ps, EVENT_ARRIVE, link, 0, 0);
        return;
    }
    p->wire_head = k->next;
    if (p->wire_head != NIL) {
        p->arriving = true;
        at_time(net, net->packets[p->wire_head].at_ps, EVENT_ARRIVE, link, 0, 0);
    }
    if (k->flags & PACKET_LOST)
        lose(net, link, lane_at(net, k, k->hop), packet,
             p->down || p->gone ? &net->totals.cut : &net->totals.corrupted);
    else if (link_at(net, k, k->hop + 1u) == NIL)
        nic_receive(net, packet);
    else
        enter(net, link, packet);
}

/* --- events ----------------------------------------------------------------------- */

static void on_end(struct switch_net *net, uint32_t qp)
{
    XGROW(net->ended, net->n_ended, net->cap_ended);
    net->ended[net->n_ended++] = (struct ended){qp, now_of(net)};
    net->last_end_ps = now_of(net);
}

static void qp_event(struct switch_net *net, const struct calendar_event *e)
{
    struct qp *f = &net->qps[e->a];
    if (f->generation != e->c)
        return;
    switch ((enum event_kind)e->kind) {
    case EVENT_START:
        nic_start(net, e->a);
        break;
    case EVENT_END:
        on_end(net, e->a);
        break;
    case EVENT_PACE:
        f->pacing = false;
        nic_refresh(net, e->a);
        break;
    case EVENT_ACK:
        f->acking = false;
        nic_refresh(net, e->a);
        break;
    case EVENT_NAK:
        nic_nak(net, e->a, e->b);
        break;
    case EVENT_NOTIFY:
        control_notified(net, e->a);
        break;
    case EVENT_RATE:
        control_rate_timer(net, e->a, e->b);
        break;
    case EVENT_TIMEOUT:
        nic_timeout(net, e->a);
        break;
    default:
        BUG("event of kind %u", e->kind);
    }
}

/* Asks for what an event will need when its turn is so many events away. */
static void fetch_for(const struct switch_net *net, const struct calendar_event *e, uint32_t away)
{
    if (e->kind > EVENT_SEND)
        return;
    const struct port *p = &net->ports[e->a];
    if (away == 2) {
        fetch(&p->free_ps);
        fetch(&p->waiting_B);
    } else if (e->kind == EVENT_SEND && p->ready) {
        const struct queue *q = &net->queues[*ring_of(net, e->a, (uint32_t)__builtin_ctzll(p->ready))];
        fetch(away || q->qp != NIL ? (const void *)q : &net->packets[q->head]);
    } else if (e->kind == EVENT_ARRIVE && p->wire_head != NIL) {
        const struct packet *k = &net->packets[p->wire_head];
        uint32_t out = away ? NIL : link_at(net, k, k->hop + 1u);
        fetch(away ? (const void *)k : gate_of(net, e->a, 0));
        if (out != NIL)
            fetch(&net->ports[out].waiting_B);
    }
}

static void look_ahead(const struct switch_net *net)
{
    const struct calendar_event *next[3];
    for (uint32_t n = calendar_ahead(&net->calendar, next, 3); n-- > 0;)
        fetch_for(net, next[n], n);
}

static void on_event(struct switch_net *net, const struct calendar_event *e)
{
    look_ahead(net);
    net->totals.events++;
    switch ((enum event_kind)e->kind) {
    case EVENT_ARRIVE:
        on_arrive(net, e->a);
        break;
    case EVENT_SEND:
        on_send(net, e->a);
        break;
    case EVENT_PAUSE:
        gate_pause(net, e->a, e->b, e->c);
        break;
    case EVENT_QP_PAUSE:
        gate_pause_qp(net, e->a, e->b);
        break;
    default:
        qp_event(net, e);
    }
}

/* The latest whole picosecond that begins before a time; 0 when there is none. */
static uint64_t last_before(double s)
{
    if (s >= 9e6)
        return CALENDAR_NEVER - 1;
    uint64_t ps = s > 0 ? (uint64_t)(s * 1e12) + 1 : 0;
    while (ps && 1e-12 * (double)ps >= s)
        ps--;
    return ps;
}

double switch_net_run(struct switch_net *net, double now_s, double horizon_s)
{
    struct calendar_event e;
    uint64_t limit_ps = last_before(horizon_s), next_ps;
    if (horizon_s <= now_s && net->next_ended == net->n_ended)
        limit_ps = 0;
    while (net->next_ended == net->n_ended && limit_ps && calendar_take(&net->calendar, limit_ps, &e)) {
        if (net->stalled && isinf(horizon_s))
            return INFINITY;
        on_event(net, &e);
        while (net->n_ended > net->next_ended && calendar_take(&net->calendar, now_of(net), &e))
            on_event(net, &e); /* the rest of that moment */
    }
    if (net->next_ended < net->n_ended)
        return 1e-12 * (double)net->ended[net->next_ended].at_ps;
    next_ps = calendar_next(&net->calendar);
    return next_ps == CALENDAR_NEVER ? INFINITY : 1e-12 * (double)next_ps;
}

bool switch_net_ended(struct switch_net *net, double now_s, struct switch_end *out)
{
    if (net->next_ended == net->n_ended || 1e-12 * (double)net->ended[net->next_ended].at_ps > now_s + 0.5e-12)
        return false;
    struct ended e = net->ended[net->next_ended++];
    struct qp *f = &net->qps[e.qp];
    const struct tally *t = &net->tallies[e.qp];
    if (net->next_ended == net->n_ended)
        net->next_ended = net->n_ended = 0;
    *out = (struct switch_end){f->cookie,    1e-12 * (double)e.at_ps, t->again_B, f->n_packets,
                               t->reordered, t->reorder_extent};
    f->state = QP_CLOSED;
    qp_release(net, e.qp);
    return true;
}

/* --- messages --------------------------------------------------------------------- */

/* What happens from outside does so at its own time: the clock may lag behind it, never
 * lead. */
static void catch_up(struct switch_net *net, double now_s)
{
    uint64_t now_ps = ps_of(now_s);
    if (now_ps > now_of(net) && calendar_next(&net->calendar) >= now_ps)
        net->calendar.now_ps = now_ps;
}

static uint32_t new_qp(struct switch_net *net)
{
    uint32_t qp = net->free_qp;
    if (qp != NIL) {
        net->free_qp = net->qps[qp].cookie;
        return qp;
    }
    if (net->n_qps == net->cap_qps) {
        net->cap_qps = net->cap_qps ? 2 * net->cap_qps : 64;
        net->qps = xlines(net->qps, net->n_qps, net->cap_qps, sizeof *net->qps);
        net->tallies = XREALLOC(net->tallies, struct tally, net->cap_qps);
        net->controls = XREALLOC(net->controls, struct control, net->cap_qps);
    }
    net->qps[net->n_qps] = (struct qp){0};
    net->controls[net->n_qps] = (struct control){0};
    return net->n_qps++;
}

uint32_t switch_net_start(struct switch_net *net, double now_s, const struct switch_message *m)
{
    uint32_t qp = new_qp(net);
    uint64_t bytes_B = (uint64_t)ceil(m->bytes_B);
    struct qp *f = &net->qps[qp];
    const struct path_set *s = &net->sets[m->paths];
    catch_up(net, now_s);
    *f = (struct qp){.paths = m->paths,
                     .state = QP_WAITING,
                     .class = m->priority,
                     .choice = (uint8_t)m->choice,
                     .cookie = m->cookie,
                     .resend = NIL,
                     .bitmap = NIL,
                     .generation = f->generation,
                     .end_ps = ps_of(m->end_s)};
    net->tallies[qp] = (struct tally){0};
    f->n_packets = bytes_B ? (uint32_t)((bytes_B - 1) / net->mtu_B + 1) : 1;
    f->last_B = (uint32_t)(bytes_B - (uint64_t)(f->n_packets - 1) * net->mtu_B);
    f->turn = (uint32_t)(draw(net, m->cookie, 0, DRAW_PATH) * s->n_routes);
    f->first_group = s->first_group;
    f->n_groups = (uint8_t)s->n_groups;
    f->route = s->n_routes == 1 ? net->routes[s->first_route].hops : NIL;
    f->block = block_alloc(net, m->paths);
    for (uint32_t i = 0; i < s->block_size; i++) {
        struct queue *q = &net->queues[f->block + i];
        q->lane = (uint8_t)(m->priority * net->n_channels);
        if (i < s->n_groups) {
            q->qp = qp;
            q->link = net->groups[s->first_group + i].link;
        }
    }
    control_begin(net, qp, m->cap_Bps);
    uint64_t at_ps = ps_of(now_s + m->begin_s);
    at_time(net, at_ps > now_of(net) ? at_ps : now_of(net), EVENT_START, qp, 0, f->generation);
    return qp;
}

double switch_net_abort(struct switch_net *net, uint32_t qp)
{
    struct qp *f = &net->qps[qp];
    uint64_t left_B = (uint64_t)(f->n_packets - 1) * net->mtu_B + f->last_B;
    uint64_t arrived_B = (uint64_t)f->received * net->mtu_B;
    for (uint32_t i = 0; i < net->sets[f->paths].n_groups; i++)
        queue_detach(net, f->block + i);
    f->state = QP_CLOSED;
    qp_release(net, qp);
    return arrived_B < left_B ? (double)(left_B - arrived_B) : 0;
}

bool switch_net_stranded(const struct switch_net *net, uint32_t qp)
{
    const struct path_set *s = &net->sets[net->qps[qp].paths];
    for (uint32_t i = 0; i < s->n_routes; i++) {
        uint32_t h = net->routes[s->first_route + i].hops;
        while (net->hops[h] != NIL && !net->ports[net->hops[h]].gone)
            h++;
        if (net->hops[h] == NIL)
            return false;
    }
    return true;
}

/* --- links change ----------------------------------------------------------------- */

static void lose_wire(struct switch_net *net, struct port *p)
{
    for (uint32_t k = p->wire_head; k != NIL; k = net->packets[k].next)
        net->packets[k].flags |= PACKET_LOST;
}

/* A link that retries sends again what was on it. */
static void replay_wire(struct switch_net *net, uint32_t link)
{
    struct port *p = &net->ports[link];
    uint64_t at_ps = now_of(net) + 2 * p->wire_ps + net->llr_ps;
    p->last_ps = 0;
    for (uint32_t i = p->wire_head; i != NIL; i = net->packets[i].next) {
        struct packet *k = &net->packets[i];
        uint64_t crossing = crossing_ps(p, size_on(p, k));
        uint64_t through = at_ps + through_ps(net, p, k, crossing);
        k->at_ps = p->last_ps = through > p->last_ps ? through : p->last_ps;
        at_ps += crossing;
        net->totals.replays++;
    }
    p->free_ps = at_ps;
    if (p->wire_head == NIL || p->arriving)
        return;
    p->arriving = true;
    at_time(net, net->packets[p->wire_head].at_ps, EVENT_ARRIVE, link, 0, 0);
}

void switch_net_set_capacity(struct switch_net *net, uint32_t link, double capacity_Bps, double now_s)
{
    struct port *p = &net->ports[link];
    catch_up(net, now_s);
    if (p->gone)
        return;
    if (capacity_Bps <= 0) {
        net->n_down += !p->down;
        p->down = true;
        if (!net->hw.llr)
            lose_wire(net, p);
        return;
    }
    p->ps_per_B = 1e12 / capacity_Bps * net->mtu_B / (net->mtu_B + p->header_B);
    if (!p->down)
        return;
    p->down = false;
    net->n_down--;
    if (net->hw.llr)
        replay_wire(net, link);
    link_wake(net, link, p->free_ps > now_of(net) ? p->free_ps : now_of(net));
}

void switch_net_fail_link(struct switch_net *net, uint32_t link, double now_s)
{
    struct port *p = &net->ports[link];
    catch_up(net, now_s);
    if (p->gone)
        return;
    net->n_down += !p->down;
    p->gone = true;
    p->down = false; /* a link that retries has nobody left to retry with */
    lose_wire(net, p);
    if (p->wire_head != NIL && !p->arriving) {
        p->arriving = true;
        at_time(net, now_of(net), EVENT_ARRIVE, link, 0, 0);
    }
    queues_drop(net, link);
}

/* --- building and reporting ------------------------------------------------------- */

static void init_port(struct switch_net *net, uint32_t link, const struct switch_link *l)
{
    struct port *p = &net->ports[link];
    *p = (struct port){.due_ps = CALENDAR_NEVER,
                       .pipe_ps = ps_of(l->pipe_s),
                       .wire_ps = ps_of(l->wire_s),
                       .wire_head = NIL,
                       .serving = NIL,
                       .head = l->head,
                       .from_host = l->from_host,
                       .to_host = l->to_host,
                       .framed = l->framed};
    p->header_B = l->framed ? net->header_B : 0;
    p->ps_per_B = 1e12 / l->capacity_Bps * net->mtu_B / (net->mtu_B + p->header_B);
    p->hazard = -log1p(-draw(net, link, net->records[link].n_errors++, DRAW_ERROR));
}

static void init_queues(struct switch_net *net)
{
    net->n_queues = net->cap_queues = 2 * net->n_links * net->n_lanes;
    net->queues = XREALLOC(NULL, struct queue, net->cap_queues);
    for (uint32_t i = 0; i < net->n_queues; i++)
        net->queues[i] = (struct queue){.head = NIL, .qp = NIL, .lane = (uint8_t)(i % net->n_lanes)};
}

static void init_calendar(struct switch_net *net)
{
    uint64_t span_ps = 1000000;
    for (uint32_t i = 0; i < net->n_links; i++) {
        const struct port *p = &net->ports[i];
        uint64_t ps = 2 * (p->wire_ps + p->pipe_ps + crossing_ps(p, net->mtu_B + p->header_B));
        span_ps = ps > span_ps && ps < 100000000 ? ps : span_ps;
    }
    calendar_init(&net->calendar, span_ps, net->n_links);
}

#define ZEROED(type, n) ((type *)zeroed((n), sizeof(type)))

static void *zeroed(size_t n, size_t element_B)
{
    return memset(xrealloc(NULL, n, element_B), 0, (n ? n : 1) * element_B);
}

struct switch_net *switch_net_new(const struct switch_config *c)
{
    struct switch_net *net = ZEROED(struct switch_net, 1);
    net->hw = c->hw;
    net->n_links = c->n_links;
    net->mtu_B = (uint32_t)lround(c->mtu_B);
    net->header_B = (uint32_t)lround(c->header_B);
    net->seed = c->seed;
    net->control_ps = ps_of(c->hw.control_s);
    net->timeout_ps = ps_of(c->hw.timeout_s);
    net->llr_ps = ps_of(c->hw.llr_s);
    net->loss_hazard = -log1p(-c->hw.loss_ratio);
    net->bit_hazard = -8 * log1p(-c->hw.bit_error_ratio);
    net->free_packet = net->free_qp = net->free_ack = net->free_psn = NIL;
    memset(net->free_bits, 0xff, sizeof net->free_bits);
    net->ports = xlines(NULL, 0, c->n_links, sizeof *net->ports);
    net->records = ZEROED(struct port_record, c->n_links);
    lanes_init(net, c->order, c->n_channels);
    net->gates = xlines(NULL, 0, c->n_links * net->n_lanes, sizeof *net->gates);
    memset(net->gates, 0, (size_t)c->n_links * net->n_lanes * sizeof *net->gates);
    net->rings = XREALLOC(NULL, uint32_t, c->n_links * net->n_lanes);
    net->pool_B = XREALLOC(NULL, double, c->n_nodes);
    memcpy(net->pool_B, c->node_buffer_B, c->n_nodes * sizeof *net->pool_B);
    net->used_B = ZEROED(uint64_t, c->n_nodes);
    net->place = XREALLOC(NULL, uint32_t, c->n_links * net->n_channels);
    memset(net->place, 0xff, (size_t)c->n_links * net->n_channels * sizeof *net->place);
    for (uint32_t i = 0; i < c->n_links; i++)
        init_port(net, i, &c->links[i]);
    init_queues(net);
    init_calendar(net);
    return net;
}

void switch_net_free(struct switch_net *net)
{
    if (!net)
        return;
    paths_free(net);
    calendar_free(&net->calendar);
    lanes_free(net);
    for (uint32_t i = 0; i < net->n_links * net->n_lanes; i++)
        free(net->gates[i].returns);
    void *owned[] = {net->ports,   net->records, net->gates,    net->pool_B, net->used_B,  net->queues,
                     net->hops,    net->turns,   net->locals,   net->routes, net->groups,  net->sets,
                     net->packets, net->qps,     net->controls, net->acks,   net->psns,    net->bits,
                     net->tallies, net->ended,   net->place,    net->rings,  net->channels};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
    free(net);
}

static double paused_s(const struct switch_net *net, uint32_t link)
{
    double sum_s = 0;
    for (uint32_t lane = 0; lane < net->n_lanes; lane++) {
        const struct gate *g = gate_of(net, link, lane);
        sum_s += 1e-12 * (double)g->pause_sum_ps;
        if (net->ports[link].paused >> lane & 1)
            sum_s += 1e-12 * (double)(now_of(net) - g->paused_ps);
    }
    return sum_s;
}

struct switch_link_totals switch_net_link_totals(const struct switch_net *net, uint32_t link)
{
    const struct port_record *r = &net->records[link];
    struct switch_link_totals t = {.sent_B = r->sent_B, .max_queue_B = (double)r->max_B};
    /* nothing waits behind the last end, so that the area is whole */
    t.mean_queue_B = net->last_end_ps ? r->area / (double)net->last_end_ps : 0;
    t.pause_s = paused_s(net, link);
    return t;
}

struct switch_totals switch_net_totals(struct switch_net *net)
{
    struct switch_totals t = net->totals;
    for (uint32_t i = 0; i < net->n_links; i++) {
        struct switch_link_totals l = switch_net_link_totals(net, i);
        t.pause_s += l.pause_s;
        t.max_queue_B = fmax(t.max_queue_B, l.max_queue_B);
        t.mean_queue_B = fmax(t.mean_queue_B, l.mean_queue_B);
    }
    for (uint32_t i = 0; i < net->n_qps; i++)
        t.in_network += net->qps[i].state == QP_FREE ? 0 : net->qps[i].in_network;
    return t;
}

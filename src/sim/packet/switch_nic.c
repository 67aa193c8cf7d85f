/* NICs: queue pairs make packets when the first link of their path takes one, and
 * receive them. What the receiver does with a packet that comes before its turn, and
 * what the sender repeats after a loss, is cluster.packet.placement and retransmission.
 * As InfiniBand's responders do, a receiver that wants everything from a gap on says so
 * once; if the repeated packet is lost, too, the sender's timeout has to notice. */
#include "sim/packet/switch_impl.h"

#include <string.h>

#include "sim/xalloc.h"

/* When nothing arrives anywhere for so many timeouts, nothing will: queues wait for
 * each other in a circle. */
enum { STALL_TIMEOUTS = 1000 };

static struct qp *qp_of(struct switch_net *net, uint32_t qp)
{
    return &net->qps[qp];
}

static bool keeps_early(const struct switch_net *net)
{
    return net->hw.placement != PLACEMENT_IN_ORDER;
}

static uint32_t payload_B(const struct switch_net *net, const struct qp *f, uint32_t psn)
{
    return psn + 1 == f->n_packets ? f->last_B : net->mtu_B;
}

/* --- lists of psns to send again -------------------------------------------------- */

static void resend_later(struct switch_net *net, struct qp *f, uint32_t psn)
{
    uint32_t node = net->free_psn;
    if (node != NIL) {
        net->free_psn = net->psns[node].next;
    } else {
        XGROW(net->psns, net->n_psns, net->cap_psns);
        node = net->n_psns++;
    }
    net->psns[node] = (struct psn_node){psn, f->resend};
    f->resend = node;
}

static uint32_t resend_take(struct switch_net *net, struct qp *f)
{
    uint32_t node = f->resend, psn = net->psns[node].psn;
    f->resend = net->psns[node].next;
    net->psns[node].next = net->free_psn;
    net->free_psn = node;
    return psn;
}

static void resend_clear(struct switch_net *net, struct qp *f)
{
    while (f->resend != NIL)
        resend_take(net, f);
}

/* --- bitmaps of received packets, in blocks of powers of two words ---------------- */

static uint32_t bitmap_log(uint32_t n_packets)
{
    uint32_t words = (n_packets + 63) / 64, log = 0;
    while (1u << log < words)
        log++;
    return log;
}

static void bitmap_alloc(struct switch_net *net, struct qp *f)
{
    uint32_t log = bitmap_log(f->n_packets), words = 1u << log;
    f->tracked = true;
    if (f->n_packets <= 64)
        return;
    f->bitmap = net->free_bits[log];
    if (f->bitmap != NIL) {
        net->free_bits[log] = (uint32_t)net->bits[f->bitmap];
    } else {
        if (net->n_bits + words > net->cap_bits) {
            net->cap_bits = 2 * net->cap_bits + words + 1024;
            net->bits = XREALLOC(net->bits, uint64_t, net->cap_bits);
        }
        f->bitmap = net->n_bits;
        net->n_bits += words;
    }
    memset(net->bits + f->bitmap, 0, words * sizeof *net->bits);
}

static void bitmap_free(struct switch_net *net, struct qp *f)
{
    uint32_t log = bitmap_log(f->n_packets);
    if (f->bitmap == NIL)
        return;
    net->bits[f->bitmap] = net->free_bits[log];
    net->free_bits[log] = f->bitmap;
    f->bitmap = NIL;
}

static uint64_t *word_of(struct switch_net *net, struct qp *f, uint32_t psn)
{
    return f->n_packets <= 64 ? &f->few : &net->bits[f->bitmap + psn / 64];
}

static bool has(struct switch_net *net, struct qp *f, uint32_t psn)
{
    return f->tracked ? *word_of(net, f, psn) >> psn % 64 & 1 : psn < f->expected;
}

/* --- sending ---------------------------------------------------------------------- */

uint32_t nic_packet_B(const struct switch_net *net, uint32_t qp)
{
    const struct qp *f = &net->qps[qp];
    return payload_B(net, f, f->resend != NIL ? net->psns[f->resend].psn : f->next_psn);
}

/* Whether its NIC would send a packet of the QP now; sees to it that it is looked at
 * again when it may. */
static bool may_send(struct switch_net *net, uint32_t qp)
{
    struct qp *f = qp_of(net, qp);
    if (f->state != QP_LIVE || (f->resend == NIL && f->next_psn == f->n_packets))
        return false;
    if (net->hw.congestion_control == CONGESTION_RTT && !control_window_open(net, qp))
        return false;
    if (f->next_ps <= now_of(net))
        return true;
    if (!f->pacing) {
        f->pacing = true;
        at_time(net, f->next_ps, EVENT_PACE, qp, 0, f->generation);
    }
    return false;
}

void nic_refresh(struct switch_net *net, uint32_t qp)
{
    struct qp *f = qp_of(net, qp);
    if (f->state != QP_LIVE)
        return;
    uint32_t n = f->n_groups;
    bool may = may_send(net, qp);
    for (uint32_t i = 0; i < n; i++)
        if (may)
            queue_attach(net, f->block + i);
        else
            queue_detach(net, f->block + i);
    for (uint32_t i = 0; may && i < n; i++)
        if (net->queues[f->block + i].in_ring)
            link_try(net, net->queues[f->block + i].link);
}

static bool route_is_whole(const struct switch_net *net, uint32_t route)
{
    for (const uint32_t *link = net->hops + route; *link != NIL; link++)
        if (net->ports[*link].down || net->ports[*link].gone)
            return false;
    return true;
}

/* Behind the last of net->hops there is room to read. */
static void take_route(const struct switch_net *net, struct packet *k, uint32_t route)
{
    k->route = route;
    k->n_links = PACKET_LINKS;
    memcpy(k->links, net->hops + route, sizeof k->links);
}

/* Any of them as far as the first switch, which is to choose. */
static void take_open(const struct switch_net *net, struct packet *k, const struct group *g)
{
    const struct route *r = &net->routes[g->first_route];
    k->flags |= PACKET_OPEN;
    k->route = r->hops;
    k->n_links = 2;
    k->links[0] = g->link;
    k->links[1] = r->second;
}

/* Of the paths that begin with the link of this source queue: the next in turn that is
 * whole. */
static uint32_t choose_route(struct switch_net *net, struct qp *f, const struct group *g)
{
    uint32_t route = net->routes[g->first_route + f->turn++ % g->n_routes].hops;
    for (uint32_t i = 1; net->n_down && i < g->n_routes && !route_is_whole(net, route); i++)
        route = net->routes[g->first_route + f->turn++ % g->n_routes].hops;
    return route;
}

static void send_over(struct switch_net *net, struct packet *k, uint32_t source)
{
    struct qp *f = qp_of(net, k->qp);
    const struct group *g = &net->groups[f->first_group + (source - f->block)];
    if (f->route != NIL)
        take_route(net, k, f->route);
    else if (g->n_routes > 1 && f->choice == SWITCH_SHORTEST)
        take_open(net, k, g);
    else
        take_route(net, k, choose_route(net, f, g));
}

static uint32_t new_packet(struct switch_net *net)
{
    uint32_t packet = net->free_packet;
    if (packet != NIL) {
        net->free_packet = net->packets[packet].next;
        return packet;
    }
    if (net->n_packets == net->cap_packets) {
        net->cap_packets = net->cap_packets ? 2 * net->cap_packets : 64;
        net->packets = xlines(net->packets, net->n_packets, net->cap_packets, sizeof *net->packets);
    }
    return net->n_packets++;
}

static void note_sent(struct switch_net *net, const struct packet *k)
{
    struct qp *f = qp_of(net, k->qp);
    net->totals.sent++;
    f->in_network++;
    f->in_flight++;
    if (k->flags & PACKET_AGAIN) {
        net->totals.retransmitted++;
        net->totals.retransmitted_B += k->payload_B;
        net->tallies[k->qp].again_B += k->payload_B;
    }
    if (f->gap_ps_per_B > 0) {
        uint64_t from_ps = f->next_ps > now_of(net) ? f->next_ps : now_of(net);
        f->next_ps = from_ps + (uint64_t)(k->payload_B * f->gap_ps_per_B + 0.5);
    }
}

static void watch_time(struct switch_net *net, uint32_t qp)
{
    struct qp *f = qp_of(net, qp);
    if (f->timed)
        return;
    f->timed = true;
    f->progress_ps = now_of(net);
    at_time(net, now_of(net) + net->timeout_ps, EVENT_TIMEOUT, qp, 0, f->generation);
}

static void fetch_paths(const struct switch_net *net, const struct qp *f, uint32_t away)
{
    const struct group *g = &net->groups[f->first_group];
    if (away == 3) {
        fetch(g);
        return;
    }
    const struct route *r = &net->routes[g->first_route];
    if (f->choice == SWITCH_IN_TURN)
        r += f->turn % g->n_routes;
    if (away == 2)
        fetch(r);
    else if (f->choice == SWITCH_IN_TURN)
        fetch(&net->hops[r->hops]);
}

/* QPs of a NIC take turns, and with thousands of them each finds its data out of the
 * cache. What the next ones need is asked for while this one sends: the queue of the
 * fifth, the QP of the fourth, the paths of the others, step by step. */
void nic_look_ahead(const struct switch_net *net, uint32_t queue)
{
    const struct queue *q = &net->queues[queue];
    for (uint32_t away = 1; away < 5; away++) {
        q = &net->queues[q->next];
        if (q->qp == NIL)
            return;
        const struct qp *f = &net->qps[q->qp];
        if (away == 4)
            fetch_qp(net, q->qp);
        else if (f->route != NIL && away == 3)
            fetch(&net->hops[f->route]);
        else if (f->route == NIL)
            fetch_paths(net, f, away);
    }
    fetch(&net->queues[q->next]);
}

uint32_t nic_make_packet(struct switch_net *net, uint32_t queue)
{
    uint32_t qp = net->queues[queue].qp, packet = new_packet(net);
    struct qp *f = qp_of(net, qp);
    struct packet *k = &net->packets[packet];
    uint32_t psn = f->resend != NIL ? resend_take(net, f) : f->next_psn++;
    *k = (struct packet){
        .qp = qp, .psn = psn, .payload_B = payload_B(net, f, psn), .class = f->class, .sent_ps = now_of(net)};
    k->flags = psn < f->top_psn ? PACKET_AGAIN : 0;
    if (f->next_psn > f->top_psn)
        f->top_psn = f->next_psn;
    send_over(net, k, queue);
    note_sent(net, k);
    watch_time(net, qp);
    control_sent(net, qp, k->payload_B);
    if (!may_send(net, qp))
        for (uint32_t i = 0; i < f->n_groups; i++)
            queue_detach(net, f->block + i);
    return packet;
}

void nic_start(struct switch_net *net, uint32_t qp)
{
    struct qp *f = qp_of(net, qp);
    if (f->state != QP_WAITING)
        return;
    f->state = QP_LIVE;
    net->progress_ps = now_of(net);
    net->stalled = false;
    if (keeps_early(net))
        bitmap_alloc(net, f);
    nic_refresh(net, qp);
}

/* --- receiving -------------------------------------------------------------------- */

static void finish(struct switch_net *net, uint32_t qp)
{
    struct qp *f = qp_of(net, qp);
    if (f->received < f->n_packets)
        return;
    f->state = QP_DONE;
    at_time(net, now_of(net) + f->end_ps, EVENT_END, qp, 0, f->generation);
}

static void ask(struct switch_net *net, uint32_t qp, uint32_t psn)
{
    struct qp *f = qp_of(net, qp);
    f->nak_sent = true;
    net->totals.naks++;
    at_time(net, now_of(net) + net->sets[f->paths].back_ps, EVENT_NAK, qp, psn, f->generation);
}

static void note_order(struct switch_net *net, struct qp *f, const struct packet *k)
{
    if (k->psn >= f->top_received) {
        f->top_received = k->psn + 1;
    } else if (!(k->flags & PACKET_AGAIN)) {
        uint32_t extent = f->top_received - 1 - k->psn;
        struct tally *t = &net->tallies[k->qp];
        t->reordered++;
        net->totals.reordered++;
        t->reorder_extent = extent > t->reorder_extent ? extent : t->reorder_extent;
        net->totals.reorder_extent = extent > net->totals.reorder_extent ? extent : net->totals.reorder_extent;
    }
}

/* Gaps that are so far behind what has come that they are losses. */
static void look_for_gaps(struct switch_net *net, uint32_t qp)
{
    struct qp *f = qp_of(net, qp);
    uint32_t window = f->route == NIL ? (uint32_t)net->hw.reorder_window : 0;
    uint32_t sure = f->top_received > window ? f->top_received - window : 0;
    uint32_t from = f->asked > f->expected ? f->asked : f->expected;
    if (net->hw.retransmission == RETRANSMIT_SELECTIVE)
        for (uint32_t psn = from; psn < sure; psn++)
            if (!has(net, f, psn))
                ask(net, qp, psn);
    if (net->hw.retransmission == RETRANSMIT_GO_BACK_N && f->expected < sure && !f->nak_sent)
        ask(net, qp, f->expected);
    if (sure > f->asked)
        f->asked = sure;
}

static void advance(struct switch_net *net, struct qp *f)
{
    uint32_t before = f->expected;
    while (f->expected < f->n_packets && has(net, f, f->expected))
        f->expected++;
    if (f->expected > before)
        f->nak_sent = false;
}

/* True when the packet was placed or kept. */
static bool accept_any(struct switch_net *net, uint32_t qp, const struct packet *k)
{
    struct qp *f = qp_of(net, qp);
    double waiting_B = (double)(f->received - f->expected) * net->mtu_B;
    if (has(net, f, k->psn)) {
        net->totals.duplicates++;
        control_ack(net, qp, k);
        return false;
    }
    if (net->hw.placement == PLACEMENT_HOLD && k->psn != f->expected &&
        waiting_B + k->payload_B > net->hw.reorder_buffer_B) {
        net->totals.discarded++;
        look_for_gaps(net, qp);
        return false;
    }
    *word_of(net, f, k->psn) |= (uint64_t)1 << k->psn % 64;
    f->received++;
    advance(net, f);
    look_for_gaps(net, qp);
    return true;
}

static bool accept_next(struct switch_net *net, uint32_t qp, const struct packet *k)
{
    struct qp *f = qp_of(net, qp);
    if (k->psn == f->expected) {
        f->expected++;
        f->received++;
        f->nak_sent = false;
        return true;
    }
    if (k->psn < f->expected) {
        net->totals.duplicates++;
        control_ack(net, qp, k);
        return false;
    }
    net->totals.discarded++;
    if (!f->nak_sent)
        ask(net, qp, f->expected);
    return false;
}

void nic_receive(struct switch_net *net, uint32_t packet)
{
    struct packet *k = &net->packets[packet];
    uint32_t qp = k->qp;
    struct qp *f = qp_of(net, qp);
    net->totals.delivered++;
    f->in_network--;
    if (f->state != QP_LIVE) {
        net->totals.duplicates++;
        packet_free(net, packet);
        qp_release(net, qp);
        return;
    }
    if (k->flags & PACKET_MARKED)
        control_marked(net, qp);
    note_order(net, f, k);
    if (keeps_early(net) ? accept_any(net, qp, k) : accept_next(net, qp, k)) {
        net->totals.accepted++;
        f->progress_ps = net->progress_ps = now_of(net);
        net->stalled = false;
        control_ack(net, qp, k);
        finish(net, qp);
    }
    packet_free(net, packet);
}

/* --- losses ----------------------------------------------------------------------- */

void nic_nak(struct switch_net *net, uint32_t qp, uint32_t psn)
{
    struct qp *f = qp_of(net, qp);
    if (f->state != QP_LIVE)
        return;
    if (net->hw.retransmission == RETRANSMIT_SELECTIVE) {
        f->in_flight -= f->in_flight > 0;
        resend_later(net, f, psn);
    } else if (psn < f->next_psn) {
        f->next_psn = psn;
        f->in_flight = 0;
    }
    nic_refresh(net, qp);
}

static void send_again(struct switch_net *net, uint32_t qp)
{
    struct qp *f = qp_of(net, qp);
    net->totals.timeouts++;
    f->progress_ps = now_of(net);
    net->stalled |= now_of(net) - net->progress_ps > STALL_TIMEOUTS * net->timeout_ps;
    f->in_flight = 0;
    f->nak_sent = false;
    control_lost(net, qp);
    resend_clear(net, f);
    if (net->hw.retransmission == RETRANSMIT_GO_BACK_N)
        f->next_psn = f->expected;
    else
        for (uint32_t psn = f->top_psn; psn-- > f->expected;)
            if (!has(net, f, psn))
                resend_later(net, f, psn);
    nic_refresh(net, qp);
}

/* What the receiver has placed is known to the sender by now: nothing has changed for
 * longer than an acknowledgement takes. */
void nic_timeout(struct switch_net *net, uint32_t qp)
{
    struct qp *f = qp_of(net, qp);
    uint64_t since_ps = f->progress_ps + net->sets[f->paths].back_ps;
    if (f->state != QP_LIVE)
        return;
    if (f->received == f->top_psn) /* nothing is missing yet */
        since_ps = now_of(net);
    if (now_of(net) >= since_ps + net->timeout_ps) {
        send_again(net, qp);
        since_ps = now_of(net);
    }
    at_time(net, since_ps + net->timeout_ps, EVENT_TIMEOUT, qp, 0, qp_of(net, qp)->generation);
}

void nic_forget(struct switch_net *net, uint32_t packet)
{
    uint32_t qp = net->packets[packet].qp;
    qp_of(net, qp)->in_network--;
    packet_free(net, packet);
    qp_release(net, qp);
}

/* A QP goes when its end has been collected and no packet of it is left. */
void qp_release(struct switch_net *net, uint32_t qp)
{
    struct qp *f = qp_of(net, qp);
    if (f->state != QP_CLOSED || f->in_network)
        return;
    for (uint32_t i = 0; i < f->n_groups; i++)
        queue_detach(net, f->block + i);
    block_free(net, f->paths, f->block);
    bitmap_free(net, f);
    resend_clear(net, f);
    control_end(net, qp);
    f->state = QP_FREE;
    f->generation++;
    f->cookie = net->free_qp;
    net->free_qp = qp;
}

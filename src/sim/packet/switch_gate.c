/* Flow control. PFC (IEEE 802.1Qbb): an input that holds more than a threshold asks the
 * other end of its link to pause the class, and to go on when it has drained. Credits
 * (InfiniBand): the sender counts what the far buffer can hold. Backpressure qp: an
 * input that holds much of one queue pair pauses that queue pair alone, as BFC does
 * (Goyal et al., NSDI'22). Without flow control switches drop. Hosts take everything.
 */
#include "sim/packet/switch_impl.h"

#include <stdlib.h>

#include "sim/xalloc.h"

static uint64_t control_at(const struct switch_net *net, uint32_t link, uint64_t from_ps)
{
    return from_ps + net->ports[link].wire_ps + net->control_ps;
}

/* --- buffers ---------------------------------------------------------------------- */

static double free_B(const struct switch_net *net, uint32_t node)
{
    return fmax(0, net->pool_B[node] - (double)net->used_B[node]);
}

static bool shares(const struct switch_net *net)
{
    return net->hw.buffer_alpha_ratio > 0;
}

/* How much one lane of an input may hold before it asks for a pause. */
static double xoff_B(const struct switch_net *net, uint32_t node)
{
    return shares(net) ? net->hw.buffer_alpha_ratio * free_B(net, node) : net->hw.xoff_B;
}

static double xon_B(const struct switch_net *net, uint32_t node)
{
    return shares(net) ? fmax(0, xoff_B(net, node) - (net->hw.xoff_B - net->hw.xon_B)) : net->hw.xon_B;
}

/* Buffers that are shared: what is more than an input's part of the pool goes to the headroom that is set aside for
 * it, and leaves that first (as in HPCC's switch-mmu and the chips that it follows). */
static bool goes_beyond(const struct switch_net *net, uint32_t node, const struct gate *g, double size_B)
{
    return shares(net) && net->hw.flow_control == FLOW_CONTROL_PFC &&
           (double)(g->held_B - g->beyond_B) + size_B > xoff_B(net, node);
}

static bool fits_lossy(const struct switch_net *net, uint32_t in, uint32_t out, uint32_t lane, double size_B)
{
    uint32_t node = net->ports[in].head;
    bool by_output = net->hw.queueing == QUEUE_SHARED_OUTPUT || net->hw.queueing == QUEUE_VOQ_QP;
    double waiting_B = (double)(by_output ? net->ports[out].waiting_B : gate_of(net, in, lane)->held_B);
    if (shares(net))
        return waiting_B + size_B <= net->hw.buffer_alpha_ratio * free_B(net, node) && size_B <= free_B(net, node);
    return waiting_B + size_B <= net->hw.buffer_B;
}

/* Whether the switch can hold the packet. */
bool gate_admits(struct switch_net *net, const struct packet *k, uint32_t in, uint32_t out)
{
    const struct port *p = &net->ports[in];
    uint32_t lane = lane_at(net, k, k->hop - 1u);
    double size_B = size_on(p, k);
    if (p->to_host || net->hw.flow_control == FLOW_CONTROL_CREDITS)
        return true;
    if (net->hw.flow_control == FLOW_CONTROL_NONE)
        return fits_lossy(net, in, out, lane, size_B);
    const struct gate *g = gate_of(net, in, lane);
    if (shares(net))
        return !goes_beyond(net, p->head, g, size_B) || (double)g->beyond_B + size_B <= net->hw.headroom_B;
    return (double)g->held_B + size_B <= net->hw.xoff_B + net->hw.headroom_B;
}

/* --- a packet enters and leaves a switch ------------------------------------------ */

static void hold_qp(struct switch_net *net, const struct packet *k, uint32_t in, uint32_t size_B)
{
    uint32_t queue = net->qps[k->qp].block + net->locals[k->route + k->hop - 1];
    struct queue *q = &net->queues[queue];
    q->beyond_B += size_B;
    if (q->pausing || (double)q->beyond_B <= net->hw.qp_xoff_B)
        return;
    q->pausing = true;
    net->totals.qp_pauses++;
    at_time(net, control_at(net, in, now_of(net)), EVENT_QP_PAUSE, queue, true, 0);
}

static void let_go_qp(struct switch_net *net, const struct packet *k, uint32_t in, uint32_t size_B)
{
    uint32_t queue = net->qps[k->qp].block + net->locals[k->route + k->hop - 1];
    struct queue *q = &net->queues[queue];
    q->beyond_B -= size_B;
    if (!q->pausing || (double)q->beyond_B > net->hw.qp_xoff_B / 2)
        return;
    q->pausing = false;
    at_time(net, control_at(net, in, now_of(net)), EVENT_QP_PAUSE, queue, false, 0);
}

void gate_enter(struct switch_net *net, const struct packet *k, uint32_t in)
{
    const struct port *p = &net->ports[in];
    uint32_t lane = lane_at(net, k, k->hop - 1u), size_B = size_on(p, k);
    struct gate *g = gate_of(net, in, lane);
    if (p->to_host)
        return;
    if (goes_beyond(net, p->head, g, size_B))
        g->beyond_B += size_B;
    else
        net->used_B[p->head] += size_B;
    g->held_B += size_B;
    net->totals.max_held_B = fmax(net->totals.max_held_B, (double)g->held_B);
    if (net->hw.backpressure == BACKPRESSURE_QP)
        hold_qp(net, k, in, size_B);
    if (net->hw.flow_control != FLOW_CONTROL_PFC || g->pausing ||
        (!g->beyond_B && (double)g->held_B <= xoff_B(net, p->head)))
        return;
    g->pausing = true;
    net->totals.pauses++;
    at_time(net, control_at(net, in, now_of(net)), EVENT_PAUSE, in, lane, true);
}

/* The packet that waited for its hop leaves the node; its last byte does so at gone_ps.
 */
void gate_leave(struct switch_net *net, const struct packet *k, uint64_t gone_ps)
{
    if (!k->hop)
        return;
    uint32_t in = link_at(net, k, k->hop - 1u), lane = lane_at(net, k, k->hop - 1u);
    const struct port *p = &net->ports[in];
    uint32_t size_B = size_on(p, k);
    struct gate *g = gate_of(net, in, lane);
    if (p->to_host)
        return;
    uint64_t from_headroom_B = g->beyond_B < size_B ? g->beyond_B : size_B;
    g->held_B -= size_B;
    g->beyond_B -= from_headroom_B;
    net->used_B[p->head] -= size_B - from_headroom_B;
    if (net->hw.backpressure == BACKPRESSURE_QP)
        let_go_qp(net, k, in, size_B);
    if (net->hw.flow_control == FLOW_CONTROL_CREDITS)
        gate_return(net, in, lane, size_B, gone_ps);
    if (!g->pausing || g->beyond_B || (double)g->held_B > xon_B(net, p->head))
        return;
    g->pausing = false;
    at_time(net, control_at(net, in, now_of(net)), EVENT_PAUSE, in, lane, false);
}

/* --- credits ---------------------------------------------------------------------- */

/* Credits come back without events: they are looked for when the sender needs them, and
 * it is woken when it lacks them. */
void gate_return(struct switch_net *net, uint32_t link, uint32_t lane, uint32_t size_B, uint64_t gone_ps)
{
    struct gate *g = gate_of(net, link, lane);
    if (g->n == g->cap) {
        uint32_t cap = g->cap ? 2 * g->cap : 16;
        struct returned *bigger = XREALLOC(NULL, struct returned, cap);
        for (uint32_t i = 0; i < g->n; i++)
            bigger[i] = g->returns[(g->first + i) & (g->cap - 1)];
        free(g->returns);
        g->returns = bigger;
        g->first = 0;
        g->cap = cap;
    }
    uint64_t at_ps = control_at(net, link, gone_ps);
    if (g->n && g->returns[(g->first + g->n - 1) & (g->cap - 1)].at_ps > at_ps) /* they come back in order */
        at_ps = g->returns[(g->first + g->n - 1) & (g->cap - 1)].at_ps;
    g->returns[(g->first + g->n++) & (g->cap - 1)] = (struct returned){at_ps, size_B};
    if (g->starved) {
        g->starved = false;
        link_wake(net, link, at_ps);
    }
}

bool gate_open(struct switch_net *net, uint32_t link, uint32_t lane, uint32_t size_B)
{
    struct gate *g = gate_of(net, link, lane);
    uint64_t limit_B = (uint64_t)net->hw.credits_B, owed_B;
    if (net->hw.flow_control != FLOW_CONTROL_CREDITS || net->ports[link].to_host || g->owed_B + size_B <= limit_B)
        return true;
    for (; g->n && g->returns[g->first].at_ps <= now_of(net); g->n--) {
        g->owed_B -= g->returns[g->first].bytes_B;
        g->first = (g->first + 1) & (g->cap - 1);
    }
    owed_B = g->owed_B;
    if (owed_B + size_B <= limit_B)
        return true;
    for (uint32_t i = 0; i < g->n; i++) {
        const struct returned *r = &g->returns[(g->first + i) & (g->cap - 1)];
        owed_B -= r->bytes_B;
        if (owed_B + size_B <= limit_B) {
            link_wake(net, link, r->at_ps);
            return false;
        }
    }
    g->starved = true;
    return false;
}

void gate_spend(struct switch_net *net, uint32_t link, uint32_t lane, uint32_t size_B)
{
    if (net->hw.flow_control == FLOW_CONTROL_CREDITS && !net->ports[link].to_host)
        gate_of(net, link, lane)->owed_B += size_B;
}

/* --- pauses act ------------------------------------------------------------------- */

void gate_pause(struct switch_net *net, uint32_t link, uint32_t lane, bool on)
{
    struct port *p = &net->ports[link];
    struct gate *g = gate_of(net, link, lane);
    uint64_t bit = (uint64_t)1 << lane;
    if (on && !(p->paused & bit))
        g->paused_ps = now_of(net);
    else if (!on && p->paused & bit)
        g->pause_sum_ps += now_of(net) - g->paused_ps;
    p->paused = on ? p->paused | bit : p->paused & ~bit;
    if (!on)
        link_try(net, link);
}

void gate_pause_qp(struct switch_net *net, uint32_t queue, bool on)
{
    struct queue *q = &net->queues[queue];
    q->paused = on;
    if (on) {
        queue_detach(net, queue);
        return;
    }
    if (q->qp == NIL) {
        queue_attach(net, queue);
        if (q->in_ring)
            link_try(net, q->link);
    } else {
        nic_refresh(net, q->qp);
    }
}

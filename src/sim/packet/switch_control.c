/* Congestion control at the sender.
 *   dcqcn   Zhu et al., SIGCOMM'15: switches mark packets of long queues (RED on the
 * instantaneous length), the receiver notifies the sender at most once per interval;
 * the rate is cut by alpha / 2, and recovers by halving the distance to the old rate,
 * then additively, then in hyper steps, by timer and by bytes. rtt     Kumar et al.,
 * SIGCOMM'20 (Swift), as TIMELY before it: a window grows by `increase` per round trip
 * while the round trip is below its target, and shrinks with the excess at most once
 * per round trip; below one packet it is a pause between packets. Left out: targets
 * that grow with the number of flows and hops (the target is beyond the empty path's
 * own round trip), separate host delay. */
#include "sim/packet/switch_impl.h"

#include "sim/xalloc.h"

static void apply_rate(struct switch_net *net, uint32_t qp, double rate_Bps)
{
    struct control *c = &net->controls[qp];
    double least_Bps = c->cap_Bps > 0 ? fmin(rate_Bps, c->cap_Bps) : rate_Bps;
    net->qps[qp].gap_ps_per_B = least_Bps < c->line_Bps ? 1e12 / least_Bps : 0;
}

void control_begin(struct switch_net *net, uint32_t qp, double cap_Bps)
{
    const struct path_set *s = &net->sets[net->qps[qp].paths];
    struct control *c = &net->controls[qp];
    double line_Bps = 1e12 / s->line_ps_per_B;
    *c = (struct control){.line_Bps = line_Bps,
                          .cap_Bps = cap_Bps,
                          .rate_Bps = line_Bps,
                          .target_Bps = line_Bps,
                          .alpha = 1,
                          .alpha_ps = CALENDAR_NEVER,
                          .notified_ps = CALENDAR_NEVER,
                          .acks = NIL,
                          .last_ack = NIL,
                          .timer = c->timer};
    c->base_rtt_ps = (double)(s->forward_ps + s->back_ps);
    c->window = fmax(1, ceil(c->base_rtt_ps / (net->mtu_B * s->line_ps_per_B)));
    apply_rate(net, qp, line_Bps);
}

/* --- dcqcn ------------------------------------------------------------------------ */

void control_marked(struct switch_net *net, uint32_t qp)
{
    const struct qp *f = &net->qps[qp];
    struct control *c = &net->controls[qp];
    uint64_t now_ps = now_of(net);
    if (net->hw.congestion_control != CONGESTION_DCQCN)
        return;
    if (c->notified_ps != CALENDAR_NEVER && now_ps - c->notified_ps < ps_of(net->hw.dcqcn.cnp_interval_s))
        return;
    c->notified_ps = now_ps;
    net->totals.notified++;
    at_time(net, now_ps + net->sets[f->paths].back_ps, EVENT_NOTIFY, qp, 0, f->generation);
}

/* Alpha shrinks once per timer without a notification; looked up when it is needed. */
static void decay_alpha(struct switch_net *net, struct control *c)
{
    uint64_t timer_ps = ps_of(net->hw.dcqcn.alpha_timer_s), n = (now_of(net) - c->alpha_ps) / timer_ps;
    if (n)
        c->alpha *= pow(1 - net->hw.dcqcn.g_ratio, (double)n);
    c->alpha_ps += n * timer_ps;
}

static bool is_throttled(const struct control *c)
{
    return c->rate_Bps < c->line_Bps;
}

static void arm_rate_timer(struct switch_net *net, uint32_t qp)
{
    struct control *c = &net->controls[qp];
    at_time(net, now_of(net) + ps_of(net->hw.dcqcn.rate_timer_s), EVENT_RATE, qp, ++c->timer, net->qps[qp].generation);
}

void control_notified(struct switch_net *net, uint32_t qp)
{
    const struct hw_dcqcn *hw = &net->hw.dcqcn;
    struct control *c = &net->controls[qp];
    if (net->qps[qp].state != QP_LIVE)
        return;
    if (c->alpha_ps != CALENDAR_NEVER)
        decay_alpha(net, c);
    c->target_Bps = c->rate_Bps;
    c->rate_Bps = fmin(c->rate_Bps, fmax(hw->min_Bps, c->rate_Bps * (1 - c->alpha / 2)));
    c->alpha = (1 - hw->g_ratio) * c->alpha + hw->g_ratio;
    c->alpha_ps = now_of(net);
    c->timer_steps = c->byte_steps = 0;
    c->bytes_B = 0;
    apply_rate(net, qp, c->rate_Bps);
    arm_rate_timer(net, qp);
}

static void raise_rate(struct switch_net *net, uint32_t qp)
{
    const struct hw_dcqcn *hw = &net->hw.dcqcn;
    struct control *c = &net->controls[qp];
    uint32_t more = c->timer_steps > c->byte_steps ? c->timer_steps : c->byte_steps;
    uint32_t fewer = c->timer_steps > c->byte_steps ? c->byte_steps : c->timer_steps;
    if (fewer > hw->fast_recovery)
        c->target_Bps += hw->hyper_Bps;
    else if (more > hw->fast_recovery)
        c->target_Bps += hw->additive_Bps;
    c->target_Bps = fmin(c->target_Bps, c->line_Bps);
    c->rate_Bps = (c->rate_Bps + c->target_Bps) / 2;
    if (c->rate_Bps > 0.999 * c->line_Bps)
        c->rate_Bps = c->line_Bps;
    apply_rate(net, qp, c->rate_Bps);
}

void control_rate_timer(struct switch_net *net, uint32_t qp, uint32_t timer)
{
    struct control *c = &net->controls[qp];
    if (net->qps[qp].state != QP_LIVE || timer != c->timer || !is_throttled(c))
        return;
    c->timer_steps++;
    raise_rate(net, qp);
    arm_rate_timer(net, qp);
}

void control_sent(struct switch_net *net, uint32_t qp, uint32_t payload_B)
{
    struct control *c = &net->controls[qp];
    if (net->hw.congestion_control == CONGESTION_NONE)
        return;
    if (net->hw.congestion_control == CONGESTION_RTT && c->window < 1) {
        double rtt_ps = c->last_rtt_ps ? (double)c->last_rtt_ps : c->base_rtt_ps;
        net->qps[qp].next_ps = now_of(net) + (uint64_t)(rtt_ps / c->window);
    }
    if (net->hw.congestion_control != CONGESTION_DCQCN || !is_throttled(c))
        return;
    c->bytes_B += payload_B;
    if ((double)c->bytes_B < net->hw.dcqcn.byte_counter_B)
        return;
    c->bytes_B = 0;
    c->byte_steps++;
    raise_rate(net, qp);
}

/* --- rtt -------------------------------------------------------------------------- */

static void take_sample(struct switch_net *net, uint32_t qp, uint64_t at_ps, uint64_t rtt_ps)
{
    const struct hw_rtt_control *hw = &net->hw.rtt;
    struct control *c = &net->controls[qp];
    double target_ps = c->base_rtt_ps + hw->target_s * 1e12, rtt = (double)rtt_ps;
    double most = target_ps / (net->mtu_B * net->sets[net->qps[qp].paths].line_ps_per_B);
    c->last_rtt_ps = rtt_ps;
    net->qps[qp].in_flight -= net->qps[qp].in_flight > 0;
    if (rtt <= target_ps) {
        c->window += c->window >= 1 ? hw->increase_packets / c->window : hw->increase_packets;
        c->window = fmin(c->window, fmax(1, most)); /* more than fills the line with the delay aimed at */
    } else if (at_ps - c->last_decrease_ps >= rtt_ps) {
        double keep = 1 - hw->beta_ratio * (rtt - target_ps) / rtt;
        c->window *= fmax(keep, 1 - hw->max_decrease_ratio);
        c->window = fmax(c->window, 1e-3);
        c->last_decrease_ps = at_ps;
    }
}

/* Acknowledgements take effect when the sender looks for them; one that it waits for is
 * an event. */
void control_ack(struct switch_net *net, uint32_t qp, const struct packet *k)
{
    if (net->hw.congestion_control != CONGESTION_RTT)
        return;
    struct control *c = &net->controls[qp];
    uint32_t a = net->free_ack;
    uint64_t at_ps = now_of(net) + net->sets[net->qps[qp].paths].back_ps;
    if (a != NIL) {
        net->free_ack = net->acks[a].next;
    } else {
        XGROW(net->acks, net->n_acks, net->cap_acks);
        a = net->n_acks++;
    }
    net->acks[a] = (struct ack){at_ps, at_ps - k->sent_ps, NIL};
    if (c->acks == NIL)
        c->acks = a;
    else
        net->acks[c->last_ack].next = a;
    c->last_ack = a;
    struct qp *f = &net->qps[qp];
    if (!f->waiting_for_ack || f->acking)
        return;
    f->acking = true;
    at_time(net, at_ps, EVENT_ACK, qp, 0, f->generation);
}

static void drop_ack(struct switch_net *net, struct control *c)
{
    uint32_t a = c->acks;
    c->acks = net->acks[a].next;
    net->acks[a].next = net->free_ack;
    net->free_ack = a;
}

bool control_window_open(struct switch_net *net, uint32_t qp)
{
    struct control *c = &net->controls[qp];
    struct qp *f = &net->qps[qp];
    for (; c->acks != NIL && net->acks[c->acks].at_ps <= now_of(net); drop_ack(net, c))
        take_sample(net, qp, net->acks[c->acks].at_ps, net->acks[c->acks].rtt_ps);
    f->waiting_for_ack = f->in_flight >= fmax(1, floor(c->window));
    if (f->waiting_for_ack && c->acks != NIL && !f->acking) {
        f->acking = true;
        at_time(net, net->acks[c->acks].at_ps, EVENT_ACK, qp, 0, f->generation);
    }
    return !f->waiting_for_ack;
}

void control_lost(struct switch_net *net, uint32_t qp)
{
    struct control *c = &net->controls[qp];
    if (net->hw.congestion_control != CONGESTION_RTT)
        return;
    c->window = fmax(1e-3, c->window * (1 - net->hw.rtt.max_decrease_ratio));
    c->last_decrease_ps = now_of(net);
}

void control_end(struct switch_net *net, uint32_t qp)
{
    struct control *c = &net->controls[qp];
    while (c->acks != NIL)
        drop_ack(net, c);
}

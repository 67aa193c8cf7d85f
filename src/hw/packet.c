/* The keys of cluster.packet. Where a default is a number of somebody's hardware,
 * configs/NAME/packet.yaml gives it with its source; here stand the same numbers for
 * hardware that says nothing. */
#include "hw/packet.h"

#include <math.h>
#include <stdio.h>

#include "base/cfg_rows.h"
#include "hw/cluster.h"

static const char *const queueing_names[] = {"shared_output", "shared_input", "voq_port", "voq_qp", NULL};
static const char *const scheduling_names[] = {"strict_priority", "round_robin", NULL};
static const char *const flow_control_names[] = {"none", "pfc", "credits", NULL};
static const char *const backpressure_names[] = {"class", "qp", NULL};
const char *const hw_congestion_names[] = {"none", "dcqcn", "rtt", NULL};
static const char *const placement_names[] = {"in_order", "hold", "out_of_order", NULL};
static const char *const retransmission_names[] = {"go_back_n", "selective", NULL};

static const struct cfg_field dcqcn_fields[] = {
    ROW_AMOUNT(hw_dcqcn, "g", g_ratio, DIM_RATIO, "0.00390625", 1e-6, 1, "weight of a new congestion notification"),
    ROW_AMOUNT(hw_dcqcn, "cnp_interval", cnp_interval_s, DIM_TIME, "50 us", 0, 1,
               "a receiver notifies a queue pair's sender at most so often"),
    ROW_AMOUNT(hw_dcqcn, "alpha_timer", alpha_timer_s, DIM_TIME, "55 us", 1e-9, 1,
               "without a notification for so long, alpha shrinks by g"),
    ROW_AMOUNT(hw_dcqcn, "rate_timer", rate_timer_s, DIM_TIME, "55 us", 1e-9, 1, "the rate grows once per timer"),
    ROW_AMOUNT(hw_dcqcn, "byte_counter", byte_counter_B, DIM_BYTES, "10 MB", 1, 1e15, "and once per so many bytes"),
    ROW_COUNT(hw_dcqcn, "fast_recovery", fast_recovery, "5", 1, 1000, "steps towards the old rate before it is raised"),
    ROW_AMOUNT(hw_dcqcn, "additive", additive_Bps, DIM_BANDWIDTH, "80 Mb/s", 1, 1e14, "step of additive increase"),
    ROW_AMOUNT(hw_dcqcn, "hyper", hyper_Bps, DIM_BANDWIDTH, "800 Mb/s", 1, 1e14, "step of hyper increase"),
    ROW_AMOUNT(hw_dcqcn, "min_rate", min_Bps, DIM_BANDWIDTH, "1 Gb/s", 1, 1e14, "no rate falls below it"),
    {0}};
static const struct cfg_table dcqcn_table = {"dcqcn", "congestion_control dcqcn", sizeof(struct hw_dcqcn),
                                             dcqcn_fields};

static const struct cfg_field rtt_fields[] = {
    ROW_AMOUNT(hw_rtt_control, "target", target_s, DIM_TIME, "2 us", 1e-9, 1,
               "queueing delay that is aimed at, beyond the round trip over the empty path"),
    ROW_AMOUNT(hw_rtt_control, "increase", increase_packets, DIM_RATIO, "1", 1e-6, 1e3,
               "packets by which the window grows per round trip"),
    ROW_AMOUNT(hw_rtt_control, "beta", beta_ratio, DIM_RATIO, "0.8", 1e-3, 1,
               "share of the excess delay by which the window shrinks"),
    ROW_AMOUNT(hw_rtt_control, "max_decrease", max_decrease_ratio, DIM_RATIO, "0.5", 1e-3, 0.99,
               "the window shrinks by no more per round trip"),
    {0}};
static const struct cfg_table rtt_table = {"rtt", "congestion_control rtt", sizeof(struct hw_rtt_control), rtt_fields};

static const struct cfg_field packet_fields[] = {
    ROW_CHOICE(hw_packet, "queueing", queueing, "shared_output", queueing_names,
               "where packets wait in a switch: shared_output, shared_input, voq_port, "
               "voq_qp"),
    ROW_CHOICE(hw_packet, "scheduling", scheduling, "strict_priority", scheduling_names,
               "between classes; queues of one class take turns packet by packet"),
    ROW_CHOICE(hw_packet, "flow_control", flow_control, "credits", flow_control_names,
               "none: switches drop what they cannot hold; pfc: they pause the link; "
               "credits: nothing is sent "
               "that could not be held"),
    ROW_CHOICE(hw_packet, "backpressure", backpressure, "class", backpressure_names,
               "what a full buffer stops: the whole class of the link, or first the queue "
               "pair that fills it "
               "(needs voq_qp)"),
    ROW_AMOUNT(hw_packet, "buffer", buffer_B, DIM_BYTES, "1.25 MB", 1, 1e12, "of a switch, per port"),
    ROW_AMOUNT(hw_packet, "buffer_alpha", buffer_alpha_ratio, DIM_RATIO, "0", 0, 1024,
               "0: each port has its own buffer; > 0: all ports share, each may hold alpha "
               "times what is free"),
    ROW_AMOUNT(hw_packet, "xoff", xoff_B, DIM_BYTES, "512 KiB", 1, 1e12,
               "pfc: an input that holds more of a class asks for a pause (with "
               "buffer_alpha: alpha decides)"),
    ROW_AMOUNT(hw_packet, "xon", xon_B, DIM_BYTES, "480 KiB", 0, 1e12, "pfc: and lets go on when it holds so much"),
    ROW_AMOUNT(hw_packet, "headroom", headroom_B, DIM_BYTES, "256 KiB", 0, 1e12,
               "pfc: room per input and class for what still comes after the pause was "
               "asked for"),
    ROW_AMOUNT(hw_packet, "qp_xoff", qp_xoff_B, DIM_BYTES, "64 KiB", 1, 1e12,
               "backpressure qp: a queue pair that holds more at an input is paused; it "
               "resumes at half"),
    ROW_AMOUNT(hw_packet, "credits", credits_B, DIM_BYTES, "128 KiB", 1, 1e12,
               "credits: buffer at the far end of a link, per class (virtual lane)"),
    ROW_AMOUNT(hw_packet, "control_delay", control_s, DIM_TIME, "0.2 us", 0, 1,
               "until a pause or a credit has acted at the other end, beside the cable"),
    ROW_AMOUNT(hw_packet, "ecn_min", ecn_min_B, DIM_BYTES, "1600 KB", 0, 1e12,
               "dcqcn: a longer queue marks some packets"),
    ROW_AMOUNT(hw_packet, "ecn_max", ecn_max_B, DIM_BYTES, "6400 KB", 0, 1e12,
               "dcqcn: a longer queue marks all packets"),
    ROW_AMOUNT(hw_packet, "ecn_probability", ecn_probability_ratio, DIM_RATIO, "0.2", 0, 1,
               "dcqcn: share of packets marked just below ecn_max"),
    ROW_CHOICE(hw_packet, "congestion_control", congestion_control, "none", hw_congestion_names,
               "what NICs do about queues: none, dcqcn (marks), rtt (delay, as Swift and "
               "TIMELY)"),
    ROW_PART(hw_packet, "dcqcn", dcqcn, dcqcn_table, "congestion_control dcqcn"),
    ROW_PART(hw_packet, "rtt", rtt, rtt_table, "congestion_control rtt"),
    ROW_CHOICE(hw_packet, "placement", placement, "in_order", placement_names,
               "packets that come before their turn: in_order discards them, hold keeps "
               "them in a reorder buffer, "
               "out_of_order places them"),
    ROW_AMOUNT(hw_packet, "reorder_buffer", reorder_buffer_B, DIM_BYTES, "1 MiB", 0, 1e12,
               "placement hold: per queue pair; what finds it full is discarded"),
    ROW_COUNT(hw_packet, "reorder_window", reorder_window, "256", 0, 1 << 24,
              "over several paths a gap counts as loss when so many later packets have come"),
    ROW_CHOICE(hw_packet, "retransmission", retransmission, "go_back_n", retransmission_names,
               "after a loss: everything from the gap on, or what is missing"),
    ROW_AMOUNT(hw_packet, "timeout", timeout_s, DIM_TIME, "320 us", 1e-9, 100,
               "without progress for so long a NIC sends again"),
    ROW_AMOUNT(hw_packet, "loss", loss_ratio, DIM_RATIO, "0", 0, 0.5, "share of packets that each link corrupts"),
    ROW_AMOUNT(hw_packet, "bit_errors", bit_error_ratio, DIM_RATIO, "0", 0, 1e-5,
               "bit error rate of each link after error correction; adds to loss"),
    ROW_FLAG(hw_packet, "llr", llr, "false", "link-layer retry: the link itself sends again what it has corrupted"),
    ROW_AMOUNT(hw_packet, "llr_delay", llr_s, DIM_TIME, "0.2 us", 0, 1,
               "from a bad packet to its replay, beside the round trip on the cable"),
    {0}};
const struct cfg_table hw_packet_table = {"packet", "queues, flow control, congestion, loss (sim.network packet)",
                                          sizeof(struct hw_packet), packet_fields};

static double wire_packet_B(const struct cluster_hw *hw)
{
    return hw->nic.mtu_B + hw->nic.header_B;
}

double hw_packet_headroom_B(const struct cluster_hw *hw, double wire_s)
{
    /* the pause travels and acts, what is on the way arrives; one packet had just begun
     * at either end */
    double delay_s = 2 * wire_s + hw->packet.control_s + hw->network.switch_latency_s;
    return hw->network.port_Bps * delay_s + 2 * wire_packet_B(hw);
}

static void check_pfc(const struct cluster_hw *hw, hw_packet_report_fn *report, void *ctx)
{
    const struct hw_packet *p = &hw->packet;
    char text[256];
    if (p->xon_B > p->xoff_B)
        report(ctx, "packet.xon",
               "a paused input resumes (xon) above where it was paused (xoff); set xon "
               "below xoff");
    if (p->buffer_alpha_ratio > 0 || p->xoff_B + p->headroom_B <= p->buffer_B)
        return;
    snprintf(text, sizeof text,
             "xoff and headroom (%.0f B) are more than the port's buffer (%.0f B); "
             "lower xoff, or "
             "share buffers with buffer_alpha",
             p->xoff_B + p->headroom_B, p->buffer_B);
    report(ctx, "packet.xoff", text);
}

static void check_room(const struct cluster_hw *hw, hw_packet_report_fn *report, void *ctx)
{
    const struct hw_packet *p = &hw->packet;
    char text[256];
    const char *key = p->flow_control == FLOW_CONTROL_CREDITS ? "packet.credits" : "packet.buffer";
    double room_B = p->flow_control == FLOW_CONTROL_CREDITS ? p->credits_B : p->buffer_B;
    if (room_B >= wire_packet_B(hw))
        return;
    snprintf(text, sizeof text,
             "no room for a whole packet: %.0f B, and a packet has up to %.0f B "
             "(cluster.nic.mtu and header)",
             room_B, wire_packet_B(hw));
    report(ctx, key, text);
}

void hw_packet_check(const struct cluster_hw *hw, hw_packet_report_fn *report, void *ctx)
{
    const struct hw_packet *p = &hw->packet;
    check_room(hw, report, ctx);
    if (p->flow_control == FLOW_CONTROL_PFC)
        check_pfc(hw, report, ctx);
    if (p->backpressure == BACKPRESSURE_QP && p->queueing != QUEUE_VOQ_QP)
        report(ctx, "packet.backpressure",
               "only queues per queue pair can be paused one by one; set queueing to "
               "voq_qp");
    if (p->congestion_control == CONGESTION_DCQCN && p->ecn_min_B > p->ecn_max_B)
        report(ctx, "packet.ecn_min", "ecn_min is more than ecn_max");
    if (p->retransmission == RETRANSMIT_SELECTIVE && p->placement == PLACEMENT_IN_ORDER)
        report(ctx, "packet.retransmission",
               "a receiver that discards what comes early cannot ask for single "
               "packets; set placement to hold or "
               "out_of_order");
}

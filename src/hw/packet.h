/* What a network does below the fluid level: queues of switches, flow control of links,
 * and what NICs do about congestion, order and loss (paper 5.2.2, 6.1, 6.3). Only
 * `sim.network: packet` reads it. Link rates, latencies, MTU and headers are those of
 * the NIC and the network (hw/cluster.h). */
#ifndef MOESIM_HW_PACKET_H
#define MOESIM_HW_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cfg.h"

enum queueing {
    QUEUE_SHARED_OUTPUT, /* one first-in first-out queue per output and class */
    QUEUE_SHARED_INPUT,  /* one per input and class: its head blocks all behind it */
    QUEUE_VOQ_PORT,      /* one per input, output and class */
    QUEUE_VOQ_QP         /* one per output and queue pair (paper 5.2.2 (3)) */
};
enum scheduling { SCHEDULE_STRICT, SCHEDULE_ROUND_ROBIN }; /* of classes; inside one queues take turns */
enum flow_control { FLOW_CONTROL_NONE, FLOW_CONTROL_PFC, FLOW_CONTROL_CREDITS };
enum backpressure { BACKPRESSURE_CLASS, BACKPRESSURE_QP }; /* what a pause stops */
enum congestion_control { CONGESTION_NONE, CONGESTION_DCQCN, CONGESTION_RTT };
enum packet_placement {
    PLACEMENT_IN_ORDER,    /* a packet that comes before its turn is discarded */
    PLACEMENT_HOLD,        /* it waits in a reorder buffer */
    PLACEMENT_OUT_OF_ORDER /* it is written where it belongs at once */
};
enum retransmission { RETRANSMIT_GO_BACK_N, RETRANSMIT_SELECTIVE };

struct hw_dcqcn { /* Zhu et al., SIGCOMM'15; names as there */
    double g_ratio;
    double cnp_interval_s, alpha_timer_s, rate_timer_s;
    double byte_counter_B;
    int64_t fast_recovery; /* F */
    double additive_Bps, hyper_Bps, min_Bps;
};

struct hw_rtt_control {      /* Kumar et al., SIGCOMM'20 (Swift), without scaling by flows */
    double target_s;         /* queueing delay that is aimed at, beyond the RTT of the empty
                           path */
    double increase_packets; /* per RTT */
    double beta_ratio, max_decrease_ratio;
};

struct hw_packet {
    int queueing, scheduling, flow_control, backpressure;
    double buffer_B;                  /* of a switch, per port */
    double buffer_alpha_ratio;        /* 0: each port has its own; > 0: all share, limit =
                                  alpha * what is free */
    double xoff_B, xon_B, headroom_B; /* pfc, per input and class */
    double qp_xoff_B;                 /* backpressure qp: of one queue pair; it resumes at half */
    double credits_B;                 /* per link and class (virtual lane) */
    double control_s;                 /* until a pause or credit has acted, beside the cable */
    double ecn_min_B, ecn_max_B, ecn_probability_ratio;
    int congestion_control;
    struct hw_dcqcn dcqcn;
    struct hw_rtt_control rtt;
    int placement;
    double reorder_buffer_B; /* placement hold, per queue pair */
    int64_t reorder_window;  /* several paths: a gap is a loss only when so many later
                                packets have come */
    int retransmission;
    double timeout_s;
    double loss_ratio, bit_error_ratio; /* per link */
    bool llr;                           /* link-layer retry */
    double llr_s;                       /* beside the round trip on the cable */
};

extern const struct cfg_table hw_packet_table;
extern const char *const hw_congestion_names[]; /* none, dcqcn, rtt */

struct cluster_hw;

/* Calls report for each pair of keys that contradict each other; key is relative to the
 * cluster: "packet.xon". */
typedef void hw_packet_report_fn(void *ctx, const char *key, const char *message);
void hw_packet_check(const struct cluster_hw *hw, hw_packet_report_fn *report, void *ctx);

/* Bytes that still arrive at a switch after it has asked for a pause, at most, over a
 * link with so long a cable. */
double hw_packet_headroom_B(const struct cluster_hw *hw, double wire_s);

#endif

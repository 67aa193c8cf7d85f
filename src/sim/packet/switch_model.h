/* Switches and NICs packet by packet: what a fluid model cannot show. Knows neither
 * SimGrid nor topologies: links and nodes are numbers.
 *
 * A link leaves a queue and ends at a node. A packet begins to cross it when the link
 * is free and flow control permits; it may leave the far node when its head has arrived
 * (cut-through), or later where the next link is faster and would run dry. Queue pairs
 * (QPs) are messages: packets of the MTU, made when the first link of their path takes
 * them. See doc/MODEL.md for queues, flow control, congestion control, order and loss.
 *
 * Left out: acknowledgements, pauses, credits and congestion notifications take time
 * but no bandwidth and wait in no queue; receivers are never slow; a crossbar of
 * switches that queue at outputs never limits. Nodes that are hosts relay packets out
 * of memory without limit.
 *
 * Use: start messages; call switch_net_run up to the time at which something else may
 * happen; it stops early where a message ends. Collect ends with switch_net_ended.
 * Times are whole picoseconds inside. */
#ifndef MOESIM_SIM_PACKET_SWITCH_MODEL_H
#define MOESIM_SIM_PACKET_SWITCH_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "hw/packet.h"

enum { SWITCH_CLASSES = 8, SWITCH_MAX_CHANNELS = 8, SWITCH_MAX_PATHS = 64 };

struct switch_link {
    double capacity_Bps; /* of payload, in full packets */
    double pipe_s;       /* through the node, before the queue of this link */
    double wire_s;       /* from the queue to the far node */
    uint32_t head;       /* the far node */
    bool from_host, to_host;
    bool framed; /* packets have headers on it; otherwise payload counts alone */
};

struct switch_config {
    uint32_t n_links, n_nodes;
    const struct switch_link *links; /* copied */
    const double *node_buffer_B;     /* [n_nodes] shared by the ports of a switch; copied */
    struct hw_packet hw;
    double mtu_B, header_B;
    uint64_t seed; /* of marks, losses and the first path of sprayed messages */
    /* Virtual channels: each class has n_channels (0: 1) on each link, with buffers and flow control of their own. A
     * path begins in the first and, where its next link between switches has no higher number in `order`, goes on in
     * the next channel; in the last it stays. NULL: no link has a higher number than another. */
    const uint32_t *order; /* [n_links]; copied */
    uint32_t n_channels;
};

enum switch_choice {
    SWITCH_IN_TURN, /* packets take the paths in turn */
    SWITCH_SHORTEST /* the first switch takes the path with the shortest queue */
};

struct switch_message {
    uint32_t paths; /* from switch_net_paths */
    enum switch_choice choice;
    double bytes_B;
    double begin_s, end_s; /* before its first packet, behind its last one */
    double cap_Bps;        /* 0 = none */
    uint8_t priority;
    uint32_t cookie;
};

struct switch_end { /* of a message */
    uint32_t cookie;
    double time_s;
    uint64_t retransmitted_B;    /* payload sent again */
    uint32_t packets, reordered; /* packets of it; those that came after a later one */
    uint32_t reorder_extent;     /* largest distance, in packets */
};

struct switch_totals {
    uint64_t events, packet_hops;
    uint64_t sent, delivered; /* packets out of NICs, and into the receiving ones */
    uint64_t accepted;        /* of the delivered ones: first copies that were placed */
    uint64_t discarded;       /* of the delivered ones: before their turn */
    uint64_t duplicates;      /* of the delivered ones: once more */
    uint64_t dropped;         /* lost: no buffer */
    uint64_t corrupted;       /* lost: bad on a link */
    uint64_t cut;             /* lost: on a link that went down */
    uint64_t in_network;      /* still under way */
    uint64_t retransmitted, retransmitted_B, timeouts, naks;
    uint64_t marked, notified; /* packets; notifications */
    uint64_t pauses, qp_pauses, replays;
    uint64_t reordered;
    uint32_t reorder_extent;
    double pause_s;      /* sum over links and lanes */
    double max_queue_B;  /* of any output's packets */
    double mean_queue_B; /* the largest of any output's, up to the last end */
    double max_held_B;   /* by any input of a switch, one lane */
};

struct switch_link_totals {
    uint64_t sent_B; /* with headers */
    double max_queue_B, mean_queue_B, pause_s;
};

struct switch_net;

struct switch_net *switch_net_new(const struct switch_config *config);
void switch_net_free(struct switch_net *net);

/* Paths of one message: lengths[n_paths], their links one after the other. The same
 * paths give the same number. */
uint32_t switch_net_paths(struct switch_net *net, uint32_t n_paths, const uint32_t *lengths, const uint32_t *links);
/* Whether the channels suffice for a path: it never has to stay in the last where it should go on in the next. */
bool switch_net_has_channels(const struct switch_net *net, uint32_t n_links, const uint32_t *links);
/* Links whose packets may all wait for room on the next one, and the last for the first: paths so far can deadlock
 * under flow control. Returns how many; 0: none. Valid until the next switch_net_paths. */
uint32_t switch_net_circle(const struct switch_net *net, const uint32_t **links);
/* Returns its QP, valid until its end has been collected. */
uint32_t switch_net_start(struct switch_net *net, double now_s, const struct switch_message *m);
/* Gives a message up; returns the payload that had not arrived. */
double switch_net_abort(struct switch_net *net, uint32_t qp);
/* Whether every path of a message crosses a link that is gone for good. */
bool switch_net_stranded(const struct switch_net *net, uint32_t qp);

/* 0: the link is down until it gets a capacity again; what is on it is lost, unless it
 * retries. */
void switch_net_set_capacity(struct switch_net *net, uint32_t link, double capacity_Bps, double now_s);
/* For good: what waits for it or crosses it is lost. */
void switch_net_fail_link(struct switch_net *net, uint32_t link, double now_s);

/* Runs events before horizon_s until messages end; returns when they did, or when the
 * next event is; INFINITY when there is none. */
double switch_net_run(struct switch_net *net, double now_s, double horizon_s);
/* Hands out the ends up to now_s, one a call; false when there is none. */
bool switch_net_ended(struct switch_net *net, double now_s, struct switch_end *out);

struct switch_totals switch_net_totals(struct switch_net *net);
struct switch_link_totals switch_net_link_totals(const struct switch_net *net, uint32_t link);
/* Round trip over the first path when it is empty, with a full packet on the way there.
 */
double switch_net_base_rtt_s(const struct switch_net *net, uint32_t paths);

#endif

/* Data of the packet model, for its own files only:
 *   switch_model.c    events, links, the outside
 *   switch_queue.c    queues of switches, whose turn it is, which path a packet takes
 *   switch_gate.c     flow control: PFC, credits, pauses of single QPs, buffers
 *   switch_nic.c      QPs: packets made and received, order, retransmission
 *   switch_control.c  congestion control
 *   switch_paths.c    sets of paths
 *   switch_lanes.c    virtual channels of paths, and whether they can wait for each other in a circle
 * Arrays by kind of thing, 32-bit indices; fields that one event touches together lie
 * together. */
#ifndef MOESIM_SIM_PACKET_SWITCH_IMPL_H
#define MOESIM_SIM_PACKET_SWITCH_IMPL_H

#include <math.h>

#include "sim/packet/calendar.h"
#include "sim/packet/switch_model.h"

#define NIL UINT32_MAX
enum { CACHE_LINE = 64 };

enum event_kind {
    EVENT_ARRIVE,   /* link: the first packet on its wire reaches the far node's queues */
    EVENT_SEND,     /* link: its transmitter may have something to do */
    EVENT_PAUSE,    /* link, lane, on: a pause acts */
    EVENT_QP_PAUSE, /* queue, on: the same for one QP */
    EVENT_START,    /* qp: its first packet is ready in the NIC */
    EVENT_END,      /* qp: its last packet is in memory */
    EVENT_PACE,     /* qp: its rate permits the next packet */
    EVENT_ACK,      /* qp: an acknowledgement opens its window */
    EVENT_NAK,      /* qp, psn: the sender learns of a gap */
    EVENT_NOTIFY,   /* qp: a congestion notification reaches the sender */
    EVENT_RATE,     /* qp: the timer of rate increase */
    EVENT_TIMEOUT   /* qp: nothing may have happened for too long */
};

enum packet_flags {
    PACKET_MARKED = 1, /* ECN */
    PACKET_AGAIN = 2,  /* a retransmission */
    PACKET_LOST = 4,   /* the far end of the wire will discard it */
    PACKET_OPEN = 8    /* the first switch chooses its path */
};

enum { PACKET_LINKS = 6 };

struct packet {    /* a cache line */
    uint32_t next; /* in its queue, on its wire, or free */
    uint32_t qp, psn;
    uint32_t route; /* its path: net->hops[route + hop], up to NIL */
    uint32_t payload_B;
    uint8_t hop, flags, class;
    uint8_t n_links;              /* how many of them stand below */
    uint64_t at_ps;               /* when it is through its wire */
    uint64_t sent_ps;             /* when it left the NIC */
    uint32_t links[PACKET_LINKS]; /* the first ones of its path again */
};

struct queue {
    uint32_t head, tail; /* packets */
    uint32_t next, prev; /* in the ring of its link and lane */
    uint32_t link;       /* which it waits for */
    uint32_t qp;         /* packets are made of this QP when their turn comes; NIL: those in the
                    list */
    uint64_t beyond_B;   /* backpressure qp: what the QP has in the switch that the link
                          enters */
    uint8_t lane;        /* of that link */
    bool in_ring;
    bool busy;            /* shared_input: its head is crossing the switch */
    bool paused, pausing; /* stopped; the far node has asked for it */
};

struct returned { /* credits on their way back */
    uint64_t at_ps;
    uint64_t bytes_B;
};

struct gate {                             /* flow control of one lane of one link: a cache line */
    _Alignas(CACHE_LINE) uint64_t held_B; /* by the node that the link enters */
    uint64_t owed_B;                      /* sent, and the credit has not come back */
    uint64_t beyond_B;                    /* of held_B: in the input's own headroom, not in the shared pool */
    uint64_t paused_ps, pause_sum_ps;     /* since when, for how long so far */
    struct returned *returns;             /* ring of cap (a power of two) */
    uint32_t first, n, cap;
    bool pausing; /* the far node has asked for a pause */
    bool starved; /* the sender waits, and no credit is on its way back */
};

struct port {         /* the sending end of a link: two cache lines */
    uint64_t free_ps; /* its transmitter */
    uint64_t due_ps;  /* its earliest EVENT_SEND */
    uint64_t last_ps; /* packets leave the wire in order */
    double ps_per_B;
    uint32_t wire_head, wire_tail; /* packets on it */
    uint32_t head;                 /* node */
    uint32_t header_B;
    uint32_t serving;       /* shared_input: whose packet is crossing */
    uint64_t ready, paused; /* bits of lanes */
    uint8_t last_lane;
    bool from_host, to_host, framed, down, gone, arriving;

    uint64_t waiting_B;
    uint64_t pipe_ps, wire_ps;
    double hazard; /* until the next error */
};

struct port_record { /* for the report */
    uint64_t sent_B, max_B, since_ps;
    double area; /* B * ps */
    uint64_t n_errors;
};

struct path_set {
    uint32_t first_route, n_routes; /* net->routes[] */
    uint32_t first_group, n_groups; /* net->groups[]: routes that begin alike */
    /* queues that a QP over it needs: a source per group, then (voq_qp) one per link */
    uint32_t block_size, free_block;
    /* first path of an empty network: a full packet, its acknowledgement */
    uint64_t forward_ps, back_ps;
    double line_ps_per_B; /* payload of full packets on the first link */
};

struct route {
    uint32_t hops;   /* net->hops[] from here on */
    uint32_t second; /* its second link, where routes of a group part */
};

struct group {
    uint32_t first_route, n_routes, link;
};

enum qp_state { QP_FREE, QP_WAITING, QP_LIVE, QP_DONE, QP_CLOSED };

/* A message: its sender, then mostly its receiver, a cache line each. A packet touches
 * one that nobody has touched for long when many messages are open. */
struct qp {
    uint8_t state, class, choice;
    uint8_t n_groups;                     /* of the set */
    bool pacing, waiting_for_ack, acking; /* EVENT_PACE, EVENT_ACK are due */
    bool timed;                           /* EVENT_TIMEOUT is */
    uint32_t paths, block;                /* set; its first queue */
    uint32_t route;                       /* when there is one only; else NIL */
    uint32_t first_group;                 /* of the set */
    uint32_t n_packets, last_B;
    uint32_t next_psn, top_psn; /* to send next; never sent yet */
    uint32_t resend;            /* list of psns that were lost */
    uint32_t in_flight;         /* not acknowledged */
    uint32_t in_network;        /* packets */
    uint32_t turn;
    uint64_t next_ps; /* pacing */

    double gap_ps_per_B; /* 0: line rate */
    uint32_t expected, received, top_received;
    uint32_t asked;  /* gaps below have been reported */
    uint32_t bitmap; /* of more than 64 packets: net->bits, words; NIL: none */
    uint32_t generation;
    uint64_t few;         /* the bitmap of up to 64 packets */
    uint64_t progress_ps; /* last time something was placed or the sender began anew */
    uint64_t end_ps;      /* behind the last packet */
    uint32_t cookie;      /* in the pool: the next one */
    bool nak_sent;        /* by the receiver */
    bool tracked;         /* it has a bitmap */
};

struct tally { /* of a QP, for the report */
    uint64_t again_B;
    uint32_t reordered, reorder_extent;
};

struct control {                                           /* congestion control of a QP */
    double line_Bps, cap_Bps, rate_Bps, target_Bps, alpha; /* dcqcn */
    uint64_t alpha_ps, bytes_B, notified_ps;
    uint32_t timer_steps, byte_steps, timer;
    double window, base_rtt_ps; /* rtt: packets */
    uint64_t last_decrease_ps, last_rtt_ps;
    uint32_t acks, last_ack; /* list of net->acks */
};

struct ack {
    uint64_t at_ps, rtt_ps;
    uint32_t next;
};

struct psn_node {
    uint32_t psn, next;
};

struct ended {
    uint32_t qp;
    uint64_t at_ps;
};

struct switch_net {
    struct hw_packet hw;
    uint32_t n_links, mtu_B, header_B;
    uint64_t seed;
    struct calendar calendar;
    struct port *ports;          /* [n_links] */
    struct port_record *records; /* [n_links] */
    uint32_t n_channels;         /* of each class */
    uint32_t n_lanes;            /* of a link: lane = class * n_channels + channel */
    uint32_t *order;             /* [n_links] see switch_config; NULL: one channel */
    struct gate *gates;          /* [n_links * n_lanes] */
    uint32_t *rings;             /* [n_links * n_lanes] the queue whose turn is next */
    double *pool_B;              /* [n_nodes] shared by all ports */
    uint64_t *used_B;            /* [n_nodes] */
    uint64_t control_ps, timeout_ps, llr_ps;
    double loss_hazard, bit_hazard;
    uint32_t n_down;

    struct queue *queues; /* outputs, inputs (n_links * n_lanes each), then turns
                             and blocks */
    uint32_t n_queues, cap_queues;
    uint32_t *hops, *turns, *locals; /* by route + hop: link; queues of voq_port; place in a QP's block */
    uint8_t *channels;               /* by route + hop */
    uint32_t n_hops, cap_hops;
    struct route *routes;
    uint32_t n_routes, cap_routes;
    struct group *groups;
    uint32_t n_groups, cap_groups;
    struct path_set *sets;
    uint32_t n_sets, cap_sets;
    void *set_index, *turn_index; /* hash tables of switch_paths.c */
    uint32_t *place;              /* [n_links * n_channels] its scratch */
    struct waits *waits;          /* of switch_lanes.c; NULL: nothing waits (no flow control) */

    struct packet *packets;
    uint32_t n_packets, cap_packets, free_packet;
    struct qp *qps;
    struct control *controls;
    struct tally *tallies;
    uint32_t n_qps, cap_qps, free_qp;
    struct ack *acks;
    uint32_t n_acks, cap_acks, free_ack;
    struct psn_node *psns;
    uint32_t n_psns, cap_psns, free_psn;
    uint64_t *bits;
    uint32_t n_bits, cap_bits;
    uint32_t free_bits[33]; /* by the logarithm of their length */

    struct ended *ended;
    uint32_t n_ended, cap_ended, next_ended;
    uint64_t last_end_ps, progress_ps; /* progress_ps: when something was placed */
    bool stalled;                      /* nothing has been for very many timeouts */
    uint64_t n_draws;
    struct switch_totals totals;
};

static inline uint64_t ps_of(double s)
{
    return (uint64_t)llround(s * 1e12);
}

static inline uint64_t now_of(const struct switch_net *net)
{
    return net->calendar.now_ps;
}

/* The link that a packet crosses as its number hop; NIL behind the last one. */
static inline uint32_t link_at(const struct switch_net *net, const struct packet *k, uint32_t hop)
{
    return hop < k->n_links ? k->links[hop] : net->hops[k->route + hop];
}

static inline void fetch(const void *line)
{
    __builtin_prefetch(line);
}

static inline void fetch_qp(const struct switch_net *net, uint32_t qp)
{
    fetch(&net->qps[qp].state);
    fetch(&net->qps[qp].gap_ps_per_B);
}

static inline uint32_t size_on(const struct port *p, const struct packet *k)
{
    return k->payload_B + p->header_B;
}

static inline uint64_t crossing_ps(const struct port *p, uint32_t size_B)
{
    return (uint64_t)(size_B * p->ps_per_B + 0.5);
}

/* The lane in which it crosses that link. */
static inline uint32_t lane_at(const struct switch_net *net, const struct packet *k, uint32_t hop)
{
    return net->n_channels == 1 ? k->class : k->class * net->n_channels + net->channels[k->route + hop];
}

static inline struct gate *gate_of(const struct switch_net *net, uint32_t link, uint32_t lane)
{
    return &net->gates[link * net->n_lanes + lane];
}

static inline uint32_t *ring_of(const struct switch_net *net, uint32_t link, uint32_t lane)
{
    return &net->rings[link * net->n_lanes + lane];
}

static inline void at_time(struct switch_net *net, uint64_t at_ps, enum event_kind kind, uint32_t a, uint32_t b,
                           uint32_t c)
{
    calendar_add(&net->calendar, at_ps, kind, a, b, c);
}

/* switch_model.c */
void link_wake(struct switch_net *net, uint32_t link, uint64_t at_ps);
void link_try(struct switch_net *net, uint32_t link);
void packet_free(struct switch_net *net, uint32_t packet);

/* switch_queue.c */
uint32_t queue_of(const struct switch_net *net, const struct packet *k, uint32_t in, uint32_t out);
void queue_append(struct switch_net *net, uint32_t queue, uint32_t packet);
uint32_t queue_pop(struct switch_net *net, uint32_t queue);
void queue_attach(struct switch_net *net, uint32_t queue); /* to the ring of the link it waits for */
void queue_detach(struct switch_net *net, uint32_t queue);
void queue_passed(struct switch_net *net, uint32_t queue); /* its turn is over */
bool queue_is_input(const struct switch_net *net, uint32_t queue);
void queue_depth(struct switch_net *net, uint32_t link, int64_t change_B);
void queues_drop(struct switch_net *net, uint32_t link);
void route_choose(struct switch_net *net, struct packet *k);

/* switch_gate.c */
bool gate_admits(struct switch_net *net, const struct packet *k, uint32_t in, uint32_t out);
void gate_enter(struct switch_net *net, const struct packet *k, uint32_t in);
void gate_leave(struct switch_net *net, const struct packet *k, uint64_t gone_ps);
bool gate_open(struct switch_net *net, uint32_t link, uint32_t lane, uint32_t size_B);
void gate_spend(struct switch_net *net, uint32_t link, uint32_t lane, uint32_t size_B);
void gate_return(struct switch_net *net, uint32_t link, uint32_t lane, uint32_t size_B, uint64_t gone_ps);
void gate_pause(struct switch_net *net, uint32_t link, uint32_t lane, bool on);
void gate_pause_qp(struct switch_net *net, uint32_t queue, bool on);

/* switch_nic.c */
uint32_t nic_packet_B(const struct switch_net *net, uint32_t qp); /* payload of the next packet */
uint32_t nic_make_packet(struct switch_net *net, uint32_t queue);
void nic_look_ahead(const struct switch_net *net, uint32_t queue);
void nic_refresh(struct switch_net *net, uint32_t qp); /* what may be sent has changed */
void nic_start(struct switch_net *net, uint32_t qp);
void nic_receive(struct switch_net *net, uint32_t packet);
void nic_nak(struct switch_net *net, uint32_t qp, uint32_t psn);
void nic_timeout(struct switch_net *net, uint32_t qp);
void nic_forget(struct switch_net *net, uint32_t packet); /* it will not arrive */
void qp_release(struct switch_net *net, uint32_t qp);     /* when nothing of it is left anywhere */

/* switch_control.c */
void control_begin(struct switch_net *net, uint32_t qp, double cap_Bps);
void control_sent(struct switch_net *net, uint32_t qp, uint32_t payload_B);
bool control_window_open(struct switch_net *net, uint32_t qp);
void control_ack(struct switch_net *net, uint32_t qp, const struct packet *k);
void control_marked(struct switch_net *net, uint32_t qp); /* at the receiver */
void control_notified(struct switch_net *net, uint32_t qp);
void control_rate_timer(struct switch_net *net, uint32_t qp, uint32_t timer);
void control_lost(struct switch_net *net, uint32_t qp); /* a timeout */
void control_end(struct switch_net *net, uint32_t qp);

/* switch_paths.c */
void paths_free(struct switch_net *net);
uint32_t block_alloc(struct switch_net *net, uint32_t paths);
void block_free(struct switch_net *net, uint32_t paths, uint32_t block);

/* switch_lanes.c */
void lanes_init(struct switch_net *net, const uint32_t *order, uint32_t n_channels); /* before links have queues */
void lanes_free(struct switch_net *net);
void lanes_of_route(struct switch_net *net,
                    uint32_t route); /* its channels; when nothing is lost, who waits for whom */

#endif

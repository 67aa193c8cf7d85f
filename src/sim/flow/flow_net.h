/* Flow network: fluid flows that share links max-min fairly, with weights, rate caps and strict
 * priorities. Knows neither SimGrid nor topologies: links are numbers with a capacity.
 *
 * A flow's rate is the largest that no other flow of its priority has to pay for with less (weighted
 * max-min; Bertsekas & Gallager, Data Networks, 6.5.2): some link of its path is full and no flow of
 * that link has a larger rate per weight, or the flow runs at its cap. A lower priority sees only what
 * the higher ones left. Not modelled: packets, queues, congestion control transients.
 *
 * Use: start flows; ask flow_net_next for the time of the next event; call flow_net_advance when
 * the clock is there. Ends are reported from flow_net_advance only; starting flows from there is
 * allowed. */
#ifndef MOESIM_SIM_FLOW_FLOW_NET_H
#define MOESIM_SIM_FLOW_FLOW_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flow_net;

enum flow_end { FLOW_DONE, FLOW_FAILED };

/* left_B: what a failed flow had still to carry; 0 when it is done. */
typedef void flow_end_fn(void *ctx, uint32_t cookie, double time_s, enum flow_end how, double left_B);
/* A link's load changed; only called for links that were asked for. */
typedef void flow_load_fn(void *ctx, uint32_t link, double time_s, double load_Bps);

struct flow_net_config {
    uint32_t n_links;
    const double *capacity_Bps; /* [n_links], copied */
    double epsilon;             /* rates are found for windows of this share of the time passed; 0 = at every end */
    bool checked;               /* verify capacity, fairness and conservation at every event */
    bool anew; /* tests: all rates of a part are found anew at every event, never only what has changed */
    flow_end_fn *on_end;
    flow_load_fn *on_load; /* may be NULL */
    void *ctx;
};

struct flow_spec {
    const uint32_t *links; /* copied; each link at most once */
    uint32_t n_links;
    const uint32_t *spreads; /* of flow_net_spread, used beside the links */
    uint32_t n_spreads;
    double bytes_B;
    double latency_s; /* before the first byte moves */
    double weight;    /* > 0 */
    double cap_Bps;   /* 0 = none */
    uint8_t priority; /* 0 first */
    uint32_t cookie;  /* handed back to on_end */
};

struct flow_net_stats {
    uint64_t flows, events, solves, visits, rebuilds, windows; /* solves: from nothing */
    uint32_t max_concurrent;
};

struct flow_net *flow_net_new(const struct flow_net_config *config);
void flow_net_free(struct flow_net *net);

struct flow_share { /* of a message, on a link */
    uint32_t link;
    uint8_t hop; /* of its paths: links at one hop are more alike than others */
    double share;
};

/* A way to spread messages over links that they use by shares (packets sprayed over all paths). A flow's rate r loads
 * each with share * r. Each link at most once. Returns a number for flow_spec.spread, valid until the end. */
uint32_t flow_net_spread(struct flow_net *net, const struct flow_share *shares, uint32_t n);

/* Returns the flow's number, valid until it ends. */
uint32_t flow_net_start(struct flow_net *net, double now_s, const struct flow_spec *spec);
/* Takes a running flow out without a report; returns the bytes that it still lacked. */
double flow_net_stop(struct flow_net *net, uint32_t flow, double now_s);
/* Whether its latency is over; a flow that has not begun cannot be stopped. */
bool flow_net_running(const struct flow_net *net, uint32_t flow);
void flow_net_watch(struct flow_net *net, uint32_t link);
void flow_net_set_capacity(struct flow_net *net, uint32_t link, double capacity_Bps, double now_s);
/* Capacity 0 from now on; flows that cross the link, now or later, end as FLOW_FAILED. */
void flow_net_fail_link(struct flow_net *net, uint32_t link, double now_s);

/* Absolute time of the next start or end; INFINITY when nothing will happen. */
double flow_net_next(struct flow_net *net, double now_s);
void flow_net_advance(struct flow_net *net, double now_s);

/* Inside on_end: the link that limited the flow when it ended; UINT32_MAX: none, its own cap or nothing to carry. */
uint32_t flow_net_limit(const struct flow_net *net);
double flow_net_load_Bps(const struct flow_net *net, uint32_t link);
struct flow_net_stats flow_net_stats(const struct flow_net *net);

#endif

/* Inside of the flow network: flow_net.c (life of flows), flow_class.c (who shares a rate),
 * flow_clock.c (who advances together), flow_ripple.c and flow_solve.c (max-min rates), flow_dormant.c
 * (links that cannot bind), flow_check.c (checked runs).
 *
 * Flows with the same links, weight, cap and priority have the same rate at all times: they form one
 * class. Classes that are limited by the same link (and priority) have the same rate per weight, the
 * link's level, and share its service clock: what one unit of weight has received since the clock
 * began. A change of level is then one update, however many flows it concerns. A class counts its own
 * service as clock + offset; a flow that joins at service s with b bytes ends at s + b / weight. */
#ifndef MOESIM_SIM_FLOW_FLOW_NET_IMPL_H
#define MOESIM_SIM_FLOW_FLOW_NET_IMPL_H

#include <stdbool.h>

#include "sim/event_queue.h"
#include "sim/flow/flow_heap.h"
#include "sim/flow/flow_net.h"
#include "sim/xalloc.h"

#define BOTTLENECK_CAP (UINT32_MAX - 1) /* solver: the class runs at its own rate cap */
#define CLOCK_NONE UINT32_MAX           /* clock of a class that is not solved yet */

#define FLOW_HOMELESS (UINT32_MAX - 1) /* class of a flow between two builds of the classes */

enum { FLOW_MAX_PRIORITY = 4, FLOW_FEW_LINKS = 4 };

struct flow_service { /* what flows of a kind ask for; interned */
    double weight, cap_Bps;
    uint8_t priority;
};

struct flow_clock {
    double level_Bps;              /* bytes per second and unit of weight */
    double read_B, since_s;        /* reading at since_s, in bytes per unit of weight */
    double own_weight;             /* of all flows that follow it */
    uint32_t *own, n_own, cap_own; /* classes that follow it: a heap by end_B */
    uint32_t link;                 /* FLOW_NONE: a class at its own cap */
    uint32_t next_free;
};

struct flow_class {
    double weight;                      /* of each flow */
    uint32_t n;                         /* flows; 0 = slot is free */
    uint32_t clock, own_at;             /* the clock it follows and its place in the clock's heap */
    uint32_t few_links[FLOW_FEW_LINKS]; /* its links when they are few: no second look in memory */
    uint32_t many_links;                /* span, otherwise */
    uint32_t positions;                 /* span: its places in the links' lists */
    uint8_t n_links, priority;
    double offset_B;  /* service = clock reading + offset, per unit of weight */
    double end_B;     /* clock reading at which its first flow ends */
    double level_Bps; /* solver: rate per weight of the solution being built */
    uint32_t service;
    uint32_t heap; /* root: flow with the smallest key */
    uint32_t new_bottleneck;
    uint32_t hash, hash_next;
    uint32_t region; /* solver: solve id when the class is being solved */
    uint32_t fixed;  /* solver: fill id when its level is decided */
};

struct link_entry {
    uint32_t cls, slot; /* class and which of its links this is */
};

struct core_load { /* flows through a core link that also cross a dormant link */
    uint32_t link;
    double weight;
};

struct flow_link {
    /* the first cache line holds what every change of a level looks at */
    double capacity_Bps, load_Bps;
    double max_level_Bps;              /* no class on it has a larger rate per weight */
    uint32_t clock[FLOW_MAX_PRIORITY]; /* of the classes it limits; CLOCK_NONE = limits nobody */
    uint32_t touched;                  /* solver: iteration that has seen it */
    uint32_t n_crossing;
    bool queued; /* ripple: its level may be out of date */
    bool dirty, shrunk, failed, watched, dormant, bound_changed, keep_awake;

    struct link_entry *list;
    uint32_t n, cap;
    /* region solver: scratch, valid while touched == current iteration */
    uint32_t n_open, n_region, n_region_own;
    double residual_Bps, open_weight, region_max_Bps, outside_max_Bps, own_level_Bps;
    double filled_at_Bps; /* level at which it became a bottleneck; -1 = it did not */
    /* sleeping links */
    double bound_Bps;           /* dormant: upper bound of its load */
    double bound_level_Bps;     /* core link: the largest level that bounds were made with */
    uint32_t awake_call;        /* stays awake during this call of flow_solve */
    struct core_load *crossing; /* core link: what dormant links its flows cross */
    uint32_t cap_crossing;
    double reported_Bps; /* last load given to on_load */
};

struct start_batch {
    double time_s;
    uint64_t seq;
    uint32_t first, last, n; /* flows, listed through sibling */
};

struct ended_flow {
    uint32_t cookie, how;
    uint32_t limit; /* see flow_net_limit */
    double left_B;
};

struct level_key {
    double level_Bps;
    uint32_t id; /* link or class */
};

struct flow_net {
    struct flow_net_config config;
    struct flow_link *links;
    uint32_t n_links;

    /* flows, structure of arrays; heap.sibling doubles as list link while pending or free */
    struct flow_heap heap;
    float *size_B;
    uint32_t *flow_class, *flow_path, *flow_cookie;
    uint16_t *flow_service;
    uint8_t *flow_n_links;
    uint32_t n_flows, cap_flows, free_flows, n_active;
    struct span_pool spans;

    struct flow_service *services;
    uint32_t n_services, cap_services;
    uint32_t n_priorities;
    bool any_caps;

    struct flow_class *classes;
    uint32_t n_classes, cap_classes, free_classes, live_classes;
    uint32_t *buckets, n_buckets;
    struct flow_clock *clocks;
    uint32_t n_clocks, cap_clocks, free_clocks;
    struct event_queue queue; /* per clock: its next end */

    struct start_batch *starts; /* binary heap by (time, seq) */
    uint32_t n_starts, cap_starts;
    uint64_t start_seq;

    uint32_t *dirty_links, n_dirty_links;
    uint32_t *seeds, n_seeds, cap_seeds; /* new or grown classes */

    /* solver scratch */
    uint32_t solve_id, iteration_id, fill_id, solve_call;
    uint32_t *region, n_region, cap_region;
    uint32_t *touched, n_touched;
    struct level_key *open_links; /* heap by level */
    uint32_t n_open_links;
    struct level_key *ripple; /* heap of links by level */
    uint32_t n_ripple, cap_ripple;
    struct level_key *caps; /* sorted */
    uint32_t n_caps, cap_caps;
    uint32_t *bound_changed, n_bound_changed;

    struct parked_clock {
        double time_s;
        uint32_t clock;
    } * parked;
    uint32_t cap_parked;
    struct ended_flow *ended;
    uint32_t n_ended, cap_ended;
    uint32_t limit; /* of the flow whose end is being reported */

    uint64_t visits_at_rebuild;
    double rebuild_factor;
    uint32_t n_dormant;
    double checked_time_s, checked_delivered_B, checked_due_B; /* checked runs only */
    struct flow_net_stats stats;
};

/* flow_clock.c */
double flow_clock_read(const struct flow_net *net, uint32_t clock, double now_s);
double flow_class_served(const struct flow_net *net, uint32_t cls, double now_s);
void flow_clock_set_level(struct flow_net *net, uint32_t clock, double level_Bps, double now_s);
uint32_t flow_clock_of_link(struct flow_net *net, uint32_t link, uint8_t priority, double now_s);
uint32_t flow_clock_new(struct flow_net *net, uint32_t link, double now_s);
/* The class follows another clock (or CLOCK_NONE) from now on; its service goes on where it was. */
void flow_clock_move(struct flow_net *net, uint32_t cls, uint32_t clock, double now_s);
void flow_clock_first_end(struct flow_net *net, uint32_t cls); /* the class's first flow changed */

/* flow_class.c */
void flow_class_join(struct flow_net *net, uint32_t flow, double service_B, double now_s);
uint32_t flow_class_pop(struct flow_net *net, uint32_t cls, double now_s); /* its first flow leaves */
void flow_class_make_first(struct flow_net *net, uint32_t flow);           /* for flow_class_pop */
void flow_class_drop_all(struct flow_net *net, double now_s);              /* flows keep what they lack as key */

/* flow_solve.c */
void flow_solve(struct flow_net *net, double now_s);
void flow_report_load(struct flow_net *net, uint32_t link, double now_s);
void flow_mark_dirty(struct flow_net *net, uint32_t link);

/* flow_ripple.c */
/* True: all rates are right again. Otherwise `tried` says whether it has left them half changed. */
bool flow_ripple(struct flow_net *net, double now_s, bool *tried);

/* flow_dormant.c */
uint32_t flow_core_link(const struct flow_net *net, uint32_t flow);
void flow_dormant_joined(struct flow_net *net, uint32_t flow);
void flow_dormant_left(struct flow_net *net, uint32_t flow);
/* The bounds learn that the core link's largest level has moved. */
void flow_dormant_level_changed(struct flow_net *net, uint32_t core);
bool flow_dormant_violated(struct flow_net *net, bool keep_awake);
void flow_rebuild(struct flow_net *net, double now_s);
/* The same when many flows have just started: nobody has rates yet that would tell who can bind. */
void flow_build_started(struct flow_net *net, double now_s);
bool flow_rebuild_pays(const struct flow_net *net);
/* Before links that sleep are changed or become some flow's narrowest. */
void flow_wake(struct flow_net *net, uint32_t link, double now_s);

/* flow_check.c */
void flow_check_solution(struct flow_net *net);
void flow_check_advance(struct flow_net *net, double now_s);

static inline const uint32_t *flow_class_links(const struct flow_net *net, uint32_t cls)
{
    const struct flow_class *c = &net->classes[cls];
    return c->n_links <= FLOW_FEW_LINKS ? c->few_links : net->spans.words + c->many_links;
}

/* Rate per weight of a class; 0 before its first solution. */
static inline double flow_class_level(const struct flow_net *net, uint32_t cls)
{
    uint32_t clock = net->classes[cls].clock;
    return clock == CLOCK_NONE ? 0 : net->clocks[clock].level_Bps;
}

/* fmax minds NaN, which there is none of, and costs a call. */
static inline double flow_max(double a, double b)
{
    return a > b ? a : b;
}

#endif

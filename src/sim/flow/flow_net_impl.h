/* Inside of the flow network.
 *     flow_net.c      life of flows: waiting for their latency, sharing, ending
 *     flow_starts.c   flows that wait for their latency
 *     flow_group.c    sprayed messages: spreads over many links, links that all flows use alike
 *     flow_class.c    who shares a rate
 *     flow_own.c      what a link limits, packed
 *     flow_part.c     links that depend on each other
 *     flow_fill.c     max-min rates from nothing, by progressive filling
 *     flow_settle.c   max-min rates after a change
 *     flow_level.c    max-min rates of one part anew, in place
 *     flow_solve.c    which of the three, and where
 *     flow_window.c   many ends at once, with an epsilon
 *     flow_dormant.c  links that cannot bind
 *     flow_check.c    checked runs
 *
 * Flows with the same links, shares, weight, cap and priority have the same rate at all times: they form one class.
 *
 * The solver's links are the topology's links and resources; of links that all flows use alike (the uplinks of a leaf
 * under spraying) one stands for all. With priorities there is one for each priority: what a class of a higher one
 * carries is background on those of the lower ones (its shadows). A rate cap is a link that one
 * class has for itself, as wide as all its flows may have together. Link 0 is nobody's.
 *
 * A class is limited by one link, its owner, and has the rate weight * level of that link. A link's capacity is shared
 * by its own classes and its background, the load of classes that are limited elsewhere:
 *     level = (capacity - background) / sum of n * weight * share over its own classes.
 * Links that limit somebody and depend on each other form a part: an array ordered by priority and level. A class is
 * limited by the first of its links in that order. So rates are max-min fair iff every level is what the formula
 * gives, the order is sorted, and no link that limits nobody is overloaded: then each class has a full link on which
 * nobody has more per weight (Bertsekas & Gallager, Data Networks, 6.5.2).
 *
 * A link's clock counts what one unit of weight has received from it. A class that joins at reading s and lacks b bytes
 * per weight ends at reading s + b, however often the level changes in between. */
#ifndef MOESIM_SIM_FLOW_FLOW_NET_IMPL_H
#define MOESIM_SIM_FLOW_FLOW_NET_IMPL_H

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "sim/event_queue.h"
#include "sim/flow/flow_heap.h"
#include "sim/flow/flow_net.h"
#include "sim/xalloc.h"

#define FLOW_ENDING (UINT32_MAX - 1)   /* class of a flow that ends in its part's window */
#define FLOW_HOMELESS (UINT32_MAX - 2) /* class of a flow between two builds of the classes */
#define FLOW_SPREAD 0x80000000u        /* word of a path: a spread, not a link */

enum { FLOW_MAX_PRIORITY = 4, FLOW_FEW_LINKS = 4, FLOW_MAX_USES = SPAN_MAX / 3, FLOW_MAX_STRIDE = 12 };

struct flow_list {
    uint32_t *items, n, cap;
};

struct flow_use { /* of a link by one flow: load of the link = rate * share */
    uint32_t link;
    double share;
};

struct flow_service { /* what flows of a kind ask for; interned */
    double weight, cap_Bps;
    uint8_t priority;
};

struct flow_class {
    union {
        struct {
            uint32_t owner, at; /* the link that limits it, and its place in the link's own classes */
        };
        double left_B; /* while it has no owner: service that its first flow lacks */
    };
    uint32_t n;    /* flows; 0 = slot is free */
    uint32_t heap; /* root: flow with the smallest key */
    uint32_t hash_next;
    uint32_t stamp;    /* flow_fill: number of the last fill that it is in */
    uint16_t n_links;  /* with shadows */
    uint16_t n_limits; /* the first of them: those that can limit it */
    uint16_t service;
    bool owned, shared; /* shared: not all shares are 1 */
    uint32_t
        few_links[FLOW_FEW_LINKS]; /* its links when they are few and shares are 1; else [0]: span of links, shares */
};

/* The classes that a link limits. Flat, as every change of its level adds to the background of all their other links. */
struct flow_own {
    double *end_B;        /* [cap] reading of the link's clock at which the class's first flow ends */
    uint32_t *cls;        /* [cap] */
    uint32_t *other;      /* [cap * stride] the other links of each; filled up with link 0 */
    double *amount;       /* [cap] n * weight * share on this link; NULL: 1 */
    double *other_amount; /* [cap * stride] on the others; NULL: 1 */
    uint32_t n, cap, stride;
    uint32_t n_long; /* classes with more others than the stride: the rest is in the class only */
};

struct flow_link {
    /* the first cache line holds what every event looks at */
    double capacity_Bps, level_Bps;
    double own_use;       /* sum of n * weight * share of its own classes */
    double clock_B;       /* at its part's time */
    double next_B;        /* the smallest of own.end_B; NAN: to be looked for */
    uint32_t part, place; /* FLOW_NONE: it limits nobody */
    struct flow_own own;
    uint32_t loose_in, loose_stamp; /* while it limits nobody: serial of the part that knows it last; scratch */
    uint8_t priority;
    bool gone;  /* a rate cap whose class has ended: free once it has left its part */
    bool noted; /* is in the list of overloaded links */
    bool watched;
    bool dormant, bound_changed, keep_awake;
    bool used, built;                          /* in the lists of that name */
    uint32_t *crossing;                        /* classes that cross it; with some that are gone */
    uint32_t n_crossing, cap_crossing, n_live; /* n_live: those that are not gone */
    /* windows */
    double before_Bps, slope_Bps_s; /* its level in the last one; change of the level in this one */
    double ending_Bps;              /* of its background: flows that end in a window, and are in no class */
    uint32_t n_ending;
    /* sleeping links */
    uint32_t behind;        /* FLOW_NONE, or the link that all its flows cross and that is no wider */
    double bound_Bps;       /* dormant: upper bound of its load */
    double bound_level_Bps; /* core link: no flow on it has more per weight */
    double announced_Bps;   /* links that its own classes cross know: its level is at most this */
    uint32_t awake_call;    /* stays awake during this call of flow_solve */
    struct core_load *core; /* core link: what dormant links its flows cross */
    uint32_t n_core, cap_core;
};

enum { FLOW_MAX_CANDIDATES = 3 };

struct flow_sleeper { /* of a link, while it is decided who sleeps */
    uint32_t behind[FLOW_MAX_CANDIDATES];
    uint32_t n;
    bool seen;
    double weight; /* of all flows */
};

struct core_load { /* flows through a core link that also cross a dormant link */
    uint32_t link;
    double weight;
};

struct flow_open { /* flow_fill, flow_level: what is not decided yet on a link */
    double use;
    uint32_t n;     /* classes */
    uint32_t stamp; /* number of the fill that has seen the link */
};

struct flow_slots { /* the same at the start */
    uint32_t n_all; /* classes */
    /* flow_level: the link's own classes, and in net->cross the end of those that cross it and that others limit */
    uint32_t first, n, cross_end;
};

struct flow_ending {              /* a flow that ends in a window */
    double end_s, left_B;         /* left_B: service that it lacks at the window's begin */
    double level_Bps, before_Bps; /* its rate per weight; its link's level before the window */
    uint32_t flow, link;
};

struct flow_part {
    uint32_t *order; /* links that limit somebody, by priority and level */
    uint32_t n, cap;
    struct flow_list loose; /* links that its classes cross and that limit nobody; some twice, some not any more */
    uint32_t serial;
    uint32_t from;      /* lowest place that may be out of date; n or more: none */
    uint32_t next_link; /* whose class ends first */
    double since_s;     /* its links' clocks are read at this time */
    uint32_t n_changed; /* classes that came or went since its last fill or settling */
    uint32_t n_own;     /* its classes, when it was solved last */
    bool used, dirty, changed;
    uint32_t next_free;
    /* windows */
    double begun_s;  /* when its flows have started, on average */
    double window_s; /* length; 0: none is open */
    double last_window_s;
    uint32_t n_members;
    int patience;                /* solutions until the next try */
    struct flow_ending *endings; /* by time */
    uint32_t n_endings, cap_endings, next_ending;
};

struct flow_spread {
    uint32_t n, n_groups;
    uint32_t *links;         /* [n] */
    double *shares;          /* [n] */
    struct flow_use *groups; /* [n_groups] the same by links that stand for others; up to date with `version` */
    uint32_t version;
};

struct flow_start {
    double time_s;
    uint64_t seq;
    uint32_t batch;
};

struct flow_batch { /* flows that start together, listed through sibling; n: of a free one, the next free one */
    uint32_t first, last, n;
};

enum { FLOW_RECENT = 8 };

struct flow_recent {
    double time_s;
    uint32_t batch;
    bool used;
};

struct flow_starts {
    struct flow_start *heap; /* binary, by (time, seq) */
    struct flow_batch *batches;
    uint32_t n, cap, n_batches, cap_batches, free_batches, n_free;
    struct flow_recent recent[FLOW_RECENT]; /* batches that flows may join */
    uint64_t seq;
};

struct ended_flow {
    uint32_t cookie, limit; /* limit: see flow_net_limit */
};

struct failed_flow {
    uint32_t cookie;
    double left_B;
};

struct level_key {
    double level_Bps;
    uint32_t id;
};

struct flow_segment { /* settling: own classes from here on still have another level */
    uint32_t from;
    double level_Bps;
};

struct flow_joint { /* two parts that depend on each other from now on */
    uint32_t a, b;  /* a link of each */
};

struct flow_net {
    struct flow_net_config config;
    uint32_t n_real;  /* links of the config */
    double *real_Bps; /* [n_real] capacities */
    uint8_t *failed;  /* [n_real] */
    double now_s;
    struct flow_link *links; /* [n_links] 0, then n_real per priority, then rate caps */
    double *background_Bps;  /* [n_links] load of classes that are limited elsewhere; apart: the hot loop */
    struct flow_open *open;
    struct flow_slots *slots;
    uint32_t *root; /* union-find, while a fill makes parts */
    uint32_t n_links, cap_links, free_caps;
    uint32_t n_priorities, n_wanted_priorities;

    /* flow_group.c */
    struct flow_spread *spreads;
    uint32_t n_spreads, cap_spreads;
    uint32_t *group, *group_next,
        *group_size;    /* [n_real] who stands for a link, ring of its members; NULL: no spreads */
    double *group_unit; /* [n_real] of one that stands for others: the share that the solver counts as 1 */
    uint32_t group_version;
    bool regroup; /* classes have to be made anew: links that they use alike are not alike any more */

    /* flows, structure of arrays; heap.sibling doubles as list link while pending or free */
    struct flow_heap heap;
    float *size_B;
    uint32_t *flow_class, *flow_path, *flow_cookie;
    uint16_t *flow_service;
    uint8_t *flow_n_path; /* words of its path: links, and a spread */
    uint32_t n_flows, cap_flows, free_flows, n_active;
    struct span_pool spans;

    struct flow_service *services;
    uint32_t n_services, cap_services;

    struct flow_class *classes;
    uint32_t n_classes, cap_classes, free_classes, live_classes;
    uint32_t *buckets, n_buckets;

    struct flow_part *parts;
    uint32_t n_parts, cap_parts, free_parts;
    struct event_queue queue; /* per part: its next end */

    struct flow_starts starts;

    struct flow_list seeds;      /* new classes */
    struct flow_list dirty;      /* parts to solve */
    struct flow_list changed;    /* parts whose next end has to be found */
    struct flow_list overloaded; /* links that limit nobody and may carry too much */
    struct flow_list watched;    /* links of the config whose load is reported */
    double *reported_Bps;        /* [watched.n] last load given to on_load */

    /* scratch */
    uint32_t fill_id, solve_call, part_serial, loose_stamp;
    struct flow_list set, touched, filled;
    struct flow_list slot_owner, cross; /* flow_level */
    struct level_key *open_heap;
    uint32_t n_open_heap, cap_open_heap;
    struct flow_segment *segments;
    uint32_t n_segments, cap_segments;
    struct flow_joint *joints;
    uint32_t n_joints, cap_joints;
    struct flow_list bound_changed;

    double fill_begun_s; /* of the parts that a fill makes */
    double rebuilt_begun_s;
    bool rebuilt; /* the next fill is of classes that have been made anew */
    bool any_caps;
    struct flow_ending *endings; /* of the window that is being opened */
    uint32_t n_endings, cap_endings;

    struct ended_flow *ended;
    uint32_t n_ended, cap_ended;
    struct failed_flow *failures;
    uint32_t n_failures, cap_failures;
    uint32_t limit; /* of the flow whose end is being reported */

    uint64_t visits_at_rebuild;
    double rebuild_factor;
    struct flow_list used;         /* links that classes have crossed since all were dropped */
    struct flow_list built;        /* links that the last build has decided on */
    uint32_t n_flows_built;        /* flows that it has seen */
    struct flow_sleeper *sleepers; /* [n_links] */
    uint32_t n_dormant, n_bounded; /* sleeping links; those that sleep by a bound */
    double checked_time_s, checked_delivered_B, checked_due_B; /* checked runs only */
    struct flow_net_stats stats;
};

/* flow_starts.c */
void flow_starts_add(struct flow_net *net, double time_s, uint32_t flow);
double flow_starts_next_s(const struct flow_net *net); /* INFINITY: nobody waits */
uint32_t flow_starts_pop(struct flow_net *net, double now_s,
                         uint32_t *n); /* all that are due, as a list through sibling */
void flow_starts_free(struct flow_starts *s);

/* flow_group.c */
uint32_t flow_link_of(const struct flow_net *net, uint32_t real); /* who stands for it, at priority 0 */
void flow_group_plain(struct flow_net *net, uint32_t real);       /* a flow uses this link alone */
/* All links of a flow, at priority 0, with those that sleep; returns how many. */
uint32_t flow_uses(struct flow_net *net, uint32_t flow, struct flow_use out[FLOW_MAX_USES]);
bool flow_crosses_failed(const struct flow_net *net, uint32_t flow);
/* Of the narrowest of its group, in the solver's units: a load of 1 of the solver's is one of so many shares. */
double flow_group_capacity_Bps(const struct flow_net *net, uint32_t real);
double flow_group_unit(const struct flow_net *net, uint32_t real);
void flow_groups_free(struct flow_net *net);
/* flow_net.c */
void flow_end_now(struct flow_net *net, uint32_t flow, uint32_t link); /* one that is in no class */
void flow_link_set_capacity(struct flow_net *net, uint32_t real,
                            double capacity_Bps); /* of one that stands for itself */

/* flow_class.c */
void flow_class_join(struct flow_net *net, uint32_t flow, double service_B, double now_s);
/* Its first flow leaves: in two steps, so that many leave at the price of one. Its part has to be touched before. */
double flow_class_served_B(const struct flow_net *net,
                           uint32_t cls); /* what every flow of it has received since it began */
uint32_t flow_class_pop(struct flow_net *net, uint32_t cls);
void flow_class_popped(struct flow_net *net, uint32_t cls, uint32_t n, double served_B);
void flow_class_make_first(struct flow_net *net, uint32_t flow);         /* for flow_class_pop */
void flow_class_drop_all(struct flow_net *net, double now_s);            /* flows keep what they lack as key */
void flow_class_touch(struct flow_net *net, uint32_t cls, double now_s); /* its part is solved again, from now on */
double flow_class_left_B(const struct flow_net *net, uint32_t cls);      /* of its first flow, at its part's time */
/* Whether a class (still) crosses a link, if only by its shadow; whether the link can limit it. */
bool flow_class_crosses(const struct flow_net *net, uint32_t cls, uint32_t link);
bool flow_class_limited_by(const struct flow_net *net, uint32_t cls, uint32_t link);
void flow_net_grow_links(struct flow_net *net, uint32_t n);
void flow_cap_free(struct flow_net *net, uint32_t link);

/* flow_own.c */
void flow_own_free(struct flow_own *own);
void flow_own_reserve(struct flow_net *net, uint32_t link, uint32_t n); /* room for so many in all */
void flow_own_append(struct flow_net *net, uint32_t link, uint32_t cls, double left_B);
void flow_own_remove(struct flow_net *net, uint32_t link, uint32_t at);
/* The class is limited by another link from now on and has that link's level. */
void flow_own_move(struct flow_net *net, uint32_t cls, uint32_t to);
/* The same while it keeps the level that it has. */
void flow_own_take(struct flow_net *net, uint32_t cls, uint32_t to);
/* The level of own classes from .. to-1 changes: their other links notice. */
void flow_own_push(struct flow_net *net, uint32_t link, uint32_t from, uint32_t to, double delta_Bps);
/* The first own class from number `from` on that crosses another link; own.n: none. */
uint32_t flow_own_find(const struct flow_net *net, uint32_t link, uint32_t from, uint32_t crosses);
/* Background of the other links of one own class. */
void flow_own_shift(struct flow_net *net, uint32_t link, uint32_t at, double delta_Bps);
void flow_own_reweigh(struct flow_net *net, uint32_t cls, int by);
double flow_own_next_B(struct flow_net *net, uint32_t link);

/* flow_part.c */
uint32_t flow_part_new(struct flow_net *net, double now_s);
void flow_part_append(struct flow_net *net, uint32_t part, uint32_t link);
void flow_part_release(struct flow_net *net, uint32_t part);
void flow_part_advance(struct flow_net *net, uint32_t part, double now_s);
/* What the link's part has at the link's place and above may be out of date. */
void flow_part_touch(struct flow_net *net, uint32_t link, double now_s);
uint32_t flow_part_merge(struct flow_net *net, uint32_t a, uint32_t b, double now_s);
void flow_part_dirty(struct flow_net *net, uint32_t part);
/* Its levels are right: links that limit nobody any more leave the order, and it is seen which loose ones carry too
 * much. */
void flow_part_settled(struct flow_net *net, uint32_t part);
void flow_part_empty(struct flow_net *net, uint32_t part); /* nothing is limited in it any more */
void flow_part_add_loose(struct flow_net *net, uint32_t part, uint32_t link);
void flow_part_changed(struct flow_net *net, uint32_t part);
void flow_part_find_next(struct flow_net *net, uint32_t part);
bool flow_is_overloaded(const struct flow_net *net, uint32_t link); /* it limits nobody, and carries too much */
void flow_note_overload(struct flow_net *net, uint32_t link);
void flow_parts_reset(struct flow_net *net);

/* flow_fill.c */
void flow_fill(struct flow_net *net, double now_s); /* the classes of net->set, which have no owners */
void flow_refill(struct flow_net *net, uint32_t part, double now_s);
/* The account of a link in this fill; the link is in net->touched from then on. */
static inline struct flow_open *flow_open_link(struct flow_net *net, uint32_t link);
void flow_open_collect(struct flow_net *net, uint8_t priority); /* links of a priority whose accounts are open */
/* The open link with the smallest level; false: all is decided. Levels only grow while classes are decided, so a key in
 * the heap is a lower bound: the top is right once its key is up to date. */
bool flow_open_next(struct flow_net *net, struct level_key *next);
void flow_part_dissolve(struct flow_net *net, uint32_t part); /* its classes go to net->set */

/* flow_level.c */
bool flow_can_level(const struct flow_net *net, uint32_t part); /* one priority, and no class of very many links */
void flow_level(struct flow_net *net, uint32_t part, double now_s);

/* flow_settle.c */
/* False: it goes on for too long; everything is consistent, but levels may not be right. */
bool flow_settle(struct flow_net *net, uint32_t part);
/* A link that limits nobody is overloaded: it limits its fastest classes from now on, and has to settle. */
void flow_limit_fastest(struct flow_net *net, uint32_t link, double now_s);
/* Classes that cross the link and have more become its own. */
void flow_claim(struct flow_net *net, uint32_t link, double now_s);

/* flow_solve.c */
void flow_solve(struct flow_net *net, double now_s);
void flow_solve_parts(struct flow_net *net, double now_s);

/* flow_window.c */
void flow_window_try(struct flow_net *net, uint32_t part, double now_s); /* opens one where that pays */
double flow_window_next(const struct flow_part *p);                      /* time of its next end, or of its own */
void flow_window_advance(struct flow_net *net, uint32_t part, double now_s);
void flow_window_close(struct flow_net *net, uint32_t part, double now_s);
void flow_windows_close(struct flow_net *net, double now_s);

/* flow_dormant.c */
void flow_dormant_joined(struct flow_net *net, uint32_t flow);
void flow_dormant_left(struct flow_net *net, uint32_t flow);
/* The level of a link, or who follows it, has changed: what sleeping links rely on. */
void flow_dormant_announce(struct flow_net *net, uint32_t link);
void flow_dormant_moved(struct flow_net *net, uint32_t link, uint32_t at); /* a class has a new owner */
bool flow_dormant_violated(struct flow_net *net, bool keep_awake);
void flow_rebuild(struct flow_net *net, double now_s);
/* The same when many flows have just started: nobody has rates yet that would tell who can bind. */
void flow_build_started(struct flow_net *net, double now_s);
bool flow_build_is_old(struct flow_net *net, uint32_t first, uint32_t n);
bool flow_rebuild_pays(const struct flow_net *net);
/* Whether a new flow breaks what the sleep of a link relies on; keeps that link awake from now on. */
bool flow_dormant_disturbed(struct flow_net *net, uint32_t flow);
/* Before links that sleep are changed. */
void flow_wake(struct flow_net *net, uint32_t link, double now_s);

/* flow_check.c */
void flow_check_solution(struct flow_net *net);
void flow_check_advance(struct flow_net *net, double now_s);

static inline void flow_list_add(struct flow_list *l, uint32_t item)
{
    XGROW(l->items, l->n, l->cap);
    l->items[l->n++] = item;
}

/* Room for n items that are written in any order. */
static inline void flow_list_reserve(struct flow_list *l, uint32_t n)
{
    if (n > l->cap) {
        l->cap = n;
        l->items = XREALLOC(l->items, uint32_t, n);
    }
}

static inline struct flow_open *flow_open_link(struct flow_net *net, uint32_t link)
{
    struct flow_open *o = &net->open[link];
    if (o->stamp != net->fill_id) {
        *o = (struct flow_open){.stamp = net->fill_id};
        flow_list_add(&net->touched, link);
    }
    return o;
}

static inline const uint32_t *flow_class_links(const struct flow_net *net, const struct flow_class *c)
{
    return c->n_links <= FLOW_FEW_LINKS && !c->shared ? c->few_links : net->spans.words + c->few_links[0];
}

static inline double flow_class_share(const struct flow_net *net, const struct flow_class *c, uint32_t i)
{
    double share = 1;
    if (c->shared)
        memcpy(&share, net->spans.words + c->few_links[0] + c->n_links + 2 * i, sizeof share);
    return share;
}

static inline double flow_class_weight(const struct flow_net *net, const struct flow_class *c)
{
    return net->services[c->service].weight;
}

/* Rate per weight of a class; 0 before its first solution. */
static inline double flow_class_level(const struct flow_net *net, uint32_t cls)
{
    const struct flow_class *c = &net->classes[cls];
    return c->owned ? net->links[c->owner].level_Bps : 0;
}

/* fmax minds NaN, which there is none of, and costs a call. */
static inline double flow_max(double a, double b)
{
    return a > b ? a : b;
}

#endif

/* Max-min rates after a change: flows ended, a few came, a capacity has changed. One pass over the links of a part, from
 * the lowest that changed upwards: a level depends on lower ones only.
 *
 * A link whose level is too high sinks in the order, past all that it is tighter than; classes that both cross are its
 * own from then on. A link whose level is too low would rise past those that will be tighter: it gives them the classes
 * that both cross and lets them go first; only once its place is found its new level goes to the background of the
 * others. That saves four of five such changes against sweeps that apply each level as soon as it is known. */
#include <math.h>

#include "base/diag.h"
#include "sim/flow/flow_net_impl.h"

/* Levels that change for so many of a part's own classes, counted with repetition, cost more than to fill it anew. */
enum { MOST_VISITS = 4 };
static const double SAME = 1e-14;  /* of the capacity: a level that is off by less stays */
static const double LOWER = 1e-13; /* levels that are closer are equal, in either order */
static const double EMPTY = 1e-12; /* of the capacity: what is left by rounding only */

static bool limits_nobody(const struct flow_link *l)
{
    return !l->own.n;
}

/* What its own classes can have. */
static double wanted(const struct flow_net *net, uint32_t link)
{
    const struct flow_link *l = &net->links[link];
    double left_Bps = l->capacity_Bps - net->background_Bps[link];
    return left_Bps > EMPTY * l->capacity_Bps ? left_Bps / l->own_use : 0;
}

static bool is_settled(const struct flow_net *net, uint32_t link)
{
    const struct flow_link *l = &net->links[link];
    double left_Bps = l->capacity_Bps - net->background_Bps[link];
    if (left_Bps <= EMPTY * l->capacity_Bps)
        return l->level_Bps == 0;
    return fabs(left_Bps - l->own_use * l->level_Bps) <= SAME * l->capacity_Bps;
}

/* Whether a link with this level has to be in front of another. */
static bool goes_before(const struct flow_net *net, const struct flow_link *l, double level_Bps, uint32_t other)
{
    const struct flow_link *o = &net->links[other];
    if (l->priority != o->priority)
        return l->priority < o->priority;
    return limits_nobody(o) || level_Bps < o->level_Bps * (1 - LOWER);
}

static void swap(struct flow_net *net, struct flow_part *p, uint32_t at)
{
    uint32_t lower = p->order[at], upper = p->order[at + 1];
    p->order[at] = upper;
    p->order[at + 1] = lower;
    net->links[upper].place = at;
    net->links[lower].place = at + 1;
}

/* Classes of a link that cross another become the other's, at the level that they have. */
static void take_common(struct flow_net *net, uint32_t from, uint32_t to)
{
    uint32_t at = 0;
    while ((at = flow_own_find(net, from, at, to)) < net->links[from].own.n)
        flow_own_take(net, net->links[from].own.cls[at], to);
}

static void give_common(struct flow_net *net, uint32_t from, uint32_t to)
{
    uint32_t at = 0;
    while ((at = flow_own_find(net, from, at, to)) < net->links[from].own.n)
        flow_own_move(net, net->links[from].own.cls[at], to);
}

/* Own classes from each segment on have that segment's level still. */
static void set_level(struct flow_net *net, uint32_t link, double level_Bps)
{
    struct flow_link *l = &net->links[link];
    uint32_t to = l->own.n;
    for (uint32_t i = net->n_segments; i-- > 0; to = net->segments[i].from)
        flow_own_push(net, link, net->segments[i].from, to, level_Bps - net->segments[i].level_Bps);
    flow_own_push(net, link, 0, to, level_Bps - l->level_Bps);
    net->n_segments = 0;
    l->level_Bps = level_Bps;
    if (net->n_dormant)
        flow_dormant_announce(net, link);
}

static uint32_t sink(struct flow_net *net, struct flow_part *p, uint32_t at, double level_Bps)
{
    uint32_t link = p->order[at];
    while (at > 0 && goes_before(net, &net->links[link], level_Bps, p->order[at - 1])) {
        uint32_t other = p->order[--at], n = net->links[link].own.n;
        swap(net, p, at);
        take_common(net, other, link);
        if (net->links[link].own.n == n)
            continue;
        XGROW(net->segments, net->n_segments, net->cap_segments);
        net->segments[net->n_segments++] = (struct flow_segment){n, net->links[other].level_Bps};
        level_Bps = wanted(net, link);
    }
    set_level(net, link, level_Bps);
    return at + 1;
}

static uint32_t rise(struct flow_net *net, struct flow_part *p, uint32_t at, double level_Bps)
{
    uint32_t link = p->order[at];
    const struct flow_link *l = &net->links[link];
    for (; at + 1 < p->n && net->links[p->order[at + 1]].priority == l->priority; at++) {
        uint32_t other = p->order[at + 1];
        bool empty = limits_nobody(&net->links[other]);
        if (!empty && !(level_Bps > wanted(net, other) * (1 + LOWER)))
            break;
        swap(net, p, at);
        if (empty)
            continue;
        give_common(net, link, other);
        return at;
    }
    set_level(net, link, level_Bps);
    return at + 1;
}

/* Puts one link right; returns the place to go on with. */
static uint32_t visit(struct flow_net *net, struct flow_part *p, uint32_t at)
{
    uint32_t link = p->order[at];
    const struct flow_link *l = &net->links[link];
    if (limits_nobody(l))
        return at + 1;
    bool settled = is_settled(net, link);
    double level_Bps = settled ? l->level_Bps : wanted(net, link);
    if (at > 0 && goes_before(net, l, level_Bps, p->order[at - 1]))
        return sink(net, p, at, level_Bps);
    if (settled)
        return at + 1;
    if (level_Bps > l->level_Bps)
        return rise(net, p, at, level_Bps);
    set_level(net, link, level_Bps);
    return at + 1;
}

bool flow_settle(struct flow_net *net, uint32_t part)
{
    struct flow_part *p = &net->parts[part];
    uint32_t at = p->from, steps = 200 * p->n + 2000;
    uint64_t most_visits = net->stats.visits + MOST_VISITS * p->n_own + 1000;
    p->from = FLOW_NONE;
    while (at < p->n) {
        if (!steps-- || net->stats.visits > most_visits)
            return false;
        at = visit(net, p, at);
    }
    flow_part_settled(net, part);
    return true;
}

/* --- links that begin to limit ----------------------------------------------------------------------- */

/* All parts whose classes cross the link become one. */
static void join_parts(struct flow_net *net, uint32_t link, double now_s)
{
    const struct flow_link *l = &net->links[link];
    uint32_t part = l->part;
    for (uint32_t i = 0; i < l->n_crossing; i++) {
        if (!flow_class_crosses(net, l->crossing[i], link) || !net->classes[l->crossing[i]].owned)
            continue; /* without an owner: it has just been made, and joins later */
        uint32_t other = net->links[net->classes[l->crossing[i]].owner].part;
        part = part == FLOW_NONE ? other : flow_part_merge(net, part, other, now_s);
    }
}

static uint32_t last_owner(const struct flow_net *net, uint32_t link)
{
    const struct flow_link *l = &net->links[link];
    uint32_t last = FLOW_NONE;
    for (uint32_t i = 0; i < l->n_crossing; i++) {
        if (!flow_class_limited_by(net, l->crossing[i], link) || !net->classes[l->crossing[i]].owned)
            continue;
        uint32_t owner = net->classes[l->crossing[i]].owner;
        if (last == FLOW_NONE || net->links[owner].place > net->links[last].place)
            last = owner;
    }
    return last;
}

static void insert_before(struct flow_net *net, uint32_t other, uint32_t link)
{
    uint32_t part = net->links[other].part, at = net->links[other].place;
    flow_part_append(net, part, link);
    struct flow_part *p = &net->parts[part];
    for (uint32_t i = p->n - 1; i > at; i--)
        swap(net, p, i - 1);
}

void flow_limit_fastest(struct flow_net *net, uint32_t link, double now_s)
{
    join_parts(net, link, now_s);
    uint32_t owner = last_owner(net, link);
    if (owner == FLOW_NONE || net->links[owner].level_Bps == 0)
        return; /* it is higher priorities that overload it, and their own link is overloaded, too */
    net->links[link].level_Bps = net->links[owner].level_Bps;
    net->links[link].clock_B = 0;
    flow_part_advance(net, net->links[owner].part, now_s);
    insert_before(net, owner, link);
    take_common(net, owner, link);
    flow_part_touch(net, link, now_s);
    if (net->n_dormant)
        flow_dormant_announce(net, link);
}

void flow_claim(struct flow_net *net, uint32_t link, double now_s)
{
    const struct flow_link *l = &net->links[link];
    join_parts(net, link, now_s);
    for (uint32_t i = 0; i < l->n_crossing; i++)
        if (flow_class_limited_by(net, l->crossing[i], link) && net->classes[l->crossing[i]].owned &&
            net->links[net->classes[l->crossing[i]].owner].place > l->place)
            flow_own_move(net, l->crossing[i], link);
    flow_part_touch(net, link, now_s);
}

/* The usual event: some flows ended, or a few came. Then only levels near their links move, and by
 * little. Instead of solving a region anew, the change ripples from link to link: a link whose
 * classes or background changed gets its new level from what the others leave it,
 *     level = (capacity - load of classes limited elsewhere) / weight of the classes it limits,
 * which changes the background of the links that its classes cross. Lowest levels go first, since
 * a level depends on lower ones only. A class whose link is no longer its tightest follows the other
 * link from then on. At rest the max-min condition holds on every link that was touched (see
 * flow_solve.c), so the result is the same; with an epsilon a ripple stops where a level moves less. */
#include <math.h>

#include "sim/flow/flow_net_impl.h"

static const uint32_t PRIORITY = 0; /* with priorities, flow_solve.c does it all */

/* Ties could pass a change to and fro for long: then the region solver takes over. */
enum { MAX_STEPS = 20000 };

static inline double tolerance(const struct flow_net *net)
{
    return flow_max(net->config.epsilon, 1e-11);
}

static bool limits(const struct flow_link *l)
{
    return l->clock[PRIORITY] != CLOCK_NONE;
}

static double level_of(const struct flow_net *net, const struct flow_link *l)
{
    return limits(l) ? net->clocks[l->clock[PRIORITY]].level_Bps : INFINITY;
}

/* --- links to look at, lowest level first ----------------------------------------------------------- */

static void push(struct flow_net *net, uint32_t link)
{
    struct flow_link *l = &net->links[link];
    if (l->queued)
        return;
    l->queued = true;
    XGROW(net->ripple, net->n_ripple, net->cap_ripple);
    struct level_key key = {level_of(net, l), link};
    uint32_t at = net->n_ripple++;
    while (at > 0 && key.level_Bps < net->ripple[(at - 1) / 2].level_Bps) {
        net->ripple[at] = net->ripple[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    net->ripple[at] = key;
}

static uint32_t pop(struct flow_net *net)
{
    struct level_key *heap = net->ripple, last = heap[net->n_ripple - 1];
    uint32_t link = heap[0].id, n = --net->n_ripple, at = 0, child;
    while ((child = 2 * at + 1) < n) {
        if (child + 1 < n && heap[child + 1].level_Bps < heap[child].level_Bps)
            child++;
        if (!(heap[child].level_Bps < last.level_Bps))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = last;
    net->links[link].queued = false;
    return link;
}

/* --- changes ------------------------------------------------------------------------------------------ */

static void touch(struct flow_net *net, uint32_t link)
{
    struct flow_link *l = &net->links[link];
    if (l->touched == net->iteration_id)
        return;
    l->touched = net->iteration_id;
    net->touched[net->n_touched++] = link;
}

/* Whether what the link's classes should have differs from what they have. */
static bool moves(const struct flow_net *net, const struct flow_link *l)
{
    if (!limits(l))
        return l->load_Bps > l->capacity_Bps * (1 + tolerance(net));
    const struct flow_clock *k = &net->clocks[l->clock[PRIORITY]];
    return fabs(l->capacity_Bps - l->load_Bps) > tolerance(net) * k->own_weight * k->level_Bps;
}

/* A class's level has moved by delta to level: what its other links notice. */
static void shift_load(struct flow_net *net, uint32_t cls, double delta_Bps, double level_Bps, uint32_t except)
{
    const struct flow_class *c = &net->classes[cls];
    const uint32_t *links = flow_class_links(net, cls);
    double load_Bps = c->n * c->weight * delta_Bps;
    for (uint32_t i = 0; i < c->n_links; i++) {
        struct flow_link *l = &net->links[links[i]];
        if (links[i] == except)
            continue;
        l->load_Bps += load_Bps;
        touch(net, links[i]);
        if (level_Bps > l->max_level_Bps)
            l->max_level_Bps = level_Bps;
        if (moves(net, l))
            push(net, links[i]);
    }
}

/* The class is limited by another link from now on, at that link's present level. */
static void change_link(struct flow_net *net, uint32_t cls, uint32_t link, double now_s)
{
    double old_Bps = flow_class_level(net, cls);
    uint32_t old_clock = net->classes[cls].clock;
    uint32_t old_link = net->clocks[old_clock].link;
    bool new_clock = !limits(&net->links[link]);
    uint32_t clock = flow_clock_of_link(net, link, PRIORITY, now_s);
    if (new_clock)
        flow_clock_set_level(net, clock, old_Bps, now_s);
    flow_clock_move(net, cls, clock, now_s);
    double delta_Bps = net->clocks[clock].level_Bps - old_Bps;
    if (delta_Bps != 0)
        shift_load(net, cls, delta_Bps, old_Bps + delta_Bps, FLOW_NONE);
    push(net, link);
    if (limits(&net->links[old_link]))
        push(net, old_link);
}

/* The tightest of a class's links, if it is tighter than the one that limits it now. */
static uint32_t tighter_link(const struct flow_net *net, uint32_t cls, double level_Bps)
{
    const struct flow_class *c = &net->classes[cls];
    const uint32_t *links = flow_class_links(net, cls);
    uint32_t best = FLOW_NONE;
    for (uint32_t i = 0; i < c->n_links; i++) {
        double other_Bps = level_of(net, &net->links[links[i]]);
        if (other_Bps < level_Bps * (1 - tolerance(net)))
            best = links[i], level_Bps = other_Bps;
    }
    return best;
}

/* After the level rose: its classes may be limited elsewhere now. */
static void give_away(struct flow_net *net, uint32_t link, double now_s)
{
    for (uint32_t i = 0; limits(&net->links[link]);) {
        const struct flow_clock *k = &net->clocks[net->links[link].clock[PRIORITY]];
        if (i >= k->n_own)
            return;
        uint32_t cls = k->own[i], other = tighter_link(net, cls, k->level_Bps);
        if (other == FLOW_NONE)
            i++;
        else
            change_link(net, cls, other, now_s); /* another class takes place i */
    }
}

/* After the level fell: classes that have more on this link than its level become its own. */
static void take_over(struct flow_net *net, uint32_t link, double now_s)
{
    const struct flow_link *l = &net->links[link];
    double limit_Bps = level_of(net, l) * (1 + tolerance(net));
    if (l->max_level_Bps <= limit_Bps)
        return;
    net->stats.visits += l->n;
    for (uint32_t i = 0; i < l->n; i++)
        if (flow_class_level(net, l->list[i].cls) > limit_Bps)
            change_link(net, l->list[i].cls, link, now_s);
}

/* An overloaded link that limits nobody takes its fastest class. */
static void take_fastest(struct flow_net *net, uint32_t link, double now_s)
{
    const struct flow_link *l = &net->links[link];
    uint32_t fastest = FLOW_NONE;
    double level_Bps = -1;
    net->stats.visits += l->n;
    for (uint32_t i = 0; i < l->n; i++)
        if (flow_class_level(net, l->list[i].cls) > level_Bps) {
            fastest = l->list[i].cls;
            level_Bps = flow_class_level(net, fastest);
        }
    change_link(net, fastest, link, now_s);
}

static void set_level(struct flow_net *net, uint32_t link, double level_Bps, double now_s)
{
    struct flow_link *l = &net->links[link];
    uint32_t clock = l->clock[PRIORITY];
    double delta_Bps = level_Bps - net->clocks[clock].level_Bps;
    flow_clock_set_level(net, clock, level_Bps, now_s);
    const struct flow_clock *k = &net->clocks[clock];
    l->load_Bps += k->own_weight * delta_Bps;
    if (level_Bps > l->max_level_Bps)
        l->max_level_Bps = level_Bps;
    net->stats.visits += k->n_own;
    for (uint32_t i = 0; i < k->n_own; i++)
        shift_load(net, k->own[i], delta_Bps, level_Bps, link);
}

static void update(struct flow_net *net, uint32_t link, double now_s)
{
    struct flow_link *l = &net->links[link];
    touch(net, link);
    if (!limits(l)) {
        if (l->load_Bps > l->capacity_Bps * (1 + tolerance(net)))
            take_fastest(net, link, now_s);
        return;
    }
    const struct flow_clock *k = &net->clocks[l->clock[PRIORITY]];
    double old_Bps = k->level_Bps;
    double background_Bps = l->load_Bps - k->own_weight * old_Bps;
    double level_Bps = flow_max(0, (l->capacity_Bps - background_Bps) / k->own_weight);
    bool fresh = old_Bps == 0; /* a clock that a new class has started: others may have more than it finds */
    if (!fresh && fabs(level_Bps - old_Bps) <= tolerance(net) * old_Bps)
        return;
    set_level(net, link, level_Bps, now_s);
    if (level_Bps > old_Bps)
        give_away(net, link, now_s);
    if (level_Bps < old_Bps || fresh)
        take_over(net, link, now_s);
}

/* --- new flows ------------------------------------------------------------------------------------------ */

/* Where a new class starts from: its tightest link, or the one with the least room where none limits anybody. */
static uint32_t tightest_link(const struct flow_net *net, uint32_t cls)
{
    const struct flow_class *c = &net->classes[cls];
    const uint32_t *links = flow_class_links(net, cls);
    uint32_t tightest = links[0], fullest = links[0];
    for (uint32_t i = 1; i < c->n_links; i++) {
        const struct flow_link *l = &net->links[links[i]], *f = &net->links[fullest];
        if (level_of(net, l) < level_of(net, &net->links[tightest]))
            tightest = links[i];
        if (l->capacity_Bps - l->load_Bps < f->capacity_Bps - f->load_Bps)
            fullest = links[i];
    }
    return limits(&net->links[tightest]) ? tightest : fullest;
}

/* It takes the present level of the link, which then is too high for all of them and falls. */
static void adopt(struct flow_net *net, uint32_t cls, double now_s)
{
    uint32_t link = tightest_link(net, cls);
    uint32_t clock = flow_clock_of_link(net, link, PRIORITY, now_s);
    double level_Bps = net->clocks[clock].level_Bps;
    flow_clock_move(net, cls, clock, now_s);
    shift_load(net, cls, level_Bps, level_Bps, FLOW_NONE);
    push(net, link);
}

static void begin_seed(struct flow_net *net, uint32_t cls, double now_s)
{
    const struct flow_class *c = &net->classes[cls];
    const uint32_t *links = flow_class_links(net, cls);
    if (!c->n)
        return;
    for (uint32_t i = 0; i < c->n_links; i++) {
        touch(net, links[i]);
        if (c->clock != CLOCK_NONE) /* it has grown */
            push(net, links[i]);
    }
    if (c->clock == CLOCK_NONE)
        adopt(net, cls, now_s);
}

/* Upper bounds of what the classes of each touched link have; sleeping links rely on them. Where
 * nobody is limited the old bound stays true. */
static void settle_max_levels(struct flow_net *net)
{
    for (uint32_t i = 0; i < net->n_touched; i++) {
        struct flow_link *l = &net->links[net->touched[i]];
        if (limits(l))
            l->max_level_Bps = level_of(net, l);
        if (l->n_crossing && l->max_level_Bps != l->bound_level_Bps)
            flow_dormant_level_changed(net, net->touched[i]);
    }
}

static void begin(struct flow_net *net, double now_s)
{
    net->iteration_id++;
    net->n_touched = 0;
    for (uint32_t i = 0; i < net->n_dirty_links; i++) {
        struct flow_link *l = &net->links[net->dirty_links[i]];
        touch(net, net->dirty_links[i]);
        if (limits(l))
            push(net, net->dirty_links[i]);
    }
    for (uint32_t i = 0; i < net->n_seeds; i++)
        begin_seed(net, net->seeds[i], now_s);
}

static void finish(struct flow_net *net, double now_s)
{
    settle_max_levels(net);
    for (uint32_t i = 0; i < net->n_touched; i++)
        flow_report_load(net, net->touched[i], now_s);
    for (uint32_t i = 0; i < net->n_dirty_links; i++)
        net->links[net->dirty_links[i]].dirty = false;
    net->n_dirty_links = 0;
    net->n_seeds = 0;
}

static void give_up(struct flow_net *net)
{
    while (net->n_ripple)
        net->links[net->ripple[--net->n_ripple].id].queued = false;
}

static bool applies(const struct flow_net *net)
{
    if (net->n_priorities != 1 || net->any_caps || net->n_seeds > net->live_classes / 2)
        return false;
    for (uint32_t i = 0; i < net->n_dirty_links; i++)
        if (net->links[net->dirty_links[i]].shrunk)
            return false;
    return true;
}

/* True when all rates are right again. False: everything has to be solved anew. */
bool flow_ripple(struct flow_net *net, double now_s, bool *tried)
{
    *tried = applies(net);
    if (!*tried)
        return false;
    begin(net, now_s);
    uint32_t steps = MAX_STEPS;
    while (net->n_ripple) {
        if (steps-- == 0) {
            give_up(net);
            return false;
        }
        update(net, pop(net), now_s);
    }
    finish(net, now_s);
    return true;
}

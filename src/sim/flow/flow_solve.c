/* Weighted max-min rates by progressive filling, only where something changed.
 *
 * A set of rates is max-min fair iff no link is overloaded and every class has a bottleneck: a full
 * link on which no class has a larger rate per weight ("level"), or its own cap. So it is enough to
 * solve a region - the classes whose bottleneck changed - against the unchanged rest as background,
 * and then to verify the condition on every link the region touches; classes for which it no longer
 * holds join the region and it is solved again. What passes is exact, not an approximation. */
#include <math.h>
#include <stdlib.h>

#include "base/diag.h"
#include "sim/flow/flow_net_impl.h"

/* Two levels, or a load and a capacity, that agree this well are equal. With an epsilon, a change
 * stops rippling through the network where it moves a link's level by less than that. */
static double same(const struct flow_net *net)
{
    return flow_max(net->config.epsilon, 1e-10);
}

void flow_mark_dirty(struct flow_net *net, uint32_t link)
{
    if (!net->links[link].dirty) {
        net->links[link].dirty = true;
        net->dirty_links[net->n_dirty_links++] = link;
    }
}

static uint32_t limiting_link(const struct flow_net *net, uint32_t cls)
{
    uint32_t clock = net->classes[cls].clock;
    return clock == CLOCK_NONE ? FLOW_NONE : net->clocks[clock].link;
}

static bool in_region(const struct flow_net *net, uint32_t cls)
{
    return net->classes[cls].region == net->solve_id;
}

static void region_add(struct flow_net *net, uint32_t cls)
{
    if (in_region(net, cls))
        return;
    net->classes[cls].region = net->solve_id;
    XGROW(net->region, net->n_region, net->cap_region);
    net->region[net->n_region++] = cls;
}

static void add_limited(struct flow_net *net, uint32_t link)
{
    for (uint32_t p = 0; p < net->n_priorities; p++) {
        uint32_t clock = net->links[link].clock[p];
        if (clock == CLOCK_NONE)
            continue;
        const struct flow_clock *k = &net->clocks[clock];
        net->stats.visits += k->n_own;
        for (uint32_t i = 0; i < k->n_own; i++)
            region_add(net, k->own[i]);
    }
}

/* First sight of a link in this iteration: all its classes are background. */
static void touch(struct flow_net *net, uint32_t link)
{
    struct flow_link *l = &net->links[link];
    if (l->touched == net->iteration_id)
        return;
    l->touched = net->iteration_id;
    l->residual_Bps = l->capacity_Bps - l->load_Bps;
    l->open_weight = 0;
    l->n_open = l->n_region = l->n_region_own = 0;
    l->region_max_Bps = l->filled_at_Bps = -1;
    net->touched[net->n_touched++] = link;
}

static void seed_region(struct flow_net *net)
{
    net->solve_id++;
    net->n_region = 0;
    for (uint32_t i = 0; i < net->n_seeds; i++)
        if (net->classes[net->seeds[i]].n)
            region_add(net, net->seeds[i]);
    for (uint32_t i = 0; i < net->n_dirty_links; i++)
        add_limited(net, net->dirty_links[i]);
}

/* Everything that follows the region upwards: a class that changes moves the levels of the links it
 * crosses, and with them the classes these links limit. */
static void close_region(struct flow_net *net)
{
    net->iteration_id++;
    net->n_touched = 0;
    for (uint32_t i = 0; i < net->n_region; i++) {
        uint32_t cls = net->region[i];
        for (uint32_t k = 0; k < net->classes[cls].n_links; k++) {
            uint32_t link = flow_class_links(net, cls)[k];
            if (net->links[link].touched == net->iteration_id)
                continue;
            touch(net, link);
            add_limited(net, link);
        }
    }
}

/* With priorities, whoever is served after a region class on some link depends on it. */
static void add_lower_priorities(struct flow_net *net)
{
    for (uint32_t i = 0; i < net->n_region; i++) {
        uint32_t cls = net->region[i];
        uint8_t priority = net->classes[cls].priority;
        for (uint32_t k = 0; k < net->classes[cls].n_links; k++) {
            const struct flow_link *l = &net->links[flow_class_links(net, cls)[k]];
            for (uint32_t e = 0; e < l->n; e++)
                if (net->classes[l->list[e].cls].priority > priority)
                    region_add(net, l->list[e].cls);
        }
    }
}

/* Takes the region's classes out of the background of their links. */
static void touch_class(struct flow_net *net, uint32_t cls)
{
    const struct flow_class *c = &net->classes[cls];
    const uint32_t *links = flow_class_links(net, cls);
    double weight = c->n * net->classes[cls].weight, rate_Bps = weight * flow_class_level(net, cls);
    for (uint32_t k = 0; k < c->n_links; k++) {
        struct flow_link *l = &net->links[links[k]];
        touch(net, links[k]);
        l->residual_Bps += rate_Bps;
        l->open_weight += weight;
        l->n_region++;
        l->n_region_own += limiting_link(net, cls) == links[k];
        if (l->n_region == l->n) /* exact: no background, so no rounding left over from it */
            l->residual_Bps = l->capacity_Bps;
    }
}

static void touch_region(struct flow_net *net)
{
    net->iteration_id++;
    net->n_touched = 0;
    for (uint32_t i = 0; i < net->n_dirty_links; i++)
        if (net->links[net->dirty_links[i]].shrunk)
            touch(net, net->dirty_links[i]);
    for (uint32_t i = 0; i < net->n_region; i++)
        touch_class(net, net->region[i]);
    for (uint32_t i = 0; i < net->n_touched; i++) {
        struct flow_link *l = &net->links[net->touched[i]];
        l->n_open = l->n_region;
        const struct flow_clock *k = l->clock[0] == CLOCK_NONE ? NULL : &net->clocks[l->clock[0]];
        l->own_level_Bps = k && k->n_own > l->n_region_own ? k->level_Bps : -1;
        l->outside_max_Bps = l->n > l->n_region ? l->max_level_Bps : -1;
    }
}

/* With priorities: what the classes of the same and higher priority outside the region leave for
 * the region's classes of this one. */
static void open_priority(struct flow_net *net, uint32_t link, uint8_t priority)
{
    struct flow_link *l = &net->links[link];
    l->residual_Bps = l->capacity_Bps;
    l->open_weight = 0;
    l->n_open = 0;
    l->own_level_Bps = l->outside_max_Bps = l->region_max_Bps = l->filled_at_Bps = -1;
    net->stats.visits += l->n;
    for (uint32_t i = 0; i < l->n; i++) {
        uint32_t cls = l->list[i].cls;
        const struct flow_class *c = &net->classes[cls];
        bool region = in_region(net, cls), same_priority = c->priority == priority;
        if (c->priority > priority)
            continue;
        if (region && same_priority) {
            l->open_weight += c->n * c->weight;
            l->n_open++;
        } else {
            l->residual_Bps -= c->n * c->weight * (region ? c->level_Bps : flow_class_level(net, cls));
        }
        if (!region && same_priority) {
            l->outside_max_Bps = flow_max(l->outside_max_Bps, flow_class_level(net, cls));
            if (limiting_link(net, cls) == link)
                l->own_level_Bps = flow_class_level(net, cls);
        }
    }
}

static double link_level(const struct flow_link *l)
{
    return l->residual_Bps > 0 ? l->residual_Bps / l->open_weight : 0;
}

static void sift_down(struct level_key *heap, uint32_t n, uint32_t at)
{
    struct level_key moving = heap[at];
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= n)
            break;
        if (child + 1 < n && heap[child + 1].level_Bps < heap[child].level_Bps)
            child++;
        if (!(heap[child].level_Bps < moving.level_Bps))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moving;
}

static int by_level(const void *a, const void *b)
{
    const struct level_key *x = a, *y = b;
    if (x->level_Bps != y->level_Bps)
        return x->level_Bps < y->level_Bps ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

static uint32_t collect_open(struct flow_net *net, uint8_t priority)
{
    net->n_open_links = 0;
    for (uint32_t i = 0; i < net->n_touched; i++) {
        struct flow_link *l = &net->links[net->touched[i]];
        if (l->n_open)
            net->open_links[net->n_open_links++] = (struct level_key){link_level(l), net->touched[i]};
    }
    for (uint32_t i = net->n_open_links / 2; i-- > 0;)
        sift_down(net->open_links, net->n_open_links, i);

    uint32_t n_open = 0;
    net->n_caps = 0;
    for (uint32_t i = 0; i < net->n_region; i++) {
        const struct flow_class *c = &net->classes[net->region[i]];
        double cap_Bps = net->services[c->service].cap_Bps;
        if (c->priority != priority)
            continue;
        n_open++;
        if (cap_Bps > 0) {
            XGROW(net->caps, net->n_caps, net->cap_caps);
            net->caps[net->n_caps++] = (struct level_key){cap_Bps / c->weight, net->region[i]};
        }
    }
    if (net->n_caps)
        qsort(net->caps, net->n_caps, sizeof *net->caps, by_level);
    return n_open;
}

static void fix_class(struct flow_net *net, uint32_t cls, double level, uint32_t bottleneck)
{
    struct flow_class *c = &net->classes[cls];
    double weight = c->n * net->classes[cls].weight, rate = weight * level;
    c->fixed = net->fill_id;
    c->level_Bps = level;
    c->new_bottleneck = bottleneck;
    const uint32_t *links = flow_class_links(net, cls);
    for (uint32_t k = 0; k < c->n_links; k++) {
        struct flow_link *l = &net->links[links[k]];
        l->residual_Bps -= rate;
        l->open_weight -= weight;
        l->n_open--;
        if (level > l->region_max_Bps)
            l->region_max_Bps = level;
    }
}

static uint32_t fix_link(struct flow_net *net, uint32_t link, double level, uint8_t priority)
{
    struct flow_link *l = &net->links[link];
    uint32_t n_fixed = 0;
    l->filled_at_Bps = level;
    net->stats.visits += l->n;
    for (uint32_t i = 0; i < l->n && l->n_open; i++) {
        uint32_t cls = l->list[i].cls;
        const struct flow_class *c = &net->classes[cls];
        if (c->region != net->solve_id || c->fixed == net->fill_id || c->priority != priority)
            continue;
        fix_class(net, cls, level, link);
        n_fixed++;
    }
    return n_fixed;
}

/* The open link with the smallest level. Levels only grow while classes are fixed, so a key in the
 * heap is a lower bound: the top is right once its key is up to date. */
static bool next_link(struct flow_net *net, uint32_t *link, double *level)
{
    struct level_key *heap = net->open_links;
    while (net->n_open_links) {
        const struct flow_link *l = &net->links[heap[0].id];
        if (!l->n_open) {
            heap[0] = heap[--net->n_open_links];
            sift_down(heap, net->n_open_links, 0);
            continue;
        }
        double now = link_level(l);
        if (now <= heap[0].level_Bps) {
            *link = heap[0].id;
            *level = now;
            return true;
        }
        heap[0].level_Bps = now;
        sift_down(heap, net->n_open_links, 0);
    }
    return false;
}

/* Progressive filling: raise all levels together; whoever's link is full first stays there. */
static void fill(struct flow_net *net, uint8_t priority)
{
    net->fill_id++;
    uint32_t n_open = collect_open(net, priority), next_cap = 0;
    while (n_open) {
        uint32_t link = 0;
        double level = INFINITY;
        bool have_link = next_link(net, &link, &level);
        while (next_cap < net->n_caps && net->classes[net->caps[next_cap].id].fixed == net->fill_id)
            next_cap++;
        if (next_cap < net->n_caps && net->caps[next_cap].level_Bps <= level) {
            fix_class(net, net->caps[next_cap].id, net->caps[next_cap].level_Bps, BOTTLENECK_CAP);
            n_open--;
            continue;
        }
        BUG_IF(!have_link);
        n_open -= fix_link(net, link, level, priority);
    }
}

static void add_outside(struct flow_net *net, uint32_t link, uint8_t priority, double above)
{
    const struct flow_link *l = &net->links[link];
    net->stats.visits += l->n;
    for (uint32_t i = 0; i < l->n; i++) {
        uint32_t cls = l->list[i].cls;
        if (net->classes[cls].priority == priority &&
            (limiting_link(net, cls) == link || flow_class_level(net, cls) > above))
            region_add(net, cls);
    }
}

/* Holds the max-min condition for the classes outside the region that share this link? If not,
 * they join the region. */
static void verify_link(struct flow_net *net, uint32_t link, uint8_t priority)
{
    const struct flow_link *l = &net->links[link];
    double load = l->capacity_Bps - l->residual_Bps;
    double tolerance = same(net), slack = tolerance * l->capacity_Bps;
    bool full = load >= l->capacity_Bps - slack;
    if (load > l->capacity_Bps + slack) {
        add_outside(net, link, priority, -1);
        return;
    }
    if (l->own_level_Bps >= 0 && (!full || l->region_max_Bps > l->own_level_Bps * (1 + tolerance)))
        add_outside(net, link, priority, INFINITY);
    /* Where it is the bottleneck of region classes, nobody may have more than they. */
    if (l->filled_at_Bps >= 0 && l->outside_max_Bps > l->filled_at_Bps * (1 + tolerance))
        add_outside(net, link, priority, l->filled_at_Bps * (1 + tolerance));
}

static void solve_region(struct flow_net *net)
{
    for (uint32_t p = 0; p < net->n_priorities; p++) {
        for (uint32_t i = 0; net->n_priorities > 1 && i < net->n_touched; i++)
            open_priority(net, net->touched[i], (uint8_t)p);
        fill(net, (uint8_t)p);
        for (uint32_t i = 0; i < net->n_touched; i++)
            verify_link(net, net->touched[i], (uint8_t)p);
    }
}

static void commit_class(struct flow_net *net, uint32_t cls, double now_s)
{
    struct flow_class *c = &net->classes[cls];
    uint32_t clock = c->clock;
    if (c->new_bottleneck != BOTTLENECK_CAP)
        clock = flow_clock_of_link(net, c->new_bottleneck, c->priority, now_s);
    else if (clock == CLOCK_NONE || net->clocks[clock].link != FLOW_NONE)
        clock = flow_clock_new(net, FLOW_NONE, now_s);
    flow_clock_move(net, cls, clock, now_s);
    if (net->clocks[clock].level_Bps != c->level_Bps)
        flow_clock_set_level(net, clock, c->level_Bps, now_s);
}

/* The largest level on a link after a solve, or an upper bound of it where nobody is limited. */
static double max_level_after(const struct flow_link *l)
{
    double level = flow_max(l->region_max_Bps, 0);
    if (l->own_level_Bps >= 0)
        return flow_max(level, l->own_level_Bps);
    if (l->filled_at_Bps >= 0)
        return l->filled_at_Bps;
    return flow_max(level, l->outside_max_Bps);
}

void flow_report_load(struct flow_net *net, uint32_t link, double now_s)
{
    struct flow_link *l = &net->links[link];
    if (!l->watched || l->load_Bps == l->reported_Bps || !net->config.on_load)
        return;
    l->reported_Bps = l->load_Bps;
    net->config.on_load(net->config.ctx, link, now_s, l->load_Bps);
}

static void commit_link(struct flow_net *net, uint32_t link, double now_s)
{
    struct flow_link *l = &net->links[link];
    l->load_Bps = flow_max(l->capacity_Bps - l->residual_Bps, 0);
    l->max_level_Bps = max_level_after(l);
    if (l->n_crossing && l->max_level_Bps != l->bound_level_Bps)
        flow_dormant_level_changed(net, link);
    flow_report_load(net, link, now_s);
}

static void commit(struct flow_net *net, double now_s)
{
    for (uint32_t i = 0; i < net->n_region; i++)
        commit_class(net, net->region[i], now_s);
    for (uint32_t i = 0; i < net->n_touched; i++)
        commit_link(net, net->touched[i], now_s);
    for (uint32_t i = 0; i < net->n_dirty_links; i++) {
        struct flow_link *l = &net->links[net->dirty_links[i]];
        flow_report_load(net, net->dirty_links[i], now_s);
        l->dirty = l->shrunk = false;
    }
    net->n_dirty_links = 0;
    net->n_seeds = 0;
}

static void solve_once(struct flow_net *net, double now_s)
{
    net->stats.solves++;
    seed_region(net);
    for (;;) {
        close_region(net);
        if (net->n_priorities > 1)
            add_lower_priorities(net);
        touch_region(net);
        uint32_t n = net->n_region;
        solve_region(net);
        if (net->n_region == n)
            break;
    }
    commit(net, now_s);
}

static void resolve(struct flow_net *net, double now_s)
{
    bool half_changed;
    if (flow_ripple(net, now_s, &half_changed))
        return;
    if (half_changed)
        flow_rebuild(net, now_s); /* makes every class a seed */
    solve_once(net, now_s);
}

void flow_solve(struct flow_net *net, double now_s)
{
    if (!net->n_dirty_links && !net->n_seeds)
        return;
    if (flow_rebuild_pays(net))
        flow_rebuild(net, now_s);
    resolve(net, now_s);
    for (uint32_t round = 0; flow_dormant_violated(net, round > 0); round++) {
        flow_rebuild(net, now_s);
        solve_once(net, now_s);
    }
    net->solve_call++;
    if (net->config.checked)
        flow_check_solution(net);
}

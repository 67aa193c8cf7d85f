/* Rates after what has happened at one time: which parts have to be filled anew, which only settle. */
#include <math.h>
#include <stdlib.h>

#include "base/diag.h"
#include "sim/flow/flow_net_impl.h"

/* A part of which a share like this has come or gone is filled anew. */
enum { MANY_CHANGES = 1 };

/* All parts that the class's links belong to become one; the first of its links in the order, or FLOW_NONE. */
static uint32_t first_owner(struct flow_net *net, uint32_t cls, double now_s)
{
    const struct flow_class *c = &net->classes[cls];
    const uint32_t *links = flow_class_links(net, c);
    uint32_t part = FLOW_NONE, first = FLOW_NONE;
    for (uint32_t i = 0; i < c->n_links; i++) {
        uint32_t other = net->links[links[i]].part;
        if (other != FLOW_NONE)
            part = part == FLOW_NONE ? other : flow_part_merge(net, part, other, now_s);
    }
    for (uint32_t i = 0; i < c->n_limits; i++) {
        const struct flow_link *l = &net->links[links[i]];
        if (l->part != FLOW_NONE && (first == FLOW_NONE || l->place < net->links[first].place))
            first = links[i];
    }
    return first;
}

/* It has the level of the tightest of its links, which then is too high for all of them. */
static void adopt(struct flow_net *net, uint32_t cls, uint32_t owner, double now_s)
{
    struct flow_class *c = &net->classes[cls];
    flow_part_touch(net, owner, now_s);
    net->parts[net->links[owner].part].n_changed++;
    struct flow_part *p = &net->parts[net->links[owner].part];
    p->begun_s += (now_s - p->begun_s) / (p->n_members + 1);
    p->n_members++;
    flow_own_append(net, owner, cls, c->left_B);
    flow_own_shift(net, owner, c->at, net->links[owner].level_Bps);
    for (uint32_t i = 0; i < c->n_links; i++) {
        uint32_t link = flow_class_links(net, c)[i];
        if (net->links[link].part == FLOW_NONE)
            flow_part_add_loose(net, net->links[owner].part, link);
        else
            flow_part_touch(net, link, now_s);
    }
    if (net->n_dormant)
        flow_dormant_moved(net, owner, c->at);
}

/* Whatever a new class meets is no window's any more; that may make more classes. */
static void close_windows(struct flow_net *net, double now_s)
{
    for (uint32_t i = 0; i < net->seeds.n; i++)
        for (uint32_t k = 0; k < net->classes[net->seeds.items[i]].n_links; k++) {
            uint32_t link = flow_class_links(net, &net->classes[net->seeds.items[i]])[k];
            if (net->links[link].n_ending)
                flow_windows_close(net, now_s);
            if (net->links[link].part != FLOW_NONE)
                flow_part_advance(net, net->links[link].part, now_s);
        }
}

/* New classes join the parts that their links belong to; those that find nobody limited are filled. */
static void place_seeds(struct flow_net *net, double now_s)
{
    if (net->config.epsilon > 0)
        close_windows(net, now_s);
    struct flow_list seeds = net->seeds;
    uint32_t n = 0;
    net->seeds = (struct flow_list){0};
    for (uint32_t i = 0; i < seeds.n; i++) {
        uint32_t cls = seeds.items[i], owner;
        if (!net->classes[cls].n || net->classes[cls].owned)
            continue;
        owner = first_owner(net, cls, now_s);
        if (owner == FLOW_NONE)
            seeds.items[n++] = cls;
        else
            adopt(net, cls, owner, now_s);
    }
    seeds.n = n;
    free(net->seeds.items); /* nobody has made any meanwhile */
    net->seeds = net->set;
    net->seeds.n = 0;
    net->set = seeds;
    net->fill_begun_s = net->rebuilt ? net->rebuilt_begun_s : now_s;
    net->rebuilt = false;
    flow_fill(net, now_s);
}

static uint32_t n_classes(const struct flow_net *net, const struct flow_part *p)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->n; i++)
        n += net->links[p->order[i]].own.n;
    return n;
}

static void solve_anew(struct flow_net *net, uint32_t part, double now_s)
{
    if (flow_can_level(net, part))
        flow_level(net, part, now_s);
    else
        flow_refill(net, part, now_s);
}

static void solve_part(struct flow_net *net, uint32_t part, double now_s)
{
    struct flow_part *p = &net->parts[part];
    p->dirty = false;
    if (!p->used)
        return;
    BUG_IF(p->window_s > 0);
    flow_part_changed(net, part);
    uint32_t changed = p->n_changed;
    p->n_changed = 0;
    if (changed > 16 && changed * MANY_CHANGES > n_classes(net, p))
        flow_refill(net, part, now_s);
    else if ((net->config.anew && flow_can_level(net, part)) || !flow_settle(net, part))
        solve_anew(net, part, now_s);
}

void flow_solve_parts(struct flow_net *net, double now_s)
{
    while (net->seeds.n || net->dirty.n || net->overloaded.n) {
        if (net->seeds.n) {
            place_seeds(net, now_s);
        } else if (net->dirty.n) {
            solve_part(net, net->dirty.items[--net->dirty.n], now_s);
        } else {
            uint32_t link = net->overloaded.items[--net->overloaded.n];
            net->links[link].noted = false;
            if (flow_is_overloaded(net, link))
                flow_limit_fastest(net, link, now_s);
        }
    }
}

static void open_windows(struct flow_net *net, double now_s)
{
    for (uint32_t i = 0; net->config.epsilon > 0 && i < net->changed.n; i++) {
        uint32_t part = net->changed.items[i];
        if (net->parts[part].used && net->parts[part].n)
            flow_window_try(net, part, now_s);
    }
}

static void find_next_ends(struct flow_net *net)
{
    for (uint32_t i = 0; i < net->changed.n; i++) {
        uint32_t part = net->changed.items[i];
        net->parts[part].changed = false;
        if (!net->parts[part].used)
            continue;
        if (net->parts[part].n)
            flow_part_find_next(net, part);
        else
            flow_part_release(net, part);
    }
    net->changed.n = 0;
}

static void report_loads(struct flow_net *net, double now_s)
{
    for (uint32_t i = 0; net->config.on_load && i < net->watched.n; i++) {
        double load_Bps = flow_max(0, flow_net_load_Bps(net, net->watched.items[i]));
        if (load_Bps == net->reported_Bps[i])
            continue;
        net->reported_Bps[i] = load_Bps;
        net->config.on_load(net->config.ctx, net->watched.items[i], now_s, load_Bps);
    }
}

/* Solves until no link that sleeps can bind. */
static void solve_awake(struct flow_net *net, double now_s, bool keep_awake)
{
    flow_solve_parts(net, now_s);
    for (; flow_dormant_violated(net, keep_awake); keep_awake = true) {
        flow_rebuild(net, now_s);
        flow_solve_parts(net, now_s);
    }
}

void flow_solve(struct flow_net *net, double now_s)
{
    net->now_s = now_s;
    if (net->regroup || flow_rebuild_pays(net))
        flow_rebuild(net, now_s);
    if (!net->dirty.n && !net->seeds.n && !net->overloaded.n && !net->changed.n)
        return;
    solve_awake(net, now_s, false);
    if (net->config.epsilon > 0) {
        open_windows(net, now_s);
        solve_awake(net, now_s,
                    true); /* where one has raised levels too far for links that sleep, it is closed again */
    }
    find_next_ends(net);
    report_loads(net, now_s);
    net->solve_call++;
    if (net->config.checked)
        flow_check_solution(net);
}

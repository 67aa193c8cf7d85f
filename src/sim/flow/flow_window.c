/* With an epsilon, time goes in windows where many flows end: rates are found once for all ends inside of one.
 *
 * A window lasts epsilon times the time that a part's flows have been running, halved until at most a sixteenth of them end
 * in it; with few ends it does not pay, and each is an event of its own. In a window a flow that ends has the rate that is
 * left of it over the window's length, as if it were capped; the others share what that leaves. So capacity is used up, no
 * more and no less, and who goes on has received what it would have, unless another link begins to limit it meanwhile. A
 * level moves linearly, so that its mean is the one found and it goes on from the last window; a flow ends where its link's
 * clock then reaches its end. Whatever else happens (a flow starts, a capacity changes) cuts the window there.
 *
 * Not used with priorities or rate caps: then every end is exact. */
#include <math.h>
#include <stdlib.h>

#include "base/diag.h"
#include "sim/flow/flow_net_impl.h"

enum { FEW_ENDS = 16, MOST_ENDS = 16, MAX_ROUNDS = 4, PATIENCE = 4 };
static const double MOST_SLOPE =
    0.9; /* a level changes by at most this share of its mean before and after the middle */

static bool apply(const struct flow_net *net)
{
    return net->config.epsilon > 0 && net->n_priorities == 1 && !net->any_caps;
}

/* --- length ------------------------------------------------------------------------------------------- */

static uint32_t n_ends_within(const struct flow_net *net, const struct flow_part *p, double length_s)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->n; i++) {
        const struct flow_link *l = &net->links[p->order[i]];
        double until_B = l->clock_B + l->level_Bps * length_s;
        if (l->next_B > until_B)
            continue;
        for (uint32_t k = 0; k < l->own.n; k++)
            n += l->own.end_B[k] <= until_B;
    }
    return n;
}

static double length_of(struct flow_net *net, struct flow_part *p, double now_s)
{
    double length_s = net->config.epsilon * (now_s - p->begun_s);
    uint32_t n_all = 0;
    for (uint32_t i = 0; i < p->n; i++)
        n_all += net->links[p->order[i]].own.n;
    p->n_members = n_all;
    if (n_all <= FEW_ENDS * MOST_ENDS || !(length_s > 0))
        return 0;
    uint32_t n = n_ends_within(net, p, length_s);
    for (; n * MOST_ENDS > n_all; n = n_ends_within(net, p, length_s))
        length_s /= 2;
    return n > FEW_ENDS ? length_s : 0;
}

/* --- opening ------------------------------------------------------------------------------------------ */

static void load_link(struct flow_net *net, uint32_t link, double load_Bps, int by)
{
    struct flow_link *l = &net->links[link];
    double before_Bps = l->ending_Bps;
    l->n_ending = (uint32_t)((int64_t)l->n_ending + by);
    l->ending_Bps = l->n_ending ? before_Bps + by * load_Bps : 0;
    net->background_Bps[link] = l->n_live ? net->background_Bps[link] + (l->ending_Bps - before_Bps) : l->ending_Bps;
}

/* A flow that ends in a window begins (1) or ceases (-1) to load its links, at a rate per weight. */
static void load_links(struct flow_net *net, uint32_t flow, double level_Bps, int by)
{
    struct flow_use uses[FLOW_MAX_USES];
    uint32_t n = flow_uses(net, flow, uses);
    double rate_Bps = net->services[net->flow_service[flow]].weight * level_Bps;
    for (uint32_t i = 0; i < n; i++)
        if (!net->links[uses[i].link].dormant)
            load_link(net, uses[i].link, rate_Bps * uses[i].share, by);
}

static void add_ending(struct flow_net *net, uint32_t flow, uint32_t link, double left_B, double length_s)
{
    struct flow_ending e = {.flow = flow, .link = link, .left_B = left_B, .level_Bps = left_B / length_s};
    e.before_Bps = net->links[link].level_Bps;
    XGROW(net->endings, net->n_endings, net->cap_endings);
    net->endings[net->n_endings++] = e;
    net->flow_class[flow] = FLOW_ENDING;
    load_links(net, flow, e.level_Bps, 1);
}

/* Takes the flows of a class that end inside the window out of it. */
static void cap_class(struct flow_net *net, uint32_t cls, double length_s)
{
    const struct flow_class *c = &net->classes[cls];
    uint32_t link = c->owner, n = 0;
    double served_B = flow_class_served_B(net, cls), most_B = net->links[link].level_Bps * length_s;
    while (c->heap != FLOW_NONE && net->heap.key[c->heap] - served_B <= most_B) {
        uint32_t flow = flow_class_pop(net, cls);
        add_ending(net, flow, link, flow_max(0, net->heap.key[flow] - served_B), length_s);
        n++;
    }
    if (n)
        flow_class_popped(net, cls, n, served_B);
}

static bool cap_ends(struct flow_net *net, uint32_t part, double length_s)
{
    uint32_t before = net->n_endings;
    for (uint32_t i = 0; i < net->parts[part].n; i++) {
        uint32_t link = net->parts[part].order[i];
        struct flow_link *l = &net->links[link];
        double until_B = l->clock_B + l->level_Bps * length_s;
        if (!l->own.n || flow_own_next_B(net, link) > until_B)
            continue;
        for (uint32_t k = l->own.n; k-- > 0;) /* from the back: another class takes the place of one that leaves */
            if (l->own.end_B[k] <= until_B)
                cap_class(net, l->own.cls[k], length_s);
    }
    return net->n_endings > before;
}

static void rejoin(struct flow_net *net, const struct flow_ending *e, double served_B, double now_s)
{
    load_links(net, e->flow, e->level_Bps, -1);
    flow_class_join(net, e->flow, flow_max(0, e->left_B - served_B), now_s);
}

static void give_up(struct flow_net *net, double now_s)
{
    for (uint32_t i = 0; i < net->n_endings; i++)
        rejoin(net, &net->endings[i], 0, now_s);
    net->n_endings = 0;
}

/* --- curves ------------------------------------------------------------------------------------------- */

/* What a link's clock shows after so much of its part's window. */
static double curve_B(const struct flow_link *l, double length_s, double passed_s)
{
    return (l->level_Bps + 0.5 * l->slope_Bps_s * (passed_s - length_s)) * passed_s;
}

static void bend(struct flow_link *l, double length_s, double last_s)
{
    l->slope_Bps_s = 0;
    if (l->before_Bps > 0 && last_s > 0) {
        double most = 2 * MOST_SLOPE * l->level_Bps / length_s;
        l->slope_Bps_s = fmin(most, fmax(-most, 2 * (l->level_Bps - l->before_Bps) / (length_s + last_s)));
    }
    l->before_Bps = l->level_Bps;
}

/* When the curve has served so much: of left = (level + slope (t - length) / 2) t the smaller solution. */
static double passed_at(const struct flow_net *net, const struct flow_ending *e, uint32_t part, double length_s)
{
    const struct flow_link *l = &net->links[e->link];
    if (l->part != part || !l->own.n || !(l->level_Bps > 0)) /* nobody is left to limit */
        return fmin(length_s, e->left_B / e->before_Bps);
    double a = l->level_Bps - 0.5 * l->slope_Bps_s * length_s, square = a * a + 2 * l->slope_Bps_s * e->left_B;
    if (square <= 0)
        return length_s;
    return fmin(length_s, 2 * e->left_B / (a + sqrt(square)));
}

static int by_end(const void *a, const void *b)
{
    const struct flow_ending *x = a, *y = b;
    if (x->end_s != y->end_s)
        return x->end_s < y->end_s ? -1 : 1;
    return (x->flow > y->flow) - (x->flow < y->flow);
}

static void finish_opening(struct flow_net *net, uint32_t part, double length_s, double now_s)
{
    struct flow_part *p = &net->parts[part];
    for (uint32_t i = 0; i < p->n; i++)
        bend(&net->links[p->order[i]], length_s, p->last_window_s);
    for (uint32_t i = 0; i < net->n_endings; i++)
        net->endings[i].end_s = now_s + passed_at(net, &net->endings[i], part, length_s);
    qsort(net->endings, net->n_endings, sizeof *net->endings, by_end);
    struct flow_ending *old = p->endings;
    uint32_t cap = p->cap_endings;
    p->endings = net->endings;
    p->n_endings = net->n_endings;
    p->cap_endings = net->cap_endings;
    p->next_ending = 0;
    p->window_s = length_s;
    net->endings = old;
    net->cap_endings = cap;
    net->n_endings = 0;
    net->stats.windows++;
    flow_part_changed(net, part);
}

void flow_window_try(struct flow_net *net, uint32_t part, double now_s)
{
    struct flow_part *p = &net->parts[part];
    if (!apply(net) || p->window_s > 0 || p->patience-- > 0)
        return;
    p->patience = 0;
    double length_s = length_of(net, p, now_s);
    if (!(length_s > 0)) {
        p->patience = PATIENCE;
        p->last_window_s = 0;
        return;
    }
    uint32_t serial = p->serial;
    for (uint32_t round = 0; round < MAX_ROUNDS && cap_ends(net, part, length_s); round++) {
        if (p->n)
            flow_part_touch(net, p->order[0], now_s);
        flow_solve_parts(net, now_s);
        p = &net->parts[part];
        if (!p->used || p->serial != serial) { /* it has met another part */
            give_up(net, now_s);
            return;
        }
    }
    finish_opening(net, part, length_s, now_s);
}

/* --- closing ------------------------------------------------------------------------------------------ */

double flow_window_next(const struct flow_part *p)
{
    double end_s = p->since_s + p->window_s;
    return p->next_ending < p->n_endings ? fmin(end_s, p->endings[p->next_ending].end_s) : end_s;
}

void flow_window_close(struct flow_net *net, uint32_t part, double now_s)
{
    struct flow_part *p = &net->parts[part];
    double length_s = p->window_s, passed_s = fmin(now_s - p->since_s, length_s);
    for (uint32_t i = 0; i < p->n; i++) {
        struct flow_link *l = &net->links[p->order[i]];
        l->clock_B += curve_B(l, length_s, passed_s);
    }
    struct flow_ending *endings = p->endings;
    uint32_t next = p->next_ending, n = p->n_endings;
    p->window_s = 0;
    p->last_window_s = length_s;
    p->since_s = now_s;
    p->n_endings = p->next_ending = 0;
    p->from = 0;
    flow_part_dirty(net, part);
    event_queue_set(&net->queue, part, INFINITY); /* until the next solution */
    p->endings = NULL;                            /* joining may open another */
    p->cap_endings = 0;
    for (; next < n; next++) {
        const struct flow_ending *e = &endings[next];
        const struct flow_link *l = &net->links[e->link];
        bool limits = l->part == part && l->own.n && l->level_Bps > 0;
        rejoin(net, e, limits ? curve_B(l, length_s, passed_s) : e->before_Bps * passed_s, now_s);
    }
    free(endings);
}

/* Flows whose end has come; at its own end the window is over. */
void flow_window_advance(struct flow_net *net, uint32_t part, double now_s)
{
    struct flow_part *p = &net->parts[part];
    while (p->next_ending < p->n_endings && p->endings[p->next_ending].end_s <= now_s) {
        const struct flow_ending *e = &p->endings[p->next_ending++];
        load_links(net, e->flow, e->level_Bps, -1);
        flow_end_now(net, e->flow, e->link);
        if (net->watched.n) /* loads are reported by the next solution */
            flow_part_changed(net, part);
    }
    if (now_s >= p->since_s + p->window_s)
        flow_window_close(net, part, now_s);
    else
        event_queue_set(&net->queue, part, flow_window_next(p));
}

void flow_windows_close(struct flow_net *net, double now_s)
{
    for (uint32_t part = 0; part < net->n_parts; part++)
        if (net->parts[part].used && net->parts[part].window_s > 0)
            flow_window_close(net, part, now_s);
}

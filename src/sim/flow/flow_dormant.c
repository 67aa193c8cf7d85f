/* Links that provably cannot bind sleep: they are left out of the flows' paths. So flows that differ only there (the
 * NVLink hop in front of the same pair of NICs) share one class, and changes of levels have fewer links to tell. This is
 * exact. There are two proofs, both kept up to date:
 *
 * Behind another: all flows of link l cross link k, which is no wider: l carries no more than k does (the last cable to a
 * NIC, where tables send each destination over one). A flow that crosses l and not k wakes it.
 *
 * By a bound: each flow has a core link, the narrowest of its path, which never sleeps by a bound. The flows of core
 * link k that cross the sleeping link l carry at most
 *     min(capacity_k, weight_kl * level_k)      (level_k: no flow on k has more per weight)
 * and the sum over k bounds the load of l. Whoever limits flows announces a level to the links that they cross, with some
 * room, and announces again when its level exceeds that. Once the bound reaches the capacity, the classes are built anew.
 * Flows that start together have no rates yet: they are built on a guess of level_k, and built again where the rates
 * then show that the guess was too low. */
#include <math.h>
#include <stdlib.h>

#include "base/diag.h"
#include "sim/flow/flow_net_impl.h"

static const double SLEEP_BELOW = 0.8; /* of the capacity: room to grow before the next build */
static const double WAKE_ABOVE = 1 - 1e-6;
static const double CLEARLY_WIDER = 1.2; /* than the core link, or it is not worth a try */
static const double ROOM = 1.05;         /* of announced levels */
static const double CROWDED = 6;         /* flows on a link, on average: fewer are not worth the effort */

/* --- bounds ------------------------------------------------------------------------------------------- */

/* The narrowest link that a flow uses alone. */
static uint32_t core_of(const struct flow_net *net, const struct flow_use *uses, uint32_t n)
{
    uint32_t core = FLOW_NONE;
    for (uint32_t i = 0; i < n; i++) {
        const struct flow_link *l = &net->links[uses[i].link];
        if (uses[i].share == 1 && l->behind == FLOW_NONE &&
            (core == FLOW_NONE || l->capacity_Bps < net->links[core].capacity_Bps))
            core = uses[i].link;
    }
    return core;
}

static bool sleeps_by_bound(const struct flow_link *l)
{
    return l->dormant && l->behind == FLOW_NONE;
}

static double carried_at_most(const struct flow_link *core, double weight, double level_Bps)
{
    return fmin(core->capacity_Bps, weight * level_Bps);
}

static void move_bound(struct flow_net *net, uint32_t link, double by_Bps)
{
    struct flow_link *l = &net->links[link];
    l->bound_Bps += by_Bps;
    if (!l->bound_changed) {
        l->bound_changed = true;
        flow_list_add(&net->bound_changed, link);
    }
}

static struct core_load *crossing_of(struct flow_link *core, uint32_t link)
{
    for (uint32_t i = 0; i < core->n_core; i++)
        if (core->core[i].link == link)
            return &core->core[i];
    XGROW(core->core, core->n_core, core->cap_core);
    core->core[core->n_core] = (struct core_load){.link = link};
    return &core->core[core->n_core++];
}

static void count_crossings(struct flow_net *net, uint32_t flow, double weight)
{
    struct flow_use uses[FLOW_MAX_USES];
    if (!net->n_bounded)
        return;
    uint32_t n = flow_uses(net, flow, uses), id = core_of(net, uses, n);
    for (uint32_t i = 0; i < n && id != FLOW_NONE; i++) {
        if (!sleeps_by_bound(&net->links[uses[i].link]))
            continue;
        struct flow_link *core = &net->links[id];
        struct core_load *x = crossing_of(core, uses[i].link);
        double before_Bps = carried_at_most(core, x->weight, core->bound_level_Bps);
        x->weight = flow_max(0, x->weight + weight * uses[i].share);
        move_bound(net, uses[i].link, carried_at_most(core, x->weight, core->bound_level_Bps) - before_Bps);
    }
}

void flow_dormant_joined(struct flow_net *net, uint32_t flow)
{
    count_crossings(net, flow, net->services[net->flow_service[flow]].weight);
}

void flow_dormant_left(struct flow_net *net, uint32_t flow)
{
    count_crossings(net, flow, -net->services[net->flow_service[flow]].weight);
}

/* --- levels ------------------------------------------------------------------------------------------- */

static void raise_level(struct flow_net *net, uint32_t link, double level_Bps)
{
    struct flow_link *core = &net->links[link];
    if (level_Bps <= core->bound_level_Bps)
        return;
    for (uint32_t i = 0; i < core->n_core; i++) {
        const struct core_load *x = &core->core[i];
        move_bound(net, x->link,
                   carried_at_most(core, x->weight, level_Bps) -
                       carried_at_most(core, x->weight, core->bound_level_Bps));
    }
    core->bound_level_Bps = level_Bps;
}

void flow_dormant_moved(struct flow_net *net, uint32_t link, uint32_t at)
{
    const struct flow_class *c = &net->classes[net->links[link].own.cls[at]];
    for (uint32_t i = 0; net->n_bounded && i < c->n_links; i++)
        raise_level(net, flow_class_links(net, c)[i], net->links[link].announced_Bps);
}

void flow_dormant_announce(struct flow_net *net, uint32_t link)
{
    struct flow_link *l = &net->links[link];
    if (!net->n_bounded || l->level_Bps <= l->announced_Bps)
        return;
    l->announced_Bps = ROOM * l->level_Bps;
    for (uint32_t i = 0; i < l->own.n; i++)
        flow_dormant_moved(net, link, i);
}

bool flow_dormant_violated(struct flow_net *net, bool keep_awake)
{
    bool violated = false;
    for (uint32_t i = 0; i < net->bound_changed.n; i++) {
        struct flow_link *l = &net->links[net->bound_changed.items[i]];
        l->bound_changed = false;
        if (!sleeps_by_bound(l) || l->bound_Bps <= WAKE_ABOVE * l->capacity_Bps)
            continue;
        violated = true;
        if (keep_awake)
            l->awake_call = net->solve_call;
    }
    net->bound_changed.n = 0;
    return violated;
}

/* --- building the classes anew --------------------------------------------------------------------------- */

static bool homeless(const struct flow_net *net, uint32_t flow)
{
    return net->flow_class[flow] == FLOW_HOMELESS;
}

/* Of two links that are equally wide, one sleeps. */
static bool is_narrower(const struct flow_net *net, uint32_t a, uint32_t b)
{
    double a_Bps = net->links[a].capacity_Bps, b_Bps = net->links[b].capacity_Bps;
    return a_Bps < b_Bps || (a_Bps == b_Bps && a < b);
}

static bool has_use(const struct flow_use *uses, uint32_t n, uint32_t link)
{
    for (uint32_t i = 0; i < n; i++)
        if (uses[i].link == link && uses[i].share == 1)
            return true;
    return false;
}

/* Which links all flows of a link cross. */
static void note_behind(const struct flow_net *net, const struct flow_use *uses, uint32_t n, uint32_t link,
                        struct flow_sleeper *s)
{
    uint32_t kept = 0;
    if (!s->seen) {
        s->seen = true;
        for (uint32_t i = 0; i < n && s->n < FLOW_MAX_CANDIDATES; i++)
            if (uses[i].share == 1 && uses[i].link != link && is_narrower(net, uses[i].link, link))
                s->behind[s->n++] = uses[i].link;
        return;
    }
    for (uint32_t i = 0; i < s->n; i++)
        if (has_use(uses, n, s->behind[i]))
            s->behind[kept++] = s->behind[i];
    s->n = kept;
}

/* What the last build has said about links holds for those that it saw. */
static void forget_build(struct flow_net *net)
{
    for (uint32_t i = 0; i < net->built.n; i++) {
        struct flow_link *l = &net->links[net->built.items[i]];
        l->dormant = l->bound_changed = l->built = false;
        l->behind = FLOW_NONE;
        l->bound_Bps = l->announced_Bps = 0;
        l->n_core = 0;
    }
    net->built.n = net->bound_changed.n = net->n_dormant = net->n_bounded = net->n_flows_built = 0;
}

static struct flow_sleeper *sleeper_of(struct flow_net *net, uint32_t link)
{
    struct flow_link *l = &net->links[link];
    if (!l->built) {
        l->built = true;
        l->keep_awake = l->watched || l->awake_call == net->solve_call;
        flow_list_add(&net->built, link);
        net->sleepers[link] = (struct flow_sleeper){0};
    }
    return &net->sleepers[link];
}

static bool find_behind(struct flow_net *net)
{
    struct flow_use uses[FLOW_MAX_USES];
    double n_uses = 0;
    for (uint32_t f = 0; f < net->n_flows; f++) {
        if (!homeless(net, f))
            continue;
        uint32_t n = flow_uses(net, f, uses);
        for (uint32_t i = 0; i < n; i++)
            note_behind(net, uses, n, uses[i].link, sleeper_of(net, uses[i].link));
        net->n_flows_built++;
        n_uses += n;
    }
    if (n_uses < CROWDED * net->built.n)
        return false;
    for (uint32_t i = 0; i < net->built.n; i++) {
        uint32_t link = net->built.items[i];
        if (!net->sleepers[link].n || net->links[link].keep_awake)
            continue;
        net->links[link].behind = net->sleepers[link].behind[0];
        net->links[link].dormant = true;
        net->n_dormant++;
    }
    return true;
}

static void note_crossings(struct flow_net *net, uint32_t flow)
{
    struct flow_use uses[FLOW_MAX_USES];
    uint32_t n = flow_uses(net, flow, uses), core = core_of(net, uses, n);
    double weight = net->services[net->flow_service[flow]].weight;
    for (uint32_t i = 0; i < n; i++) {
        struct flow_link *l = &net->links[uses[i].link];
        net->sleepers[uses[i].link].weight += weight * uses[i].share;
        if (core == FLOW_NONE || uses[i].link == core ||
            l->capacity_Bps < CLEARLY_WIDER * net->links[core].capacity_Bps)
            l->keep_awake = true;
        else if (!l->keep_awake && !l->dormant)
            crossing_of(&net->links[core], uses[i].link)->weight += weight * uses[i].share;
    }
}

static void sum_bounds(struct flow_net *net)
{
    for (uint32_t k = 0; k < net->built.n; k++) {
        const struct flow_link *core = &net->links[net->built.items[k]];
        for (uint32_t i = 0; i < core->n_core; i++)
            net->links[core->core[i].link].bound_Bps +=
                carried_at_most(core, core->core[i].weight, core->bound_level_Bps);
    }
}

static void put_to_sleep(struct flow_net *net)
{
    for (uint32_t i = 0; i < net->built.n; i++) {
        struct flow_link *l = &net->links[net->built.items[i]];
        if (l->dormant || l->keep_awake || !(l->bound_Bps > 0) || l->bound_Bps > SLEEP_BELOW * l->capacity_Bps)
            continue;
        l->dormant = true;
        net->n_dormant++;
        net->n_bounded++;
    }
    for (uint32_t k = 0; k < net->built.n; k++) {
        struct flow_link *core = &net->links[net->built.items[k]];
        uint32_t n = 0;
        for (uint32_t i = 0; i < core->n_core; i++)
            if (net->links[core->core[i].link].dormant)
                core->core[n++] = core->core[i];
        core->n_core = n;
    }
}

/* What flows have at most on each link, before the classes go. */
static void note_levels(struct flow_net *net)
{
    for (uint32_t i = 0; i < net->used.n; i++)
        net->links[net->used.items[i]].bound_level_Bps = 0;
    for (uint32_t cls = 0; cls < net->n_classes; cls++) {
        const struct flow_class *c = &net->classes[cls];
        double level_Bps = c->n ? flow_class_level(net, cls) : 0;
        for (uint32_t i = 0; level_Bps > 0 && i < c->n_links; i++) {
            struct flow_link *l = &net->links[flow_class_links(net, c)[i]];
            l->bound_level_Bps = flow_max(l->bound_level_Bps, level_Bps);
        }
    }
}

/* As if every link were the bottleneck of all flows on it. */
static void guess_levels(struct flow_net *net)
{
    for (uint32_t i = 0; i < net->built.n; i++) {
        uint32_t link = net->built.items[i];
        if (net->sleepers[link].weight > 0)
            net->links[link].bound_level_Bps = net->links[link].capacity_Bps / net->sleepers[link].weight;
    }
}

static void decide_sleepers(struct flow_net *net, bool guess)
{
    if (!find_behind(net))
        return;
    for (uint32_t f = 0; f < net->n_flows; f++)
        if (homeless(net, f))
            note_crossings(net, f);
    if (guess)
        guess_levels(net);
    sum_bounds(net);
    put_to_sleep(net);
}

/* When all flows have started, on average: those of parts, and those that just do. */
static double mean_begin_s(const struct flow_net *net, double now_s)
{
    double sum_s = 0, n = 0;
    for (uint32_t f = 0; f < net->n_flows; f++)
        n += homeless(net, f);
    sum_s = n * now_s;
    for (uint32_t part = 0; part < net->n_parts; part++) {
        if (!net->parts[part].used)
            continue;
        sum_s += net->parts[part].n_members * net->parts[part].begun_s;
        n += net->parts[part].n_members;
    }
    return n > 0 ? sum_s / n : now_s;
}

static void build(struct flow_net *net, bool guess, double now_s)
{
    uint32_t classes_before = net->live_classes;
    flow_windows_close(net, now_s);
    net->stats.rebuilds++;
    net->regroup = false;
    note_levels(net);
    net->rebuilt_begun_s = mean_begin_s(net, now_s);
    net->rebuilt = true;
    flow_class_drop_all(net, now_s);
    forget_build(net);
    if (net->n_priorities == 1)
        decide_sleepers(net, guess);
    for (uint32_t f = 0; f < net->n_flows; f++)
        if (homeless(net, f))
            flow_class_join(net, f, net->heap.key[f], now_s);
    net->rebuild_factor = net->live_classes > 0.75 * classes_before ? 2 * net->rebuild_factor : 1;
    net->visits_at_rebuild = net->stats.visits;
}

void flow_rebuild(struct flow_net *net, double now_s)
{
    build(net, false, now_s);
}

void flow_build_started(struct flow_net *net, double now_s)
{
    build(net, true, now_s);
    net->rebuild_factor = 1;
}

/* A build costs about as much as looking at every flow a few times. */
bool flow_rebuild_pays(const struct flow_net *net)
{
    double work = (double)(net->stats.visits - net->visits_at_rebuild);
    return net->live_classes > 64 && net->n_priorities == 1 && work > net->rebuild_factor * 100 * net->n_active;
}

/* Whether it pays to decide anew who can sleep before these flows join: they crowd links that the last build has not
 * seen, or are many more than it has seen. */
bool flow_build_is_old(struct flow_net *net, uint32_t first, uint32_t n)
{
    struct flow_use uses[FLOW_MAX_USES];
    uint32_t n_links = 0, n_new = 0, stamp = ++net->loose_stamp;
    double n_all = 0;
    for (uint32_t f = first; f != FLOW_NONE; f = net->heap.sibling[f]) {
        uint32_t n_uses = flow_uses(net, f, uses);
        n_all += n_uses;
        for (uint32_t i = 0; i < n_uses; i++) {
            struct flow_link *l = &net->links[uses[i].link];
            n_links += l->loose_stamp != stamp;
            n_new += l->loose_stamp != stamp && !l->built;
            l->loose_stamp = stamp;
        }
    }
    return n_all >= CROWDED * n_links && (n_new || n > 2 * net->n_flows_built);
}

/* --- disturbances ---------------------------------------------------------------------------------------- */

bool flow_dormant_disturbed(struct flow_net *net, uint32_t flow)
{
    struct flow_use uses[FLOW_MAX_USES];
    uint32_t n = flow_uses(net, flow, uses), core = core_of(net, uses, n);
    bool disturbed = false;
    for (uint32_t i = 0; i < n; i++) {
        struct flow_link *l = &net->links[uses[i].link];
        bool alone = l->behind != FLOW_NONE && !has_use(uses, n, l->behind);
        if (!l->dormant || (!alone && uses[i].link != core))
            continue;
        l->awake_call = net->solve_call;
        disturbed = true;
    }
    return disturbed;
}

void flow_wake(struct flow_net *net, uint32_t link, double now_s)
{
    bool asleep = net->links[link].dormant;
    net->links[link].awake_call = net->solve_call;
    for (uint32_t i = 0; i < net->built.n; i++)
        if (net->links[net->built.items[i]].behind == link) {
            net->links[net->built.items[i]].awake_call = net->solve_call;
            asleep = true;
        }
    if (asleep)
        flow_rebuild(net, now_s);
}

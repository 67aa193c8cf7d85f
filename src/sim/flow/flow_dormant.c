/* Links that provably cannot bind sleep: they are left out of the flows' paths, so flows that
 * differ only there (the NVLink hop in front of the same pair of NICs) share one class. This is exact.
 *
 * The proof, kept up to date at every change of rates: each flow has a core link, the narrowest of
 * its path, which never sleeps. The flows of core link k that cross the sleeping link l carry at most
 *     min(capacity_k, weight_kl * level_k)      (level_k: the largest rate per weight on k)
 * and the sum over k bounds the load of l. Once the bound reaches the capacity, the classes are built
 * anew. Flows that start together have no rates yet: they are built on a guess of level_k, and built
 * again where the rates then show that the guess was too low. */
#include <math.h>

#include "base/diag.h"
#include "sim/flow/flow_net_impl.h"

static const double SLEEP_BELOW = 0.8; /* of the capacity: room to grow before the next build */
static const double WAKE_ABOVE = 1 - 1e-6;
static const double CLEARLY_WIDER = 1.2; /* than the core link, or it is not worth a try */

uint32_t flow_core_link(const struct flow_net *net, uint32_t flow)
{
    const uint32_t *path = net->spans.words + net->flow_path[flow];
    uint32_t core = FLOW_NONE;
    for (uint32_t i = 0; i < net->flow_n_links[flow]; i++)
        if (core == FLOW_NONE || net->links[path[i]].capacity_Bps < net->links[core].capacity_Bps)
            core = path[i];
    return core;
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
        net->bound_changed[net->n_bound_changed++] = link;
    }
}

static struct core_load *crossing_of(struct flow_link *core, uint32_t link)
{
    for (uint32_t i = 0; i < core->n_crossing; i++)
        if (core->crossing[i].link == link)
            return &core->crossing[i];
    XGROW(core->crossing, core->n_crossing, core->cap_crossing);
    core->crossing[core->n_crossing] = (struct core_load){.link = link};
    return &core->crossing[core->n_crossing++];
}

static void count_crossings(struct flow_net *net, uint32_t flow, double weight)
{
    uint32_t id = flow_core_link(net, flow);
    if (id == FLOW_NONE)
        return;
    struct flow_link *core = &net->links[id];
    const uint32_t *path = net->spans.words + net->flow_path[flow];
    for (uint32_t i = 0; i < net->flow_n_links[flow]; i++) {
        if (!net->links[path[i]].dormant)
            continue;
        struct core_load *x = crossing_of(core, path[i]);
        double before_Bps = carried_at_most(core, x->weight, core->bound_level_Bps);
        x->weight = flow_max(0, x->weight + weight);
        move_bound(net, path[i], carried_at_most(core, x->weight, core->bound_level_Bps) - before_Bps);
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

void flow_dormant_level_changed(struct flow_net *net, uint32_t link)
{
    struct flow_link *core = &net->links[link];
    double old_level_Bps = core->bound_level_Bps;
    core->bound_level_Bps = core->max_level_Bps;
    for (uint32_t i = 0; i < core->n_crossing; i++) {
        const struct core_load *x = &core->crossing[i];
        move_bound(net, x->link,
                   carried_at_most(core, x->weight, core->max_level_Bps) -
                       carried_at_most(core, x->weight, old_level_Bps));
    }
}

bool flow_dormant_violated(struct flow_net *net, bool keep_awake)
{
    bool violated = false;
    for (uint32_t i = 0; i < net->n_bound_changed; i++) {
        struct flow_link *l = &net->links[net->bound_changed[i]];
        l->bound_changed = false;
        if (!l->dormant || l->bound_Bps <= WAKE_ABOVE * l->capacity_Bps)
            continue;
        violated = true;
        if (keep_awake)
            l->awake_call = net->solve_call;
    }
    net->n_bound_changed = 0;
    return violated;
}

static void note_crossings(struct flow_net *net, uint32_t flow)
{
    uint32_t core = flow_core_link(net, flow);
    if (core == FLOW_NONE)
        return;
    const uint32_t *path = net->spans.words + net->flow_path[flow];
    double narrow_Bps = net->links[core].capacity_Bps;
    double weight = net->services[net->flow_service[flow]].weight;
    for (uint32_t i = 0; i < net->flow_n_links[flow]; i++) {
        struct flow_link *l = &net->links[path[i]];
        l->open_weight += weight;
        if (path[i] == core || l->capacity_Bps < CLEARLY_WIDER * narrow_Bps)
            l->keep_awake = true;
        else if (!l->keep_awake)
            crossing_of(&net->links[core], path[i])->weight += weight;
    }
}

static void clear_links(struct flow_net *net)
{
    for (uint32_t i = 0; i < net->n_links; i++) {
        struct flow_link *l = &net->links[i];
        l->dormant = l->bound_changed = false;
        l->bound_Bps = l->open_weight = 0;
        l->n_crossing = 0;
        l->keep_awake = l->watched || l->failed || l->awake_call == net->solve_call;
    }
    net->n_bound_changed = net->n_dormant = 0;
}

static void sum_bounds(struct flow_net *net)
{
    for (uint32_t k = 0; k < net->n_links; k++) {
        struct flow_link *core = &net->links[k];
        core->bound_level_Bps = core->max_level_Bps;
        for (uint32_t i = 0; i < core->n_crossing; i++)
            net->links[core->crossing[i].link].bound_Bps +=
                carried_at_most(core, core->crossing[i].weight, core->max_level_Bps);
    }
}

static void put_to_sleep(struct flow_net *net)
{
    for (uint32_t i = 0; i < net->n_links; i++) {
        struct flow_link *l = &net->links[i];
        l->dormant = !l->keep_awake && l->bound_Bps > 0 && l->bound_Bps <= SLEEP_BELOW * l->capacity_Bps;
        net->n_dormant += l->dormant;
    }
    for (uint32_t k = 0; k < net->n_links; k++) {
        struct flow_link *core = &net->links[k];
        uint32_t n = 0;
        for (uint32_t i = 0; i < core->n_crossing; i++)
            if (net->links[core->crossing[i].link].dormant)
                core->crossing[n++] = core->crossing[i];
        core->n_crossing = n;
    }
}

static bool homeless(const struct flow_net *net, uint32_t flow)
{
    return net->flow_class[flow] == FLOW_HOMELESS;
}

/* Where nobody is limited, the ripple leaves an upper bound that may have got loose. */
static void tighten_max_levels(struct flow_net *net)
{
    for (uint32_t i = 0; i < net->n_links; i++) {
        struct flow_link *l = &net->links[i];
        double max_Bps = 0;
        for (uint32_t k = 0; k < l->n && l->clock[0] == CLOCK_NONE; k++)
            max_Bps = flow_max(max_Bps, flow_class_level(net, l->list[k].cls));
        if (l->clock[0] == CLOCK_NONE)
            l->max_level_Bps = max_Bps;
    }
}

/* As if every link were the bottleneck of all flows on it. */
static void guess_max_levels(struct flow_net *net)
{
    for (uint32_t i = 0; i < net->n_links; i++)
        if (net->links[i].open_weight > 0)
            net->links[i].max_level_Bps = net->links[i].capacity_Bps / net->links[i].open_weight;
}

static void build(struct flow_net *net, bool guess, double now_s)
{
    uint32_t classes_before = net->live_classes;
    net->stats.rebuilds++;
    tighten_max_levels(net);
    flow_class_drop_all(net, now_s);
    clear_links(net);
    if (net->n_priorities == 1) {
        for (uint32_t f = 0; f < net->n_flows; f++)
            if (homeless(net, f))
                note_crossings(net, f);
        if (guess)
            guess_max_levels(net);
        sum_bounds(net);
        put_to_sleep(net);
    }
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
    return net->live_classes > 64 && net->n_priorities == 1 && work > net->rebuild_factor * 10 * net->n_active;
}

void flow_wake(struct flow_net *net, uint32_t link, double now_s)
{
    net->links[link].awake_call = net->solve_call;
    if (net->links[link].dormant)
        flow_rebuild(net, now_s);
}

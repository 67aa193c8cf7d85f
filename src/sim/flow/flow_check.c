/* Checked runs: the conditions a solution must meet, from scratch, at every event. */
#include <math.h>
#include <stdlib.h>

#include "base/diag.h"
#include "sim/flow/flow_net_impl.h"

static double tolerance(const struct flow_net *net)
{
    return fmax(1e-9, 2 * net->config.epsilon);
}

static double rate_of(const struct flow_net *net, uint32_t cls)
{
    return flow_class_weight(net, &net->classes[cls]) * flow_class_level(net, cls);
}

static void add_load(const struct flow_net *net, uint32_t flow, double rate_Bps, double *load_Bps)
{
    const uint32_t *path = net->spans.words + net->flow_path[flow];
    for (uint32_t i = 0; i < net->flow_n_path[flow]; i++) {
        if (!(path[i] & FLOW_SPREAD)) {
            load_Bps[path[i]] += rate_Bps;
            continue;
        }
        const struct flow_spread *s = &net->spreads[path[i] & ~FLOW_SPREAD];
        for (uint32_t k = 0; k < s->n; k++)
            load_Bps[s->links[k]] += rate_Bps * s->shares[k];
    }
}

/* Loads over full paths, sleeping links and all members of groups included. */
static void check_capacity(const struct flow_net *net)
{
    double *load_Bps = XREALLOC(NULL, double, net->n_real);
    for (uint32_t i = 0; i < net->n_real; i++)
        load_Bps[i] = 0;
    for (uint32_t f = 0; f < net->n_flows; f++)
        if (net->flow_class[f] < FLOW_HOMELESS)
            add_load(net, f, rate_of(net, net->flow_class[f]), load_Bps);
    for (uint32_t part = 0; part < net->n_parts; part++)
        for (uint32_t i = net->parts[part].next_ending; i < net->parts[part].n_endings; i++) {
            const struct flow_ending *e = &net->parts[part].endings[i];
            add_load(net, e->flow, net->services[net->flow_service[e->flow]].weight * e->level_Bps, load_Bps);
        }
    for (uint32_t i = 0; i < net->n_real; i++)
        if (load_Bps[i] > net->real_Bps[i] * (1 + tolerance(net)) + 1e-6)
            BUG("link %u carries %g B/s of %g B/s", i, load_Bps[i], net->real_Bps[i]);
    free(load_Bps);
}

struct link_truth { /* of one of the solver's links, from its classes */
    double load_Bps;
    double most_Bps; /* the largest level of those that it can limit */
};

static struct link_truth *truth_of(const struct flow_net *net)
{
    struct link_truth *all = XREALLOC(NULL, struct link_truth, net->n_links);
    memset(all, 0, net->n_links * sizeof *all);
    for (uint32_t cls = 0; cls < net->n_classes; cls++) {
        const struct flow_class *c = &net->classes[cls];
        for (uint32_t i = 0; c->n && i < c->n_links; i++) {
            struct link_truth *t = &all[flow_class_links(net, c)[i]];
            t->load_Bps += c->n * rate_of(net, cls) * flow_class_share(net, c, i);
            if (i < c->n_limits)
                t->most_Bps = flow_max(t->most_Bps, flow_class_level(net, cls));
        }
    }
    return all;
}

static void check_bottleneck(const struct flow_net *net, uint32_t cls, const struct link_truth *all)
{
    const struct flow_class *c = &net->classes[cls];
    BUG_IF(!c->owned);
    const struct flow_link *l = &net->links[c->owner];
    const struct link_truth *t = &all[c->owner];
    if (t->most_Bps > l->level_Bps * (1 + tolerance(net)) + 1e-9)
        BUG("class %u has %g B/s per weight at its bottleneck, another class has %g", cls, l->level_Bps, t->most_Bps);
    if (t->load_Bps < l->capacity_Bps * (1 - tolerance(net)))
        BUG("bottleneck %u of class %u carries only %g of %g B/s", c->owner, cls, t->load_Bps, l->capacity_Bps);
    if (fabs(t->load_Bps - net->background_Bps[c->owner] - l->own_use * l->level_Bps) >
        tolerance(net) * l->capacity_Bps)
        BUG("link %u is booked with %g B/s and carries %g B/s", c->owner,
            net->background_Bps[c->owner] + l->own_use * l->level_Bps, t->load_Bps);
}

/* With an epsilon only capacities are checked: in a window some have less than max-min rates. */
void flow_check_solution(struct flow_net *net)
{
    check_capacity(net);
    if (net->config.epsilon > 0)
        return;
    struct link_truth *all = truth_of(net);
    for (uint32_t cls = 0; cls < net->n_classes; cls++)
        if (net->classes[cls].n)
            check_bottleneck(net, cls, all);
    free(all);
}

/* Conservation: what the rates delivered is what the flows asked for, less what is still due. */
void flow_check_advance(struct flow_net *net, double now_s)
{
    double left_B = 0;
    if (net->config.epsilon > 0)
        return;
    for (uint32_t part = 0; part < net->n_parts; part++)
        if (net->parts[part].used)
            flow_part_advance(net, part, now_s);
    for (uint32_t cls = 0; cls < net->n_classes; cls++)
        if (net->classes[cls].n)
            net->checked_delivered_B += net->classes[cls].n * rate_of(net, cls) * (now_s - net->checked_time_s);
    net->checked_time_s = now_s;
    for (uint32_t f = 0; f < net->n_flows; f++) {
        if (net->flow_class[f] >= FLOW_HOMELESS)
            continue;
        const struct flow_class *c = &net->classes[net->flow_class[f]];
        double served_B = net->heap.key[c->heap] - flow_class_left_B(net, net->flow_class[f]);
        left_B += flow_class_weight(net, c) * (net->heap.key[f] - served_B);
    }
    double missing_B = net->checked_due_B - net->checked_delivered_B - left_B;
    if (fabs(missing_B) > tolerance(net) * net->checked_due_B + 1e-3)
        BUG("%g of %g bytes got lost", missing_B, net->checked_due_B);
}

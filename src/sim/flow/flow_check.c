/* Checked runs: the conditions a solution must meet, from scratch, at every event. */
#include <math.h>
#include <stdlib.h>

#include "base/diag.h"
#include "sim/flow/flow_net_impl.h"

/* With an epsilon a link's load may be off by that share of it before its level moves. */
static double tolerance(const struct flow_net *net)
{
    return fmax(1e-9, 2 * net->config.epsilon);
}

static double rate_of(const struct flow_net *net, uint32_t cls)
{
    return net->classes[cls].weight * flow_class_level(net, cls);
}

/* Loads over full paths, sleeping links included. */
static void check_capacity(const struct flow_net *net)
{
    double *load = XREALLOC(NULL, double, net->n_links);
    for (uint32_t i = 0; i < net->n_links; i++)
        load[i] = 0;
    for (uint32_t f = 0; f < net->n_flows; f++) {
        uint32_t cls = net->flow_class[f];
        for (uint32_t i = 0; cls < FLOW_HOMELESS && i < net->flow_n_links[f]; i++)
            load[net->spans.words[net->flow_path[f] + i]] += rate_of(net, cls);
    }
    for (uint32_t i = 0; i < net->n_links; i++)
        if (load[i] > net->links[i].capacity_Bps * (1 + tolerance(net)))
            BUG("link %u carries %g B/s of %g B/s", i, load[i], net->links[i].capacity_Bps);
    free(load);
}

static void check_bottleneck(const struct flow_net *net, uint32_t cls)
{
    const struct flow_class *c = &net->classes[cls];
    BUG_IF(c->clock == CLOCK_NONE);
    uint32_t link = net->clocks[c->clock].link;
    double level = flow_class_level(net, cls), load = 0;
    if (link == FLOW_NONE) {
        double cap_Bps = net->services[c->service].cap_Bps;
        BUG_IF(fabs(rate_of(net, cls) - cap_Bps) > tolerance(net) * cap_Bps);
        return;
    }
    const struct flow_link *l = &net->links[link];
    for (uint32_t i = 0; i < l->n; i++) {
        uint32_t other = l->list[i].cls;
        const struct flow_class *o = &net->classes[other];
        if (o->priority <= c->priority)
            load += o->n * rate_of(net, other);
        if (o->priority == c->priority && flow_class_level(net, other) > level * (1 + tolerance(net)) + 1e-9)
            BUG("class %u has %g B/s per weight at its bottleneck, class %u has %g", cls, level, other,
                flow_class_level(net, other));
    }
    if (load < l->capacity_Bps * (1 - tolerance(net)))
        BUG("bottleneck %u of class %u carries only %g of %g B/s", link, cls, load, l->capacity_Bps);
}

/* Levels that were let be are no max-min solution to rounding: with an epsilon only capacities are checked. */
void flow_check_solution(struct flow_net *net)
{
    check_capacity(net);
    for (uint32_t cls = 0; net->config.epsilon == 0 && cls < net->n_classes; cls++)
        if (net->classes[cls].n)
            check_bottleneck(net, cls);
}

/* Conservation: what the rates delivered is what the flows asked for, less what is still due. */
void flow_check_advance(struct flow_net *net, double now_s)
{
    double left_B = 0;
    for (uint32_t cls = 0; cls < net->n_classes; cls++)
        if (net->classes[cls].n)
            net->checked_delivered_B += net->classes[cls].n * rate_of(net, cls) * (now_s - net->checked_time_s);
    net->checked_time_s = now_s;
    for (uint32_t f = 0; f < net->n_flows; f++)
        if (net->flow_class[f] < FLOW_HOMELESS)
            left_B += net->classes[net->flow_class[f]].weight *
                      (net->heap.key[f] - flow_class_served(net, net->flow_class[f], now_s));
    double missing_B = net->checked_due_B - net->checked_delivered_B - left_B;
    if (fabs(missing_B) > tolerance(net) * net->checked_due_B + 1e-3)
        BUG("%g of %g bytes got lost", missing_B, net->checked_due_B);
}

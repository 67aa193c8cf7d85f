/* Checked runs: the conditions a solution must meet, from scratch, at every event. */
#include <math.h>
#include <stdlib.h>

#include "base/diag.h"
#include "sim/flow_net_impl.h"

static const double TOLERANCE = 1e-9;

/* Loads over full paths, sleeping links included. */
static void check_capacity(const struct flow_net *net)
{
    double *load = XREALLOC(NULL, double, net->n_links);
    for (uint32_t i = 0; i < net->n_links; i++)
        load[i] = 0;
    for (uint32_t f = 0; f < net->n_flows; f++) {
        uint32_t cls = net->flow_class[f];
        for (uint32_t i = 0; cls < FLOW_HOMELESS && i < net->flow_n_links[f]; i++)
            load[net->spans.words[net->flow_path[f] + i]] += net->classes[cls].rate_Bps;
    }
    for (uint32_t i = 0; i < net->n_links; i++)
        if (load[i] > net->links[i].capacity_Bps * (1 + TOLERANCE))
            BUG("link %u carries %g B/s of %g B/s", i, load[i], net->links[i].capacity_Bps);
    free(load);
}

static void check_bottleneck(const struct flow_net *net, uint32_t cls)
{
    const struct flow_class *c = &net->classes[cls];
    const struct flow_service *s = &net->services[c->service];
    if (c->bottleneck == BOTTLENECK_CAP) {
        BUG_IF(fabs(c->rate_Bps - s->cap_Bps) > TOLERANCE * s->cap_Bps);
        return;
    }
    BUG_IF(c->bottleneck == BOTTLENECK_NONE);
    const struct flow_link *l = &net->links[c->bottleneck];
    double level = c->rate_Bps / s->weight, load = 0;
    for (uint32_t i = 0; i < l->n; i++) {
        const struct flow_class *o = &net->classes[l->list[i].cls];
        const struct flow_service *os = &net->services[o->service];
        if (os->priority <= s->priority)
            load += o->n * o->rate_Bps;
        if (os->priority == s->priority &&
            o->rate_Bps / os->weight > level * (1 + TOLERANCE) + 1e-9)
            BUG("class %u has %g B/s per weight at its bottleneck, class %u has %g", cls, level,
                l->list[i].cls, o->rate_Bps / os->weight);
    }
    if (load < l->capacity_Bps * (1 - TOLERANCE))
        BUG("bottleneck %u of class %u carries only %g of %g B/s", c->bottleneck, cls, load,
            l->capacity_Bps);
}

void flow_check_solution(struct flow_net *net)
{
    check_capacity(net);
    for (uint32_t cls = 0; cls < net->n_classes; cls++)
        if (net->classes[cls].n)
            check_bottleneck(net, cls);
}

/* Conservation: what the rates delivered is what the flows asked for, less what is still due. */
void flow_check_advance(struct flow_net *net, double now_s)
{
    double left_B = 0;
    for (uint32_t cls = 0; cls < net->n_classes; cls++)
        if (net->classes[cls].n)
            net->checked_delivered_B += net->classes[cls].n * net->classes[cls].rate_Bps *
                                        (now_s - net->checked_time_s);
    net->checked_time_s = now_s;
    for (uint32_t f = 0; f < net->n_flows; f++)
        if (net->flow_class[f] < FLOW_HOMELESS)
            left_B += net->heap.key[f] - flow_class_served(net, net->flow_class[f], now_s);
    double missing_B = net->checked_due_B - net->checked_delivered_B - left_B;
    if (fabs(missing_B) > TOLERANCE * net->checked_due_B + 1e-3)
        BUG("%g of %g bytes got lost", missing_B, net->checked_due_B);
}

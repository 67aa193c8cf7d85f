/* Bandwidth of memory that kernels of a chunk and its exchanges share.
 *
 * GEMMs and attention take what they read and write over their time; an exchange holds what its tokens' way through memory
 * takes when links are full (ep_load.c). The executor shares what there is (sim/exec/). Passes keep their times: their
 * shares of bandwidth were recorded beside exchanges (cluster.kernels.pass), and so were all kernels of a trace. */
#include "models/chunk/chunk_memory.h"

#include <math.h>

#include "models/comm/ep_exchange.h"
#include "models/trace.h"

float chunk_memory_of_kernel(const struct cluster_hw *hw, const struct kernel_call *call, const struct kernel_time *t)
{
    double most_B = t->time_s * hw->chip.memory_Bps * hw->kernels.pass.copy_ratio;
    return kernel_is_pass(call->family) || !(most_B > 0) ? 0 : (float)fmin(1, t->bytes_B / most_B);
}

/* False: nobody to exchange with. */
static bool traffic_of(const struct chunk_work *w, struct arena *arena, struct ep_traffic *out)
{
    const struct expert_facts *e = &w->model->experts;
    struct ep_group group = {w->group * w->etp, 0, (uint32_t)w->hw->node.gpus};
    struct ep_choices choices = {
        .experts = e->routed, .top_k = e->top_k, .groups = e->groups, .top_groups = e->top_groups, .tokens = 1};
    if (group.ranks < 2)
        return false;
    ep_traffic_means(&group, &choices, arena, out);
    return true;
}

static double held_by(const struct chunk_work *w, const struct ep_traffic *traffic, enum ep_phase phase)
{
    struct ep_exchange x;
    const char *const formats[2] = {"fp8", "bf16"};
    ep_exchange_cost(&x, w->exchange ? w->exchange->kernel : ep_kernel_find("deepep_normal_2025_02"),
                     &(struct ep_call){.hw = w->hw,
                                       .traffic = traffic,
                                       .phase = phase,
                                       .tokens = w->sequences * w->length / (w->tp * w->cp),
                                       .hidden = w->model->hidden,
                                       .top_k = w->model->experts.top_k,
                                       .experts = w->model->experts.routed,
                                       .sms = (double)w->hw->ep_kernel.sms,
                                       .format = w->exchange ? w->exchange->format[phase] : formats[phase]});
    return ep_exchange_memory_ratio(&x);
}

void chunk_memory_share(const struct chunk_work *w, struct chunk_program *p, struct arena *arena)
{
    double held[2] = {0, 0}, most = 0;
    struct ep_traffic traffic;
    if (traffic_of(w, arena, &traffic)) {
        held[0] = held_by(w, &traffic, EP_DISPATCH);
        held[1] = held_by(w, &traffic, EP_COMBINE);
    }
    for (uint32_t i = 0; i < p->n_kernels; i++)
        most = fmax(most, p->kernels[i].memory);
    bool shared = most + fmax(held[0], held[1]) > 1;
    for (uint32_t i = 0; i < p->n_kernels; i++) {
        struct chunk_kernel *k = &p->kernels[i];
        if (!shared)
            k->memory = 0;
        else if (chunk_is_exchange(k))
            k->memory = (float)held[k->collective == COLL_COMBINE];
    }
}

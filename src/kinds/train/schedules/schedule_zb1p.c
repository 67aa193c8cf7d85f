/* ZB1P: 1F1B with the backward chunk split in two (ZB-H1 of Qi et al., Zero Bubble Pipeline Parallelism, ICLR
 * 2024). Gradients of inputs go on at once; those of weights wait, at rank r for r micro-batches, so that every
 * rank holds as many activations as the first one does under 1F1B. Outputs are sent without waiting for them to
 * be received (runtime.py of sail-sg/zero-bubble-pipeline-parallelism). */
#include "kinds/train/schedules/one_way.h"

static void plan(struct schedule_builder *b)
{
    one_way_warm_up(b);
    while (b->backward[0] < b->micro_batches) {
        one_way_forward(b);
        one_way_backward(b, true);
        if (b->backward[0] > b->rank)
            schedule_weight(b);
    }
    while (b->first_owed < b->n_owed)
        schedule_weight(b);
}

static double bubble(uint32_t ranks, const struct schedule_times *t)
{
    return (ranks - 1) * (t->forward_s + t->backward_s - 2 * t->weight_s);
}

const struct schedule_type schedule_zb1p = {
    .name = "zb1p",
    .doc = "1F1B with weight gradients in the gaps (zero bubble, ZB-H1)",
    .ref = "4.2",
    .modules = 1,
    .misfit = one_way_misfit,
    .place = one_way_place,
    .plan = plan,
    .bubble = bubble,
};

/* 1F1B, non-interleaved (Narayanan et al., SC'21; Megatron-LM's schedules.py): a rank begins with a forward chunk
 * for each rank behind it, then alternates. Sending an output and receiving the next input are one exchange that
 * is waited for. */
#include "kinds/train/schedules/one_way.h"

static void plan(struct schedule_builder *b)
{
    one_way_warm_up(b);
    while (b->backward[0] < b->micro_batches) {
        one_way_forward(b);
        one_way_backward(b, false);
    }
}

static double bubble(uint32_t ranks, const struct schedule_times *t)
{
    return (ranks - 1) * (t->forward_s + t->backward_s);
}

const struct schedule_type schedule_1f1b = {
    .name = "1f1b",
    .doc = "one forward, one backward",
    .ref = "4.2",
    .modules = 1,
    .waits_for_sends = true,
    .misfit = one_way_misfit,
    .place = one_way_place,
    .plan = plan,
    .bubble = bubble,
};

/* Interleaved 1F1B in which the forward chunk of one micro-batch runs together with the backward chunk of another, the
 * exchange of each beside the computation of the other (Megatron-LM, --overlap-moe-expert-parallel-comm:
 * core/pipeline_parallel/combined_1f1b.py). */
#include "kinds/train/schedules/interleaved.h"

static void plan(struct schedule_builder *b)
{
    interleaved_plan(b, true);
}

const struct schedule_type schedule_interleaved_pairs = {
    .name = "interleaved_pairs",
    .doc = "interleaved, forward and backward overlapped",
    .ref = "4.2",
    .misfit = interleaved_misfit,
    .place = interleaved_place,
    .plan = plan,
    .bubble = interleaved_bubble,
};

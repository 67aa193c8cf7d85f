/* Interleaved 1F1B, a chunk at a time (interleaved.h). */
#include "kinds/train/schedules/interleaved.h"

static void plan(struct schedule_builder *b)
{
    interleaved_plan(b, false);
}

const struct schedule_type schedule_interleaved = {
    .name = "interleaved",
    .doc = "1F1B with train.virtual_stages stages on each rank",
    .ref = "4.2",
    .misfit = interleaved_misfit,
    .place = interleaved_place,
    .plan = plan,
    .bubble = interleaved_bubble,
};

/* DualPipe (paper 4.2; DeepSeek-V3 report 3.2.1): micro-batches enter at both ends of the pipeline. Rank r has
 * stage r for those that come from the first rank and stage ranks - 1 - r for those from the last one. */
#include <stdio.h>

#include "kinds/train/schedules/dual.h"

static const char *misfit(const struct schedule_shape *shape, char *buf, size_t size)
{
    uint32_t ranks = shape->ranks, micro_batches = shape->micro_batches;
    if (ranks % 2) {
        snprintf(buf, size, "dualpipe needs an even number of pipeline ranks, not %u", ranks);
        return buf;
    }
    if (micro_batches % 2 || micro_batches < 2 * ranks) {
        snprintf(buf, size, "dualpipe on %u ranks needs an even number of micro-batches, at least %u, not %u", ranks,
                 2 * ranks, micro_batches);
        return buf;
    }
    return NULL;
}

static struct schedule_place place(const struct schedule_shape *shape, uint32_t rank, uint32_t module)
{
    uint32_t ranks = shape->ranks;
    uint32_t before = rank ? rank - 1 : SCHEDULE_NOBODY, after = rank + 1 < ranks ? rank + 1 : SCHEDULE_NOBODY;
    if (module)
        return (struct schedule_place){.stage = ranks - 1 - rank, .from = after, .to = before};
    return (struct schedule_place){.stage = rank, .from = before, .to = after};
}

static void plan(struct schedule_builder *b)
{
    bool second = b->rank >= b->ranks / 2;
    dual_plan(b, &(struct dual){
                     .depth = b->ranks / 2, .inward = second ? b->ranks - 1 - b->rank : b->rank, .flipped = second});
}

static double bubble(uint32_t ranks, const struct schedule_times *t)
{
    return dual_bubble(ranks / 2, t);
}

const struct schedule_type schedule_dualpipe = {
    .name = "dualpipe",
    .doc = "micro-batches from both ends, forward and backward overlapped",
    .ref = "4.2",
    .modules = 2,
    .both_directions = true,
    .waits_for_sends = true,
    .misfit = misfit,
    .place = place,
    .plan = plan,
    .bubble = bubble,
};

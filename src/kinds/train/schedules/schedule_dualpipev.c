/* DualPipeV (dualpipev.py; "cut-in-half", Sea AI Lab 2025): half of a DualPipe, folded in its middle. Rank r has
 * stage r and stage 2 ranks - 1 - r of one model; the last rank hands over to itself. */
#include <stdio.h>

#include "kinds/train/schedules/dual.h"

static const char *misfit(const struct schedule_shape *shape, char *buf, size_t size)
{
    uint32_t ranks = shape->ranks, micro_batches = shape->micro_batches;
    if (micro_batches >= 2 * ranks)
        return NULL;
    snprintf(buf, size, "dualpipev on %u ranks needs at least %u micro-batches, not %u", ranks, 2 * ranks,
             micro_batches);
    return buf;
}

static struct schedule_place place(const struct schedule_shape *shape, uint32_t rank, uint32_t module)
{
    uint32_t ranks = shape->ranks;
    uint32_t before = rank ? rank - 1 : SCHEDULE_NOBODY, after = rank + 1 < ranks ? rank + 1 : rank;
    if (module)
        return (struct schedule_place){.stage = 2 * ranks - 1 - rank, .from = after, .to = before};
    return (struct schedule_place){.stage = rank, .from = before, .to = after};
}

static void plan(struct schedule_builder *b)
{
    dual_plan(b, &(struct dual){.depth = b->ranks, .inward = b->rank});
}

const struct schedule_type schedule_dualpipev = {
    .name = "dualpipev",
    .doc = "DualPipe cut in half: two stages of one model on each rank",
    .ref = "4.2",
    .modules = 2,
    .waits_for_sends = true,
    .misfit = misfit,
    .place = place,
    .plan = plan,
    .bubble = dual_bubble,
};

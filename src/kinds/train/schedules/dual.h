/* The eight steps of DualPipe (github.com/deepseek-ai/DualPipe, dualpipe.py and dualpipev.py). */
#ifndef MOESIM_KINDS_TRAIN_SCHEDULES_DUAL_H
#define MOESIM_KINDS_TRAIN_SCHEDULES_DUAL_H

#include "kinds/train/schedules/schedule.h"

struct dual {
    uint32_t depth;  /* ranks between an end of the pipeline and its middle */
    uint32_t inward; /* ranks between this one and the end */
    bool flipped;    /* module 1 begins */
};

void dual_plan(struct schedule_builder *b, const struct dual *d);
/* (depth - 1) (F&B + B - 3 W) */
double dual_bubble(uint32_t depth, const struct schedule_times *t);

#endif

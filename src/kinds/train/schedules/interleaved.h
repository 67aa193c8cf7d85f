/* Interleaved 1F1B (Narayanan et al., SC'21, section 2.2): rank r has virtual stages r, r + ranks, r + 2 ranks ...,
 * and micro-batches pass all ranks once for each of them. */
#ifndef MOESIM_KINDS_TRAIN_SCHEDULES_INTERLEAVED_H
#define MOESIM_KINDS_TRAIN_SCHEDULES_INTERLEAVED_H

#include "kinds/train/schedules/schedule.h"

const char *interleaved_misfit(const struct schedule_shape *shape, char *buf, size_t size);
struct schedule_place interleaved_place(const struct schedule_shape *shape, uint32_t rank, uint32_t module);
/* pairs: a forward and a backward chunk run together once the pipeline is full, one more forward chunk before that. */
void interleaved_plan(struct schedule_builder *b, bool pairs);
/* (ranks - 1) (F + B): of chunks, so 1 / modules of what the ranks' whole share takes. */
double interleaved_bubble(uint32_t ranks, const struct schedule_times *t);

#endif

/* Schedules in which rank r has stage r and micro-batches pass the ranks in order. */
#ifndef MOESIM_KINDS_TRAIN_SCHEDULES_ONE_WAY_H
#define MOESIM_KINDS_TRAIN_SCHEDULES_ONE_WAY_H

#include "kinds/train/schedules/schedule.h"

const char *one_way_misfit(const struct schedule_shape *shape, char *buf, size_t size);
struct schedule_place one_way_place(const struct schedule_shape *shape, uint32_t rank, uint32_t module);
/* A forward chunk for each rank behind this one, as far as there are micro-batches. */
void one_way_warm_up(struct schedule_builder *b);
/* The next forward chunk, if there is one left; the next backward chunk. */
void one_way_forward(struct schedule_builder *b);
void one_way_backward(struct schedule_builder *b, bool input_only);

#endif

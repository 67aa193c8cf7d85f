/* GPUs of one kind do not compute at one speed. A group that waits for all of its GPUs at every exchange goes at the pace
 * of its slowest one, and a step at that of the slowest of all. */
#ifndef MOESIM_KINDS_TRAIN_TRAIN_JITTER_H
#define MOESIM_KINDS_TRAIN_TRAIN_JITTER_H

#include <stdint.h>

/* What computation takes on each of n GPUs from the first on, over what it takes on the mean: normal, and none beyond
 * what counts as an outlier. A stream of its own for each `purpose`. */
void train_draw_speeds(double cv_ratio, uint64_t seed, const char *purpose, uint64_t first, uint32_t n, double *out);
double train_slowest(const double *slow, uint32_t n);

#endif

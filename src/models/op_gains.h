/* What an op of a kernel is made of (op.made_of), by what the kernel gains from. */
#ifndef MOESIM_MODELS_OP_GAINS_H
#define MOESIM_MODELS_OP_GAINS_H

#include "hw/kernels/kernels.h"
#include "models/opgraph.h"

/* 0 where nothing is known: all gains are 0. */
uint32_t op_made_of_gains(struct opgraph *g, const struct kernel_gains *gains);

#endif

/* Bandwidth of memory that kernels of a chunk and its exchanges share. */
#ifndef MOESIM_MODELS_CHUNK_CHUNK_MEMORY_H
#define MOESIM_MODELS_CHUNK_CHUNK_MEMORY_H

#include "models/chunk/chunk_kernels.h"

/* Share of the bandwidth that a kernel takes at full speed; 0 of passes. */
float chunk_memory_of_kernel(const struct cluster_hw *hw, const struct kernel_call *call, const struct kernel_time *t);
/* Says what exchanges of a program hold of it, where a kernel of the program takes more than they leave; else nobody
 * would notice, and kernels take nothing. */
void chunk_memory_share(const struct chunk_work *w, struct chunk_program *p, struct arena *arena);

#endif

/* What a training step keeps in a GPU's memory. */
#ifndef MOESIM_KINDS_TRAIN_TRAIN_MEMORY_H
#define MOESIM_KINDS_TRAIN_TRAIN_MEMORY_H

#include "kinds/train/train_layout.h"

struct train_memory {
    double weights_B, gradients_B, optimizer_B, activations_B, buffers_B, total_B;
    double in_flight; /* most chunks of activations at once */
};

/* Activations that a layer keeps of a token from the forward to the backward chunk. */
double train_layer_activation_B(const struct train_layout *l, enum chunk_layer kind);

struct train_memory train_rank_memory(const struct train_layout *l, const struct schedule *s, uint32_t rank,
                                      struct arena *arena);

#endif

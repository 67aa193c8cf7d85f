/* Where the replicas of experts go: DeepSeek's expert-parallel load balancer (github.com/deepseek-ai/EPLB). */
#ifndef MOESIM_MODELS_ROUTING_EPLB_H
#define MOESIM_MODELS_ROUTING_EPLB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

struct eplb_shape {
    uint32_t experts, replicas; /* replicas: experts and their copies */
    uint32_t groups, nodes, gpus;
};

/* NULL, or what does not divide, as a sentence to put numbers behind. */
const char *eplb_misfit(const struct eplb_shape *s);
/* expert_of[replicas]: replica i stands on GPU i / (replicas / gpus). The shape must fit. */
void eplb_balance(const struct eplb_shape *s, const double *load, struct arena *arena, uint32_t *expert_of);

#endif

/* How a model is laid out for training: pipeline ranks, expert-parallel groups, replicas, stages.
 *
 * GPUs are numbered rank by rank of the pipeline; a rank is one or more expert-parallel groups ("columns", each
 * with a pipeline of its own), a group is consecutive GPUs. So a group is whole nodes (or a part of one), and
 * neighbours in a pipeline are in other nodes, on the same rail. Every GPU works on micro-batches of its own. */
#ifndef MOESIM_KINDS_TRAIN_TRAIN_LAYOUT_H
#define MOESIM_KINDS_TRAIN_TRAIN_LAYOUT_H

#include "models/chunk/chunk_compose.h"
#include "models/llm/model.h"
#include "kinds/train/schedules/schedule.h"
#include "kinds/train/train_cfg.h"
#include "kinds/train/train_stages.h"

struct train_layout {
    const struct model *model;
    const struct train_cfg *cfg;
    const struct schedule_type *schedule;
    uint32_t gpus, gpus_per_node;
    uint32_t ranks, columns, group; /* pipeline ranks; groups of a rank; GPUs of a group */
    uint32_t modules;               /* stages of a rank */
    uint32_t micro_batches;         /* of a pipeline */
    uint32_t n_stages;
    struct chunk_stage *stages; /* [n_stages] */
};

static inline uint32_t train_device(const struct train_layout *l, uint32_t column, uint32_t rank, uint32_t peer)
{
    return (rank * l->columns + column) * l->group + peer;
}

/* Of a micro-batch. */
static inline double train_tokens(const struct train_layout *l)
{
    return (double)(l->cfg->sequence * l->cfg->micro_batch);
}

static inline struct schedule_shape train_shape(const struct train_layout *l)
{
    return (struct schedule_shape){l->ranks, l->micro_batches, l->modules};
}

/* The stage of a module of a pipeline rank. */
uint32_t train_stage(const struct train_layout *l, uint32_t rank, uint32_t module);

/* Deals the model's layers to the stages in their order: `counts` [n_stages] layers each, or such that the
 * costliest stage costs as little as possible (and stages are as even as that allows). cost_s: of each kind of
 * layer. The embedding comes before the first layer, output head and MTP modules after the last. */
void train_partition(struct train_layout *l, const uint32_t *counts, const double cost_s[N_CHUNK_LAYERS],
                     struct arena *arena);
/* The same from letters, which fit the model. */
void train_lay_out(struct train_layout *l, const struct stage_letters *letters, struct arena *arena);

/* Parameters that a GPU of a pipeline rank holds, all its modules. */
struct train_params {
    double dense;   /* the same on all GPUs of the rank */
    double experts; /* its share of the routed experts */
};

struct train_params train_rank_params(const struct train_layout *l, uint32_t rank);
/* GPUs that hold the same dense parameters, or the same experts, as one of the rank. */
uint32_t train_dense_replicas(const struct train_layout *l);
uint32_t train_expert_replicas(const struct train_layout *l);

#endif

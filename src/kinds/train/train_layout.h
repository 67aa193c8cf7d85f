/* How a model is laid out for training: pipeline ranks, groups that work on a chunk together, replicas, stages.
 *
 * GPUs have places, numbered rank by rank of the pipeline; a rank is one or more groups ("columns", each with a
 * pipeline of its own), a group is consecutive places: the GPUs that share a layer's experts (ep * etp), and of these
 * tp * cp neighbours each share a micro-batch; a dense model's group is those tp * cp. Where places are in the cluster
 * is train_placement.h's. Neighbours in a pipeline are in other nodes, on the same rail, unless placed otherwise. */
#ifndef MOESIM_KINDS_TRAIN_TRAIN_LAYOUT_H
#define MOESIM_KINDS_TRAIN_TRAIN_LAYOUT_H

#include "models/chunk/chunk_compose.h"
#include "models/llm/kernel_writer.h"
#include "models/llm/model.h"
#include "kinds/train/schedules/schedule.h"
#include "kinds/train/train_cfg.h"
#include "kinds/train/train_stages.h"

struct train_layout {
    const struct model *model;
    const struct train_cfg *cfg;
    const struct schedule_type *schedule;
    struct training_recipe recipe;
    uint32_t gpus, gpus_per_node;   /* that are used */
    uint32_t *endpoint;             /* [gpus] GPU of the cluster by place; NULL: the same */
    uint32_t ranks, columns, group; /* pipeline ranks; groups of a rank; GPUs of a group */
    uint32_t tp, cp, ep, etp;       /* of tensors, of a sequence; of experts, and of each of them */
    uint32_t modules;               /* stages of a rank */
    uint32_t micro_batches;         /* of a pipeline */
    uint32_t n_stages;
    struct chunk_stage *stages; /* [n_stages] */
};

static inline uint32_t train_device(const struct train_layout *l, uint32_t column, uint32_t rank, uint32_t peer)
{
    uint32_t place = (rank * l->columns + column) * l->group + peer;
    return l->endpoint ? l->endpoint[place] : place;
}

/* The first of as many neighbouring GPUs as a group has, which are as good as the group's own: a group within a node
 * may be spread over it. */
static inline uint32_t train_group_device(const struct train_layout *l, uint32_t gpus_of_node, uint32_t column,
                                          uint32_t rank)
{
    uint32_t first = train_device(l, column, rank, 0);
    return l->endpoint && l->group <= gpus_of_node ? first / gpus_of_node * gpus_of_node : first;
}

/* GPUs that work on a micro-batch of their own, in a pipeline rank. */
static inline uint32_t train_replicas(const struct train_layout *l)
{
    return l->columns * (l->group / (l->tp * l->cp));
}

/* Of a micro-batch, and of it what a GPU has outside of what tensor parallelism gathers. */
static inline double train_tokens(const struct train_layout *l)
{
    return (double)(l->cfg->sequence * l->cfg->micro_batch);
}

static inline struct schedule_shape train_shape(const struct train_layout *l)
{
    return (struct schedule_shape){l->ranks, l->micro_batches, l->modules};
}

static inline double train_gpu_tokens(const struct train_layout *l)
{
    return train_tokens(l) / (l->tp * l->cp);
}

/* The stage of a module of a pipeline rank. */
uint32_t train_stage(const struct train_layout *l, uint32_t rank, uint32_t module);

/* Layers of each stage: `last` on the last one, the others as many as each other; where that does not go up some from
 * stage `from` have one more. At least n_stages - 1 + last layers. */
uint32_t *train_even_counts(uint32_t layers, uint32_t n_stages, uint32_t last, uint32_t from, struct arena *arena);
/* Deals the model's layers to the stages in their order, `counts` [n_stages] each. The embedding comes before the first
 * layer, output head and MTP modules after the last. */
void train_partition(struct train_layout *l, const uint32_t *counts, struct arena *arena);
/* The same from letters, which fit the model. */
void train_lay_out(struct train_layout *l, const struct stage_letters *letters, struct arena *arena);

/* Parameters that a GPU of a pipeline rank holds, all its modules. */
struct train_params {
    double dense;   /* the same on all GPUs of the rank */
    double experts; /* its share of the routed experts */
};

struct train_params train_rank_params(const struct train_layout *l, uint32_t rank);
/* Of one of its modules; what several share counts for the first. */
struct train_params train_module_params(const struct train_layout *l, uint32_t rank, uint32_t module);
bool train_stage_has_embedding(const struct train_layout *l, uint32_t stage);
/* GPUs that hold the same dense parameters, or the same experts, as one of the rank. */
uint32_t train_dense_replicas(const struct train_layout *l);
uint32_t train_expert_replicas(const struct train_layout *l);

#endif

/* The end of a training step: gradients are reduced among replicas, the optimizer runs on each GPU's share, and
 * parameters are gathered (ZeRO-1). */
#ifndef MOESIM_KINDS_TRAIN_TRAIN_SYNC_H
#define MOESIM_KINDS_TRAIN_TRAIN_SYNC_H

#include "hw/kernels/kernels.h"
#include "kinds/train/pipeline.h"
#include "kinds/train/train_layout.h"

enum sync_step {
    SYNC_READY,  /* waiting for the replicas of the rank */
    SYNC_REDUCE, /* reduce-scatter of gradients */
    SYNC_NORM,   /* waiting for everybody: the norm of all gradients */
    SYNC_OPTIMIZE,
    SYNC_GATHER, /* all-gather of parameters */
    N_SYNC_STEPS
};

extern const char *const sync_step_names[N_SYNC_STEPS];

/* First and last op of a step: [column * ranks + rank] of the pipelines' columns; OP_NONE: it has none. */
struct sync_ops {
    struct sync_span {
        uint32_t first, last;
    } * span[N_SYNC_STEPS];
};

/* Appends to the lanes of pipelines: of all columns, or of one that stands for all. */
void train_sync_build(const struct train_layout *l, const struct cluster_hw *hw, const struct kernel_model *kernels,
                      const struct pipeline_ops *pipelines, struct opgraph *graph, struct arena *arena,
                      struct sync_ops *out);

/* One number summed over all GPUs, up and down a tree. */
double train_norm_s(const struct train_layout *l, const struct cluster_hw *hw);
/* AdamW on a GPU's share. */
/* For add_op of a lane: kind, time and what it is made of. */
struct op train_optimizer_op(const struct train_layout *l, const struct kernel_model *kernels, uint32_t rank,
                             struct opgraph *graph);

#endif

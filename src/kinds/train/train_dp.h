/* Data parallelism beside computation (distributed optimizer; Megatron-LM's --overlap-grad-reduce and
 * --overlap-param-gather): gradients are reduced bucket by bucket as soon as a bucket's are complete, and parameters
 * gathered before their first use. Where nothing goes beside chunks train_sync.h does it. */
#ifndef MOESIM_KINDS_TRAIN_TRAIN_DP_H
#define MOESIM_KINDS_TRAIN_TRAIN_DP_H

#include "kinds/train/pipeline.h"
#include "kinds/train/train_links.h"

/* An exchange of parameters or gradients among replicas; ops of the graph. */
struct dp_exchange {
    uint32_t ready, move; /* waiting for all replicas; moving, and the cast of what came */
    uint32_t work;        /* the piece of a chunk that waits for it (gather), or that it waits for */
    uint32_t before;      /* the op on the rank's lane that the piece follows; OP_NONE: none */
    struct dp_exchange *next;
};

/* A rank of a column: what its step's end consists of; OP_NONE where there is none. */
struct dp_rank {
    struct dp_exchange *gathers, *reductions; /* gathers: beside chunks; the last first */
    struct dp_exchange *late;                 /* gathers at the end of the step */
    uint32_t reduced;                         /* all gradients are */
    uint32_t shared;                          /* tables of the vocabulary that other ranks hold, too, are summed up */
    uint32_t norm, update;
    uint32_t host;
    uint32_t last_chunk;
};

struct train_dp;

/* columns: that get ops. links NULL: all GPUs of all columns send over the network's own links. */
struct train_dp *train_dp_new(const struct train_plan *plan, const struct train_network *network, uint32_t columns,
                              const struct train_links *links, struct opgraph *graph, struct arena *arena);
/* For pipeline_build: see struct pipeline_setup. */
uint32_t train_dp_pieces(const struct train_dp *dp, uint32_t rank, uint32_t index);
uint32_t train_dp_on_piece(struct train_dp *dp, uint32_t column, uint32_t rank, uint32_t index, uint32_t piece,
                           uint32_t op, uint32_t before);
/* After it: the end of the step; host_s: [ranks] of the CPU, behind it. */
void train_dp_end(struct train_dp *dp, const struct pipeline_ops *pipelines, const double *host_s);

const struct dp_rank *train_dp_rank(const struct train_dp *dp, uint32_t column, uint32_t rank);

#endif

/* One training step of pipelines as an op graph: the steps of a schedule with their times, and the messages
 * between pipeline ranks.
 *
 * A pipeline rank is a group of GPUs that work on chunks together (an expert-parallel group). Groups at the same
 * place of independent pipelines are columns. An op stands for a step of a whole group and is drawn on the first
 * of its GPUs; the messages of a group are as many transfers as it has GPUs, each to its peer. */
#ifndef MOESIM_KINDS_TRAIN_PIPELINE_H
#define MOESIM_KINDS_TRAIN_PIPELINE_H

#include "models/opgraph.h"
#include "kinds/train/schedules/schedule.h"

struct pipeline_setup {
    const struct schedule *schedule;
    uint32_t columns;
    uint32_t peers;   /* GPUs of a group whose messages are simulated, from the first */
    double message_B; /* of one GPU */
    double launch_s;  /* of an exchange, once */
    bool hidden;      /* messages go beside the steps also where the schedule's own code waits for them */
    uint32_t (*device)(const void *ctx, uint32_t column, uint32_t rank, uint32_t peer);
    /* Where a message goes: endpoints or resources, latency beyond the path's own. */
    void (*route)(const void *ctx, uint32_t column, uint32_t from, uint32_t to, uint32_t peer, struct transfer *t);
    double (*step_s)(const void *ctx, uint32_t column, uint32_t rank, const struct schedule_step *step);
    /* What a step is made of (op.made_of); NULL: not known. */
    uint32_t (*made_of)(const void *ctx, uint32_t rank, uint32_t index);
    /* Into how many pieces a step is cut; called with each piece's op, `before` is the op before it on the lane (OP_NONE:
     * none). An op that the callback puts before the first piece is what inputs of the step are waited for by: returned,
     * else OP_NONE. NULL: one piece, nothing to do. */
    uint32_t (*pieces)(const void *ctx, uint32_t rank, uint32_t index);
    uint32_t (*on_piece)(void *ctx, uint32_t column, uint32_t rank, uint32_t index, uint32_t piece, uint32_t op,
                         uint32_t before);
    void *ctx;
};

/* Where the steps are in the graph: [column * n_ranks + rank]. */
struct pipeline_rank_ops {
    uint32_t lane;
    uint32_t *begin;    /* [n_steps] the op that waits for the step's inputs, where messages go beside the steps */
    uint32_t *first;    /* [n_steps] its first piece */
    uint32_t *step;     /* [n_steps] its last one; of STEP_END the last op of the lane, or OP_NONE where it has none */
    uint32_t *exchange; /* [n_steps] the op of its messages, on the same lane; OP_NONE: none, or beside the steps */
};

struct pipeline_ops {
    struct pipeline_rank_ops *ranks;
    uint32_t n_ranks, columns;
};

void pipeline_build(const struct pipeline_setup *setup, struct opgraph *graph, struct arena *arena,
                    struct pipeline_ops *out);

#endif

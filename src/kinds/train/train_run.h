/* A training step on one network: what each pipeline rank spends its time on. */
#ifndef MOESIM_KINDS_TRAIN_TRAIN_RUN_H
#define MOESIM_KINDS_TRAIN_TRAIN_RUN_H

#include "kinds/train/train_chunks.h"

/* Times of a pipeline rank, as Table 4 of the paper names them. forward + backward + weight + pair + bubble +
 * optimizer = step. */
struct train_row {
    double forward_s;                    /* forward chunks that run alone */
    double backward_s;                   /* backward chunks that run alone, whole or for inputs only */
    double weight_s;                     /* weight chunks that run alone */
    double pair_s;                       /* forward and backward chunks that run together */
    double bubble_s;                     /* everything else: waiting, and */
    double message_s;                    /*   of it moving messages, both ranks being there */
    double optimizer_s;                  /* the next four */
    double reduce_s, update_s, gather_s; /* gradients, optimizer, parameters; as far as nothing hides them */
    double host_s;                       /* once in a step */
    double compute_s;                    /* of all chunks: with a kernel on a compute stream */
    double tensor_s, gap_s;              /* of all chunks, see struct chunk_time */
};

/* A step in which some things are simpler than they are, to see what each of them costs. */
struct train_variant {
    const char *name;
    bool equal_stages;           /* all chunks of a kind take their mean */
    bool mean_times;             /* each chunk takes the mean of its samples */
    bool instant;                /* messages take no time */
    bool no_sync;                /* the step ends with the last chunk */
    bool no_exchange, no_tensor; /* what of experts' exchanges, of tensor parallelism is exposed in chunks, is not */
    bool no_host;
};

struct train_outcome {
    double step_s;
    struct train_row *ranks;            /* [ranks] each the mean over its columns */
    struct train_row mean, least, most; /* over ranks */
    bool one_peer, one_column;          /* whether one GPU of a group, one column stood for all */
    bool folded;                        /* NICs and NVLinks stood for the network (train_links.h) */
};

/* The graph stays in run->graph until the next. 0 or -1. */
int train_run(struct kind_run *run, const struct train_plan *plan, const struct train_times *times, uint32_t network,
              const struct train_variant *variant, struct train_outcome *out, struct diag *diag);

/* Mean over all ranks' steps of a kind; 0 when there is none. */
double train_mean_step_s(const struct train_times *times, uint32_t network, enum step_kind kind);

enum { TRAIN_ROW_NUMBERS = sizeof(struct train_row) / sizeof(double) };

#endif

/* The order in which a GPU works off a step of inference: one list, the same for all
 * ranks, of what stands on the computing stream. Durations and traffic come from
 * elsewhere. */
#ifndef MOESIM_KINDS_INFER_INFER_PROGRAM_H
#define MOESIM_KINDS_INFER_INFER_PROGRAM_H

#include "kinds/infer/infer_kernels.h"
#include "kinds/infer/infer_layout.h"

enum infer_action {
    DO_STAGE, /* computes */
    DO_POST,  /* an exchange begins: dispatch, or combine */
    DO_WAIT,  /* the next item needs what the exchange brings */
    DO_TP     /* the TP group exchanges its tokens; the stream waits for it */
};

struct infer_item {
    uint8_t action; /* enum infer_action */
    uint8_t stage;  /* enum infer_stage */
    uint8_t micro_batch;
    bool combine;   /* POST, WAIT: combine or dispatch */
    uint32_t layer; /* of the model's */
};

struct infer_program {
    struct infer_item *items;
    uint32_t n;
    uint32_t sparse;        /* layers with experts */
    uint32_t n_sparse;      /* that the model has */
    uint32_t *sparse_layer; /* [n_sparse] which of the model's they are; the first `sparse` are in the program */
    uint32_t micro_batches;
    uint32_t period; /* of layers with experts, after which blocks of layers repeat */
};

/* With about `sparse` layers with experts, at least 1 where the model has experts, and all others up to the last of
 * these. Where layers differ, there are so many that those left out are whole periods. */
void infer_program_build(const struct infer_layout *l, uint32_t sparse, struct arena *arena, struct infer_program *out);

#endif

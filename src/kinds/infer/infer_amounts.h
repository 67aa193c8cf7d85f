/* What the tokens of a step amount to, however long anything takes: rows of experts, copies of ranks and over cables. The closed
 * form is made from these; points of a sweep whose tokens choose and travel alike share them. */
#ifndef MOESIM_KINDS_INFER_INFER_AMOUNTS_H
#define MOESIM_KINDS_INFER_INFER_AMOUNTS_H

#include "kinds/infer/infer_step.h"

/* Of one micro-batch of a layer with experts. */
struct infer_amount {
    const struct infer_reach *reach;
    const double *slot_rows;           /* [slots] */
    const struct ep_counts *counts[2]; /* dispatch, combine: [ranks] */
    const double *crossing[2],
        *largest[2];    /* dispatch, combine: [cables] copies that cross; most of them for one rank */
    uint32_t not_heard; /* from how many others a rank does not hear, or is not heard by, at most */
};

struct infer_amounts {
    const double *all; /* [layers with experts][micro-batches][each] */
    size_t each;
    uint32_t micro_batches, ranks, slots, cables;
    const char *key; /* of the shared cache; NULL: they are this step's alone */
};

/* Draws the step's tokens, or finds them drawn. `x`: dispatch and combine. */
void infer_amounts_find(const struct infer_step *s, const struct ep_exchange *x, struct infer_fabric *fabric,
                        struct arena *arena, struct infer_amounts *out);
/* Of the i-th layer with experts of the program. */
struct infer_amount infer_amount_of(const struct infer_amounts *a, uint32_t i, uint32_t micro_batch);

#endif

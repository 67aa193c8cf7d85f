/* How layers are dealt to stages where the scenario does not say: as Megatron-LM does it, evenly but for the last stage,
 * which has the head; how many it takes is tried out. */
#ifndef MOESIM_KINDS_TRAIN_TRAIN_DEAL_H
#define MOESIM_KINDS_TRAIN_TRAIN_DEAL_H

#include "kinds/train/train_chunks.h"
#include "kinds/train/train_run.h"

struct train_way {
    const uint32_t *counts;  /* layers by stage */
    struct train_plan *plan; /* with its stages */
    double least_s;          /* that its busiest rank computes in a step */
    bool fits;               /* into the GPUs' memory */
    double step_s;           /* INFINITY: not simulated */
    struct train_times *times;
    struct epsilon_error epsilon; /* checked runs: of the simulations that times come from */
};

struct train_deal {
    struct train_way *ways; /* by least_s; the only one: the scenario says it, or there is no other */
    uint32_t n_ways, best;
};

/* The way whose step (of this variant, on the first network) is shortest, of those that fit into memory. Which ways there
 * are depends on the model, the number of stages and memory only, so that faster hardware hardly leads to a longer step: ways whose
 * computation is far from balanced are not simulated, which is a rule of thumb (train_deal.c). 0 or -1. */
int train_deal(struct kind_run *run, const struct train_plan *plan, const struct train_variant *variant,
               struct train_deal *out, struct diag *diag);
/* "4, 4, 4, 1" */
const char *train_counts_text(const uint32_t *counts, uint32_t n, struct arena *arena);

#endif

/* The layers of a step divided among several runs, which are simulated side by side and then taken as one. */
#ifndef MOESIM_KINDS_INFER_INFER_BLOCKS_H
#define MOESIM_KINDS_INFER_INFER_BLOCKS_H

#include "kinds/infer/infer_run.h"

/* A run of `layers` with experts that draws what the model's from number `first` on send. In all but the first run two
 * warm up: all ranks begin together and drift apart. The last is there for what the one before it meets. */
struct infer_block {
    uint32_t first, layers;
};

enum { INFER_BLOCK_WARMING_UP = 2 };

/* Divides the first `simulated` layers among n runs, about evenly. False: they are too few. */
bool infer_blocks_cut(uint32_t simulated, uint32_t n, struct infer_block *out);

/* Reports at inference.layer_blocks why the case's layers cannot be divided. 0 or -1. */
int infer_blocks_check(const struct infer_case *c, const struct infer_layout *l, struct arena *arena,
                       struct diag *diag);

/* What is known of a run, without pointers: it comes from another process. */
struct infer_block_answer {
    struct infer_account account;
    struct infer_step_drawn drawn;
    struct epsilon_error epsilon;
    char load_limit[2][48]; /* as the step has it */
};

/* Runs' answers as one: the account of all layers, and what was drawn for them. `missing`: layers in no run. */
void infer_blocks_merge(const struct infer_block *blocks, const struct infer_block_answer *answers, uint32_t n,
                        uint32_t missing, struct infer_account *account, struct infer_step_drawn *drawn);

#endif

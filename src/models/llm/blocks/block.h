/* Blocks: what a layer of a model is made of. A plugin is one const struct block_type in block_NAME.c; the
 * registry is generated. */
#ifndef MOESIM_MODELS_LLM_BLOCKS_BLOCK_H
#define MOESIM_MODELS_LLM_BLOCKS_BLOCK_H

#include "models/llm/model.h"

/* Of one layer. */
struct block_weights {
    double params, active; /* all; those that a token uses */
    double router;         /* of both: the gate that chooses experts */
    double routed;         /* of params: the routed experts, which expert parallelism divides */
    double other;          /* of params: norms, biases, the router, which FP8 models do not quantise */
    double kv_values;      /* attention: cached per token */
    double kv_rope;        /* of kv_values: keys with position, which FP8 caches may leave in BF16 */
    double score_width;    /* attention: heads * (d_qk + d_v); a token costs 2 FLOP times this for each
                              position that it attends to */
};

struct block_type {
    const char *name, *doc, *ref;
    bool attention; /* else a feed-forward network */
    /* NULL, or what the model lacks for this block. */
    const char *(*misfit)(const struct model *m);
    void (*weigh)(const struct model *m, struct block_weights *w); /* *w is zeroed before */
};

const struct block_type *block_find(const char *name); /* NULL when unknown */
const struct block_type *const *block_all(void);       /* NULL-terminated, sorted by name */

#endif

/* What attention blocks share. */
#ifndef MOESIM_MODELS_LLM_BLOCKS_ATTENTION_H
#define MOESIM_MODELS_LLM_BLOCKS_ATTENTION_H

#include "models/llm/blocks/block.h"

/* Heads that share kv_heads keys and values. */
const char *attention_grouped_misfit(const struct model *m);
void attention_grouped_weigh(const struct model *m, struct block_weights *w);

const char *attention_mla_misfit(const struct model *m);
/* Without score_width. */
void attention_mla_weigh(const struct model *m, struct block_weights *w);

#endif

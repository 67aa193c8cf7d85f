/* Heads that share keys and values; what blocks with more keys than these begin their dimensions with. */
#ifndef MOESIM_MODELS_LLM_BLOCKS_GROUPED_H
#define MOESIM_MODELS_LLM_BLOCKS_GROUPED_H

#include "models/llm/blocks/attention.h"

struct grouped_dims {
    int64_t heads, kv_heads, head_dim, value_dim; /* value_dim 0 = head_dim */
    int64_t window, chunk;
    bool qkv_bias, output_bias, gate, qk_norm, sinks, shared_kv;
};

/* Keys of a struct `table` whose member `x` is a grouped_dims. */
#define GROUPED_ROWS(table, x) \
    ATTENTION_HEADS(table, x.heads), ROW_DIM(table, "kv_heads", x.kv_heads, "0", "heads of keys and values"), \
        ROW_DIM(table, "head_dim", x.head_dim, "0", "dimension of a head"), \
        ROW_DIM(table, "value_dim", x.value_dim, "0", "dimension of a value, 0 = of a head"), \
        ATTENTION_WINDOW(table, x.window), \
        ROW_DIM(table, "chunk", x.chunk, "0", \
                "positions are in chunks, and only the own chunk's are attended to (Llama 4); 0 = all"), \
        ROW_FLAG(table, "qkv_bias", x.qkv_bias, "false", "projections of queries, keys and values have a bias"), \
        ROW_FLAG(table, "output_bias", x.output_bias, "false", "the output projection has a bias"), \
        ATTENTION_GATE(table, x.gate), ROW_FLAG(table, "qk_norm", x.qk_norm, "false", "queries and keys have norms"), \
        ROW_FLAG(table, "sinks", x.sinks, "false", "each head has a logit that takes part of the softmax (gpt-oss)"), \
        ROW_FLAG(table, "shared_kv", x.shared_kv, "false", \
                 "values are made of keys: no projection of their own (Gemma 4)")

extern const struct cfg_table grouped_keys;
const char *attention_grouped_misfit(const struct model *m, const void *dims);
void attention_grouped_weigh(const struct model *m, const void *dims, struct block_weights *w);
extern const struct attention_ops attention_grouped;

/* Parts of these for blocks that add to them. */
double grouped_rank_params(const struct model *m, const void *dims, uint32_t tp);
double grouped_position_B(const struct model *m, const void *dims);
double grouped_cache_parts(const void *dims, uint32_t tp);
/* Forward FLOPs of a token that attends to so many positions. */
double grouped_score_flop(const void *dims, double positions);
void grouped_project(struct layer_kernels *k, const void *dims);
void grouped_project_output(struct layer_kernels *k, const void *dims);
/* The core without family, kv_len and window. */
struct kernel_call grouped_core(const struct layer_kernels *k, const void *dims);

#endif

/* What attention blocks share. */
#ifndef MOESIM_MODELS_LLM_BLOCKS_ATTENTION_H
#define MOESIM_MODELS_LLM_BLOCKS_ATTENTION_H

#include "models/llm/blocks/block.h"

/* Keys that several blocks have. */
#define ATTENTION_HEADS(table) ROW_DIM(table, "heads", heads, "0", "heads of queries")
#define ATTENTION_WINDOW(table) \
    ROW_DIM(table, "window", window, "0", "positions that are kept and attended to; 0 = all")

/* --- windows: a query sees the last `window` positions, its own counted; 0 = all ------------------------------ */

double window_positions(int64_t window, double positions);
/* What a token of a training sequence sees on average. */
double window_mean(int64_t window, double sequence, bool causal);
/* As kernel calls have it: 0 where no query of these positions is cut short. */
double window_of_call(int64_t window, double positions);

/* Bytes of cached numbers with their scales, in the model's format of caches. */
double attention_cached_B(const struct model *m, double values);

/* Core attention of a training sequence, causal: all heads as `heads` has them (heads, kv_heads, qk_dim, v_dim,
 * window), of which the GPU has its share. */
void attention_write_core(struct kernel_writer *w, const struct kernel_call *heads);
void attention_write_core_input(struct kernel_writer *w, const struct kernel_call *heads);
/* What attention computed, `width` numbers of the GPU's heads, kept for the backward pass in 12 bits (V3 report 3.3.3: E5M6), and its projection. */
void attention_write_output(struct kernel_writer *w, double width);
/* The backward pass of both, up to the gradients of what attention computed. */
void attention_write_output_input(struct kernel_writer *w, double width);

/* --- heads that share kv_heads keys and values (MHA, GQA, MQA) -------------------------------------------------- */

struct grouped_dims {
    int64_t heads, kv_heads, head_dim, window;
    bool qkv_bias;
};
extern const struct cfg_table grouped_keys;
const char *attention_grouped_misfit(const struct model *m, const void *dims);
void attention_grouped_weigh(const struct model *m, const void *dims, struct block_weights *w);
extern const struct attention_ops attention_grouped;

/* --- MLA ---------------------------------------------------------------------------------------------------------- */

extern const struct cfg_table latent_keys;
const char *attention_latent_misfit(const struct model *m, const void *dims);
void attention_latent_weigh(const struct model *m, const void *dims, struct block_weights *w);
/* Keys and values are expanded from the cache wherever it is read, or queries and outputs live in the latent space
 * (FlashMLA). */
extern const struct attention_ops attention_latent_expanded, attention_latent_absorbed;

#endif

/* What attention blocks share. */
#ifndef MOESIM_MODELS_LLM_BLOCKS_ATTENTION_H
#define MOESIM_MODELS_LLM_BLOCKS_ATTENTION_H

#include "models/llm/blocks/block.h"

/* Keys that several blocks have. */
#define ATTENTION_HEADS(table, member) ROW_DIM(table, "heads", member, "0", "heads of queries")
#define ATTENTION_WINDOW(table, member) \
    ROW_DIM(table, "window", member, "0", "positions that are kept and attended to; 0 = all")
#define ATTENTION_GATE(table, member) \
    ROW_FLAG(table, "gate", member, "false", "outputs of heads are gated by a projection of their own")

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

#endif

/* Multi-head latent attention; what blocks with more keys than these begin their dimensions with. */
#ifndef MOESIM_MODELS_LLM_BLOCKS_LATENT_H
#define MOESIM_MODELS_LLM_BLOCKS_LATENT_H

#include "models/llm/blocks/attention.h"

struct latent_dims {
    int64_t heads, q_lora, kv_lora, nope_dim, rope_dim, v_dim, window;
    bool gate;
    double kv_rope_B; /* of a cached number of the key with position; 0 = as the rest */
};

/* Keys of a struct `table` whose member `x` is a latent_dims. */
#define LATENT_ROWS(table, x) \
    ATTENTION_HEADS(table, x.heads), \
        ROW_DIM(table, "q_lora", x.q_lora, "0", "MLA: rank of compressed queries, 0 = not compressed"), \
        ROW_DIM(table, "kv_lora", x.kv_lora, "0", "MLA: rank of the latent vector that is cached"), \
        ROW_DIM(table, "nope_dim", x.nope_dim, "0", "MLA: dimension of a key without position"), \
        ROW_DIM(table, "rope_dim", x.rope_dim, "0", "MLA: dimension of a key with position"), \
        ROW_DIM(table, "v_dim", x.v_dim, "0", "MLA: dimension of a value"), ATTENTION_WINDOW(table, x.window), \
        ATTENTION_GATE(table, x.gate), \
        ROW_NUMBER_B(table, "kv_rope", x.kv_rope_B, "0 B", \
                     "MLA: a cached number of the key with position, FlashMLA: 2 B; 0 B = as kv_value")

extern const struct cfg_table latent_keys;
const char *attention_latent_misfit(const struct model *m, const void *dims);
void attention_latent_weigh(const struct model *m, const void *dims, struct block_weights *w);
/* Keys and values are expanded from the cache wherever it is read, or queries and outputs live in the latent space
 * (FlashMLA). */
extern const struct attention_ops attention_latent_expanded, attention_latent_absorbed;

/* Parts of these for blocks that add to them. */
double latent_rank_params(const struct model *m, const void *dims, uint32_t tp);
double latent_position_B(const struct model *m, const void *dims);
/* Forward FLOPs of a token that attends to so many positions in the latent space. */
double latent_score_flop(const void *dims, double positions);
void latent_project(struct layer_kernels *k, const void *dims, double beside); /* `beside`: columns in the same GEMM */
void latent_absorb_queries(struct layer_kernels *k, const void *dims);
void latent_absorb_outputs(struct layer_kernels *k, const void *dims);
/* The core in the latent space: each query attends to kv_len positions, `batch` queries of one token or sequences. */
struct kernel_call latent_core(const struct layer_kernels *k, const void *dims, double batch, double q_len,
                               double kv_len);
void latent_project_output(struct layer_kernels *k, const void *dims);

#endif

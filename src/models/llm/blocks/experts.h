/* Routed experts, of which a router chooses top_k for each token, beside a network that all tokens go through. */
#ifndef MOESIM_MODELS_LLM_BLOCKS_EXPERTS_H
#define MOESIM_MODELS_LLM_BLOCKS_EXPERTS_H

#include "models/llm/blocks/block.h"

struct moe_dims {
    int64_t routed, shared, top_k, groups, top_groups, ffn, shared_ffn, zero;
    int64_t latent; /* 0: experts work in the model's width */
    bool router_bias, gated, bias, shared_gate, hashed;
};

/* Keys of all blocks of experts. Shared experts have another width in Qwen2's models; Gemma 4 has a dense network beside
 * its experts. LongCat has experts that do nothing: a token that chooses them goes to fewer others, on average in
 * proportion. */
#define EXPERTS_ROWS \
    ROW_DIM(moe_dims, "routed", routed, "0", "routed experts of a layer; 0 = a dense model"), \
        ROW_DIM(moe_dims, "shared", shared, "0", "experts that every token uses"), \
        ROW_DIM(moe_dims, "top_k", top_k, "0", "routed experts that a token uses"), \
        ROW_DIM(moe_dims, "groups", groups, "1", "groups that routed experts come in"), \
        ROW_DIM(moe_dims, "top_groups", top_groups, "1", "groups that a token's experts come from"), \
        ROW_DIM(moe_dims, "ffn", ffn, "0", "width of an expert"), \
        ROW_FLAG(moe_dims, "router_bias", router_bias, "false", \
                 "the router has a bias per expert (auxiliary-loss-free balance)"), \
        ROW_DIM(moe_dims, "shared_ffn", shared_ffn, "0", "width of all shared experts together; 0 = shared * ffn"), \
        ROW_FLAG(moe_dims, "shared_gate", shared_gate, "false", \
                 "the shared expert's output is gated by a number (Qwen)"), \
        ROW_FLAG(moe_dims, "gated", gated, "true", "experts are SwiGLU; false: two matrices (squared ReLU)"), \
        ROW_FLAG(moe_dims, "bias", bias, "false", "experts have biases"), \
        ROW_DIM(moe_dims, "zero", zero, "0", "experts beside the routed ones that do nothing"), \
        ROW_FLAG(moe_dims, "hashed", hashed, "false", \
                 "a table says which experts a token's id goes to: there is no router, nor its bias (DeepSeek-V4's " \
                 "first layers)")

const char *experts_misfit(const struct model *m, const void *dims);
void experts_weigh(const struct model *m, const void *dims, struct block_weights *w);
extern const struct network_ops experts_ops, experts_latent_ops;

#endif

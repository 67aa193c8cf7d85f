/* Blocks: what a layer of a model is made of. A plugin is one const struct block_type in block_NAME.c; the
 * registry is generated. What a block needs to know of a model beside its own dimensions is the model's width and
 * formats; what others need to know of a block they ask it here. */
#ifndef MOESIM_MODELS_LLM_BLOCKS_BLOCK_H
#define MOESIM_MODELS_LLM_BLOCKS_BLOCK_H

#include "base/cfg_rows.h"
#include "models/llm/kernel_writer.h"
#include "models/llm/layer_kernels.h"
#include "models/llm/model.h"

/* Of one layer. */
struct block_weights {
    double params, active; /* all; those that a token uses */
    double router;         /* of both: the gate that chooses experts */
    double routed;         /* of params: the routed experts, which expert parallelism divides */
    double other;          /* of params: norms, biases, the router, which FP8 models do not quantise */
};

/* What attention keeps of a token from the forward to the backward pass; numbers. */
struct attention_kept {
    double latents;    /* that queries, keys and values are made of; 0 = of the layer's input alone */
    double qkv;        /* queries, keys and values; where there are latents they can be made again */
    double statistics; /* of the softmax, FP32 */
    double output;     /* of all heads, before the output projection */
};

/* Attention. `dims`: the block's own. Lengths are positions of one sequence. */
struct attention_ops {
    /* Whose number tensor parallelism must divide. */
    int64_t (*heads)(const void *dims);
    /* Parameters of each of `tp` GPUs. */
    double (*rank_params)(const struct model *m, const void *dims, uint32_t tp);
    /* Cache of one layer: bytes of a sequence so long; GPUs of a group of tp among which it is divided (the others hold
     * copies). */
    double (*cache_B)(const struct model *m, const void *dims, double positions);
    /* Of cache_B: what an indexer keeps of each position; what does not grow with positions. NULL: nothing. */
    double (*index_B)(const void *dims);
    double (*state_B)(const void *dims);
    double (*cache_parts)(const void *dims, uint32_t tp);
    /* Of cache_B what decoding a token reads; NULL: all. */
    double (*read_B)(const struct model *m, const void *dims, double positions);
    /* Forward FLOPs of a token beside those of its weights: decoding against so many positions, its own counted; on
     * average over a training sequence. */
    double (*decode_flop)(const void *dims, double positions);
    double (*train_flop)(const void *dims, double sequence, bool causal);
    /* Numbers of a token that are live at once, of all heads. */
    double (*live)(const void *dims, bool prefill);

    /* Kernels of inference between the layer's first norm and its residual. Decoding: before the cache is read, and
     * from there on. */
    void (*decode_before)(struct layer_kernels *k, const void *dims);
    void (*decode_core)(struct layer_kernels *k, const void *dims);
    void (*prefill)(struct layer_kernels *k, const void *dims);
    /* The type that attends to everything where this one chooses, with the same keys but for the choice; NULL: none. */
    const char *dense;

    /* Kernels of training, the output projection with them; NULL: there are none. */
    void (*forward)(struct kernel_writer *w, const void *dims);
    void (*input)(struct kernel_writer *w, const void *dims);
    void (*weight)(struct kernel_writer *w, const void *dims);
    struct attention_kept (*kept)(const void *dims);
};

/* What a network keeps of a token for its backward pass; numbers. */
struct network_kept {
    double width;    /* channels of its activations, of all experts that the token uses */
    double received; /* what those experts got of it */
};

/* A feed-forward network. `dims`: the block's own. */
struct network_ops {
    /* NULL: no experts, all tokens go through it. *out is zeroed before; routed 0: the keys say that there are none. */
    void (*experts)(const struct model *m, const void *dims, struct expert_facts *out);
    /* Whose number tensor parallelism must divide: the width of a network that all tokens go through; 0: any. */
    int64_t (*divided)(const void *dims);

    /* Kernels of inference. What the layer does for the network beside attention, from the norm on: the choice of
     * experts; NULL: nothing. Then what all tokens of the GPU go through (NULL: nothing), and the experts, of which
     * n stand on the GPU with rows[] each (NULL: there are none). */
    void (*gate)(struct layer_kernels *k, const void *dims);
    void (*own)(struct layer_kernels *k, const void *dims);
    void (*routed)(struct layer_kernels *k, const void *dims, const double *rows, uint32_t n);
    /* Behind the combine; NULL: nothing. */
    void (*after)(struct layer_kernels *k, const void *dims);
    /* Bytes live at once of a row that it works on, what came and what goes back counted. */
    double (*row_B)(const struct model *m, const void *dims, uint32_t tp);

    /* Kernels of training: gate (or NULL) and network; NULL, or not trainable: there are none. */
    bool (*trainable)(const void *dims); /* NULL: always */
    void (*gate_forward)(struct kernel_writer *w, const void *dims);
    void (*gate_input)(struct kernel_writer *w, const void *dims);
    void (*forward)(struct kernel_writer *w, const void *dims);
    void (*input)(struct kernel_writer *w, const void *dims);
    void (*weight)(struct kernel_writer *w, const void *dims);
    struct network_kept (*kept)(const struct model *m, const void *dims);
};

struct block_type {
    const char *name, *doc, *ref;
    /* Keys with which it works in DeepSeek-V3 in place of the block there, "kv_heads=8, head_dim=128". Tests hold the
     * block's parts against each other at these. */
    const char *example;
    /* Its keys: those of attention stand in llm.attention, of experts in llm.moe, of other networks in llm, and all in
     * llm.blocks.NAME. A key that several types have is the same in all. All have defaults. */
    const struct cfg_table *keys;
    /* Fills members of dims that follow from its keys; NULL: there are none. */
    void (*settle)(void *dims);
    /* NULL, or what the keys lack for this block, "kv_heads must divide heads". */
    const char *(*misfit)(const struct model *m, const void *dims);
    void (*weigh)(const struct model *m, const void *dims, struct block_weights *w); /* *w is zeroed before */
    const struct attention_ops *attention;                                           /* one of the two */
    const struct network_ops *network;
};

/* A block of a model. */
struct block {
    const char *name;  /* in patterns */
    const char *table; /* where its keys stand, "attention", "blocks.window"; "" = llm itself */
    const struct block_type *type;
    const void *dims;
    struct precision_cfg precision, shared; /* of routed experts; of other networks that stand beside them */
    const struct block_type *decode_type;   /* attention: how decoding computes it */
    const void *decode_dims;
    const struct block_type *dense_type; /* attention that chooses: what attends to everything instead; NULL: none */
    const void *dense_dims;
    uint32_t layers; /* that have it */
};

struct block_weights block_weigh(const struct model *m, const struct block *b); /* NULL: nothing */

/* Bytes that parameters of the block take more than those of the model's precision (less: negative): of routed experts,
 * of others that are quantised. NULL: 0. */
double block_extra_B(const struct model *m, const struct block *b, double routed, double others);
/* Bytes of a layer's cache that decoding a token reads. */
double block_read_B(const struct model *m, const struct block *b, double context);
/* In what kernels multiply its weights. */
enum kernel_dtype block_dtype(const struct model *m, const struct block *b, bool shared);

/* The first block of a model that is attention, that has experts, that is another network; type NULL: there is none. */
struct block model_attention(const struct model *m);
struct block model_experts(const struct model *m);
struct block model_dense(const struct model *m);
/* Why layers are not all one attention and one dense network or one block of experts; NULL: they are. */
const char *model_differs(const struct model *m);

const struct block_type *block_find(const char *name); /* NULL when unknown */
const struct block_type *const *block_all(void);       /* NULL-terminated, sorted by name */

/* A dimension of a block, 0: not given. */
#define ROW_DIM(table, key, member, preset, text) ROW_COUNT(table, key, member, preset, 0, 1 << 24, text)
/* Bytes of a number. */
#define ROW_NUMBER_B(table, key, member, preset, text) ROW_AMOUNT(table, key, member, DIM_BYTES, preset, 0, 8, text)

#endif

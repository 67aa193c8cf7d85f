/* A transformer language model as numbers: dimensions, parameters, FLOPs and bytes. Blocks do the counting of
 * their kind (blocks/block.h); which layer has which block a pattern says.
 *
 * Left out: positional tables, adapters, vision towers. */
#ifndef MOESIM_MODELS_LLM_MODEL_H
#define MOESIM_MODELS_LLM_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cfg.h"

/* What tensor cores multiply. */
enum model_format {
    FORMAT_BY_SIZE, /* of the stored parameter: BF16 above a byte, else FP8 */
    FORMAT_BF16,
    FORMAT_FP8, /* scales of 128 x 128 weights and of 128 activations */
    FORMAT_FP8_TENSOR,
    FORMAT_MXFP8,
    FORMAT_NVFP4,
    FORMAT_W4A16, /* 4-bit weights, BF16 activations */
    FORMAT_W4A8
};

/* Of a block's parameters. */
struct precision_cfg {
    double weight_B; /* a parameter as it is stored, its part of a scale with it; 0 = as the model's */
    int compute;     /* enum model_format; by size: as the model's, where weight_B is 0 */
};

struct attention_cfg {
    const char *kind, *decode; /* names of block types; decode "" = kind */
    struct precision_cfg precision;
    const struct cfg_more *keys; /* of all attention blocks */
    double kv_value_B;           /* of a cached number */
    double kv_scale_B;           /* of a block of kv_block cached numbers that share a scale */
    int64_t kv_block;
};

struct experts_cfg {
    const char *kind;
    struct precision_cfg precision, shared; /* shared: of what all tokens go through; 0 = as precision */
    const struct cfg_more *keys;
};

/* A block that a pattern names. */
struct block_cfg {
    const char *kind, *decode;              /* kind "" = as the block of the model that has this role */
    struct precision_cfg precision, shared; /* 0 = as that block's */
    const struct cfg_more *keys;
};

struct block; /* blocks/block.h */

/* NULL: the layer has none. */
struct model_layer {
    const struct block *attention, *network;
};

/* Layers with the same blocks. */
struct layer_class {
    struct model_layer blocks;
    uint32_t n;
};

/* Experts for those who route tokens to them; routed 0: there are none. */
struct expert_facts {
    int64_t routed, shared; /* of a layer */
    int64_t top_k;          /* of the routed ones, that a token uses */
    int64_t groups, top_groups;
    int64_t ffn;   /* width of one */
    int64_t width; /* numbers of a token that travel to an expert and back */
    double params; /* of one */
};

struct model {
    const char *name, *source;
    int64_t layers, dense_layers, hidden, vocab, mtp_layers;
    int64_t residual_streams; /* copies of the residual stream, mixed before and behind each block (DeepSeek-V4) */
    bool tied_embeddings;
    double weight_B;       /* of a parameter at inference */
    double weight_scale_B; /* of a block of weight_block parameters that share a scale */
    int64_t weight_block;
    double other_weight_B; /* of embedding, head, norms, biases and routers; 0 = as the others */
    int compute;           /* enum model_format */
    const char *precision; /* for people: what is stored how */
    const char *attention_pattern, *network_pattern;
    const char *dense_kind;
    const struct cfg_more *dense_keys;
    struct precision_cfg dense_precision;
    struct attention_cfg attention;
    struct experts_cfg moe;
    struct cfg_map blocks; /* of struct block_cfg */

    /* What model_open made of it; the arena's. */
    const struct block *const *block; /* [n_blocks] that layers have, attention first */
    uint32_t n_blocks;
    struct model_layer *layer;     /* [layers] */
    struct layer_class *class;     /* [n_classes] in the order of their first layers */
    uint32_t *class_of, n_classes; /* [layers] */
    struct model_layer mtp;        /* blocks of an MTP module: the last that there are */
    bool one_precision;            /* blocks' own count for nothing */
    const struct block *routed;    /* the block with experts; NULL: none */
    struct expert_facts experts;   /* its facts */
    bool experts_alike;            /* those of all layers are the same */
};

extern const struct cfg_table model_table;
extern const char *const model_formats[];

/* Resolves blocks and patterns of the loaded model `m` (cfg's struct, or a member of it). Reports what does not fit
 * together, and keys that no block reads, at the keys in `cfg`, which stand under `prefix` ("" or "llm."). 0 or -1. */
int model_open(struct cfg *cfg, const char *prefix, struct model *m, struct arena *arena, struct diag *diag);

/* Parameters by part; sums over layers, MTP apart. */
struct model_params {
    double embedding, head; /* head: 0 when tied */
    double attention, dense_ffn, experts, shared_experts_and_router, norms;
    double total;
    double active;          /* used by a token, embedding and head with it */
    double router;          /* part of active */
    double other;           /* part of total: embedding, head, norms, biases, routers */
    double mtp, mtp_active; /* of the MTP modules, without the embedding and head that they share */
    double mtp_other;       /* of mtp: the projection of two vectors to one, norms, routers */
};

struct model_params model_params(const struct model *m);

/* Layers with experts, with another network, with attention. */
uint32_t model_sparse_layers(const struct model *m);
uint32_t model_dense_layers(const struct model *m);
uint32_t model_attention_layers(const struct model *m);

/* Layers with experts before this one; the first of them (0: there are none). */
uint32_t model_sparse_index(const struct model *m, uint32_t layer);
uint32_t model_first_sparse(const struct model *m);

/* Parameters of all layers' attention on each of `tp` GPUs: heads are divided, what all heads share stands on all of
 * them, and with fewer heads of keys and values than GPUs several hold the same. */
double model_attention_per_gpu(const struct model *m, uint32_t tp);
/* The first number of heads, or width of a network that all tokens go through, that `tp` does not divide; 0: none. */
int64_t model_undivided_heads(const struct model *m, uint32_t tp);
int64_t model_undivided_width(const struct model *m, uint32_t tp);

/* Bytes of parameters with the scales of their blocks, `other` of which are not quantised. */
double model_stored_B(const struct model *m, double params, double other);
/* What blocks' own precisions add to that of all parameters, or take away; of the MTP modules'. */
double model_extra_B(const struct model *m);
double model_used_extra_B(const struct model *m); /* of what a token uses */
double model_mtp_extra_B(const struct model *m);

/* Bytes that a token adds to the KV cache of all layers, scales with them, at long contexts: where windows are full.
 * Beside that what indexers keep of it, and what a sequence has from its first token on. */
double model_kv_B(const struct model *m);
double model_index_B(const struct model *m);
double model_state_B(const struct model *m);
/* Bytes of a sequence's cache: a window keeps its last positions only. */
double model_cache_B(const struct model *m, double context);
/* The same on each of `tp` GPUs that share the sequence's heads. */
double model_cache_rank_B(const struct model *m, double context, uint32_t tp);

/* FLOPs to train on a token of a sequence, without recomputation: 6 for each parameter that a token uses
 * (less embedding and router, as the paper's Table 2 counts), and attention, of which a causal mask does
 * half. */
double model_train_flop(const struct model *m, double sequence, bool causal);
/* The rule of thumb of dense models, 72 L d^2 + 6 V d: 12 d^2 parameters a layer, no attention. */
double model_train_flop_rule(const struct model *m);

/* One token generated after `context` others by one sequence: forward FLOPs and bytes read (each weight that
 * is used once, the cache once). */
double model_decode_flop(const struct model *m, double context);
double model_decode_B(const struct model *m, double context);

/* How a model is laid out on GPUs. */
struct model_layout {
    uint32_t pp, tp, ep;
    uint32_t redundant; /* replicas of a layer's experts beyond one of each */
};

/* Weights on the fullest GPU, [B]: layers divided by pp (embedding on the first stage, head on the last),
 * routed experts and their replicas by the larger of ep and tp, the rest of a layer by tp. NULL, or why the layout cannot be. */
const char *model_weights_B(const struct model *m, const struct model_layout *layout, double *out_B);

#endif

/* A transformer language model as numbers: dimensions, parameters, FLOPs and bytes. Blocks do the counting of
 * their kind (blocks/block.h).
 *
 * Left out: positional tables, adapters, vision towers, biases other than those of q, k, v. */
#ifndef MOESIM_MODELS_LLM_MODEL_H
#define MOESIM_MODELS_LLM_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cfg.h"

struct attention_dims {
    const char *kind, *decode; /* names of blocks; decode "" = kind */
    int64_t heads, kv_heads, head_dim;
    int64_t q_lora, kv_lora, nope_dim, rope_dim, v_dim; /* MLA; q_lora 0 = no compression of queries */
    int64_t window; /* 0 = everything; else the positions that are kept and attended to */
    bool qkv_bias;
    double kv_value_B; /* of a cached number */
    double kv_scale_B; /* of a block of kv_block cached numbers that share a scale */
    int64_t kv_block;
    double kv_rope_B; /* MLA: of a cached number of the key with position; 0 = kv_value_B */
};

struct moe_dims { /* routed 0 = dense */
    int64_t routed, shared, top_k, groups, top_groups, ffn;
    bool router_bias;
};

struct model {
    const char *name, *source;
    int64_t layers, dense_layers, hidden, vocab, dense_ffn, mtp_layers;
    bool tied_embeddings;
    double weight_B;       /* of a parameter at inference */
    double weight_scale_B; /* of a block of weight_block parameters that share a scale */
    int64_t weight_block;
    double other_weight_B; /* of embedding, head, norms, biases and routers; 0 = as the others */
    struct attention_dims attention;
    struct moe_dims moe;
};

extern const struct cfg_table model_table;

/* Reports what does not fit together, at the model's keys in `cfg`, which stand under `prefix` ("" or "llm.").
 * 0 or -1. */
int model_check(const struct cfg *cfg, const char *prefix, const struct model *m, struct diag *diag);

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

/* Parameters of one layer's attention on each of `tp` GPUs: heads are divided, MLA's down projections stand on all of
 * them, and with fewer heads of keys and values than GPUs several hold the same. */
double model_attention_rank(const struct model *m, uint32_t tp);

/* What tensor parallelism must divide. */
int64_t model_heads(const struct model *m);

/* Bytes of parameters with the scales of their blocks, `other` of which are not quantised. */
double model_stored_B(const struct model *m, double params, double other);

/* Bytes that a token adds to the KV cache, all layers, scales with them. */
double model_kv_B(const struct model *m);
/* Bytes of a sequence's cache: a window keeps its last positions only. */
double model_cache_B(const struct model *m, double context);

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
 * routed experts and their replicas by ep, the rest of a layer by tp. NULL, or why the layout cannot be. */
const char *model_weights_B(const struct model *m, const struct model_layout *layout, double *out_B);

#endif

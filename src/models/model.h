/* A transformer language model as numbers: dimensions, parameters, FLOPs and bytes. Blocks do the counting of
 * their kind (blocks/block.h).
 *
 * Left out: positional tables, adapters, vision towers, biases other than those of q, k, v. */
#ifndef MOESIM_MODELS_MODEL_H
#define MOESIM_MODELS_MODEL_H

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
};

struct moe_dims { /* routed 0 = dense */
    int64_t routed, shared, top_k, groups, top_groups, ffn;
    bool router_bias;
};

struct model {
    const char *name, *source;
    int64_t layers, dense_layers, hidden, vocab, dense_ffn, mtp_layers;
    bool tied_embeddings;
    double weight_B; /* of a parameter at inference */
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
    double active;     /* used by a token, embedding and head with it */
    double router;     /* part of active */
    double mtp, mtp_active; /* of the MTP modules, without the embedding and head that they share */
};

struct model_params model_params(const struct model *m);

/* Bytes that a token adds to the KV cache, all layers. */
double model_kv_B(const struct model *m);

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
};

/* Weights on the fullest GPU, [B]: layers divided by pp (embedding on the first stage, head on the last),
 * routed experts by ep, the rest of a layer by tp. NULL, or why the layout cannot be. */
const char *model_weights_B(const struct model *m, const struct model_layout *layout, double *out_B);

#endif

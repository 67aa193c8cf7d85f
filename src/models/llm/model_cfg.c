#include <stdio.h>
#include <string.h>

#include "models/llm/blocks/block.h"

#define DIM(table, key, member, preset, least, text) \
    { \
        .name = key, .type = CFG_INT, .offset = offsetof(struct table, member), .dflt = preset, .min = least, \
        .max = 1 << 24, .doc = text \
    }
#define FLAG(table, key, member, text) \
    { \
        .name = key, .type = CFG_BOOL, .offset = offsetof(struct table, member), .dflt = "false", .doc = text \
    }
#define SIZE(table, key, member, text) \
    { \
        .name = key, .type = CFG_QUANTITY, .dim = DIM_BYTES, .offset = offsetof(struct table, member), .dflt = "2 B", \
        .min = 0.125, .max = 8, .doc = text \
    }

#define EXTRA(table, key, member, text) \
    { \
        .name = key, .type = CFG_QUANTITY, .dim = DIM_BYTES, .offset = offsetof(struct table, member), .dflt = "0 B", \
        .min = 0, .max = 8, .doc = text \
    }

static const struct cfg_field attention_fields[] = {
    {.name = "kind",
     .type = CFG_STRING,
     .offset = offsetof(struct attention_dims, kind),
     .doc = "mla, gqa, mha or mqa ('moesim list blocks')"},
    {.name = "decode",
     .type = CFG_STRING,
     .offset = offsetof(struct attention_dims, decode),
     .dflt = "",
     .doc = "block that decoding uses, for example mla_absorbed; empty = kind"},
    DIM(attention_dims, "heads", heads, NULL, 1, "heads of queries"),
    DIM(attention_dims, "kv_heads", kv_heads, "0", 0, "heads of keys and values (not MLA)"),
    DIM(attention_dims, "head_dim", head_dim, "0", 0, "dimension of a head (not MLA)"),
    DIM(attention_dims, "q_lora", q_lora, "0", 0, "MLA: rank of compressed queries, 0 = not compressed"),
    DIM(attention_dims, "kv_lora", kv_lora, "0", 0, "MLA: rank of the latent vector that is cached"),
    DIM(attention_dims, "nope_dim", nope_dim, "0", 0, "MLA: dimension of a key without position"),
    DIM(attention_dims, "rope_dim", rope_dim, "0", 0, "MLA: dimension of a key with position"),
    DIM(attention_dims, "v_dim", v_dim, "0", 0, "MLA: dimension of a value"),
    DIM(attention_dims, "window", window, "0", 0, "positions that are kept and attended to; 0 = all"),
    FLAG(attention_dims, "qkv_bias", qkv_bias, "projections of queries, keys and values have a bias"),
    SIZE(attention_dims, "kv_value", kv_value_B, "a cached number: 2 B is BF16, 1 B FP8"),
    EXTRA(attention_dims, "kv_scale", kv_scale_B, "scale of a block of cached numbers; FP8 of FlashMLA: 4 B"),
    DIM(attention_dims, "kv_block", kv_block, "128", 1, "cached numbers that share a scale"),
    EXTRA(attention_dims, "kv_rope", kv_rope_B,
          "MLA: a cached number of the key with position, FlashMLA: 2 B; 0 B = as kv_value"),
    {0}};
static const struct cfg_table attention_table = {"attention", "attention of every layer", sizeof(struct attention_dims),
                                                 attention_fields};

static const struct cfg_field moe_fields[] = {
    DIM(moe_dims, "routed", routed, "0", 0, "routed experts of a layer; 0 = a dense model"),
    DIM(moe_dims, "shared", shared, "0", 0, "experts that every token uses"),
    DIM(moe_dims, "top_k", top_k, "0", 0, "routed experts that a token uses"),
    DIM(moe_dims, "groups", groups, "1", 1, "groups that routed experts come in"),
    DIM(moe_dims, "top_groups", top_groups, "1", 1, "groups that a token's experts come from"),
    DIM(moe_dims, "ffn", ffn, "0", 0, "width of an expert"),
    FLAG(moe_dims, "router_bias", router_bias, "the router has a bias per expert (auxiliary-loss-free balance)"),
    {0}};
static const struct cfg_table moe_dims_table = {"moe", "experts", sizeof(struct moe_dims), moe_fields};

static const struct cfg_field model_fields[] = {
    {.name = "name", .type = CFG_STRING, .offset = offsetof(struct model, name), .doc = "for people"},
    {.name = "source",
     .type = CFG_STRING,
     .offset = offsetof(struct model, source),
     .doc = "where the dimensions come from"},
    DIM(model, "layers", layers, NULL, 1, "transformer layers"),
    DIM(model, "dense_layers", dense_layers, "0", 0, "the first of them, which have no experts"),
    DIM(model, "hidden", hidden, NULL, 1, "width of the residual stream"),
    DIM(model, "vocab", vocab, NULL, 1, "tokens that there are"),
    DIM(model, "dense_ffn", dense_ffn, "0", 0, "width of dense networks"),
    DIM(model, "mtp_layers", mtp_layers, "0", 0, "multi-token prediction modules"),
    FLAG(model, "tied_embeddings", tied_embeddings, "the head is the embedding"),
    SIZE(model, "weight", weight_B, "a parameter at inference: 2 B is BF16, 1 B FP8, 4.5 b a 4-bit format"),
    EXTRA(model, "weight_scale", weight_scale_B, "scale of a block of parameters; DeepSeek-V3: 4 B"),
    DIM(model, "weight_block", weight_block, "16384", 1, "parameters that share a scale: 128 x 128"),
    EXTRA(model, "other_weight", other_weight_B,
          "a parameter of embedding, head, norms, biases and routers; 0 B = as weight"),
    {.name = "attention",
     .type = CFG_TABLE,
     .offset = offsetof(struct model, attention),
     .sub = &attention_table,
     .doc = "attention of every layer"},
    {.name = "moe", .type = CFG_TABLE, .offset = offsetof(struct model, moe), .sub = &moe_dims_table, .doc = "experts"},
    {0}};
const struct cfg_table model_table = {"model", "a language model", sizeof(struct model), model_fields};

struct check {
    const struct cfg *cfg;
    const char *prefix;
    const struct model *model;
    struct diag *diag;
};

static struct srcloc place(const struct check *c, const char *key)
{
    char full[128];
    snprintf(full, sizeof full, "%s%s", c->prefix, key);
    return cfg_where(c->cfg, full);
}

static void check_block(const struct check *c, const char *key, const char *name, const void *dims, bool attention)
{
    const struct block_type *b = block_find(name);
    const char *names[64] = {0};
    uint32_t n = 0;
    for (const struct block_type *const *all = block_all(); *all; all++)
        if (!(*all)->attention == !attention)
            names[n++] = (*all)->name;
    if (b && !b->attention == !attention) {
        const char *misfit = b->misfit(c->model, dims);
        if (misfit)
            diag_error(c->diag, EXIT_BAD_INPUT, place(c, key), "%s", misfit);
        return;
    }
    const char *near = cfg_nearest(name, names);
    diag_error(c->diag, EXIT_BAD_INPUT, place(c, key), "there is no attention '%.40s'%s%s%s ('moesim list blocks')",
               name, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

int model_check(const struct cfg *cfg, const char *prefix, const struct model *m, struct diag *diag)
{
    const struct check c = {cfg, prefix, m, diag};
    size_t before = diag_count(diag);
    check_block(&c, "attention.kind", m->attention.kind, &m->attention, true);
    if (*m->attention.decode && diag_count(diag) == before)
        check_block(&c, "attention.decode", m->attention.decode, &m->attention, true);
    if (m->dense_layers > m->layers)
        diag_error(diag, EXIT_BAD_INPUT, place(&c, "dense_layers"), "%lld dense layers of %lld layers",
                   (long long)m->dense_layers, (long long)m->layers);
    if (m->moe.routed)
        check_block(&c, "moe.routed", "moe", &m->moe, false);
    if (!m->moe.routed || m->dense_layers)
        check_block(&c, "dense_ffn", "dense_ffn", m, false);
    return diag_count(diag) == before ? 0 : -1;
}

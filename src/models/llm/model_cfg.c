#include "models/llm/blocks/block.h"

enum { MOST_LAYERS = 10000, LARGEST = 1 << 24 };

const char *const model_formats[] = {
    [FORMAT_BY_SIZE] = "by_size",       [FORMAT_BF16] = "bf16",   [FORMAT_FP8] = "fp8",
    [FORMAT_FP8_TENSOR] = "fp8_tensor", [FORMAT_MXFP8] = "mxfp8", [FORMAT_NVFP4] = "nvfp4",
    [FORMAT_W4A16] = "w4a16",           [FORMAT_W4A8] = "w4a8",   NULL};

#define PRECISION(table, prefix, member, whose) \
    ROW_NUMBER_B(table, prefix "weight", member.weight_B, "0 B", \
                 "a parameter of " whose ", its part of a scale with it; 0 B = as others"), \
        ROW_CHOICE(table, prefix "compute", member.compute, "by_size", model_formats, \
                   "what is multiplied in " whose ": bf16, fp8, fp8_tensor, mxfp8, nvfp4, w4a16 or w4a8; by_size: as " \
                   "others, or by the size of weight")

#define SIZE(table, key, member, text) ROW_AMOUNT(table, key, member, DIM_BYTES, "2 B", 0.125, 8, text)

/* --- keys of blocks, where they stand ----------------------------------------------------------------------------- */

enum { MOST_TYPES = 64 };

static bool is_attention(const struct block_type *b)
{
    return b->attention;
}

static bool is_experts(const struct block_type *b)
{
    return b->network && b->network->experts;
}

static bool is_dense(const struct block_type *b)
{
    return b->network && !b->network->experts;
}

static bool is_any(const struct block_type *b)
{
    return b;
}

static const struct cfg_table *const *keys_of(const struct cfg_table **list, bool (*wanted)(const struct block_type *b))
{
    size_t n = 0;
    for (const struct block_type *const *b = block_all(); *b; b++)
        if (wanted(*b))
            list[n++] = (*b)->keys;
    BUG_IF(n >= MOST_TYPES);
    list[n] = NULL;
    return list;
}

#define KEYS_OF(function, wanted) \
    static const struct cfg_table *const *function(void) \
    { \
        static const struct cfg_table *list[MOST_TYPES]; \
        return keys_of(list, wanted); \
    }
KEYS_OF(attention_keys, is_attention)
KEYS_OF(experts_keys, is_experts)
KEYS_OF(dense_keys, is_dense)
KEYS_OF(all_keys, is_any)

#define BLOCKS(table, member, function) ROW_OF(CFG_MORE, table, "keys of blocks", member, .more = function)

/* --- tables --------------------------------------------------------------------------------------------------------- */

static const struct cfg_field attention_fields[] = {
    ROW_TEXT(attention_cfg, "kind", kind, NULL, "mla, gqa, mha, mqa or another attention block ('moesim list blocks')"),
    ROW_TEXT(attention_cfg, "decode", decode, "", "block that decoding uses, for example mla_absorbed; empty = kind"),
    PRECISION(attention_cfg, "", precision, "attention"),
    BLOCKS(attention_cfg, keys, attention_keys),
    SIZE(attention_cfg, "kv_value", kv_value_B, "a cached number: 2 B is BF16, 1 B FP8"),
    ROW_NUMBER_B(attention_cfg, "kv_scale", kv_scale_B, "0 B",
                 "scale of a block of cached numbers; FP8 of FlashMLA: 4 B"),
    ROW_COUNT(attention_cfg, "kv_block", kv_block, "128", 1, LARGEST, "cached numbers that share a scale"),
    {0}};
static const struct cfg_table attention_table = {"attention", "attention of every layer without a pattern",
                                                 sizeof(struct attention_cfg), attention_fields};

static const struct cfg_field experts_fields[] = {
    ROW_TEXT(experts_cfg, "kind", kind, "moe", "block of experts ('moesim list blocks')"),
    PRECISION(experts_cfg, "", precision, "experts"),
    PRECISION(experts_cfg, "shared_", shared, "what all tokens go through beside experts"),
    BLOCKS(experts_cfg, keys, experts_keys),
    {0}};
static const struct cfg_table experts_table = {"moe", "experts", sizeof(struct experts_cfg), experts_fields};

static const struct cfg_field block_fields[] = {
    ROW_TEXT(block_cfg, "kind", kind, "",
             "attention or network ('moesim list blocks'); empty: llm.attention with the keys that are given here"),
    ROW_TEXT(block_cfg, "decode", decode, "", "attention that decoding uses; empty = kind, or llm.attention.decode"),
    PRECISION(block_cfg, "", precision, "the block"),
    PRECISION(block_cfg, "shared_", shared, "what all tokens go through beside its experts"),
    BLOCKS(block_cfg, keys, all_keys),
    {0}};
static const struct cfg_table block_table = {"block", "a block of your own, for patterns", sizeof(struct block_cfg),
                                             block_fields};

static const struct cfg_field model_fields[] = {
    ROW_TEXT(model, "name", name, NULL, "for people"),
    ROW_TEXT(model, "source", source, NULL, "where the dimensions come from"),
    ROW_COUNT(model, "layers", layers, NULL, 1, MOST_LAYERS, "transformer layers"),
    ROW_COUNT(model, "dense_layers", dense_layers, "0", 0, MOST_LAYERS, "the first of them, which have no experts"),
    ROW_COUNT(model, "hidden", hidden, NULL, 1, LARGEST, "width of the residual stream"),
    ROW_COUNT(model, "vocab", vocab, NULL, 1, LARGEST, "tokens that there are"),
    ROW_COUNT(model, "residual_streams", residual_streams, "1", 1, 64,
              "residual streams that are mixed before and behind each block (hyper-connections)"),
    ROW_TEXT(
        model, "attention_pattern", attention_pattern, "",
        "attention of each layer, repeated until all have one: 'window*3 attention' with llm.blocks.window; empty: "
        "attention in all"),
    ROW_TEXT(model, "network_pattern", network_pattern, "",
             "network of each layer, likewise: 'dense moe*3', 'none'; empty: dense_layers dense ones, then moe"),
    ROW_TEXT(model, "dense_kind", dense_kind, "dense_ffn", "block of layers without experts ('moesim list blocks')"),
    PRECISION(model, "dense_", dense_precision, "layers without experts"),
    BLOCKS(model, dense_keys, dense_keys),
    ROW_COUNT(model, "mtp_layers", mtp_layers, "0", 0, LARGEST, "multi-token prediction modules"),
    ROW_FLAG(model, "tied_embeddings", tied_embeddings, "false", "the head is the embedding"),
    SIZE(model, "weight", weight_B, "a parameter at inference: 2 B is BF16, 1 B FP8, 4.5 b a 4-bit format"),
    ROW_NUMBER_B(model, "weight_scale", weight_scale_B, "0 B", "scale of a block of parameters; DeepSeek-V3: 4 B"),
    ROW_COUNT(model, "weight_block", weight_block, "16384", 1, LARGEST, "parameters that share a scale: 128 x 128"),
    ROW_NUMBER_B(model, "other_weight", other_weight_B, "0 B",
                 "a parameter of embedding, head, norms, biases and routers; 0 B = as weight"),
    ROW_CHOICE(model, "compute", compute, "by_size", model_formats,
               "what is multiplied: bf16, fp8 ...; by_size: BF16 where weight is above 1 B, else FP8"),
    ROW_TEXT(model, "precision", precision, "", "for people: what is stored how, and how that is known"),
    ROW_PART(model, "attention", attention, attention_table, "attention of every layer without a pattern"),
    ROW_PART(model, "moe", moe, experts_table, "experts"),
    ROW_OF(CFG_MAP, model, "blocks", blocks, .sub = &block_table),
    {0}};
const struct cfg_table model_table = {"model", "a language model", sizeof(struct model), model_fields};

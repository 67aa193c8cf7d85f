/* Attention of each layer of a config.json. Which kind a layer has, many keys may say: lists of names or numbers, letters,
 * every n-th layer. The dimensions are those of the classes that model_import_types.c names.
 *
 * Left out: rotary embeddings, caps and scales of logits, norms of whole queries (those of heads are counted). */
#include <string.h>

#include "io/inputs/model_import_priv.h"

enum kind { FULL, LOCAL, CHUNKED, LINEAR, MAMBA, SPARSE, COMPRESSED, MAP, NONE, UNKNOWN };

void import_pair(struct import *im, struct import_part *p, const char *key, long long value)
{
    p->pair[p->n].key = key;
    p->pair[p->n++].value = arena_printf(im->arena, "%lld", value);
}

void import_pair_flag(struct import *im, struct import_part *p, const char *key, bool value)
{
    (void)im;
    p->pair[p->n].key = key;
    p->pair[p->n++].value = value ? "true" : "false";
}

/* --- which kind -------------------------------------------------------------------------------------------------- */

/* Words of layer_types. */
static enum kind by_word(struct import *im, const char *word)
{
    static const struct {
        const char *word;
        enum kind kind;
    } words[] = {{"full_attention", FULL},
                 {"attention", FULL},
                 {"global", FULL},
                 {"sliding_attention", LOCAL},
                 {"sliding_window", LOCAL},
                 {"local", LOCAL},
                 {"chunked_attention", CHUNKED},
                 {"linear_attention", LINEAR},
                 {"mamba", MAMBA},
                 {"mamba2", MAMBA},
                 {"deepseek_sparse_attention", FULL},
                 {"sparse_attention", SPARSE},
                 {"moe", NONE},
                 {"mlp", NONE}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(word, words[i].word))
            return words[i].kind;
    import_complain(im, "layer_types", "has a kind of layer that is not modelled: '%.40s'", word);
    return UNKNOWN;
}

char import_letter(struct import *im, long long layer)
{
    const cJSON *pattern = import_get(im, "hybrid_override_pattern");
    if (!cJSON_IsString(pattern))
        return 0;
    if ((long long)strlen(pattern->valuestring) != im->layers) {
        import_complain(im, "hybrid_override_pattern", "has %zu letters for %lld layers", strlen(pattern->valuestring),
                        im->layers);
        return 0;
    }
    char c = pattern->valuestring[layer];
    if (!strchr("ME*-", c))
        import_complain(im, "hybrid_override_pattern",
                        "is of the letters M (Mamba-2), E (experts), * (attention) and - (dense network)");
    return c;
}

const cJSON *import_searched(struct import *im, long long layer, const char *part)
{
    const cJSON *block = import_of_layer(im, "block_configs", layer);
    const cJSON *v = block ? cJSON_GetObjectItemCaseSensitive(block, part) : NULL;
    if (block && !cJSON_IsObject(v))
        import_complain(im, "block_configs", "must have '%s' in each element", part);
    return v;
}

/* A list of layers, counted from 1, has it. */
static bool lists(const cJSON *list, long long layer)
{
    const cJSON *v;
    cJSON_ArrayForEach(v, list) if (cJSON_IsNumber(v) && v->valuedouble == (double)(layer + 1)) return true;
    return false;
}

/* Kimi Linear names its layers of either kind. */
static enum kind by_lists(struct import *im, const cJSON *linear, long long layer)
{
    bool kda = lists(cJSON_GetObjectItemCaseSensitive(linear, "kda_layers"), layer);
    bool full = lists(cJSON_GetObjectItemCaseSensitive(linear, "full_attn_layers"), layer);
    if (kda == full)
        import_complain(im, "linear_attn_config", "must name layer %lld in one of kda_layers and full_attn_layers",
                        layer + 1);
    return kda ? LINEAR : FULL;
}

/* Every n-th layer is full; "LLLG" has a letter for each. */
static enum kind by_period(struct import *im, const cJSON *v, long long layer, enum kind others)
{
    if (cJSON_IsString(v) && *v->valuestring)
        return v->valuestring[layer % (long long)strlen(v->valuestring)] == 'L' ? others : FULL;
    long long n = import_whole_of(im, v, 1);
    return n > 0 && (layer + 1) % n == 0 ? FULL : n > 0 ? others : FULL;
}

static enum kind by_letter(char letter)
{
    return letter == 'M' ? MAMBA : letter == '*' ? FULL : NONE;
}

/* An element of block_configs; older ones say how many heads share keys, newer ones how many keys there are. */
static enum kind by_search(const cJSON *of)
{
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(of, "no_op")))
        return NONE;
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(of, "replace_with_linear")) ? MAP : FULL;
}

static enum kind number_kind(struct import *im, const char *key, long long layer, enum kind zero, enum kind other)
{
    const cJSON *v = import_of_layer(im, key, layer);
    return v && cJSON_IsNumber(v) && v->valuedouble != 0 ? other : zero;
}

/* Llama 4: layers with positions attend in chunks, those without to everything. */
static enum kind by_positions(struct import *im, long long layer)
{
    const cJSON *list = import_get(im, "no_rope_layers"), *v;
    long long every = import_whole(im, "no_rope_layer_interval", 4);
    if (!cJSON_IsArray(list) || !list->child)
        return every > 0 && (layer + 1) % every == 0 ? FULL : CHUNKED;
    v = import_of_layer(im, "no_rope_layers", layer);
    return v && cJSON_IsNumber(v) && v->valuedouble == 0 ? FULL : CHUNKED;
}

/* Without any list: windows of all layers, or of those behind the first max_window_layers (Qwen). */
static enum kind by_window(struct import *im, long long layer)
{
    long long window = import_whole(im, "sliding_window", 0);
    if (!window)
        return FULL;
    if (import_has_trait(im, EVERY_OTHER))
        return layer % 2 ? FULL : LOCAL;
    if (import_flag(im, "use_sliding_window", import_has_trait(im, WINDOWS)))
        return layer >= import_whole(im, "max_window_layers", 0) ? LOCAL : FULL;
    if (!im->known && !import_get(im, "use_sliding_window"))
        import_complain(im, "sliding_window", "is given, but not which layers have it: layer_types is missing");
    return FULL;
}

static enum kind kind_of(struct import *im, long long layer)
{
    const cJSON *v;
    if (import_get(im, "compress_ratios|compress_rates"))
        return COMPRESSED;
    if (import_letter(im, layer))
        return by_letter(import_letter(im, layer));
    if (import_get(im, "block_configs"))
        return by_search(import_searched(im, layer, "attention"));
    v = import_get(im, "sparse_attention_config");
    if (cJSON_IsObject(v) && !cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(v, "use_sparse_attention")))
        return SPARSE;
    if ((v = import_of_layer(im, "layer_types|layers_block_type", layer)))
        return by_word(im, cJSON_IsString(v) ? v->valuestring : "");
    if (cJSON_IsObject(v = import_get(im, "linear_attn_config")))
        return by_lists(im, v, layer);
    if (import_get(im, "attn_type_list"))
        return number_kind(im, "attn_type_list", layer, LINEAR, FULL);
    if (import_get(im, "hybrid_layer_pattern"))
        return number_kind(im, "hybrid_layer_pattern", layer, FULL, LOCAL);
    if ((v = import_get(im, "full_attention_interval|layer_group_size")))
        return by_period(im, v, layer, LINEAR);
    if ((v = import_get(im, "sliding_window_pattern|_sliding_window_pattern")) && import_whole(im, "sliding_window", 0))
        return by_period(im, v, layer, LOCAL);
    if (import_whole(im, "attention_chunk_size", 0) && !import_whole(im, "sliding_window", 0))
        return by_positions(im, layer);
    return by_window(im, layer);
}

/* --- formats ------------------------------------------------------------------------------------------------------ */

static void set_format(struct import *im, struct import_part *p, long long layer, const struct import_module *m, int n)
{
    p->format = import_format_of(im, layer, m, n);
    for (int i = 0; i < n; i++)
        p->params += m[i].params;
}

/* --- heads that share keys and values ---------------------------------------------------------------------------- */

/* Dimensions of layers with windows may differ from those of others: keys of the one kind or the other. */
static long long of_kind(struct import *im, bool local, const char *local_keys, const char *full_keys, long long common)
{
    return import_whole(im, local ? local_keys : full_keys, common);
}

static const cJSON *other_setting(struct import *im, bool local)
{
    const cJSON *o = import_get(im, "attention_other_setting");
    const cJSON *kind = cJSON_GetObjectItemCaseSensitive(o, "attention_type");
    return cJSON_IsObject(o) && (cJSON_IsString(kind) && import_is(kind, "sliding_attention")) == local ? o : NULL;
}

struct heads {
    long long heads, kv, dim, value;
    bool shared;
};

static struct heads heads_of(struct import *im, bool local)
{
    const cJSON *other = other_setting(im, local);
    struct heads h = {.heads = import_whole(im, "num_attention_heads", -1)};
    h.heads = of_kind(im, local, "swa_num_attention_heads", "global_num_attention_heads", h.heads);
    h.heads = import_whole_of(im, cJSON_GetObjectItemCaseSensitive(other, "num_attention_heads"), h.heads);
    h.kv = import_whole(im, "num_key_value_heads|num_attention_groups|multi_query_group_num", h.heads);
    h.kv = of_kind(im, local, "swa_num_key_value_heads", "num_global_key_value_heads", h.kv);
    h.kv = import_whole_of(im, cJSON_GetObjectItemCaseSensitive(other, "num_attention_groups"), h.kv);
    h.dim = import_whole(im, "head_dim|attention_head_dim|kv_channels", h.heads > 0 ? im->hidden / h.heads : 0);
    h.dim = of_kind(im, local, "swa_head_dim", "global_head_dim", h.dim);
    h.value = import_whole(im, "v_head_dim", h.dim);
    h.value = of_kind(im, local, "swa_v_head_dim", "global_v_head_dim", h.value);
    h.shared = !local && import_flag(im, "attention_k_eq_v", false);
    if (!h.shared && import_get(im, "attention_k_eq_v"))
        h.kv = import_whole(im, "num_key_value_heads", h.kv);
    return h;
}

static void name_heads(struct import_part *p, const struct heads *h)
{
    p->kind = h->kv == h->heads ? "mha" : h->kv == 1 ? "mqa" : "gqa";
}

static void heads_format(struct import *im, long long layer, struct import_part *p, const struct heads *h, bool gate)
{
    double d = (double)im->hidden, q = (double)(h->heads * h->dim), o = (double)(h->heads * h->value);
    const struct import_module m[] = {
        {"self_attn.q_proj|attention.q_proj|self_attn.qkv_proj|mixer.q_proj", d * (q + (gate ? o : 0))},
        {"self_attn.k_proj|attention.k_proj|self_attn.qkv_proj|mixer.k_proj", d * (double)(h->kv * h->dim)},
        {"self_attn.v_proj|attention.v_proj|self_attn.qkv_proj|mixer.v_proj",
         h->shared ? 0 : d * (double)(h->kv * h->value)},
        {"self_attn.o_proj|attention.o_proj|mixer.o_proj", d * o}};
    set_format(im, p, layer, m, 4);
}

static long long window_of(struct import *im, enum kind kind)
{
    return kind == LOCAL ? import_whole(im, "sliding_window|sliding_window_size|swa_window_size", -1) : 0;
}

static bool has_sinks(struct import *im, bool local)
{
    if (import_has_trait(im, SINKS))
        return true;
    return import_flag(im, local ? "add_swa_attention_sink_bias" : "add_full_attention_sink_bias", false);
}

static void write_heads(struct import *im, struct import_part *p, const struct heads *h, enum kind kind)
{
    bool qkv_bias = import_flag(im, "attention_bias|qkv_bias|use_qkv_bias|attn_bias", import_has_trait(im, QKV_BIAS));
    bool gate = import_flag(im, "attn_output_gate|attention_output_gate|use_attn_output_gate",
                            import_has_trait(im, OUTPUT_GATE));
    import_pair(im, p, "heads", h->heads);
    import_pair(im, p, "kv_heads", h->kv);
    import_pair(im, p, "head_dim", h->dim);
    import_pair(im, p, "value_dim", h->value == h->dim ? 0 : h->value);
    import_pair(im, p, "window", window_of(im, kind));
    import_pair(im, p, "chunk", kind == CHUNKED ? import_whole(im, "attention_chunk_size", -1) : 0);
    import_pair_flag(im, p, "qkv_bias", qkv_bias);
    import_pair_flag(
        im, p, "output_bias",
        import_flag(im, "attention_out_bias|attention_o_bias", qkv_bias && import_has_trait(im, OUTPUT_BIAS)));
    import_pair_flag(im, p, "gate", gate);
    import_pair_flag(im, p, "qk_norm", import_flag(im, "use_qk_norm", import_has_trait(im, QK_NORM)));
    import_pair_flag(im, p, "sinks", has_sinks(im, kind == LOCAL));
    import_pair_flag(im, p, "shared_kv", h->shared);
}

/* Models that were searched for: keys by layer. */
static void searched_heads(struct import *im, long long layer, struct heads *h)
{
    const cJSON *of = import_get(im, "block_configs") ? import_searched(im, layer, "attention") : NULL;
    long long share = import_whole_of(im, cJSON_GetObjectItemCaseSensitive(of, "n_heads_in_group"), 0);
    long long kv = import_whole_of(im, cJSON_GetObjectItemCaseSensitive(of, "num_key_value_heads"), 0);
    if (share > 0)
        h->kv = h->heads / share;
    if (kv > 0)
        h->kv = kv;
}

static void grouped(struct import *im, long long layer, enum kind kind, struct import_part *p)
{
    struct heads h = heads_of(im, kind == LOCAL);
    searched_heads(im, layer, &h);
    name_heads(p, &h);
    p->hint = kind == LOCAL ? "window" : kind == CHUNKED ? "chunks" : "full";
    write_heads(im, p, &h, kind);
    heads_format(im, layer, p, &h,
                 import_flag(im, "attn_output_gate|attention_output_gate", import_has_trait(im, OUTPUT_GATE)));
}

/* --- grouped heads over blocks that an indexer chooses (MiniMax-M3) ------------------------------------------------- */

static long long in_object(struct import *im, const cJSON *o, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);
    if (!v)
        import_complain(im, o->string, "lacks '%s'", key);
    return import_whole_of(im, v, 0);
}

static bool is_sparse(const cJSON *o, long long layer)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(o, "sparse_attention_freq");
    const cJSON *v = cJSON_IsArray(list) ? cJSON_GetArrayItem(list, (int)layer) : NULL;
    return !list || (cJSON_IsNumber(v) && v->valuedouble != 0);
}

static void grouped_sparse(struct import *im, long long layer, struct import_part *p)
{
    const cJSON *o = import_get(im, "sparse_attention_config");
    grouped(im, layer, FULL, p);
    if (!cJSON_IsObject(o) || !is_sparse(o, layer))
        return;
    p->kind = "gqa_sparse";
    p->hint = "sparse";
    import_pair(im, p, "index_heads", in_object(im, o, "sparse_num_index_heads"));
    import_pair(im, p, "index_dim", in_object(im, o, "sparse_index_dim"));
    import_pair(im, p, "index_top_k", in_object(im, o, "sparse_topk_blocks"));
    import_pair(im, p, "index_block", in_object(im, o, "sparse_block_size"));
}

/* --- latent attention ---------------------------------------------------------------------------------------------- */

/* GLM-5.2: layers whose choice is that of the one before. */
static bool shares_index(struct import *im, long long layer)
{
    const cJSON *type = import_of_layer(im, "indexer_types", layer), *pattern = import_get(im, "index_topk_pattern");
    long long every = import_whole(im, "index_topk_freq", 1), first = import_whole(im, "index_skip_topk_offset", 1);
    if (type)
        return import_is(type, "shared");
    if (cJSON_IsString(pattern) && (long long)strlen(pattern->valuestring) >= im->layers)
        return pattern->valuestring[layer] == 'S';
    return every > 1 && layer >= first && (layer - first + 1) % every != 0;
}

static void latent_format(struct import *im, long long layer, struct import_part *p, long long heads)
{
    double d = (double)im->hidden, h = (double)heads, q = (double)import_whole(im, "q_lora_rank", 0);
    double nope = (double)import_whole(im, "qk_nope_head_dim", 0),
           rope = (double)import_whole(im, "qk_rope_head_dim", 0);
    double kv = (double)import_whole(im, "kv_lora_rank", 0), v = (double)import_whole(im, "v_head_dim", 0);
    const struct import_module m[] = {
        {"self_attn.q_a_proj|self_attn.fused_qkv_a_proj_with_mqa", d * q},
        {"self_attn.q_b_proj|self_attn.q_proj", (q > 0 ? q : d) * h * (nope + rope)},
        {"self_attn.kv_a_proj_with_mqa|self_attn.fused_qkv_a_proj_with_mqa", d * (kv + rope)},
        {"self_attn.kv_b_proj", kv * h * (nope + v)},
        {"self_attn.o_proj", h * v * d}};
    set_format(im, p, layer, m, 5);
}

static void latent(struct import *im, long long layer, enum kind kind, struct import_part *p)
{
    long long heads = import_whole(im, "num_attention_heads", -1), top_k = import_whole(im, "index_topk", 0);
    bool shared = top_k && shares_index(im, layer);
    p->kind = top_k ? "dsa" : "mla";
    p->hint = shared ? "shared_index" : kind == LOCAL ? "window" : "full";
    p->decode = top_k ? "" : "mla_absorbed";
    import_pair(im, p, "heads", heads);
    import_pair(im, p, "q_lora", import_whole(im, "q_lora_rank", 0));
    import_pair(im, p, "kv_lora", import_whole(im, "kv_lora_rank", -1));
    import_pair(im, p, "nope_dim", import_whole(im, "qk_nope_head_dim", -1));
    import_pair(im, p, "rope_dim", import_whole(im, "qk_rope_head_dim", -1));
    import_pair(im, p, "v_dim", import_whole(im, "v_head_dim", -1));
    import_pair(im, p, "window", window_of(im, kind));
    import_pair_flag(im, p, "gate", import_flag(im, "mla_use_output_gate", false));
    if (top_k) {
        import_pair(im, p, "index_heads", shared ? 0 : import_whole(im, "index_n_heads", -1));
        import_pair(im, p, "index_dim", shared ? 0 : import_whole(im, "index_head_dim", -1));
        import_pair(im, p, "index_top_k", top_k);
        import_pair_flag(im, p, "index_shared", shared);
    }
    latent_format(im, layer, p, heads);
}

/* --- compressed attention (DeepSeek-V4) ------------------------------------------------------------------------------ */

/* Of the ratios the one whose entries an indexer chooses from (DeepSeek-V4's code). */
enum { INDEXED_RATIO = 4 };

static void compressed(struct import *im, long long layer, struct import_part *p)
{
    long long ratio = import_whole_of(im, import_of_layer(im, "compress_ratios|compress_rates", layer), 0);
    long long heads = import_whole(im, "num_attention_heads", -1), dim = import_whole(im, "head_dim", -1);
    long long q = import_whole(im, "q_lora_rank", -1), groups = import_whole(im, "o_groups", 1),
              o = import_whole(im, "o_lora_rank", -1);
    bool indexed = ratio == INDEXED_RATIO;
    p->kind = "csa";
    p->hint = !ratio ? "window" : indexed ? "chosen" : "compressed";
    import_pair(im, p, "heads", heads);
    import_pair(im, p, "head_dim", dim);
    import_pair(im, p, "rope_dim", import_whole(im, "qk_rope_head_dim", 0));
    import_pair(im, p, "q_lora", q);
    import_pair(im, p, "output_groups", groups);
    import_pair(im, p, "output_lora", o);
    import_pair(im, p, "window", import_whole(im, "sliding_window", -1));
    import_pair(im, p, "compress", ratio);
    import_pair(im, p, "index_heads", indexed ? import_whole(im, "index_n_heads", -1) : 0);
    import_pair(im, p, "index_dim", indexed ? import_whole(im, "index_head_dim", -1) : 0);
    import_pair(im, p, "index_top_k", indexed ? import_whole(im, "index_topk", -1) : 0);
    const struct import_module m[] = {{"attn.wq_a|self_attn.q_a_proj", (double)im->hidden * (double)q},
                                      {"attn.wq_b|self_attn.q_b_proj", (double)q * (double)(heads * dim)},
                                      {"attn.wkv|self_attn.kv_proj", (double)im->hidden * (double)dim},
                                      {"attn.wo_a|self_attn.o_a_proj", (double)(heads * dim) * (double)o},
                                      {"attn.wo_b|self_attn.o_b_proj", (double)(groups * o) * (double)im->hidden}};
    set_format(im, p, layer, m, 5);
}

/* --- linear attention ---------------------------------------------------------------------------------------------- */

static void state_format(struct import *im, struct import_part *p)
{
    const cJSON *type = import_get(im, "mamba_ssm_dtype|mamba_ssm_cache_dtype");
    p->pair[p->n].key = "state_value";
    p->pair[p->n++].value = import_is(type, "bfloat16") || import_is(type, "float16") ? "2 B" : "4 B";
    if (!type)
        import_note(im, "States of linear attention are taken for FP32");
}

static void linear_format(struct import *im, long long layer, struct import_part *p, double in, double out)
{
    const struct import_module m[] = {
        {"linear_attn.in_proj_qkv|linear_attn.in_proj_qkvz|self_attn.q_proj|mixer.in_proj|self_attn.qkv_proj|mamba.in_"
         "proj|attention.query_key_value",
         in},
        {"linear_attn.out_proj|self_attn.o_proj|mixer.out_proj|mamba.out_proj|attention.dense", out}};
    set_format(im, p, layer, m, 2);
}

static void delta_net(struct import *im, long long layer, struct import_part *p)
{
    long long heads = import_whole(im, "linear_num_value_heads", -1),
              keys = import_whole(im, "linear_num_key_heads", -1);
    long long key_dim = import_whole(im, "linear_key_head_dim", -1),
              value_dim = import_whole(im, "linear_value_head_dim", -1);
    double d = (double)im->hidden, v = (double)(heads * value_dim);
    p->kind = "gated_delta_net";
    import_pair(im, p, "heads", heads);
    import_pair(im, p, "key_heads", keys);
    import_pair(im, p, "key_dim", key_dim);
    import_pair(im, p, "value_dim", value_dim);
    import_pair(im, p, "conv", import_whole(im, "linear_conv_kernel_dim", 4));
    state_format(im, p);
    linear_format(im, layer, p, d * (2 * (double)(keys * key_dim) + 2 * v), v * d);
}

static void kimi_delta(struct import *im, long long layer, struct import_part *p)
{
    const cJSON *o = import_get(im, "linear_attn_config"),
                *gate = cJSON_GetObjectItemCaseSensitive(o, "use_full_rank_gate");
    long long heads = in_object(im, o, "num_heads"), dim = in_object(im, o, "head_dim");
    double d = (double)im->hidden, width = (double)(heads * dim);
    p->kind = "kda";
    import_pair(im, p, "heads", heads);
    import_pair(im, p, "head_dim", dim);
    import_pair(im, p, "conv", import_whole_of(im, cJSON_GetObjectItemCaseSensitive(o, "short_conv_kernel_size"), 4));
    import_pair_flag(im, p, "full_gate", cJSON_IsTrue(gate));
    state_format(im, p);
    linear_format(im, layer, p, d * 4 * width, width * d);
}

static void lightning(struct import *im, long long layer, struct import_part *p)
{
    long long heads = import_whole(im, "num_attention_heads", -1);
    long long dim = import_whole(im, "head_dim", heads > 0 ? im->hidden / heads : 0);
    double d = (double)im->hidden, width = (double)(heads * dim);
    p->kind = "lightning";
    import_pair(im, p, "heads", heads);
    import_pair(im, p, "head_dim", dim);
    state_format(im, p);
    linear_format(im, layer, p, d * 4 * width, width * d);
}

static void linear(struct import *im, long long layer, struct import_part *p)
{
    p->hint = "linear";
    if (import_get(im, "linear_num_value_heads"))
        delta_net(im, layer, p);
    else if (cJSON_IsObject(import_get(im, "linear_attn_config")))
        kimi_delta(im, layer, p);
    else if (import_has_trait(im, LIGHTNING))
        lightning(im, layer, p);
    else
        import_complain(im, "layer_types",
                        "has linear attention of an unknown kind: there are linear_num_value_heads "
                        "(gated delta net) and linear_attn_config (Kimi delta attention)");
}

static void mamba(struct import *im, long long layer, struct import_part *p)
{
    long long heads = import_whole(im, "mamba_num_heads|mamba_n_heads", -1),
              dim = import_whole(im, "mamba_head_dim|mamba_d_head", -1);
    long long groups = import_whole(im, "n_groups|mamba_n_groups", 1),
              state = import_whole(im, "ssm_state_size|mamba_d_state|mamba_state_dim", -1);
    double d = (double)im->hidden, inner = (double)(heads * dim);
    p->kind = "mamba2";
    p->hint = "mamba";
    import_pair(im, p, "heads", heads);
    import_pair(im, p, "head_dim", dim);
    import_pair(im, p, "state_groups", groups);
    import_pair(im, p, "state_dim", state);
    import_pair(im, p, "conv", import_whole(im, "conv_kernel|mamba_d_conv", 4));
    import_pair_flag(im, p, "conv_bias", import_flag(im, "use_conv_bias|mamba_conv_bias", true));
    import_pair_flag(im, p, "projection_bias", import_flag(im, "use_bias|mamba_proj_bias", false));
    import_pair(im, p, "scan_chunk", import_whole(im, "chunk_size|mamba_chunk_size", 128));
    state_format(im, p);
    linear_format(im, layer, p, d * (2 * inner + 2 * (double)(groups * state) + (double)heads), inner * d);
}

/* --- either -------------------------------------------------------------------------------------------------------- */

void import_attention(struct import *im, long long layer, struct import_part *out)
{
    enum kind kind = kind_of(im, layer);
    *out = (struct import_part){.hint = "none", .kind = "", .decode = ""};
    if (kind == COMPRESSED)
        compressed(im, layer, out);
    else if (kind == LINEAR)
        linear(im, layer, out);
    else if (kind == MAMBA)
        mamba(im, layer, out);
    else if (kind == MAP)
        *out = (struct import_part){.hint = "matrix", .kind = "linear_map", .decode = "", .format = im->quant.base};
    else if (kind == SPARSE)
        grouped_sparse(im, layer, out);
    else if (kind != NONE && kind != UNKNOWN && import_whole(im, "kv_lora_rank", 0) && kind != CHUNKED)
        latent(im, layer, kind, out);
    else if (kind != NONE && kind != UNKNOWN)
        grouped(im, layer, kind, out);
}

/* Hugging Face's config.json as a model of ours. Which keys mean what: the configuration classes of
 * transformers (LlamaConfig, MixtralConfig, Qwen2Config, Qwen2MoeConfig, Qwen3MoeConfig, Glm4MoeConfig,
 * DeepseekV3Config), DeepSeek-V2's and Kimi K2's configuration_deepseek.py.
 *
 * Left out: norms of queries and keys (Qwen3, GLM: 2 head_dim numbers a layer), the gate of Qwen2's shared expert
 * (hidden numbers a layer), biases of anything but queries, keys and values. */
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/input_files.h"
#include "io/inputs/input.h"
#include "io/inputs/model_file.h"

/* What the keys of a model_type do not say. Other types may have norms, tied heads or attention of their own. */
struct family {
    const char *type;
    const char *experts, *expert_ffn; /* keys; NULL = a dense model */
    bool qkv_bias;                    /* without a key attention_bias */
    bool router_bias;                 /* always */
    bool halved;                      /* intermediate_size counts gate and up projections together */
    bool always_windows;              /* sliding_window holds without use_sliding_window */
};

static const struct family families[] = {
    {.type = "deepseek_v2", .experts = "n_routed_experts", .expert_ffn = "moe_intermediate_size"},
    {.type = "deepseek_v3", .experts = "n_routed_experts", .expert_ffn = "moe_intermediate_size"},
    {.type = "glm4_moe", .experts = "n_routed_experts", .expert_ffn = "moe_intermediate_size", .router_bias = true},
    {.type = "kimi_k2", .experts = "n_routed_experts", .expert_ffn = "moe_intermediate_size"},
    {.type = "llama"},
    {.type = "mistral", .always_windows = true},
    {.type = "mixtral", .experts = "num_local_experts", .expert_ffn = "intermediate_size", .always_windows = true},
    {.type = "qwen", .qkv_bias = true, .halved = true},
    {.type = "qwen2", .qkv_bias = true},
    {.type = "qwen2_moe", .experts = "num_experts", .expert_ffn = "moe_intermediate_size", .qkv_bias = true},
    {.type = "qwen3"},
    {.type = "qwen3_moe", .experts = "num_experts", .expert_ffn = "moe_intermediate_size"},
    {0}};

struct import {
    const cJSON *root;
    const struct family *family;
    const char *json, *path, *yaml;
    size_t len;
    struct arena *arena;
    struct diag *diag;
};

enum { LARGEST_CONFIG_B = 1 << 20 };

/* --- keys ---------------------------------------------------------------------------------------------------- */

static struct srcloc place(const char *json, size_t len, const char *at, const char *path)
{
    struct srcloc where = {.file = path, .text = json, .text_len = len, .line = 1, .column = 1};
    for (const char *p = json; p < at; p++, where.column++)
        if (*p == '\n') {
            where.line++;
            where.column = 0;
        }
    return where;
}

/* At the key, where it is given. cJSON keeps no places; a key is looked for as it is written. */
static void complain(struct import *im, const char *key, const char *what)
{
    const char *at = strstr(im->json, arena_printf(im->arena, "\"%s\"", key));
    diag_error(im->diag, EXIT_BAD_INPUT, at ? place(im->json, im->len, at, im->path) : SRCLOC_FILE(im->path), "'%s' %s",
               key, what);
}

/* A whole number; `missing` when the key is absent or null, an error when missing is negative. */
static long long whole(struct import *im, const char *key, long long missing)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(im->root, key);
    if (!v || cJSON_IsNull(v)) {
        if (missing < 0)
            complain(im, key, "is missing; it is a whole number");
        return missing;
    }
    if (!cJSON_IsNumber(v) || v->valuedouble < 0 || v->valuedouble > 1 << 24 ||
        v->valuedouble != floor(v->valuedouble)) {
        complain(im, key, "is no whole number from 0 to 16777216");
        return missing < 0 ? 0 : missing;
    }
    return (long long)v->valuedouble;
}

static bool flag(struct import *im, const char *key, bool missing)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(im->root, key);
    return cJSON_IsBool(v) ? cJSON_IsTrue(v) : missing;
}

static bool is_text(struct import *im, const char *key, const char *text)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(im->root, key);
    return cJSON_IsString(v) && !strcmp(v->valuestring, text);
}

static void line(struct import *im, const char *indent, const char *key, long long value)
{
    im->yaml = arena_printf(im->arena, "%s%s%s: %lld\n", im->yaml, indent, key, value);
}

static void word(struct import *im, const char *indent, const char *key, const char *value)
{
    im->yaml = arena_printf(im->arena, "%s%s%s: %s\n", im->yaml, indent, key, value);
}

/* --- parts ---------------------------------------------------------------------------------------------------- */

static void import_mla(struct import *im)
{
    word(im, "  ", "kind", "mla");
    word(im, "  ", "decode", "mla_absorbed");
    line(im, "  ", "heads", whole(im, "num_attention_heads", -1));
    line(im, "  ", "q_lora", whole(im, "q_lora_rank", 0));
    line(im, "  ", "kv_lora", whole(im, "kv_lora_rank", -1));
    line(im, "  ", "nope_dim", whole(im, "qk_nope_head_dim", -1));
    line(im, "  ", "rope_dim", whole(im, "qk_rope_head_dim", -1));
    line(im, "  ", "v_dim", whole(im, "v_head_dim", -1));
}

static void import_grouped(struct import *im)
{
    long long heads = whole(im, "num_attention_heads", -1), hidden = whole(im, "hidden_size", 0);
    long long kv_heads = whole(im, "num_key_value_heads", heads);
    long long head_dim = whole(im, "head_dim", heads > 0 ? hidden / heads : 0);
    word(im, "  ", "kind", kv_heads == heads ? "mha" : kv_heads == 1 ? "mqa" : "gqa");
    line(im, "  ", "heads", heads);
    line(im, "  ", "kv_heads", kv_heads);
    line(im, "  ", "head_dim", head_dim);
    if (flag(im, "attention_bias", im->family->qkv_bias))
        word(im, "  ", "qkv_bias", "true");
    if (flag(im, "use_sliding_window", im->family->always_windows) && whole(im, "sliding_window", 0))
        line(im, "  ", "window", whole(im, "sliding_window", 0));
}

/* Qwen2's one shared expert is as wide as several of ours. */
static long long shared_experts(struct import *im, long long ffn)
{
    long long width = whole(im, "shared_expert_intermediate_size", 0);
    if (ffn > 0 && width % ffn)
        complain(im, "shared_expert_intermediate_size",
                 "is no multiple of moe_intermediate_size; shared experts are as wide as routed ones here");
    return ffn > 0 && width ? width / ffn : whole(im, "n_shared_experts", 0);
}

static void import_experts(struct import *im)
{
    long long ffn = whole(im, im->family->expert_ffn, -1);
    word(im, "", "moe", "");
    line(im, "  ", "routed", whole(im, im->family->experts, -1));
    line(im, "  ", "shared", shared_experts(im, ffn));
    line(im, "  ", "top_k", whole(im, "num_experts_per_tok", -1));
    line(im, "  ", "groups", whole(im, "n_group", 1));
    line(im, "  ", "top_groups", whole(im, "topk_group", 1));
    line(im, "  ", "ffn", ffn);
    if (im->family->router_bias || is_text(im, "topk_method", "noaux_tc"))
        word(im, "  ", "router_bias", "true");
}

/* Layers without experts; we know them at the model's beginning only. */
static long long dense_layers(struct import *im)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(im->root, "mlp_only_layers"), *layer;
    long long n = whole(im, "first_k_dense_replace", 0);
    cJSON_ArrayForEach(layer, list) if (!cJSON_IsNumber(layer) || layer->valuedouble != (double)n++)
    {
        complain(im, "mlp_only_layers", "must be the first layers, 0, 1, ...; others cannot be told apart here");
        break;
    }
    for (const char *const *key = (const char *const[]){"decoder_sparse_step", "moe_layer_freq", NULL}; *key; key++)
        if (whole(im, *key, 1) != 1)
            complain(im, *key, "must be 1: all layers after the dense ones have experts here");
    return n;
}

/* Weights as the checkpoint stores them: BF16, or FP8 with a scale per block (DeepSeek-V3, Kimi K2, Qwen3-FP8). */
static void import_weights(struct import *im)
{
    const cJSON *q = cJSON_GetObjectItemCaseSensitive(im->root, "quantization_config");
    if (!q || cJSON_IsNull(q))
        return;
    const cJSON *method = cJSON_GetObjectItemCaseSensitive(q, "quant_method");
    const cJSON *block = cJSON_GetObjectItemCaseSensitive(q, "weight_block_size");
    const cJSON *rows = cJSON_GetArrayItem(block, 0), *columns = cJSON_GetArrayItem(block, 1);
    if (!cJSON_IsString(method) || strcmp(method->valuestring, "fp8") || !cJSON_IsNumber(rows) ||
        !cJSON_IsNumber(columns) || !(rows->valuedouble >= 1 && columns->valuedouble >= 1) ||
        !(rows->valuedouble * columns->valuedouble <= 1 << 24)) {
        complain(im, "quantization_config",
                 "must have 'quant_method': 'fp8' and a 'weight_block_size' such as [128, 128]; leave it out for "
                 "BF16 and set weight, weight_scale and weight_block by hand");
        return;
    }
    word(im, "", "weight", "1 B");
    word(im, "", "weight_scale", "4 B");
    line(im, "", "weight_block", (long long)rows->valuedouble * (long long)columns->valuedouble);
    word(im, "", "other_weight", "2 B");
}

static const struct family *find_family(struct import *im)
{
    const char *known = "";
    for (const struct family *f = families; f->type; f++) {
        if (is_text(im, "model_type", f->type))
            return f;
        known = arena_printf(im->arena, "%s%s%s", known, f == families ? "" : f[1].type ? ", " : " or ", f->type);
    }
    if (cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(im->root, "text_config")))
        complain(im, "text_config", "holds the language model of several; save it as a file and import that");
    else
        complain(
            im, "model_type",
            arena_printf(im->arena, "must be %s; describe other models by hand after one of configs/models", known));
    return NULL;
}

static void import_all(struct import *im)
{
    long long first_dense = im->family->experts ? dense_layers(im) : 0;
    word(im, "", "name", arena_printf(im->arena, "imported_%s", im->family->type));
    im->yaml = arena_printf(im->arena, "%ssource: \"config.json\"\n", im->yaml);
    line(im, "", "layers", whole(im, "num_hidden_layers", -1));
    if (im->family->experts)
        line(im, "", "dense_layers", first_dense);
    line(im, "", "hidden", whole(im, "hidden_size", -1));
    line(im, "", "vocab", whole(im, "vocab_size", -1));
    if (!im->family->experts || first_dense)
        line(im, "", "dense_ffn", whole(im, "intermediate_size", -1) / (im->family->halved ? 2 : 1));
    line(im, "", "mtp_layers", whole(im, "num_nextn_predict_layers", 0));
    if (flag(im, "tie_word_embeddings", false))
        word(im, "", "tied_embeddings", "true");
    import_weights(im);
    word(im, "", "attention", "");
    if (whole(im, "kv_lora_rank", 0))
        import_mla(im);
    else
        import_grouped(im);
    if (im->family->experts)
        import_experts(im);
}

/* --- the document --------------------------------------------------------------------------------------------- */

/* What was written must be a model: dimensions that do not fit are found now, at their lines. */
static int check_result(struct import *im)
{
    struct cfg *cfg = cfg_new(&model_table, im->arena);
    const char *name = arena_printf(im->arena, "%s (as imported)", im->path);
    if (cfg_load_text(cfg, im->yaml, strlen(im->yaml), name, "", false, NULL, im->diag) || cfg_finish(cfg, im->diag))
        return -1;
    return model_open(cfg, "", cfg_struct(cfg), im->arena, im->diag);
}

int model_import_text(const char *json, size_t len, const char *path, struct arena *arena, const char **yaml,
                      struct diag *diag)
{
    const char *end = json;
    size_t before = diag_count(diag);
    cJSON *root = cJSON_ParseWithLengthOpts(json, len, &end, 0);
    struct import im = {.root = root, .json = json, .path = path, .yaml = "", .len = len, .arena = arena, .diag = diag};
    if (!cJSON_IsObject(root))
        diag_error(diag, EXIT_BAD_INPUT, root ? SRCLOC_FILE(path) : place(json, len, end, path),
                   root ? "a config.json is an object: { ... }" : "this is no JSON");
    else if ((im.family = find_family(&im)))
        import_all(&im);
    cJSON_Delete(root);
    *yaml = im.yaml;
    return diag_count(diag) != before ? -1 : check_result(&im);
}

/* The whole file and a NUL, or NULL. */
static char *slurp(const char *path, struct arena *arena, size_t *len, struct diag *diag)
{
    FILE *f = fopen(path, "rb");
    input_file_opened(path);
    char *text = ARENA_ARRAY(arena, char, LARGEST_CONFIG_B + 1);
    *len = f ? fread(text, 1, LARGEST_CONFIG_B, f) : 0;
    bool failed = !f || ferror(f), large = f && !feof(f) && fgetc(f) != EOF;
    if (f)
        fclose(f);
    text[*len] = '\0';
    if (failed)
        diag_error(diag, EXIT_IO, SRCLOC_FILE(path), "cannot read it");
    else if (large)
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(path), "more than 1 MiB is no config.json");
    return failed || large ? NULL : text;
}

int model_import(const char *json_path, struct arena *arena, struct outfile *out, struct diag *diag)
{
    size_t len;
    const char *yaml;
    char *json = slurp(json_path, arena, &len, diag);
    if (!json || model_import_text(json, len, json_path, arena, &yaml, diag))
        return -1;
    outfile_write(out, yaml, strlen(yaml));
    return 0;
}

static bool is_config(const struct input_head *head)
{
    return input_is_object(head) && (strstr(head->bytes, "\"model_type\"") || strstr(head->bytes, "\"architectures\""));
}

const struct input_format input_model_config = {"config.json", "Hugging Face's transformers", INPUT_MODEL, is_config,
                                                NULL};

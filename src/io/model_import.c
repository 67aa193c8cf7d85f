/* Hugging Face's config.json as a model of ours. Which keys mean what: the configuration classes of
 * transformers (LlamaConfig, Qwen2Config, DeepseekV3Config) and DeepSeek-V2's configuration_deepseek.py. */
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/model_file.h"

struct import {
    const cJSON *root;
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
    diag_error(im->diag, EXIT_BAD_INPUT,
               at ? place(im->json, im->len, at, im->path) : SRCLOC_FILE(im->path), "'%s' %s", key, what);
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
    bool qwen = is_text(im, "model_type", "qwen2") || is_text(im, "model_type", "qwen");
    word(im, "  ", "kind", kv_heads == heads ? "mha" : kv_heads == 1 ? "mqa" : "gqa");
    line(im, "  ", "heads", heads);
    line(im, "  ", "kv_heads", kv_heads);
    line(im, "  ", "head_dim", head_dim);
    if (flag(im, "attention_bias", qwen))
        word(im, "  ", "qkv_bias", "true");
    if (flag(im, "use_sliding_window", false) || is_text(im, "model_type", "mistral"))
        line(im, "  ", "window", whole(im, "sliding_window", 0));
}

static void import_experts(struct import *im)
{
    long long routed = whole(im, "n_routed_experts", 0);
    if (!routed)
        return;
    word(im, "", "moe", "");
    line(im, "  ", "routed", routed);
    line(im, "  ", "shared", whole(im, "n_shared_experts", 0));
    line(im, "  ", "top_k", whole(im, "num_experts_per_tok", -1));
    line(im, "  ", "groups", whole(im, "n_group", 1));
    line(im, "  ", "top_groups", whole(im, "topk_group", 1));
    line(im, "  ", "ffn", whole(im, "moe_intermediate_size", -1));
    if (is_text(im, "topk_method", "noaux_tc"))
        word(im, "  ", "router_bias", "true");
}

/* Qwen's first models count gate and up projections together. */
static long long dense_ffn(struct import *im)
{
    long long width = whole(im, "intermediate_size", -1);
    return is_text(im, "model_type", "qwen") ? width / 2 : width;
}

/* Other types may have norms, tied heads or attention that their keys do not tell. */
static const char *const known_types[] = {"deepseek_v2", "deepseek_v3", "llama", "mistral", "qwen", "qwen2",
                                          NULL};

static bool is_known(struct import *im)
{
    for (const char *const *type = known_types; *type; type++)
        if (is_text(im, "model_type", *type))
            return true;
    complain(im, "model_type", "must be deepseek_v2, deepseek_v3, llama, mistral, qwen or qwen2; describe other "
                               "models by hand after one of configs/models");
    return false;
}

static void import_all(struct import *im)
{
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(im->root, "model_type");
    word(im, "", "name", arena_printf(im->arena, "imported_%s", type->valuestring));
    im->yaml = arena_printf(im->arena, "%ssource: \"config.json\"\n", im->yaml);
    line(im, "", "layers", whole(im, "num_hidden_layers", -1));
    if (whole(im, "n_routed_experts", 0))
        line(im, "", "dense_layers", whole(im, "first_k_dense_replace", 0));
    line(im, "", "hidden", whole(im, "hidden_size", -1));
    line(im, "", "vocab", whole(im, "vocab_size", -1));
    line(im, "", "dense_ffn", dense_ffn(im));
    line(im, "", "mtp_layers", whole(im, "num_nextn_predict_layers", 0));
    if (flag(im, "tie_word_embeddings", false))
        word(im, "", "tied_embeddings", "true");
    word(im, "", "attention", "");
    if (whole(im, "kv_lora_rank", 0))
        import_mla(im);
    else
        import_grouped(im);
    import_experts(im);
}

/* --- the document --------------------------------------------------------------------------------------------- */

/* What was written must be a model: dimensions that do not fit are found now, at their lines. */
static int check_result(struct import *im)
{
    struct cfg *cfg = cfg_new(&model_table, im->arena);
    const char *name = arena_printf(im->arena, "%s (as imported)", im->path);
    if (cfg_load_text(cfg, im->yaml, strlen(im->yaml), name, "", false, NULL, im->diag) ||
        cfg_finish(cfg, im->diag))
        return -1;
    return model_check(cfg, "", cfg_struct(cfg), im->diag);
}

int model_import_text(const char *json, size_t len, const char *path, struct arena *arena,
                      const char **yaml, struct diag *diag)
{
    const char *end = json;
    size_t before = diag_count(diag);
    cJSON *root = cJSON_ParseWithLengthOpts(json, len, &end, 0);
    struct import im = {.root = root, .json = json, .path = path, .yaml = "", .len = len, .arena = arena,
                        .diag = diag};
    if (!cJSON_IsObject(root))
        diag_error(diag, EXIT_BAD_INPUT, root ? SRCLOC_FILE(path) : place(json, len, end, path),
                   root ? "a config.json is an object: { ... }" : "this is no JSON");
    else if (is_known(&im))
        import_all(&im);
    cJSON_Delete(root);
    *yaml = im.yaml;
    return diag_count(diag) != before ? -1 : check_result(&im);
}

/* The whole file and a NUL, or NULL. */
static char *slurp(const char *path, struct arena *arena, size_t *len, struct diag *diag)
{
    FILE *f = fopen(path, "rb");
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

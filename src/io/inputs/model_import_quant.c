/* Precision of a checkpoint: what quantization_config (transformers, compressed-tensors, ModelOpt, Quark, GPTQ, AWQ),
 * compression_config, the hf_quant_config.json beside the file and torch_dtype say. What nobody says is an assumption
 * that is told.
 *
 * Left out: zero points of symmetric formats, scales of whole tensors and channels, formats of activations beside
 * weights of 4 bits beyond 4, 8 and 16 bits; lm_head and embeddings are of the unquantised type whatever lists say. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "io/inputs/model_import_priv.h"

static struct import_format make(double value_B, double scale_B, long long block, const char *compute,
                                 const char *words)
{
    return (struct import_format){.weight_B = value_B + (block > 0 ? scale_B / (double)block : 0),
                                  .value_B = value_B,
                                  .scale_B = block > 0 ? scale_B : 0,
                                  .block = block,
                                  .compute = compute,
                                  .words = words};
}

static const cJSON *in(const cJSON *o, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);
    return cJSON_IsNull(v) ? NULL : v;
}

static double number_in(const cJSON *o, const char *key, double missing)
{
    const cJSON *v = in(o, key);
    return cJSON_IsNumber(v) ? v->valuedouble : missing;
}

static const char *text_in(const cJSON *o, const char *key)
{
    const cJSON *v = in(o, key);
    return cJSON_IsString(v) ? v->valuestring : "";
}

static bool is_size(double x)
{
    return x >= 1 && x <= 1 << 24 && x == (double)(long long)x;
}

/* --- formats ----------------------------------------------------------------------------------------------------- */

static struct import_format fp8_block(struct import *im, const cJSON *rows_columns)
{
    const cJSON *r = cJSON_GetArrayItem(rows_columns, 0), *c = cJSON_GetArrayItem(rows_columns, 1);
    bool good = cJSON_IsNumber(r) && cJSON_IsNumber(c) && is_size(r->valuedouble) && is_size(c->valuedouble) &&
                is_size(r->valuedouble * c->valuedouble);
    if (!good)
        import_complain(im, "quantization_config.weight_block_size",
                        "is two sizes from 1 on, rows and columns of weights that share a scale: [128, 128]");
    return make(
        1, 4, good ? (long long)(r->valuedouble * c->valuedouble) : 1, "fp8",
        arena_printf(im->arena, "FP8 by blocks of %.0f x %.0f", good ? r->valuedouble : 1, good ? c->valuedouble : 1));
}

static struct import_format fp8_tensor(const char *words)
{
    return make(1, 0, 0, "fp8_tensor", words);
}

/* Four bits of a float; the group is 16 with an 8-bit float as scale (NVFP4), 32 with an exponent (MXFP4). */
static struct import_format fp4(long long group, double activation_bits)
{
    bool nv = group <= 16;
    if (activation_bits > 0 && activation_bits <= 4)
        return make(0.5, 1, group, "nvfp4",
                    nv ? "NVFP4 weights and activations" : "MXFP4 weights and activations, timed as NVFP4");
    if (activation_bits > 0 && activation_bits <= 8)
        return make(0.5, 1, group, "w4a8",
                    nv ? "NVFP4 weights, FP8 activations, timed as MXFP4 weights" : "MXFP4 weights, FP8 activations");
    return make(0.5, 1, group, "w4a16",
                nv ? "NVFP4 weights, BF16 activations, timed as MXFP4 weights" : "MXFP4 weights, BF16 activations");
}

static struct import_format integer(struct import *im, double bits, double group, bool zeros, double activation_bits)
{
    long long block = is_size(group) ? (long long)group : 0;
    double scale_B = 2 + (zeros ? bits / 8 : 0);
    const char *words = arena_printf(im->arena, "INT%.0f weights, %s activations", bits,
                                     activation_bits > 0 && activation_bits <= 8 ? "8-bit" : "BF16");
    if (activation_bits > 0 && activation_bits <= 8 && bits > 4)
        import_note(im, "INT8 is timed as FP8 with a scale per tensor");
    if (activation_bits > 0 && activation_bits <= 8)
        return make(bits / 8, scale_B, block, bits <= 4 ? "w4a8" : "fp8_tensor", words);
    return make(bits / 8, scale_B, block, bits <= 4 ? "w4a16" : "bf16", words);
}

static bool good_bits(struct import *im, double bits, const char *key)
{
    if (bits >= 2 && bits <= 8)
        return true;
    import_complain(im, key, "is no number of bits from 2 to 8");
    return false;
}

/* --- ModelOpt's names of formats ------------------------------------------------------------------------------------ */

static bool by_algo(struct import *im, const char *algo, double group, struct import_format *out)
{
    static const char *const tensor[] = {"FP8", "FP8_PER_CHANNEL_PER_TOKEN", "FP8_TENSOR", NULL};
    static const char *const block[] = {"FP8_PB_WO", "FP8_PB_REAL", "FP8_BLOCK_SCALES", "FP8_BLOCK", NULL};
    long long size = is_size(group) ? (long long)group : 0;
    for (int i = 0; tensor[i]; i++)
        if (!strcasecmp(algo, tensor[i]))
            return *out = fp8_tensor("FP8 with scales of tensors or rows"), true;
    for (int i = 0; block[i]; i++)
        if (!strcasecmp(algo, block[i]))
            return *out = make(1, 4, 128 * 128, "fp8", "FP8 by blocks of 128 x 128"), true;
    if (!strcasecmp(algo, "NVFP4") || !strcasecmp(algo, "NVFP4_SVD"))
        return *out = fp4(size ? size : 16, 4), true;
    if (!strcasecmp(algo, "W4A16_NVFP4") || !strcasecmp(algo, "NVFP4_AWQ"))
        return *out = fp4(size ? size : 16, 16), true;
    if (!strcasecmp(algo, "W4A8_NVFP4_FP8"))
        return *out = fp4(size ? size : 16, 8), true;
    if (!strcasecmp(algo, "MXFP4"))
        return *out = fp4(32, 4), true;
    if (!strcasecmp(algo, "W4A8_MXFP4_FP8") || !strcasecmp(algo, "W4A8_MXFP4_MXFP8"))
        return *out = fp4(32, 8), true;
    if (!strcasecmp(algo, "W4A16_MXFP4"))
        return *out = fp4(32, 16), true;
    if (!strcasecmp(algo, "MXFP8"))
        return *out = make(1, 1, 32, "mxfp8", "MXFP8"), true;
    if (!strcasecmp(algo, "W4A16_AWQ") || !strcasecmp(algo, "W4A16") || !strcasecmp(algo, "INT4"))
        return *out = integer(im, 4, size ? group : 128, false, 16), true;
    if (!strcasecmp(algo, "W4A8_AWQ") || !strcasecmp(algo, "W4AFP8") || !strcasecmp(algo, "W4A8"))
        return *out = integer(im, 4, size ? group : 128, false, 8), true;
    if (!strcasecmp(algo, "W8A16"))
        return *out = integer(im, 8, 0, false, 16), true;
    if (!strncasecmp(algo, "W8A8", 4) || !strcasecmp(algo, "INT8"))
        return *out = integer(im, 8, 0, false, 8), true;
    return false;
}

/* --- weights and activations as compressed-tensors describes them -------------------------------------------------- */

static bool by_scheme(struct import *im, const cJSON *weights, const cJSON *activations, struct import_format *out)
{
    double bits = number_in(weights, "num_bits", 0), group = number_in(weights, "group_size", 0);
    double activation_bits = activations && !cJSON_IsNull(activations) ? number_in(activations, "num_bits", 16) : 16;
    bool is_float = !strcmp(text_in(weights, "type"), "float");
    const cJSON *symmetric = in(weights, "symmetric"), *block = in(weights, "block_structure");
    if (!good_bits(im, bits, "quantization_config.config_groups"))
        return false;
    if (!is_float)
        *out = integer(im, bits, group, cJSON_IsFalse(symmetric), activation_bits);
    else if (bits <= 4)
        *out = fp4(is_size(group) ? (long long)group : 16, activation_bits);
    else if (cJSON_IsArray(block) && activation_bits <= 8)
        *out = fp8_block(im, block);
    else if (is_size(group) && group <= 32)
        *out = make(1, 1, (long long)group, "mxfp8", "MXFP8");
    else if (activation_bits <= 8)
        *out = fp8_tensor("FP8 with scales of tensors or rows");
    else
        *out = make(1, 0, 0, "bf16", "FP8 weights, BF16 activations");
    return true;
}

static void add_rule(struct import *im, const cJSON *names, const char *algo, const char *part,
                     struct import_format format)
{
    struct import_quant *q = &im->quant;
    if (q->n == MOST_RULES) {
        import_complain(im, "quantization_config", "has more than %d formats", MOST_RULES);
        return;
    }
    q->rules[q->n++] = (struct import_rule){.names = names, .algo = algo, .part = part, .format = format};
    if (!q->words || !strstr(q->words, format.words))
        q->words = q->words ? arena_printf(im->arena, "%s, %s", q->words, format.words) : format.words;
}

/* A group without targets is of all. */
static void read_groups(struct import *im, const cJSON *groups)
{
    for (const cJSON *g = groups->child; g; g = g->next) {
        struct import_format f;
        const cJSON *targets = in(g, "targets");
        if (!cJSON_IsObject(in(g, "weights")))
            continue; /* activations alone */
        if (by_scheme(im, in(g, "weights"), in(g, "input_activations"), &f))
            add_rule(im, cJSON_IsArray(targets) ? targets : NULL, NULL, NULL, f);
    }
}

/* ModelOpt's mixed precision: names of modules with a format each; one rule per format. */
static void read_layers(struct import *im, const cJSON *layers)
{
    const char *seen = "|";
    for (const cJSON *v = layers->child; v; v = v->next) {
        const char *algo = text_in(v, "quant_algo");
        struct import_format f;
        if (strlen(algo) > 40 || strstr(seen, arena_printf(im->arena, "|%s|", algo)))
            continue;
        seen = arena_printf(im->arena, "%s%s|", seen, algo);
        if (by_algo(im, algo, number_in(v, "group_size", 0), &f))
            add_rule(im, layers, algo, NULL, f);
        else
            import_complain(im, "quantization_config.quantized_layers", "has a format that is not known: '%.40s'",
                            algo);
    }
}

/* --- methods ----------------------------------------------------------------------------------------------------------- */

/* GPTQ, AWQ, AutoRound. */
static void read_integers(struct import *im, const cJSON *q)
{
    double bits = number_in(q, "bits", number_in(q, "w_bit", 0));
    bool zeros = cJSON_IsTrue(in(q, "zero_point")) || cJSON_IsFalse(in(q, "sym"));
    if (good_bits(im, bits, "quantization_config.bits"))
        add_rule(im, NULL, NULL, NULL,
                 integer(im, bits, number_in(q, "group_size", number_in(q, "q_group_size", 128)), zeros, 16));
}

/* AMD's Quark. */
static bool read_quark(struct import *im, const cJSON *q)
{
    const cJSON *global = in(q, "global_quant_config"), *weight = in(global, "weight"),
                *input = in(global, "input_tensors");
    const char *type = text_in(weight, "dtype");
    double group = number_in(weight, "group_size", 0);
    if (cJSON_IsArray(weight) || !*type)
        return false;
    if (!strcmp(type, "fp4") && !strcmp(text_in(weight, "qscheme"), "per_group"))
        add_rule(im, NULL, NULL, NULL,
                 fp4(is_size(group) ? (long long)group : 32, !input                                        ? 16
                                                             : !strncmp(text_in(input, "dtype"), "fp8", 3) ? 8
                                                                                                           : 4));
    else if (!strncmp(type, "fp8", 3))
        add_rule(im, NULL, NULL, NULL, fp8_tensor("FP8 with scales of tensors or rows"));
    else if (!strncmp(type, "int", 3) && is_size(strlen(type) == 4 ? type[3] - '0' : 0))
        add_rule(im, NULL, NULL, NULL, integer(im, type[3] - '0', group, false, input ? 8 : 16));
    else
        return false;
    return true;
}

static bool by_method(struct import *im, const cJSON *q, const char *method)
{
    struct import_format f;
    if (cJSON_IsObject(in(q, "config_groups")))
        read_groups(im, in(q, "config_groups"));
    else if (!strcmp(method, "fp8") && in(q, "weight_block_size"))
        add_rule(im, NULL, NULL, NULL, fp8_block(im, in(q, "weight_block_size")));
    else if (!strcmp(method, "fp8"))
        add_rule(im, NULL, NULL, NULL,
                 fp8_tensor(!strcmp(text_in(q, "activation_scheme"), "static")
                                ? "FP8 with static scales of tensors"
                                : "FP8 with dynamic scales of activations"));
    else if (!strcmp(method, "fbgemm_fp8"))
        add_rule(im, NULL, NULL, NULL, fp8_tensor("FP8 with dynamic scales of rows"));
    else if (!strcmp(method, "mxfp4"))
        add_rule(im, NULL, NULL, NULL, fp4(32, 16));
    else if (!strcmp(method, "gptq") || !strcmp(method, "awq") || !strcmp(method, "auto-round") ||
             !strcmp(method, "intel/auto-round") || !strcmp(method, "gptq_marlin") || !strcmp(method, "awq_marlin"))
        read_integers(im, q);
    else if (!strcmp(method, "bitsandbytes") && cJSON_IsTrue(in(q, "load_in_4bit")))
        add_rule(im, NULL, NULL, NULL, make(0.5, 4, 64, "w4a16", "NF4 weights, BF16 activations"));
    else if (!strcmp(method, "bitsandbytes"))
        add_rule(im, NULL, NULL, NULL, integer(im, 8, 0, false, 16));
    else if (!strcmp(method, "quark"))
        return read_quark(im, q);
    else if (by_algo(im, method, number_in(q, "group_size", 0), &f))
        add_rule(im, NULL, NULL, NULL, f);
    else
        return false;
    return true;
}

static void read_kept(struct import *im, const cJSON *q, int i)
{
    static const char *const keys[] = {
        "ignore", "modules_to_not_convert", "ignored_layers", "exclude_modules", "exclude", NULL};
    for (const char *const *key = keys; *key; key++)
        if (cJSON_IsArray(in(q, *key)) && (!im->quant.kept[i] || !im->quant.kept[i]->child))
            im->quant.kept[i] = in(q, *key);
}

/* --- the cache ------------------------------------------------------------------------------------------------------ */

static void cache(struct import *im, double value_B, double scale_B, long long block, const char *words)
{
    im->quant.kv_value_B = value_B;
    im->quant.kv_scale_B = scale_B;
    im->quant.kv_block = block;
    im->quant.kv_words = words;
}

static void cache_of_bits(struct import *im, double bits, const char *key)
{
    if (bits == 8)
        cache(im, 1, 0, 0, arena_printf(im->arena, "8-bit cache (%s)", key));
    else if (bits == 4)
        cache(im, 0.5, 1, 16, arena_printf(im->arena, "4-bit cache with a scale per 16 (%s)", key));
    else
        import_complain(im, "quantization_config", "has a cache of neither 4 nor 8 bits");
}

static void read_cache(struct import *im, const cJSON *q)
{
    static const char *const keys[] = {"kv_cache_quant_algo", "kv_cache_scheme", "kv_cache_dtype", NULL};
    for (const char *const *key = keys; *key && !im->quant.kv_words; key++) {
        const cJSON *v = in(q, *key);
        if (cJSON_IsString(v) && (!strncasecmp(v->valuestring, "fp8", 3) || !strcasecmp(v->valuestring, "int8")))
            cache_of_bits(im, 8, *key);
        else if (cJSON_IsString(v) && (!strcasecmp(v->valuestring, "nvfp4") || !strcasecmp(v->valuestring, "fp4")))
            cache_of_bits(im, 4, *key);
        else if (cJSON_IsObject(v))
            cache_of_bits(im, number_in(v, "num_bits", 0), *key);
        else if (cJSON_IsString(v) && strcasecmp(v->valuestring, "none") && strcasecmp(v->valuestring, "auto") &&
                 strcasecmp(v->valuestring, "bfloat16"))
            import_complain(im, "quantization_config", "has a cache of an unknown format: '%.40s'", v->valuestring);
    }
}

/* --- all of it ---------------------------------------------------------------------------------------------------------- */

static void read_base(struct import *im)
{
    const cJSON *v = import_get_any(im, "torch_dtype|dtype");
    const char *type = cJSON_IsString(v) ? v->valuestring : "";
    if (!strncmp(type, "torch.", 6))
        type += 6;
    if (!strcmp(type, "float32")) {
        im->quant.base = make(4, 0, 0, "bf16", "FP32");
        import_note(im, "FP32 weights are multiplied as BF16");
    } else if (!strcmp(type, "float16")) {
        im->quant.base = make(2, 0, 0, "bf16", "FP16");
    } else {
        im->quant.base = make(2, 0, 0, "bf16", "BF16");
        if (*type && strcmp(type, "bfloat16") && strcmp(type, "auto"))
            import_complain(im, v->string, "is bfloat16, float16 or float32");
        else if (!*type || !strcmp(type, "auto"))
            import_warn(im, "torch_dtype", "no torch_dtype: what is not quantised is taken for BF16");
    }
    im->quant.base.words =
        arena_printf(im->arena, "%s (%s)", im->quant.base.words, *type ? v->string : "assumed: no torch_dtype");
}

static void read_one(struct import *im, const cJSON *q, const char *where)
{
    const char *algo = text_in(q, "quant_algo"), *method = text_in(q, "quant_method");
    struct import_format f;
    if (cJSON_IsObject(in(q, "quantized_layers")))
        read_layers(im, in(q, "quantized_layers"));
    else if (*algo && strcasecmp(algo, "none") && by_algo(im, algo, number_in(q, "group_size", 0), &f))
        add_rule(im, NULL, NULL, NULL, f);
    else if (*algo && strcasecmp(algo, "none"))
        import_complain(im, arena_printf(im->arena, "%s.quant_algo", where), "is not known: '%.40s'", algo);
    else if (!*algo && !by_method(im, q, method))
        import_complain(im, arena_printf(im->arena, "%s.quant_method", where),
                        "is not known: '%.40s'; without it, set weight, weight_scale, weight_block and compute of the "
                        "imported file by hand",
                        method);
}

/* A key of its own for experts (DeepSeek-V4). */
static struct import_format fp4_of_experts(void)
{
    struct import_format f = fp4(32, 8);
    f.words = "MXFP4 weights of experts with FP8 activations (expert_dtype)";
    return f;
}

/* hf_quant_config.json counts where config.json has nothing of its own; its lists count beside. */
void import_quant_read(struct import *im, const cJSON *beside)
{
    const cJSON *q = import_get_any(im, "quantization_config"), *older = import_get_any(im, "compression_config");
    const cJSON *expert = import_get_any(im, "expert_dtype");
    const char *where = q ? "quantization_config" : "compression_config";
    im->quant.rules = ARENA_ARRAY(im->arena, struct import_rule, MOST_RULES);
    read_base(im);
    q = q ? q : older;
    if (cJSON_IsString(expert) && (import_is(expert, "fp4") || import_is(expert, "mxfp4")))
        add_rule(im, NULL, NULL, "experts", fp4_of_experts());
    else if (expert && !import_is(expert, "fp8") && !import_is(expert, "bfloat16"))
        import_complain(im, "expert_dtype", "is fp4, fp8 or bfloat16");
    if (cJSON_IsObject(in(q, "quantization")))
        q = in(q, "quantization");
    beside = cJSON_IsObject(in(beside, "quantization")) ? in(beside, "quantization") : beside;
    if (q && cJSON_IsObject(q))
        read_one(im, q, where);
    else if (q)
        import_complain(im, where, "is no object");
    else if (beside)
        read_one(im, beside, "hf_quant_config.json");
    if (q)
        read_kept(im, q, 0), read_cache(im, q);
    if (beside)
        read_kept(im, beside, 1), read_cache(im, beside);
    im->quant.words = im->quant.words ? arena_printf(im->arena, "%s (%s), the rest %s", im->quant.words,
                                                     q        ? where
                                                     : beside ? "hf_quant_config.json"
                                                              : "expert_dtype",
                                                     im->quant.base.words)
                                      : im->quant.base.words;
    if (!im->quant.kv_words)
        cache(im, 2, 0, 0, "the cache in BF16, as the file does not say");
}

/* --- formats of blocks ---------------------------------------------------------------------------------------------- */

/* Any of the names that the module may have in the layer. */
static bool one_matches(struct import *im, const cJSON *list, const char *algo, long long layer, const char *names)
{
    for (const char *p = names; *p;) {
        size_t len = strcspn(p, "|");
        char module[256];
        snprintf(module, sizeof module, "layers.%lld.%.*s", layer, (int)len, p);
        if (import_matches(im, list, algo, module))
            return true;
        p += len + (p[len] == '|');
    }
    return false;
}

static bool has_rule(struct import *im, const struct import_rule *r, long long layer, const char *names)
{
    if (r->part)
        return strstr(names, arena_printf(im->arena, ".%s.", r->part)) != NULL;
    return !r->names || one_matches(im, r->names, r->algo, layer, names);
}

static const struct import_format *format_of(struct import *im, long long layer, const char *names)
{
    const struct import_quant *q = &im->quant;
    for (int i = 0; i < 2; i++)
        if (q->n && q->kept[i] && one_matches(im, q->kept[i], NULL, layer, names))
            return &q->base;
    for (int i = 0; i < q->n; i++)
        if (has_rule(im, &q->rules[i], layer, names))
            return &q->rules[i].format;
    return &q->base;
}

struct import_format import_format_of(struct import *im, long long layer, const struct import_module *m, int n)
{
    double all = 0, stored_B = 0, most = -1;
    const struct import_format *main = &im->quant.base;
    bool mixed = false;
    for (int i = 0; i < n; i++) {
        const struct import_format *f = format_of(im, layer, m[i].names);
        double same = 0;
        all += m[i].params;
        stored_B += m[i].params * f->weight_B;
        for (int k = 0; k <= i; k++)
            same += format_of(im, layer, m[k].names) == f ? m[k].params : 0;
        mixed |= i > 0 && f != main;
        if (same > most) {
            most = same;
            main = f;
        }
    }
    struct import_format out = *main;
    if (mixed && all > 0) {
        out = make(stored_B / all, 0, 0, main->compute, main->words);
        import_note(
            im,
            "Matrices of one attention have several formats: their sizes are added, all are multiplied as most are");
    }
    return out;
}

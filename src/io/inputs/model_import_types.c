/* What a model_type says that keys do not, what cannot be imported, and keys that nobody reads. Which types have what:
 * the configuration and modelling classes of transformers, vLLM and SGLang, and of the models' own repositories. */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "io/inputs/model_import_priv.h"

static const struct import_family families[] = {
    {"afmoe", QK_NORM | ROUTER_BIAS | OUTPUT_GATE},
    {"apertus", QK_NORM},
    {"arcee", 0},
    {"bailing_hybrid", LIGHTNING | QK_NORM},
    {"bailing_moe", 0},
    {"bailing_moe_linear", LIGHTNING | QK_NORM},
    {"bailing_moe_v2", QK_NORM},
    {"deepseek", 0},
    {"deepseek_v2", 0},
    {"deepseek_v3", 0},
    {"deepseek_v32", 0},
    {"deepseek_v4", ROUTER_BIAS},
    {"dots1", QK_NORM},
    {"ernie4_5", 0},
    {"ernie4_5_moe", 0},
    {"ernie4_5_moe_vl", 0},
    {"exaone4", QK_NORM},
    {"exaone_moe", QK_NORM | ROUTER_BIAS},
    {"gemma", TIED},
    {"gemma2", TIED | EVERY_OTHER},
    {"gemma3", TIED | QK_NORM},
    {"gemma4", TIED | QK_NORM | BESIDE},
    {"glm", 0},
    {"glm4", 0},
    {"glm4_moe", ROUTER_BIAS},
    {"glm4_moe_lite", ROUTER_BIAS},
    {"glm4v_moe", ROUTER_BIAS},
    {"glm_moe_dsa", ROUTER_BIAS},
    {"gpt_oss", EXPERT_WIDTH | OUTPUT_BIAS | SINKS | EXPERT_BIAS | ROUTER_BIAS},
    {"granite", 0},
    {"granitemoe", EXPERT_WIDTH},
    {"granitemoehybrid", EXPERT_WIDTH},
    {"granitemoeshared", EXPERT_WIDTH},
    {"hunyuan", 0},
    {"hunyuan_v1_dense", 0},
    {"hunyuan_v1_moe", 0},
    {"hy_v3", QK_NORM},
    {"internlm2", 0},
    {"internlm3", 0},
    {"internvl_chat", 0},
    {"kimi_k2", 0},
    {"kimi_k25", 0},
    {"kimi_linear", ROUTER_BIAS},
    {"llama", 0},
    {"llama4", EXPERT_WIDTH | SHARED_EXPERT},
    {"longcat_flash", TWICE | ROUTER_BIAS},
    {"mimo", QKV_BIAS},
    {"mimo_v2_flash", 0},
    {"minimax", EXPERT_WIDTH | LIGHTNING},
    {"minimax_m1", EXPERT_WIDTH | LIGHTNING},
    {"minimax_m2", EXPERT_WIDTH},
    {"minimax_m3", EXPERT_WIDTH},
    {"minimax_text_01", EXPERT_WIDTH | LIGHTNING},
    {"ministral", 0},
    {"ministral3", 0},
    {"mistral", WINDOWS},
    {"mistral3", 0},
    {"mistral4", 0},
    {"mixtral", EXPERT_WIDTH | WINDOWS},
    {"nemotron", 0},
    {"nemotron-nas", 0},
    {"nemotron_h", ROUTER_BIAS},
    {"olmo2", QK_NORM},
    {"olmo3", QK_NORM},
    {"olmoe", EXPERT_WIDTH | QK_NORM},
    {"phi3", 0},
    {"phimoe", EXPERT_WIDTH | WINDOWS | OUTPUT_BIAS},
    {"qwen", QKV_BIAS | HALVED},
    {"qwen2", QKV_BIAS},
    {"qwen2_5_vl", QKV_BIAS},
    {"qwen2_moe", QKV_BIAS | SHARED_GATE},
    {"qwen2_vl", QKV_BIAS},
    {"qwen3", QK_NORM},
    {"qwen3_5", QK_NORM | OUTPUT_GATE},
    {"qwen3_5_moe", QK_NORM | OUTPUT_GATE | SHARED_GATE},
    {"qwen3_moe", QK_NORM},
    {"qwen3_next", QK_NORM | OUTPUT_GATE | SHARED_GATE},
    {"qwen3_omni_moe", QK_NORM},
    {"qwen3_vl", QK_NORM},
    {"qwen3_vl_moe", QK_NORM},
    {"seed_oss", 0},
    {"smollm3", 0},
    {"solar_open", ROUTER_BIAS},
    {"step3p5", QK_NORM},
    {"step3p7", QK_NORM},
    {0}};

static const struct import_family *find(const char *type)
{
    static const char *const parts[] = {"", "_text", "_flash", "_thinker_text", NULL};
    for (const struct import_family *f = families; f->type; f++) {
        size_t n = strlen(f->type);
        for (const char *const *part = parts; *part; part++)
            if (!strncmp(type, f->type, n) && !strcmp(type + n, *part))
                return f;
    }
    return NULL;
}

/* A type that nobody knows is read by its keys alone, which must all be understood then. */
bool import_find_family(struct import *im)
{
    static const struct import_family by_keys = {"by keys alone", 0};
    const cJSON *own = import_get(im, "model_type"), *whole = import_get_any(im, "model_type");
    im->family = cJSON_IsString(own) ? find(own->valuestring) : NULL;
    if (!im->family && cJSON_IsObject(im->root)) {
        whole = cJSON_GetObjectItemCaseSensitive(im->root, "model_type");
        im->family = cJSON_IsString(whole) ? find(whole->valuestring) : NULL;
    }
    im->known = im->family != NULL;
    if (im->known)
        return true;
    im->family = &by_keys;
    if (cJSON_IsString(own) || cJSON_IsString(whole)) {
        const char *type = import_clean(im, (cJSON_IsString(own) ? own : whole)->valuestring);
        import_warn(im, "model_type", "'model_type' %s is not known; the model is read by its keys alone", type);
        import_note(im, "model_type %s is not known: read by its keys alone, without biases and norms that have none",
                    type);
        return true;
    }
    import_complain(im, "model_type", "is missing; it is the name of an architecture, for example deepseek_v3");
    return false;
}

/* --- what cannot be imported -------------------------------------------------------------------------------------- */

struct feature {
    const char *key, *why;
    double most; /* larger values, or true, are asked for */
};

static const struct feature features[] = {
    {"altup_num_inputs", "alternating updates are not modelled", 1},
    {"attn_config", "attention described in an object of its own is not read", 0},
    {"conv_L_cache", "short convolutions in place of attention are not modelled", 0},
    {"cross_attention_layers", "layers that attend to images are not modelled", 0},
    {"encoder_layers", "models with an encoder are not modelled", 0},
    {"ffn_config", "networks described in an object of their own are not read", 0},
    {"hidden_size_per_layer_input", "embeddings of each layer are not modelled", 0},
    {"laurel_rank", "learned augmented residuals are not modelled", 0},
    {"mamba_dt_rank", "Mamba-1 is not modelled; Mamba-2 is", 0},
    {"num_kv_shared_layers", "layers that use the cache of others are not modelled", 0},
    {"use_cla", "layers that use the cache of others are not modelled", 0},
    {"use_mla", "latent attention is known by kv_lora_rank, which is missing", 0},
    {0}};

static bool is_off(const cJSON *v, double most)
{
    return !v || cJSON_IsNull(v) || cJSON_IsFalse(v) || (cJSON_IsNumber(v) && v->valuedouble <= most) ||
           ((cJSON_IsArray(v) || cJSON_IsObject(v)) && !v->child) || import_is(v, "");
}

void import_refuse_features(struct import *im)
{
    bool latent = import_whole(im, "kv_lora_rank", 0) > 0;
    for (const struct feature *f = features; f->key; f++)
        if (!is_off(import_get(im, f->key), f->most) && !(latent && !strcmp(f->key, "use_mla")))
            import_complain(im, f->key, "%s", f->why);
}

/* --- keys that nobody reads ------------------------------------------------------------------------------------------ */

/* They change no dimension: training, generation, positions, constants of norms and activations, names. */
static const char harmless[] =
    "*_token_id *_token_index *_token_ids *dropout* *rope* *rotary* *_eps *epsilon* init* *coef* *scale* *scaling* "
    "*_loss* "
    "use_cache output_* transformers_version auto_map _* architectures model_type hidden_act* *activation* *_act "
    "max_position_embeddings *temperature* pretraining_tp norm_topk_prob *scoring_func *score_func* *norm_type* "
    "use_qk_norm "
    "qk_norm* *norm *clip* *clamp* *limit* *alpha* *beta* *theta* seq_aux ep_size *jitter* *softcap* "
    "original_max_position* tf_legacy* top_k top_p *penalty *beam* *_length* is_decoder is_encoder_decoder id2label "
    "label2id problem_type prefix pruned_heads remove_invalid_values return_dict* do_sample early_stopping typical_p "
    "torchscript tie_encoder_decoder add_cross_attention chunk_size_feed_forward tokenizer_class task_specific_params "
    "bad_words_ids suppress_tokens begin_suppress_tokens use_bfloat16 finetuning_task no_repeat_ngram_size "
    "num_return_sequences *time_step* rescale_prenorm_residual residual_in_fp32 num_logits_to_keep use_mamba_kernels "
    "mamba_hidden_act hc_eps hc_sinkhorn* router_* *renormalize moe_router_activation_func use_grouped_topk "
    "topk_method "
    "*_interleave initial_context_length mrope* position_embedding_type use_bidirectional* gate_lower_bound "
    "*_multiplier "
    "logits_* attn_logit* attention_value* embd_pdrop resid_pdrop *_weight *_version *aux* ignore_index projector* "
    "*image* "
    "*video* *audio* *vision* *visual* img_* *pixel* *pad* bos* eos* attn_implementation* *deterministic* "
    "sparse_init_block "
    "*seq_len* moe_shared_expert_overlap language name *dataset* *tokenizer* *template* *capacity* *drop_tokens* *loss "
    "token_drop* gradient_checkpointing use_flash* swiglu* mla_use_nope *temp*";

/* Read in some models, without meaning in others; told as such. */
static const char known[] =
    "num_experts num_local_experts n_routed_experts intermediate_size head_dim moe_intermediate_size "
    "num_key_value_heads "
    "expand mamba_expand no_rope_layers no_rope_layer_interval qk_head_dim v_head_dim max_window_layers "
    "cla_share_factor "
    "use_double_wide_mlp vocab_size_per_layer_input mtp_hybrid_override_pattern mtp_layers_block_type index_topk_freq "
    "index_skip_topk_offset index_topk_pattern index_share_for_mtp_iteration full_attention_interval "
    "attention_chunk_size "
    "intermediate_size_mlp moe_layer_freq first_k_dense_replace mlp_only_layers decoder_sparse_step sliding_window "
    "use_sliding_window sliding_window_pattern use_mtp mtp_use_dedicated_embeddings mtp_transformer_layers layer_types "
    "num_hidden_layers n_group topk_group dense_intermediate_size";

/* What dimensions and kinds of layers are called. */
static const char structural[] =
    "*layer* *head* *expert* *rank* *lora* *dim* *size* *window* *attn* *attention* *moe* *mlp* *ffn* *latent* *block* "
    "*pattern* *type* *conv* *ssm* *mamba* *linear* *index* *kv* *hidden* *width* *depth* *mtp* *bias* *gate* *embed* "
    "*group* *sparse* *share* *state* *stream* *residual*";

/* Patterns stand between blanks. */
static bool is_one_of(const char *key, const char *patterns)
{
    for (const char *p = patterns; *p; p += strspn(p, " ")) {
        char pattern[64];
        size_t n = strcspn(p, " ");
        snprintf(pattern, sizeof pattern, "%.*s", (int)n, p);
        if (!fnmatch(pattern, key, 0))
            return true;
        p += n;
    }
    return false;
}

/* Keys that were read are marked. What is off, or changes no dimension, may be passed over. */
static bool is_passed_over(const cJSON *v)
{
    return import_marked(v) || is_off(v, 0) || strlen(v->string) > 60 || is_one_of(v->string, harmless);
}

static const char *listed(struct import *im, const char *list, const char *key)
{
    return arena_printf(im->arena, "%s%s%s", list, *list ? ", " : "", import_clean(im, key));
}

void import_tell_unread(struct import *im)
{
    const char *left = "", *unused = "", *first = NULL;
    for (const cJSON *v = im->text->child; v; v = v->next) {
        if (is_passed_over(v))
            continue;
        if (is_one_of(v->string, known)) {
            unused = listed(im, unused, v->string);
        } else if (!im->known && is_one_of(v->string, structural)) {
            import_complain(im, import_clean(im, v->string),
                            "is not understood, and the model_type is not known; describe the model by hand after one "
                            "of configs/models");
        } else {
            first = first ? first : v->string;
            left = listed(im, left, v->string);
        }
    }
    if (*unused)
        import_note(im, "Keys that change nothing here: %s", unused);
    if (!first)
        return;
    import_note(im, "Keys that were not understood and left out: %s", left);
    import_warn(im, import_clean(im, first), "keys that are not understood, and left out: %s", left);
}

/* The network of each layer of a config.json, dense or with experts, and which layers have which: counts, lists, words,
 * every n-th layer.
 *
 * Left out: activations' own constants, capacity and losses of routers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/inputs/model_import_priv.h"

#define DENSE_LAYERS \
    "first_k_dense_replace|num_dense_layers|moe_skip_first|mlp_layer_types|moe_layer_freq|moe_layers|moe_layers_enum|" \
    "mlp_only_layers|decoder_sparse_step|interleave_moe_layer_step|moe_layer_interval|moe_layer_start_index|" \
    "expert_layer_period"

/* --- which layers have experts ------------------------------------------------------------------------------------ */

static bool lists_layer(const cJSON *list, long long layer)
{
    const cJSON *v;
    cJSON_ArrayForEach(v, list) if (cJSON_IsNumber(v) && v->valuedouble == (double)layer) return true;
    return false;
}

/* "3,4,5" (Step). */
static bool names_layer(const char *text, long long layer)
{
    char *end;
    for (const char *p = text; *p; p = *end ? end + 1 : end) {
        if (strtoll(p, &end, 10) == layer && end != p)
            return true;
        if (end == p)
            end++;
    }
    return false;
}

static bool by_step(struct import *im, long long layer)
{
    long long step = import_whole(im, "decoder_sparse_step|interleave_moe_layer_step|moe_layer_interval", 1);
    long long from = import_at(im, "moe_layer_start_index", 0, 0),
              to = import_at(im, "moe_layer_end_index", 0, 1 << 20);
    long long period = import_whole(im, "expert_layer_period", 1), offset = import_whole(im, "expert_layer_offset", 0);
    if (step < 1 || period < 1)
        return false;
    return (layer + 1) % step == 0 && layer >= from && layer <= to && layer % period == offset % period;
}

static bool has_experts(struct import *im, long long layer)
{
    const cJSON *word = import_of_layer(im, "mlp_layer_types", layer), *list;
    long long first = import_whole(im, "first_k_dense_replace|num_dense_layers|moe_skip_first", 0), every;
    if (import_whole(im, IMPORT_EXPERTS, 0) < 2 ||
        (import_get(im, "enable_moe_block") && !import_flag(im, "enable_moe_block", true)))
        return false;
    if (word)
        return import_is(word, "sparse");
    if (cJSON_IsArray(import_get(im, "moe_layer_freq")))
        return import_at(im, "moe_layer_freq", layer, 0) != 0;
    if (cJSON_IsArray(list = import_get(im, "moe_layers")) && list->child)
        return lists_layer(list, layer);
    if (cJSON_IsString(list = import_get(im, "moe_layers_enum")))
        return names_layer(list->valuestring, layer);
    every = import_whole(im, "moe_layer_freq", 1);
    if (layer < first || every < 1 || layer % every || lists_layer(import_get(im, "mlp_only_layers"), layer))
        return false;
    return by_step(im, layer);
}

/* --- dense networks ------------------------------------------------------------------------------------------------ */

static bool is_gated(struct import *im)
{
    const cJSON *act = import_get(im, "mlp_hidden_act"), *other = import_get(im, "hidden_act|hidden_activation");
    act = act ? act : other;
    return !(import_is(act, "relu2") || import_is(act, "relu_squared") || import_is(act, "squared_relu"));
}

static long long dense_width(struct import *im)
{
    long long width = import_whole(im, "dense_intermediate_size|intermediate_size_mlp|ffn_hidden_size", 0);
    if (!width)
        width = import_whole(im, "intermediate_size", -1);
    return width / (import_has_trait(im, HALVED) ? 2 : 1);
}

static void dense(struct import *im, long long layer, struct import_part *p, long long width)
{
    static const char names[] =
        "mlp.gate_proj|mlp.up_proj|mlp.down_proj|feed_forward.gate_proj|mixer.up_proj|mlps.0.gate_proj|"
        "mlp.gate_up_proj";
    bool gated = is_gated(im);
    *p = (struct import_part){.hint = "dense",
                              .kind = "dense_ffn",
                              .decode = "",
                              .params = (gated ? 3. : 2.) * (double)im->hidden * (double)width};
    import_pair(im, p, "dense_ffn", width);
    import_pair_flag(im, p, "dense_gated", gated);
    import_pair_flag(im, p, "dense_bias", import_flag(im, "mlp_bias", false));
    p->format = import_format_of(im, layer, &(struct import_module){names, 1}, 1);
}

/* Networks of models that were searched for: a width, or a factor of the hidden size (their class rounds it to 256); a
 * matrix in place of one is as much as two of half its width. */
static void searched(struct import *im, long long layer, struct import_part *p)
{
    enum { ROUNDED = 256 };
    const cJSON *of = import_searched(im, layer, "ffn"), *mult = cJSON_GetObjectItemCaseSensitive(of, "ffn_mult");
    const cJSON *experts = cJSON_GetObjectItemCaseSensitive(of, "moe");
    long long width = import_whole_of(im, cJSON_GetObjectItemCaseSensitive(of, "intermediate_size"), 0);
    if (cJSON_IsObject(experts))
        import_complain(im, "block_configs", "with experts of each layer ('moe') are not read");
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(of, "no_op")))
        return;
    if (!width && cJSON_IsNumber(mult) && mult->valuedouble > 0 && mult->valuedouble < 1024)
        width = ((long long)(2 * mult->valuedouble * (double)im->hidden / 3) + ROUNDED - 1) / ROUNDED * ROUNDED;
    bool linear = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(of, "replace_with_linear"));
    if (!width && !linear)
        import_complain(im, "block_configs", "must have 'ffn_mult' or 'intermediate_size' in each 'ffn'");
    dense(im, layer, p, linear ? im->hidden / 2 : width);
    if (!linear)
        return;
    import_note(im, "A matrix in place of a network stands for two of half the width");
    p->pair[1].value = "false";
}

/* --- experts -------------------------------------------------------------------------------------------------------- */

struct shared {
    long long n, width; /* width 0: n experts as wide as the routed ones */
};

static struct shared shared_of(struct import *im, long long layer, long long ffn)
{
    struct shared s = {
        .n = import_at(im,
                       "n_shared_experts|num_shared_experts|num_shared_expert|moe_num_shared_experts|n_shared_expert",
                       layer, 0)};
    s.width = import_whole(im,
                           "shared_expert_intermediate_size|moe_shared_expert_intermediate_size|shared_intermediate_"
                           "size|share_expert_dim|moe_shared_expert_ffn_hidden_size",
                           0);
    if (import_has_trait(im, SHARED_EXPERT))
        s.n = 1;
    if (import_has_trait(im, BESIDE) || import_has_trait(im, TWICE)) {
        s.width = dense_width(im);
        import_note(im, "The dense network beside experts stands as a shared expert");
    }
    if (s.width && ffn > 0 && s.width % ffn == 0) {
        s.n = s.width / ffn;
        s.width = 0;
    }
    return s;
}

static long long expert_width(struct import *im, long long layer)
{
    const cJSON *zero;
    long long width =
        import_at(im, "moe_intermediate_size|expert_ffn_hidden_size|moe_ffn_hidden_size|moe_ffn_dim", layer, 0);
    if (width)
        return width;
    if ((zero = import_get(im, "moe_intermediate_size")) && cJSON_IsNumber(zero))
        import_complain(im, "moe_intermediate_size", "must be above 0: layers have experts");
    if (!import_has_trait(im, EXPERT_WIDTH) && import_get(im, "intermediate_size"))
        import_note(im, "No moe_intermediate_size: experts are taken to be as wide as intermediate_size");
    return import_whole(im, "intermediate_size", -1);
}

static bool router_bias(struct import *im)
{
    return import_is(import_get(im, "topk_method"), "noaux_tc") ||
           import_flag(im,
                       "use_routing_bias|use_moe_router_bias|moe_router_enable_expert_bias|use_expert_bias|enable_"
                       "expert_bias|moe_use_aux_free",
                       import_has_trait(im, ROUTER_BIAS));
}

static void expert_formats(struct import *im, long long layer, struct import_part *p, bool shared)
{
    static const char routed[] =
        "mlp.experts.0.gate_proj|mlp.experts.0.down_proj|mixer.experts.0.up_proj|block_sparse_moe.experts.0.w1|"
        "feed_forward.experts.0.gate_proj|ffn.experts.0.w1|moe.experts.0.gate_proj|mlp.experts.gate_up_proj";
    static const char beside[] =
        "mlp.shared_experts.gate_proj|mlp.shared_expert.gate_proj|mixer.shared_experts.up_proj|"
        "feed_forward.shared_expert.gate_proj|ffn.shared_experts.w1|share_expert.gate_proj|"
        "mlp.shared_mlp.gate_proj|block_sparse_moe.shared_experts.gate_proj|moe.shared_experts.gate_proj";
    static const char dense_beside[] = "mlp.gate_proj|mlps.1.gate_proj";
    bool own = import_has_trait(im, BESIDE) || import_has_trait(im, TWICE);
    p->format = import_format_of(im, layer, &(struct import_module){routed, 1}, 1);
    p->shared = shared ? import_format_of(im, layer, &(struct import_module){own ? dense_beside : beside, 1}, 1)
                       : im->quant.base;
}

/* Groups that a token's experts come from. Some files have them as 0, or as numbers that divide nothing. */
static void write_groups(struct import *im, struct import_part *p, long long routed)
{
    long long groups = import_whole(im, "n_group|num_expert_group|n_groups_moe", 1),
              top = import_whole(im, "topk_group", 1);
    if (groups < 2) {
        groups = top = 1;
    } else if (routed % groups) {
        import_complain(im, "n_group", "must divide the %lld routed experts", routed);
    }
    import_pair(im, p, "groups", groups);
    import_pair(im, p, "top_groups", top < 1 ? 1 : top);
}

static void experts(struct import *im, long long layer, struct import_part *p)
{
    long long routed = import_whole(im, IMPORT_EXPERTS, -1), ffn = expert_width(im, layer);
    long long latent = import_whole(im, "routed_expert_hidden_size|moe_latent_size", 0),
              top_k = import_at(im, IMPORT_TOP_K, layer, -1);
    struct shared s = shared_of(im, layer, ffn);
    bool hashed = layer < import_whole(im, "num_hash_layers", 0);
    *p = (struct import_part){
        .hint = hashed ? "hashed" : "experts", .kind = latent ? "latent_moe" : "moe", .decode = ""};
    import_pair(im, p, "routed", routed);
    import_pair(im, p, "shared", s.n);
    import_pair(im, p, "top_k", top_k);
    write_groups(im, p, routed);
    import_pair(im, p, "ffn", ffn);
    import_pair(im, p, "shared_ffn", s.width);
    if (latent)
        import_pair(im, p, "latent", latent);
    import_pair(im, p, "zero", import_whole(im, "zero_expert_num", 0));
    import_pair_flag(im, p, "hashed", hashed);
    import_pair_flag(im, p, "router_bias", !hashed && router_bias(im));
    import_pair_flag(im, p, "shared_gate", import_has_trait(im, SHARED_GATE) && (s.n || s.width));
    import_pair_flag(im, p, "gated", is_gated(im));
    import_pair_flag(im, p, "bias", import_has_trait(im, EXPERT_BIAS));
    p->params = (is_gated(im) ? 3. : 2.) * (double)(latent ? latent : im->hidden) * (double)ffn * (double)routed;
    expert_formats(im, layer, p, s.n || s.width || latent);
}

/* --- either -------------------------------------------------------------------------------------------------------- */

static const char *word_of(struct import *im, long long layer)
{
    const cJSON *v = import_of_layer(im, "layers_block_type", layer);
    return cJSON_IsString(v) ? v->valuestring : "";
}

void import_check_experts(struct import *im)
{
    const cJSON *key = import_get(im, DENSE_LAYERS);
    bool switched_off = import_get(im, "enable_moe_block") && !import_flag(im, "enable_moe_block", true);
    if (!key || switched_off || import_letter(im, 0) || import_whole(im, IMPORT_EXPERTS, 0) < 2)
        return;
    for (long long i = 0; i < im->layers; i++)
        if (strstr(im->layer[i].network.kind, "moe"))
            return;
    import_complain(im, key->string,
                    "leaves none of %lld layers with experts, and the file has %lld; which layers are dense?",
                    im->layers, import_whole(im, IMPORT_EXPERTS, 0));
}

void import_network(struct import *im, long long layer, struct import_part *out)
{
    char letter = import_letter(im, layer);
    const char *word =
        import_get(im, "layers_block_type") && import_has_trait(im, ROUTER_BIAS) ? word_of(im, layer) : "";
    *out = (struct import_part){.hint = "none", .kind = "", .decode = ""};
    if (letter == 'M' || letter == '*' || !strcmp(word, "mamba") || !strcmp(word, "attention"))
        return;
    if (letter == 'E' || !strcmp(word, "moe"))
        experts(im, layer, out);
    else if (letter == '-' || !strcmp(word, "mlp"))
        dense(im, layer, out, dense_width(im));
    else if (import_get(im, "block_configs"))
        searched(im, layer, out);
    else if (has_experts(im, layer))
        experts(im, layer, out);
    else
        dense(im, layer, out, dense_width(im));
}

void import_dense_network(struct import *im, long long layer, struct import_part *out)
{
    dense(im, layer, out, dense_width(im));
}

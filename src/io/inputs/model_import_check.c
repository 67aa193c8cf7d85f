/* What an import wrote must be a model: dimensions that do not fit are found by opening it, and told at the keys of the
 * config.json that they are from. */
#include <stdlib.h>
#include <string.h>

#include "io/inputs/model_file.h"
#include "io/inputs/model_import_priv.h"

/* Our keys, and what they are read from. */
static const struct {
    const char *ours, *theirs;
} sources[] = {
    {"top_k", IMPORT_TOP_K},
    {"routed", IMPORT_EXPERTS},
    {"top_groups", "topk_group"},
    {"groups", "n_group|num_expert_group|n_groups_moe|n_groups|mamba_n_groups"},
    {"ffn", "moe_intermediate_size|expert_ffn_hidden_size|moe_ffn_hidden_size|moe_ffn_dim|intermediate_size"},
    {"dense_ffn", "dense_intermediate_size|intermediate_size_mlp|ffn_hidden_size|intermediate_size"},
    {"shared", "n_shared_experts|num_shared_experts|num_shared_expert|moe_num_shared_experts"},
    {"shared_ffn", "shared_expert_intermediate_size|moe_shared_expert_intermediate_size"},
    {"latent", "routed_expert_hidden_size|moe_latent_size"},
    {"kv_heads", "num_key_value_heads"},
    {"heads", "num_attention_heads"},
    {"head_dim", "head_dim"},
    {"q_lora", "q_lora_rank"},
    {"kv_lora", "kv_lora_rank"},
    {"nope_dim", "qk_nope_head_dim"},
    {"rope_dim", "qk_rope_head_dim"},
    {"v_dim", "v_head_dim"},
    {"index_heads", "index_n_heads"},
    {"index_dim", "index_head_dim"},
    {"index_top_k", "index_topk"},
    {"window", "sliding_window"},
    {"chunk", "attention_chunk_size"},
    {"conv", "conv_kernel|mamba_d_conv|linear_conv_kernel_dim"},
    {"state_dim", "ssm_state_size|mamba_d_state"},
    {"scan_chunk", "chunk_size|mamba_chunk_size"},
    {"vocab", "vocab_size"},
    {"mtp_depth", "num_nextn_predict_layers|mtp_num_hidden_layers|num_mtp_modules|num_mtp_layers"},
    {"layers", "num_hidden_layers|num_layers|n_layers"},
    {"hidden", "hidden_size"}};
enum { N_SOURCES = sizeof sources / sizeof *sources };

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || c == '_' || (c >= '0' && c <= '9');
}

static bool has_word(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
        if ((at == text || !is_letter(at[-1])) && !is_letter(at[n]))
            return true;
    return false;
}

/* The key of the file that the text is about; NULL: it names none. */
static const char *key_of(struct import *im, const char *text)
{
    for (int i = 0; i < N_SOURCES; i++) {
        const cJSON *v = has_word(text, sources[i].ours) ? import_get_any(im, sources[i].theirs) : NULL;
        if (v && v->string)
            return v->string;
    }
    return NULL;
}

/* The line of that number, from 1. */
static const char *line_of(struct import *im, const char *yaml, int number)
{
    while (--number > 0 && (yaml = strchr(yaml, '\n')))
        yaml++;
    return yaml ? arena_printf(im->arena, "%.*s", (int)strcspn(yaml, "\n"), yaml) : "";
}

/* Each error of the document, "NAME:LINE:COLUMN: error: TEXT", at the key that its text or else its line names. */
static void tell(struct import *im, const char *yaml, const char *name, const char *messages)
{
    size_t n = strlen(name);
    for (const char *at = messages; at && *at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL) {
        const char *error = strstr(at, ": error: ");
        if (strncmp(at, name, n) != 0 || at[n] != ':' || !error)
            continue;
        const char *text = arena_printf(im->arena, "%.*s", (int)strcspn(error + 9, "\n"), error + 9);
        const char *key = key_of(im, text);
        key = key ? key : key_of(im, line_of(im, yaml, atoi(at + n + 1)));
        if (key)
            import_complain(im, key, "makes no model: %s", text);
        else
            diag_error(im->diag, EXIT_BAD_INPUT, SRCLOC_FILE(im->path), "it makes no model: %s", text);
    }
}

int import_check(struct import *im, const char *yaml)
{
    static const char name[] = "imported";
    struct diag *inner = diag_new();
    struct cfg *cfg = cfg_new(&model_table, im->arena);
    int failed = cfg_load_text(cfg, yaml, strlen(yaml), name, "", false, NULL, inner) || cfg_finish(cfg, inner) ||
                 model_open(cfg, "", cfg_struct(cfg), im->arena, inner);
    if (failed)
        tell(im, yaml, name, diag_text(inner));
    if (failed && !diag_failed(im->diag))
        diag_error(im->diag, EXIT_BAD_INPUT, SRCLOC_FILE(im->path), "it makes no model: %s", diag_text(inner));
    diag_free(inner);
    return failed ? -1 : 0;
}

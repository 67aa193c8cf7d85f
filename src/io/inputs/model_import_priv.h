/* What the files of the import of a config.json share: keys that are read where they stand and remembered as read, the
 * parts of layers that become of them, and the precision of each. */
#ifndef MOESIM_IO_INPUTS_MODEL_IMPORT_PRIV_H
#define MOESIM_IO_INPUTS_MODEL_IMPORT_PRIV_H

#include <cjson/cJSON.h>
#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"

/* What the keys of a model_type do not say. */
enum trait {
    EXPERT_WIDTH = 1 << 0,   /* intermediate_size is that of an expert */
    QKV_BIAS = 1 << 1,       /* without a key attention_bias */
    OUTPUT_BIAS = 1 << 2,    /* as queries, keys and values have one */
    QK_NORM = 1 << 3,        /* a norm of queries and one of keys */
    ROUTER_BIAS = 1 << 4,    /* a number per expert beside the router's scores */
    HALVED = 1 << 5,         /* intermediate_size counts gate and up projections together */
    WINDOWS = 1 << 6,        /* sliding_window holds in all layers, without use_sliding_window */
    SHARED_GATE = 1 << 7,    /* the shared expert's output is gated by a number */
    OUTPUT_GATE = 1 << 8,    /* outputs of heads are gated, without a key */
    SINKS = 1 << 9,          /* a logit of each head in the softmax */
    EXPERT_BIAS = 1 << 10,   /* experts have biases */
    SHARED_EXPERT = 1 << 11, /* one shared expert, as wide as the others */
    TIED = 1 << 12,          /* the head is the embedding, without a key */
    EVERY_OTHER = 1 << 13,   /* windows in the first of two layers, without layer_types */
    TWICE = 1 << 14,         /* a layer is two, of which the second has experts beside its network (LongCat) */
    LIGHTNING = 1 << 15,     /* its linear attention is lightning attention */
    BESIDE = 1 << 16         /* layers with experts have the dense network, too */
};

struct import_family {
    const char *type;
    unsigned traits;
};

/* A format of numbers: bytes of a parameter with its part of a scale, what is multiplied (a word of model_formats), and
 * how people call it. scale_B is that of a block of `block` parameters; weight_B has its part. */
struct import_format {
    double weight_B, value_B, scale_B;
    long long block;
    const char *compute, *words;
};

/* Modules that have a format of their own: those that match one of `names` (with `algo`: of those that have it), those
 * of a part ("experts"); both NULL: all. */
enum { MOST_RULES = 32, MOST_REGEX = 64 };
struct import_rule {
    const cJSON *names;
    const char *algo, *part;
    struct import_format format;
};
struct import_regex {
    const cJSON *of;
    regex_t regex;
    bool good;
};

struct import_quant {
    struct import_format base; /* of what is not quantised */
    struct import_rule *rules; /* [n] the first that matches holds */
    int n;
    const cJSON *kept[2]; /* lists of names of modules that are not quantised */
    double kv_value_B, kv_scale_B;
    long long kv_block;
    const char *words, *kv_words; /* where all of this is from */
};

/* Part of a layer: a block of ours as lines of keys, and how it is stored. */
enum { MOST_PAIRS = 40 };
struct import_part {
    const char *hint, *kind, *decode; /* kind "": none */
    struct {
        const char *key, *value;
    } pair[MOST_PAIRS];
    int n;
    double params;                       /* of `precision`, of one layer, for the majority */
    struct import_format format, shared; /* shared.words NULL: nothing stands beside */
};

struct import_layer {
    struct import_part attention, network;
};

struct import {
    const cJSON *root, *text; /* the file; the language model in it */
    const char *inside[4];    /* keys from root to text, NULL-terminated */
    const char *json, *path;  /* JSON with numbers that it does not have replaced */
    size_t len;
    const struct import_family *family;
    bool known; /* family is of the table */
    struct arena *arena;
    struct diag *diag;
    struct import_quant quant;
    struct import_regex regex[MOST_REGEX];
    int n_regex;
    struct import_layer *layer; /* [layers] */
    long long layers, hidden;
    const char *yaml;
    const char *complaints; /* lines */
    const char *notes;      /* lines of comments: what was left out or assumed */
};

/* --- keys (model_import_keys.c); `keys`: names that mean the same, "a|b" ---------------------------------------------- */

/* NULL: none is there, or null. */
const cJSON *import_get(struct import *im, const char *keys);
/* In the language model or, when it is silent, in the file that it is part of. */
const cJSON *import_get_any(struct import *im, const char *keys);
/* A whole number; `missing` when absent, an error when that is negative. */
long long import_whole(struct import *im, const char *keys, long long missing);
/* The same where a list has a number of each layer. */
long long import_at(struct import *im, const char *keys, long long layer, long long missing);
long long import_whole_of(struct import *im, const cJSON *v, long long missing);
bool import_flag(struct import *im, const char *keys, bool missing);
/* The element of a list of as many as layers (or more); NULL: there is no such list. */
const cJSON *import_of_layer(struct import *im, const char *keys, long long layer);
bool import_is(const cJSON *v, const char *text);
bool import_has_trait(const struct import *im, enum trait trait);
/* At the key in the language model, or in the file. */
void import_complain(struct import *im, const char *key, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void import_warn(struct import *im, const char *key, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void import_note(struct import *im, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
struct srcloc import_place(const struct import *im, const char *const *keys);
struct srcloc import_place_of(const char *json, size_t len, const char *at, const char *path);
/* Letters, digits, and what else a name may have. */
const char *import_clean(struct import *im, const char *text);
void import_mark(const cJSON *v);
bool import_marked(const cJSON *v);

/* --- model types (model_import_types.c) --------------------------------------------------------------------------- */

bool import_find_family(struct import *im);
/* What was asked for and is not there, and keys that nobody read. */
void import_refuse_features(struct import *im);
void import_tell_unread(struct import *im);

/* --- precision (model_import_quant.c, model_import_match.c) ----------------------------------------------------- */

/* `beside`: what stands beside the file, hf_quant_config.json; NULL: nothing. */
void import_quant_read(struct import *im, const cJSON *beside);
/* A list of names, or an object with names as keys (algo: those whose quant_algo it is), has one that means the module
 * ("layers.3.self_attn.q_proj"). */
bool import_matches(struct import *im, const cJSON *names, const char *algo, const char *module);
void import_free_regex(struct import *im);

/* A matrix of a block, by the names that modules of it have, "self_attn.q_proj|attention.q_proj". */
struct import_module {
    const char *names;
    double params;
};
/* The format of a block's modules in a layer: the mean of what they store, the format of most. */
struct import_format import_format_of(struct import *im, long long layer, const struct import_module *m, int n);

/* --- parts of layers (model_import_attention.c, model_import_network.c) ----------------------------------------- */

void import_pair(struct import *im, struct import_part *p, const char *key, long long value);
void import_pair_flag(struct import *im, struct import_part *p, const char *key, bool value);
void import_attention(struct import *im, long long layer, struct import_part *out);
void import_network(struct import *im, long long layer, struct import_part *out);
/* Letters of a pattern of layers (Nemotron-H), 0: there is none. */
char import_letter(struct import *im, long long layer);
/* An element of block_configs (models that were searched for), NULL: there are none. */
const cJSON *import_searched(struct import *im, long long layer, const char *part);
/* After all layers: a file of experts has layers with them. */
void import_check_experts(struct import *im);
/* A dense network of the model's width. */
void import_dense_network(struct import *im, long long layer, struct import_part *out);

/* Names of the number of experts, and of how many a token goes to. */
#define IMPORT_EXPERTS "n_routed_experts|num_local_experts|num_experts|moe_num_experts"
#define IMPORT_TOP_K \
    "num_experts_per_tok|num_experts_per_token|moe_topk|moe_top_k|moe_k|top_k_experts|experts_per_token"

/* --- the document (model_import_write.c, model_import_check.c) -------------------------------------------------------------------------- */

const char *import_write(struct import *im);
/* What was written is a model. 0, or -1 with errors at keys of the file. */
int import_check(struct import *im, const char *yaml);

#endif

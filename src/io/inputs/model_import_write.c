/* Layers of an imported model as our YAML: layers that are alike share a block; the most common attention, experts and
 * dense network are the model's own, others get names in `blocks`, and patterns say which layer has which. */
#include <string.h>

#include "io/inputs/model_import_priv.h"

/* Alike layers' part. */
struct group {
    const struct import_part *part;
    const char *name;
    long long layers;
    const struct group *base; /* whose keys hold where it is silent; NULL: defaults */
};

struct groups {
    struct group *group; /* [n] */
    int n;
    int *of; /* [layers] index into group, -1: none */
};

static void put(struct import *im, const char *indent, const char *key, const char *value)
{
    im->yaml = arena_printf(im->arena, "%s%s%s:%s%s\n", im->yaml, indent, key, *value ? " " : "", value);
}

static void put_number(struct import *im, const char *indent, const char *key, long long value)
{
    put(im, indent, key, arena_printf(im->arena, "%lld", value));
}

static void put_B(struct import *im, const char *indent, const char *key, double value_B)
{
    put(im, indent, key, arena_printf(im->arena, "%.10g B", value_B));
}

/* --- alike ---------------------------------------------------------------------------------------------------------- */

static bool same_format(const struct import_format *a, const struct import_format *b)
{
    return a->weight_B == b->weight_B && !strcmp(a->compute ? a->compute : "", b->compute ? b->compute : "");
}

static bool same_part(const struct import_part *a, const struct import_part *b)
{
    if (strcmp(a->kind, b->kind) != 0 || strcmp(a->decode, b->decode) != 0 || a->n != b->n ||
        !same_format(&a->format, &b->format) || !same_format(&a->shared, &b->shared))
        return false;
    for (int i = 0; i < a->n; i++)
        if (strcmp(a->pair[i].key, b->pair[i].key) != 0 || strcmp(a->pair[i].value, b->pair[i].value) != 0)
            return false;
    return true;
}

static const struct import_part *part_of(const struct import *im, long long layer, bool attention)
{
    return attention ? &im->layer[layer].attention : &im->layer[layer].network;
}

static struct groups find_groups(struct import *im, bool attention)
{
    struct groups g = {.group = ARENA_ARRAY(im->arena, struct group, (size_t)im->layers),
                       .of = ARENA_ARRAY(im->arena, int, (size_t)im->layers)};
    for (long long i = 0; i < im->layers; i++) {
        const struct import_part *p = part_of(im, i, attention);
        int k = 0;
        while (k < g.n && !same_part(g.group[k].part, p))
            k++;
        g.of[i] = *p->kind ? k : -1;
        if (!*p->kind)
            continue;
        if (k == g.n)
            g.group[g.n++].part = p;
        g.group[k].layers++;
    }
    return g;
}

/* --- names ---------------------------------------------------------------------------------------------------------- */

static bool is_experts(const struct import_part *p)
{
    return !strcmp(p->kind, "moe") || !strcmp(p->kind, "latent_moe");
}

static bool is_dense(const struct import_part *p)
{
    return !strcmp(p->kind, "dense_ffn");
}

static bool is_any(const struct import_part *p)
{
    return *p->kind;
}

/* The most common of a role is the model's own. */
static struct group *name_base(struct groups *g, bool (*wanted)(const struct import_part *p), const char *name)
{
    struct group *most = NULL;
    for (int i = 0; i < g->n; i++)
        if (wanted(g->group[i].part) && (!most || g->group[i].layers > most->layers))
            most = &g->group[i];
    if (most)
        most->name = name;
    return most;
}

static bool is_taken(const struct groups *g, const char *name)
{
    for (int i = 0; i < g->n; i++)
        if (g->group[i].name && !strcmp(g->group[i].name, name))
            return true;
    return false;
}

static void name_others(struct import *im, struct groups *g, const struct groups *before)
{
    for (int i = 0; i < g->n; i++) {
        const char *hint = g->group[i].part->hint, *name = hint;
        if (g->group[i].name)
            continue;
        for (int k = 2; k == 2 || is_taken(g, name) || is_taken(before, name) || !strcmp(name, "dense"); k++)
            name = k == 2 && strcmp(hint, "dense") ? hint : arena_printf(im->arena, "%s_%d", hint, k);
        g->group[i].name = name;
    }
}

static void set_bases(struct groups *g, const struct group *const *bases, int n)
{
    for (int i = 0; i < g->n; i++)
        for (int k = 0; k < n; k++)
            if (bases[k] && bases[k] != &g->group[i] && !strcmp(bases[k]->part->kind, g->group[i].part->kind))
                g->group[i].base = bases[k];
}

/* --- patterns ------------------------------------------------------------------------------------------------------ */

static const char *name_at(const struct groups *g, long long layer)
{
    return g->of[layer] < 0 ? "none" : g->group[g->of[layer]].name;
}

/* After how many layers all repeat, at least once. */
static long long period_of(const struct groups *g, long long layers)
{
    for (long long p = 1; p <= layers / 2; p++) {
        long long i = p;
        while (i < layers && g->of[i] == g->of[i - p])
            i++;
        if (i == layers)
            return p;
    }
    return layers;
}

/* How often `n` layers from `at` on stand one behind the other before `end`. */
static long long repeats(const struct groups *g, long long at, long long n, long long end)
{
    long long times = 1;
    for (;; times++)
        for (long long i = 0; i < n; i++)
            if (at + times * n + i >= end || g->of[at + times * n + i] != g->of[at + i])
                return times;
}

/* "name", "name*3", "(a b*3)*2" of the layers from `at` on; *n: how many of them. */
static const char *next_part(struct import *im, const struct groups *g, long long at, long long end, bool whole,
                             long long *n)
{
    enum { LONGEST_UNIT = 12 };
    long long times = repeats(g, at, 1, end), unit = 1;
    const char *text = "";
    for (long long u = 2; whole && u <= LONGEST_UNIT; u++)
        if (repeats(g, at, u, end) > 1 && repeats(g, at, u, end) * u > times * unit) {
            unit = u;
            times = repeats(g, at, u, end);
        }
    *n = times * unit;
    if (unit == 1)
        return arena_printf(im->arena, times > 1 ? "%s*%lld" : "%s", name_at(g, at), times);
    for (long long i = 0, k; i < unit; i += k)
        text =
            arena_printf(im->arena, "%s%s%s", text, *text ? " " : "", next_part(im, g, at + i, at + unit, false, &k));
    return arena_printf(im->arena, "(%s)*%lld", text, times);
}

static const char *pattern_of(struct import *im, const struct groups *g)
{
    const char *text = "";
    long long period = period_of(g, im->layers), n;
    for (long long i = 0; i < period; i += n)
        text = arena_printf(im->arena, "%s%s%s", text, *text ? " " : "", next_part(im, g, i, period, true, &n));
    return text;
}

/* Dense layers, then experts: -1 when it is not so. */
static long long leading_dense(const struct import *im, const struct groups *g)
{
    long long n = 0;
    while (n < im->layers && !strcmp(name_at(g, n), "dense"))
        n++;
    for (long long i = n; i < im->layers; i++)
        if (strcmp(name_at(g, i), "moe") != 0)
            return -1;
    return n;
}

static void write_patterns(struct import *im, const struct groups *attention, const struct groups *network,
                           bool experts)
{
    const char *pattern = pattern_of(im, attention);
    long long first = leading_dense(im, network);
    if (strcmp(pattern, "attention") != 0)
        put(im, "", "attention_pattern", pattern);
    if (first < 0)
        put(im, "", "network_pattern", pattern_of(im, network));
    else if (experts && first)
        put_number(im, "", "dense_layers", first);
}

/* --- precision ------------------------------------------------------------------------------------------------------ */

/* What most parameters are stored as. */
static const struct import_format *main_format(const struct import *im, bool *alike)
{
    const struct import_format *best = NULL;
    double most = -1;
    *alike = true;
    for (long long i = 0; i < 2 * im->layers; i++) {
        const struct import_part *p = part_of(im, i / 2, i % 2);
        double sum = 0;
        if (!*p->kind)
            continue;
        for (long long k = 0; k < 2 * im->layers && (!best || !same_format(&p->format, best)); k++)
            if (same_format(&part_of(im, k / 2, k % 2)->format, &p->format))
                sum += part_of(im, k / 2, k % 2)->params;
        if (sum > most) {
            most = sum;
            best = &p->format;
        }
    }
    for (long long i = 0; best && i < 2 * im->layers; i++) {
        const struct import_part *p = part_of(im, i / 2, i % 2);
        *alike &= !*p->kind || (same_format(&p->format, best) && (!is_experts(p) || same_format(&p->shared, best)));
    }
    return best;
}

static bool says_size(const struct import_format *f)
{
    return !f->compute || !strcmp(f->compute, f->weight_B > 1.01 ? "bf16" : "fp8");
}

static void write_format(struct import *im, const char *indent, const char *prefix, const struct import_format *f)
{
    put_B(im, indent, arena_printf(im->arena, "%sweight", prefix), f->weight_B);
    if (f->compute)
        put(im, indent, arena_printf(im->arena, "%scompute", prefix), f->compute);
}

static void write_precision(struct import *im, const struct import_format *f, bool alike)
{
    put(im, "", "precision", arena_printf(im->arena, "\"%s; %s\"", im->quant.words, im->quant.kv_words));
    put_B(im, "", "weight", f->block && alike ? f->value_B : f->weight_B);
    if (f->block && alike) {
        put_B(im, "", "weight_scale", f->scale_B);
        put_number(im, "", "weight_block", f->block);
    }
    if (f->weight_B != im->quant.base.weight_B)
        put_B(im, "", "other_weight", im->quant.base.weight_B);
    if (!says_size(f))
        put(im, "", "compute", f->compute);
}

static void write_cache(struct import *im)
{
    const struct import_quant *q = &im->quant;
    if (q->kv_value_B != 2)
        put_B(im, "  ", "kv_value", q->kv_value_B);
    if (q->kv_block) {
        put_B(im, "  ", "kv_scale", q->kv_scale_B);
        put_number(im, "  ", "kv_block", q->kv_block);
    }
}

/* --- blocks --------------------------------------------------------------------------------------------------------- */

/* What keys are when nobody gives them. */
static bool is_default(const char *key, const char *value)
{
    static const char *const ones[] = {"groups", "top_groups", NULL}, *const set[] = {"gated", "dense_gated", "conv",
                                                                                      "conv_bias", NULL};
    for (const char *const *k = set; *k; k++)
        if (!strcmp(key, *k))
            return !strcmp(value, strcmp(key, "conv") ? "true" : "4");
    for (const char *const *k = ones; *k; k++)
        if (!strcmp(key, *k))
            return !strcmp(value, "1");
    return !strcmp(value, "0") || !strcmp(value, "false");
}

static const char *value_in(const struct import_part *p, const char *key)
{
    for (int i = 0; i < p->n; i++)
        if (!strcmp(p->pair[i].key, key))
            return p->pair[i].value;
    return NULL;
}

static void write_pairs(struct import *im, const char *indent, const struct group *g)
{
    for (int i = 0; i < g->part->n; i++) {
        const char *key = g->part->pair[i].key, *value = g->part->pair[i].value;
        const char *other = g->base ? value_in(g->base->part, key) : NULL;
        if (other ? strcmp(other, value) != 0 : !is_default(key, value))
            put(im, indent, key, value);
    }
}

static void write_formats(struct import *im, const char *indent, const char *prefix, const struct import_part *p,
                          bool alike)
{
    if (alike)
        return;
    write_format(im, indent, prefix, &p->format);
    if (is_experts(p))
        write_format(im, indent, "shared_", &p->shared);
}

static void write_base(struct import *im, const struct group *g, const char *table, bool alike)
{
    put(im, "", table, "");
    put(im, "  ", "kind", g->part->kind);
    if (*g->part->decode)
        put(im, "  ", "decode", g->part->decode);
    write_formats(im, "  ", "", g->part, alike);
    write_pairs(im, "  ", g);
}

static void write_own(struct import *im, const struct groups *g, const struct group *const *bases, int n, bool alike)
{
    for (int i = 0; i < g->n; i++) {
        const struct group *own = &g->group[i];
        bool base = false;
        for (int k = 0; k < n; k++)
            base |= bases[k] == own;
        if (base)
            continue;
        put(im, "  ", own->name, "");
        put(im, "    ", "kind", own->part->kind);
        if (*own->part->decode && !own->base)
            put(im, "    ", "decode", own->part->decode);
        write_formats(im, "    ", "", own->part, alike);
        write_pairs(im, "    ", own);
    }
}

/* --- the document --------------------------------------------------------------------------------------------------- */

static void write_head(struct import *im)
{
    const cJSON *type = import_get_any(im, "model_type"), *classes = import_get_any(im, "architectures");
    const cJSON *class = cJSON_IsArray(classes) ? classes->child : NULL;
    const char *name = cJSON_IsString(type) ? import_clean(im, type->valuestring) : "model";
    im->yaml = arena_printf(im->arena, "%sname: imported_%s\nsource: \"config.json%s%s\"\n", im->notes, name,
                            cJSON_IsString(class) ? " of " : "",
                            cJSON_IsString(class) ? import_clean(im, class->valuestring) : "");
}

static void write_sizes(struct import *im)
{
    const cJSON *vocab = import_get_any(im, "vocab_size"), *tied = import_get_any(im, "tie_word_embeddings");
    put_number(im, "", "layers", im->layers);
    put_number(im, "", "hidden", im->hidden);
    if (!vocab)
        import_complain(im, "vocab_size", "is missing; it is a whole number");
    put_number(im, "", "vocab", import_whole_of(im, vocab, 0));
    put_number(
        im, "", "mtp_layers",
        import_whole(im, "num_nextn_predict_layers|mtp_num_hidden_layers|num_mtp_modules|num_mtp_layers|mtp_num_layers",
                     0));
    if (import_whole(im, "hc_mult", 1) > 1)
        put_number(im, "", "residual_streams", import_whole(im, "hc_mult", 1));
    if (cJSON_IsBool(tied) ? cJSON_IsTrue(tied) : import_has_trait(im, TIED))
        put(im, "", "tied_embeddings", "true");
}

const char *import_write(struct import *im)
{
    struct groups attention = find_groups(im, true), network = find_groups(im, false);
    const struct group *a = name_base(&attention, is_any, "attention"), *moe = name_base(&network, is_experts, "moe"),
                       *dense = name_base(&network, is_dense, "dense");
    const struct group *networks[] = {moe, dense};
    bool alike;
    const struct import_format *f = main_format(im, &alike);
    if (!a || !f) {
        import_complain(im, "num_hidden_layers", "has no layer with attention");
        return "";
    }
    name_others(im, &attention, &network);
    name_others(im, &network, &attention);
    set_bases(&attention, &a, 1);
    set_bases(&network, networks, 2);
    write_head(im);
    write_sizes(im);
    write_patterns(im, &attention, &network, moe != NULL);
    if (dense)
        write_pairs(im, "", dense);
    write_precision(im, f, alike);
    if (dense)
        write_formats(im, "", "dense_", dense->part, alike);
    write_base(im, a, "attention", alike);
    write_cache(im);
    if (moe)
        write_base(im, moe, "moe", alike);
    if (attention.n + network.n > 1 + (moe != NULL) + (dense != NULL))
        put(im, "", "blocks", "");
    write_own(im, &attention, &a, 1, alike);
    write_own(im, &network, networks, 2, alike);
    return im->yaml;
}

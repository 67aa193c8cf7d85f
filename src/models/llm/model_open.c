/* From keys to blocks and layers. A pattern names `attention`, `moe` and `dense` (the tables llm.attention, llm.moe
 * and llm itself), tables of llm.blocks, or `none`. A table of llm.blocks of the same kind as the model's own block
 * of its role begins with that block's keys. */
#include <stdio.h>
#include <string.h>

#include "models/llm/blocks/block.h"
#include "models/llm/pattern.h"

struct opening {
    struct cfg *cfg;
    const char *prefix;
    struct model *m;
    struct arena *arena;
    struct diag *diag;
    struct block **blocks; /* [n_blocks] */
    uint32_t n_blocks, most;
};

/* A table whose keys blocks are made of. */
struct keyed {
    const char *name, *table; /* in patterns; below the model */
    const char *kind, *kind_key, *decode;
    struct precision_cfg precision, shared;
    const struct cfg_more *keys;
    const struct keyed *base; /* whose keys hold where this one is silent; NULL: defaults */
};

static struct srcloc place(const struct opening *o, const char *key)
{
    struct srcloc where = cfg_where(o->cfg, arena_printf(o->arena, "%s%s", o->prefix, key));
    return where.file ? where : cfg_where(o->cfg, *o->prefix ? "llm" : "");
}

#define REPORT(o, key, ...) diag_error((o)->diag, EXIT_BAD_INPUT, place(o, key), __VA_ARGS__)

static const char *key_in(const struct opening *o, const char *table, const char *key)
{
    return *table ? arena_printf(o->arena, "%s.%s", table, key) : key;
}

/* --- tables -------------------------------------------------------------------------------------------------------- */

static struct keyed attention_table(const struct model *m)
{
    return (struct keyed){.name = "attention",
                          .table = "attention",
                          .kind = m->attention.kind,
                          .kind_key = "attention.kind",
                          .decode = m->attention.decode,
                          .precision = m->attention.precision,
                          .keys = m->attention.keys};
}

static struct keyed experts_table(const struct model *m)
{
    return (struct keyed){.name = "moe",
                          .table = "moe",
                          .kind = m->moe.kind,
                          .kind_key = "moe.kind",
                          .decode = "",
                          .precision = m->moe.precision,
                          .shared = m->moe.shared,
                          .keys = m->moe.keys};
}

static struct keyed dense_table(const struct model *m)
{
    return (struct keyed){.name = "dense",
                          .table = "",
                          .kind = m->dense_kind,
                          .kind_key = "dense_kind",
                          .decode = "",
                          .precision = m->dense_precision,
                          .keys = m->dense_keys};
}

static struct precision_cfg own_or(struct precision_cfg own, struct precision_cfg other)
{
    return own.weight_B > 0 || own.compute ? own : other;
}

static struct keyed own_table(const struct opening *o, const char *name, const struct block_cfg *b,
                              const struct keyed bases[3])
{
    const char *table = arena_printf(o->arena, "blocks.%s", name);
    struct keyed k = {.name = name,
                      .table = table,
                      .kind = b->kind,
                      .kind_key = key_in(o, table, "kind"),
                      .decode = b->decode,
                      .precision = b->precision,
                      .shared = b->shared,
                      .keys = b->keys};
    for (int i = 0; i < 3; i++)
        if (*k.kind ? !strcmp(k.kind, bases[i].kind) : i == 0)
            k.base = &bases[i];
    if (k.base && !*k.kind)
        k.kind = k.base->kind;
    if (k.base && !*k.decode)
        k.decode = k.base->decode;
    if (k.base) {
        k.precision = own_or(k.precision, k.base->precision);
        k.shared = own_or(k.shared, k.base->shared);
    }
    return k;
}

static void *dims_of(const struct opening *o, const struct keyed *k, const struct block_type *type)
{
    void *dims = arena_alloc(o->arena, type->keys->size);
    cfg_more_read(k->base ? k->base->keys : k->keys, type->keys, dims);
    if (k->base)
        cfg_more_lay(k->keys, type->keys, dims);
    if (type->settle)
        type->settle(dims);
    return dims;
}

/* --- blocks -------------------------------------------------------------------------------------------------------- */

static const char *role(bool attention)
{
    return attention ? "attention" : "network";
}

static const struct block_type *find_type(const struct opening *o, const char *name, const char *key, bool attention)
{
    const struct block_type *b = block_find(name);
    const char *names[64] = {0};
    uint32_t n = 0;
    if (b && !b->attention == !attention)
        return b;
    for (const struct block_type *const *all = block_all(); *all; all++)
        if (!(*all)->attention == !attention)
            names[n++] = (*all)->name;
    const char *near = cfg_nearest(name, names);
    REPORT(o, key, "there is no %s '%.40s'%s%s%s ('moesim list blocks')", role(attention), name,
           near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return NULL;
}

static bool check_fit(const struct opening *o, const struct block_type *type, const void *dims, const char *key)
{
    const char *misfit = type->misfit(o->m, dims);
    if (misfit)
        REPORT(o, key, "%s '%s': %s", role(type->attention), type->name, misfit);
    return !misfit;
}

static bool check_shared(const struct opening *o, const struct keyed *k, const struct block_type *type)
{
    bool given = k->shared.weight_B > 0 || k->shared.compute;
    if (!given || (type->network && type->network->experts))
        return true;
    REPORT(o, key_in(o, k->table, "shared_weight"),
           "shared_weight and shared_compute are of blocks with experts, not '%s'", type->name);
    return false;
}

static enum cfg_layer layer_of(const struct opening *o, const char *key)
{
    return cfg_layer_of(o->cfg, arena_printf(o->arena, "%s%s", o->prefix, key));
}

/* Decoding computes with what was cached. */
static bool same_cache(const struct opening *o, const struct block *b)
{
    const double positions = 1 << 20;
    const struct attention_ops *a = b->type->attention, *d = b->decode_type->attention;
    return a->cache_B(o->m, b->dims, 1) == d->cache_B(o->m, b->decode_dims, 1) &&
           a->cache_B(o->m, b->dims, positions) == d->cache_B(o->m, b->decode_dims, positions);
}

/* A kind that a layer above chose leaves the decoding below it behind. */
static bool refuse_decoding(const struct opening *o, const struct keyed *k, struct block *b, const char *key)
{
    if (layer_of(o, k->kind_key) > layer_of(o, key)) {
        diag_warning(o->diag, place(o, key), "'%s%s' changes nothing: '%s' keeps another cache than '%s'", o->prefix,
                     key, k->decode, k->kind);
        b->decode_type = b->type;
        b->decode_dims = b->dims;
        return true;
    }
    REPORT(o, key,
           "decoding as '%s' needs another cache than '%s' keeps; leave it out, or write a block of the same "
           "cache",
           k->decode, k->kind);
    return false;
}

/* What a block would do without its choice. */
static void add_dense(const struct opening *o, const struct keyed *k, struct block *b)
{
    b->dense_type = b->type->attention->dense ? block_find(b->type->attention->dense) : NULL;
    b->dense_dims = b->dense_type ? dims_of(o, k, b->dense_type) : NULL;
}

static bool add_decoding(const struct opening *o, const struct keyed *k, struct block *b)
{
    const char *key = key_in(o, k->table, "decode"), *misfit;
    b->decode_type = b->type;
    b->decode_dims = b->dims;
    if (!*k->decode || !strcmp(k->decode, k->kind))
        return true;
    if (!(b->decode_type = find_type(o, k->decode, key, true)))
        return false;
    b->decode_dims = dims_of(o, k, b->decode_type);
    misfit = b->decode_type->misfit(o->m, b->decode_dims);
    if (!misfit && same_cache(o, b))
        return true;
    if (misfit && layer_of(o, k->kind_key) <= layer_of(o, key))
        return check_fit(o, b->decode_type, b->decode_dims, key);
    return refuse_decoding(o, k, b, key);
}

/* NULL: reported. */
static struct block *add_block(struct opening *o, const struct keyed *k, bool attention)
{
    const struct block_type *type = find_type(o, k->kind, k->kind_key, attention);
    struct block *b = ARENA_NEW(o->arena, struct block);
    if (!type)
        return NULL;
    *b = (struct block){.name = k->name,
                        .table = k->table,
                        .type = type,
                        .dims = dims_of(o, k, type),
                        .precision = k->precision,
                        .shared = own_or(k->shared, k->precision)};
    if (!check_shared(o, k, type) || !check_fit(o, type, b->dims, k->kind_key) || (attention && !add_decoding(o, k, b)))
        return NULL;
    if (attention)
        add_dense(o, k, b);
    BUG_IF(o->n_blocks == o->most);
    return o->blocks[o->n_blocks++] = b;
}

static struct block *find_block(const struct opening *o, const char *name)
{
    for (uint32_t i = 0; i < o->n_blocks; i++)
        if (!strcmp(o->blocks[i]->name, name))
            return o->blocks[i];
    return NULL;
}

/* --- layers -------------------------------------------------------------------------------------------------------- */

struct tables {
    struct keyed base[3]; /* attention, moe, dense */
    struct keyed *own;    /* [n_own] */
    uint32_t n_own;
};

static const struct keyed *find_table(const struct tables *t, const char *name)
{
    for (int i = 0; i < 3; i++)
        if (!strcmp(t->base[i].name, name))
            return &t->base[i];
    for (uint32_t i = 0; i < t->n_own; i++)
        if (!strcmp(t->own[i].name, name))
            return &t->own[i];
    return NULL;
}

/* The names of all layers as blocks. */
static bool set_layers(struct opening *o, const struct tables *t, const char *const *names, bool attention)
{
    const char *key = attention ? "attention_pattern" : "network_pattern";
    for (uint32_t i = 0; i < o->m->layers; i++) {
        const struct keyed *k = find_table(t, names[i]);
        struct block *b = find_block(o, names[i]);
        if (!k && strcmp(names[i], "none")) {
            REPORT(o, key, "'%s' in a pattern is attention, moe, dense, none or one of llm.blocks", names[i]);
            return false;
        }
        if (b && !b->type->attention == attention) {
            REPORT(o, key, "'%s' is no %s", names[i], role(attention));
            return false;
        }
        if (k && !b && !(b = add_block(o, k, attention)))
            return false;
        *(attention ? &o->m->layer[i].attention : &o->m->layer[i].network) = b;
        if (b)
            b->layers++;
    }
    return true;
}

static bool read_pattern(const struct opening *o, const char *key, const char *text, const char **names)
{
    const char *why = pattern_read(text, (uint32_t)o->m->layers, names, o->arena);
    if (why)
        REPORT(o, key, "'%.60s': %s", text, why);
    return !why;
}

/* The model's keys say whether it has experts. */
static bool has_experts(const struct opening *o, const struct keyed *k)
{
    const struct block_type *type = find_type(o, k->kind, k->kind_key, false);
    struct expert_facts facts = {0};
    if (type && type->network->experts)
        type->network->experts(o->m, dims_of(o, k, type), &facts);
    return facts.routed > 0;
}

static bool default_networks(const struct opening *o, const struct tables *t, const char **names)
{
    bool experts = has_experts(o, &t->base[1]);
    if (o->m->dense_layers > o->m->layers) {
        REPORT(o, "dense_layers", "%lld dense layers of %lld layers", (long long)o->m->dense_layers,
               (long long)o->m->layers);
        return false;
    }
    for (uint32_t i = 0; i < o->m->layers; i++)
        names[i] = experts && i >= (uint64_t)o->m->dense_layers ? "moe" : "dense";
    return true;
}

static bool lay_networks(struct opening *o, const struct tables *t, const char **names)
{
    struct model *m = o->m;
    if (!*m->network_pattern)
        return default_networks(o, t, names);
    if (m->dense_layers) {
        REPORT(o, "dense_layers", "dense_layers changes nothing beside a network_pattern; leave it out");
        return false;
    }
    return read_pattern(o, "network_pattern", m->network_pattern, names);
}

static bool lay_layers(struct opening *o, const struct tables *t)
{
    struct model *m = o->m;
    const char **names = ARENA_ARRAY(o->arena, const char *, (size_t)m->layers);
    m->layer = ARENA_ARRAY(o->arena, struct model_layer, (size_t)m->layers);
    for (uint32_t i = 0; i < m->layers; i++)
        names[i] = "attention";
    if (*m->attention_pattern && !read_pattern(o, "attention_pattern", m->attention_pattern, names))
        return false;
    return set_layers(o, t, names, true) && lay_networks(o, t, names) && set_layers(o, t, names, false);
}

/* --- what follows -------------------------------------------------------------------------------------------------- */

static void classify(struct opening *o)
{
    struct model *m = o->m;
    m->class = ARENA_ARRAY(o->arena, struct layer_class, (size_t)m->layers);
    m->class_of = ARENA_ARRAY(o->arena, uint32_t, (size_t)m->layers);
    m->n_classes = 0;
    for (uint32_t i = 0; i < m->layers; i++) {
        uint32_t c = 0;
        while (c < m->n_classes && memcmp(&m->class[c].blocks, &m->layer[i], sizeof m->layer[i]) != 0)
            c++;
        if (c == m->n_classes)
            m->class[m->n_classes++].blocks = m->layer[i];
        m->class[c].n++;
        m->class_of[i] = c;
        if (m->layer[i].attention)
            m->mtp.attention = m->layer[i].attention;
        if (m->layer[i].network)
            m->mtp.network = m->layer[i].network;
    }
}

/* All layers' experts are counted; who routes tokens asks the first block that has them. */
static void find_experts(struct opening *o)
{
    struct model *m = o->m;
    m->routed = NULL;
    m->experts = (struct expert_facts){0};
    m->experts_alike = true;
    for (uint32_t i = 0; i < o->n_blocks; i++) {
        const struct block *b = o->blocks[i];
        struct expert_facts facts = {0};
        if (!b->type->network || !b->type->network->experts)
            continue;
        b->type->network->experts(m, b->dims, &facts);
        if (!m->routed)
            m->experts = facts;
        m->experts_alike &= !memcmp(&m->experts, &facts, sizeof facts);
        m->routed = m->routed ? m->routed : b;
    }
}

/* --- keys that nobody reads -------------------------------------------------------------------------------------- */

static const char *listed(const struct opening *o, const char *const *names, size_t n)
{
    const char *text = "";
    for (size_t i = 0; i < n; i++)
        text = arena_printf(o->arena, "%s%s'%s'", text, i == 0 ? "" : i + 1 < n ? ", " : " and ", names[i]);
    return text;
}

/* Types of blocks that were made of a table. */
static size_t readers_of(const struct opening *o, const struct tables *t, const struct keyed *k,
                         const struct block_type **types)
{
    size_t n = 0;
    for (uint32_t i = 0; i < o->n_blocks; i++) {
        const struct block *b = o->blocks[i];
        const struct keyed *of = find_table(t, b->name);
        if (of != k && of->base != k)
            continue;
        types[n++] = b->type;
        if (b->decode_type && b->decode_type != b->type)
            types[n++] = b->decode_type;
    }
    return n;
}

/* The highest layer that says which blocks are made of a table. */
static enum cfg_layer chosen_by(const struct opening *o, const struct keyed *k)
{
    const char *keys[] = {k->kind_key,         k->base ? k->base->kind_key : k->kind_key,
                          "attention_pattern", "network_pattern",
                          "dense_layers",      key_in(o, k->table, "decode")};
    enum cfg_layer most = CFG_BY_DEFAULT;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        most = layer_of(o, keys[i]) > most ? layer_of(o, keys[i]) : most;
    return most;
}

/* Keys of a layer below the choice rest; the others are mistakes. */
static void tell_unread(const struct opening *o, const struct keyed *k, const char *block, const char *const *given,
                        size_t n, bool rest)
{
    enum { MOST = 16 };
    const char *names[MOST], *it;
    size_t m = 0;
    for (size_t i = 0; i < n && m < MOST; i++)
        if ((layer_of(o, key_in(o, k->table, given[i])) < chosen_by(o, k)) == rest)
            names[m++] = given[i];
    if (!m)
        return;
    it = m > 1 ? "them" : "it";
    const char *key = key_in(o, k->table, names[0]);
    const char *why =
        block ? arena_printf(o->arena, "block '%s' does not read %s", block, it) : "no layer has this block";
    const char *what = arena_printf(o->arena, "%s of '%s%s' change%s nothing: %s", listed(o, names, m), o->prefix,
                                    *k->table ? k->table : "dense", m > 1 ? "" : "s", why);
    if (rest)
        diag_warning(o->diag, place(o, key), "%s", what);
    else
        REPORT(o, key, "%s; leave %s out, or set %s back to 0", what, it, it);
}

static void refuse_unread(const struct opening *o, const struct tables *t, const struct keyed *k)
{
    enum { MOST = 16 };
    const struct block_type **types = ARENA_ARRAY(o->arena, const struct block_type *, 2 * (size_t)o->n_blocks + 1);
    size_t n = readers_of(o, t, k, types);
    const struct cfg_table **read = ARENA_ARRAY(o->arena, const struct cfg_table *, n + 1);
    const char *given[MOST];
    for (size_t i = 0; i < n; i++)
        read[i] = types[i]->keys;
    size_t unread = cfg_more_take_out(k->keys, read, given, MOST);
    for (int rest = 0; rest < 2; rest++)
        tell_unread(o, k, n ? types[0]->name : NULL, given, unread < MOST ? unread : MOST, rest);
}

static void refuse_all_unread(const struct opening *o, const struct tables *t)
{
    for (int i = 0; i < 3; i++)
        refuse_unread(o, t, &t->base[i]);
    for (uint32_t i = 0; i < t->n_own; i++)
        if (find_block(o, t->own[i].name))
            refuse_unread(o, t, &t->own[i]);
        else
            REPORT(o, t->own[i].table, "no layer has block '%s'; name it in attention_pattern or network_pattern",
                   t->own[i].name);
}

int model_open(struct cfg *cfg, const char *prefix, struct model *m, struct arena *arena, struct diag *diag)
{
    struct opening o = {.cfg = cfg, .prefix = prefix, .m = m, .arena = arena, .diag = diag};
    struct tables t = {.base = {attention_table(m), experts_table(m), dense_table(m)}, .n_own = m->blocks.n};
    size_t before = diag_count(diag);
    o.most = m->blocks.n + 3;
    o.blocks = ARENA_ARRAY(arena, struct block *, o.most);
    t.own = ARENA_ARRAY(arena, struct keyed, t.n_own + 1);
    for (uint32_t i = 0; i < t.n_own; i++)
        t.own[i] = own_table(&o, m->blocks.names[i], m->blocks.items[i], t.base);
    if (!lay_layers(&o, &t))
        return -1;
    m->block = (const struct block *const *)o.blocks;
    m->n_blocks = o.n_blocks;
    classify(&o);
    if (diag_count(diag) == before)
        find_experts(&o);
    if (diag_count(diag) == before)
        refuse_all_unread(&o, &t);
    return diag_count(diag) == before ? 0 : -1;
}

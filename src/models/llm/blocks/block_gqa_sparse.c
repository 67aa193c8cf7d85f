/* Grouped heads over blocks of positions that an indexer chooses (MiniMax-M3): each head of the indexer, of which there
 * are as many as heads of keys and values, scores blocks by the best of their positions; its group attends to the
 * top blocks. One key of the indexer for all heads is cached beside keys and values. */
#include <math.h>

#include "models/llm/blocks/grouped.h"
#include "models/llm/blocks/indexer.h"

struct sparse_dims {
    struct grouped_dims g;
    struct index_dims i;
    int64_t block;
};

static const struct cfg_field fields[] = {
    GROUPED_ROWS(sparse_dims, g),
    INDEX_ROWS(sparse_dims, i),
    ROW_DIM(sparse_dims, "index_block", block, "128", "sparse attention: positions of an entry that is chosen"),
    {0}};
static const struct cfg_table keys = {"gqa_sparse", "grouped sparse attention", sizeof(struct sparse_dims), fields};

static const struct sparse_dims *of(const void *dims)
{
    return dims;
}

static const char *misfit(const struct model *m, const void *dims)
{
    const struct sparse_dims *d = of(dims);
    if (d->i.top_k < 1 || d->i.heads < 1 || d->i.dim < 1 || d->block < 1)
        return "it needs index_heads, index_dim, index_top_k and index_block";
    return attention_grouped_misfit(m, dims);
}

/* A query of each head, a key, their norms. */
static double index_params(const struct model *m, const struct sparse_dims *d)
{
    return (double)m->hidden * (double)((d->i.heads + 1) * d->i.dim) + 2 * (double)d->i.dim;
}

static void weigh(const struct model *m, const void *dims, struct block_weights *w)
{
    attention_grouped_weigh(m, dims, w);
    w->params += index_params(m, of(dims));
    w->active = w->params;
}

static int64_t heads(const void *dims)
{
    return of(dims)->g.heads;
}

static double rank_params(const struct model *m, const void *dims, uint32_t tp)
{
    return grouped_rank_params(m, dims, tp) + index_params(m, of(dims));
}

static double index_B(const void *dims)
{
    return index_entry_B(&of(dims)->i);
}

static double position_B(const struct model *m, const void *dims)
{
    return grouped_position_B(m, dims) + index_B(dims);
}

static double cache_B(const struct model *m, const void *dims, double positions)
{
    return positions * position_B(m, dims);
}

static double chosen(const struct sparse_dims *d, double positions)
{
    return fmin((double)(d->i.top_k * d->block), positions);
}

static double decode_flop(const void *dims, double positions)
{
    return grouped_score_flop(dims, chosen(of(dims), positions)) + index_flop(&of(dims)->i, positions);
}

static double read_B(const struct model *m, const void *dims, double positions)
{
    return chosen(of(dims), positions) * grouped_position_B(m, dims) + positions * index_B(dims);
}

static double train_flop(const void *dims, double sequence, bool causal)
{
    return decode_flop(dims, causal ? sequence / 2 : sequence);
}

static double live(const void *dims, bool prefill)
{
    return attention_grouped.live(dims, prefill);
}

static void project(struct layer_kernels *k, const void *dims)
{
    const struct sparse_dims *d = of(dims);
    double t = k->group_tokens, width = (double)((d->i.heads + 1) * d->i.dim);
    grouped_project(k, dims);
    layer_gemm(k, "index projection", t, width, k->hidden);
    layer_pass(k, "index rope, cast", KERNEL_QUANTISE, t * width * layer_bf16_B, t * width);
    layer_pass(k, "index cache write", KERNEL_COPY, t * (double)d->i.dim, t * index_entry_B(&d->i));
}

/* New queries, each over so many positions. */
static void core(struct layer_kernels *k, const void *dims, enum kernel_family family, double kv_len)
{
    struct kernel_call call = grouped_core(k, dims);
    call.family = family;
    call.kv_len = kv_len;
    layer_core(k, "sparse attention", call);
    grouped_project_output(k, dims);
}

static void decode_core(struct layer_kernels *k, const void *dims)
{
    double positions = layer_positions(k);
    index_choose(k, &of(dims)->i, positions);
    core(k, dims, KERNEL_ATTENTION_DECODE, chosen(of(dims), positions));
}

/* Queries beside each other choose much alike: the cache is read from memory once. */
static void prefill(struct layer_kernels *k, const void *dims)
{
    double mean = k->context + k->new_tokens / 2;
    if (layer_positions(k) <= (double)(of(dims)->i.top_k * of(dims)->block)) {
        attention_grouped.prefill(k, dims);
        return;
    }
    project(k, dims);
    index_choose(k, &of(dims)->i, mean);
    core(k, dims, KERNEL_ATTENTION_FORWARD, chosen(of(dims), mean));
}

static const struct attention_ops ops = {
    .heads = heads,
    .rank_params = rank_params,
    .cache_B = cache_B,
    .index_B = index_B,
    .read_B = read_B,
    .cache_parts = grouped_cache_parts,
    .decode_flop = decode_flop,
    .train_flop = train_flop,
    .live = live,
    .decode_before = project,
    .decode_core = decode_core,
    .prefill = prefill,
    .dense = "gqa",
};

const struct block_type block_gqa_sparse = {
    .name = "gqa_sparse",
    .doc = "grouped heads over blocks of positions that an indexer chooses, by roofline",
    .ref = "none",
    .example = "kv_heads=8, head_dim=128, index_heads=4, index_dim=128, index_top_k=16",
    .keys = &keys,
    .misfit = misfit,
    .weigh = weigh,
    .attention = &ops,
};

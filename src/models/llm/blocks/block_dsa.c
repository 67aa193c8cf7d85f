/* DeepSeek sparse attention (DeepSeek-V3.2, GLM-5): MLA whose queries attend to the index_top_k positions that an
 * indexer chooses, in the latent space. The indexer's queries are made of the latent ones, its keys and the weights of
 * its heads of the layer's input. A layer without an indexer of its own takes the choice of the one before (GLM-5.2).
 *
 * Up to index_top_k positions prefill is MLA's own. Left out: RoPE and the Hadamard transform of the indexer beyond
 * their bytes. */
#include <math.h>

#include "models/llm/blocks/indexer.h"
#include "models/llm/blocks/latent.h"

struct dsa_dims {
    struct latent_dims l;
    struct index_dims i;
    bool shared;
};

static const struct cfg_field fields[] = {
    LATENT_ROWS(dsa_dims, l),
    INDEX_ROWS(dsa_dims, i),
    ROW_FLAG(dsa_dims, "index_shared", shared, "false",
             "sparse attention: no indexer, the choice is that of the layer before"),
    {0}};
static const struct cfg_table keys = {"dsa", "DeepSeek sparse attention", sizeof(struct dsa_dims), fields};

static const struct dsa_dims *of(const void *dims)
{
    return dims;
}

static const char *misfit(const struct model *m, const void *dims)
{
    const struct dsa_dims *d = of(dims);
    if (d->i.top_k < 1 || (!d->shared && (d->i.heads < 1 || d->i.dim < 1)))
        return "it needs index_heads, index_dim and index_top_k";
    if (d->l.q_lora < 1)
        return "its indexer's queries are made of compressed ones: q_lora";
    return attention_latent_misfit(m, dims);
}

/* Queries; a key and its norm; a weight of each head. */
static double index_params(const struct model *m, const struct dsa_dims *d)
{
    double heads = (double)d->i.heads, dim = (double)d->i.dim;
    return d->shared ? 0 : (double)d->l.q_lora * heads * dim + (double)m->hidden * (dim + heads) + 2 * dim;
}

static void weigh(const struct model *m, const void *dims, struct block_weights *w)
{
    attention_latent_weigh(m, dims, w);
    w->params += index_params(m, of(dims));
    w->active = w->params;
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

static int64_t heads(const void *dims)
{
    return of(dims)->l.heads;
}

/* The indexer stands on every GPU. */
static double rank_params(const struct model *m, const void *dims, uint32_t tp)
{
    return latent_rank_params(m, dims, tp) + index_params(m, of(dims));
}

static double index_B(const void *dims)
{
    return of(dims)->shared ? 0 : index_entry_B(&of(dims)->i);
}

static double position_B(const struct model *m, const void *dims)
{
    return latent_position_B(m, dims) + index_B(dims);
}

static double cache_B(const struct model *m, const void *dims, double positions)
{
    return positions * position_B(m, dims);
}

static double cache_parts(const void *dims, uint32_t tp)
{
    (void)dims, (void)tp;
    return 1;
}

static double decode_flop(const void *dims, double positions)
{
    const struct dsa_dims *d = of(dims);
    return latent_score_flop(dims, index_chosen(&d->i, positions)) + (d->shared ? 0 : index_flop(&d->i, positions));
}

static double read_B(const struct model *m, const void *dims, double positions)
{
    return index_chosen(&of(dims)->i, positions) * latent_position_B(m, dims) + positions * index_B(dims);
}

static double train_flop(const void *dims, double sequence, bool causal)
{
    return decode_flop(dims, causal ? sequence / 2 : sequence);
}

static double live(const void *dims, bool prefill)
{
    return attention_latent_absorbed.live(dims, prefill);
}

/* --- inference ------------------------------------------------------------------------------------------------- */

static void project(struct layer_kernels *k, const void *dims)
{
    const struct dsa_dims *d = of(dims);
    double t = k->group_tokens, width = (double)(d->i.heads * d->i.dim), dim = (double)d->i.dim;
    latent_project(k, dims, d->shared ? 0 : dim + (double)d->i.heads);
    if (d->shared)
        return;
    layer_gemm(k, "index queries", t, width, (double)d->l.q_lora);
    layer_pass(k, "index rope, cast", KERNEL_QUANTISE, t * (width + dim) * layer_bf16_B, t * (width + dim));
    layer_pass(k, "index cache write", KERNEL_COPY, t * dim, t * index_entry_B(&d->i));
}

static void before(struct layer_kernels *k, const void *dims)
{
    project(k, dims);
    latent_absorb_queries(k, dims);
}

static void after(struct layer_kernels *k, const void *dims)
{
    latent_absorb_outputs(k, dims);
    latent_project_output(k, dims);
}

static void decode_core(struct layer_kernels *k, const void *dims)
{
    const struct dsa_dims *d = of(dims);
    double positions = layer_positions(k);
    if (!d->shared)
        index_choose(k, &d->i, positions);
    layer_core(k, "sparse MLA", latent_core(k, dims, k->sequences, k->new_tokens, index_chosen(&d->i, positions)));
    after(k, dims);
}

/* Each query reads entries of its own. Those near the beginning see fewer than it may choose. */
static void prefill(struct layer_kernels *k, const void *dims)
{
    const struct dsa_dims *d = of(dims);
    double mean = k->context + k->new_tokens / 2;
    if (layer_positions(k) <= (double)d->i.top_k) {
        attention_latent_absorbed.prefill(k, dims);
        return;
    }
    before(k, dims);
    if (!d->shared)
        index_choose(k, &d->i, mean);
    layer_core(k, "sparse MLA", latent_core(k, dims, k->sequences * k->new_tokens, 1, index_chosen(&d->i, mean)));
    after(k, dims);
}

static const struct attention_ops ops = {
    .heads = heads,
    .rank_params = rank_params,
    .cache_B = cache_B,
    .index_B = index_B,
    .read_B = read_B,
    .cache_parts = cache_parts,
    .decode_flop = decode_flop,
    .train_flop = train_flop,
    .live = live,
    .decode_before = before,
    .decode_core = decode_core,
    .prefill = prefill,
    .dense = "mla_absorbed",
};

const struct block_type block_dsa = {
    .name = "dsa",
    .doc = "DeepSeek sparse attention: MLA over the positions that an indexer chooses",
    .ref = "none",
    .example = "index_heads=64, index_dim=128, index_top_k=2048",
    .keys = &keys,
    .misfit = misfit,
    .weigh = weigh,
    .attention = &ops,
};

/* Compressed attention of DeepSeek-V4: heads share one key that is also their value. They see the last `window`
 * positions, and of all before one entry for each `compress` positions, a gated sum of theirs. Where entries are many
 * (compress 4, with overlapping windows, hence projections twice as wide) an indexer chooses index_top_k of them;
 * without an indexer all are attended to (compress 128). compress 0: the window alone. Queries are of low rank, outputs
 * are projected in groups to output_lora numbers each, then together.
 *
 * Left out: positions that wait to be compressed, conjugate rotation of outputs. */
#include <math.h>

#include "models/llm/blocks/indexer.h"

struct csa_dims {
    struct index_dims i;
    int64_t heads, head_dim, rope_dim, q_lora, output_groups, output_lora, window, compress;
};

static const struct cfg_field fields[] = {
    ATTENTION_HEADS(csa_dims, heads),
    ROW_DIM(csa_dims, "head_dim", head_dim, "0", "dimension of a head"),
    ROW_DIM(csa_dims, "rope_dim", rope_dim, "0", "MLA: dimension of a key with position"),
    ROW_DIM(csa_dims, "q_lora", q_lora, "0", "MLA: rank of compressed queries, 0 = not compressed"),
    ROW_DIM(csa_dims, "output_groups", output_groups, "1",
            "compressed attention: groups of heads in the output projection"),
    ROW_DIM(csa_dims, "output_lora", output_lora, "0", "compressed attention: rank of a group's output"),
    ATTENTION_WINDOW(csa_dims, window),
    ROW_DIM(csa_dims, "compress", compress, "0", "compressed attention: positions of an entry; 0 = the window alone"),
    INDEX_ROWS(csa_dims, i),
    {0}};
static const struct cfg_table keys = {"csa", "compressed attention", sizeof(struct csa_dims), fields};

static const struct csa_dims *of(const void *dims)
{
    return dims;
}

static bool indexed(const struct csa_dims *d)
{
    return d->compress > 0 && d->i.heads > 0;
}

static const char *misfit(const struct model *m, const void *dims)
{
    const struct csa_dims *d = of(dims);
    (void)m;
    if (d->heads < 1 || d->head_dim < 1 || d->q_lora < 1 || d->output_groups < 1 || d->output_lora < 1 || d->window < 1)
        return "it needs heads, head_dim, q_lora, output_groups, output_lora and window";
    if (d->heads % d->output_groups)
        return "output_groups must divide heads";
    if (indexed(d) && (d->i.dim < 1 || d->i.top_k < 1))
        return "an indexer needs index_dim and index_top_k";
    return NULL;
}

/* --- parameters --------------------------------------------------------------------------------------------------- */

/* Entries and their gates; two series where windows overlap. */
static double compressor_columns(const struct csa_dims *d, double dim)
{
    return d->compress > 0 ? 2 * (indexed(d) ? 2 : 1) * dim : 0;
}

static double index_columns(const struct csa_dims *d)
{
    return indexed(d) ? compressor_columns(d, (double)d->i.dim) + (double)d->i.heads : 0;
}

static double queries(const struct csa_dims *d)
{
    return (double)(d->heads * d->head_dim);
}

static double low_outputs(const struct csa_dims *d)
{
    return (double)(d->output_groups * d->output_lora);
}

/* Of the layer's input, on every GPU: latent queries, the key, what compresses, what indexes. */
static double input_columns(const struct csa_dims *d)
{
    return (double)(d->q_lora + d->head_dim) + compressor_columns(d, (double)d->head_dim) + index_columns(d);
}

static double index_queries(const struct csa_dims *d)
{
    return indexed(d) ? (double)(d->i.heads * d->i.dim) : 0;
}

static double small_numbers(const struct csa_dims *d)
{
    double positions =
        (double)d->compress / 2 *
        (compressor_columns(d, (double)d->head_dim) + (indexed(d) ? compressor_columns(d, (double)d->i.dim) : 0));
    return (double)(d->q_lora + 2 * d->head_dim + d->heads) + positions;
}

static double whole(const struct model *m, const struct csa_dims *d)
{
    return (double)m->hidden * input_columns(d) + (double)d->q_lora * index_queries(d) + small_numbers(d);
}

static double divided(const struct model *m, const struct csa_dims *d)
{
    return (double)d->q_lora * queries(d) + queries(d) * (double)d->output_lora + low_outputs(d) * (double)m->hidden;
}

static void weigh(const struct model *m, const void *dims, struct block_weights *w)
{
    w->params = w->active = whole(m, of(dims)) + divided(m, of(dims));
    w->other = small_numbers(of(dims));
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

static int64_t heads(const void *dims)
{
    return of(dims)->heads;
}

static double rank_params(const struct model *m, const void *dims, uint32_t tp)
{
    return whole(m, of(dims)) + divided(m, of(dims)) / tp;
}

static double entries(const struct csa_dims *d, double positions)
{
    return d->compress > 0 ? positions / (double)d->compress : 0;
}

static double entry_B(const struct model *m, const struct csa_dims *d)
{
    return attention_cached_B(m, (double)d->head_dim);
}

static double index_B(const void *dims)
{
    return indexed(of(dims)) ? entries(of(dims), 1) * index_entry_B(&of(dims)->i) : 0;
}

static double position_B(const struct model *m, const void *dims)
{
    return entry_B(m, of(dims)) * (1 + entries(of(dims), 1)) + index_B(dims);
}

static double cache_B(const struct model *m, const void *dims, double positions)
{
    const struct csa_dims *d = of(dims);
    double kept = window_positions(d->window, positions) + entries(d, positions);
    return kept * entry_B(m, d) + positions * index_B(dims);
}

static double cache_parts(const void *dims, uint32_t tp)
{
    (void)dims, (void)tp;
    return 1;
}

static double attended(const struct csa_dims *d, double positions)
{
    double far = entries(d, positions);
    return window_positions(d->window, positions) + (indexed(d) ? index_chosen(&d->i, far) : far);
}

static double decode_flop(const void *dims, double positions)
{
    const struct csa_dims *d = of(dims);
    double index = indexed(d) ? index_flop(&d->i, entries(d, positions)) : 0;
    return 4 * queries(d) * attended(d, positions) + index;
}

static double read_B(const struct model *m, const void *dims, double positions)
{
    return attended(of(dims), positions) * entry_B(m, of(dims)) + positions * index_B(dims);
}

static double train_flop(const void *dims, double sequence, bool causal)
{
    return decode_flop(dims, causal ? sequence / 2 : sequence);
}

/* Queries and outputs. */
static double live(const void *dims, bool prefill)
{
    (void)prefill;
    return 2 * queries(of(dims));
}

/* --- inference ------------------------------------------------------------------------------------------------- */

static void project(struct layer_kernels *k, const void *dims)
{
    const struct csa_dims *d = of(dims);
    double t = k->group_tokens, q = queries(d) / k->tp, width = index_queries(d);
    double rope = t * (double)((d->heads / k->tp + 1) * d->rope_dim) * layer_bf16_B;
    layer_gemm(k, "input projections", t, input_columns(d), k->hidden);
    layer_pass(k, "norm of latents", KERNEL_NORM, t * (double)(d->q_lora + d->head_dim) * layer_bf16_B,
               t * (double)d->head_dim * layer_bf16_B + layer_operand_B(k, t * (double)d->q_lora));
    layer_gemm(k, "q_b projection", t, q + width, (double)d->q_lora);
    layer_pass(k, "rope", KERNEL_ROPE, rope, rope);
    if (d->compress > 0)
        layer_pass(k, "compression", KERNEL_ELEMENTWISE,
                   t * (compressor_columns(d, (double)d->head_dim) + index_columns(d)) * layer_bf16_B,
                   t * entries(d, 1) * (double)(d->head_dim + d->i.dim) * layer_bf16_B);
    layer_pass(k, "KV cache write", KERNEL_COPY, t * (double)d->head_dim * layer_bf16_B,
               t * position_B(k->model, dims));
}

static void project_output(struct layer_kernels *k, const void *dims)
{
    const struct csa_dims *d = of(dims);
    double t = k->group_tokens, groups = (double)d->output_groups / k->tp;
    layer_quantise(k, "cast of outputs", t * queries(d) / k->tp);
    layer_kernel(k, "output projection of groups",
                 (struct kernel_call){.family = KERNEL_GEMM,
                                      .dtype = k->dtype,
                                      .m = t,
                                      .n = (double)d->output_lora,
                                      .k = queries(d) / (double)d->output_groups,
                                      .groups = (uint32_t)fmax(1, groups)});
    layer_gemm(k, "output projection", t, k->hidden, low_outputs(d) / k->tp);
}

static void core(struct layer_kernels *k, const void *dims, enum kernel_family family, double positions)
{
    const struct csa_dims *d = of(dims);
    if (indexed(d))
        index_choose(k, &d->i, entries(d, positions));
    layer_core(k, "compressed attention",
               (struct kernel_call){.family = family,
                                    .dtype = KERNEL_BF16,
                                    .batch = k->sequences,
                                    .q_len = k->new_tokens,
                                    .kv_len = attended(d, positions),
                                    .heads = (double)d->heads / k->tp,
                                    .kv_heads = 1,
                                    .qk_dim = (double)d->head_dim,
                                    .v_dim = (double)d->head_dim,
                                    .kv_token_B = entry_B(k->model, d)});
    project_output(k, dims);
}

static void decode_core(struct layer_kernels *k, const void *dims)
{
    core(k, dims, KERNEL_ATTENTION_DECODE, layer_positions(k));
}

/* Queries beside each other choose much alike: the cache is read from memory once. */
static void prefill(struct layer_kernels *k, const void *dims)
{
    project(k, dims);
    core(k, dims, KERNEL_ATTENTION_FORWARD, k->context + k->new_tokens / 2);
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
    .decode_before = project,
    .decode_core = decode_core,
    .prefill = prefill,
};

const struct block_type block_csa = {
    .name = "csa",
    .doc =
        "compressed attention: a window, and entries of many positions, all or those an indexer chooses; by roofline",
    .ref = "none",
    .example = "head_dim=512, window=128, compress=4, output_groups=16, output_lora=1024, index_heads=64, "
               "index_dim=128, index_top_k=512",
    .keys = &keys,
    .misfit = misfit,
    .weigh = weigh,
    .attention = &ops,
};

/* A matrix in place of attention: what searches of architectures leave of a layer (Llama-3.1-Nemotron-51B). No position
 * sees another; nothing is cached. */
#include "models/llm/blocks/attention.h"

struct map_dims {
    bool bias;
};

static const struct cfg_field fields[] = {
    ROW_FLAG(map_dims, "map_bias", bias, "false", "a matrix in place of attention has a bias"), {0}};
static const struct cfg_table keys = {"linear_map", "a matrix in place of attention", sizeof(struct map_dims), fields};

static const char *misfit(const struct model *m, const void *dims)
{
    (void)m, (void)dims;
    return NULL;
}

static void weigh(const struct model *m, const void *dims, struct block_weights *w)
{
    double d = (double)m->hidden;
    w->other = ((const struct map_dims *)dims)->bias ? d : 0;
    w->params = w->active = d * d + w->other;
}

/* Any number divides what has no heads. */
static int64_t heads(const void *dims)
{
    (void)dims;
    return 0;
}

static double rank_params(const struct model *m, const void *dims, uint32_t tp)
{
    struct block_weights w = {0};
    weigh(m, dims, &w);
    return w.params / tp;
}

static double cache_B(const struct model *m, const void *dims, double positions)
{
    (void)m, (void)dims, (void)positions;
    return 0;
}

static double cache_parts(const void *dims, uint32_t tp)
{
    (void)dims;
    return tp;
}

static double decode_flop(const void *dims, double positions)
{
    (void)dims, (void)positions;
    return 0;
}

static double train_flop(const void *dims, double sequence, bool causal)
{
    (void)dims, (void)sequence, (void)causal;
    return 0;
}

static double live(const void *dims, bool prefill)
{
    (void)dims, (void)prefill;
    return 0;
}

static void nothing(struct layer_kernels *k, const void *dims)
{
    (void)k, (void)dims;
}

static void map(struct layer_kernels *k, const void *dims)
{
    (void)dims;
    layer_gemm(k, "matrix", k->group_tokens, k->hidden / k->tp, k->hidden);
}

static const struct attention_ops ops = {
    .heads = heads,
    .rank_params = rank_params,
    .cache_B = cache_B,
    .cache_parts = cache_parts,
    .decode_flop = decode_flop,
    .train_flop = train_flop,
    .live = live,
    .decode_before = nothing,
    .decode_core = map,
    .prefill = map,
};

const struct block_type block_linear_map = {
    .name = "linear_map",
    .doc = "a matrix in place of attention",
    .ref = "none",
    .example = "",
    .keys = &keys,
    .misfit = misfit,
    .weigh = weigh,
    .attention = &ops,
};

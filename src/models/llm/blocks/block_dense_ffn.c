/* Dense network: SwiGLU with gate, up and down projections, or two matrices. */
#include "models/llm/blocks/network.h"

struct dense_dims {
    int64_t width;
    bool gated, bias;
};

static const struct cfg_field fields[] = {
    ROW_DIM(dense_dims, "dense_ffn", width, "0", "width of dense networks"),
    ROW_FLAG(dense_dims, "dense_gated", gated, "true", "dense networks are SwiGLU; false: two matrices"),
    ROW_FLAG(dense_dims, "dense_bias", bias, "false", "dense networks have biases"),
    {0}};
static const struct cfg_table keys = {"dense_ffn", "dense networks", sizeof(struct dense_dims), fields};

static double width_of(const void *dims)
{
    return (double)((const struct dense_dims *)dims)->width;
}

static const char *misfit(const struct model *m, const void *dims)
{
    (void)m;
    return width_of(dims) > 0 ? NULL : "dense layers need dense_ffn, the width of their networks";
}

static void weigh(const struct model *m, const void *dims, struct block_weights *w)
{
    const struct dense_dims *n = dims;
    double d = (double)m->hidden;
    w->other = network_biases(d, width_of(dims), n->gated, n->bias);
    w->params = w->active = network_params(d, width_of(dims), n->gated, n->bias);
}

static int64_t divided(const void *dims)
{
    return ((const struct dense_dims *)dims)->width;
}

/* What came, gate and up, their product, what goes back. */
static double row_B(const struct model *m, const void *dims, uint32_t tp)
{
    double d = (double)m->hidden;
    return 2 * d + 3 * 2 * width_of(dims) / tp + 2 * d;
}

static struct network_kept kept(const struct model *m, const void *dims)
{
    (void)m;
    return (struct network_kept){.width = width_of(dims)};
}

static void own(struct layer_kernels *k, const void *dims)
{
    double tp = k->network_tp;
    network_layer(k, k->tokens * tp, width_of(dims) / tp, ((const struct dense_dims *)dims)->gated, true);
}

static bool trainable(const void *dims)
{
    return ((const struct dense_dims *)dims)->gated;
}

static void forward(struct kernel_writer *w, const void *dims)
{
    network_write_forward(w, width_of(dims));
    write_cast(w, w->tokens, 2 * width_of(dims)); /* what SwiGLU is computed from again */
    write_scatter(w, w->hidden);
}

static void input(struct kernel_writer *w, const void *dims)
{
    if (w->recipe->again & AGAIN_MLP) {
        network_write_forward(w, width_of(dims));
        w->tokens = w->own_tokens;
    }
    network_write_input(w, width_of(dims));
}

static void weight(struct kernel_writer *w, const void *dims)
{
    network_write_weight(w, width_of(dims));
}

static const struct network_ops ops = {.divided = divided,
                                       .trainable = trainable,
                                       .own = own,
                                       .row_B = row_B,
                                       .forward = forward,
                                       .input = input,
                                       .weight = weight,
                                       .kept = kept};

const struct block_type block_dense_ffn = {
    .name = "dense_ffn",
    .doc = "dense network: SwiGLU, or two matrices",
    .ref = "2.2",
    .example = "dense_ffn=18432",
    .keys = &keys,
    .misfit = misfit,
    .weigh = weigh,
    .network = &ops,
};

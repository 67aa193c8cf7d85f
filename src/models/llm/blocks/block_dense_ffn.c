/* Dense SwiGLU network: gate, up and down projections. */
#include "models/llm/blocks/network.h"

static double width_of(const void *dims)
{
    return (double)((const struct model *)dims)->dense_ffn;
}

static const char *misfit(const struct model *m, const void *dims)
{
    (void)m;
    return width_of(dims) > 0 ? NULL : "dense layers need dense_ffn, the width of their networks";
}

static void weigh(const struct model *m, const void *dims, struct block_weights *w)
{
    w->params = w->active = 3.0 * (double)m->hidden * width_of(dims);
}

static void own(struct layer_kernels *k, const void *dims)
{
    double tp = k->network_tp;
    network_layer(k, k->tokens * tp, width_of(dims) / tp, true);
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

static const struct network_ops ops = {.own = own, .forward = forward, .input = input, .weight = weight};

const struct block_type block_dense_ffn = {
    .name = "dense_ffn",
    .doc = "dense SwiGLU network",
    .ref = "2.2",
    .misfit = misfit,
    .weigh = weigh,
    .network = &ops,
};

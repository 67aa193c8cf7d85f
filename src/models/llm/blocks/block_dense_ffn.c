/* Dense SwiGLU network: gate, up and down projections. */
#include "models/llm/blocks/block.h"

static const char *misfit(const struct model *m)
{
    return m->dense_ffn > 0 ? NULL : "dense layers need dense_ffn, the width of their networks";
}

static void weigh(const struct model *m, struct block_weights *w)
{
    w->params = w->active = 3.0 * (double)m->hidden * (double)m->dense_ffn;
}

const struct block_type block_dense_ffn = {
    .name = "dense_ffn",
    .doc = "dense SwiGLU network",
    .ref = "2.2",
    .misfit = misfit,
    .weigh = weigh,
};

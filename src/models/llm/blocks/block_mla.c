/* Multi-head latent attention as training and prefill compute it. */
#include "models/llm/blocks/attention.h"

static void weigh(const struct model *m, struct block_weights *w)
{
    const struct attention_dims *a = &m->attention;
    attention_mla_weigh(m, w);
    w->score_width = (double)(a->heads * (a->nope_dim + a->rope_dim + a->v_dim));
}

const struct block_type block_mla = {
    .name = "mla",
    .doc = "multi-head latent attention, keys and values expanded from the latent vector",
    .ref = "2.1.2",
    .attention = true,
    .misfit = attention_mla_misfit,
    .weigh = weigh,
};

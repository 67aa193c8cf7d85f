/* Multi-head latent attention as decoding computes it: the up-projections of keys and values are absorbed into
 * queries and outputs, whose heads then work on the latent vector itself (FlashMLA). */
#include "models/llm/blocks/attention.h"

static void weigh(const struct model *m, struct block_weights *w)
{
    const struct attention_dims *a = &m->attention;
    attention_mla_weigh(m, w);
    w->score_width = (double)(a->heads * (a->kv_lora + a->rope_dim + a->kv_lora));
}

const struct block_type block_mla_absorbed = {
    .name = "mla_absorbed",
    .doc = "MLA whose queries and outputs live in the latent space: heads share the cache",
    .ref = "2.1.2",
    .attention = true,
    .misfit = attention_mla_misfit,
    .weigh = weigh,
};

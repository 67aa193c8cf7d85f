/* Multi-head latent attention as decoding computes it: the up-projections of keys and values are absorbed into
 * queries and outputs, whose heads then work on the latent vector itself (FlashMLA). */
#include "models/llm/blocks/latent.h"

const struct block_type block_mla_absorbed = {
    .name = "mla_absorbed",
    .doc = "MLA whose queries and outputs live in the latent space: heads share the cache",
    .ref = "2.1.2",
    .example = "",
    .keys = &latent_keys,
    .misfit = attention_latent_misfit,
    .weigh = attention_latent_weigh,
    .attention = &attention_latent_absorbed,
};

/* Multi-head latent attention whose keys and values are expanded wherever they are read. */
#include "models/llm/blocks/latent.h"

const struct block_type block_mla = {
    .name = "mla",
    .doc = "multi-head latent attention, keys and values expanded from the latent vector",
    .ref = "2.1.2",
    .example = "",
    .keys = &latent_keys,
    .misfit = attention_latent_misfit,
    .weigh = attention_latent_weigh,
    .attention = &attention_latent_expanded,
};

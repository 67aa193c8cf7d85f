/* Multi-head attention: the grouped one in which nobody shares. */
#include "models/llm/blocks/grouped.h"

static const char *misfit(const struct model *m, const void *dims)
{
    const struct grouped_dims *a = dims;
    if (a->kv_heads != a->heads)
        return "it has as many kv_heads as heads; fewer are gqa";
    return attention_grouped_misfit(m, dims);
}

const struct block_type block_mha = {
    .name = "mha",
    .doc = "multi-head attention: a key and a value for each head",
    .ref = "2.1.2",
    .example = "kv_heads=128, head_dim=128",
    .keys = &grouped_keys,
    .misfit = misfit,
    .weigh = attention_grouped_weigh,
    .attention = &attention_grouped,
};

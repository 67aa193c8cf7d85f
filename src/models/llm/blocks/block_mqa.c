/* Multi-query attention (Shazeer 2019): the grouped one in which all share. */
#include "models/llm/blocks/grouped.h"

static const char *misfit(const struct model *m, const void *dims)
{
    const struct grouped_dims *a = dims;
    return a->kv_heads == 1 ? attention_grouped_misfit(m, dims) : "it has kv_heads: 1";
}

const struct block_type block_mqa = {
    .name = "mqa",
    .doc = "multi-query attention: all heads share one key and value",
    .ref = "2.1.2",
    .example = "kv_heads=1, head_dim=128",
    .keys = &grouped_keys,
    .misfit = misfit,
    .weigh = attention_grouped_weigh,
    .attention = &attention_grouped,
};

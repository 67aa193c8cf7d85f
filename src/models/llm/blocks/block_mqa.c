/* Multi-query attention (Shazeer 2019): the grouped one in which all share. */
#include "models/llm/blocks/attention.h"

static const char *misfit(const struct model *m, const void *dims)
{
    const struct attention_dims *a = dims;
    return a->kv_heads == 1 ? attention_grouped_misfit(m, dims) : "mqa has attention.kv_heads: 1";
}

const struct block_type block_mqa = {
    .name = "mqa",
    .doc = "multi-query attention: all heads share one key and value",
    .ref = "2.1.2",
    .misfit = misfit,
    .weigh = attention_grouped_weigh,
    .attention = &attention_grouped,
};

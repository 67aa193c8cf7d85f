/* Multi-head attention: the grouped one in which nobody shares. */
#include "models/llm/blocks/attention.h"

static const char *misfit(const struct model *m)
{
    if (m->attention.kv_heads != m->attention.heads)
        return "mha has as many attention.kv_heads as heads; fewer are gqa";
    return attention_grouped_misfit(m);
}

const struct block_type block_mha = {
    .name = "mha",
    .doc = "multi-head attention: a key and a value for each head",
    .ref = "2.1.2",
    .attention = true,
    .misfit = misfit,
    .weigh = attention_grouped_weigh,
};

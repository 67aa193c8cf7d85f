/* Grouped-query attention (Ainslie et al. 2023). */
#include "models/llm/blocks/grouped.h"

const struct block_type block_gqa = {
    .name = "gqa",
    .doc = "grouped-query attention: heads share kv_heads keys and values",
    .ref = "2.1.2",
    .example = "kv_heads=8, head_dim=128",
    .keys = &grouped_keys,
    .misfit = attention_grouped_misfit,
    .weigh = attention_grouped_weigh,
    .attention = &attention_grouped,
};

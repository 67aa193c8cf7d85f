/* DeepSeekMoE: shared experts that every token uses, routed ones of which the router chooses top_k among the
 * best top_groups groups. */
#include "models/llm/blocks/experts.h"

static const struct cfg_field fields[] = {EXPERTS_ROWS, {0}};
static const struct cfg_table keys = {"moe", "experts", sizeof(struct moe_dims), fields};

const struct block_type block_moe = {
    .name = "moe",
    .doc = "DeepSeekMoE: shared and routed experts, group-limited top-k",
    .ref = "2.2",
    .example = "",
    .keys = &keys,
    .misfit = experts_misfit,
    .weigh = experts_weigh,
    .network = &experts_ops,
};

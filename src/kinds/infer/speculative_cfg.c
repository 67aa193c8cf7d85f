#include "kinds/infer/speculative_cfg.h"

#include "base/cfg_rows.h"

static const struct cfg_field speculative_fields[] = {
    ROW_TEXT(speculative_cfg, "extra_tokens", extra_tokens, "1", "tokens predicted in a step"),
    ROW_TEXT(speculative_cfg, "acceptance", acceptance, "80 %, 85 %, 90 %",
             "probability that a predicted token is right when those before it are (paper 2.3.3: 80 to 90 %)"),
    ROW_TEXT(speculative_cfg, "batch", batch, "16, 64", "sequences of a GPU"),
    ROW_TEXT(speculative_cfg, "context", context, "4096", "positions in the cache of a sequence"),
    ROW_COUNT(speculative_cfg, "users", users, "200", 2, 1e6, "sequences that are sampled"),
    ROW_COUNT(speculative_cfg, "steps", steps, "500", 1, 1e6, "steps of each of them"),
    {0}};
static const struct cfg_table speculative_table = {"speculative", "Speculative decoding with MTP modules",
                                                   sizeof(struct speculative_cfg), speculative_fields};
const struct kind_keys speculative_keys = {"speculative", &speculative_table,
                                           "kind speculative: tokens predicted, acceptance, batches"};

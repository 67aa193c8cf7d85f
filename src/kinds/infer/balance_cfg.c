#include "kinds/infer/balance_cfg.h"

#include "base/cfg_rows.h"

static const struct cfg_field fields[] = {
    ROW_COUNT(balance_cfg, "tokens", tokens, "128", 1, 1e6, "tokens that each GPU routes in the sampled layers"),
    ROW_COUNT(balance_cfg, "sampled_layers", sampled_layers, "4", 0, 10000,
              "MoE layers whose tokens are routed one by one, beside the expectation of all layers"),
    ROW_COUNT(balance_cfg, "show_layer", show_layer, "-1", -1, 10000,
              "MoE layer, from 0, whose placement is printed GPU by GPU; -1 = none"),
    {0}};
static const struct cfg_table balance_table = {"expert_balance", "Load of GPUs and nodes before and after balancing",
                                               sizeof(struct balance_cfg), fields};
const struct kind_keys balance_keys = {"expert_balance", &balance_table,
                                       "kind expert_balance: load of GPUs before and after balancing"};

#include "kinds/infer/tpot_cfg.h"

#include "base/cfg_rows.h"

static const char *const rounding_names[] = {"paper", "exact", NULL};

static const struct cfg_field tpot_fields[] = {
    ROW_COUNT(tpot_cfg, "tokens", tokens, "32", 1, 65536, "tokens of each GPU per micro-batch"),
    ROW_COUNT(tpot_cfg, "copies", copies, "9", 1, 64, "experts that a token goes to: 8 routed and 1 shared"),
    ROW_COUNT(tpot_cfg, "hidden", hidden, "7168", 1, 1 << 20, "hidden size"),
    ROW_COUNT(tpot_cfg, "layers", layers, "61", 1, 10000, "layers with experts, as the paper counts all"),
    ROW_CHOICE(tpot_cfg, "hidden_rounding", hidden_rounding, "paper", rounding_names,
               "paper: the bound takes hidden in whole thousands (7K); exact: as it is"),
    ROW_FLAG(tpot_cfg, "bridge", bridge, "true",
             "simulate what lies between the bound and the machine; false: the bound alone, in no time"),
    ROW_FLAG(tpot_cfg, "computation", computation, "true",
             "with a model: the table goes on to whole decoding steps, with more and more of what GPUs compute",
             .needs = ".bridge=true"),
    {0}};

static const struct cfg_table tpot_table = {"tpot", "The bound of decoding speed", sizeof(struct tpot_cfg),
                                            tpot_fields};
const struct kind_keys tpot_keys = {"tpot", &tpot_table, "kind tpot_bound: how fast a token can be generated"};

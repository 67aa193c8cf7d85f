#include "kinds/infer/tpot_cfg.h"

#define COUNT(key, member, preset, high, text) \
    { \
        .name = key, .type = CFG_INT, .offset = offsetof(struct tpot_cfg, member), .dflt = preset, .min = 1, \
        .max = (high), .doc = text \
    }

static const char *const rounding_names[] = {"paper", "exact", NULL};

static const struct cfg_field tpot_fields[] = {
    COUNT("tokens", tokens, "32", 65536, "tokens of each GPU per micro-batch"),
    COUNT("copies", copies, "9", 64, "experts that a token goes to: 8 routed and 1 shared"),
    COUNT("hidden", hidden, "7168", 1 << 20, "hidden size"),
    COUNT("layers", layers, "61", 10000, "layers with experts, as the paper counts all"),
    {.name = "hidden_rounding",
     .type = CFG_ENUM,
     .offset = offsetof(struct tpot_cfg, hidden_rounding),
     .dflt = "paper",
     .choices = rounding_names,
     .doc = "paper: the bound takes hidden in whole thousands (7K); exact: as it is"},
    {.name = "bridge",
     .type = CFG_BOOL,
     .offset = offsetof(struct tpot_cfg, bridge),
     .dflt = "true",
     .doc = "simulate what lies between the bound and the machine; false: the bound alone, in no time"},
    {.name = "computation",
     .type = CFG_BOOL,
     .offset = offsetof(struct tpot_cfg, computation),
     .dflt = "true",
     .doc = "with a model: the table goes on to whole decoding steps, with more and more of what GPUs compute"},
    {0}};

static const struct cfg_table tpot_table = {"tpot", "The bound of decoding speed", sizeof(struct tpot_cfg),
                                            tpot_fields};
const struct kind_keys tpot_keys = {"tpot", &tpot_table, "kind tpot_bound: how fast a token can be generated"};

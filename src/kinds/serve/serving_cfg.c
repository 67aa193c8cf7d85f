#include "kinds/serve/serving_cfg.h"

#define TEXT(table, key, member, preset, text) \
    { \
        .name = key, .type = CFG_STRING, .offset = offsetof(struct table, member), .dflt = preset, .doc = text \
    }
#define COUNT(table, key, member, preset, low, high, text) \
    { \
        .name = key, .type = CFG_INT, .offset = offsetof(struct table, member), .dflt = preset, .min = (low), \
        .max = (high), .doc = text \
    }
#define AMOUNT(key, member, dimension, preset, low, high, text) \
    { \
        .name = key, .type = CFG_QUANTITY, .dim = dimension, .offset = offsetof(struct serving_cfg, member), \
        .dflt = preset, .min = (low), .max = (high), .doc = text \
    }
#define FLAG(key, member, preset, text) \
    { \
        .name = key, .type = CFG_BOOL, .offset = offsetof(struct serving_cfg, member), .dflt = preset, .doc = text \
    }

static const struct cfg_field grid_fields[] = {
    TEXT(serving_grid, "batch", batch, "16, 64, 128", "sequences of a GPU; even numbers with two micro-batches"),
    TEXT(serving_grid, "context", context, "1024, 8192", "positions in the cache of a sequence"),
    TEXT(serving_grid, "tokens", tokens, "4096, 16384",
         "new positions of a GPU in a prefill step; taken to the next whole prompts"),
    TEXT(serving_grid, "prompt", prompt, "1024, 8192", "positions of a prompt"),
    {0}};
static const struct cfg_table grid_table = {"grid",
                                            "points at which steps are simulated; what lies between is "
                                            "interpolated",
                                            sizeof(struct serving_grid), grid_fields};

static const struct cfg_field serving_fields[] = {
    {.name = "requests",
     .type = CFG_TABLE,
     .offset = offsetof(struct serving_cfg, requests),
     .sub = &requests_table,
     .doc = "what comes"},
    FLAG("colocated", colocated, "false",
         "units prefill and decode; else each does one of them (inference.phase: disaggregated)"),
    FLAG("chunked", chunked, "true",
         "prompts are divided among steps of inference.prefill.tokens; else whole prompts, which colocated hold up "
         "decoding"),
    COUNT(serving_cfg, "prefill_units", prefill_units, "1", 1, 4096,
          "groups of inference.prefill.nodes nodes that prefill; not used when colocated"),
    COUNT(serving_cfg, "units", units, "1", 1, 4096, "groups of nodes that decode, or do both"),
    COUNT(serving_cfg, "max_batch", max_batch, "0", 0, 65536,
          "sequences that a GPU decodes at most; 0 = the largest of grid.batch"),
    AMOUNT("acceptance", acceptance_ratio, DIM_RATIO, "85 %", 0, 1,
           "probability that a predicted token is right, with inference.decode.extra_tokens"),
    AMOUNT("ttft_limit", ttft_limit_s, DIM_TIME, "2 s", 0, 1e6, "goodput: longest time to the first token"),
    AMOUNT("tpot_limit", tpot_limit_s, DIM_TIME, "100 ms", 0, 1e6,
           "goodput: longest mean time of a request's further tokens"),
    AMOUNT("warmup", warmup_ratio, DIM_RATIO, "10 %", 0, 0.9, "first requests that statistics leave out"),
    {.name = "grid",
     .type = CFG_TABLE,
     .offset = offsetof(struct serving_cfg, grid),
     .sub = &grid_table,
     .doc = "where steps are simulated"},
    {0}};
static const struct cfg_table serving_table = {"serving", "A service, request by request", sizeof(struct serving_cfg),
                                               serving_fields};
const struct kind_keys serving_keys = {"serving", &serving_table,
                                       "kind serving: requests, units and limits of a service"};

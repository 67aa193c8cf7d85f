#include "kinds/machine/single_machine_cfg.h"

#include "base/cfg_rows.h"

static const char *const unfit_names[] = {"error", "row", NULL};

static const struct cfg_field fields[] = {
    ROW_TEXT(single_cfg, "machines", machines, "",
             "list of configs/edge ('moesim list machines') or files of your own"),
    ROW_TEXT(single_cfg, "models", models, "", "list of configs/models or files of your own"),
    ROW_TEXT(single_cfg, "weights", weights, "4.5 b",
             "bits of a weight, scales included, best first: a row takes the first that fits; 4.5 b is a 4-bit format"),
    ROW_TEXT(single_cfg, "machine_set", machine_set, "",
             "changes of all machines: 'gpu.memory_bandwidth=600 GB/s, hop=5 us'"),
    ROW_TEXT(single_cfg, "model_set", model_set, "", "changes of all models: 'attention.kv_value=1 B'"),
    ROW_TEXT(single_cfg, "published", published, "", "what was said of a pair: 'MODEL on MACHINE: text; ...'"),
    ROW_COUNT(single_cfg, "context", context, "4096", 0, 1 << 24, "tokens in the cache"),
    ROW_COUNT(single_cfg, "extra_tokens", extra_tokens, "1", 0, 16,
              "tokens that MTP modules predict in a step, where the model has them; 0 = none"),
    ROW_RATIO(single_cfg, "acceptance", acceptance_ratio, "85 %", 0, 1,
              "probability that a predicted token is accepted (paper 2.3.3: 80 to 90 %)"),
    ROW_FLAG(single_cfg, "experts_on_gpu", experts_on_gpu, "false",
             "routed experts fill what is left of a GPU's memory; else all are the CPU's"),
    ROW_CHOICE(single_cfg, "unfit", unfit, "error", unfit_names,
               "a model that does not fit a machine: error, or a row that says so"),
    {0}};
static const struct cfg_table single_table = {"single_machine", "Models on single machines", sizeof(struct single_cfg),
                                              fields};
const struct kind_keys single_keys = {"single_machine", &single_table,
                                      "kind single_machine: machines and models for one user"};

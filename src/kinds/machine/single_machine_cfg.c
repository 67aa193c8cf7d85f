#include "kinds/machine/single_machine_cfg.h"

#define TEXT(key, member, preset, text) \
    { \
        .name = key, .type = CFG_STRING, .offset = offsetof(struct single_cfg, member), .dflt = preset, .doc = text \
    }

static const char *const unfit_names[] = {"error", "row", NULL};

static const struct cfg_field fields[] = {
    TEXT("machines", machines, "", "list of configs/edge ('moesim list machines') or files of your own"),
    TEXT("models", models, "", "list of configs/models or files of your own"),
    TEXT("weights", weights, "4.5 b",
         "bits of a weight, scales included, best first: a row takes the first that fits; 4.5 b is a 4-bit format"),
    TEXT("machine_set", machine_set, "", "changes of all machines: 'gpu.memory_bandwidth=600 GB/s, hop=5 us'"),
    TEXT("model_set", model_set, "", "changes of all models: 'attention.kv_value=1 B'"),
    TEXT("published", published, "", "what was said of a pair: 'MODEL on MACHINE: text; ...'"),
    {.name = "context",
     .type = CFG_INT,
     .offset = offsetof(struct single_cfg, context),
     .dflt = "4096",
     .min = 0,
     .max = 1 << 24,
     .doc = "tokens in the cache"},
    {.name = "extra_tokens",
     .type = CFG_INT,
     .offset = offsetof(struct single_cfg, extra_tokens),
     .dflt = "1",
     .min = 0,
     .max = 16,
     .doc = "tokens that MTP modules predict in a step, where the model has them; 0 = none"},
    {.name = "acceptance",
     .type = CFG_QUANTITY,
     .dim = DIM_RATIO,
     .offset = offsetof(struct single_cfg, acceptance_ratio),
     .dflt = "85 %",
     .min = 0,
     .max = 1,
     .doc = "probability that a predicted token is accepted (paper 2.3.3: 80 to 90 %)"},
    {.name = "experts_on_gpu",
     .type = CFG_BOOL,
     .offset = offsetof(struct single_cfg, experts_on_gpu),
     .dflt = "false",
     .doc = "routed experts fill what is left of a GPU's memory; else all are the CPU's"},
    {.name = "unfit",
     .type = CFG_ENUM,
     .offset = offsetof(struct single_cfg, unfit),
     .dflt = "error",
     .choices = unfit_names,
     .doc = "a model that does not fit a machine: error, or a row that says so"},
    {0}};
static const struct cfg_table single_table = {"single_machine", "Models on single machines", sizeof(struct single_cfg),
                                              fields};
const struct kind_keys single_keys = {"single_machine", &single_table,
                                      "kind single_machine: machines and models for one user"};

#include "kinds/train/train_cfg.h"

#define COUNT(table, key, member, preset, least, most, text) \
    { \
        .name = key, .type = CFG_INT, .offset = offsetof(struct table, member), .dflt = preset, .min = least, \
        .max = most, .doc = text \
    }
#define TEXT(table, key, member, preset, text) \
    { \
        .name = key, .type = CFG_STRING, .offset = offsetof(struct table, member), .dflt = preset, .doc = text \
    }
#define CHOICE(table, key, member, preset, names, text) \
    { \
        .name = key, .type = CFG_ENUM, .offset = offsetof(struct table, member), .dflt = preset, .choices = names, \
        .doc = text \
    }
#define NUMBER_B(key, member, preset, text) \
    { \
        .name = key, .type = CFG_QUANTITY, .dim = DIM_BYTES, .offset = offsetof(struct train_precision, member), \
        .dflt = preset, .min = 0.125, .max = 8, .doc = text \
    }

static const char *const source_names[] = {"trace", "kernels", NULL};

static const struct cfg_field chunks_fields[] = {
    CHOICE(train_chunks_cfg, "source", source, "trace", source_names,
           "trace: kernels of a recorded pair of chunks, cut into the chunks of a schedule; kernels: those that the "
           "model needs, as long as the kernel model says"),
    TEXT(train_chunks_cfg, "trace", trace, "",
         "source trace: imported trace of a pair of chunks (moesim trace import)"),
    COUNT(train_chunks_cfg, "samples", samples, "4", 1, 1000,
          "simulations of each chunk with routing of its own; each chunk of a step draws one of them"),
    {.name = "rank_load_cv",
     .type = CFG_QUANTITY,
     .dim = DIM_RATIO,
     .offset = offsetof(struct train_chunks_cfg, rank_load_cv_ratio),
     .dflt = "0.077",
     .min = 0,
     .max = 2,
     .doc = "coefficient of variation over ranks of the tokens that their experts receive (default: of the 8 loads "
            "in the DeepSeek-V3 trace)"},
    COUNT(train_chunks_cfg, "entry_layers", entry_layers, "1", 0, 1000,
          "layers before a chunk whose imbalance lets ranks enter it apart"),
    {.name = "recorded_on",
     .type = CFG_TABLE,
     .offset = offsetof(struct train_chunks_cfg, recorded_on),
     .sub = &recorded_on_table,
     .doc = "source trace: the chip that it was recorded on"},
    {0}};
static const struct cfg_table chunks_table = {"chunks", "where the times of chunks come from",
                                              sizeof(struct train_chunks_cfg), chunks_fields};

static const struct cfg_field precision_fields[] = {
    NUMBER_B("weight", weight_B, "2 B", "parameters on the GPU, and as they are gathered (default: BF16)"),
    NUMBER_B("gradient", gradient_B, "4 B",
             "gradients as they are accumulated (default: DeepSeek-V3 report 3.3.3: FP32)"),
    NUMBER_B("gradient_sent", gradient_sent_B, "4 B",
             "gradients as they are reduced among replicas (default: as accumulated)"),
    NUMBER_B("master", master_B, "4 B", "parameters in the optimizer (default: DeepSeek-V3 report 3.3.3: FP32)"),
    NUMBER_B("moment", moment_B, "2 B", "each of AdamW's two moments (default: DeepSeek-V3 report 3.3.3: BF16)"),
    NUMBER_B("input", input_B, "1.03125 B",
             "cached inputs of linear layers and of SwiGLU (default: DeepSeek-V3 report 3.3.3: FP8; one FP32 scale "
             "per 128)"),
    NUMBER_B("attention", attention_B, "1.5 B",
             "cached output of attention (default: DeepSeek-V3 report 3.3.3: E5M6, 12 bits)"),
    NUMBER_B("message", message_B, "2 B", "activations and gradients between pipeline ranks (default: BF16)"),
    NUMBER_B("logit", logit_B, "4 B",
             "logits in the loss: 4 B as PyTorch's cross entropy in FP32, with casts; 2 B one fused pass in BF16"),
    {0}};
static const struct cfg_table precision_table = {"precision", "bytes of numbers", sizeof(struct train_precision),
                                                 precision_fields};

static const char *const recompute_names[] = {"none", "selective", "full", NULL};
static const char *const message_names[] = {"waited", "hidden", NULL};
static const char *const symmetry_names[] = {"off", "exact", NULL};
static const char *const compare_names[] = {"none", "table4", NULL};

static const struct cfg_field train_fields[] = {
    TEXT(train_cfg, "schedule", schedule, "dualpipe", "pipeline schedule (moesim list schedules)"),
    COUNT(train_cfg, "pp", pp, "16", 1, 4096, "pipeline ranks"),
    COUNT(train_cfg, "virtual_stages", virtual_stages, "1", 1, 64,
          "stages of a pipeline rank, schedules 'interleaved' and 'interleaved_pairs'"),
    COUNT(train_cfg, "ep", ep, "64", 1, 4096, "GPUs that share the experts of a layer: whole nodes, or part of one"),
    COUNT(train_cfg, "rank", rank, "0", -1, 4095,
          "pipeline rank whose times are the metrics (0: what a log of the first GPU shows); -1: the mean of all"),
    COUNT(train_cfg, "sequences", sequences, "15360", 1, 1 << 24, "sequences of a step"),
    COUNT(train_cfg, "sequence", sequence, "4096", 1, 1 << 24, "tokens of a sequence"),
    COUNT(train_cfg, "micro_batch", micro_batch, "1", 1, 1024, "sequences of a micro-batch"),
    TEXT(train_cfg, "layers", layers, "",
         "layers of each stage, for example '4, 4, 4, 1'; empty: so that the costliest stage costs least"),
    TEXT(
        train_cfg, "layout", layout, "",
        "layers of each stage as Megatron-LM writes them, for example 'Et*4|(t*4|)*14tmL': E embedding, t layer, m MTP "
        "module, L head and loss, | ends a stage; in place of train.layers"),
    CHOICE(
        train_cfg, "recompute", recompute, "selective", recompute_names,
        "what backward chunks compute again: selective (norms, MLA's up-projections, SwiGLU), full (the layer, too)"),
    CHOICE(train_cfg, "messages", messages, "waited", message_names,
           "between pipeline ranks: waited for before the next chunk where the schedule's code does, or hidden"),
    TEXT(train_cfg, "topologies", topologies, "",
         "networks to compare, for example 'mpft, mrft'; empty: the cluster's"),
    CHOICE(train_cfg, "symmetry", symmetry, "exact", symmetry_names,
           "exact: what must come out equal is simulated once; off: everything is simulated"),
    CHOICE(train_cfg, "compare", compare, "none", compare_names,
           "table4: print the paper's Table 4 beside the result (holds for its model, cluster and batch only)"),
    {.name = "tokens",
     .type = CFG_QUANTITY,
     .dim = DIM_RATIO,
     .offset = offsetof(struct train_cfg, total_tokens),
     .dflt = "14.8e12",
     .min = 1,
     .max = 1e18,
     .doc = "tokens of the whole training (default: DeepSeek-V3 report, 14.8T)"},
    {.name = "gpu_hour",
     .type = CFG_QUANTITY,
     .dim = DIM_MONEY,
     .offset = offsetof(struct train_cfg, gpu_hour_USD),
     .dflt = "2 USD",
     .min = 0,
     .max = 1e6,
     .doc = "price of a GPU for an hour (default: DeepSeek-V3 report, H800)"},
    {.name = "chunks",
     .type = CFG_TABLE,
     .offset = offsetof(struct train_cfg, chunks),
     .sub = &chunks_table,
     .doc = "where the times of chunks come from"},
    {.name = "precision",
     .type = CFG_TABLE,
     .offset = offsetof(struct train_cfg, precision),
     .sub = &precision_table,
     .doc = "bytes of numbers"},
    {0}};
static const struct cfg_table train_table = {"train", "A training step", sizeof(struct train_cfg), train_fields};
const struct kind_keys train_keys = {"train", &train_table, "kind train_step: layout, batch and schedule of training"};

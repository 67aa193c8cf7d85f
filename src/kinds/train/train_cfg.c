#include "kinds/train/train_cfg.h"

#include "base/cfg_rows.h"

static const char *const source_names[] = {"trace", "kernels", NULL};

static const struct cfg_field chunks_fields[] = {
    ROW_CHOICE(train_chunks_cfg, "source", source, "trace", source_names,
               "trace: kernels of a recorded pair of chunks, cut into the chunks of a schedule; kernels: those that "
               "the model needs, as long as the kernel model says"),
    ROW_TEXT(train_chunks_cfg, "trace", trace, "",
             "source trace: imported trace of a pair of chunks (moesim trace import)"),
    ROW_COUNT(train_chunks_cfg, "samples", samples, "4", 1, 1000,
              "simulations of each chunk with routing of its own; each chunk of a step draws one of them"),
    ROW_RATIO(train_chunks_cfg, "rank_load_cv", rank_load_cv_ratio, "0.077", 0, 2,
              "coefficient of variation over ranks of the tokens that their experts receive (default: of the 8 loads "
              "in the DeepSeek-V3 trace)"),
    ROW_COUNT(train_chunks_cfg, "entry_layers", entry_layers, "1", 0, 1000,
              "layers before a chunk whose imbalance lets ranks enter it apart"),
    ROW_PART(train_chunks_cfg, "recorded_on", recorded_on, recorded_on_table,
             "source trace: the chip that it was recorded on"),
    {0}};
static const struct cfg_table chunks_table = {"chunks", "where the times of chunks come from",
                                              sizeof(struct train_chunks_cfg), chunks_fields};

static const struct cfg_field precision_fields[] = {
    ROW_AMOUNT(train_precision, "weight", weight_B, DIM_BYTES, "2 B", 0.125, 8,
               "parameters on the GPU, and as they are gathered (default: BF16)"),
    ROW_AMOUNT(train_precision, "gradient", gradient_B, DIM_BYTES, "4 B", 0.125, 8,
               "gradients as they are accumulated (default: DeepSeek-V3 report 3.3.3: FP32)"),
    ROW_AMOUNT(train_precision, "gradient_sent", gradient_sent_B, DIM_BYTES, "4 B", 0.125, 8,
               "gradients as they are reduced among replicas (default: as accumulated)"),
    ROW_AMOUNT(train_precision, "master", master_B, DIM_BYTES, "4 B", 0.125, 8,
               "parameters in the optimizer (default: DeepSeek-V3 report 3.3.3: FP32)"),
    ROW_AMOUNT(train_precision, "moment", moment_B, DIM_BYTES, "2 B", 0.125, 8,
               "each of AdamW's two moments (default: DeepSeek-V3 report 3.3.3: BF16)"),
    ROW_AMOUNT(train_precision, "input", input_B, DIM_BYTES, "1.03125 B", 0.125, 8,
               "cached inputs of linear layers and of SwiGLU (default: DeepSeek-V3 report 3.3.3: FP8; one FP32 scale "
               "per 128)"),
    ROW_AMOUNT(train_precision, "attention", attention_B, DIM_BYTES, "1.5 B", 0.125, 8,
               "cached output of attention (default: DeepSeek-V3 report 3.3.3: E5M6, 12 bits)"),
    ROW_AMOUNT(train_precision, "message", message_B, DIM_BYTES, "2 B", 0.125, 8,
               "activations and gradients between pipeline ranks (default: BF16)"),
    ROW_AMOUNT(train_precision, "logit", logit_B, DIM_BYTES, "4 B", 0.125, 8,
               "logits in the loss: 4 B as PyTorch's cross entropy in FP32, with casts; 2 B one fused pass in BF16"),
    {0}};
static const struct cfg_table precision_table = {"precision", "bytes of numbers", sizeof(struct train_precision),
                                                 precision_fields};

static const char *const recompute_names[] = {"none", "selective", "full", NULL};
static const char *const message_names[] = {"waited", "hidden", NULL};
static const char *const symmetry_names[] = {"off", "exact", NULL};
static const char *const compare_names[] = {"none", "table4", NULL};

static const struct cfg_field train_fields[] = {
    ROW_TEXT(train_cfg, "schedule", schedule, "dualpipe", "pipeline schedule (moesim list schedules)"),
    ROW_COUNT(train_cfg, "pp", pp, "16", 1, 4096, "pipeline ranks"),
    ROW_COUNT(train_cfg, "virtual_stages", virtual_stages, "1", 1, 64,
              "stages of a pipeline rank, schedules 'interleaved' and 'interleaved_pairs'"),
    ROW_COUNT(train_cfg, "ep", ep, "64", 1, 4096,
              "GPUs that share the experts of a layer: whole nodes, or part of one"),
    ROW_COUNT(train_cfg, "rank", rank, "0", -1, 4095,
              "pipeline rank whose times are the metrics (0: what a log of the first GPU shows); -1: the mean of all"),
    ROW_COUNT(train_cfg, "sequences", sequences, "15360", 1, 1 << 24, "sequences of a step"),
    ROW_COUNT(train_cfg, "sequence", sequence, "4096", 1, 1 << 24, "tokens of a sequence"),
    ROW_COUNT(train_cfg, "micro_batch", micro_batch, "1", 1, 1024, "sequences of a micro-batch"),
    ROW_TEXT(train_cfg, "layers", layers, "",
             "layers of each stage, for example '4, 4, 4, 1'; empty: so that the costliest stage costs least"),
    ROW_TEXT(train_cfg, "layout", layout, "",
             "layers of each stage as Megatron-LM writes them, for example 'Et*4|(t*4|)*14tmL': E embedding, t layer, "
             "m MTP module, L head and loss, | ends a stage; in place of train.layers"),
    ROW_CHOICE(
        train_cfg, "recompute", recompute, "selective", recompute_names,
        "what backward chunks compute again: selective (norms, MLA's up-projections, SwiGLU), full (the layer, too)"),
    ROW_CHOICE(train_cfg, "messages", messages, "waited", message_names,
               "between pipeline ranks: waited for before the next chunk where the schedule's code does, or hidden"),
    ROW_TEXT(train_cfg, "topologies", topologies, "",
             "networks to compare, for example 'mpft, mrft'; empty: the cluster's"),
    ROW_CHOICE(train_cfg, "symmetry", symmetry, "exact", symmetry_names,
               "exact: what must come out equal is simulated once; off: everything is simulated"),
    ROW_CHOICE(train_cfg, "compare", compare, "none", compare_names,
               "table4: print the paper's Table 4 beside the result (holds for its model, cluster and batch only)"),
    ROW_RATIO(train_cfg, "tokens", total_tokens, "14.8e12", 1, 1e18,
              "tokens of the whole training (default: DeepSeek-V3 report, 14.8T)"),
    ROW_AMOUNT(train_cfg, "gpu_hour", gpu_hour_USD, DIM_MONEY, "2 USD", 0, 1e6,
               "price of a GPU for an hour (default: DeepSeek-V3 report, H800)"),
    ROW_PART(train_cfg, "chunks", chunks, chunks_table, "where the times of chunks come from"),
    ROW_PART(train_cfg, "precision", precision, precision_table, "bytes of numbers"),
    {0}};
static const struct cfg_table train_table = {"train", "A training step", sizeof(struct train_cfg), train_fields};
const struct kind_keys train_keys = {"train", &train_table, "kind train_step: layout, batch and schedule of training"};

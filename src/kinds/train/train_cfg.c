#include "kinds/train/train_cfg.h"

#include "base/cfg_rows.h"

#define NUMBER_AT_LEAST_B(key, member, preset, least, text) \
    ROW_AMOUNT(train_precision, key, member, DIM_BYTES, preset, least, 8, text)
#define NUMBER_B(key, member, preset, text) NUMBER_AT_LEAST_B(key, member, preset, 0.125, text)

static const char *const source_names[] = {"trace", "kernels", NULL};

static const struct cfg_field chunks_fields[] = {
    ROW_CHOICE(
        train_chunks_cfg, "source", source, "trace", source_names,
        "trace: kernels of a recorded pair of chunks, cut into the chunks of a schedule; kernels: those that the "
        "model needs, as long as the kernel model says"),
    ROW_TEXT(train_chunks_cfg, "trace", trace, "",
             "source trace: imported trace of a pair of chunks (moesim trace import)"),
    ROW_COUNT(train_chunks_cfg, "samples", samples, "4", 1, 1000,
              "simulations of each chunk with routing of its own; each chunk of a step draws one of them"),
    ROW_COUNT(
        train_chunks_cfg, "places", places, "3", 0, 1 << 20,
        "groups of GPUs that each sample is simulated on, where no two see the same network (Slim Fly, links that "
        "failed): another set for each sample; the others take the times of a neighbour. 0 = all of them"),
    ROW_RATIO(train_chunks_cfg, "rank_load_cv", rank_load_cv_ratio, "0.077", 0, 2,
              "coefficient of variation over ranks of the tokens that their experts receive (default: of the 8 loads "
              "in the DeepSeek-V3 trace)"),
    ROW_RATIO(
        train_chunks_cfg, "expert_exponent", expert_exponent, "0", 0, 4,
        "experts are used by a power law of this exponent, in an order of their own for each layer and micro-batch, "
        "instead of rank_load_cv; 0: not"),
    ROW_COUNT(train_chunks_cfg, "entry_layers", entry_layers, "1", 0, 1000,
              "layers before a chunk whose imbalance lets ranks enter it apart"),
    ROW_PART(train_chunks_cfg, "recorded_on", recorded_on, recorded_on_table,
             "source trace: the chip that it was recorded on"),
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
    NUMBER_AT_LEAST_B(
        "input", input_B, "0 B", 0,
        "cached inputs of linear layers and of SwiGLU; 0 B: as they are multiplied (train.compute), FP8 with "
        "one FP32 scale per 128 in DeepSeek-V3 (report 3.3.3)"),
    NUMBER_AT_LEAST_B("attention", attention_B, "0 B", 0,
                      "cached output of attention; 0 B: E5M6, 12 bits, in DeepSeek's recipe (report 3.3.3), else BF16"),
    NUMBER_B("message", message_B, "2 B", "activations and gradients between pipeline ranks (default: BF16)"),
    NUMBER_AT_LEAST_B("gathered", gathered_B, "0 B", 0, "parameters as they are gathered; 0 B: as weight"),
    NUMBER_B("logit", logit_B, "4 B",
             "logits in the loss: 4 B as PyTorch's cross entropy in FP32, with casts; 2 B one fused pass in BF16"),
    {0}};
static const struct cfg_table precision_table = {"precision", "bytes of numbers", sizeof(struct train_precision),
                                                 precision_fields};

static const char *const reduce_names[] = {"end", "overlap", NULL};
static const char *const gather_names[] = {"end", "on_demand", "ahead", NULL};
static const char *const bucketed_names[] = {"first_stage", "all", NULL};
static const char *const dp_algorithm_names[] = {"ring", "hierarchical", NULL};
static const struct cfg_field data_parallel_fields[] = {
    ROW_CHOICE(
        train_data_parallel, "algorithm", algorithm, "ring", dp_algorithm_names,
        "rings over all replicas, as NCCL lays them, or over those of a node by NVLink and over nodes by NICs, both at "
        "once piece by piece"),
    ROW_CHOICE(train_data_parallel, "reduce", reduce, "end", reduce_names,
               "gradients: when all chunks are done; overlap: a bucket's when its last backward chunk is "
               "(--overlap-grad-reduce)"),
    ROW_CHOICE(train_data_parallel, "gather", gather, "end", gather_names,
               "parameters: behind the optimizer; on_demand: of a module when its first micro-batch has come "
               "(--overlap-param-gather), or ahead, when the module before begins (--align-param-gather)"),
    ROW_COUNT(train_data_parallel, "bucket", bucket, "0", 0, 1LL << 40,
              "values of a bucket beside chunks; 0: a pipeline rank's module is one"),
    ROW_CHOICE(
        train_data_parallel, "bucketed", bucketed, "first_stage", bucketed_names,
        "what has buckets of that size: the first pipeline rank's first module, as in Megatron-LM, or all modules"),
    ROW_COUNT(train_data_parallel, "rings", rings, "32", 1, 1024,
              "rings over the GPUs of a node at most (NCCL's channels over the network)"),
    {0}};
static const struct cfg_table data_parallel_table = {"data_parallel", "gradients and parameters among replicas",
                                                     sizeof(struct train_data_parallel), data_parallel_fields};

static const struct cfg_field exchange_fields[] = {
    ROW_TEXT(
        train_exchange, "dispatch", dispatch, "bf16",
        "format of a token on its way to experts, where cluster.ep_kernel.kernel names a kernel (DeepSeek's own, with "
        "auto, sends FP8)"),
    ROW_TEXT(train_exchange, "combine", combine, "bf16", "format of a token on its way back"),
    ROW_RATIO(train_exchange, "capacity", capacity, "0", 0, 1000,
              "rows that buffers of experts' inputs and outputs have room for, over an even share (memory only)"),
    {0}};
static const struct cfg_table exchange_table = {"exchange", "tokens on their way", sizeof(struct train_exchange),
                                                exchange_fields};

static const struct cfg_field jitter_fields[] = {
    ROW_RATIO(
        train_jitter, "gpu_cv", gpu_cv_ratio, "0.015", 0, 0.5,
        "coefficient of variation over GPUs of how long they compute (default: Sinha et al., Not all GPUs are created "
        "equal, SC'22: 8 % between the whiskers of five clusters, 5.4 standard deviations; GPUs beyond are taken out)"),
    ROW_RATIO(train_jitter, "kernel_cv", kernel_cv_ratio, "0", 0, 0.5,
              "coefficient of variation of a kernel's time from run to run; repeated benchmarks show 0.3 to 1.3 %"),
    ROW_RATIO(
        train_jitter, "sustained", sustained_ratio, "1", 0.2, 2,
        "pace of computation in a run that lasts over that of kernels measured one by one: power and temperature limit "
        "the clock when tensor cores, memory and links work at once"),
    {0}};
static const struct cfg_table jitter_table = {"jitter", "how much GPUs and kernels differ", sizeof(struct train_jitter),
                                              jitter_fields};

static const char *const launch_names[] = {"graph", "eager", NULL};
static const struct cfg_field host_fields[] = {
    ROW_CHOICE(train_host, "launch", launch, "graph", launch_names,
               "one CUDA graph for the step, or a launch by the CPU for each kernel"),
    ROW_AMOUNT(train_host, "kernel", kernel_s, DIM_TIME, "5 us", 0, 1,
               "a launch (default: assumption, what PyTorch's operators take on server CPUs)",
               .needs = "train.host.launch=eager"),
    ROW_AMOUNT(train_host, "graph_node", graph_node_s, DIM_TIME, "0 s", 0, 1,
               "of a graph's launch for each of its nodes, before the first one runs",
               .needs = "train.host.launch=graph"),
    ROW_AMOUNT(train_host, "step", step_s, DIM_TIME, "0 s", 0, 3600,
               "of the CPU once in a step while GPUs wait: reading inputs, logs, launching graphs"),
    {0}};
static const struct cfg_table host_table = {"host", "what the CPU does", sizeof(struct train_host), host_fields};

static const char *const order_names[] = {"pipeline_outer", "pipeline_inner", NULL};
static const struct cfg_field placement_fields[] = {
    ROW_COUNT(train_placement, "gpus_of_node", gpus_of_node, "0", 0, 1024,
              "GPUs of each node that are used, from the first; 0 = all. MLPerf's runs use 64 of an NVL72's 72"),
    ROW_CHOICE(
        train_placement, "order", order, "pipeline_outer", order_names,
        "GPUs of a tensor-parallel group are neighbours, then those of an expert-parallel group; then come its "
        "replicas and last the pipeline's ranks (Megatron-LM's order tp-cp-ep-dp-pp), or the pipeline's ranks first"),
    ROW_TEXT(train_placement, "file", file, "",
             "in place of the order: a file with one line 'node gpu' for each GPU in the order of pipeline_outer"),
    {0}};
static const struct cfg_table placement_table = {"placement", "which GPUs work together",
                                                 sizeof(struct train_placement), placement_fields};

static const char *const compute_names[] = {"model", "bf16", "fp8", "mxfp8", "nvfp4", NULL};
static const char *const software_names[] = {"deepseek", "megatron", NULL};
static const char *const without_names[] = {"nothing", "exchanges", "tensor",   "messages",
                                            "end",     "host",      "backward", NULL};
static const char *const message_names[] = {"waited", "hidden", NULL};
static const char *const symmetry_names[] = {"off", "exact", NULL};
static const char *const compare_names[] = {"none", "table4", NULL};

static const struct cfg_field train_fields[] = {
    ROW_TEXT(train_cfg, "schedule", schedule, "dualpipe", "pipeline schedule (moesim list schedules)"),
    ROW_COUNT(train_cfg, "pp", pp, "16", 1, 4096, "pipeline ranks", .also = "pipeline_model_parallel_size"),
    ROW_COUNT(train_cfg, "virtual_stages", virtual_stages, "1", 1, 64,
              "stages of a pipeline rank, schedules 'interleaved' and 'interleaved_pairs'",
              .also = "vpp virtual_pipeline virtual_pipeline_model_parallel_size"),
    ROW_COUNT(train_cfg, "tp", tp, "1", 1, 1024,
              "GPUs that share a layer's attention and dense networks (tensor parallelism with sequence parallelism)"),
    ROW_COUNT(train_cfg, "cp", cp, "1", 1, 1024, "GPUs that share a sequence (context parallelism)"),
    ROW_COUNT(train_cfg, "ep", ep, "64", 1, 4096,
              "GPUs (times train.etp) that share the experts of a layer: whole nodes, or part of one"),
    ROW_COUNT(train_cfg, "etp", etp, "1", 1, 1024, "GPUs that share an expert (expert tensor parallelism)"),
    ROW_COUNT(train_cfg, "rank", rank, "0", -1, 4095,
              "pipeline rank whose times are the metrics (0: what a log of the first GPU shows); -1: the mean of all"),
    ROW_COUNT(train_cfg, "sequences", sequences, "15360", 1, 1 << 24, "sequences of a step"),
    ROW_COUNT(train_cfg, "sequence", sequence, "4096", 1, 1 << 24, "tokens of a sequence"),
    ROW_COUNT(train_cfg, "micro_batch", micro_batch, "1", 1, 1024, "sequences of a micro-batch"),
    ROW_TEXT(train_cfg, "layers", layers, "",
             "layers of each stage, for example '4, 4, 4, 1'; empty: evenly, but as many on the last stage, which has "
             "the head, as make the shortest step"),
    ROW_TEXT(
        train_cfg, "layout", layout, "",
        "layers of each stage as Megatron-LM writes them, for example 'Et*4|(t*4|)*14tmL': E embedding, t layer, m MTP "
        "module, L head and loss, | ends a stage; in place of train.layers"),
    ROW_CHOICE(train_cfg, "software", software, "deepseek", software_names,
               "whose kernels a layer has: DeepSeek's, with casts and copies as passes of their own, or fused as in "
               "Megatron-LM with Transformer Engine"),
    ROW_CHOICE(train_cfg, "compute", compute, "model", compute_names,
               "what linear layers and experts multiply; model: as the model's weights are kept (llm.weight)"),
    ROW_CHOICE(train_cfg, "attention_compute", attention_compute, "bf16", compute_names,
               "what core attention multiplies"),
    ROW_CHOICE(train_cfg, "head_compute", head_compute, "bf16", compute_names, "what the output head multiplies"),
    ROW_TEXT(
        train_cfg, "recompute", recompute, "selective",
        "what backward chunks compute again: none, selective (layernorm, mla_up_proj, moe_act), full (every layer), "
        "or a list of these and of core_attn, mlp, shared_experts, moe (names of Megatron-LM)"),
    ROW_FLAG(train_cfg, "tp_overlap", tp_overlap, "false",
             "what tensor parallelism gathers goes beside the GEMM that needs it, instead of before it",
             .needs = "train.tp>1"),
    ROW_FLAG(train_cfg, "delay_weights", delay_weights, "true",
             "gradients of weights are computed beside the exchange that follows their part (--delay-wgrad-compute; "
             "DualPipe); false: at once, before it"),
    ROW_COUNT(train_cfg, "gemm_margin", gemm_margin, "-1", -1, 1024,
              "SMs that GEMMs leave to communication (NVTE margins); -1: as many as the experts' kernels hold",
              .needs = "train.chunks.source=kernels"),
    ROW_COUNT(train_cfg, "attention_margin", attention_margin, "-1", -1, 1024, "the same of core attention",
              .needs = "train.chunks.source=kernels"),
    ROW_CHOICE(train_cfg, "messages", messages, "waited", message_names,
               "between pipeline ranks: waited for before the next chunk where the schedule's code does, or hidden"),
    ROW_TEXT(train_cfg, "topologies", topologies, "",
             "networks to compare, for example 'mpft, mrft'; empty: the cluster's"),
    ROW_CHOICE(train_cfg, "symmetry", symmetry, "exact", symmetry_names,
               "exact: what must come out equal is simulated once; off: everything is simulated"),
    ROW_CHOICE(train_cfg, "without", without, "nothing", without_names,
               "a part of the step that takes no time, to see what it costs: experts' exchanges, tensor and context "
               "parallelism, messages between pipeline ranks, the end of the step (gradients, "
               "optimizer, parameters, host), the host; backward: an evaluation, forward chunks only"),
    ROW_CHOICE(train_cfg, "compare", compare, "none", compare_names,
               "table4: print the paper's Table 4 beside the result (holds for its model, cluster and batch only)"),
    ROW_RATIO(train_cfg, "tokens", total_tokens, "14.8e12", 1, 1e18,
              "tokens of the whole training (default: DeepSeek-V3 report, 14.8T)"),
    ROW_AMOUNT(train_cfg, "gpu_hour", gpu_hour_USD, DIM_MONEY, "2 USD", 0, 1e6,
               "price of a GPU for an hour (default: DeepSeek-V3 report, H800)"),
    ROW_PART(train_cfg, "data_parallel", data_parallel, data_parallel_table, "gradients and parameters among replicas"),
    ROW_PART(train_cfg, "exchange", exchange, exchange_table, "tokens on their way to experts and back"),
    ROW_PART(train_cfg, "jitter", jitter, jitter_table, "how much GPUs and kernels differ"),
    ROW_PART(train_cfg, "host", host, host_table, "what the CPU does"),
    ROW_PART(train_cfg, "placement", placement, placement_table, "which GPUs work together"),
    ROW_PART(train_cfg, "chunks", chunks, chunks_table, "where the times of chunks come from"),
    ROW_PART(train_cfg, "precision", precision, precision_table, "bytes of numbers"),
    {0}};
static const struct cfg_table train_table = {"train", "A training step", sizeof(struct train_cfg), train_fields};
const struct kind_keys train_keys = {"train", &train_table, "kind train_step: layout, batch and schedule of training"};

#include "kinds/infer/infer_cfg.h"

#include "base/cfg_rows.h"

const char *const infer_phase_names[] = {"decode", "prefill", "disaggregated", NULL};
const char *const infer_overlap_names[] = {"dual", "shared", "none", NULL};
static const char *const routing_names[] = {"sampled", "balanced", NULL};
static const char *const transfer_names[] = {"none", "layerwise", "at_end", NULL};

static const struct cfg_field decode_fields[] = {
    ROW_COUNT(infer_decode_cfg, "batch", batch, "128", 1, 65536, "sequences of each GPU, both micro-batches together"),
    ROW_COUNT(infer_decode_cfg, "context", context, "4096", 1, 1 << 24,
              "positions of a sequence in the KV cache; all sequences alike"),
    ROW_COUNT(infer_decode_cfg, "extra_tokens", extra_tokens, "0", 0, 16,
              "tokens of a sequence that a step verifies beside the one it generates (speculative decoding)"),
    ROW_AMOUNT(infer_decode_cfg, "acceptance", acceptance_ratio, DIM_RATIO, "0", 0, 1,
               "probability that an extra token is right, when those before it are; a step then takes the modules that "
               "predict them, too. 0 = what speculation adds is not counted"),
    ROW_COUNT(infer_decode_cfg, "output", output, "1000", 1, 1 << 20,
              "phase disaggregated: tokens that a request generates; only the balance of the phases depends on it"),
    ROW_AMOUNT(infer_decode_cfg, "launch_gap", launch_gap_s, DIM_TIME, "0.5 us", 0, 1e-3,
               "between two kernels of a CUDA graph (default: NVIDIA, 'Getting Started with CUDA Graphs': 3.4 us each "
               "for kernels of 2.9 us); prefill has cluster.kernels.launch_gap"),
    {0}};
static const struct cfg_table decode_table = {"decode", "one token more for every sequence",
                                              sizeof(struct infer_decode_cfg), decode_fields};

static const struct cfg_field prefill_fields[] = {
    ROW_COUNT(infer_prefill_cfg, "nodes", nodes, "0", 0, 65536,
              "phase disaggregated: nodes that prefill, the first of the cluster; the others decode"),
    ROW_COUNT(infer_prefill_cfg, "prompt", prompt, "4096", 1, 1 << 20, "positions of a prompt"),
    ROW_COUNT(infer_prefill_cfg, "tokens", tokens, "16384", 1, 1 << 20,
              "positions that each GPU computes in a step, both micro-batches together"),
    ROW_RATIO(infer_prefill_cfg, "cached", cached_ratio, "0", 0, 0.99,
              "share of a prompt that is found in a cache of prefixes: attended to, not computed"),
    ROW_CHOICE(infer_prefill_cfg, "kv_transfer", kv_transfer, "layerwise", transfer_names,
               "phase disaggregated: when the KV cache goes to the GPU that decodes: each layer's when it is there, "
               "all at the end, or not at all"),
    {0}};
static const struct cfg_table prefill_table = {"prefill", "prompts until their first token",
                                               sizeof(struct infer_prefill_cfg), prefill_fields};

static const struct cfg_field published_fields[] = {
    ROW_RATIO(infer_published, "tokens_per_s_user", user_per_s, "0", 0, 1e9, "of one user; 0 = not known"),
    ROW_RATIO(infer_published, "tokens_per_s_gpu", gpu_per_s, "0", 0, 1e9, "of a GPU"),
    ROW_RATIO(infer_published, "tokens_per_s_node", node_per_s, "0", 0, 1e12, "of a node"),
    ROW_AMOUNT(infer_published, "step", step_s, DIM_TIME, "0 s", 0, 1e6, "time of a step"),
    ROW_TEXT(infer_published, "source", source, "", "who measured it, and what was different there"),
    {0}};
static const struct cfg_table published_table = {"published", "what others measured, to print beside ours",
                                                 sizeof(struct infer_published), published_fields};

static const struct cfg_field infer_fields[] = {
    ROW_CHOICE(infer_cfg, "phase", phase, "decode", infer_phase_names,
               "decode, prefill, or both on nodes of their own (disaggregated)"),
    ROW_CHOICE(infer_cfg, "overlap", overlap, "dual", infer_overlap_names,
               "what computes while tokens travel: the other micro-batch, the shared expert, or nothing"),
    ROW_CHOICE(infer_cfg, "routing", routing, "sampled", routing_names,
               "each token chooses its experts, or every rank sends as much to every other"),
    ROW_COUNT(infer_cfg, "tp", tp, "1", 1, 1024,
              "GPUs that divide the heads of attention among them; everything else is data parallel. A model without "
              "experts: that divide all of it"),
    ROW_COUNT(infer_cfg, "shared_replicas", shared_replicas, "0", 0, 65536,
              "0: every GPU computes the shared experts for its own tokens; else places that hold a copy, which tokens "
              "are sent to like to a routed expert (paper 2.3.2, V3 report 3.4.2)"),
    ROW_FLAG(infer_cfg, "node_limited", node_limited, "false",
             "experts of a group must lie on one node (paper 4.3), or it is an error"),
    ROW_FLAG(infer_cfg, "loopback", loopback, "false",
             "low-latency kernels between GPUs of one node go through their NICs too (DeepEP before June 2025)"),
    ROW_RATIO(infer_cfg, "memory_reserve", reserve_ratio, "10 %", 0, 0.9,
              "share of a GPU's memory for the driver, libraries and fragments (default: vLLM's gpu_memory_utilization "
              "of 0.9)"),
    ROW_AMOUNT(infer_cfg, "host_gap", host_gap_s, DIM_TIME, "0 s", 0, 1,
               "time between two steps when the GPU waits for the CPU (sampling, scheduling)"),
    ROW_FLAG(infer_cfg, "eager", eager, "false",
             "the CPU launches kernels one by one (cluster.node.host), instead of replaying CUDA graphs"),
    ROW_FLAG(infer_cfg, "share_layers", share_layers, "true",
             "routing balanced: layers are alike; once two in a row take exactly the same time, the others do too"),
    ROW_COUNT(infer_cfg, "simulate_layers", simulate_layers, "0", 0, 10000,
              "layers with experts that are simulated, the others take their mean time; 0 = all"),
    ROW_COUNT(infer_cfg, "layer_blocks", layer_blocks, "1", 1, INFER_MOST_BLOCKS,
              "runs that the simulated layers are divided among, side by side on all processors; in each but the first "
              "two layers more warm up, as all ranks begin together"),
    ROW_PART(infer_cfg, "decode", decode, decode_table, "one token more for every sequence"),
    ROW_PART(infer_cfg, "prefill", prefill, prefill_table, "prompts until their first token"),
    ROW_PART(infer_cfg, "published", published, published_table, "what others measured, to print beside ours"),
    {0}};
static const struct cfg_table infer_table = {"inference", "Serving a model", sizeof(struct infer_cfg), infer_fields};
const struct kind_keys infer_keys = {"inference", &infer_table, "kind inference: a step of decoding or prefill"};

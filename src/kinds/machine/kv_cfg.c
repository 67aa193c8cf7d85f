#include "kinds/machine/kv_cfg.h"

#include "base/cfg_rows.h"

static const struct cfg_field fields[] = {
    ROW_COUNT(kv_cfg, "layers", layers, "16", 1, 10000, "MoE layers that are simulated"),
    ROW_COUNT(kv_cfg, "tokens", tokens, "128", 1, 65536, "tokens of each GPU"),
    ROW_COUNT(kv_cfg, "experts", experts, "256", 1, 65536, "routed experts"),
    ROW_COUNT(kv_cfg, "experts_per_token", experts_per_token, "8", 1, 64, "of each token"),
    ROW_COUNT(kv_cfg, "hidden", hidden, "7168", 1, 1e6, "hidden size"),
    ROW_AMOUNT(kv_cfg, "attention", attention_s, (DIM_TIME), "480 us", 0, 10,
               "computation before each dispatch (default: kind inference, 128 sequences of 4,096 on 144 GPUs)"),
    ROW_AMOUNT(kv_cfg, "expert_time", experts_s, (DIM_TIME), "140 us", 0, 10,
               "computation between dispatch and combine (default: the same, mean of ranks)"),
    ROW_AMOUNT(kv_cfg, "cache", load_B, (DIM_BYTES), "288 MB", 1, 1e15,
               "KV cache of one request (default: 4,096 positions of DeepSeek-V3, 70,272 B each)"),
    ROW_AMOUNT(kv_cfg, "load", load_Bps, (DIM_BANDWIDTH), "20 GB/s", 0, 1e13,
               "caches from CPU to GPU, mean demand of each GPU (paper 4.5: tens of GB/s)"),
    ROW_AMOUNT(kv_cfg, "store", store_Bps, (DIM_BANDWIDTH), "0 B/s", 0, 1e13,
               "caches from GPU to CPU, mean demand of each GPU"),
    ROW_FLAG(kv_cfg, "loopback", loopback, "false", "GPUs of one node exchange through their NICs too"),
    {0}};
static const struct cfg_table kv_table = {"kv", "Expert traffic beside transfers of KV caches", sizeof(struct kv_cfg),
                                          fields};
const struct kind_keys kv_keys = {"kv", &kv_table, "kind kv_contention: expert traffic beside KV caches"};

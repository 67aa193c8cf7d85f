#include "kinds/machine/kv_cfg.h"

#define COUNT(key, member, preset, high, text) \
    { \
        .name = key, .type = CFG_INT, .offset = offsetof(struct kv_cfg, member), .dflt = preset, .min = 1, \
        .max = (high), .doc = text \
    }
#define QUANTITY(key, member, unit, preset, low, high, text) \
    { \
        .name = key, .type = CFG_QUANTITY, .dim = (unit), .offset = offsetof(struct kv_cfg, member), .dflt = preset, \
        .min = (low), .max = (high), .doc = text \
    }

static const struct cfg_field fields[] = {
    COUNT("layers", layers, "16", 10000, "MoE layers that are simulated"),
    COUNT("tokens", tokens, "128", 65536, "tokens of each GPU"),
    COUNT("experts", experts, "256", 65536, "routed experts"),
    COUNT("experts_per_token", experts_per_token, "8", 64, "of each token"),
    COUNT("hidden", hidden, "7168", 1e6, "hidden size"),
    QUANTITY("attention", attention_s, DIM_TIME, "480 us", 0, 10,
             "computation before each dispatch (default: kind inference, 128 sequences of 4,096 on 144 GPUs)"),
    QUANTITY("expert_time", experts_s, DIM_TIME, "140 us", 0, 10,
             "computation between dispatch and combine (default: the same, mean of ranks)"),
    QUANTITY("cache", load_B, DIM_BYTES, "288 MB", 1, 1e15,
             "KV cache of one request (default: 4,096 positions of DeepSeek-V3, 70,272 B each)"),
    QUANTITY("load", load_Bps, DIM_BANDWIDTH, "20 GB/s", 0, 1e13,
             "caches from CPU to GPU, mean demand of each GPU (paper 4.5: tens of GB/s)"),
    QUANTITY("store", store_Bps, DIM_BANDWIDTH, "0 B/s", 0, 1e13, "caches from GPU to CPU, mean demand of each GPU"),
    {.name = "loopback",
     .type = CFG_BOOL,
     .offset = offsetof(struct kv_cfg, loopback),
     .dflt = "false",
     .doc = "GPUs of one node exchange through their NICs too"},
    {0}};
static const struct cfg_table kv_table = {"kv", "Expert traffic beside transfers of KV caches", sizeof(struct kv_cfg),
                                          fields};
const struct kind_keys kv_keys = {"kv", &kv_table, "kind kv_contention: expert traffic beside KV caches"};

#include "kinds/network/moe_cfg.h"

#include "base/cfg_rows.h"

static const struct cfg_field normal_fields[] = {
    ROW_TEXT(moe_normal, "gpus", gpus, "", "sizes of the expert-parallel group, e.g. '16, 32, 64'"),
    ROW_TEXT(moe_normal, "calibrated", calibrated, "",
             "those of them whose published rows a constant was calibrated on", .needs = ".gpus!="),
    ROW_TEXT(moe_normal, "dispatch_published", dispatch_published, "",
             "measured bandwidths, one per size from the first on, to print beside ours", .needs = ".gpus!="),
    ROW_TEXT(moe_normal, "combine_published", combine_published, "", "the same of the combine", .needs = ".gpus!="),
    ROW_FLAG(moe_normal, "both", both, "false",
             "also a dispatch and a combine of two micro-batches at once, at the last size", .needs = ".gpus!="),
    {0}};
static const struct cfg_table normal_table = {"normal", "DeepEP's normal kernels", sizeof(struct moe_normal),
                                              normal_fields};

static const struct cfg_field low_latency_fields[] = {
    ROW_TEXT(moe_low_latency, "gpus", gpus, "", "sizes of the expert-parallel group"),
    ROW_TEXT(moe_low_latency, "calibrated", calibrated, "",
             "those of them whose published rows a constant was calibrated on", .needs = ".gpus!="),
    ROW_TEXT(moe_low_latency, "topology", topology, "", "network; empty = cluster.topology", .needs = ".gpus!="),
    ROW_COUNT(moe_low_latency, "tokens", tokens, "128", 1, 65536, "tokens of each GPU", .needs = ".gpus!="),
    ROW_FLAG(moe_low_latency, "loopback", loopback, "false",
             "GPUs of one node exchange through their NICs too (DeepEP of February 2025)", .needs = ".gpus!="),
    ROW_TEXT(moe_low_latency, "dispatch_published", dispatch_published, "",
             "measured times, one per size from the first on, to print beside ours", .needs = ".gpus!="),
    ROW_TEXT(moe_low_latency, "combine_published", combine_published, "", "the same of the combine",
             .needs = ".gpus!="),
    {0}};
static const struct cfg_table low_latency_table = {"low_latency", "DeepEP's low-latency kernels",
                                                   sizeof(struct moe_low_latency), low_latency_fields};

static const char *const choice_names[] = {"uniform", "sampled", "dealt", "loads", NULL};
static const struct cfg_field exchange_fields[] = {
    ROW_TEXT(moe_kernels, "kernels", kernels, "",
             "of 'moesim list ep_kernels', e.g. 'deepep_v2, hybrid_ep'; empty = cluster.ep_kernel.kernel, or DeepEP's",
             .needs = ".gpus!="),
    ROW_TEXT(moe_kernels, "gpus", gpus, "", "sizes of the group, from GPU 0 on; part of a node will do; empty = none"),
    ROW_TEXT(moe_kernels, "tokens", tokens, "128", "tokens of each GPU, e.g. '1, 128, 4096'", .needs = ".gpus!="),
    ROW_CHOICE(moe_kernels, "choice", choice, "uniform", choice_names,
               "experts of a token: uniform (means), sampled (the same, drawn), dealt (in turn), loads (expert_load)",
               .needs = ".gpus!="),
    ROW_TEXT(moe_kernels, "dispatch_published", dispatch_published, "",
             "measured times to print beside ours, a row each in the table's order", .needs = ".gpus!="),
    ROW_TEXT(moe_kernels, "combine_published", combine_published, "", "the same of the combine", .needs = ".gpus!="),
    {0}};
static const struct cfg_table exchange_table = {"exchange", "kernels beside one another", sizeof(struct moe_kernels),
                                                exchange_fields};

static const struct cfg_field moe_fields[] = {
    ROW_PART(moe_cfg, "exchange", exchange, exchange_table, "any kernels of expert parallelism, any group, any tokens"),
    ROW_PART(moe_cfg, "routing", routing, routing_table,
             "token routing; groups is the number of nodes, whatever it says here"),
    ROW_PART(moe_cfg, "normal", normal, normal_table, "throughput kernels"),
    ROW_PART(moe_cfg, "low_latency", low_latency, low_latency_table, "decode kernels"),
    {0}};
static const struct cfg_table moe_table = {"moe", "Dispatch and combine of expert parallelism", sizeof(struct moe_cfg),
                                           moe_fields};
const struct kind_keys moe_keys = {"moe", &moe_table, "kind moe_exchange: dispatch and combine alone"};

static const struct cfg_field node_limited_fields[] = {
    ROW_COUNT(node_limited_cfg, "tokens", tokens, "4096", 1, 1e6, "tokens of each GPU"),
    ROW_COUNT(node_limited_cfg, "experts_per_token", experts_per_token, "8", 1, 64,
              "routed experts of a token, each on a GPU of its own"),
    ROW_COUNT(node_limited_cfg, "hidden", hidden, "7168", 1, 1e6, "hidden size"),
    ROW_AMOUNT(node_limited_cfg, "effective_bandwidth", effective_Bps, DIM_BANDWIDTH, "40 GB/s", 1, 1e14,
               "of a NIC in the paper's estimate of t (4.3: 40 GB/s)"),
    {0}};
static const struct cfg_table node_limited_table = {"node_limited", "Dispatch of tokens that go to M nodes each",
                                                    sizeof(struct node_limited_cfg), node_limited_fields};
const struct kind_keys node_limited_keys = {"node_limited", &node_limited_table,
                                            "kind node_limited: dispatch to M nodes per token"};

#include "hw/nccl_cfg.h"

#define TIME(key, member, text) \
    { \
        .name = key, .type = CFG_QUANTITY, .dim = DIM_TIME, .offset = offsetof(struct hw_nccl, member), .dflt = "0 s", \
        .min = 0, .max = 1, .doc = text \
    }
#define RATE(key, member, preset, text) \
    { \
        .name = key, .type = CFG_QUANTITY, .dim = DIM_BANDWIDTH, .offset = offsetof(struct hw_nccl, member), \
        .dflt = preset, .min = 1e6, .max = 1e14, .doc = text \
    }
#define RATIO(key, member, preset, text) \
    { \
        .name = key, .type = CFG_QUANTITY, .dim = DIM_RATIO, .offset = offsetof(struct hw_nccl, member), \
        .dflt = preset, .min = 0.01, .max = 1, .doc = text \
    }

static const struct cfg_field fields[] = {
    {.name = "version",
     .type = CFG_STRING,
     .offset = offsetof(struct hw_nccl, version),
     .dflt = "",
     .doc = "version that was measured on this chip"},
    TIME("start", start_s,
         "from the call to the first step inside a node; 0 = not measured: rings take launch and steps of software"),
    RATE("ll_rate", ll_Bps, "15 GB/s", "protocol LL: what a step moves; its latency is NVLink's"),
    TIME("ll128_step", ll128_step_s, "protocol LL128: latency of a step"),
    RATE("ll128_rate", ll128_Bps, "200 GB/s", "protocol LL128: what a GPU passes on"),
    TIME("simple_start", simple_start_s, "protocol Simple: beyond start"),
    TIME("simple_step", simple_step_s, "protocol Simple: a slice from GPU to GPU"),
    {.name = "simple_from",
     .type = CFG_QUANTITY,
     .dim = DIM_BYTES,
     .offset = offsetof(struct hw_nccl, simple_from_B),
     .dflt = "8 MiB",
     .min = 1,
     .max = 1e12,
     .doc = "from this size on Simple (2 to 4 GPUs; more of them in proportion)"},
    RATE("copy_rate", copy_Bps, "1000 GB/s", "protocol Simple: the last copy, out of the buffer"),
    TIME("peer_start", peer_start_s, "sends and receives: beyond start, small ones"),
    RATE("peer_ll_rate", peer_ll_Bps, "6 GB/s", "sends and receives of at most 16 KiB: what one peer gets"),
    TIME("peer_simple", peer_simple_s, "sends and receives: beyond start, large ones"),
    RATIO("peer_nvlink", peer_nvlink_ratio, "65 %", "sends and receives: share of raw NVLink"),
    RATE("peer_copy_rate", peer_copy_Bps, "1000 GB/s", "sends and receives: what stays on the GPU"),
    TIME("nvls_gpu", nvls_gpu_s, "sums in the switch: beyond start, for each GPU; 0 = the switch does not add up"),
    RATIO("nvls_nvlink", nvls_nvlink_ratio, "60 %", "sums in the switch: share of raw NVLink"),
    {.name = "channels",
     .type = CFG_INT,
     .offset = offsetof(struct hw_nccl, channels),
     .dflt = "24",
     .min = 1,
     .max = 64,
     .doc = "channels, each with an SM, that a collective holds"},
    {0}};
const struct cfg_table hw_nccl_table = {"nccl", "NCCL's kernels inside a node", sizeof(struct hw_nccl), fields};

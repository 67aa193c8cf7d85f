#include "hw/nccl_cfg.h"

#include "base/cfg_rows.h"

static const struct cfg_field fields[] = {
    ROW_TEXT(hw_nccl, "version", version, "", "version that was measured on this chip"),
    ROW_AMOUNT(
        hw_nccl, "start", start_s, DIM_TIME, "0 s", 0, 1,
        "from the call to the first step inside a node; 0 = not measured: rings take launch and steps of software"),
    ROW_AMOUNT(hw_nccl, "ll_rate", ll_Bps, DIM_BANDWIDTH, "15 GB/s", 1e6, 1e14,
               "protocol LL: what a step moves; its latency is NVLink's"),
    ROW_AMOUNT(hw_nccl, "ll128_step", ll128_step_s, DIM_TIME, "0 s", 0, 1, "protocol LL128: latency of a step"),
    ROW_AMOUNT(hw_nccl, "ll128_rate", ll128_Bps, DIM_BANDWIDTH, "200 GB/s", 1e6, 1e14,
               "protocol LL128: what a GPU passes on"),
    ROW_AMOUNT(hw_nccl, "simple_start", simple_start_s, DIM_TIME, "0 s", 0, 1, "protocol Simple: beyond start"),
    ROW_AMOUNT(hw_nccl, "simple_step", simple_step_s, DIM_TIME, "0 s", 0, 1,
               "protocol Simple: a slice from GPU to GPU"),
    ROW_AMOUNT(hw_nccl, "simple_from", simple_from_B, DIM_BYTES, "8 MiB", 1, 1e12,
               "from this size on Simple (2 to 4 GPUs; more of them in proportion)"),
    ROW_AMOUNT(hw_nccl, "copy_rate", copy_Bps, DIM_BANDWIDTH, "1000 GB/s", 1e6, 1e14,
               "protocol Simple: the last copy, out of the buffer"),
    ROW_AMOUNT(hw_nccl, "peer_start", peer_start_s, DIM_TIME, "0 s", 0, 1,
               "sends and receives: beyond start, small ones"),
    ROW_AMOUNT(hw_nccl, "peer_ll_rate", peer_ll_Bps, DIM_BANDWIDTH, "6 GB/s", 1e6, 1e14,
               "sends and receives of at most 16 KiB: what one peer gets"),
    ROW_AMOUNT(hw_nccl, "peer_simple", peer_simple_s, DIM_TIME, "0 s", 0, 1,
               "sends and receives: beyond start, large ones"),
    ROW_RATIO(hw_nccl, "peer_nvlink", peer_nvlink_ratio, "65 %", 0.01, 1, "sends and receives: share of raw NVLink"),
    ROW_AMOUNT(hw_nccl, "peer_copy_rate", peer_copy_Bps, DIM_BANDWIDTH, "1000 GB/s", 1e6, 1e14,
               "sends and receives: what stays on the GPU"),
    ROW_AMOUNT(hw_nccl, "nvls_gpu", nvls_gpu_s, DIM_TIME, "0 s", 0, 1,
               "sums in the switch: beyond start, for each GPU; 0 = the switch does not add up"),
    ROW_RATIO(hw_nccl, "nvls_nvlink", nvls_nvlink_ratio, "60 %", 0.01, 1, "sums in the switch: share of raw NVLink"),
    ROW_COUNT(hw_nccl, "channels", channels, "24", 1, 64, "channels, each with an SM, that a collective holds"),
    {0}};
const struct cfg_table hw_nccl_table = {"nccl", "NCCL's kernels inside a node", sizeof(struct hw_nccl), fields};

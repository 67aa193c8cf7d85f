/* Config tables of the kernel model. */
#include "hw/kernels/kernel_cfg.h"

#include "base/cfg_rows.h"

static const struct cfg_field chip_fields[] = {
    ROW_COUNT(kernel_chip, "sms", sms, NULL, 1, 4096, "its streaming multiprocessors"),
    ROW_AMOUNT(kernel_chip, "bf16", bf16_flops, DIM_FLOPS, NULL, 1e9, 1e18, "its dense BF16 tensor throughput"),
    ROW_AMOUNT(kernel_chip, "fp8", fp8_flops, DIM_FLOPS, NULL, 1e9, 1e18, "its dense FP8 tensor throughput"),
    ROW_AMOUNT(kernel_chip, "memory_bandwidth", memory_Bps, DIM_BANDWIDTH, NULL, 1e9, 1e15, "its HBM bandwidth"),
    ROW_AMOUNT(kernel_chip, "clock", clock_Hz, DIM_FREQUENCY, NULL, 1e8, 1e10, "its clock"),
    {0}};
static const struct cfg_table chip_table = {"measured_on",
                                            "the chip that tables and times of the kernel model were measured on",
                                            sizeof(struct kernel_chip), chip_fields};

static const struct cfg_field gemm_fields[] = {
    ROW_AMOUNT(kernel_gemm_cfg, "start", start_s, DIM_TIME, NULL, 0, 1, "what a launch takes beside its tiles"),
    ROW_AMOUNT(kernel_gemm_cfg, "block", block_s, DIM_TIME, NULL, 0, 1,
               "per step of 128 bytes along K, beside the tensor cores' time: barriers, scales"),
    ROW_AMOUNT(kernel_gemm_cfg, "wgrad_block", wgrad_block_s, DIM_TIME, NULL, 0, 1,
               "the same for weight gradients: scales on both sides, FP32 accumulation"),
    ROW_AMOUNT(kernel_gemm_cfg, "epilogue", epilogue_s, DIM_TIME, NULL, 0, 1, "writing a tile of 128 x 128"),
    ROW_RATIO(kernel_gemm_cfg, "memory", memory_ratio, NULL, 0.001, 1, "what GEMMs achieve of the memory bandwidth"),
    ROW_AMOUNT(kernel_gemm_cfg, "unhidden", unhidden_ratio, DIM_RATIO, NULL, 0, 1,
               "share of the smaller of tensor and memory time that the larger does not hide"),
    ROW_COUNT(kernel_gemm_cfg, "tile_m", tile_m, NULL, 64, 256, "rows of the library's largest tile"),
    ROW_COUNT(kernel_gemm_cfg, "tile_n", tile_n, NULL, 16, 256, "columns of the library's largest tile"),
    ROW_COUNT(kernel_gemm_cfg, "least_tile_m", least_m, NULL, 16, 256,
              "rows of its smallest; between them, rows double"),
    ROW_COUNT(kernel_gemm_cfg, "least_tile_n", least_n, NULL, 8, 256,
              "columns of its smallest; between them, columns grow by 8"),
    {0}};
static const struct cfg_table gemm_table = {"gemm", "GEMM kernels of a library", sizeof(struct kernel_gemm_cfg),
                                            gemm_fields};

static const struct cfg_field attention_fields[] = {
    ROW_AMOUNT(kernel_attention_cfg, "start", start_s, DIM_TIME, NULL, 0, 1, "prefill and training: launch and tail"),
    ROW_RATIO(kernel_attention_cfg, "forward", forward_ratio, NULL, 0.001, 1,
              "forward: share of the sustained tensor rate that its tiles reach"),
    ROW_RATIO(kernel_attention_cfg, "backward", backward_ratio, NULL, 0.001, 1, "backward: the same"),
    ROW_AMOUNT(kernel_attention_cfg, "forward_tile", forward_tile_s, DIM_TIME, NULL, 0, 1,
               "forward: what a tile of 128 queries costs beside its products"),
    ROW_AMOUNT(kernel_attention_cfg, "backward_tile", backward_tile_s, DIM_TIME, NULL, 0, 1,
               "backward: the same, the kernels before and after it included"),
    ROW_AMOUNT(kernel_attention_cfg, "decode_start", decode_start_s, DIM_TIME, NULL, 0, 1,
               "decoding: launch and the kernel that combines split requests"),
    ROW_AMOUNT(kernel_attention_cfg, "decode_block", decode_block_s, DIM_TIME, NULL, 0, 1,
               "decoding: per block of 64 tokens of the cache, beside the tensor cores' time"),
    ROW_AMOUNT(kernel_attention_cfg, "decode_request", decode_request_s, DIM_TIME, NULL, 0, 1,
               "decoding: per request that a part of the chip works on"),
    ROW_COUNT(kernel_attention_cfg, "decode_least_blocks", decode_least_blocks, NULL, 1, 64,
              "decoding: a request is not split into fewer blocks than this"),
    {0}};
static const struct cfg_table attention_table = {"attention", "attention kernels", sizeof(struct kernel_attention_cfg),
                                                 attention_fields};

static const struct cfg_field pass_fields[] = {
    ROW_AMOUNT(kernel_pass_cfg, "start", start_s, DIM_TIME, NULL, 0, 1, "the shortest kernel"),
    ROW_RATIO(kernel_pass_cfg, "quantise", quantise_ratio, NULL, 0.001, 1,
              "casts with scales: share of the memory bandwidth"),
    ROW_RATIO(kernel_pass_cfg, "norm", norm_ratio, NULL, 0.001, 1, "norms and their gradients"),
    ROW_RATIO(kernel_pass_cfg, "copy", copy_ratio, NULL, 0.001, 1, "copies"),
    ROW_RATIO(kernel_pass_cfg, "permute", permute_ratio, NULL, 0.001, 1, "rows gathered for their experts"),
    ROW_RATIO(kernel_pass_cfg, "unpermute", unpermute_ratio, NULL, 0.001, 1, "rows of experts summed per token"),
    ROW_RATIO(kernel_pass_cfg, "rope", rope_ratio, NULL, 0.001, 1, "rotary embedding"),
    ROW_RATIO(kernel_pass_cfg, "swiglu", swiglu_ratio, NULL, 0.001, 1, "SwiGLU and its gradient"),
    ROW_RATIO(kernel_pass_cfg, "transpose", transpose_ratio, NULL, 0.001, 1, "transposes"),
    ROW_RATIO(kernel_pass_cfg, "router", router_ratio, NULL, 0.001, 1, "scores, top-k, counts"),
    ROW_RATIO(kernel_pass_cfg, "elementwise", elementwise_ratio, NULL, 0.001, 1, "anything else, element by element"),
    {0}};
static const struct cfg_table pass_table = {"pass", "kernels that memory bandwidth limits",
                                            sizeof(struct kernel_pass_cfg), pass_fields};

static const struct cfg_field fields[] = {
    ROW_TEXT(hw_kernels, "tables", tables, "",
             "folders of measured kernel times (*.kernel, *.csv), or single such files, with commas: what stands first "
             "goes first; empty = roofline only"),
    ROW_TEXT(hw_kernels, "checks", checks, "",
             "folders of measured times that nothing is taken from: 'moesim kernels' compares with them"),
    ROW_PART(hw_kernels, "measured_on", measured_on, chip_table, NULL),
    ROW_RATIO(hw_kernels, "tensor", tensor_ratio, NULL, 0.001, 1, "sustained over nominal tensor rate (power, clock)"),
    ROW_RATIO(hw_kernels, "memory", memory_ratio, NULL, 0.001, 1, "what attention achieves of the memory bandwidth"),
    ROW_AMOUNT(hw_kernels, "sm_bytes_per_clock", sm_B_per_clock, DIM_BYTES, NULL, 1, 4096,
               "what one SM can load from L2 in a clock"),
    ROW_AMOUNT(hw_kernels, "launch_gap", launch_gap_s, DIM_TIME, NULL, 0, 1,
               "between a kernel's end and the next one's start"),
    ROW_PART(hw_kernels, "gemm", gemm, gemm_table, NULL),
    ROW_PART(hw_kernels, "gemm_bf16", gemm_bf16, gemm_table, NULL),
    ROW_PART(hw_kernels, "attention", attention, attention_table, NULL),
    ROW_PART(hw_kernels, "pass", pass, pass_table, NULL),
    {0}};
const struct cfg_table hw_kernels_table = {"kernels", "how long kernels take", sizeof(struct hw_kernels), fields};

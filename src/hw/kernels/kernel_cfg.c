/* Config tables of the kernel model. */
#include "hw/kernels/kernel_cfg.h"

#define QUANTITY(table, key, member, unit, low, high, text) \
    { \
        .name = key, .type = CFG_QUANTITY, .dim = (unit), .offset = offsetof(struct table, member), .min = (low), \
        .max = (high), .doc = text \
    }
#define COUNT(table, key, member, low, high, text) \
    { \
        .name = key, .type = CFG_INT, .offset = offsetof(struct table, member), .min = (low), .max = (high), \
        .doc = text \
    }
#define TIME(table, key, member, text) QUANTITY(table, key, member, DIM_TIME, 0, 1, text)
#define SHARE(table, key, member, text) QUANTITY(table, key, member, DIM_RATIO, 0.001, 1, text)
#define PART(key, member, table) \
    { \
        .name = key, .type = CFG_TABLE, .offset = offsetof(struct hw_kernels, member), .sub = &(table) \
    }

static const struct cfg_field chip_fields[] = {
    COUNT(kernel_chip, "sms", sms, 1, 4096, "its streaming multiprocessors"),
    QUANTITY(kernel_chip, "bf16", bf16_flops, DIM_FLOPS, 1e9, 1e18, "its dense BF16 tensor throughput"),
    QUANTITY(kernel_chip, "fp8", fp8_flops, DIM_FLOPS, 1e9, 1e18, "its dense FP8 tensor throughput"),
    QUANTITY(kernel_chip, "memory_bandwidth", memory_Bps, DIM_BANDWIDTH, 1e9, 1e15, "its HBM bandwidth"),
    QUANTITY(kernel_chip, "clock", clock_Hz, DIM_FREQUENCY, 1e8, 1e10, "its clock"),
    {0}};
static const struct cfg_table chip_table = {"measured_on",
                                            "the chip that tables and times of the kernel model were measured on",
                                            sizeof(struct kernel_chip), chip_fields};

static const struct cfg_field gemm_fields[] = {
    TIME(kernel_gemm_cfg, "start", start_s, "what a launch takes beside its tiles"),
    TIME(kernel_gemm_cfg, "block", block_s,
         "per step of 128 bytes along K, beside the tensor cores' time: barriers, scales"),
    TIME(kernel_gemm_cfg, "wgrad_block", wgrad_block_s,
         "the same for weight gradients: scales on both sides, FP32 accumulation"),
    TIME(kernel_gemm_cfg, "epilogue", epilogue_s, "writing a tile of 128 x 128"),
    SHARE(kernel_gemm_cfg, "memory", memory_ratio, "what GEMMs achieve of the memory bandwidth"),
    QUANTITY(kernel_gemm_cfg, "unhidden", unhidden_ratio, DIM_RATIO, 0, 1,
             "share of the smaller of tensor and memory time that the larger does not hide"),
    COUNT(kernel_gemm_cfg, "tile_m", tile_m, 64, 256, "rows of the library's largest tile"),
    COUNT(kernel_gemm_cfg, "tile_n", tile_n, 16, 256, "columns of the library's largest tile"),
    COUNT(kernel_gemm_cfg, "least_tile_m", least_m, 16, 256, "rows of its smallest; between them, rows double"),
    COUNT(kernel_gemm_cfg, "least_tile_n", least_n, 8, 256, "columns of its smallest; between them, columns grow by 8"),
    {0}};
static const struct cfg_table gemm_table = {"gemm", "GEMM kernels of a library", sizeof(struct kernel_gemm_cfg),
                                            gemm_fields};

static const struct cfg_field attention_fields[] = {
    TIME(kernel_attention_cfg, "start", start_s, "prefill and training: launch and tail"),
    SHARE(kernel_attention_cfg, "forward", forward_ratio,
          "forward: share of the sustained tensor rate that its tiles reach"),
    SHARE(kernel_attention_cfg, "backward", backward_ratio, "backward: the same"),
    TIME(kernel_attention_cfg, "forward_tile", forward_tile_s,
         "forward: what a tile of 128 queries costs beside its products"),
    TIME(kernel_attention_cfg, "backward_tile", backward_tile_s,
         "backward: the same, the kernels before and after it included"),
    TIME(kernel_attention_cfg, "decode_start", decode_start_s,
         "decoding: launch and the kernel that combines split requests"),
    TIME(kernel_attention_cfg, "decode_block", decode_block_s,
         "decoding: per block of 64 tokens of the cache, beside the tensor cores' time"),
    TIME(kernel_attention_cfg, "decode_request", decode_request_s,
         "decoding: per request that a part of the chip works on"),
    COUNT(kernel_attention_cfg, "decode_least_blocks", decode_least_blocks, 1, 64,
          "decoding: a request is not split into fewer blocks than this"),
    {0}};
static const struct cfg_table attention_table = {"attention", "attention kernels", sizeof(struct kernel_attention_cfg),
                                                 attention_fields};

#define PASS(key, text) SHARE(kernel_pass_cfg, #key, key##_ratio, text)

static const struct cfg_field pass_fields[] = {TIME(kernel_pass_cfg, "start", start_s, "the shortest kernel"),
                                               PASS(quantise, "casts with scales: share of the memory bandwidth"),
                                               PASS(norm, "norms and their gradients"),
                                               PASS(copy, "copies"),
                                               PASS(permute, "rows gathered for their experts"),
                                               PASS(unpermute, "rows of experts summed per token"),
                                               PASS(rope, "rotary embedding"),
                                               PASS(swiglu, "SwiGLU and its gradient"),
                                               PASS(transpose, "transposes"),
                                               PASS(router, "scores, top-k, counts"),
                                               PASS(elementwise, "anything else, element by element"),
                                               {0}};
static const struct cfg_table pass_table = {"pass", "kernels that memory bandwidth limits",
                                            sizeof(struct kernel_pass_cfg), pass_fields};

static const struct cfg_field fields[] = {
    {.name = "tables",
     .type = CFG_STRING,
     .offset = offsetof(struct hw_kernels, tables),
     .dflt = "",
     .doc = "folders of measured kernel times (*.csv), with commas; empty = roofline only"},
    {.name = "checks",
     .type = CFG_STRING,
     .offset = offsetof(struct hw_kernels, checks),
     .dflt = "",
     .doc = "folders of measured times that nothing is taken from: 'moesim kernels' compares with them"},
    PART("measured_on", measured_on, chip_table),
    SHARE(hw_kernels, "tensor", tensor_ratio, "sustained over nominal tensor rate (power, clock)"),
    SHARE(hw_kernels, "memory", memory_ratio, "what attention achieves of the memory bandwidth"),
    QUANTITY(hw_kernels, "sm_bytes_per_clock", sm_B_per_clock, DIM_BYTES, 1, 4096,
             "what one SM can load from L2 in a clock"),
    TIME(hw_kernels, "launch_gap", launch_gap_s, "between a kernel's end and the next one's start"),
    PART("gemm", gemm, gemm_table),
    PART("gemm_bf16", gemm_bf16, gemm_table),
    PART("attention", attention, attention_table),
    PART("pass", pass, pass_table),
    {0}};
const struct cfg_table hw_kernels_table = {"kernels", "how long kernels take", sizeof(struct hw_kernels), fields};

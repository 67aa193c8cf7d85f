/* Names of the kernel model, and what a call works on. */
#include "hw/kernels/kernels.h"

const char *const kernel_family_names[] = {
    [KERNEL_GEMM] = "gemm",
    [KERNEL_WGRAD] = "wgrad",
    [KERNEL_GROUPED_CONTIGUOUS] = "grouped_contiguous",
    [KERNEL_GROUPED_MASKED] = "grouped_masked",
    [KERNEL_ATTENTION_FORWARD] = "attention_forward",
    [KERNEL_ATTENTION_BACKWARD] = "attention_backward",
    [KERNEL_ATTENTION_DECODE] = "attention_decode",
    [KERNEL_MLA_DECODE] = "mla_decode",
    [KERNEL_MLA_PREFILL] = "mla_prefill",
    [KERNEL_GQA_DECODE] = "gqa_decode",
    [KERNEL_GQA_PREFILL] = "gqa_prefill",
    [KERNEL_MOE] = "moe",
    [KERNEL_MOE_CONTIGUOUS] = "moe_deepep_prefill",
    [KERNEL_MOE_MASKED] = "moe_deepep_decode",
    [KERNEL_MLA_BMM] = "mla_bmm",
    [KERNEL_DSA_DECODE] = "dsa_module_decode",
    [KERNEL_DSA_PREFILL] = "dsa_module_prefill",
    [KERNEL_QUANTISE] = "quantise",
    [KERNEL_NORM] = "norm",
    [KERNEL_COPY] = "copy",
    [KERNEL_PERMUTE] = "permute",
    [KERNEL_UNPERMUTE] = "unpermute",
    [KERNEL_ROPE] = "rope",
    [KERNEL_SWIGLU] = "swiglu",
    [KERNEL_TRANSPOSE] = "transpose",
    [KERNEL_ROUTER] = "router",
    [KERNEL_ELEMENTWISE] = "elementwise",
    [KERNEL_FAMILIES] = NULL,
};
const char *const kernel_dtype_names[] = {[KERNEL_FP8] = "fp8",
                                          [KERNEL_BF16] = "bf16",
                                          [KERNEL_FP8_TENSOR] = "fp8_tensor",
                                          [KERNEL_MXFP8] = "mxfp8",
                                          [KERNEL_NVFP4] = "nvfp4",
                                          [KERNEL_W4A16] = "w4a16",
                                          [KERNEL_W4A8] = "w4a8",
                                          NULL};
const char *const kernel_origin_names[] = {[KERNEL_FROM_POINT] = "table",
                                           [KERNEL_FROM_INTERPOLATION] = "interpolated",
                                           [KERNEL_FROM_SCALING] = "scaled",
                                           [KERNEL_FROM_ROOFLINE] = "roofline",
                                           [KERNEL_FROM_FIT] = "fitted",
                                           [KERNEL_FROM_RELATED] = "related",
                                           NULL};
const char *const kernel_limit_names[] = {
    [KERNEL_BY_TENSOR] = "tensor", [KERNEL_BY_MEMORY] = "memory", [KERNEL_BY_LATENCY] = "latency", NULL};

bool kernel_is_pass(enum kernel_family family)
{
    return family >= KERNEL_QUANTISE && family <= KERNEL_ELEMENTWISE;
}

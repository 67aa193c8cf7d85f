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
const char *const kernel_dtype_names[] = {[KERNEL_FP8] = "fp8", [KERNEL_BF16] = "bf16", NULL};
const char *const kernel_origin_names[] = {[KERNEL_FROM_POINT] = "table",
                                           [KERNEL_FROM_INTERPOLATION] = "interpolated",
                                           [KERNEL_FROM_SCALING] = "scaled",
                                           [KERNEL_FROM_ROOFLINE] = "roofline",
                                           NULL};
const char *const kernel_limit_names[] = {
    [KERNEL_BY_TENSOR] = "tensor", [KERNEL_BY_MEMORY] = "memory", [KERNEL_BY_LATENCY] = "latency", NULL};

bool kernel_is_pass(enum kernel_family family)
{
    return family >= KERNEL_QUANTISE;
}

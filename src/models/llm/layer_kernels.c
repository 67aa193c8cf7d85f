#include "models/llm/layer_kernels.h"

/* Of an activation as GEMMs read it, scales with it. */
static const double operand_B[KERNEL_DTYPES] = {
    [KERNEL_FP8] = 1 + 4.0 / 128,    [KERNEL_BF16] = 2,  [KERNEL_FP8_TENSOR] = 1,     [KERNEL_MXFP8] = 1 + 1.0 / 32,
    [KERNEL_NVFP4] = 0.5 + 1.0 / 16, [KERNEL_W4A16] = 2, [KERNEL_W4A8] = 1 + 1.0 / 32};

void layer_kernel(struct layer_kernels *k, const char *name, struct kernel_call call)
{
    k->add(k, name, &call, false);
}

void layer_core(struct layer_kernels *k, const char *name, struct kernel_call call)
{
    k->add(k, name, &call, true);
}

void layer_gemm(struct layer_kernels *l, const char *name, double m, double n, double k)
{
    layer_kernel(l, name, (struct kernel_call){.family = KERNEL_GEMM, .dtype = l->dtype, .m = m, .n = n, .k = k});
}

void layer_gemm_bf16(struct layer_kernels *l, const char *name, double m, double n, double k, double groups)
{
    layer_kernel(l, name,
                 (struct kernel_call){
                     .family = KERNEL_GEMM, .dtype = KERNEL_BF16, .m = m, .n = n, .k = k, .groups = (uint32_t)groups});
}

void layer_pass(struct layer_kernels *k, const char *name, enum kernel_family family, double read_B, double written_B)
{
    layer_kernel(k, name, (struct kernel_call){.family = family, .read_B = read_B, .written_B = written_B});
}

void layer_norm(struct layer_kernels *k, const char *name, double values)
{
    double streams = (double)k->model->residual_streams;
    layer_pass(k, name, KERNEL_NORM, (1 + streams) * values * layer_bf16_B, (1 + streams) * values * layer_bf16_B);
}

double layer_operand_B(const struct layer_kernels *k, double values)
{
    return values * operand_B[k->dtype];
}

void layer_quantise(struct layer_kernels *k, const char *name, double values)
{
    if (operand_B[k->dtype] < layer_bf16_B)
        layer_pass(k, name, KERNEL_QUANTISE, values * layer_bf16_B, layer_operand_B(k, values));
}

double layer_positions(const struct layer_kernels *k)
{
    return k->context + k->new_tokens;
}

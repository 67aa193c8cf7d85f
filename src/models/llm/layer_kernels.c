#include "models/llm/layer_kernels.h"

enum { SCALE_CHANNELS = 128 };
static const double scale_B = 4;

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
    return values * (k->dtype == KERNEL_FP8 ? 1 + scale_B / SCALE_CHANNELS : layer_bf16_B);
}

void layer_quantise(struct layer_kernels *k, const char *name, double values)
{
    if (k->dtype == KERNEL_FP8)
        layer_pass(k, name, KERNEL_QUANTISE, values * layer_bf16_B, layer_operand_B(k, values));
}

double layer_positions(const struct layer_kernels *k)
{
    return k->context + k->new_tokens;
}

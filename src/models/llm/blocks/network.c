#include "models/llm/blocks/network.h"

void network_layer(struct layer_kernels *k, double tokens, double width, bool cast)
{
    if (cast)
        layer_quantise(k, "cast", tokens * k->hidden);
    layer_gemm(k, "gate and up projection", tokens, 2 * width, k->hidden);
    layer_pass(k, "SwiGLU, cast", KERNEL_SWIGLU, 2 * tokens * width * layer_bf16_B, layer_operand_B(k, tokens * width));
    layer_gemm(k, "down projection", tokens, k->hidden, width);
    layer_pass(k, "sum", KERNEL_ELEMENTWISE, 2 * k->tokens * k->hidden * layer_bf16_B,
               k->tokens * k->hidden * layer_bf16_B);
}

/* SwiGLU of `width` channels: two halves to one, cast. */
static void swiglu(struct kernel_writer *w, double width)
{
    write_pass(w, "swiglu_cast", KERNEL_SWIGLU, 2 * w->tokens * width * bf16_B, w->tokens * width * fp8_B);
}

void network_write_down(struct kernel_writer *w, double width)
{
    swiglu(w, width);
    write_scales(w, width);
    write_gemm(w, "gemm_fp8", KERNEL_FP8, w->hidden, width);
}

void network_write_input_down(struct kernel_writer *w, double width)
{
    write_cast_back(w, w->tokens, w->hidden);
    write_transpose(w, w->hidden * width);
    write_scales(w, w->hidden);
    write_gemm(w, "gemm_fp8", KERNEL_FP8, width, w->hidden);
    write_pass(w, "quant_cast", KERNEL_QUANTISE, w->tokens * w->hidden * fp8_B,
               w->tokens * w->hidden * fp8_B); /* by columns, for the weights */
    swiglu(w, width);                          /* again, by columns */
    write_pass(w, "swiglu", KERNEL_SWIGLU, 3 * w->tokens * width * bf16_B, 2 * w->tokens * width * bf16_B);
}

void network_write_input_up(struct kernel_writer *w, double width)
{
    write_cast_back(w, w->tokens, w->hidden);
    write_linear_input(w, 2 * width, w->hidden);
    write_linear_operands(w, 2 * width, w->hidden);
}

void network_write_norm_again(struct kernel_writer *w)
{
    write_norm(w, 2, 2, w->hidden);
}

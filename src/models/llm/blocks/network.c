#include "models/llm/blocks/network.h"

double network_biases(double d, double width, bool gated, bool bias)
{
    return bias ? (gated ? 2 : 1) * width + d : 0;
}

double network_params(double d, double width, bool gated, bool bias)
{
    return (gated ? 3 : 2) * d * width + network_biases(d, width, gated, bias);
}

void network_activate(struct layer_kernels *k, double rows, double width, bool gated)
{
    layer_pass(k, gated ? "SwiGLU, cast" : "activation, cast", KERNEL_SWIGLU,
               (gated ? 2 : 1) * rows * width * layer_bf16_B, layer_operand_B(k, rows * width));
}

void network_layer(struct layer_kernels *k, double tokens, double width, bool gated, bool cast)
{
    if (cast)
        layer_quantise(k, "cast", tokens * k->hidden);
    layer_gemm(k, gated ? "gate and up projection" : "up projection", tokens, (gated ? 2 : 1) * width, k->hidden);
    network_activate(k, tokens, width, gated);
    layer_gemm(k, "down projection", tokens, k->hidden, width);
    layer_pass(k, "sum", KERNEL_ELEMENTWISE, 2 * k->tokens * k->hidden * layer_bf16_B,
               k->tokens * k->hidden * layer_bf16_B);
}

/* SwiGLU of `width` channels: two halves to one, which DeepSeek's kernel casts. */
static void swiglu(struct kernel_writer *w, double width)
{
    bool cast = write_casts(w) && !w->recipe->fused;
    write_pass(w, cast ? "swiglu_cast" : "swiglu", KERNEL_SWIGLU, 2 * w->tokens * width * bf16_B,
               w->tokens * width * (cast ? fp8_B : bf16_B));
}

void network_write_down(struct kernel_writer *w, double width)
{
    swiglu(w, width);
    if (w->recipe->fused) {
        write_linear_forward(w, w->hidden, width);
        return;
    }
    write_scales(w, width);
    write_linear_gemm(w, w->hidden, width);
}

static void swiglu_backward(struct kernel_writer *w, double width)
{
    write_pass(w, "swiglu", KERNEL_SWIGLU, 3 * w->tokens * width * bf16_B, 2 * w->tokens * width * bf16_B);
}

void network_write_input_down(struct kernel_writer *w, double width)
{
    if (w->recipe->fused) {
        write_linear_input(w, w->hidden, width);
        if (w->recipe->again & AGAIN_ACTIVATION)
            swiglu(w, width);
        swiglu_backward(w, width);
        return;
    }
    write_cast_back(w, w->tokens, w->hidden);
    write_transpose(w, w->hidden * width);
    write_scales(w, w->hidden);
    write_linear_gemm(w, width, w->hidden);
    if (write_casts(w)) /* by columns, for the weights */
        write_pass(w, "quant_cast", KERNEL_QUANTISE, w->tokens * w->hidden * fp8_B, w->tokens * w->hidden * fp8_B);
    if (w->recipe->again & AGAIN_ACTIVATION)
        swiglu(w, width); /* by columns */
    swiglu_backward(w, width);
}

void network_write_input_up(struct kernel_writer *w, double width)
{
    write_cast_back(w, w->tokens, w->hidden);
    write_linear_input(w, 2 * width, w->hidden);
    write_linear_operands(w, 2 * width, w->hidden);
}

void network_write_norm_again(struct kernel_writer *w)
{
    double tokens = w->tokens;
    w->tokens = w->own_tokens;
    if (w->recipe->again & AGAIN_NORM)
        write_norm(w, 2, 2, w->hidden);
    w->tokens = tokens;
}

void network_write_forward(struct kernel_writer *w, double width)
{
    write_gather(w, w->hidden, 1);
    write_linear_forward(w, 2 * width / w->tp, w->hidden);
    network_write_down(w, width / w->tp);
}

void network_write_input(struct kernel_writer *w, double width)
{
    write_gather(w, w->hidden, 1);
    network_write_input_down(w, width / w->tp);
    network_write_norm_again(w);
    write_gather_again(w, w->hidden);
    network_write_input_up(w, width / w->tp);
    write_scatter(w, w->hidden);
}

void network_write_weight(struct kernel_writer *w, double width)
{
    w->tokens = w->own_tokens * w->tp;
    write_linear_weight(w, w->hidden, width / w->tp);
    write_linear_weight(w, 2 * width / w->tp, w->hidden);
    w->tokens = w->own_tokens;
}

#include "models/llm/kernel_writer.h"

void write_gemm(struct kernel_writer *w, const char *name, enum kernel_dtype dtype, double n, double k)
{
    w->add(w, name, &(struct kernel_call){.family = KERNEL_GEMM, .dtype = dtype, .m = w->tokens, .n = n, .k = k},
           false);
}

void write_wgrad(struct kernel_writer *w, const char *name, enum kernel_dtype dtype, double n, double k)
{
    w->add(w, name, &(struct kernel_call){.family = KERNEL_WGRAD, .dtype = dtype, .m = n, .n = k, .k = w->tokens},
           false);
}

void write_pass(struct kernel_writer *w, const char *name, enum kernel_family family, double read_B, double written_B)
{
    w->add(w, name, &(struct kernel_call){.family = family, .read_B = read_B, .written_B = written_B}, false);
}

void write_small(struct kernel_writer *w, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        write_pass(w, "elementwise_small", KERNEL_ELEMENTWISE, 1, 1);
}

void write_cast(struct kernel_writer *w, double rows, double columns)
{
    write_pass(w, "quant_cast", KERNEL_QUANTISE, rows * columns * bf16_B, rows * columns * fp8_B);
}

void write_cast_back(struct kernel_writer *w, double rows, double columns)
{
    write_pass(w, "quant_cast", KERNEL_QUANTISE, rows * columns * fp8_B, rows * columns * bf16_B);
}

void write_scales(struct kernel_writer *w, double columns)
{
    double scales_B = w->tokens * columns * (fp8_B - 1);
    write_pass(w, "transpose", KERNEL_TRANSPOSE, scales_B, scales_B);
}

void write_transpose(struct kernel_writer *w, double weights)
{
    write_pass(w, "transpose", KERNEL_TRANSPOSE, weights, weights);
}

/* --- FP8 linear layers ------------------------------------------------------------------------------------------ */

void write_linear_forward(struct kernel_writer *w, double n, double k)
{
    write_cast(w, w->tokens, k);
    write_scales(w, k);
    write_gemm(w, "gemm_fp8", KERNEL_FP8, n, k);
}

/* Weights are kept for the forward pass and turned round for the backward one. */
void write_linear_input(struct kernel_writer *w, double n, double k)
{
    write_transpose(w, n * k);
    write_cast(w, w->tokens, n);
    write_scales(w, n);
    write_gemm(w, "gemm_fp8", KERNEL_FP8, k, n);
}

void write_linear_operands(struct kernel_writer *w, double n, double k)
{
    write_cast(w, w->tokens, n);
    write_cast(w, w->tokens, k);
}

void write_linear_weight(struct kernel_writer *w, double n, double k)
{
    write_wgrad(w, "wgrad_gemm_fp8", KERNEL_FP8, n, k);
}

/* --- passes ------------------------------------------------------------------------------------------------------ */

void write_norm(struct kernel_writer *w, double read_vectors, double written_vectors, double width)
{
    double vector_B = w->tokens * width * bf16_B;
    write_pass(w, "norm", KERNEL_NORM, read_vectors * vector_B, written_vectors * vector_B);
}

void write_norm_backward(struct kernel_writer *w, double read_vectors, double written_vectors, double width)
{
    write_norm(w, read_vectors, written_vectors, width);
    write_small(w, 2);
}

void write_elementwise(struct kernel_writer *w, double read_vectors, double written_vectors)
{
    double vector_B = w->tokens * w->hidden * bf16_B;
    write_pass(w, "elementwise", KERNEL_ELEMENTWISE, read_vectors * vector_B, written_vectors * vector_B);
}

void write_copy(struct kernel_writer *w, double width)
{
    write_pass(w, "copy", KERNEL_COPY, w->tokens * width * bf16_B, w->tokens * width * bf16_B);
}

void write_rope(struct kernel_writer *w, double width)
{
    write_pass(w, "rope", KERNEL_ROPE, w->tokens * width * bf16_B, w->tokens * width * bf16_B);
}

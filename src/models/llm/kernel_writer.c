#include "models/llm/kernel_writer.h"

const struct training_recipe training_recipe_deepseek = {.linear = KERNEL_FP8,
                                                         .attention = KERNEL_BF16,
                                                         .head = KERNEL_BF16,
                                                         .operand_B = 1 + 4.0 / 128,
                                                         .again = AGAIN_SELECTIVE};

static bool passes_apart(const struct kernel_writer *w)
{
    return write_casts(w) && !w->recipe->fused;
}

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
    for (uint32_t i = 0; i < n && !w->recipe->fused; i++)
        write_pass(w, "elementwise_small", KERNEL_ELEMENTWISE, 1, 1);
}

void write_cast(struct kernel_writer *w, double rows, double columns)
{
    if (!passes_apart(w))
        return;
    write_pass(w, "quant_cast", KERNEL_QUANTISE, rows * columns * bf16_B, rows * columns * fp8_B);
}

void write_cast_back(struct kernel_writer *w, double rows, double columns)
{
    if (!passes_apart(w))
        return;
    write_pass(w, "quant_cast", KERNEL_QUANTISE, rows * columns * fp8_B, rows * columns * bf16_B);
}

void write_scales(struct kernel_writer *w, double columns)
{
    double scales_B = w->tokens * columns * (fp8_B - 1);
    if (!passes_apart(w))
        return;
    write_pass(w, "transpose", KERNEL_TRANSPOSE, scales_B, scales_B);
}

void write_transpose(struct kernel_writer *w, double weights)
{
    if (!passes_apart(w))
        return;
    write_pass(w, "transpose", KERNEL_TRANSPOSE, weights, weights);
}

/* --- linear layers ----------------------------------------------------------------------------------------------- */

static const struct {
    enum kernel_dtype dtype;
    const char *gemm, *wgrad, *grouped;
} names[] = {{KERNEL_FP8, "gemm_fp8", "wgrad_gemm_fp8", "grouped_gemm_fp8"},
             {KERNEL_NVFP4, "gemm_nvfp4", "wgrad_gemm_nvfp4", "grouped_gemm_nvfp4"},
             {KERNEL_BF16, "gemm_bf16", "wgrad_gemm_bf16", "grouped_gemm_bf16"}};

const char *write_gemm_name(const struct kernel_writer *w, enum kernel_family family)
{
    size_t i = 0;
    while (i + 1 < sizeof names / sizeof *names && names[i].dtype != w->recipe->linear)
        i++;
    return family == KERNEL_WGRAD                ? names[i].wgrad
           : family == KERNEL_GROUPED_CONTIGUOUS ? names[i].grouped
                                                 : names[i].gemm;
}

void write_linear_gemm(struct kernel_writer *w, double n, double k)
{
    write_gemm(w, write_gemm_name(w, KERNEL_GEMM), w->recipe->linear, n, k);
}

/* One pass that leaves the operand by rows and, where there is a backward pass, by columns. */
static void cast_both(struct kernel_writer *w, double columns)
{
    double values = w->tokens * columns;
    if (w->cast) {
        w->cast--;
        return;
    }
    if (write_casts(w))
        write_pass(w, "quant_cast", KERNEL_QUANTISE, values * bf16_B, write_copies(w) * values * w->recipe->operand_B);
}

void write_linear_forward(struct kernel_writer *w, double n, double k)
{
    if (w->recipe->fused)
        cast_both(w, k);
    write_cast(w, w->tokens, k);
    write_scales(w, k);
    write_linear_gemm(w, n, k);
}

/* Weights are kept for the forward pass and, where they are cast by a pass apart, turned round for the backward one. */
void write_linear_input(struct kernel_writer *w, double n, double k)
{
    if (w->recipe->fused)
        cast_both(w, n);
    write_transpose(w, n * k);
    write_cast(w, w->tokens, n);
    write_scales(w, n);
    write_linear_gemm(w, k, n);
}

void write_linear_operands(struct kernel_writer *w, double n, double k)
{
    write_cast(w, w->tokens, n);
    write_cast(w, w->tokens, k);
}

void write_linear_weight(struct kernel_writer *w, double n, double k)
{
    write_wgrad(w, write_gemm_name(w, KERNEL_WGRAD), w->recipe->linear, n, k);
}

/* --- between GPUs --------------------------------------------------------------------------------------------------- */

/* Of a gathered number. */
static double gathered_B(const struct kernel_writer *w)
{
    return w->recipe->fused ? w->recipe->operand_B : bf16_B;
}

void write_gather(struct kernel_writer *w, double width, uint32_t layers)
{
    if (w->tp == 1)
        return;
    if (w->recipe->fused) {
        cast_both(w, width);
        w->cast = layers;
    }
    w->tokens = w->own_tokens * w->tp;
    w->collect(w, "tp_all_gather", w->tp, 1, w->tokens * width * gathered_B(w), true);
}

void write_gather_again(struct kernel_writer *w, double width)
{
    if (w->tp > 1)
        w->collect(w, "tp_all_gather", w->tp, 1, w->own_tokens * w->tp * width * gathered_B(w), true);
}

void write_scatter(struct kernel_writer *w, double width)
{
    if (w->tp == 1)
        return;
    w->collect(w, "tp_reduce_scatter", w->tp, 1, w->tokens * width * bf16_B, false);
    w->tokens = w->own_tokens;
}

void write_context(struct kernel_writer *w, double width)
{
    if (w->cp > 1)
        w->collect(w, "cp_exchange", w->cp, w->tp, w->own_tokens * w->tp * w->cp * width * bf16_B, true);
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
    if (w->recipe->fused)
        return;
    write_pass(w, "copy", KERNEL_COPY, w->tokens * width * bf16_B, w->tokens * width * bf16_B);
}

void write_rope(struct kernel_writer *w, double width)
{
    write_pass(w, "rope", KERNEL_ROPE, w->tokens * width * bf16_B, w->tokens * width * bf16_B);
}

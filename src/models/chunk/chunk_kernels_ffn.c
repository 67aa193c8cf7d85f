/* Feed-forward networks of a layer, kernel by kernel: dense, or shared and routed experts. */
#include <math.h>

#include "models/chunk/chunk_kernels_priv.h"

enum { PADDED_ROWS = 128 };

/* Experts of this GPU, and rows with what pads each to a tile. */
static double local_experts(const struct kernel_writer *w)
{
    return (double)w->model->moe.routed / w->work->group;
}

static double padded(const struct kernel_writer *w, bool backward)
{
    double each = w->rows[backward] / local_experts(w);
    return local_experts(w) * ceil(each / PADDED_ROWS) * PADDED_ROWS;
}

/* Distinct GPUs of a token's top_k experts over top_k: copies that arrive, per row. top_k of the experts of
 * top_groups groups, each as likely. */
static double copies_per_row(const struct kernel_writer *w)
{
    const struct moe_dims *e = &w->model->moe;
    double candidates = (double)(e->top_groups * (e->routed / e->groups));
    double mine = fmin(local_experts(w), candidates), missed = 1;
    for (int i = 0; i < e->top_k; i++)
        missed *= fmax(0, candidates - mine - i) / (candidates - i);
    return candidates / mine * (1 - missed) / (double)e->top_k;
}

/* A pass over the rows of the rank's experts. */
static void row_pass(struct kernel_writer *w, const char *name, enum kernel_family family, double read_B,
                     double written_B)
{
    write_kernel(w, name, &(struct kernel_call){.family = family, .read_B = read_B, .written_B = written_B}, true);
}

static void row_cast(struct kernel_writer *w, double rows, double columns, double from_B)
{
    row_pass(w, "quant_cast", KERNEL_QUANTISE, rows * columns * from_B, rows * columns * fp8_B);
}

static void row_scales(struct kernel_writer *w, double rows, double columns)
{
    double scales_B = rows * columns * (fp8_B - 1);
    row_pass(w, "copy", KERNEL_COPY, scales_B, scales_B);
}

static void grouped(struct kernel_writer *w, bool backward, double n, double k)
{
    double groups = local_experts(w);
    write_kernel(w, "grouped_gemm_fp8",
                 &(struct kernel_call){.family = KERNEL_GROUPED_CONTIGUOUS,
                                       .dtype = KERNEL_FP8,
                                       .m = w->rows[backward] / groups,
                                       .n = n,
                                       .k = k,
                                       .groups = (uint32_t)groups},
                 true);
}

static void grouped_weight(struct kernel_writer *w, double n, double k)
{
    double groups = local_experts(w);
    write_kernel(w, "wgrad_gemm_fp8",
                 &(struct kernel_call){.family = KERNEL_WGRAD,
                                       .dtype = KERNEL_FP8,
                                       .m = n,
                                       .n = k,
                                       .k = padded(w, true) / groups,
                                       .groups = (uint32_t)groups},
                 true);
}

/* --- one network for all tokens: dense, or the shared experts -------------------------------------------------- */

/* SwiGLU of `width` channels: two halves to one, cast. */
static void swiglu(struct kernel_writer *w, double width)
{
    write_pass(w, "swiglu_cast", KERNEL_SWIGLU, 2 * w->tokens * width * bf16_B, w->tokens * width * fp8_B);
}

static void network_forward(struct kernel_writer *w, double width)
{
    swiglu(w, width);
    write_scales(w, width);
    write_gemm(w, "gemm_fp8", KERNEL_FP8, w->hidden, width);
}

/* The output's gradient arrives in FP8. */
static void network_input_down(struct kernel_writer *w, double width)
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

static void network_input_up(struct kernel_writer *w, double width)
{
    write_cast_back(w, w->tokens, w->hidden);
    write_linear_input(w, 2 * width, w->hidden);
    write_linear_operands(w, 2 * width, w->hidden);
}

/* The norm before the network, again. */
static void norm_again(struct kernel_writer *w)
{
    double vector_B = w->tokens * w->hidden * bf16_B;
    write_pass(w, "norm", KERNEL_NORM, 2 * vector_B, 2 * vector_B);
}

void write_dense_forward(struct kernel_writer *w)
{
    double width = (double)w->model->dense_ffn;
    write_linear_forward(w, 2 * width, w->hidden);
    network_forward(w, width);
    write_cast(w, w->tokens, 2 * width); /* what SwiGLU is computed from again */
}

void write_dense_input(struct kernel_writer *w)
{
    double width = (double)w->model->dense_ffn;
    network_input_down(w, width);
    norm_again(w);
    network_input_up(w, width);
}

void write_dense_weight(struct kernel_writer *w)
{
    double width = (double)w->model->dense_ffn;
    write_linear_weight(w, w->hidden, width);
    write_linear_weight(w, 2 * width, w->hidden);
}

/* --- experts ----------------------------------------------------------------------------------------------------------- */

static double shared_width(const struct kernel_writer *w)
{
    return (double)(w->model->moe.shared * w->model->moe.ffn);
}

/* Which row goes where, from the choices that came with the tokens. */
static void map_rows(struct kernel_writer *w, double copies)
{
    double choices_B = copies * (double)w->model->moe.top_k * 8;
    for (int pass = 0; pass < 2; pass++) /* counted, then placed */
        row_pass(w, "moe_mapping", KERNEL_ROUTER, choices_B, 0);
}

void write_experts_forward(struct kernel_writer *w)
{
    double f = (double)w->model->moe.ffn, d = w->hidden, rows = padded(w, false), experts = local_experts(w);
    double copies = w->rows[0] * copies_per_row(w), width = shared_width(w);
    if (width > 0) {
        write_scales(w, d);
        write_gemm(w, "gemm_fp8", KERNEL_FP8, 2 * width, d);
    }
    map_rows(w, copies);
    row_pass(w, "moe_permute", KERNEL_PERMUTE, copies * d * fp8_B, rows * d * fp8_B);
    write_transpose(w, experts * 2 * f * d);
    row_scales(w, rows, d);
    grouped(w, false, 2 * f, d);
    write_small(w, 1);
    row_pass(w, "swiglu_cast", KERNEL_SWIGLU, 2 * rows * f * bf16_B, rows * f * fp8_B);
    write_transpose(w, experts * d * f);
    row_scales(w, rows, f);
    grouped(w, false, d, f);
    row_pass(w, "moe_unpermute_reduce", KERNEL_UNPERMUTE, rows * d * bf16_B, copies * d * bf16_B);
    if (width > 0)
        network_forward(w, width);
    row_cast(w, rows, 2 * f, bf16_B); /* what SwiGLU is computed from again */
    if (width > 0)
        write_cast(w, w->tokens, 2 * width);
}

void write_experts_input(struct kernel_writer *w)
{
    double f = (double)w->model->moe.ffn, d = w->hidden, rows = padded(w, true), width = shared_width(w);
    double copies = w->rows[1] * copies_per_row(w);
    if (width > 0)
        network_input_down(w, width);
    row_pass(w, "quant_cast", KERNEL_QUANTISE, rows * 2 * f * fp8_B, rows * 2 * f * bf16_B);
    row_pass(w, "moe_permute", KERNEL_PERMUTE, copies * d * fp8_B, rows * d * fp8_B);
    row_scales(w, rows, d);
    grouped(w, true, f, d);
    row_pass(w, "swiglu", KERNEL_SWIGLU, 3 * rows * f * bf16_B, 3 * rows * f * bf16_B); /* and SwiGLU again */
    row_pass(w, "swiglu", KERNEL_SWIGLU, 2 * rows * f * bf16_B, 0); /* gradients of the routing weights */
    row_cast(w, rows, f, bf16_B);
    write_small(w, 1);
    norm_again(w);
    write_cast(w, w->tokens, d);
    row_cast(w, rows, 2 * f, bf16_B);
    row_scales(w, rows, 2 * f);
    grouped(w, true, d, 2 * f);
    row_pass(w, "moe_unpermute_reduce", KERNEL_UNPERMUTE, rows * d * bf16_B, copies * d * bf16_B);
    row_cast(w, rows, 2 * f, bf16_B);
    if (width > 0)
        network_input_up(w, width);
}

/* Rows by columns, gathered again from the tokens that came: gradients, then inputs. */
void write_experts_weight(struct kernel_writer *w)
{
    double f = (double)w->model->moe.ffn, d = w->hidden, rows = padded(w, true), width = shared_width(w);
    if (width > 0)
        write_linear_weight(w, d, width);
    row_cast(w, rows, d, fp8_B);
    grouped_weight(w, d, f);
    row_cast(w, rows, d, fp8_B);
    grouped_weight(w, 2 * f, d);
    if (width > 0)
        write_linear_weight(w, 2 * width, d);
}

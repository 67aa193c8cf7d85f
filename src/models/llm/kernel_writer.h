/* The kernels of a layer in training, as blocks list them: DeepSeek's FP8 recipe (V3 report 3.3), read off its
 * published trace. Whoever asks a block for them decides what becomes of a kernel. */
#ifndef MOESIM_MODELS_LLM_KERNEL_WRITER_H
#define MOESIM_MODELS_LLM_KERNEL_WRITER_H

#include "hw/kernels/kernels.h"
#include "models/llm/model.h"

struct kernel_writer {
    const struct model *model;
    double sequences, length; /* of a micro-batch */
    double tokens, hidden;    /* sequences * length; of the residual stream */
    uint32_t group;           /* GPUs that share the experts */
    double rows[2];           /* of the rank's experts, forward and backward */
    /* A kernel at the end of the part that is asked for. per_token: on the rows of the rank's experts. */
    void (*add)(struct kernel_writer *w, const char *name, const struct kernel_call *call, bool per_token);
};

/* Of `tokens` tokens. */
void write_gemm(struct kernel_writer *w, const char *name, enum kernel_dtype dtype, double n, double k);
void write_wgrad(struct kernel_writer *w, const char *name, enum kernel_dtype dtype, double n, double k);
void write_pass(struct kernel_writer *w, const char *name, enum kernel_family family, double read_B, double written_B);
/* n kernels that take the shortest time there is. */
void write_small(struct kernel_writer *w, uint32_t n);

/* The FP8 linear layer y[tokens, n] = x[tokens, k] W[n, k]^T: casts with it. */
void write_linear_forward(struct kernel_writer *w, double n, double k);
void write_linear_input(struct kernel_writer *w, double n, double k);
/* What the gradient of W needs: both operands by columns. */
void write_linear_operands(struct kernel_writer *w, double n, double k);
void write_linear_weight(struct kernel_writer *w, double n, double k);

/* rows x columns values between BF16 and FP8, with a scale per 128. */
void write_cast(struct kernel_writer *w, double rows, double columns);
void write_cast_back(struct kernel_writer *w, double rows, double columns);
/* Scales of a cast to the order that the GEMM wants. */
void write_scales(struct kernel_writer *w, double columns);
void write_transpose(struct kernel_writer *w, double weights);

/* Passes over `width` values of every token, or so many vectors of that. */
void write_norm(struct kernel_writer *w, double read_vectors, double written_vectors, double width);
void write_norm_backward(struct kernel_writer *w, double read_vectors, double written_vectors, double width);
void write_elementwise(struct kernel_writer *w, double read_vectors, double written_vectors);
void write_copy(struct kernel_writer *w, double width);
void write_rope(struct kernel_writer *w, double width);

static const double bf16_B = 2, fp8_B = 1 + 4.0 / 128;

#endif

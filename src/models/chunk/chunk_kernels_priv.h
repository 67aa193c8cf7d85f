/* Writing the kernels of a layer; inside chunk_kernels*.c. */
#ifndef MOESIM_MODELS_CHUNK_CHUNK_KERNELS_PRIV_H
#define MOESIM_MODELS_CHUNK_CHUNK_KERNELS_PRIV_H

#include "models/chunk/chunk_kernels.h"
#include "models/chunk/chunk_material.h"

struct kernel_writer {
    struct material_builder b;
    const struct chunk_work *work;
    const struct model *model;
    double tokens, hidden;
    double sms; /* that computation has */
    /* of the layer */
    enum chunk_part part;
    double rows[2]; /* of the rank's experts, forward and backward */
};

enum { STREAM_COMPUTE, STREAM_COMMUNICATION, N_STREAMS };

/* A kernel at the end of the part. per_token: on the rows of the rank's experts. */
void write_kernel(struct kernel_writer *w, const char *name, const struct kernel_call *call, bool per_token);

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

void write_attention_forward(struct kernel_writer *w, bool router);
void write_attention_input(struct kernel_writer *w, bool router);
void write_attention_weight(struct kernel_writer *w);
void write_experts_forward(struct kernel_writer *w);
void write_experts_input(struct kernel_writer *w);
void write_experts_weight(struct kernel_writer *w);
void write_dense_forward(struct kernel_writer *w);
void write_dense_input(struct kernel_writer *w);
void write_dense_weight(struct kernel_writer *w);

static const double bf16_B = 2, fp8_B = 1 + 4.0 / 128, score_B = 4;

#endif

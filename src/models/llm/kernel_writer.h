/* The kernels of a layer in training, as blocks list them, in one of two ways. DeepSeek's: its FP8 recipe (V3 report
 * 3.3), read off its published trace. Fused: what Megatron-LM with Transformer Engine runs on Blackwell: an operand is
 * cast once, by rows and by columns; norms, rope, SwiGLU, the router and moving rows to experts are a kernel each. In BF16
 * the casts of either fall away. Whoever asks a block for kernels decides what becomes of one. */
#ifndef MOESIM_MODELS_LLM_KERNEL_WRITER_H
#define MOESIM_MODELS_LLM_KERNEL_WRITER_H

#include "hw/kernels/kernels.h"
#include "models/llm/model.h"

/* What the backward pass computes again (names of Megatron-LM's --recompute-modules). */
enum recompute {
    AGAIN_NORM = 1,       /* norms: "layernorm" */
    AGAIN_LATENTS = 2,    /* MLA's up projections: "mla_up_proj" */
    AGAIN_ACTIVATION = 4, /* SwiGLU: "moe_act" */
    AGAIN_CORE = 8,       /* core attention: "core_attn" */
    AGAIN_MLP = 16,       /* dense networks: "mlp" */
    AGAIN_SHARED = 32,    /* shared experts: "shared_experts" */
    AGAIN_MOE = 64,       /* experts with their dispatch: "moe" */
    AGAIN_LAYER = 128,    /* everything, so nothing of a part: "full" */
    AGAIN_SELECTIVE = AGAIN_NORM | AGAIN_LATENTS | AGAIN_ACTIVATION
};

struct training_recipe {
    enum kernel_dtype linear, attention, head; /* what tensor cores multiply */
    double operand_B;                          /* of a number that a linear layer multiplies, its scale with it */
    bool fused;                                /* else DeepSeek's kernels */
    bool evaluates;                            /* there is no backward pass that would want operands by columns */
    unsigned again;                            /* bits of enum recompute */
};

/* DeepSeek's. */
extern const struct training_recipe training_recipe_deepseek;

struct kernel_writer {
    const struct model *model;
    const struct training_recipe *recipe;
    double sequences, length; /* of a micro-batch */
    double tokens, hidden;    /* that a kernel is of now: the GPU's own, or those that its group has gathered */
    double own_tokens;        /* sequences * length / (tp * cp) */
    uint32_t cast;            /* operands of so many linear layers to come have been cast before they were gathered */
    uint32_t tp, cp;          /* GPUs that share heads and networks; a sequence */
    uint32_t group;           /* GPUs that share the experts, each of which is divided among etp more */
    uint32_t etp;
    double rows[2]; /* of the rank's experts, forward and backward */
    /* A kernel at the end of the part that is asked for. per_token: on the rows of the rank's experts. */
    void (*add)(struct kernel_writer *w, const char *name, const struct kernel_call *call, bool per_token);
    /* Every one of `peers` GPUs, `stride` apart, sends its share of bytes_B to each other one, beside the next kernel
     * where that may be. NULL: nothing is ever gathered. */
    void (*collect)(struct kernel_writer *w, const char *name, uint32_t peers, uint32_t stride, double bytes_B,
                    bool beside);
};

/* How often one pass writes an operand: by rows, and by columns for the backward pass (Transformer Engine's quantizers:
 * columnwise only where gradients are enabled). */
static inline double write_copies(const struct kernel_writer *w)
{
    return w->recipe->evaluates ? 1 : 2;
}

static inline bool write_casts(const struct kernel_writer *w)
{
    return w->recipe->linear != KERNEL_BF16;
}

/* Tensor parallelism with sequence parallelism (Korthikanti et al., MLSys'23): between norms and residuals each GPU has
 * its own tokens. Gathers vectors of `width` numbers, which the next `layers` linear layers multiply, and works on the
 * group's tokens from there on; sums up and is back to the own ones. Fused kernels cast before they gather. Nothing where
 * tp is 1. */
void write_gather(struct kernel_writer *w, double width, uint32_t layers);
void write_scatter(struct kernel_writer *w, double width);
/* The same vectors once more, for gradients of weights. */
void write_gather_again(struct kernel_writer *w, double width);
/* Keys and values of `width` numbers of the rest of the sequence, beside core attention (ring attention). */
void write_context(struct kernel_writer *w, double width);

/* Of `tokens` tokens. */
void write_gemm(struct kernel_writer *w, const char *name, enum kernel_dtype dtype, double n, double k);
void write_wgrad(struct kernel_writer *w, const char *name, enum kernel_dtype dtype, double n, double k);
void write_pass(struct kernel_writer *w, const char *name, enum kernel_family family, double read_B, double written_B);
/* n kernels that take the shortest time there is. */
void write_small(struct kernel_writer *w, uint32_t n);

/* The linear layer y[tokens, n] = x[tokens, k] W[n, k]^T: casts with it. */
void write_linear_forward(struct kernel_writer *w, double n, double k);
void write_linear_input(struct kernel_writer *w, double n, double k);
/* What the gradient of W needs: both operands by columns. */
void write_linear_operands(struct kernel_writer *w, double n, double k);
void write_linear_weight(struct kernel_writer *w, double n, double k);
/* Its GEMM alone. */
void write_linear_gemm(struct kernel_writer *w, double n, double k);
/* "gemm_fp8"; "wgrad_gemm_fp8". */
const char *write_gemm_name(const struct kernel_writer *w, enum kernel_family family);

/* DeepSeek's passes; none where nothing is cast, or all that is not a norm, an activation or rope is fused.
 * rows x columns values between BF16 and FP8, with a scale per 128. */
void write_cast(struct kernel_writer *w, double rows, double columns);
void write_cast_back(struct kernel_writer *w, double rows, double columns);
/* Scales of a cast to the order that the GEMM wants. */
void write_scales(struct kernel_writer *w, double columns);
void write_transpose(struct kernel_writer *w, double weights);

/* Passes over `width` values of every token, or so many vectors of that. */
void write_norm(struct kernel_writer *w, double read_vectors, double written_vectors, double width);
void write_norm_backward(struct kernel_writer *w, double read_vectors, double written_vectors, double width);
void write_elementwise(struct kernel_writer *w, double read_vectors, double written_vectors);
/* Separate passes of DeepSeek's kernels; none where they are fused. */
void write_copy(struct kernel_writer *w, double width);
void write_rope(struct kernel_writer *w, double width);

static const double bf16_B = 2, fp8_B = 1 + 4.0 / 128;

#endif

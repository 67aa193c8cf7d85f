/* The kernels of a layer in inference, as blocks list them: DeepSeek's and SGLang's open kernels. Whoever asks a
 * block for them decides what becomes of a kernel. */
#ifndef MOESIM_MODELS_LLM_LAYER_KERNELS_H
#define MOESIM_MODELS_LLM_LAYER_KERNELS_H

#include "hw/kernels/kernels.h"
#include "models/llm/model.h"

/* What a GPU works on. */
struct layer_kernels {
    const struct model *model;
    enum kernel_dtype dtype;    /* of weights, and of what they are multiplied with */
    double hidden;              /* of the residual stream */
    double tokens;              /* of the GPU */
    double group_tokens;        /* of its TP group, which divides heads */
    double sequences;           /* of the group */
    double context, new_tokens; /* positions of each: cached before, computed now */
    uint32_t tp;
    uint32_t network_tp; /* GPUs of the group that divide networks, too */
    bool prefill;
    /* A kernel at the end. core: it reads the cache, and its time grows with that. */
    void (*add)(struct layer_kernels *k, const char *name, const struct kernel_call *call, bool core);
};

void layer_kernel(struct layer_kernels *k, const char *name, struct kernel_call call);
void layer_core(struct layer_kernels *k, const char *name, struct kernel_call call);
/* D[m, n] = A[m, k] B[n, k]^T in the layer's precision; in BF16, `groups` of them. */
void layer_gemm(struct layer_kernels *l, const char *name, double m, double n, double k);
void layer_gemm_bf16(struct layer_kernels *l, const char *name, double m, double n, double k, double groups);
void layer_pass(struct layer_kernels *k, const char *name, enum kernel_family family, double read_B, double written_B);
/* With the residual in and out, all of its streams. */
void layer_norm(struct layer_kernels *k, const char *name, double values);
/* To what GEMMs read, where that is not BF16 already. */
void layer_quantise(struct layer_kernels *k, const char *name, double values);
/* Bytes that GEMMs read of so many values. */
double layer_operand_B(const struct layer_kernels *k, double values);
/* Of a sequence, new ones counted. */
double layer_positions(const struct layer_kernels *k);

static const double layer_bf16_B = 2;

#endif

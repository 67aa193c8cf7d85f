/* Material for chunks (chunk_compose.h) from a model's dimensions and the kernel model alone: no trace. */
#ifndef MOESIM_MODELS_CHUNK_CHUNK_KERNELS_H
#define MOESIM_MODELS_CHUNK_CHUNK_KERNELS_H

#include "hw/kernels/kernels.h"
#include "models/chunk/chunk_compose.h"
#include "models/llm/kernel_writer.h"
#include "models/llm/model.h"

/* What a GPU works on. */
struct chunk_work {
    const struct model *model;
    const struct kernel_model *kernels;
    const struct cluster_hw *hw; /* ep_kernel: what communication holds and waits */
    const struct training_recipe *recipe;
    double sequences, length;              /* of a micro-batch */
    uint32_t group;                        /* GPUs that share the experts, each of which etp more divide */
    uint32_t etp, tp, cp;                  /* tp GPUs share heads and networks, cp a sequence */
    bool beside;                           /* what tensor parallelism gathers goes beside the GEMM that needs it */
    const struct chunk_exchange *exchange; /* NULL: DeepEP's normal kernels */
    double gemm_sms, attention_sms;        /* that GEMMs and attention take */
    uint32_t layers;                       /* layers with experts in the material; each has loads of its own */
    const double *load; /* [2 * layers] tokens of the rank's experts over the mean, [2 * layer + backward];
                                    NULL: the mean. Kernels hold for it */
};

/* Layers with experts (as many as w->layers, where the model has any), then one dense layer. Embedding, projection
 * and head are material_add_ends' (chunk_material.h). */
void material_from_kernels(const struct chunk_work *w, struct arena *arena, struct chunk_material *out);

/* SMs of the chip that expert kernels leave. */
double chunk_kernel_sms(const struct cluster_hw *hw, const struct model *m);

/* Parts that the model's blocks lack, e.g. "attention.kind window"; NULL: there are none. */
const char *material_from_kernels_lacks(const struct model *m);

#endif

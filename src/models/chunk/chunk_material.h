/* Material for chunks (chunk_compose.h): where its layers come from. */
#ifndef MOESIM_MODELS_CHUNK_CHUNK_MATERIAL_H
#define MOESIM_MODELS_CHUNK_CHUNK_MATERIAL_H

#include "hw/kernels/kernels.h"
#include "models/chunk/chunk_compose.h"
#include "models/llm/kernel_writer.h"
#include "models/llm/model.h"
#include "models/chunk/recording.h"
#include "models/trace.h"

/* Growing material kernel by kernel. Layers are added one after the other. */
struct material_builder {
    struct chunk_material *material;
    struct arena *arena;
    uint32_t cap_kernels, cap_layers, cap_names, cap_deps;
    uint32_t stream;  /* of kernels to come */
    uint32_t awaited; /* kernel that the next one waits for, from 1; 0 = none */
};

/* A builder that goes on where `material` ends (zeroed: at nothing). Streams are set by the caller. */
struct material_builder material_begin(struct chunk_material *material, struct arena *arena);
/* The layer that kernels are added to from now on, from 1. */
int32_t material_layer(struct material_builder *b, enum chunk_layer kind);
/* A kernel at the end of the current layer's part; its place (stream, name, phase, layer, direction, routing) is
 * filled in. */
void material_add(struct material_builder *b, enum chunk_part part, const char *name,
                  const struct chunk_kernel *kernel);
/* Kernel `kernel`, the last that was added, waits for an earlier one. */
void material_wait(struct material_builder *b, uint32_t kernel, uint32_t before);

struct chunk_ends {
    const struct model *model;
    const struct kernel_model *kernels;
    const struct training_recipe *recipe;
    double tokens; /* of the GPU, of which tp neighbours share the vocabulary */
    uint32_t tp;
    const struct cluster_hw *hw; /* over which they gather */
    double logit_B;              /* of a logit in the loss; 2 is one pass over the head's own output */
};

/* Adds embedding, projection and head (once each), by the kernel model. */
void material_add_ends(struct chunk_material *material, const struct chunk_ends *ends, struct arena *arena);
/* The trace's layer pairs as experts' layers, and without their communication, experts' kernels at the mean load
 * taken for it, as dense ones. */
void material_from_trace(const struct trace *trace, const struct recording *recording, const struct cluster_hw *hw,
                         const struct model *m, struct arena *arena, struct chunk_material *out);

#endif

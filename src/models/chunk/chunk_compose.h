/* Chunks of pipeline stages out of material: a chunk program that has layers of each kind, with all parts of
 * forward and backward work. */
#ifndef MOESIM_MODELS_CHUNK_CHUNK_COMPOSE_H
#define MOESIM_MODELS_CHUNK_CHUNK_COMPOSE_H

#include "models/chunk/chunk.h"

/* Parts of a layer, in the order in which the streams of a pair of layers run them (DeepSeek's profile; V3 report,
 * Figure 4). combine(B) and dispatch(B) are the backward passes of combine and dispatch. */
enum chunk_part {
    PART_COMBINE_B,
    PART_ATTN_F,
    PART_DISPATCH_F,
    PART_MLP_B,
    PART_DISPATCH_B,
    PART_MLP_W,
    PART_MLP_F,
    PART_COMBINE_F,
    PART_ATTN_B,
    PART_ATTN_W,
    PART_OTHER_F, /* of embedding, projection and head, which are one part each */
    PART_OTHER_B,
    PART_OTHER_W,
    N_CHUNK_PARTS
};

extern const char *const chunk_part_names[]; /* "combine(B)": names of phases; NULL-terminated */

enum chunk_layer {
    LAYER_EMBEDDING,
    LAYER_DENSE,
    LAYER_MOE,
    LAYER_PROJECTION, /* of an MTP module, before its layer: two vectors to one */
    LAYER_HEAD,       /* output head and loss */
    N_CHUNK_LAYERS
};

extern const char *const chunk_layer_names[]; /* NULL-terminated */

struct chunk_material {
    struct chunk_program program; /* every phase is the name of a part */
    uint8_t *kind;                /* [n_layers] enum chunk_layer of the program's layer i + 1 */
    uint32_t n_layers;
};

enum { WORK_FORWARD = 1, WORK_INPUT = 2, WORK_WEIGHT = 4 };

/* Layers of a stage in the model's order. */
struct chunk_stage {
    const uint8_t *kind; /* [n] enum chunk_layer */
    uint32_t n;
};

/* A chunk: the forward work of one stage, the backward work of another (or the same) one, or both at once. */
struct chunk_spec {
    struct chunk_stage forward, backward; /* n == 0: none */
    unsigned work;                        /* of the backward stage: WORK_INPUT, WORK_WEIGHT or both */
    unsigned
        again; /* forward parts that the backward stage's transformer layers run once more, each before its backward
                       parts: 1 << enum chunk_part */
    bool weights_at_once; /* weights' gradients right behind those of inputs, before what follows these */
};

/* All but the combine, whose result the next layer has kept; experts with their dispatch. */
enum {
    CHUNK_AGAIN_EXPERTS = 1 << PART_DISPATCH_F | 1 << PART_MLP_F,
    CHUNK_AGAIN_ALL = 1 << PART_ATTN_F | CHUNK_AGAIN_EXPERTS
};

/* The material has a layer of each kind that the spec names. Several of a kind take turns. */
void chunk_compose(const struct chunk_material *material, const struct chunk_spec *spec, struct arena *arena,
                   struct chunk_program *out);

#endif

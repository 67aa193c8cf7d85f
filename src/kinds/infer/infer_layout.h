/* A model laid out on the GPUs of an inference service: ranks, places of experts,
 * tokens, memory. */
#ifndef MOESIM_KINDS_INFER_INFER_LAYOUT_H
#define MOESIM_KINDS_INFER_INFER_LAYOUT_H

#include "base/arena.h"
#include "hw/cluster.h"
#include "models/routing/expert_load.h"
#include "kinds/infer/infer_cfg.h"
#include "models/comm/ep_kernel.h"
#include "models/llm/model.h"

/* Parts of computation that a study may leave out. */
enum infer_part {
    PART_EXPERTS = 1,     /* kernels of routed experts */
    PART_NETWORKS = 2,    /* shared and dense networks, embedding, head */
    PART_PROJECTIONS = 4, /* attention but for its core; norms, router */
    PART_CORE = 8,        /* attention over the cache */
    PART_GAPS = 16        /* gaps between kernels */
};

struct infer_layout {
    const struct model *model;
    const struct cluster_hw *hw;
    const struct infer_cfg *cfg;
    const struct expert_load_cfg *expert_load;
    const struct load_rows *load_rows; /* counted loads, or NULL */
    bool prefill;
    uint32_t ranks; /* of the expert-parallel group; without experts: of all groups of tp */
    uint32_t ranks_per_node, n_nodes, tp;
    /* places of experts; shared ones come after the routed */
    uint32_t routed_slots, slots, slots_per_rank;
    uint32_t micro_batches;
    double tokens;                       /* that a rank dispatches per micro-batch */
    double new_tokens;                   /* decoding: of a sequence and step; prefill: of a prompt */
    double sequences;                    /* of a TP group and micro-batch: decoding; prefill: prompts */
    double context;                      /* positions that are attended to beside the new ones */
    unsigned left_out;                   /* bits of enum infer_part */
    const struct ep_kernel_type *kernel; /* that exchanges tokens; NULL: a model without experts */
    bool hooks;                          /* it leaves SMs alone while tokens travel */
    struct ep_traffic typical;           /* what a token reaches; no arrays */
};

/* A dispatch or combine of a micro-batch; it points into the layout. */
struct ep_call infer_ep_call(const struct infer_layout *l, bool combine);

/* Bytes of one GPU. */
struct infer_memory {
    double weights_B, kv_B, buffers_B, activations_B, reserve_B;
    double total_B, capacity_B;
    double per_sequence_B; /* what one sequence more per GPU takes */
    int64_t largest_batch; /* sequences per GPU that fit; prefill: positions */
};

/* What does not fit together, and the key to blame. */
struct infer_misfit {
    const char *key, *text;
};
enum {
    INFER_MAX_MISFITS = 16,
    INFER_MAX_EXPERTS = 4096 /* of a layer on a GPU */
};

/* What a layout is made from. */
struct infer_given {
    const struct infer_cfg *cfg;
    const struct model *model;
    const struct cluster_hw *hw;
    const struct expert_load_cfg *expert_load;
    const struct load_rows *load_rows; /* NULL: none were counted */
    unsigned left_out;                 /* bits of enum infer_part */
};

/* The layout of one phase (prefill or decode) on `nodes` nodes. Returns how many
 * misfits it wrote; with none of them *out is valid. */
uint32_t infer_lay_out(const struct infer_given *given, bool prefill, int64_t nodes, struct arena *arena,
                       struct infer_layout *out, struct infer_misfit misfits[INFER_MAX_MISFITS]);

struct infer_memory infer_memory(const struct infer_layout *l);

/* GPUs that share a dense network, embedding and head: those of attention in a model
 * without experts, else one. */
uint32_t infer_dense_tp(const struct infer_layout *l);

#endif

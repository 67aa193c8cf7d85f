/* What a GPU computes in each stage of inference: lists of kernels, and how long they
 * take. */
#ifndef MOESIM_KINDS_INFER_INFER_KERNELS_H
#define MOESIM_KINDS_INFER_INFER_KERNELS_H

#include "hw/kernels/kernel_origins.h"
#include "hw/kernels/kernels.h"
#include "kinds/infer/infer_layout.h"

/* Stages of computation. Decoding (DeepEP's hook-based overlap; SGLang's five stages):
 * attn0 is what comes before the core of attention, attn1 the core and all up to the
 * gate. Prefill has all of attention in attn1. */
enum infer_stage {
    STAGE_EMBED,
    STAGE_ATTN0,
    STAGE_ATTN1,
    STAGE_DENSE,
    STAGE_SHARED,
    STAGE_MLP,
    STAGE_DISPATCH_SEND, /* exchanges with hooks: what their kernels do on SMs before and after
                            the transfer */
    STAGE_DISPATCH_RECV,
    STAGE_COMBINE_SEND,
    STAGE_COMBINE_RECV,
    STAGE_HEAD,
    N_STAGES
};

extern const char *const infer_stage_names[N_STAGES];

struct infer_kernel {
    const char *name;
    enum infer_stage stage;
    const struct block *block; /* of which it is; NULL: of all layers, or of none */
    struct kernel_call call;
    struct kernel_time time;
    struct kernel_gains gains;
    bool fixed; /* of kernels that exchange tokens, which are no calls of the kernel model: takes fixed_s */
    double fixed_s;
};

/* All kernels of a micro-batch, block by block; experts with the rows of an average
 * rank. */
struct infer_kernels {
    const struct model *model;
    struct infer_kernel *list;
    uint32_t n, most;
    double (*stage_s)[N_STAGES]; /* [classes of layers] kernels and the gaps between them */
    uint32_t (*stage_n)[N_STAGES];
    double (*stage_B)[N_STAGES]; /* of memory, read and written */
    double gap_s;
    double sms;      /* that computation has */
    double launch_s; /* of a kernel by the CPU; 0 = a graph is replayed */
};

void infer_kernels_fill(const struct infer_layout *l, const struct kernel_model *model, struct arena *arena,
                        struct infer_kernels *out);

/* Attention of all layers in decoding after `context` positions, up to the gate; dense: as if what chooses positions
 * attended to all of them. Of a micro-batch, gaps between kernels counted. */
double infer_attention_s(const struct infer_layout *l, const struct kernel_model *model, double context, bool dense);

/* What a stage of a layer takes, and the CPU to launch it. */
double infer_stage_s(const struct infer_kernels *k, uint32_t layer, enum infer_stage stage);
double infer_launch_s(const struct infer_kernels *k, uint32_t layer, enum infer_stage stage);
/* What it takes of the memory's bandwidth, at most all. */
double infer_stage_memory_ratio(const struct infer_kernels *k, const struct cluster_hw *hw, uint32_t layer,
                                enum infer_stage stage);
/* Layers that run a kernel. */
double infer_kernel_layers(const struct infer_kernel *kernel);
/* Seconds of a stage's kernels by what they gain from; gaps apart. */
struct infer_limits {
    double limit_s[KERNEL_LIMITS], gap_s, all_s, table_s;
};
struct infer_limits infer_stage_limits(const struct infer_kernels *k, enum infer_stage stage);
/* Adds where the times of a step's kernels come from. */
void infer_kernels_origins(const struct infer_kernels *k, struct kernel_origins *to);

/* Whether a sending kernel stores over NVLink itself, which it must have done before it ends; and what it takes beside
 * that: its start, and issuing everything. */
static inline bool infer_stores(const struct ep_cost *cost)
{
    return cost->nvlink_Bps > 0;
}
double infer_issuing_s(const struct infer_layout *l, const struct ep_cost *cost);

/* What times of kernels depend on beside chip, kernels, model and sizes, as text: for those who share them. */
const char *infer_kernels_beside(const struct infer_layout *l, struct arena *arena);
/* Time of the experts of a rank that received `rows` for each of its places. */
double infer_experts_s(const struct infer_layout *l, const struct kernel_model *model, const double *rows);

#endif

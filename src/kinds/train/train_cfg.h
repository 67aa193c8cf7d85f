/* Keys of a training step. */
#ifndef MOESIM_KINDS_TRAIN_TRAIN_CFG_H
#define MOESIM_KINDS_TRAIN_TRAIN_CFG_H

#include <stdint.h>

#include "base/cfg.h"
#include "io/scenario.h"
#include "models/chunk/recording.h"

enum chunk_source { CHUNKS_TRACE, CHUNKS_KERNELS };

/* Where the times of chunks come from. */
struct train_chunks_cfg {
    int source;        /* enum chunk_source */
    const char *trace; /* data file: imported trace */
    int64_t places;    /* that each sample is simulated at, of those that are unlike each other; 0 = all */
    int64_t samples;   /* simulations of each chunk, with drawn routing, that micro-batches draw from */
    double rank_load_cv_ratio, expert_exponent;
    int64_t entry_layers;
    struct recorded_on recorded_on;
};

/* Bytes of a number. */
struct train_precision {
    double weight_B, gradient_B, gradient_sent_B, master_B, moment_B;
    double input_B;     /* cached input of a linear layer or of SwiGLU */
    double attention_B; /* cached output of attention */
    double message_B;   /* between pipeline ranks */
    double gathered_B;  /* parameters as they are gathered; 0 = weight_B */
    double logit_B;     /* of the loss's logits; 2: as the head leaves them, in one pass */
};

/* What tensor cores multiply; the names that kernels have for it. */
enum train_compute { COMPUTE_MODEL, COMPUTE_BF16, COMPUTE_FP8, COMPUTE_MXFP8, COMPUTE_NVFP4 };
enum train_software { SOFTWARE_DEEPSEEK, SOFTWARE_MEGATRON };
enum train_messages { MESSAGES_WAITED, MESSAGES_HIDDEN };
enum train_symmetry { TRAIN_SYMMETRY_OFF, TRAIN_SYMMETRY_EXACT };
enum train_compare { COMPARE_NONE, COMPARE_TABLE4 };

enum train_without {
    WITHOUT_NOTHING,
    WITHOUT_EXCHANGES,
    WITHOUT_TENSOR,
    WITHOUT_MESSAGES,
    WITHOUT_END,
    WITHOUT_HOST,
    WITHOUT_BACKWARD
};
enum host_launch { LAUNCH_GRAPH, LAUNCH_EAGER };
enum dp_reduce { REDUCE_END, REDUCE_OVERLAP };
enum dp_gather { GATHER_END, GATHER_ON_DEMAND, GATHER_AHEAD };
enum dp_algorithm { DP_RING, DP_HIERARCHICAL };
enum dp_bucketed { BUCKETED_FIRST, BUCKETED_ALL };

/* Gradients and parameters among replicas. */
struct train_data_parallel {
    int algorithm, reduce, gather, bucketed; /* enums above */
    int64_t bucket;                          /* values; 0: a module is one bucket */
    int64_t rings;                           /* that NCCL lays at most */
};

struct train_exchange {
    const char *dispatch, *combine; /* formats on the wire */
    double capacity;                /* rows that buffers have room for, over an even share */
};

struct train_jitter {
    double gpu_cv_ratio, kernel_cv_ratio;
    double sustained_ratio; /* the pace of all GPUs in a run that lasts, over that of kernels measured alone */
};

struct train_host {
    int launch;          /* enum host_launch */
    double kernel_s;     /* eager: a launch */
    double graph_node_s; /* graph: of its launch, each node */
    double step_s;       /* of the CPU, once in a step */
};

/* Which GPUs work together. */
enum placement_order { PLACE_PIPELINE_OUTER, PLACE_PIPELINE_INNER };

struct train_placement {
    int64_t gpus_of_node; /* that are used; 0 = all */
    int order;            /* enum above */
    const char *file;     /* data file with a GPU a line, "" = by the rule */
};

struct train_cfg {
    const char *schedule, *topologies, *layers, *layout;
    int64_t pp, virtual_stages, tp, cp, ep, etp, rank;
    struct train_placement placement;
    struct train_data_parallel data_parallel;
    struct train_exchange exchange;
    struct train_jitter jitter;
    struct train_host host;
    int64_t sequences, sequence, micro_batch;
    const char *recompute;
    int without;                                                                         /* enum train_without */
    int compute, attention_compute, head_compute, software, messages, symmetry, compare; /* enums above */
    bool tp_overlap, delay_weights;
    int64_t gemm_margin, attention_margin; /* SMs that are left to communication; -1 = what experts' kernels hold */
    struct train_chunks_cfg chunks;
    struct train_precision precision;
    double total_tokens, gpu_hour_USD;
};

extern const struct kind_keys train_keys;

static inline const struct train_cfg *train_cfg(const struct scenario *s)
{
    return kind_keys(s, &train_keys);
}

#endif

/* Keys of scenarios about inference. */
#ifndef MOESIM_KINDS_INFER_INFER_CFG_H
#define MOESIM_KINDS_INFER_INFER_CFG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cfg.h"
#include "io/scenario.h"

enum infer_phase { PHASE_DECODE, PHASE_PREFILL, PHASE_DISAGGREGATED };

/* What computes while tokens travel. */
enum infer_overlap {
    OVERLAP_DUAL,   /* the other of two micro-batches (paper 2.3.1) */
    OVERLAP_SHARED, /* one batch; its shared expert only */
    OVERLAP_NONE    /* nothing */
};

enum infer_routing {
    INFER_SAMPLED, /* every token of every layer chooses by itself */
    INFER_BALANCED /* every rank sends as much to every rank: what DeepSeek's profile
                      simulates */
};

enum kv_transfer { KV_NONE, KV_LAYERWISE, KV_AT_END };

struct infer_decode_cfg {
    int64_t batch;   /* sequences per GPU */
    int64_t context; /* cached positions of a sequence */
    double launch_gap_s;
    int64_t output;          /* tokens that a request generates */
    int64_t extra_tokens;    /* verified beside the one that is generated (speculative
                             decoding) */
    double acceptance_ratio; /* of an extra token; 0 = not counted */
};

struct infer_prefill_cfg {
    int64_t nodes;          /* of the expert-parallel group; 0 = all of the cluster */
    int64_t prompt, tokens; /* positions of a prompt; new tokens per GPU and step */
    double cached_ratio;    /* share of a prompt whose KV cache is found */
    int kv_transfer;        /* enum kv_transfer */
};

struct infer_published { /* to print beside ours; 0 = nothing */
    double user_per_s, gpu_per_s, node_per_s, step_s;
    const char *source;
};

enum { INFER_MOST_BLOCKS = 64 };

struct infer_cfg { /* kind inference */
    int phase, overlap, routing;
    int64_t tp, shared_replicas;
    bool loopback, node_limited;
    double reserve_ratio, host_gap_s;
    bool eager, share_layers;
    int64_t simulate_layers, layer_blocks;
    struct infer_decode_cfg decode;
    struct infer_prefill_cfg prefill;
    struct infer_published published;
};

extern const struct kind_keys infer_keys;

static inline const struct infer_cfg *infer_cfg(const struct scenario *s)
{
    return kind_keys(s, &infer_keys);
}
extern const char *const infer_phase_names[], *const infer_overlap_names[];

#endif

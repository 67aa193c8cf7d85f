/* An inference service request by request: prefill, transfer of the KV cache, decoding with continuous batching.
 * How long a step takes is asked of the caller; here is only who is in it.
 *
 * A unit is a group of GPUs that step together (an expert-parallel group); its ranks are those that hold
 * sequences of their own (a GPU, or a tensor-parallel group). Units are for prefill, for decoding, or for both
 * (colocated). References: Orca (OSDI '22) for continuous batching, Sarathi-Serve (OSDI '24) for chunked prefill,
 * DistServe (OSDI '24) for disaggregation. */
#ifndef MOESIM_KINDS_SERVE_SERVE_H
#define MOESIM_KINDS_SERVE_SERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "kinds/serve/requests.h"

/* What a step takes when its fullest rank has so much to do. */
struct serve_times {
    double (*prefill_s)(void *ctx, double tokens,
                        double prompt); /* new tokens of prompts of that mean length; or by_context */
    double (*decode_s)(void *ctx, double batch, double context); /* sequences; mean positions in their caches */
    void *ctx;
};

struct serve_spec {
    const struct request *requests; /* by arrival; output >= 1: the first token comes out of the prefill */
    uint32_t n_requests;
    bool colocated;                        /* all units do both; prefill_* is then not used */
    uint32_t prefill_units, prefill_ranks; /* units; ranks of one */
    uint32_t decode_units, decode_ranks;
    uint32_t step_tokens; /* new tokens of a rank in a prefill step */
    bool mixed;           /* colocated: steps that prefill decode, too; else decoding waits */
    bool by_context; /* prefill_s is asked with the mean of positions before the step's, not the length of prompts */
    bool chunked;    /* prompts may be divided among steps; else a step takes whole ones, one at least.
                             */
    double cached_ratio; /* of a prompt, found in a cache, beside what a request says of itself */
    uint32_t max_batch;  /* sequences of a rank */
    double kv_positions; /* of a rank's caches; a request takes prompt + output, from its admission on */
    double (*cache_B)(const void *ctx, double positions); /* of a prompt, as it is transferred */
    const void *cache_ctx;
    double link_Bps, link_latency_s; /* link_Bps 0 = it takes no time */
    uint32_t kv_layers;              /* transferred layer by layer while prefill goes on; 0 = all at its end */
    double accept_ratio;             /* speculative decoding: of a predicted token; */
    uint32_t extra_tokens;           /* predicted in a step */
    uint64_t seed;
    double from_s, to_s; /* the time in which the service is watched; to_s 0 = to the end */
    struct serve_times times;
};

/* When things happened to a request, [s]. */
struct serve_record {
    double prefill_s; /* the first of its prefill steps began */
    double first_token_s;
    double admitted_s; /* a decoding rank has room */
    double joined_s;   /* its cache is there */
    double end_s;
};

struct serve_outcome {
    struct serve_record *records; /* [n_requests] */
    double end_s;                 /* the last request has ended */
    /* while it was watched: */
    double prefill_busy_s, decode_busy_s; /* summed over units; a mixed step counts in both, its share each */
    double prefill_work_s;                /* of ranks: what of a step's prefill they would need for their own tokens */
    double batch_time;                    /* sequences * seconds of decoding steps, over all ranks */
    double tokens;                        /* generated */
    double kv_peak_ratio;                 /* of the fullest rank's positions */
};

/* Every request can be served: kv_positions holds the largest. Everything is the arena's. */
void serve_run(const struct serve_spec *spec, struct arena *arena, struct serve_outcome *out);

#endif

/* DeepEP's low-latency (decode) kernels as transfers between ranks. */
#ifndef MOESIM_MODELS_COMM_DEEPEP_LL_H
#define MOESIM_MODELS_COMM_DEEPEP_LL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "hw/cluster.h"
#include "models/routing/moe_routing.h"
#include "models/opgraph.h"

/* Who sends how many (token, expert) pairs to whom. */
struct ll_traffic {
    uint32_t n_ranks;
    double tokens, copies; /* of each rank; experts of a token */
    double *pairs;         /* [n_ranks][n_ranks]: of a rank (row) with an expert of a rank */
    double busiest_ratio;  /* pairs of the busiest rank's experts over the mean */
};

/* Every token of every rank chooses its experts uniformly, as DeepEP's benchmark does. experts must be a
 * multiple of n_ranks. */
void ll_sample(uint32_t n_ranks, uint32_t tokens, uint32_t experts, uint32_t experts_per_token, uint64_t seed,
               struct arena *arena, struct ll_traffic *out);

/* Every rank draws its tokens from a gate's choices; replicas of an expert are taken in turn. */
void ll_count(const struct gate_choices *choices, uint32_t experts_per_token, const struct placement *where,
              uint32_t tokens, uint64_t seed, struct arena *arena, struct ll_traffic *out);

/* Every rank has as many pairs with each other rank, tokens * experts_per_token in all, none with itself. */
void ll_spread(uint32_t n_ranks, uint32_t tokens, uint32_t experts_per_token, struct arena *arena,
               struct ll_traffic *out);

/* Bytes of one message: FP8 with scales and a header, or the combine's format. */
double ll_message_B(const struct hw_ep_kernel *kernel, int64_t hidden, bool combine);

/* What a kernel takes beside its transfers, with so many tokens of each rank and copies of each. */
double ll_own_s(const struct cluster_hw *hw, double tokens, double copies, double message_B, bool combine);

/* How fast the SMs of a rank encode what a combine sends, or decode it, in bytes of the network; 0 = no limit. */
double ll_codec_Bps(const struct cluster_hw *hw);

/* Adds one kernel of every rank to an empty graph: one COMM op each, with messages of this size. `loopback`: GPUs of one
 * node also exchange through their NICs, as DeepEP did until NVLink was added (June 2025). */
void ll_build(struct opgraph *graph, const struct cluster_hw *hw, const struct ll_traffic *traffic, double message_B,
              bool combine, bool loopback, struct arena *arena);

#endif

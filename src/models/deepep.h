/* DeepEP's normal (throughput) kernels as transfers between ranks. */
#ifndef MOESIM_MODELS_DEEPEP_H
#define MOESIM_MODELS_DEEPEP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "hw/cluster.h"
#include "models/moe_routing.h"
#include "models/opgraph.h"

struct deepep {
    struct opgraph *graph;
    const struct cluster_hw *hw;
    const struct routing_shape *shape;
    uint32_t *sender, *forwarder; /* [n_ranks] resource ids; NULL: no SMs in the data path */
};

/* Adds the SM copy engines of all ranks to the graph. `shape` must outlive the deepep. */
void deepep_init(struct deepep *d, struct opgraph *graph, const struct cluster_hw *hw,
                 const struct routing_shape *shape, struct arena *arena);

/* Bytes of a token and of the scales of an FP8 token: what bandwidth is quoted on. */
double deepep_fp8_B(int64_t hidden);
double deepep_bf16_B(int64_t hidden);
/* Bytes of one token copy on the wire, with what the kernels send along. */
double deepep_dispatch_B(int64_t hidden, int64_t topk, bool cached);
double deepep_combine_B(int64_t hidden, int64_t topk, bool weights);

/* The transfers of one collective; op[r] is rank r's COMM op. */
void deepep_dispatch(const struct deepep *d, const struct routing *routing, double token_B,
                     const uint32_t *op);
void deepep_combine(const struct deepep *d, const struct routing *routing, double token_B,
                    const uint32_t *op);

#endif

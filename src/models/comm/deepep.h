/* DeepEP's normal (throughput) kernels as transfers between ranks. */
#ifndef MOESIM_MODELS_COMM_DEEPEP_H
#define MOESIM_MODELS_COMM_DEEPEP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "hw/cluster.h"
#include "models/routing/moe_routing.h"
#include "models/opgraph.h"

/* A dispatch or a combine, with or without what the router chose: a first dispatch
 * sends expert indices and weights along and a combine of gradients returns those of
 * the weights; a dispatch along known routes (cached) and a forward combine carry
 * hidden states only. */
struct deepep_call {
    bool combine, choices;
};

struct deepep {
    struct opgraph *graph;
    const struct cluster_hw *hw;
    const struct routing_shape *shape;
    uint32_t first_device; /* of rank 0 */
    /* resource ids per [combine][choices][engine] and rank; NULL: nothing there limits */
    uint32_t *engine[2][2][2];
    /* per [combine] and rank: its NIC's port into, out of the scale-up network; NULL: it has none */
    uint32_t *adapter[2];
};

/* Adds the SM copy engines of all ranks to the graph; rank 0 is device 0 unless first_device is set afterwards.
 * `shape` must outlive the deepep. */
void deepep_init(struct deepep *d, struct opgraph *graph, const struct cluster_hw *hw,
                 const struct routing_shape *shape, struct arena *arena);

/* Bytes of a token's hidden state (FP8 with its scales, or BF16): what bandwidth is
 * quoted on. */
double deepep_payload_B(int64_t hidden, bool combine);
/* Bytes of one token copy on the network, with what the kernels send along. */
double deepep_token_B(const struct hw_ep_kernel *kernel, int64_t hidden, int64_t topk, struct deepep_call call);
/* The same over NVLink, where a combine stays BF16. */
double deepep_nvlink_token_B(int64_t hidden, int64_t topk, struct deepep_call call);
/* Memory loads that a warp makes one after the other to move one token. */
double deepep_serial_loads(int64_t hidden, struct deepep_call call);

/* What a copy engine moves, in bytes of the network: half of a kernel's SMs, senders or
 * forwarders, or the hardware that does their tasks; 0 = it does not limit. */
double deepep_engine_Bps(const struct hw_ep_kernel *kernel, int64_t hidden, struct deepep_call call,
                         enum ep_engine engine);

/* Whether exchanges need routing.node_sets and .gpu_sets. */
bool deepep_needs_sets(const struct hw_ep_kernel *kernel);

/* Adds the transfers of one collective; op[r] is rank r's COMM op. */
void deepep_exchange(const struct deepep *d, struct deepep_call call, const struct routing *routing,
                     const uint32_t *op);

#endif

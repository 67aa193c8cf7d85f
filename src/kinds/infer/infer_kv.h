/* The KV cache of prefilled prompts on its way to the GPUs that decode. */
#ifndef MOESIM_KINDS_INFER_INFER_KV_H
#define MOESIM_KINDS_INFER_INFER_KV_H

#include "kinds/infer/infer_step.h"

/* Where caches go: ranks of the graph from first_rank on. */
struct infer_kv {
    int when; /* enum kv_transfer */
    uint32_t first_rank, n_nodes;
};

/* Adds the transfers to the graph of a prefill that has all layers, one op for each rank and part. Returns the first
 * of these ops; they are the graph's last ones. */
uint32_t infer_kv_graph(const struct infer_step *s, const struct infer_kv *kv, struct opgraph *graph,
                        const struct infer_ops *ops);

/* Bytes that a rank sends: in all, and with its last layer's last micro-batch. */
double infer_kv_rank_B(const struct infer_layout *l);
double infer_kv_last_B(const struct infer_layout *l);

#endif

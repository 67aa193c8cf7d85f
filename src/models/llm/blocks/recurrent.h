/* Linear attention: what blocks share that keep a matrix of heads * key_dim * value_dim numbers for each sequence
 * instead of a cache, behind a short convolution. Nothing is measured here: bytes of the state and batched BF16 GEMMs,
 * by the roofline. */
#ifndef MOESIM_MODELS_LLM_BLOCKS_RECURRENT_H
#define MOESIM_MODELS_LLM_BLOCKS_RECURRENT_H

#include "models/llm/blocks/attention.h"

/* Of a layer, all heads. A block's dimensions begin with it; its settle() fills it from their keys. */
struct recurrence {
    double heads, key_dim, value_dim;
    double state_value_B;  /* of a number of the state */
    double channels, taps; /* of the convolution; taps 0 = none */
    double columns;        /* of the input projections, without low ranks */
    double rank, wide;     /* low-rank projections of the input, to rank and to wide numbers in all; 0 = none */
    double other;          /* numbers of norms, biases, decays */
    double chunk;          /* positions that prefill works on at once */
};

/* Keys that several of these blocks have; x: the block's member. */
#define RECURRENT_KEY_DIM(table, x) ROW_DIM(table, "key_dim", x, "0", "linear attention: dimension of a head's keys")
#define RECURRENT_VALUE_DIM(table, x) ROW_DIM(table, "value_dim", x, "0", "dimension of a value, 0 = of a head")
#define RECURRENT_CONV(table, x) \
    ROW_DIM(table, "conv", x, "4", "linear attention: taps of the short convolution; 0 = none")
#define RECURRENT_STATE_VALUE(table, x) \
    ROW_NUMBER_B(table, "state_value", x, "4 B", "linear attention: a number of the state of a sequence")

void recurrent_weigh(const struct model *m, const void *dims, struct block_weights *w);
extern const struct attention_ops attention_recurrent;

#endif

/* What feed-forward blocks share: networks that every token goes through, SwiGLU or two matrices with an activation
 * between them. */
#ifndef MOESIM_MODELS_LLM_BLOCKS_NETWORK_H
#define MOESIM_MODELS_LLM_BLOCKS_NETWORK_H

#include "models/llm/blocks/block.h"

/* Of a network of `width` between vectors of `d`: parameters, and of these biases. */
double network_params(double d, double width, bool gated, bool bias);
double network_biases(double d, double width, bool gated, bool bias);

/* Inference: a network of `width` for `tokens`. cast: its input is not yet what GEMMs read. */
void network_layer(struct layer_kernels *k, double tokens, double width, bool gated, bool cast);
/* The activation of `rows`, cast. */
void network_activate(struct layer_kernels *k, double rows, double width, bool gated);

/* Training, width > 0: the activation and what follows; the backward pass up to the gradient of its input, and from
 * there on. The output's gradient arrives in FP8. */
void network_write_down(struct kernel_writer *w, double width);
void network_write_input_down(struct kernel_writer *w, double width);
void network_write_input_up(struct kernel_writer *w, double width);
/* All of a network: forward up to its output, which is still to be scattered; gradients of inputs; of weights. */
void network_write_forward(struct kernel_writer *w, double width);
void network_write_input(struct kernel_writer *w, double width);
void network_write_weight(struct kernel_writer *w, double width);
/* The norm before the network, again. */
void network_write_norm_again(struct kernel_writer *w);

#endif

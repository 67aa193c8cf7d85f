/* What feed-forward blocks share: SwiGLU networks that every token goes through. */
#ifndef MOESIM_MODELS_LLM_BLOCKS_NETWORK_H
#define MOESIM_MODELS_LLM_BLOCKS_NETWORK_H

#include "models/llm/blocks/block.h"

/* Inference: a network of `width` for `tokens`. cast: its input is not yet what GEMMs read. */
void network_layer(struct layer_kernels *k, double tokens, double width, bool cast);

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

/* What a step of decoding reads and computes, part by part. */
#ifndef MOESIM_MODELS_LLM_DECODE_PARTS_H
#define MOESIM_MODELS_LLM_DECODE_PARTS_H

#include "models/llm/model.h"

enum decode_part {
    DECODE_ATTENTION,
    DECODE_CACHE,
    DECODE_DENSE,
    DECODE_SHARED,
    DECODE_EXPERTS,
    DECODE_HEAD,
    N_DECODE_PARTS
};

struct part_work {
    double layers;   /* that have this part */
    double stored_B; /* of all layers */
    double read_B;   /* in a step: weights once, however many tokens; of the experts those that are chosen */
    double flop;
};

/* One sequence; its last `tokens` positions are computed together, after `context` others (1: plain decoding; k
 * more: those that speculative decoding verifies). expert_load: of each expert, mean 1; NULL: all alike. */
void decode_parts(const struct model *m, double tokens, double context, const double *expert_load,
                  struct part_work out[N_DECODE_PARTS]);
/* One MTP module predicting one token more; its head is the model's. */
void mtp_parts(const struct model *m, double context, struct part_work out[N_DECODE_PARTS]);

/* Experts of a layer that `tokens` tokens choose between them, on average. A token chooses each expert with
 * probability load * top_k / experts, whatever others choose. */
double experts_chosen(const struct expert_facts *e, double tokens, const double *expert_load);

#endif

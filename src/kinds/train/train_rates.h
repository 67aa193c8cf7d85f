/* Rates of training that follow from how long a step takes (Table 4 of the paper, and the DeepSeek-V3 report). */
#ifndef MOESIM_KINDS_TRAIN_TRAIN_RATES_H
#define MOESIM_KINDS_TRAIN_TRAIN_RATES_H

#include "models/llm/model.h"

struct train_rates {
    double tokens_per_day;
    double causal_flops, full_flops; /* of a GPU: attention counted as half of the matrix, or as all of it */
    double causal_mfu, full_mfu;     /* over the peak */
    double gpu_hours, cost_USD;      /* of a whole training */
};

struct train_economy {
    double gpus, peak_flops, sequence; /* peak_flops: of a GPU, BF16 (paper 5.1.2) */
    double total_tokens, gpu_hour_USD;
};

struct train_rates train_rates_of(const struct model *m, const struct train_economy *e, double tokens_per_s);

#endif

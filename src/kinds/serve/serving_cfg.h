/* Keys of scenarios about a service and about speculative decoding. */
#ifndef MOESIM_KINDS_SERVE_SERVING_CFG_H
#define MOESIM_KINDS_SERVE_SERVING_CFG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cfg.h"
#include "kinds/serve/requests.h"

struct serving_grid { /* lists: where steps are simulated */
    const char *batch, *context, *tokens, *prompt;
};

struct serving_cfg { /* kind serving */
    struct requests_cfg requests;
    bool colocated, chunked;
    int64_t prefill_units, units; /* units: that decode, or do both */
    int64_t max_batch;
    double acceptance_ratio;
    double ttft_limit_s, tpot_limit_s;
    double warmup_ratio;
    struct serving_grid grid;
};

struct speculative_cfg {                                     /* kind speculative */
    const char *extra_tokens, *acceptance, *batch, *context; /* lists */
    int64_t users, steps;
};

extern const struct cfg_table serving_table, speculative_table;

#endif

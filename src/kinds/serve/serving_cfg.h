/* Keys of scenarios about a service. */
#ifndef MOESIM_KINDS_SERVE_SERVING_CFG_H
#define MOESIM_KINDS_SERVE_SERVING_CFG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cfg.h"
#include "io/scenario.h"
#include "kinds/serve/requests.h"

struct serving_grid { /* lists: where steps are simulated */
    const char *batch, *context, *tokens, *prompt, *before;
    double tolerance_ratio;
};

enum serving_schedule { SCHEDULE_AUTO, SCHEDULE_MIXED, SCHEDULE_PREFILL_FIRST };
enum prefix_cache_kind { PREFIX_OFF, PREFIX_LRU, PREFIX_UNLIMITED };

struct serving_cfg { /* kind serving */
    struct requests_cfg requests;
    bool colocated, chunked;
    int schedule;                 /* enum serving_schedule */
    int prefix_cache;             /* enum prefix_cache_kind */
    int64_t prefix_positions;     /* that it holds */
    int64_t prefill_units, units; /* units: that decode, or do both */
    int64_t max_batch;
    double acceptance_ratio;
    double ttft_limit_s, tpot_limit_s;
    double warmup_ratio;
    struct serving_grid grid;
};

extern const struct kind_keys serving_keys;

static inline const struct serving_cfg *serving_cfg(const struct scenario *s)
{
    return kind_keys(s, &serving_keys);
}

#endif

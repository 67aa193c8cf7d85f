/* Keys of scenarios about the balance of experts among GPUs. */
#ifndef MOESIM_KINDS_INFER_BALANCE_CFG_H
#define MOESIM_KINDS_INFER_BALANCE_CFG_H

#include <stdint.h>

#include "base/cfg.h"
#include "io/scenario.h"

struct balance_cfg { /* kind expert_balance */
    int64_t tokens, sampled_layers;
    int64_t show_layer; /* -1 = none */
};

extern const struct kind_keys balance_keys;

static inline const struct balance_cfg *balance_cfg(const struct scenario *s)
{
    return kind_keys(s, &balance_keys);
}

#endif

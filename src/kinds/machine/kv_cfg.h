/* Keys of kind kv_contention. */
#ifndef MOESIM_KINDS_MACHINE_KV_CFG_H
#define MOESIM_KINDS_MACHINE_KV_CFG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cfg.h"
#include "io/scenario.h"

struct kv_cfg {
    int64_t layers, tokens, experts, experts_per_token, hidden;
    double attention_s, experts_s;      /* computation before a dispatch, before a combine */
    double load_B, load_Bps, store_Bps; /* one cache; mean demand per GPU */
    bool loopback;
};

extern const struct kind_keys kv_keys;

static inline const struct kv_cfg *kv_cfg(const struct scenario *s)
{
    return kind_keys(s, &kv_keys);
}

#endif

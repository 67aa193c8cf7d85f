/* Keys of scenarios about speculative decoding. */
#ifndef MOESIM_KINDS_INFER_SPECULATIVE_CFG_H
#define MOESIM_KINDS_INFER_SPECULATIVE_CFG_H

#include <stdint.h>

#include "base/cfg.h"
#include "io/scenario.h"

struct speculative_cfg {                                     /* kind speculative */
    const char *extra_tokens, *acceptance, *batch, *context; /* lists */
    int64_t users, steps;
};

extern const struct kind_keys speculative_keys;

static inline const struct speculative_cfg *speculative_cfg(const struct scenario *s)
{
    return kind_keys(s, &speculative_keys);
}

#endif

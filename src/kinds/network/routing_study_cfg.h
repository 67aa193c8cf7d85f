/* Keys of kind routing_study. */
#ifndef MOESIM_KINDS_NETWORK_ROUTING_STUDY_CFG_H
#define MOESIM_KINDS_NETWORK_ROUTING_STUDY_CFG_H

#include <stdint.h>

#include "base/cfg.h"
#include "io/scenario.h"

struct routing_study_cfg {
    const char *operations, *groups, *policies; /* lists */
    int64_t seeds;
    double size_B; /* as nccl-tests counts */
};

extern const struct kind_keys routing_study_keys;

static inline const struct routing_study_cfg *routing_study_cfg(const struct scenario *s)
{
    return kind_keys(s, &routing_study_keys);
}

#endif

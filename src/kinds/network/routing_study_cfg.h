/* Keys of kind routing_study. */
#ifndef MOESIM_KINDS_NETWORK_ROUTING_STUDY_CFG_H
#define MOESIM_KINDS_NETWORK_ROUTING_STUDY_CFG_H

#include <stdint.h>

#include "base/cfg.h"

struct routing_study_cfg {
    const char *operations, *groups, *policies; /* lists */
    int64_t seeds;
    double size_B; /* as nccl-tests counts */
};

extern const struct cfg_table routing_study_table;

#endif

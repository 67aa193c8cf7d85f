/* Keys of scenarios that run expert-parallel exchanges alone. */
#ifndef MOESIM_KINDS_NETWORK_MOE_CFG_H
#define MOESIM_KINDS_NETWORK_MOE_CFG_H

#include "base/cfg.h"
#include "io/scenario.h"
#include "models/routing/moe_routing.h"

struct moe_normal { /* DeepEP's normal kernels */
    const char *gpus, *calibrated;
    const char *dispatch_published, *combine_published;
    bool both;
};

struct moe_low_latency { /* DeepEP's low-latency kernels */
    const char *gpus, *calibrated, *topology;
    int64_t tokens;
    bool loopback;
    const char *dispatch_published, *combine_published;
};

/* Kernels beside one another. */
struct moe_kernels {
    const char *kernels, *gpus, *tokens, *dispatch_published, *combine_published;
    int choice; /* enum ep_choice, or MOE_LOADS */
};

enum { MOE_LOADS = 3 /* behind enum ep_choice: as expert_load says */ };

struct moe_cfg { /* kind moe_exchange */
    struct moe_kernels exchange;
    struct routing_cfg routing;
    struct moe_normal normal;
    struct moe_low_latency low_latency;
};

struct node_limited_cfg { /* kind node_limited */
    int64_t tokens, experts_per_token, hidden;
    double effective_Bps;
};

extern const struct kind_keys node_limited_keys;

static inline const struct node_limited_cfg *node_limited_cfg(const struct scenario *s)
{
    return kind_keys(s, &node_limited_keys);
}
extern const struct kind_keys moe_keys;

static inline const struct moe_cfg *moe_cfg(const struct scenario *s)
{
    return kind_keys(s, &moe_keys);
}

#endif

/* Keys of scenarios that run collectives. */
#ifndef MOESIM_KINDS_NETWORK_COLLECTIVE_CFG_H
#define MOESIM_KINDS_NETWORK_COLLECTIVE_CFG_H

#include "base/cfg.h"
#include "io/scenario.h"
#include "models/comm/collectives.h"

/* Which collective among which GPUs. */
struct collective_job {
    int operation, algorithm;
    bool pxn;
    int64_t group, group_stride; /* group 0 = all GPUs in one */
    double receiver_cv_ratio;    /* all-to-all: how unevenly receivers are loaded */
};

struct collective_cfg { /* kind collective */
    struct collective_job job;
    const char *topologies, *gpus; /* lists; "" = the cluster's */
    double from_B, to_B;
    int symmetry; /* enum collective_symmetry */
};

enum collective_symmetry {
    SYMMETRY_OFF,
    SYMMETRY_EXACT /* follow one GPU's traffic on the folded network (topology/symmetry.h) */
};

struct mixed_job {
    struct collective_job job;
    double size_B;
    int traffic; /* enum traffic_kind: its class is in cluster.traffic */
};

struct mixed_cfg { /* kind mixed_traffic */
    struct mixed_job first, second;
};

extern const struct kind_keys mixed_keys;

static inline const struct mixed_cfg *mixed_cfg(const struct scenario *s)
{
    return kind_keys(s, &mixed_keys);
}
extern const struct kind_keys collective_keys;

static inline const struct collective_cfg *collective_cfg(const struct scenario *s)
{
    return kind_keys(s, &collective_keys);
}

/* Group number `group` of a job among n GPUs: its members into ranks[], in order; returns how many. Groups
 * are blocks of group * group_stride GPUs; in a block, every group_stride-th belongs together. */
uint32_t collective_group(const struct collective_job *job, uint32_t n, uint32_t group, uint32_t *ranks);
uint32_t collective_n_groups(const struct collective_job *job, uint32_t n);

#endif

/* Keys of kinds fault_study and plane_isolation. */
#ifndef MOESIM_KINDS_NETWORK_FAULT_STUDY_CFG_H
#define MOESIM_KINDS_NETWORK_FAULT_STUDY_CFG_H

#include "io/scenario.h"
#include "kinds/network/collective_cfg.h"

struct fault_study_cfg {
    struct collective_job job;
    const char *topologies, *policies; /* lists, one policy per topology */
    double size_B;
};

struct plane_isolation_cfg {
    const char *topologies; /* list */
    double size_B, congestion_B;
    int64_t plane;
};

extern const struct kind_keys plane_isolation_keys;

static inline const struct plane_isolation_cfg *plane_isolation_cfg(const struct scenario *s)
{
    return kind_keys(s, &plane_isolation_keys);
}
extern const struct kind_keys fault_study_keys;

static inline const struct fault_study_cfg *fault_study_cfg(const struct scenario *s)
{
    return kind_keys(s, &fault_study_keys);
}

#endif

/* Keys of kinds fault_study and plane_isolation. */
#ifndef MOESIM_KINDS_NETWORK_FAULT_STUDY_CFG_H
#define MOESIM_KINDS_NETWORK_FAULT_STUDY_CFG_H

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

extern const struct cfg_table fault_study_table, plane_isolation_table;

#endif

#include "kinds/network/fault_study_cfg.h"

#include "kinds/network/collective_fields.h"

#define LIST(table, key, member, preset, text) \
    { \
        .name = key, .type = CFG_STRING, .offset = offsetof(struct table, member), .dflt = preset, .doc = text \
    }

#define SIZE(table, key, member, preset, text) \
    { \
        .name = key, .type = CFG_QUANTITY, .dim = DIM_BYTES, .offset = offsetof(struct table, member), .dflt = preset, \
        .min = 1, .max = 1e15, .doc = text \
    }

static const struct cfg_field fault_study_fields[] = {
    JOB_FIELDS(fault_study_cfg, job),
    LIST(fault_study_cfg, "topologies", topologies, "",
         "networks that lose what cluster.faults.down says; empty = cluster.topology"),
    LIST(fault_study_cfg, "policies", policies, "",
         "routing policy of each of them; empty = that of cluster.network.routing"),
    SIZE(fault_study_cfg, "size", size_B, "256 MiB", "size, as nccl-tests counts"),
    {0}};

static const struct cfg_table fault_study_table = {"fault_study", "A collective with and without a fault",
                                                   sizeof(struct fault_study_cfg), fault_study_fields};
const struct kind_keys fault_study_keys = {"fault_study", &fault_study_table,
                                           "kind fault_study: a collective with and without cluster.faults"};

static const struct cfg_field plane_isolation_fields[] = {
    LIST(plane_isolation_cfg, "topologies", topologies, "mpft, mrft", "networks to compare"),
    SIZE(plane_isolation_cfg, "size", size_B, "64 MiB",
         "what each GPU sends to the GPUs of its own plane on other nodes"),
    SIZE(plane_isolation_cfg, "congestion", congestion_B, "64 MiB",
         "what each GPU sends beside it to GPUs of the congested plane"),
    {.name = "plane",
     .type = CFG_INT,
     .offset = offsetof(struct plane_isolation_cfg, plane),
     .dflt = "0",
     .min = 0,
     .max = 1023,
     .doc = "the congested plane: GPUs of this number in each node receive the congestion"},
    {0}};

static const struct cfg_table plane_isolation_table = {"plane_isolation",
                                                       "Traffic inside planes beside congestion in one of them",
                                                       sizeof(struct plane_isolation_cfg), plane_isolation_fields};
const struct kind_keys plane_isolation_keys = {"plane_isolation", &plane_isolation_table,
                                               "kind plane_isolation: traffic in all planes, congestion in one"};

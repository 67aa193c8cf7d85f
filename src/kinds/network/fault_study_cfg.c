#include "kinds/network/fault_study_cfg.h"

#include "base/cfg_rows.h"

#include "kinds/network/collective_fields.h"

static const struct cfg_field fault_study_fields[] = {
    JOB_FIELDS(fault_study_cfg, job),
    ROW_TEXT(fault_study_cfg, "topologies", topologies, "",
             "networks that lose what cluster.faults.down says; empty = cluster.topology"),
    ROW_TEXT(fault_study_cfg, "policies", policies, "",
             "routing policy of each of them; empty = that of cluster.network.routing"),
    ROW_AMOUNT(fault_study_cfg, "size", size_B, DIM_BYTES, "256 MiB", 1, 1e15, "size, as nccl-tests counts"),
    {0}};

static const struct cfg_table fault_study_table = {"fault_study", "A collective with and without a fault",
                                                   sizeof(struct fault_study_cfg), fault_study_fields};
const struct kind_keys fault_study_keys = {"fault_study", &fault_study_table,
                                           "kind fault_study: a collective with and without cluster.faults"};

static const struct cfg_field plane_isolation_fields[] = {
    ROW_TEXT(plane_isolation_cfg, "topologies", topologies, "mpft, mrft", "networks to compare"),
    ROW_AMOUNT(plane_isolation_cfg, "size", size_B, DIM_BYTES, "64 MiB", 1, 1e15,
               "what each GPU sends to the GPUs of its own plane on other nodes"),
    ROW_AMOUNT(plane_isolation_cfg, "congestion", congestion_B, DIM_BYTES, "64 MiB", 1, 1e15,
               "what each GPU sends beside it to GPUs of the congested plane"),
    ROW_COUNT(plane_isolation_cfg, "plane", plane, "0", 0, 1023,
              "the congested plane: GPUs of this number in each node receive the congestion"),
    {0}};

static const struct cfg_table plane_isolation_table = {"plane_isolation",
                                                       "Traffic inside planes beside congestion in one of them",
                                                       sizeof(struct plane_isolation_cfg), plane_isolation_fields};
const struct kind_keys plane_isolation_keys = {"plane_isolation", &plane_isolation_table,
                                               "kind plane_isolation: traffic in all planes, congestion in one"};

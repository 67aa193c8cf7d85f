#include "kinds/network/routing_study_cfg.h"

#include "base/cfg_rows.h"

static const struct cfg_field fields[] = {
    ROW_TEXT(routing_study_cfg, "operations", operations, "all_gather, reduce_scatter",
             "collectives that run, one after the other: by rings, all_to_all between all pairs"),
    ROW_TEXT(routing_study_cfg, "groups", groups, "2, 4, 8, 16", "GPUs of a group, each on another node; a list"),
    ROW_TEXT(routing_study_cfg, "policies", policies, "ecmp, static, adaptive",
             "routing policies to compare (keys of cluster.network.routing.policy)"),
    ROW_COUNT(routing_study_cfg, "seeds", seeds, "30", 1, 10000,
              "placements of groups on nodes and sets of flow hashes that are tried"),
    ROW_AMOUNT(routing_study_cfg, "size", size_B, DIM_BYTES, "256 MiB", 1, 1e15,
               "size of each collective, as nccl-tests counts"),
    {0}};

static const struct cfg_table routing_study_table = {"routing_study", "Collectives under several routing policies",
                                                     sizeof(struct routing_study_cfg), fields};
const struct kind_keys routing_study_keys = {"routing_study", &routing_study_table,
                                             "kind routing_study: collectives under several routing policies"};

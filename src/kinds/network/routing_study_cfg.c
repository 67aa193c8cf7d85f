#include "kinds/network/routing_study_cfg.h"

#define LIST(key, member, preset, text) \
    { \
        .name = key, .type = CFG_STRING, .offset = offsetof(struct routing_study_cfg, member), .dflt = preset, \
        .doc = text \
    }

static const struct cfg_field fields[] = {
    LIST("operations", operations, "all_gather, reduce_scatter",
         "collectives that run, one after the other: by rings, all_to_all between all pairs"),
    LIST("groups", groups, "2, 4, 8, 16", "GPUs of a group, each on another node; a list"),
    LIST("policies", policies, "ecmp, static, adaptive",
         "routing policies to compare (keys of cluster.network.routing.policy)"),
    {.name = "seeds",
     .type = CFG_INT,
     .offset = offsetof(struct routing_study_cfg, seeds),
     .dflt = "30",
     .min = 1,
     .max = 10000,
     .doc = "placements of groups on nodes and sets of flow hashes that are tried"},
    {.name = "size",
     .type = CFG_QUANTITY,
     .dim = DIM_BYTES,
     .offset = offsetof(struct routing_study_cfg, size_B),
     .dflt = "256 MiB",
     .min = 1,
     .max = 1e15,
     .doc = "size of each collective, as nccl-tests counts"},
    {0}};

static const struct cfg_table routing_study_table = {"routing_study", "Collectives under several routing policies",
                                                     sizeof(struct routing_study_cfg), fields};
const struct kind_keys routing_study_keys = {"routing_study", &routing_study_table,
                                             "kind routing_study: collectives under several routing policies"};

#include "hw/ep_constants.h"

#include "base/cfg_rows.h"

static const struct cfg_field constants_fields[] = {
    {.name = "software",
     .type = CFG_STRING,
     .offset = offsetof(struct hw_ep_constants, software),
     .dflt = "",
     .doc = "version and date of what was measured on this chip; empty = nothing was"},
    ROW_AMOUNT(hw_ep_constants, "dispatch_start", start_s[0], DIM_TIME, "0 s", 0, 1,
               "of a dispatch with nothing to move: launch, barriers and flags inside a node; 0 = not measured"),
    ROW_AMOUNT(hw_ep_constants, "combine_start", start_s[1], DIM_TIME, "0 s", 0, 1, "the same of a combine"),
    ROW_RATIO(hw_ep_constants, "dispatch_nvlink", nvlink_ratio[0], "0", 0, 1,
              "what a dispatch's copies reach of raw NVLink; 0 = not measured"),
    ROW_RATIO(hw_ep_constants, "combine_nvlink", nvlink_ratio[1], "0", 0, 1, "the same of a combine"),
    {0}};
const struct cfg_table hw_ep_constants_table = {"constants", "a kernel of expert parallelism on this chip",
                                                sizeof(struct hw_ep_constants), constants_fields};

static const struct cfg_field copies_fields[] = {
    {.name = "load",
     .type = CFG_QUANTITY,
     .dim = DIM_TIME,
     .offset = offsetof(struct hw_sm_copies, load_s),
     .dflt = "0.57 us",
     .min = 1e-9,
     .max = 1e-3,
     .doc = "from a load of the GPU's memory until its value is there, beside other warps that copy"},
    {.name = "scan",
     .type = CFG_QUANTITY,
     .dim = DIM_TIME,
     .offset = offsetof(struct hw_sm_copies, scan_s),
     .dflt = "0.2 us",
     .min = 0,
     .max = 1e-3,
     .doc = "to look at a token that goes elsewhere"},
    {.name = "bulk",
     .type = CFG_QUANTITY,
     .dim = DIM_BANDWIDTH,
     .offset = offsetof(struct hw_sm_copies, bulk_Bps),
     .dflt = "20 GB/s",
     .min = 1e6,
     .max = 1e13,
     .doc = "of one warp that lets the SM copy in bulk (TMA), after the first byte"},
    {.name = "network_flag",
     .type = CFG_QUANTITY,
     .dim = DIM_TIME,
     .offset = offsetof(struct hw_sm_copies, network_flag_s),
     .dflt = "7 us",
     .min = 0,
     .max = 1e-3,
     .doc = "of a message that a GPU posts and the flag behind it, beyond the latency of its path"},
    {0}};
const struct cfg_table hw_sm_copies_table = {"copies", "how SMs copy tokens", sizeof(struct hw_sm_copies),
                                             copies_fields};

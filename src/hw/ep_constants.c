#include "hw/ep_constants.h"

#include "base/cfg_rows.h"

static const struct cfg_field constants_fields[] = {
    ROW_TEXT(hw_ep_constants, "software", software, "",
             "version and date of what was measured on this chip; empty = nothing was"),
    ROW_AMOUNT(hw_ep_constants, "dispatch_start", start_s[0], DIM_TIME, "0 s", 0, 1,
               "of a dispatch with nothing to move: launch, barriers and flags inside a node; 0 = not measured",
               .needs = ".software!="),
    ROW_AMOUNT(hw_ep_constants, "combine_start", start_s[1], DIM_TIME, "0 s", 0, 1, "the same of a combine",
               .needs = ".software!="),
    ROW_RATIO(hw_ep_constants, "dispatch_nvlink", nvlink_ratio[0], "0", 0, 1,
              "what a dispatch's copies reach of raw NVLink; 0 = not measured", .needs = ".software!="),
    ROW_RATIO(hw_ep_constants, "combine_nvlink", nvlink_ratio[1], "0", 0, 1, "the same of a combine",
              .needs = ".software!="),
    {0}};
const struct cfg_table hw_ep_constants_table = {"constants", "a kernel of expert parallelism on this chip",
                                                sizeof(struct hw_ep_constants), constants_fields};

static const struct cfg_field copies_fields[] = {
    ROW_AMOUNT(hw_sm_copies, "load", load_s, DIM_TIME, "0.57 us", 1e-9, 1e-3,
               "from a load of the GPU's memory until its value is there, beside other warps that copy"),
    ROW_AMOUNT(hw_sm_copies, "scan", scan_s, DIM_TIME, "0.2 us", 0, 1e-3, "to look at a token that goes elsewhere"),
    ROW_AMOUNT(hw_sm_copies, "bulk", bulk_Bps, DIM_BANDWIDTH, "20 GB/s", 1e6, 1e13,
               "of one warp that lets the SM copy in bulk (TMA), after the first byte"),
    ROW_AMOUNT(hw_sm_copies, "network_flag", network_flag_s, DIM_TIME, "7 us", 0, 1e-3,
               "of a message that a GPU posts and the flag behind it, beyond the latency of its path"),
    ROW_AMOUNT(
        hw_sm_copies, "notify", notify_s, DIM_TIME, "0 s", 0, 1e-3,
        "deepep_normal inside a node: what a call's notify kernel takes of dispatch_start and combine_start, which "
        "between nodes is a phase of its own; 0 = two barriers and a launch"),
    {0}};
const struct cfg_table hw_sm_copies_table = {"copies", "how SMs copy tokens", sizeof(struct hw_sm_copies),
                                             copies_fields};

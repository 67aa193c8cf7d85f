/* What kernels of expert parallelism take on a chip, beside links: a few numbers each, measured. */
#ifndef MOESIM_HW_EP_CONSTANTS_H
#define MOESIM_HW_EP_CONSTANTS_H

#include "base/cfg.h"

/* Of one kernel on one chip; [0] is of a dispatch, [1] of a combine. */
struct hw_ep_constants {
    const char *software;   /* version and date of what was measured; "" = nobody has measured it on this chip */
    double start_s[2];      /* of a call with nothing to move: launch, barriers and flags inside a node */
    double nvlink_ratio[2]; /* what its copies reach of raw NVLink; 0 = not measured */
};

/* How SMs copy tokens, whatever the kernel. */
struct hw_sm_copies {
    double load_s;         /* from a load until its value is there, beside other warps that copy */
    double scan_s;         /* to look at one token that goes elsewhere */
    double bulk_Bps;       /* of one warp that copies by the SM's bulk copies, after the first byte */
    double network_flag_s; /* of a message that a GPU posts and the flag behind it, beyond the path's latency */
    double notify_s;       /* of deepep_normal inside a node: its notify kernel; 0 = two barriers and a launch */
};

extern const struct cfg_table hw_ep_constants_table, hw_sm_copies_table;

#endif

/* What NCCL's kernels take on a chip, protocol by protocol. */
#ifndef MOESIM_HW_NCCL_CFG_H
#define MOESIM_HW_NCCL_CFG_H

#include "base/cfg.h"

/* Rates are of one GPU, over all channels. */
struct hw_nccl {
    const char *version;
    double start_s; /* launch to the first step of a ring; 0 = not measured: cluster.software alone speaks */
    double ll_Bps;  /* LL: what a step moves; its latency is NVLink's */
    double ll128_step_s, ll128_Bps;
    double simple_start_s, simple_step_s; /* Simple, beyond `start`; a slice's latency from GPU to GPU */
    double simple_from_B; /* of a message among 4 GPUs: from here on Simple, in proportion to GPUs above 4 */
    double copy_Bps;      /* last copy out of the buffer */
    double peer_start_s, peer_ll_Bps; /* sends and receives: small ones by LL, of one peer */
    double peer_simple_s, peer_nvlink_ratio, peer_copy_Bps;
    double nvls_gpu_s, nvls_nvlink_ratio; /* sums in the switch */
    int64_t channels;                     /* SMs */
};

extern const struct cfg_table hw_nccl_table;

#endif

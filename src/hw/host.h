/* What connects a GPU with its CPU and its NIC, and which traffic goes first (paper 4.5, 6.2). */
#ifndef MOESIM_HW_HOST_H
#define MOESIM_HW_HOST_H

#include <stdint.h>

#include "base/cfg.h"

enum nic_attach {
    NIC_BEHIND_PCIE, /* shares the GPU's PCIe with what comes from the CPU */
    NIC_IN_IO_DIE    /* in the GPU's package (paper 4.5.2, 2) */
};

enum cpu_link {
    CPU_OVER_PCIE,
    CPU_OVER_NVLINK /* a link of its own in the scale-up domain (4.5.2, 3) */
};

struct hw_host {
    int nic, cpu;                          /* enum nic_attach, enum cpu_link */
    double cpu_nvlink_Bps;                 /* per GPU, one direction */
    double dram_Bps;                       /* per node */
    double dram_touches_ratio;             /* bytes of DRAM traffic per byte that crosses PCIe */
    double clock_Hz;                       /* of a core that launches kernels */
    int64_t launch_cycles;                 /* of one launch, with what leads to it */
    double cores_per_gpu, threads_per_gpu; /* threads that want to run all the time */
};

/* Time of one launch: threads share the cores that there are. */
double hw_launch_s(const struct hw_host *host);

enum traffic_kind { TRAFFIC_EXPERT, TRAFFIC_TENSOR, TRAFFIC_PIPELINE, TRAFFIC_GRADIENT, TRAFFIC_KV_CACHE };
extern const char *const hw_traffic_names[]; /* NULL-terminated */

/* Priority of each kind of traffic on every link, 0 first, strictly; all equal: they share as equals. */
struct hw_traffic {
    int64_t expert, tensor, pipeline, gradient, kv_cache;
};

uint8_t hw_priority(const struct hw_traffic *t, enum traffic_kind kind);

extern const struct cfg_table hw_host_table, hw_traffic_table;

#endif

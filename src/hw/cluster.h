/* The hardware of a cluster as numbers. Filled by config tables from configs/NAME/ (chip.yaml,
 * node.yaml, nic.yaml, network.yaml, software.yaml), each number with its source. */
#ifndef MOESIM_HW_CLUSTER_H
#define MOESIM_HW_CLUSTER_H

#include <stdint.h>

#include "base/cfg.h"

struct hw_chip {
    const char *name;
    int64_t sms;
    double clock_Hz;
    double bf16_flops, fp8_flops;      /* dense, per chip */
    double memory_Bps, memory_B;       /* HBM */
    double launch_s;                   /* gap between dependent kernels of one stream */
};

struct hw_node {
    int64_t gpus;
    double nvlink_Bps;                 /* per GPU, one direction, raw */
    double nvlink_efficiency_ratio;    /* achievable by large transfers over raw */
    double nvlink_latency_s;           /* GPU to GPU through the switch */
    double pcie_Bps, pcie_latency_s;   /* per GPU, one direction */
    double cpu_launch_s;               /* CPU time to launch one kernel */
};

struct hw_nic {
    int64_t per_node;                  /* NIC g serves GPU g */
    double bandwidth_Bps;              /* one direction, line rate */
    double wire_efficiency_ratio;      /* payload over line rate of large messages: headers and overheads */
    double message_overhead_s;         /* NIC time per message (work request) */
    double mtu_B, header_B;            /* per packet: payload and overhead on the wire */
    double latency_s;                  /* NIC + PCIe, one side */
};

struct hw_network {
    int topology;                      /* set from cluster.topology; index into topology_all() */
    int64_t switch_ports;
    double port_Bps;
    double switch_latency_s;
    double cable_s;                    /* propagation of one cable */
    double oversubscription_ratio;     /* downlink over uplink bandwidth of a leaf; 1 = non-blocking */
};

/* How expert-parallel kernels use the GPU (DeepEP). */
struct hw_ep_kernel {
    int64_t sms;                       /* SMs that a dispatch or combine kernel holds */
    double copy_Bps_per_sm;            /* node-level token copies that one SM forwards, logical bytes */
    double barrier_s;                  /* notify: latency once all peers have arrived */
    int64_t chunk_tokens;              /* tokens per RDMA chunk: the pipeline's grain */
};

struct cluster_hw {
    int64_t nodes;
    const char *topology;              /* plugin name */
    struct hw_chip chip;
    struct hw_node node;
    struct hw_nic nic;
    struct hw_network network;
    struct hw_ep_kernel ep_kernel;
};

extern const struct cfg_table cluster_hw_table;

#endif

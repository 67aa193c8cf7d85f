/* The hardware of a cluster as numbers. Filled by config tables from configs/NAME/ (chip.yaml, node.yaml,
 * nic.yaml, network.yaml, ep_kernel.yaml, kernels.yaml), each number with its source. */
#ifndef MOESIM_HW_CLUSTER_H
#define MOESIM_HW_CLUSTER_H

#include <stdint.h>

#include "base/cfg.h"
#include "hw/ep_constants.h"
#include "hw/ep_tasks.h"
#include "hw/cost.h"
#include "hw/failures.h"
#include "hw/host.h"
#include "hw/kernels/kernel_cfg.h"
#include "hw/nccl_cfg.h"
#include "hw/packet.h"

/* How FP8 tensor cores add, and who applies fine-grained scales (paper 3.1). */
struct hw_tensor_core {
    int64_t align_bits, register_bits; /* fraction bits kept of aligned products; mantissa bits of the accumulator */
    int64_t promote_every; /* elements of K after which CUDA cores scale it and add it up in FP32; 0: never */
    bool native_scaling;   /* scales go into the tensor core: nothing moves to CUDA cores on the way */
};

/* What the numbers of a hardware layer rest on. */
enum hw_basis { HW_BASIS_UNSAID, HW_BASIS_MEASURED, HW_BASIS_DATA_SHEET };

struct hw_chip {
    const char *name;
    int basis; /* enum hw_basis */
    struct hw_tensor_core tensor;
    int64_t sms;
    double bf16_flops, fp8_flops, fp4_flops; /* dense, per chip; fp4: 0 = none */
    double memory_Bps;                       /* HBM */
    double memory_B;
    double clock_Hz; /* of what waits inside kernels; FLOP/s are given apart */
    double cache_B;  /* last-level cache, which repeated benchmarks read from */
};

struct hw_node {
    int64_t gpus;
    int64_t host_gpus;              /* of one operating system, which benchmarks call a node; 0 = all */
    double nvlink_Bps;              /* per GPU, one direction, raw */
    double nvlink_efficiency_ratio; /* achievable by large transfers over raw */
    double nvlink_latency_s;        /* GPU to GPU through the switch */
    bool unified_adapter;           /* NICs are ports of the scale-up network, too */
    double pcie_Bps;                /* per GPU, one direction: between GPU and NIC */
    struct hw_host host;
    const char *cpu; /* for information */
};

struct hw_nic {
    int64_t per_node;           /* as many as GPUs: NIC g serves GPU g; else they share them, or have several */
    double bandwidth_Bps;       /* one direction, line rate */
    double mtu_B, header_B;     /* per packet: payload and overhead on the wire */
    double efficiency_ratio;    /* what else large messages lose: credits, acknowledgements */
    double latency_s;           /* NIC, PCIe and posting the request, one side */
    struct srcloc bandwidth_at; /* not a key: where bandwidth was given, for warnings */
};

enum routing_policy {
    ROUTING_STATIC,   /* destination-based tables (D-mod-K) */
    ROUTING_ECMP,     /* a hash of the five-tuple chooses among minimal paths */
    ROUTING_ADAPTIVE, /* the least loaded minimal path, reconsidered while the flow runs */
    ROUTING_SPRAY,    /* every packet takes another minimal path */
    ROUTING_VALIANT,  /* over a random detour */
    ROUTING_UGAL,     /* the better of a minimal path and a random detour, by load */
    /* tables as engines of OpenSM fill them (topology/opensm.h) */
    ROUTING_OPENSM_MINHOP,
    ROUTING_OPENSM_UPDN,
    ROUTING_OPENSM_FTREE,
    ROUTING_OPENSM_DFSSSP,
    ROUTING_AUTO /* spray where a NIC has several ports, else static (topology_routing) */
};

extern const char *const routing_policy_names[]; /* NULL-terminated */

struct hw_routing {
    int policy;          /* enum routing_policy */
    int64_t queue_pairs; /* per connection: ecmp hashes each apart */
    double rebalance_s;  /* adaptive: how often running flows may move; 0 = never */
};

struct hw_network {
    const struct cfg_more *topology_keys; /* topologies read their own with topo_keys_read; NULL: defaults */
    bool port_given;                      /* not a key: the scenario gives port_bandwidth, not only the hardware */
    double cables_ratio;                  /* not a key: cables between switches over what they are; 0: as they are */
    const char *beside;                   /* not a key: the scenario, beside which files that it names are looked up */
    struct hw_routing routing;
    int64_t switch_ports;
    double port_Bps;          /* one direction */
    double switch_latency_s;  /* one traversal */
    double copper_length_m;   /* cables that stay in a rack: NIC to leaf, short links */
    double optical_length_m;  /* all other cables between switches */
    double optical_J_per_bit; /* both modules of an optical cable, per bit that crosses it */
};

/* The keys of cluster.network that topologies own: a table for each topology that has some, NULL-terminated. The
 * registry of topologies answers (topology/topo_keys.c). */
const struct cfg_table *const *hw_topology_tables(void);
struct cluster_hw;
/* What a GPU can send into the chosen topology where that is no matter of its NIC and one switch port; 0: it is
 * (topology/topology.c). */
double hw_topology_payload_Bps(const struct cluster_hw *hw);

/* Who makes the static tables of what is left (topology/failover.h). */
enum fault_manager { MANAGER_LIVE, MANAGER_RESTARTED };

struct hw_faults {
    const char *down; /* what fails: "plane 0, switch 3, nic 12, link 77"; "" = nothing */
    double at_s;      /* when; 0 = it is down from the start */
    int manager;      /* enum fault_manager */
    double lasts_s;   /* 0 = for good; else it comes back: a flap, which nobody routes around */
};

/* Who tells the NIC what to send (paper 5.2.3). */
enum initiator {
    INITIATOR_CPU_PROXY, /* the GPU leaves a note for a thread on the CPU, which posts it */
    INITIATOR_IBGDA      /* threads of the GPU write requests and ring the NIC's doorbell */
};

/* What a collective library adds to the hardware's own latencies (NCCL). */
struct hw_software {
    int initiator;       /* enum initiator: of the collectives */
    double ibgda_step_s; /* in place of network_step, message for initiator: ibgda */
    double ibgda_message_s;
    double launch_s;       /* once per collective, before its first message */
    double network_step_s; /* per message over the network: proxy, flags, staging buffers */
    double message_s;      /* messages of a GPU are posted one after the other, each takes this */
    double chunk_B;        /* grain of pipelines: a message is forwarded chunk by chunk */
    struct hw_nccl nccl;
};

/* Where the network itself copies tokens of a dispatch, or adds those of a combine (paper 6.5, 4.4.2). */
enum in_network {
    IN_NETWORK_NONE,
    IN_NETWORK_SCALE_OUT, /* switches between nodes */
    IN_NETWORK_SCALE_UP,  /* the NVSwitch inside a node */
    IN_NETWORK_BOTH
};

/* How a receiver knows that data have come which were written before a flag (paper 6.4). */
enum ordering {
    ORDERING_PATH,  /* the network delivers in order: the flag comes behind the data */
    ORDERING_FENCE, /* the sender waits until all have arrived, then sends the flag */
    ORDERING_REGION /* the receiver's NIC holds the flag back until it has all (Region Acquire/Release) */
};

/* Who encodes what a combine sends in another format than BF16. */
enum codec {
    CODEC_SM, /* the SMs, fused with the kernels that move the data */
    CODEC_NIC /* units in the NIC or I/O die (paper 3.2.2, 6.5) */
};

/* How expert-parallel kernels use the GPU (DeepEP). */
struct hw_ep_kernel {
    int64_t sms;                 /* SMs that a dispatch or combine kernel holds */
    double copy_Bps_per_sm;      /* node-level token copies that one SM moves, logical bytes */
    double barrier_s;            /* notify: latency once all peers have arrived */
    int64_t chunk_tokens;        /* tokens per RDMA chunk: the pipeline's grain */
    int ll_initiator;            /* enum initiator: of the low-latency kernels */
    const char *combine_format;  /* number format of a combine on the wire (hw/formats) */
    int codec;                   /* enum codec */
    double codec_overhead_ratio; /* of a LogFMT that SMs encode and decode, over the time as BF16 */
    struct hw_offload offload;
    int ordering;                       /* enum ordering: of the low-latency kernels' flags */
    int multicast, reduction;           /* enum in_network: of a dispatch, of a combine */
    double ll_dispatch_s, ll_combine_s; /* low-latency kernels: what is not transfer (casts, counts,
                                           reduction, kernel start) */
    const char *kernel;                 /* plugin of models/comm, or "auto": one of the next two */
    const char *throughput_kernel, *latency_kernel;
    int64_t forward_sms;         /* of low-latency kernels where planes do not meet */
    const char *dispatch_format; /* of a token on the wire (models/comm/wire_format.h) */
    struct hw_sm_copies copies;
    struct hw_ep_constants deepep_normal, deepep_low_latency, deepep_v2, hybrid_ep, nvlink_one_sided, nvlink_two_sided,
        pplx, uccl, nccl_all_to_all;
    /* Not keys: what `run --what-if` makes faster, a kernel's own time and its copies by SMs; 0 = as they are. */
    double own_speed_ratio, copy_speed_ratio;
};

struct cluster_hw {
    int64_t nodes;
    const char *topology; /* plugin name */
    struct hw_chip chip;
    struct hw_node node;
    struct hw_nic nic;
    struct hw_network network;
    struct hw_packet packet; /* queues and transport; network model packet only */
    struct hw_ep_kernel ep_kernel;
    struct hw_software software;
    struct hw_traffic traffic;
    struct hw_faults faults;
    struct hw_failures failures;
    struct hw_cost cost;
    struct hw_kernels kernels;
};

extern const struct cfg_table cluster_hw_table;

/* GPUs of one operating system. */
int64_t hw_host_gpus(const struct cluster_hw *hw);

/* What software adds to one message over the network, and the time between two that a GPU posts. */
double hw_step_s(const struct hw_software *sw, enum initiator by);
double hw_message_s(const struct hw_software *sw, enum initiator by);

/* Propagation along the two kinds of cable. */
double hw_copper_s(const struct hw_network *net);
double hw_optical_s(const struct hw_network *net);

/* Of the memory, what SMs can load: each has so many bytes a clock (kernels.sm_bytes_per_clock; 0 = no limit). */
double hw_memory_Bps(const struct cluster_hw *hw, double ratio);

/* Payload per second that large transfers get through a NIC and its switch port: the slowest of
 * line rate, switch port and PCIe, less packet headers and what else is lost. */
double hw_nic_payload_Bps(const struct cluster_hw *hw);
double hw_after_headers_Bps(const struct cluster_hw *hw,
                            double line_Bps); /* less packet headers and what else is lost */
double hw_behind_pcie_Bps(const struct cluster_hw *hw,
                          double payload_Bps);           /* no more than PCIe carries, where it is there */
double hw_port_payload_Bps(const struct cluster_hw *hw); /* the same for a cable between switches */

#endif

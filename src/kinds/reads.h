/* Parts of the cluster that kinds read, for `only` in their lists of what they read (io/kind.h). */
#ifndef MOESIM_KINDS_READS_H
#define MOESIM_KINDS_READS_H

/* What topologies and the networks are made of, and what breaks in them. */
#define READS_NETWORK \
    "nodes topology chip.name chip.basis node.gpus node.nvlink_bandwidth node.nvlink_efficiency node.nvlink_latency " \
    "node.pcie_bandwidth node.host.nic nic network -network.optical_energy packet faults"

/* Kernels' times: the chip, measured kernels and rooflines. */
#define READS_KERNELS "chip -chip.memory -chip.tensor kernels"
#define READS_NO_TRAINING \
    "-kernels.attention.backward -kernels.attention.backward_tile -kernels.gemm.wgrad_block " \
    "-kernels.gemm_bf16.wgrad_block -kernels.pass.transpose"
#define READS_NO_PREFILL \
    "-kernels.attention.start -kernels.attention.forward -kernels.attention.forward_tile -kernels.launch_gap " \
    "-kernels.pass.permute -kernels.pass.unpermute"
#define READS_NO_DECODING \
    "-kernels.attention.decode_start -kernels.attention.decode_block -kernels.attention.decode_request " \
    "-kernels.attention.decode_least_blocks"

/* Any kernel of expert parallelism: which keys the chosen one reads, fields say (cluster.c) and
 * NEEDS_OF_POSTING below. */
#define READS_EXCHANGES \
    "ep_kernel software.ibgda_step software.ibgda_message software.network_step software.message software.launch " \
    "node.unified_adapter node.host_gpus traffic.expert"

/* DeepEP's kernels of training and prefill. */
#define READS_NORMAL \
    "ep_kernel.sms ep_kernel.copy_per_sm ep_kernel.barrier ep_kernel.chunk_tokens ep_kernel.combine_format " \
    "ep_kernel.codec ep_kernel.codec_overhead ep_kernel.offload ep_kernel.multicast ep_kernel.reduction " \
    "node.unified_adapter traffic.expert"

/* A step of decoding; of prefill. */
#define READS_STEP \
    READS_NETWORK " " READS_KERNELS " " READS_NO_TRAINING " chip.memory node.host.clock node.host.launch_cycles " \
                  "node.host.cores_per_gpu node.host.threads_per_gpu traffic.tensor"
#define READS_DECODING READS_STEP " " READS_NO_PREFILL " " READS_EXCHANGES " -ep_kernel.throughput_kernel"
#define READS_INFERENCE READS_STEP " " READS_EXCHANGES " traffic.kv_cache"
/* Prices and powers: kinds that say how their cluster is used (struct kind_use). */
#define READS_COST " cost"

/* When they read what only some of them do, for `needs`: kernels that are named, those of many tokens and of few; `of`
 * begins with = or !=. A kernel that is not among these may read any of it. */
#define NAMED(of) "cluster.ep_kernel.kernel" of
#define OF_MANY(of) "cluster.ep_kernel.kernel=auto cluster.ep_kernel.throughput_kernel" of
#define OF_FEW(of) "cluster.ep_kernel.kernel=auto cluster.ep_kernel.latency_kernel" of

/* DeepEP as published: channels of copying SMs; constants of its own for low latency. */
#define OLD_NORMAL "=deepep_normal_2025_02"
#define OLD_LOW_LATENCY "=deepep_low_latency_2025_02"
#define OLD_DEEPEP "=deepep_normal_2025_02,deepep_low_latency_2025_02"
/* Flags that other messages may overtake; messages that a GPU, or a thread for it, posts one by one. */
#define WITH_FLAGS "=deepep_low_latency_2025_02,uccl"
#define WITH_POSTING "=deepep_low_latency,deepep_low_latency_2025_02,pplx"
/* They take all SMs for a while, and none while tokens move; uccl's for few tokens do. */
#define WITHOUT_SMS "deepep_low_latency,deepep_low_latency_2025_02,nvlink_one_sided,nvlink_two_sided,pplx"
#define NOT_BY_GPU "nccl_all_to_all,uccl,pplx,nvlink_one_sided,nvlink_two_sided,deepep_normal,deepep_normal_2025_02"
#define NOT_BY_CPU \
    "deepep_low_latency,deepep_low_latency_2025_02,deepep_normal,deepep_normal_2025_02,deepep_v2,hybrid_ep," \
    "nvlink_one_sided,nvlink_two_sided,pplx"

#define BY_GPU(when) \
    when "cluster.ep_kernel.low_latency_initiator=ibgda | " NAMED( \
        "!=auto," NOT_BY_GPU) " | cluster.ep_kernel.throughput_kernel=hybrid_ep | " \
                              "cluster.ep_kernel.throughput_kernel=deepep_v2"
#define BY_CPU(when) \
    when "cluster.ep_kernel.low_latency_initiator=cpu_proxy | " NAMED( \
        "!=auto," NOT_BY_CPU) " | cluster.ep_kernel.latency_kernel=uccl,nccl_all_to_all | " \
                              "cluster.ep_kernel.throughput_kernel=uccl,nccl_all_to_all"
#define NEEDS_OF_POSTING(when) \
    {.keys = "cluster.software.ibgda_message cluster.software.ibgda_step", .condition = BY_GPU(when)}, \
    { \
        .keys = "cluster.software.message cluster.software.network_step cluster.software.launch", \
        .condition = BY_CPU(when) \
    }
/* Copies over NVLink by SMs, bulk copies, flags: not in these kernels. */
#define NO_COPIES "deepep_low_latency_2025_02,deepep_normal_2025_02,nccl_all_to_all,uccl"
#define BY_COPIES(kernel) \
    "cluster.ep_kernel.kernel!=auto," NO_COPIES " | cluster.ep_kernel.kernel=auto cluster.ep_kernel." kernel \
    "!=" NO_COPIES
/* What low-latency kernels have. */
#define NEEDS_OF_LOW_LATENCY(few) \
    {.keys = "cluster.ep_kernel.low_latency_dispatch cluster.ep_kernel.low_latency_combine", \
     .condition = few(OLD_LOW_LATENCY) " | " NAMED(OLD_LOW_LATENCY)}, \
        {.keys = "cluster.ep_kernel.ordering", .condition = few(WITH_FLAGS) " | " NAMED(WITH_FLAGS)}, \
    { \
        .keys = "cluster.ep_kernel.low_latency_initiator", .condition = few(WITH_POSTING) " | " NAMED(WITH_POSTING) \
    }
/* What normal kernels have, where these run: in `many`. */
#define NEEDS_OF_NORMAL(many) \
    { \
        .keys = "cluster.ep_kernel.copy_per_sm cluster.ep_kernel.barrier cluster.ep_kernel.chunk_tokens", \
        .condition = many(OLD_NORMAL) " | " NAMED(OLD_NORMAL) \
    }
/* Kinds that prefill and decode. */
#define NEEDS_OF_BOTH(many, few) \
    {.keys = "cluster.ep_kernel.sms", \
     .condition = many("!=" WITHOUT_SMS) " | " few("!=" WITHOUT_SMS ",uccl") " | " NAMED("!=auto," WITHOUT_SMS)}, \
        NEEDS_OF_NORMAL(many), \
        {.keys = "cluster.ep_kernel.offload cluster.node.unified_adapter", \
         .condition = many(OLD_NORMAL) " | " NAMED(OLD_NORMAL)}, \
        {.keys = "cluster.ep_kernel.codec cluster.ep_kernel.codec_overhead", \
         .beside = true, \
         .condition = many(OLD_DEEPEP) " | " few(OLD_DEEPEP) " | " NAMED(OLD_DEEPEP)}, \
        NEEDS_OF_LOW_LATENCY(few), \
    { \
        .keys = "cluster.ep_kernel.copies", \
        .condition = BY_COPIES("latency_kernel") " | " BY_COPIES("throughput_kernel") \
    }
/* Kinds that only decode: what kernels for many tokens read, where one is named. */
#define NEEDS_OF_LATENCY \
    {.keys = "cluster.ep_kernel.copy_per_sm cluster.ep_kernel.barrier cluster.ep_kernel.chunk_tokens " \
             "cluster.ep_kernel.offload cluster.node.unified_adapter", \
     .condition = OF_FEW(OLD_NORMAL) " | " NAMED(OLD_NORMAL)}, \
        {.keys = "cluster.ep_kernel.codec cluster.ep_kernel.codec_overhead", \
         .beside = true, \
         .condition = OF_FEW(OLD_DEEPEP) " | " NAMED(OLD_DEEPEP)}, \
        {.keys = "cluster.ep_kernel.sms", \
         .condition = OF_FEW("!=" WITHOUT_SMS ",uccl") " | " NAMED("!=auto," WITHOUT_SMS ",uccl")}, \
        NEEDS_OF_LOW_LATENCY(OF_FEW), \
    { \
        .keys = "cluster.ep_kernel.copies", .condition = BY_COPIES("latency_kernel") \
    }
#define NEEDS_OF_STEPS \
    {.keys = "cluster.node.host.clock cluster.node.host.launch_cycles cluster.node.host.cores_per_gpu " \
             "cluster.node.host.threads_per_gpu", \
     .condition = "inference.eager=true"}, \
    { \
        .keys = "cluster.traffic.tensor", .condition = "inference.tp>1" \
    }

#endif

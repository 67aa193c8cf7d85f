/* Parts of the cluster that kinds read, for `only` in their lists of what they read (io/kind.h). */
#ifndef MOESIM_KINDS_READS_H
#define MOESIM_KINDS_READS_H

/* What topologies and the networks are made of, and what breaks in them. */
#define READS_NETWORK \
    "nodes topology chip.name node.gpus node.nvlink_bandwidth node.nvlink_efficiency node.nvlink_latency " \
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

/* DeepEP's kernels of decoding. */
#define READS_LOW_LATENCY \
    "ep_kernel.low_latency_initiator ep_kernel.low_latency_dispatch ep_kernel.low_latency_combine " \
    "ep_kernel.combine_format ep_kernel.ordering software.ibgda_message software.message traffic.expert"

/* DeepEP's kernels of training and prefill. */
#define READS_NORMAL \
    "ep_kernel.sms ep_kernel.copy_per_sm ep_kernel.barrier ep_kernel.chunk_tokens ep_kernel.combine_format " \
    "ep_kernel.codec ep_kernel.codec_overhead ep_kernel.offload ep_kernel.multicast ep_kernel.reduction " \
    "node.unified_adapter traffic.expert"

/* Any kernel of expert parallelism, with its constants; which one with kernel auto, and in what format, see the kind. */
#define READS_EP_KERNELS \
    "ep_kernel.kernel ep_kernel.copies ep_kernel.deepep_normal ep_kernel.deepep_low_latency ep_kernel.deepep_v2 " \
    "ep_kernel.hybrid_ep ep_kernel.nvlink_one_sided ep_kernel.nvlink_two_sided ep_kernel.pplx ep_kernel.uccl " \
    "ep_kernel.nccl_all_to_all"
#define READS_FEW_TOKENS READS_EP_KERNELS " ep_kernel.latency_kernel ep_kernel.forward_sms ep_kernel.dispatch_format"

/* A step of decoding; of prefill. */
#define READS_STEP \
    READS_NETWORK " " READS_KERNELS " " READS_NO_TRAINING " chip.memory node.host.clock node.host.launch_cycles " \
                  "node.host.cores_per_gpu node.host.threads_per_gpu traffic.tensor"
#define READS_DECODING READS_STEP " " READS_NO_PREFILL " " READS_LOW_LATENCY " " READS_FEW_TOKENS
#define READS_INFERENCE \
    READS_STEP " " READS_LOW_LATENCY " " READS_NORMAL " " READS_FEW_TOKENS \
               " ep_kernel.throughput_kernel traffic.kv_cache"

/* When they read what only some of them do, for `needs`. */
#define NEEDS_OF_STEPS \
    {.keys = "cluster.node.host.clock cluster.node.host.launch_cycles cluster.node.host.cores_per_gpu " \
             "cluster.node.host.threads_per_gpu", \
     .condition = "inference.eager=true"}, \
        {.keys = "cluster.traffic.tensor", .condition = "inference.tp>1"}, \
        {.keys = "cluster.software.ibgda_message", .condition = "cluster.ep_kernel.low_latency_initiator=ibgda"}, \
    { \
        .keys = "cluster.software.message", .condition = "cluster.ep_kernel.low_latency_initiator=cpu_proxy" \
    }

#endif

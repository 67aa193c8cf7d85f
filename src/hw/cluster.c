/* Config tables of the hardware, and the rates that follow from it. */
#include "hw/cluster.h"

#include "base/cfg_rows.h"
#include <math.h>

static const struct cfg_field tensor_fields[] = {
    ROW_COUNT(hw_tensor_core, "align_bits", align_bits, "13", 1, 40,
              "fraction bits that aligned products keep (Hopper: 13)"),
    ROW_COUNT(hw_tensor_core, "register_bits", register_bits, "13", 1, 23,
              "mantissa bits of the accumulator (Hopper: 13, FP22)"),
    ROW_COUNT(hw_tensor_core, "promote_every", promote_every, "128", 0, 1 << 20,
              "elements of K after which CUDA cores scale it and add it up in FP32 (DeepGEMM: 128); 0: never"),
    ROW_FLAG(hw_tensor_core, "native_scaling", native_scaling, "false",
             "scales of 1x128 and 128x128 go into the tensor core: CUDA cores multiply nothing"),
    {0}};
static const struct cfg_table tensor_table = {"tensor", "FP8 tensor cores", sizeof(struct hw_tensor_core),
                                              tensor_fields};

static const char *const basis_names[] = {"unsaid", "measured", "data_sheet", NULL};

static const struct cfg_field chip_fields[] = {
    ROW_TEXT(hw_chip, "name", name, NULL, "what the chip is called"),
    ROW_CHOICE(
        hw_chip, "basis", basis, "unsaid", basis_names,
        "what its numbers rest on: measured kernels and exchanges, or data_sheet, of which results say that they "
        "are not validated"),
    ROW_COUNT(hw_chip, "sms", sms, NULL, 1, 4096, "streaming multiprocessors"),
    ROW_AMOUNT(hw_chip, "bf16", bf16_flops, DIM_FLOPS, NULL, 1e9, 1e18, "dense BF16 tensor throughput"),
    ROW_AMOUNT(hw_chip, "fp8", fp8_flops, DIM_FLOPS, NULL, 1e9, 1e18, "dense FP8 tensor throughput"),
    ROW_AMOUNT(hw_chip, "fp4", fp4_flops, DIM_FLOPS, "0 FLOPS", 0, 1e18,
               "dense FP4 tensor throughput; 0: it has none, FP4 weights are multiplied in FP8 or BF16"),
    ROW_AMOUNT(hw_chip, "memory_bandwidth", memory_Bps, DIM_BANDWIDTH, NULL, 1e9, 1e15, "HBM bandwidth"),
    ROW_AMOUNT(hw_chip, "memory", memory_B, DIM_BYTES, NULL, 1e9, 1e14,
               "HBM capacity: what kinds train_step and inference must fit into"),
    ROW_AMOUNT(hw_chip, "clock", clock_Hz, DIM_FREQUENCY, NULL, 1e8, 1e10,
               "clock: moves what waits inside kernels and what an SM loads, not FLOP/s, which are keys of their own"),
    ROW_AMOUNT(hw_chip, "l2", cache_B, DIM_BYTES, "50 MB", 1e3, 1e12,
               "last-level cache: moves measured times of kernels that found their operands there"),
    {.name = "tensor", .type = CFG_TABLE, .offset = offsetof(struct hw_chip, tensor), .sub = &tensor_table},
    {0}};
static const struct cfg_table chip_table = {"chip", "the accelerator", sizeof(struct hw_chip), chip_fields};

static const struct cfg_field node_fields[] = {
    ROW_COUNT(hw_node, "gpus", gpus, NULL, 1, 1024, "GPUs per node"),
    ROW_COUNT(hw_node, "host_gpus", host_gpus, "0", 0, 1024,
              "GPUs of one operating system, which benchmarks call a node (a tray of a rack); 0 = all of the node"),
    ROW_AMOUNT(hw_node, "nvlink_bandwidth", nvlink_Bps, DIM_BANDWIDTH, NULL, 1e8, 1e14,
               "NVLink of one GPU, one direction, raw"),
    ROW_AMOUNT(hw_node, "nvlink_efficiency", nvlink_efficiency_ratio, DIM_RATIO, NULL, 0.01, 1,
               "what large transfers achieve of the raw NVLink bandwidth"),
    ROW_AMOUNT(hw_node, "nvlink_latency", nvlink_latency_s, DIM_TIME, NULL, 0, 1,
               "GPU to GPU through the NVSwitch, end to end"),
    ROW_FLAG(hw_node, "unified_adapter", unified_adapter, "false",
             "NICs have ports of their own in the scale-up network: what they bring goes to any GPU of the node"),
    ROW_AMOUNT(hw_node, "pcie_bandwidth", pcie_Bps, DIM_BANDWIDTH, NULL, 1e8, 1e14,
               "PCIe between a GPU and its NIC, one direction"),
    {.name = "host", .type = CFG_TABLE, .offset = offsetof(struct hw_node, host), .sub = &hw_host_table},
    ROW_TEXT(hw_node, "cpu", cpu, NULL, "host processor (for information)"),
    {0}};
static const struct cfg_table node_table = {"node", "what is inside one node", sizeof(struct hw_node), node_fields};

static const struct cfg_field nic_fields[] = {
    ROW_COUNT(
        hw_nic, "per_node", per_node, NULL, 1, 1024,
        "NICs per node; as many as GPUs: NIC i serves GPU i; fewer: GPUs share them, in order; more: a GPU has several "
        "and divides its messages among them"),
    ROW_AMOUNT(hw_nic, "bandwidth", bandwidth_Bps, DIM_BANDWIDTH, NULL, 1e7, 1e14, "line rate, one direction"),
    ROW_AMOUNT(hw_nic, "mtu", mtu_B, DIM_BYTES, NULL, 64, 65536, "payload of a full packet"),
    ROW_AMOUNT(hw_nic, "header", header_B, DIM_BYTES, NULL, 0, 1024, "bytes on the wire around a payload"),
    ROW_AMOUNT(hw_nic, "efficiency", efficiency_ratio, DIM_RATIO, NULL, 0.01, 1,
               "what large messages keep beside packet headers (credits, acknowledgements)"),
    ROW_AMOUNT(hw_nic, "latency", latency_s, DIM_TIME, NULL, 0, 1, "NIC, PCIe and posting the request, on one side"),
    {0}};
static const struct cfg_table nic_table = {"nic", "the network adapter", sizeof(struct hw_nic), nic_fields};

const char *const routing_policy_names[] = {"static",       "ecmp",          "adaptive",      "spray",
                                            "valiant",      "ugal",          "opensm-minhop", "opensm-updn",
                                            "opensm-ftree", "opensm-dfsssp", "auto",          NULL};
static const struct cfg_field routing_fields[] = {
    ROW_CHOICE(hw_routing, "policy", policy, "auto", routing_policy_names,
               "static (destination-based), ecmp, adaptive, spray; valiant, ugal: with detours; opensm-...: tables "
               "as these engines of OpenSM fill them; auto: spray where a NIC has "
               "several ports, else static"),
    ROW_COUNT(hw_routing, "queue_pairs", queue_pairs, "1", 1, 64, "queue pairs per connection; ecmp hashes each apart",
              .needs = ".policy=ecmp"),
    ROW_AMOUNT(hw_routing, "rebalance", rebalance_s, DIM_TIME, "0 s", 0, 1,
               "adaptive: how often running flows may move to another path; 0 = never", .needs = ".policy=adaptive"),
    {0}};
static const struct cfg_table routing_table = {"routing", "which of several paths a flow takes",
                                               sizeof(struct hw_routing), routing_fields};

static const struct cfg_field network_fields[] = {
    {.name = "topologies",
     .type = CFG_MORE,
     .offset = offsetof(struct hw_network, topology_keys),
     .more = hw_topology_tables},
    {.name = "routing", .type = CFG_TABLE, .offset = offsetof(struct hw_network, routing), .sub = &routing_table},
    ROW_COUNT(hw_network, "switch_ports", switch_ports, NULL, 2, 4096, "ports of a switch"),
    ROW_AMOUNT(hw_network, "port_bandwidth", port_Bps, DIM_BANDWIDTH, NULL, 1e7, 1e14,
               "one switch port, one direction"),
    ROW_AMOUNT(hw_network, "switch_latency", switch_latency_s, DIM_TIME, NULL, 0, 1, "one traversal of a switch"),
    ROW_AMOUNT(hw_network, "copper_length", copper_length_m, DIM_LENGTH, NULL, 0, 1e6,
               "cable between a NIC and its switch, or within a group of switches; 5 ns a metre"),
    ROW_AMOUNT(hw_network, "optical_length", optical_length_m, DIM_LENGTH, NULL, 0, 1e6,
               "any other cable between switches; 5 ns a metre"),
    ROW_AMOUNT(hw_network, "optical_energy", optical_J_per_bit, DIM_ENERGY, "37.5 pJ", 0, 1e-6,
               "both modules of an optical cable between switches, per bit (default: pluggable modules of 30 W at "
               "1.6 Tb/s, NVIDIA, GTC 2025)"),
    {0}};
static const struct cfg_table network_table = {"network", "switches and cables", sizeof(struct hw_network),
                                               network_fields};

static const char *const initiator_names[] = {"cpu_proxy", "ibgda", NULL};

static const struct cfg_field software_fields[] = {
    ROW_CHOICE(hw_software, "initiator", initiator, "cpu_proxy", initiator_names,
               "collectives: who posts messages to the NIC, a thread on the CPU or the GPU (IBGDA)"),
    ROW_AMOUNT(hw_software, "ibgda_step", ibgda_step_s, DIM_TIME, "0 s", 0, 1,
               "initiator ibgda: what software adds to the latency of a message"),
    ROW_AMOUNT(hw_software, "ibgda_message", ibgda_message_s, DIM_TIME, "0 s", 0, 1,
               "initiator ibgda: time between two messages that a GPU posts"),
    ROW_AMOUNT(hw_software, "launch", launch_s, DIM_TIME, "0 s", 0, 1,
               "from the call of a collective to its first message"),
    ROW_AMOUNT(hw_software, "network_step", network_step_s, DIM_TIME, "0 s", 0, 1,
               "initiator cpu_proxy: what software adds to the latency of a message over the network"),
    ROW_AMOUNT(hw_software, "message", message_s, DIM_TIME, "0 s", 0, 1,
               "initiator cpu_proxy: messages of a GPU are posted one after the other; each takes this"),
    ROW_AMOUNT(hw_software, "chunk", chunk_B, DIM_BYTES, "512 KiB", 1, 1e12,
               "grain of pipelines: messages are forwarded chunk by chunk (default: NCCL's buffer of "
               "4 MiB in 8 steps)"),
    ROW_PART(hw_software, "nccl", nccl, hw_nccl_table, "NCCL's kernels inside a node"),
    {0}};
static const struct cfg_table software_table = {"software", "the collective library (NCCL)", sizeof(struct hw_software),
                                                software_fields};

static const char *const ordering_names[] = {"path", "fence", "region", NULL};
static const char *const in_network_names[] = {"none", "scale_out", "scale_up", "both", NULL};
static const char *const codec_names[] = {"sm", "nic", NULL};

#define CONSTANTS(kernel, text) \
    { \
        .name = #kernel, .type = CFG_TABLE, .offset = offsetof(struct hw_ep_kernel, kernel), \
        .sub = &hw_ep_constants_table, .doc = text, \
        .needs = "cluster.ep_kernel.kernel=" #kernel " | moe.exchange.kernels~" #kernel \
                 " | cluster.ep_kernel.kernel=auto cluster.ep_kernel.throughput_kernel=" #kernel \
                 " | cluster.ep_kernel.kernel=auto cluster.ep_kernel.latency_kernel=" #kernel \
    }

static const struct cfg_field ep_kernel_fields[] = {
    ROW_COUNT(hw_ep_kernel, "sms", sms, NULL, 0, 4096,
              "SMs that a dispatch or combine kernel holds; 0 = hardware moves the data"),
    ROW_AMOUNT(hw_ep_kernel, "copy_per_sm", copy_Bps_per_sm, DIM_BANDWIDTH, NULL, 1e6, 1e13,
               "node-level token copies that one SM of these kernels moves, logical bytes"),
    ROW_AMOUNT(hw_ep_kernel, "barrier", barrier_s, DIM_TIME, NULL, 0, 1,
               "latency of the barrier before a kernel, once all ranks have arrived"),
    ROW_COUNT(hw_ep_kernel, "chunk_tokens", chunk_tokens, NULL, 1, 65536,
              "tokens per RDMA chunk: how much must arrive before forwarding starts"),
    ROW_CHOICE(hw_ep_kernel, "low_latency_initiator", ll_initiator, "ibgda", initiator_names,
               "low-latency kernels: who posts their messages, one per token and expert, to the NIC"),
    ROW_TEXT(hw_ep_kernel, "combine_format", combine_format, "bf16",
             "number format in which tokens of a combine cross the network (moesim formats --list)"),
    ROW_CHOICE(hw_ep_kernel, "codec", codec, "sm", codec_names,
               "who encodes and decodes them: the SMs, or units in the NIC", .needs = ".combine_format!=bf16"),
    ROW_RATIO(hw_ep_kernel, "codec_overhead", codec_overhead_ratio, "75 %", 0, 10,
              "codec sm, LogFMT: time of a kernel beyond that of BF16 (paper 3.2.1: 50 to 100 %)",
              .needs = ".combine_format!=bf16 .codec=sm"),
    ROW_CHOICE(hw_ep_kernel, "ordering", ordering, "path", ordering_names,
               "low-latency kernels: flags behind their data by the path (in order), by a fence of the sender (a round "
               "trip), or by the receiver's NIC (region acquire/release)"),
    ROW_CHOICE(hw_ep_kernel, "multicast", multicast, "none", in_network_names,
               "normal kernels: where switches copy tokens of a dispatch"),
    ROW_CHOICE(hw_ep_kernel, "reduction", reduction, "none", in_network_names,
               "normal kernels: where switches add up tokens of a combine"),
    {.name = "offload", .type = CFG_TABLE, .offset = offsetof(struct hw_ep_kernel, offload), .sub = &hw_offload_table},
    ROW_AMOUNT(hw_ep_kernel, "low_latency_dispatch", ll_dispatch_s, DIM_TIME, "0 s", 0, 1,
               "low-latency dispatch: time beside the transfer (cast, counts, kernel start)"),
    ROW_AMOUNT(hw_ep_kernel, "low_latency_combine", ll_combine_s, DIM_TIME, "0 s", 0, 1,
               "low-latency combine: time beside the transfer (reduction, kernel start)"),
    ROW_TEXT(hw_ep_kernel, "kernel", kernel, "auto",
             "which kernel exchanges tokens (moesim list ep_kernels); auto: throughput_kernel where tokens are many, "
             "latency_kernel where they are few"),
    ROW_TEXT(hw_ep_kernel, "throughput_kernel", throughput_kernel, "deepep_normal",
             "kernel auto: that of training and prefill", .needs = "cluster.ep_kernel.kernel=auto"),
    ROW_TEXT(hw_ep_kernel, "latency_kernel", latency_kernel, "deepep_low_latency", "kernel auto: that of decoding",
             .needs = "cluster.ep_kernel.kernel=auto"),
    ROW_COUNT(
        hw_ep_kernel, "forward_sms", forward_sms, "2", 0, 4096,
        "low-latency kernels where planes do not meet: SMs that find messages of the node's other GPUs and post them "
        "on their own rail (default: an assumption)"),
    ROW_TEXT(hw_ep_kernel, "dispatch_format", dispatch_format, "fp8",
             "what tokens of a dispatch travel as: fp8 (1x128 scales), bf16, mxfp8, nvfp4",
             .needs = "cluster.ep_kernel.kernel!=auto,deepep_normal_2025_02,deepep_low_latency_2025_02 | "
                      "moe.exchange.kernels!= | "
                      "cluster.ep_kernel.kernel=auto cluster.ep_kernel.throughput_kernel!=deepep_normal_2025_02 | "
                      "cluster.ep_kernel.kernel=auto cluster.ep_kernel.latency_kernel!=deepep_low_latency_2025_02"),
    ROW_PART(hw_ep_kernel, "copies", copies, hw_sm_copies_table, "how SMs copy tokens, whatever the kernel"),
    CONSTANTS(deepep_normal, "DeepEP's normal kernels"),
    CONSTANTS(deepep_low_latency, "DeepEP's low-latency kernels"),
    CONSTANTS(deepep_v2, "DeepEP V2"),
    CONSTANTS(hybrid_ep, "HybridEP"),
    CONSTANTS(nvlink_one_sided, "TensorRT-LLM's one-sided kernels over NVLink"),
    CONSTANTS(nvlink_two_sided, "TensorRT-LLM's two-sided kernels over NVLink"),
    CONSTANTS(pplx, "Perplexity's kernels"),
    CONSTANTS(uccl, "UCCL-EP"),
    CONSTANTS(nccl_all_to_all, "all-to-all of a collective library"),
    {0}};
static const struct cfg_table ep_kernel_table = {"ep_kernel", "how dispatch and combine use the GPU (DeepEP)",
                                                 sizeof(struct hw_ep_kernel), ep_kernel_fields};

static const char *const fault_manager_names[] = {"live", "restarted", NULL};

static const struct cfg_field faults_fields[] = {
    ROW_TEXT(hw_faults, "down", down, "", "what fails, for example 'plane 0, switch 3, nic 12, link 77'",
             .needs = "sim.network!=bound"),
    ROW_AMOUNT(hw_faults, "at", at_s, DIM_TIME, "0 s", 0, 1e9, "when it fails; 0 = it is down from the start",
               .needs = "sim.network!=bound .down!="),
    ROW_AMOUNT(hw_faults, "lasts", lasts_s, DIM_TIME, "0 s", 0, 1e9,
               "0 = for good, traffic takes another way; else it comes back (a flap), and traffic waits for it",
               .needs = "sim.network!=bound .down!="),
    ROW_CHOICE(
        hw_faults, "manager", manager, "live", fault_manager_names,
        "static tables of what is left: a running subnet manager keeps entries that still are shortest ways, fault by "
        "fault; a restarted one makes all anew",
        .needs = "sim.network!=bound .down!="),
    {0}};
static const struct cfg_table faults_table = {"faults", "what breaks while it runs", sizeof(struct hw_faults),
                                              faults_fields};

static const struct cfg_field cluster_fields[] = {
    ROW_COUNT(cluster_hw, "nodes", nodes, NULL, 1, 65536, "nodes of the cluster"),
    ROW_TEXT(cluster_hw, "topology", topology, NULL, "network topology; `moesim list topologies`", .example = "mpft"),
    ROW_PART(cluster_hw, "chip", chip, chip_table, NULL),
    ROW_PART(cluster_hw, "node", node, node_table, NULL),
    ROW_PART(cluster_hw, "nic", nic, nic_table, NULL),
    ROW_PART(cluster_hw, "network", network, network_table, NULL),
    {
        .name = "packet",
        .type = CFG_TABLE,
        .offset = offsetof(struct cluster_hw, packet),
        .sub = &hw_packet_table,
        .needs = "sim.network=packet",
    },
    ROW_PART(cluster_hw, "ep_kernel", ep_kernel, ep_kernel_table, NULL),
    ROW_PART(cluster_hw, "software", software, software_table, NULL),
    ROW_PART(cluster_hw, "traffic", traffic, hw_traffic_table, NULL),
    ROW_PART(cluster_hw, "faults", faults, faults_table, NULL),
    ROW_PART(cluster_hw, "failures", failures, hw_failures_table, NULL),
    ROW_PART(cluster_hw, "cost", cost, hw_cost_table, NULL),
    ROW_PART(cluster_hw, "kernels", kernels, hw_kernels_table, NULL),
    {0}};
const struct cfg_table cluster_hw_table = {"cluster", "the hardware", sizeof(struct cluster_hw), cluster_fields};

int64_t hw_host_gpus(const struct cluster_hw *hw)
{
    return hw->node.host_gpus ? hw->node.host_gpus : hw->node.gpus;
}

double hw_step_s(const struct hw_software *sw, enum initiator by)
{
    return by == INITIATOR_IBGDA ? sw->ibgda_step_s : sw->network_step_s;
}

double hw_message_s(const struct hw_software *sw, enum initiator by)
{
    return by == INITIATOR_IBGDA ? sw->ibgda_message_s : sw->message_s;
}

/* Signals travel at two thirds of the speed of light in fibre (refractive index 1.47: 4.9 ns/m) and at
 * 0.65 to 0.7 of it in twinaxial copper (4.8 to 5.1 ns/m). */
static const double propagation_s_per_m = 5e-9;

double hw_copper_s(const struct hw_network *net)
{
    return net->copper_length_m * propagation_s_per_m;
}

double hw_optical_s(const struct hw_network *net)
{
    return net->optical_length_m * propagation_s_per_m;
}

double hw_memory_Bps(const struct cluster_hw *hw, double ratio)
{
    double sms_Bps = (double)hw->chip.sms * hw->kernels.sm_B_per_clock * hw->chip.clock_Hz;
    double memory_Bps = hw->chip.memory_Bps * ratio;
    return sms_Bps > 0 ? fmin(memory_Bps, sms_Bps) : memory_Bps;
}

double hw_after_headers_Bps(const struct cluster_hw *hw, double line_Bps)
{
    return line_Bps * hw->nic.efficiency_ratio * hw->nic.mtu_B / (hw->nic.mtu_B + hw->nic.header_B);
}

double hw_behind_pcie_Bps(const struct cluster_hw *hw, double payload_Bps)
{
    return hw->node.host.nic == NIC_BEHIND_PCIE ? fmin(payload_Bps, hw->node.pcie_Bps) : payload_Bps;
}

double hw_nic_payload_Bps(const struct cluster_hw *hw)
{
    double topology_Bps = hw_topology_payload_Bps(hw);
    double line_Bps = fmin(hw->nic.bandwidth_Bps, hw->network.port_Bps);
    double nic_Bps = topology_Bps > 0 ? topology_Bps : hw_behind_pcie_Bps(hw, hw_after_headers_Bps(hw, line_Bps));
    if (hw->nic.per_node < 1 || hw->nic.per_node == hw->node.gpus)
        return nic_Bps;
    double all_Bps = nic_Bps * (double)hw->nic.per_node / (double)hw->node.gpus;
    return all_Bps > nic_Bps ? hw_behind_pcie_Bps(hw, all_Bps) : all_Bps;
}

double hw_port_payload_Bps(const struct cluster_hw *hw)
{
    return hw_after_headers_Bps(hw, hw->network.port_Bps);
}

#include "hw/host.h"

#include "base/cfg_rows.h"
#include <math.h>

double hw_launch_s(const struct hw_host *host)
{
    return (double)host->launch_cycles / host->clock_Hz * fmax(1, host->threads_per_gpu / host->cores_per_gpu);
}

static const char *const nic_attach_names[] = {"pcie", "io_die", NULL};
static const char *const cpu_link_names[] = {"pcie", "nvlink", NULL};

static const struct cfg_field host_fields[] = {
    ROW_CHOICE(hw_host, "nic", nic, "pcie", nic_attach_names,
               "where a NIC is: behind its GPU's PCIe, or in its I/O die"),
    ROW_CHOICE(hw_host, "cpu", cpu, "pcie", cpu_link_names, "how a GPU reaches the CPU's memory"),
    ROW_AMOUNT(hw_host, "cpu_nvlink", cpu_nvlink_Bps, DIM_BANDWIDTH, "450 GB/s", 1e8, 1e14,
               "cpu nvlink: per GPU, one direction (default: NVLink-C2C of Grace Hopper, 900 GB/s both ways)"),
    ROW_AMOUNT(hw_host, "dram_bandwidth", dram_Bps, DIM_BANDWIDTH, "614 GB/s", 1e8, 1e14,
               "of the CPUs of a node (default: two sockets with 8 channels of DDR5-4800 each)"),
    ROW_RATIO(hw_host, "dram_touches", dram_touches_ratio, "1", 1, 10,
              "DRAM traffic per byte that a GPU loads or stores (paper 6.2: about 1 TB/s for 640 GB/s, 1.56)"),
    ROW_AMOUNT(hw_host, "clock", clock_Hz, DIM_FREQUENCY, "2.1 GHz", 1e8, 1e11,
               "of the core that launches a GPU's kernels (default: base clock of Xeon Platinum 8468)"),
    ROW_COUNT(hw_host, "launch_cycles", launch_cycles, "10000", 0, 1e9,
              "of a launch with what leads to it, where no graph is replayed (an assumption: 4.8 us at 2.1 GHz)"),
    ROW_RATIO(hw_host, "cores_per_gpu", cores_per_gpu, "12", 0.01, 1e4, "cores of a node over its GPUs"),
    ROW_RATIO(hw_host, "threads_per_gpu", threads_per_gpu, "4", 0.01, 1e4,
              "threads of a GPU that want to run all the time: launches, proxy, data, serving (an assumption)"),
    {0}};
const struct cfg_table hw_host_table = {"host", "CPU, its memory, and what joins them with GPUs and NICs",
                                        sizeof(struct hw_host), host_fields};

static const struct cfg_field traffic_fields[] = {
    ROW_COUNT(hw_traffic, "expert", expert, "0", 0, 3, "dispatch and combine"),
    ROW_COUNT(hw_traffic, "tensor", tensor, "0", 0, 3, "tensor parallelism"),
    ROW_COUNT(hw_traffic, "pipeline", pipeline, "0", 0, 3, "pipeline parallelism"),
    ROW_COUNT(hw_traffic, "gradient", gradient, "0", 0, 3, "data parallelism"),
    ROW_COUNT(hw_traffic, "kv_cache", kv_cache, "0", 0, 3, "KV caches between CPU and GPU"),
    {0}};
const struct cfg_table hw_traffic_table = {
    "traffic", "priority of kinds of traffic on NVLink, PCIe and network: 0 is served first, strictly",
    sizeof(struct hw_traffic), traffic_fields};

const char *const hw_traffic_names[] = {"expert", "tensor", "pipeline", "gradient", "kv_cache", NULL};

uint8_t hw_priority(const struct hw_traffic *t, enum traffic_kind kind)
{
    const int64_t of[] = {t->expert, t->tensor, t->pipeline, t->gradient, t->kv_cache};
    return (uint8_t)of[kind];
}

#include "hw/machine.h"

#include <math.h>

#include "base/cfg_rows.h"

static const struct cfg_field processor_fields[] = {
    ROW_AMOUNT(hw_processor, "memory", memory_B, DIM_BYTES, "0 B", 0, 1e15, "size; 0 B: there is none of its own"),
    ROW_AMOUNT(hw_processor, "reserved", reserved_B, DIM_BYTES, "0 B", 0, 1e15,
               "of it for the system, buffers, other programs"),
    ROW_AMOUNT(hw_processor, "memory_bandwidth", memory_Bps, DIM_BANDWIDTH, "0 B/s", 0, 1e15, "peak"),
    ROW_AMOUNT(hw_processor, "bandwidth_efficiency", bandwidth_efficiency_ratio, DIM_RATIO, "1", 0.01, 1,
               "what long reads achieve of it"),
    ROW_AMOUNT(hw_processor, "flops", flops, DIM_FLOPS, "0 FLOPS", 0, 1e18,
               "dense, in the format that weights are expanded to"),
    ROW_AMOUNT(hw_processor, "flops_efficiency", flops_efficiency_ratio, DIM_RATIO, "1", 0.01, 1,
               "what a few tokens achieve of it"),
    ROW_COUNT(hw_processor, "copies", copies, "1", 1, 64,
              "of the weights that it holds, so that each socket reads its own"),
    ROW_COUNT(hw_processor, "sockets", sockets, "1", 1, 64,
              "processors that share the work; memory_bandwidth is of all"),
    ROW_COUNT(hw_processor, "cores", cores, "0", 0, 4096, "of each socket; 0: no limit"),
    ROW_AMOUNT(hw_processor, "core_bandwidth", core_Bps, DIM_BANDWIDTH, "0 B/s", 0, 1e15,
               "what a core reads of weights that it expands and multiplies on the way; 0 B/s: no limit"),
    ROW_AMOUNT(hw_processor, "remote_bandwidth", remote_Bps, DIM_BANDWIDTH, "0 B/s", 0, 1e15,
               "reads of other sockets' memory, all together, where copies are fewer than sockets; 0 B/s: no limit"),
    ROW_COUNT(hw_processor, "kernels", kernels, "0", 0, 1000, "that a layer of one token is cut into"),
    ROW_AMOUNT(hw_processor, "kernel_time", kernel_s, DIM_TIME, "0 s", 0, 1,
               "what each takes beside its bytes and FLOP, and until the next starts"),
    {0}};
static const struct cfg_table processor_table = {"processor", "a processor and its memory", sizeof(struct hw_processor),
                                                 processor_fields};

static const struct cfg_field machine_fields[] = {
    ROW_TEXT(hw_machine, "name", name, NULL, "for people"),
    ROW_AMOUNT(hw_machine, "price", price_USD, DIM_MONEY, "0 USD", 0, 1e9, "of the whole machine; 0 USD: not known"),
    ROW_PART(hw_machine, "gpu", gpu, processor_table, "the GPU, or all of a system on a chip"),
    ROW_PART(hw_machine, "cpu", cpu, processor_table, "the CPU, where it has memory of its own"),
    ROW_AMOUNT(hw_machine, "link_bandwidth", link_Bps, DIM_BANDWIDTH, "0 B/s", 0, 1e15,
               "between GPU and CPU, one direction"),
    ROW_AMOUNT(hw_machine, "hop", hop_s, DIM_TIME, "0 s", 0, 1, "a message from one to the other, and its start"),
    {0}};
const struct cfg_table hw_machine_table = {"machine", "a single machine", sizeof(struct hw_machine), machine_fields};

double hw_processor_Bps(const struct hw_processor *p)
{
    double Bps = p->memory_Bps * p->bandwidth_efficiency_ratio;
    if (p->cores > 0 && p->core_Bps > 0)
        Bps = fmin(Bps, (double)p->sockets * (double)p->cores * p->core_Bps);
    if (p->copies < p->sockets && p->remote_Bps > 0)
        Bps = fmin(Bps, p->remote_Bps / (1 - (double)p->copies / (double)p->sockets));
    return Bps;
}

double hw_processor_flops(const struct hw_processor *p)
{
    return p->flops * p->flops_efficiency_ratio;
}

double hw_processor_free_B(const struct hw_processor *p)
{
    return fmax(p->memory_B - p->reserved_B, 0) / (double)p->copies;
}

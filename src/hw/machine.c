#include "hw/machine.h"

#include <math.h>

#define QUANTITY(table, key, member, dimension, preset, low, high, text) \
    { \
        .name = key, .type = CFG_QUANTITY, .dim = dimension, .offset = offsetof(struct table, member), .dflt = preset, \
        .min = (low), .max = (high), .doc = text \
    }
#define PROCESSOR(key, member, dimension, preset, low, high, text) \
    QUANTITY(hw_processor, key, member, dimension, preset, low, high, text)

#define NUMBER(key, member, preset, low, high, text) \
    { \
        .name = key, .type = CFG_INT, .offset = offsetof(struct hw_processor, member), .dflt = preset, .min = (low), \
        .max = (high), .doc = text \
    }

static const struct cfg_field processor_fields[] = {
    PROCESSOR("memory", memory_B, DIM_BYTES, "0 B", 0, 1e15, "size; 0 B: there is none of its own"),
    PROCESSOR("reserved", reserved_B, DIM_BYTES, "0 B", 0, 1e15, "of it for the system, buffers, other programs"),
    PROCESSOR("memory_bandwidth", memory_Bps, DIM_BANDWIDTH, "0 B/s", 0, 1e15, "peak"),
    PROCESSOR("bandwidth_efficiency", bandwidth_efficiency_ratio, DIM_RATIO, "1", 0.01, 1,
              "what long reads achieve of it"),
    PROCESSOR("flops", flops, DIM_FLOPS, "0 FLOPS", 0, 1e18, "dense, in the format that weights are expanded to"),
    PROCESSOR("flops_efficiency", flops_efficiency_ratio, DIM_RATIO, "1", 0.01, 1, "what a few tokens achieve of it"),
    {.name = "copies",
     .type = CFG_INT,
     .offset = offsetof(struct hw_processor, copies),
     .dflt = "1",
     .min = 1,
     .max = 64,
     .doc = "of the weights that it holds, so that each socket reads its own"},
    NUMBER("sockets", sockets, "1", 1, 64, "processors that share the work; memory_bandwidth is of all"),
    NUMBER("cores", cores, "0", 0, 4096, "of each socket; 0: no limit"),
    PROCESSOR("core_bandwidth", core_Bps, DIM_BANDWIDTH, "0 B/s", 0, 1e15,
              "what a core reads of weights that it expands and multiplies on the way; 0 B/s: no limit"),
    PROCESSOR("remote_bandwidth", remote_Bps, DIM_BANDWIDTH, "0 B/s", 0, 1e15,
              "reads of other sockets' memory, all together, where copies are fewer than sockets; 0 B/s: no limit"),
    NUMBER("kernels", kernels, "0", 0, 1000, "that a layer of one token is cut into"),
    PROCESSOR("kernel_time", kernel_s, DIM_TIME, "0 s", 0, 1,
              "what each takes beside its bytes and FLOP, and until the next starts"),
    {0}};
static const struct cfg_table processor_table = {"processor", "a processor and its memory", sizeof(struct hw_processor),
                                                 processor_fields};

static const struct cfg_field machine_fields[] = {
    {.name = "name", .type = CFG_STRING, .offset = offsetof(struct hw_machine, name), .doc = "for people"},
    QUANTITY(hw_machine, "price", price_USD, DIM_MONEY, "0 USD", 0, 1e9, "of the whole machine; 0 USD: not known"),
    {.name = "gpu",
     .type = CFG_TABLE,
     .offset = offsetof(struct hw_machine, gpu),
     .sub = &processor_table,
     .doc = "the GPU, or all of a system on a chip"},
    {.name = "cpu",
     .type = CFG_TABLE,
     .offset = offsetof(struct hw_machine, cpu),
     .sub = &processor_table,
     .doc = "the CPU, where it has memory of its own"},
    QUANTITY(hw_machine, "link_bandwidth", link_Bps, DIM_BANDWIDTH, "0 B/s", 0, 1e15,
             "between GPU and CPU, one direction"),
    QUANTITY(hw_machine, "hop", hop_s, DIM_TIME, "0 s", 0, 1, "a message from one to the other, and its start"),
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

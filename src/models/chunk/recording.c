#include "models/chunk/recording.h"

#define CHIP_FIELD(key, member, unit_dimension, preset, text) \
    { \
        .name = key, .type = CFG_QUANTITY, .dim = unit_dimension, .offset = offsetof(struct recorded_on, member), \
        .dflt = preset, .min = 1, .max = 1e20, .doc = text \
    }

static const struct cfg_field recorded_on_fields[] = {
    CHIP_FIELD("bf16", bf16_flops, DIM_FLOPS, "989.4 TFLOPS",
               "dense BF16 rate (default: H800 SXM5, NVIDIA H100 data sheet, same die)"),
    CHIP_FIELD("fp8", fp8_flops, DIM_FLOPS, "1978.9 TFLOPS",
               "dense FP8 rate (default: H800 SXM5, NVIDIA H100 data sheet, same die)"),
    CHIP_FIELD("memory_bandwidth", memory_Bps, DIM_BANDWIDTH, "3.35 TB/s",
               "HBM bandwidth (default: H800 SXM5, NVIDIA H100 data sheet, same memory)"),
    {0},
};

const struct cfg_table recorded_on_table = {
    .name = "recorded_on",
    .doc = "The chip of the trace: kernel times scale from it to cluster.chip",
    .size = sizeof(struct recorded_on),
    .fields = recorded_on_fields,
};

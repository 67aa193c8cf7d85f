#include "models/chunk/recording.h"

#define CHIP_FIELD(key, member, unit_dimension, text) \
    { \
        .name = key, .type = CFG_QUANTITY, .dim = unit_dimension, .offset = offsetof(struct recorded_on, member), \
        .dflt = unit_dimension == DIM_FLOPS ? "0 FLOPS" : "0 B/s", .min = 0, .max = 1e20, .doc = text \
    }

static const struct cfg_field recorded_on_fields[] = {
    CHIP_FIELD("bf16", bf16_flops, DIM_FLOPS, "dense BF16 rate; 0 = of the GPU that the trace names, from configs/"),
    CHIP_FIELD("fp8", fp8_flops, DIM_FLOPS, "dense FP8 rate; 0 = of the GPU that the trace names, from configs/"),
    CHIP_FIELD("memory_bandwidth", memory_Bps, DIM_BANDWIDTH,
               "HBM bandwidth; 0 = of the GPU that the trace names, from configs/"),
    {0},
};

const struct cfg_table recorded_on_table = {
    .name = "recorded_on",
    .doc = "The chip of the trace: kernel times scale from it to cluster.chip",
    .size = sizeof(struct recorded_on),
    .fields = recorded_on_fields,
};

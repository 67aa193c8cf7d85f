#include "models/chunk/recording.h"

#include "base/cfg_rows.h"

static const struct cfg_field recorded_on_fields[] = {
    ROW_AMOUNT(recorded_on, "bf16", bf16_flops, DIM_FLOPS, DIM_FLOPS == DIM_FLOPS ? "0 FLOPS" : "0 B/s", 0, 1e20,
               "dense BF16 rate; 0 = of the GPU that the trace names, from configs/"),
    ROW_AMOUNT(recorded_on, "fp8", fp8_flops, DIM_FLOPS, DIM_FLOPS == DIM_FLOPS ? "0 FLOPS" : "0 B/s", 0, 1e20,
               "dense FP8 rate; 0 = of the GPU that the trace names, from configs/"),
    ROW_AMOUNT(recorded_on, "memory_bandwidth", memory_Bps, DIM_BANDWIDTH,
               DIM_BANDWIDTH == DIM_FLOPS ? "0 FLOPS" : "0 B/s", 0, 1e20,
               "HBM bandwidth; 0 = of the GPU that the trace names, from configs/"),
    {0},
};

const struct cfg_table recorded_on_table = {
    .name = "recorded_on",
    .doc = "The chip of the trace: kernel times scale from it to cluster.chip",
    .size = sizeof(struct recorded_on),
    .fields = recorded_on_fields,
};

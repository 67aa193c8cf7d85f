/* Keys of kind gemm. */
#ifndef MOESIM_KINDS_MACHINE_GEMM_CFG_H
#define MOESIM_KINDS_MACHINE_GEMM_CFG_H

#include <stdint.h>

#include "base/cfg.h"

struct gemm_cfg {
    int64_t m, n, k;
    int64_t sample_rows, sample_columns; /* of the output, whose error is measured */
};

extern const struct cfg_table gemm_table;

#endif

/* Keys of kind gemm. */
#ifndef MOESIM_KINDS_MACHINE_GEMM_CFG_H
#define MOESIM_KINDS_MACHINE_GEMM_CFG_H

#include <stdint.h>

#include "base/cfg.h"
#include "io/scenario.h"

struct gemm_cfg {
    int64_t m, n, k;
    int64_t sample_rows, sample_columns; /* of the output, whose error is measured */
};

extern const struct kind_keys gemm_keys;

static inline const struct gemm_cfg *gemm_cfg(const struct scenario *s)
{
    return kind_keys(s, &gemm_keys);
}

#endif

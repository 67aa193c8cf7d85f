/* Internal to the two versions of the emulated GEMM. */
#ifndef MOESIM_HW_FORMATS_TENSOR_CORE_GEMM_H
#define MOESIM_HW_FORMATS_TENSOR_CORE_GEMM_H

#include "hw/formats/tensor_core.h"

/* K elements from one scaling to the next. */
uint32_t gemm_interval(const struct tensor_core *tc, const struct quantised *a, const struct quantised *b);
/* BUG when operands or settings do not fit together. */
void gemm_check(const struct tensor_core *tc, const struct quantised *a, const struct quantised *b);

#endif

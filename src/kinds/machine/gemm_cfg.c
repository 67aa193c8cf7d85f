#include "kinds/machine/gemm_cfg.h"

#include "base/cfg_rows.h"

static const struct cfg_field fields[] = {
    ROW_COUNT(gemm_cfg, "m", m, "4096", 1, 1e7, "rows"),
    ROW_COUNT(gemm_cfg, "n", n, "4096", 1, 1e7, "columns"),
    ROW_COUNT(gemm_cfg, "k", k, "7168", 1, 1 << 20, "length of the sums"),
    ROW_COUNT(gemm_cfg, "sample_rows", sample_rows, "32", 1, 4096,
              "rows of the output whose error is measured bit by bit"),
    ROW_COUNT(gemm_cfg, "sample_columns", sample_columns, "32", 1, 4096, "columns of the same"),
    {0}};
static const struct cfg_table gemm_table = {"gemm", "One FP8 matrix product: its time and its error",
                                            sizeof(struct gemm_cfg), fields};
const struct kind_keys gemm_keys = {"gemm", &gemm_table, "kind gemm: one matrix product"};

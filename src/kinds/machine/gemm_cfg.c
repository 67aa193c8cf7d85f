#include "kinds/machine/gemm_cfg.h"

#define COUNT(key, member, preset, high, text) \
    { \
        .name = key, .type = CFG_INT, .offset = offsetof(struct gemm_cfg, member), .dflt = preset, .min = 1, \
        .max = (high), .doc = text \
    }

static const struct cfg_field fields[] = {
    COUNT("m", m, "4096", 1e7, "rows"),
    COUNT("n", n, "4096", 1e7, "columns"),
    COUNT("k", k, "7168", 1 << 20, "length of the sums"),
    COUNT("sample_rows", sample_rows, "32", 4096, "rows of the output whose error is measured bit by bit"),
    COUNT("sample_columns", sample_columns, "32", 4096, "columns of the same"),
    {0}};
static const struct cfg_table gemm_table = {"gemm", "One FP8 matrix product: its time and its error",
                                            sizeof(struct gemm_cfg), fields};
const struct kind_keys gemm_keys = {"gemm", &gemm_table, "kind gemm: one matrix product"};

#include "models/op_gains.h"

/* As what-if calls them (kinds/what_if.c). */
static const char *const resource_names[KERNEL_LIMITS] = {[KERNEL_BY_TENSOR] = "tensor cores",
                                                          [KERNEL_BY_MEMORY] = "memory bandwidth",
                                                          [KERNEL_BY_LATENCY] = "fixed times of kernels"};

uint32_t op_made_of_gains(struct opgraph *g, const struct kernel_gains *gains)
{
    struct op_share shares[KERNEL_LIMITS];
    uint32_t n = 0;
    for (int i = 0; i < KERNEL_LIMITS; i++)
        if (gains->of[i] > 0)
            shares[n++] = (struct op_share){opgraph_string(g, resource_names[i]), gains->of[i]};
    return n ? opgraph_made_of(g, shares, n) : 0;
}

/* What a kernel waits for, asked of the mechanism itself: its time once more with one resource a little faster. Which of two
 * terms is the larger says less: twice the larger one's rate may gain little, and a kernel of few tiles gains from neither. */
#include "hw/kernels/fitted.h"
#include "hw/kernels/kernels.h"

#include <math.h>

static const double faster = 1.01;

static double alone_s(const struct kernel_model *m, const struct kernel_call *call)
{
    double fitted_s = fitted_mechanism_s(m->fitted, &m->chip, call);
    return fitted_s > 0 ? fitted_s : kernel_roofline(m, call).roofline_s;
}

/* Of one per cent the share that the time gets shorter by. */
static double gain(double before_s, double after_s)
{
    return fmin(1, fmax(0, log(before_s / after_s) / log(faster)));
}

struct kernel_gains kernel_gains(const struct kernel_model *m, const struct kernel_call *call)
{
    struct kernel_model tensor = *m, memory = *m;
    tensor.chip.bf16_flops *= faster;
    tensor.chip.fp8_flops *= faster;
    tensor.chip.fp4_flops *= faster;
    memory.chip.memory_Bps *= faster;
    double as_is_s = alone_s(m, call);
    struct kernel_gains g = {{gain(as_is_s, alone_s(&tensor, call)), gain(as_is_s, alone_s(&memory, call)), 0}};
    double both = g.of[KERNEL_BY_TENSOR] + g.of[KERNEL_BY_MEMORY];
    for (int i = 0; i <= KERNEL_BY_MEMORY && both > 1; i++)
        g.of[i] /= both;
    g.of[KERNEL_BY_LATENCY] = fmax(0, 1 - both);
    return g;
}

enum kernel_limit kernel_gains_most(const struct kernel_gains *g)
{
    int most = 0;
    for (int i = 1; i < KERNEL_LIMITS; i++)
        if (g->of[i] > g->of[most])
            most = i;
    return (enum kernel_limit)most;
}

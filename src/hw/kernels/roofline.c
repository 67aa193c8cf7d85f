/* What rooflines share, and passes over memory: bytes at the share of the bandwidth that such a pass
 * achieves, and no less than the shortest kernel. */
#include "hw/kernels/roofline.h"

#include <math.h>

#include "hw/kernels/kernel.h"

double roofline_sms(const struct kernel_model *m, const struct kernel_call *call)
{
    double all = (double)m->chip.sms;
    return call->sms > 0 ? fmin(call->sms, all) : all;
}

double roofline_sm_flops(const struct kernel_model *m, enum kernel_dtype dtype)
{
    struct kernel_device d = kernel_device_of(&m->chip);
    return device_flops(&d, dtype) * m->cfg.tensor_ratio / d.sms;
}

double roofline_memory_s(const struct kernel_model *m, const struct kernel_call *call, double bytes_B, double ratio)
{
    double sms_Bps = roofline_sms(m, call) * m->cfg.sm_B_per_clock * m->chip.clock_Hz;
    return bytes_B / fmin(m->chip.memory_Bps * ratio, sms_Bps);
}

double roofline_clocked_s(const struct kernel_model *m, double time_s)
{
    return time_s * m->cfg.measured_on.clock_Hz / m->chip.clock_Hz;
}

void roofline_add_up(struct kernel_time *t, double unhidden_ratio)
{
    double larger_s = fmax(t->tensor_s, t->memory_s), smaller_s = fmin(t->tensor_s, t->memory_s);
    t->roofline_s = t->start_s + larger_s + unhidden_ratio * smaller_s;
}

static double pass_ratio(const struct kernel_pass_cfg *c, enum kernel_family family)
{
    switch (family) {
    case KERNEL_QUANTISE:
        return c->quantise_ratio;
    case KERNEL_NORM:
        return c->norm_ratio;
    case KERNEL_COPY:
        return c->copy_ratio;
    case KERNEL_PERMUTE:
        return c->permute_ratio;
    case KERNEL_UNPERMUTE:
        return c->unpermute_ratio;
    case KERNEL_ROPE:
        return c->rope_ratio;
    case KERNEL_SWIGLU:
        return c->swiglu_ratio;
    case KERNEL_TRANSPOSE:
        return c->transpose_ratio;
    case KERNEL_ROUTER:
        return c->router_ratio;
    default:
        return c->elementwise_ratio;
    }
}

void roofline_pass(const struct kernel_model *m, const struct kernel_call *call, struct kernel_time *t)
{
    t->bytes_B = call->read_B + call->written_B;
    t->start_s = m->cfg.pass.start_s;
    t->memory_s = roofline_memory_s(m, call, t->bytes_B, pass_ratio(&m->cfg.pass, call->family));
    roofline_add_up(t, 0);
}

/* Precisions of blocks: what they store more or less than the model's, and what they multiply. */
#include "models/llm/blocks/block.h"

double block_extra_B(const struct model *m, const struct block *b, double routed, double others)
{
    double each_B = m->weight_B + m->weight_scale_B / (double)m->weight_block;
    if (!b || m->one_precision)
        return 0;
    return (b->precision.weight_B > 0 ? routed * (b->precision.weight_B - each_B) : 0) +
           (b->shared.weight_B > 0 ? others * (b->shared.weight_B - each_B) : 0);
}

/* Of all its parameters, or those that a token uses. */
static double block_sum_B(const struct model *m, const struct block *b, bool used)
{
    struct block_weights w = block_weigh(m, b);
    return block_extra_B(m, b, used ? w.routed - (w.params - w.active) : w.routed, w.params - w.routed - w.other);
}

static double sum_B(const struct model *m, bool used)
{
    double sum = 0;
    for (uint32_t i = 0; i < m->n_blocks; i++)
        sum += (double)m->block[i]->layers * block_sum_B(m, m->block[i], used);
    return sum;
}

double model_extra_B(const struct model *m)
{
    return sum_B(m, false);
}

double model_used_extra_B(const struct model *m)
{
    return sum_B(m, true);
}

double model_mtp_extra_B(const struct model *m)
{
    return (double)m->mtp_layers * (block_sum_B(m, m->mtp.attention, false) + block_sum_B(m, m->mtp.network, false));
}

static enum kernel_dtype dtype_of(int format)
{
    static const enum kernel_dtype dtypes[] = {
        [FORMAT_BY_SIZE] = KERNEL_FP8,           [FORMAT_BF16] = KERNEL_BF16,   [FORMAT_FP8] = KERNEL_FP8,
        [FORMAT_FP8_TENSOR] = KERNEL_FP8_TENSOR, [FORMAT_MXFP8] = KERNEL_MXFP8, [FORMAT_NVFP4] = KERNEL_NVFP4,
        [FORMAT_W4A16] = KERNEL_W4A16,           [FORMAT_W4A8] = KERNEL_W4A8};
    return dtypes[format];
}

static enum kernel_dtype by_size(double weight_B)
{
    return weight_B > 1 ? KERNEL_BF16 : KERNEL_FP8;
}

enum kernel_dtype block_dtype(const struct model *m, const struct block *b, bool shared)
{
    const struct precision_cfg *own = shared ? &b->shared : &b->precision;
    bool has = !m->one_precision && (own->weight_B > 0 || own->compute);
    int format = has ? own->compute : m->compute;
    double weight_B = has && own->weight_B > 0 ? own->weight_B : m->weight_B;
    return format == FORMAT_BY_SIZE ? by_size(weight_B) : dtype_of(format);
}

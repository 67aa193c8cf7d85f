/* Mamba-2 (Dao and Gu 2024; Nemotron-H): a state space per head with a scalar decay; groups of heads share what stands
 * for keys and queries (B and C). */
#include "models/llm/blocks/recurrent.h"

struct mamba_dims {
    struct recurrence r;
    int64_t heads, head_dim, groups, state, conv, chunk;
    bool conv_bias, bias;
    double state_value_B;
};

static const struct cfg_field fields[] = {
    ATTENTION_HEADS(mamba_dims, heads),
    ROW_DIM(mamba_dims, "head_dim", head_dim, "0", "dimension of a head"),
    ROW_DIM(mamba_dims, "state_groups", groups, "1", "Mamba: groups of heads that share B and C"),
    ROW_DIM(mamba_dims, "state_dim", state, "128", "Mamba: numbers of the state per channel"),
    RECURRENT_CONV(mamba_dims, conv),
    ROW_FLAG(mamba_dims, "conv_bias", conv_bias, "true", "Mamba: the convolution has a bias"),
    ROW_FLAG(mamba_dims, "projection_bias", bias, "false", "Mamba: projections have biases"),
    ROW_DIM(mamba_dims, "scan_chunk", chunk, "128", "Mamba: positions that prefill works on at once"),
    RECURRENT_STATE_VALUE(mamba_dims, state_value_B),
    {0}};
static const struct cfg_table keys = {"mamba2", "Mamba-2", sizeof(struct mamba_dims), fields};

/* Gates, inputs, B and C, a time step of each head. */
static void settle(void *dims)
{
    struct mamba_dims *d = dims;
    double inner = (double)(d->heads * d->head_dim), shared = 2 * (double)(d->groups * d->state);
    double columns = 2 * inner + shared + (double)d->heads;
    d->r = (struct recurrence){.heads = (double)d->heads,
                               .key_dim = (double)d->state,
                               .value_dim = (double)d->head_dim,
                               .state_value_B = d->state_value_B,
                               .channels = inner + shared,
                               .taps = (double)d->conv,
                               .columns = columns,
                               .other = 3 * (double)d->heads + inner + (d->conv_bias ? inner + shared : 0) +
                                        (d->bias ? columns : 0),
                               .chunk = (double)d->chunk};
}

static const char *misfit(const struct model *m, const void *dims)
{
    const struct mamba_dims *d = dims;
    (void)m;
    if (d->heads < 1 || d->head_dim < 1 || d->groups < 1 || d->state < 1)
        return "it needs heads, head_dim, state_groups and state_dim";
    return d->heads % d->groups ? "state_groups must divide heads" : NULL;
}

const struct block_type block_mamba2 = {
    .name = "mamba2",
    .doc = "Mamba-2: a state space per head, a state per sequence, by roofline",
    .ref = "none",
    .example = "heads=128, head_dim=64, state_dim=128, state_groups=8",
    .keys = &keys,
    .settle = settle,
    .misfit = misfit,
    .weigh = recurrent_weigh,
    .attention = &attention_recurrent,
};

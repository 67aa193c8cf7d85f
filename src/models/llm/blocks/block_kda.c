/* Kimi delta attention (Kimi Linear, Kimi-K3): a delta rule whose state decays by a factor per channel of a key, which
 * a low-rank projection gives; gates of outputs are of low rank, too, or of full rank. */
#include "models/llm/blocks/recurrent.h"

struct kda_dims {
    struct recurrence r;
    int64_t heads, head_dim, conv;
    bool full_gate;
    double state_value_B;
};

static const struct cfg_field fields[] = {
    ATTENTION_HEADS(kda_dims, heads),
    ROW_DIM(kda_dims, "head_dim", head_dim, "0", "dimension of a head"),
    RECURRENT_CONV(kda_dims, conv),
    ROW_FLAG(kda_dims, "full_gate", full_gate, "false", "KDA: gates of outputs are of full rank"),
    RECURRENT_STATE_VALUE(kda_dims, state_value_B),
    {0}};
static const struct cfg_table keys = {"kda", "Kimi delta attention", sizeof(struct kda_dims), fields};

enum { CHUNK = 64 };

/* Queries, keys, values, perhaps gates; a learning rate of each head. */
static void settle(void *dims)
{
    struct kda_dims *d = dims;
    double width = (double)(d->heads * d->head_dim), low = d->full_gate ? 1 : 2, head = (double)d->head_dim;
    d->r = (struct recurrence){.heads = (double)d->heads,
                               .key_dim = head,
                               .value_dim = head,
                               .state_value_B = d->state_value_B,
                               .channels = 3 * width,
                               .taps = (double)d->conv,
                               .columns = 3 * width + (d->full_gate ? width : 0) + (double)d->heads,
                               .rank = low * head,
                               .wide = width,
                               .other = width + (double)d->heads + head,
                               .chunk = CHUNK};
}

static const char *misfit(const struct model *m, const void *dims)
{
    const struct kda_dims *d = dims;
    (void)m;
    return d->heads < 1 || d->head_dim < 1 ? "it needs heads and head_dim" : NULL;
}

const struct block_type block_kda = {
    .name = "kda",
    .doc = "Kimi delta attention: linear, a decay per channel, a state per sequence, by roofline",
    .ref = "none",
    .example = "heads=96, head_dim=128",
    .keys = &keys,
    .settle = settle,
    .misfit = misfit,
    .weigh = recurrent_weigh,
    .attention = &attention_recurrent,
};

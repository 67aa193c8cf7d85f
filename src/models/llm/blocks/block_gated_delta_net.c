/* Gated delta net (Yang et al. 2024; Qwen3-Next, Qwen3.5): heads of values share key_heads keys and queries; the state
 * is corrected by what it lacks of a key's value and decays by a factor per head. */
#include "models/llm/blocks/recurrent.h"

struct delta_dims {
    struct recurrence r;
    int64_t heads, key_heads, key_dim, value_dim, conv;
    double state_value_B;
};

static const struct cfg_field fields[] = {
    ATTENTION_HEADS(delta_dims, heads),
    ROW_DIM(delta_dims, "key_heads", key_heads, "0", "linear attention: heads of keys and queries"),
    RECURRENT_KEY_DIM(delta_dims, key_dim),
    RECURRENT_VALUE_DIM(delta_dims, value_dim),
    RECURRENT_CONV(delta_dims, conv),
    RECURRENT_STATE_VALUE(delta_dims, state_value_B),
    {0}};
static const struct cfg_table keys = {"gated_delta_net", "gated delta net", sizeof(struct delta_dims), fields};

enum { CHUNK = 64 };

/* Queries, keys, values, gates of outputs; a decay and a learning rate of each head. */
static void settle(void *dims)
{
    struct delta_dims *d = dims;
    double key_width = (double)(d->key_heads * d->key_dim), value_width = (double)(d->heads * d->value_dim);
    d->r = (struct recurrence){.heads = (double)d->heads,
                               .key_dim = (double)d->key_dim,
                               .value_dim = (double)d->value_dim,
                               .state_value_B = d->state_value_B,
                               .channels = 2 * key_width + value_width,
                               .taps = (double)d->conv,
                               .columns = 2 * key_width + 2 * value_width + 2 * (double)d->heads,
                               .other = 2 * (double)d->heads + (double)d->value_dim,
                               .chunk = CHUNK};
}

static const char *misfit(const struct model *m, const void *dims)
{
    const struct delta_dims *d = dims;
    (void)m;
    if (d->heads < 1 || d->key_heads < 1 || d->key_dim < 1 || d->value_dim < 1)
        return "it needs heads, key_heads, key_dim and value_dim";
    return d->heads % d->key_heads ? "key_heads must divide heads" : NULL;
}

const struct block_type block_gated_delta_net = {
    .name = "gated_delta_net",
    .doc = "linear attention with a delta rule and a decay per head: a state per sequence, by roofline",
    .ref = "none",
    .example = "heads=64, key_heads=16, key_dim=128, value_dim=128",
    .keys = &keys,
    .settle = settle,
    .misfit = misfit,
    .weigh = recurrent_weigh,
    .attention = &attention_recurrent,
};

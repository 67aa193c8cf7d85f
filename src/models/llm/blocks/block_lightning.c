/* Lightning attention (MiniMax-Text-01, -M1): linear attention with a fixed decay per head, queries, keys and values as
 * of multi-head attention, outputs normed and gated. */
#include "models/llm/blocks/recurrent.h"

struct lightning_dims {
    struct recurrence r;
    int64_t heads, head_dim;
    double state_value_B;
};

static const struct cfg_field fields[] = {ATTENTION_HEADS(lightning_dims, heads),
                                          ROW_DIM(lightning_dims, "head_dim", head_dim, "0", "dimension of a head"),
                                          RECURRENT_STATE_VALUE(lightning_dims, state_value_B),
                                          {0}};
static const struct cfg_table keys = {"lightning", "lightning attention", sizeof(struct lightning_dims), fields};

enum { CHUNK = 256 };

static void settle(void *dims)
{
    struct lightning_dims *d = dims;
    double width = (double)(d->heads * d->head_dim);
    d->r = (struct recurrence){.heads = (double)d->heads,
                               .key_dim = (double)d->head_dim,
                               .value_dim = (double)d->head_dim,
                               .state_value_B = d->state_value_B,
                               .columns = 4 * width,
                               .other = width,
                               .chunk = CHUNK};
}

static const char *misfit(const struct model *m, const void *dims)
{
    const struct lightning_dims *d = dims;
    (void)m;
    return d->heads < 1 || d->head_dim < 1 ? "it needs heads and head_dim" : NULL;
}

const struct block_type block_lightning = {
    .name = "lightning",
    .doc = "lightning attention: linear, a fixed decay per head, a state per sequence, by roofline",
    .ref = "none",
    .example = "heads=64, head_dim=128",
    .keys = &keys,
    .settle = settle,
    .misfit = misfit,
    .weigh = recurrent_weigh,
    .attention = &attention_recurrent,
};

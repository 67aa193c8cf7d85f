/* Left out: the embedding's row, norms, activations, and writing the cache: thousandths of the rest. */
#include "models/llm/decode_parts.h"

#include <math.h>

#include "models/llm/blocks/block.h"

const char *const decode_part_names[N_DECODE_PARTS] = {"attention", "cache", "dense", "shared", "experts", "head"};

double experts_chosen(const struct moe_dims *e, double tokens, const double *expert_load)
{
    double share = (double)e->top_k / (double)e->routed, sum = 0;
    if (!expert_load)
        return (double)e->routed * -expm1(tokens * log1p(-share));
    for (int64_t i = 0; i < e->routed; i++)
        sum += 1 - pow(1 - fmin(expert_load[i] * share, 1), tokens);
    return sum;
}

static struct part_work weights(const struct model *m, double layers, double params, double other, double tokens)
{
    double stored_B = layers * model_stored_B(m, params, other);
    return (struct part_work){layers, stored_B, stored_B, 2 * tokens * layers * params};
}

/* Attention and cache of so many layers. */
static void add_attention(const struct model *m, double layers, double tokens, double context,
                          struct part_work out[N_DECODE_PARTS])
{
    struct block a = model_decode_attention(m);
    const struct attention_ops *ops = a.type->attention;
    struct block_weights w = model_weigh(m, a);
    double cache_B = ops->cache_B(m, a.dims, context + tokens) * layers;
    out[DECODE_ATTENTION] = weights(m, layers, w.params, w.other, tokens);
    out[DECODE_CACHE] =
        (struct part_work){layers, cache_B, cache_B, tokens * layers * ops->decode_flop(a.dims, context + tokens)};
}

static void add_experts(const struct model *m, double layers, double tokens, const double *expert_load,
                        struct part_work out[N_DECODE_PARTS])
{
    struct block_weights e = model_weigh(m, model_experts(m));
    double expert = e.routed / (double)m->moe.routed;
    struct part_work *routed = &out[DECODE_EXPERTS];
    out[DECODE_SHARED] = weights(m, layers, e.params - e.routed, e.other, tokens);
    *routed = weights(m, layers, e.routed, 0, tokens);
    routed->read_B *= experts_chosen(&m->moe, tokens, expert_load) / (double)m->moe.routed;
    routed->flop = 2 * tokens * layers * (double)m->moe.top_k * expert;
}

void decode_parts(const struct model *m, double tokens, double context, const double *expert_load,
                  struct part_work out[N_DECODE_PARTS])
{
    double dense = (double)(m->moe.routed ? m->dense_layers : m->layers);
    double head = (double)m->hidden * (double)m->vocab;
    for (int p = 0; p < N_DECODE_PARTS; p++)
        out[p] = (struct part_work){0};
    add_attention(m, (double)m->layers, tokens, context, out);
    if (dense > 0)
        out[DECODE_DENSE] = weights(m, dense, model_weigh(m, model_dense(m)).params, 0, tokens);
    if (m->moe.routed)
        add_experts(m, (double)m->layers - dense, tokens, expert_load, out);
    out[DECODE_HEAD] = weights(m, 1, head, head, tokens);
}

void mtp_parts(const struct model *m, double context, struct part_work out[N_DECODE_PARTS])
{
    double d = (double)m->hidden, head = d * (double)m->vocab;
    for (int p = 0; p < N_DECODE_PARTS; p++)
        out[p] = (struct part_work){0};
    add_attention(m, 1, 1, context, out);
    if (m->moe.routed)
        add_experts(m, 1, 1, NULL, out);
    struct part_work join = weights(m, 1, 2 * d * d, 2 * d * d, 1); /* two vectors to one */
    out[DECODE_DENSE] =
        m->moe.routed ? join : weights(m, 1, model_weigh(m, model_dense(m)).params + 2 * d * d, 2 * d * d, 1);
    out[DECODE_HEAD] = weights(m, 1, head, head, 1);
    out[DECODE_HEAD].stored_B = 0;
}

/* Left out: the embedding's row, norms, activations, and writing the cache: thousandths of the rest. */
#include "models/llm/decode_parts.h"

#include <math.h>

#include "models/llm/blocks/block.h"

double experts_chosen(const struct expert_facts *e, double tokens, const double *expert_load)
{
    double share = (double)e->top_k / (double)e->routed, sum = 0;
    if (!expert_load)
        return (double)e->routed * -expm1(tokens * log1p(-share));
    for (int64_t i = 0; i < e->routed; i++)
        sum += 1 - pow(1 - fmin(expert_load[i] * share, 1), tokens);
    return sum;
}

/* Of so many layers more, which store extra_B beside the model's precision. */
static void add_weights(const struct model *m, double layers, double params, double other, double extra_B,
                        double tokens, struct part_work *to)
{
    double stored_B = layers * (model_stored_B(m, params, other) + extra_B);
    to->layers += layers;
    to->stored_B += stored_B;
    to->read_B += stored_B;
    to->flop += 2 * tokens * layers * params;
}

/* Attention and cache of so many layers. */
static void add_attention(const struct model *m, const struct block *b, double layers, double tokens, double context,
                          struct part_work out[N_DECODE_PARTS])
{
    const struct block_type *decode = b->decode_type;
    struct block_weights w = {0};
    double cache_B = b->type->attention->cache_B(m, b->dims, context + tokens) * layers;
    decode->weigh(m, b->decode_dims, &w);
    add_weights(m, layers, w.params, w.other, block_extra_B(m, b, 0, w.params - w.other), tokens,
                &out[DECODE_ATTENTION]);
    out[DECODE_CACHE].layers += layers;
    out[DECODE_CACHE].stored_B += cache_B;
    out[DECODE_CACHE].read_B += layers * block_read_B(m, b, context + tokens);
    out[DECODE_CACHE].flop += tokens * layers * decode->attention->decode_flop(b->decode_dims, context + tokens);
}

static void add_experts(const struct model *m, const struct block *b, double layers, double tokens,
                        const double *expert_load, struct part_work out[N_DECODE_PARTS])
{
    struct block_weights w = block_weigh(m, b);
    struct expert_facts facts = {0};
    b->type->network->experts(m, b->dims, &facts);
    double stored_B = layers * (model_stored_B(m, w.routed, 0) + block_extra_B(m, b, w.routed, 0));
    struct part_work *routed = &out[DECODE_EXPERTS];
    add_weights(m, layers, w.params - w.routed, w.other, block_extra_B(m, b, 0, w.params - w.routed - w.other), tokens,
                &out[DECODE_SHARED]);
    routed->layers += layers;
    routed->stored_B += stored_B;
    routed->read_B += stored_B * (experts_chosen(&facts, tokens, expert_load) / (double)facts.routed);
    routed->flop += 2 * tokens * layers * (double)facts.top_k * (w.routed / (double)facts.routed);
}

static void add_network(const struct model *m, const struct block *b, double layers, double tokens,
                        const double *expert_load, struct part_work out[N_DECODE_PARTS])
{
    double params = block_weigh(m, b).params;
    if (b->type->network->experts)
        add_experts(m, b, layers, tokens, expert_load, out);
    else
        add_weights(m, layers, params, 0, block_extra_B(m, b, 0, params), tokens, &out[DECODE_DENSE]);
}

static void clear(struct part_work out[N_DECODE_PARTS])
{
    for (int p = 0; p < N_DECODE_PARTS; p++)
        out[p] = (struct part_work){0};
}

void decode_parts(const struct model *m, double tokens, double context, const double *expert_load,
                  struct part_work out[N_DECODE_PARTS])
{
    double head = (double)m->hidden * (double)m->vocab;
    clear(out);
    for (uint32_t i = 0; i < m->n_blocks; i++)
        if (m->block[i]->type->attention)
            add_attention(m, m->block[i], m->block[i]->layers, tokens, context, out);
        else
            add_network(m, m->block[i], m->block[i]->layers, tokens, expert_load, out);
    add_weights(m, 1, head, head, 0, tokens, &out[DECODE_HEAD]);
}

void mtp_parts(const struct model *m, double context, struct part_work out[N_DECODE_PARTS])
{
    double d = (double)m->hidden, head = d * (double)m->vocab;
    clear(out);
    if (m->mtp.attention)
        add_attention(m, m->mtp.attention, 1, 1, context, out);
    if (m->mtp.network)
        add_network(m, m->mtp.network, 1, 1, NULL, out);
    add_weights(m, 1, 2 * d * d, 2 * d * d, 0, 1, &out[DECODE_DENSE]); /* two vectors to one */
    out[DECODE_DENSE].layers = 1;
    add_weights(m, 1, head, head, 0, 1, &out[DECODE_HEAD]);
    out[DECODE_HEAD].stored_B = 0;
}

#include "models/llm/blocks/attention.h"

const char *attention_grouped_misfit(const struct model *m)
{
    const struct attention_dims *a = &m->attention;
    if (a->head_dim < 1 || a->kv_heads < 1)
        return "attention needs attention.kv_heads and attention.head_dim";
    return a->heads % a->kv_heads ? "attention.kv_heads must divide attention.heads" : NULL;
}

void attention_grouped_weigh(const struct model *m, struct block_weights *w)
{
    const struct attention_dims *a = &m->attention;
    double d = (double)m->hidden, q = (double)(a->heads * a->head_dim);
    double kv = (double)(a->kv_heads * a->head_dim);
    w->params = d * q + 2 * d * kv + q * d + (a->qkv_bias ? q + 2 * kv : 0);
    w->active = w->params;
    w->other = a->qkv_bias ? q + 2 * kv : 0;
    w->kv_values = 2 * kv;
    w->score_width = 2 * q;
}

const char *attention_mla_misfit(const struct model *m)
{
    const struct attention_dims *a = &m->attention;
    if (a->kv_lora < 1 || a->nope_dim < 1 || a->rope_dim < 1 || a->v_dim < 1)
        return "MLA needs attention.kv_lora, nope_dim, rope_dim and v_dim";
    return NULL;
}

void attention_mla_weigh(const struct model *m, struct block_weights *w)
{
    const struct attention_dims *a = &m->attention;
    double d = (double)m->hidden, heads = (double)a->heads, lora = (double)a->q_lora;
    double qk = (double)(a->nope_dim + a->rope_dim), kv = (double)a->kv_lora;
    double q = lora > 0 ? d * lora + lora + lora * heads * qk : d * heads * qk; /* + lora: its norm */
    w->params = q + d * (kv + (double)a->rope_dim) + kv + kv * heads * (double)(a->nope_dim + a->v_dim) +
                heads * (double)a->v_dim * d;
    w->active = w->params;
    w->other = lora + kv; /* their norms */
    w->kv_values = kv + (double)a->rope_dim;
    w->kv_rope = (double)a->rope_dim;
}

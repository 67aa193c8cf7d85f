#include "models/llm/model.h"

#include <math.h>

#include "models/llm/blocks/block.h"

static struct block named(const char *name, const void *dims)
{
    struct block b = {block_find(name), dims};
    BUG_IF(!b.type);
    return b;
}

struct block model_attention(const struct model *m)
{
    return named(m->attention.kind, &m->attention);
}

struct block model_decode_attention(const struct model *m)
{
    return named(*m->attention.decode ? m->attention.decode : m->attention.kind, &m->attention);
}

struct block model_experts(const struct model *m)
{
    return named("moe", &m->moe);
}

struct block model_dense(const struct model *m)
{
    return named("dense_ffn", m);
}

struct block_weights model_weigh(const struct model *m, struct block b)
{
    struct block_weights w = {0};
    b.type->weigh(m, b.dims, &w);
    return w;
}

static struct block_weights attention(const struct model *m)
{
    return model_weigh(m, model_attention(m));
}

static struct block_weights experts(const struct model *m)
{
    return m->moe.routed ? model_weigh(m, model_experts(m)) : (struct block_weights){0};
}

static struct block_weights dense(const struct model *m)
{
    return m->dense_ffn ? model_weigh(m, model_dense(m)) : (struct block_weights){0};
}

static double n_dense(const struct model *m)
{
    return (double)(m->moe.routed ? m->dense_layers : m->layers);
}

int64_t model_heads(const struct model *m)
{
    struct block a = model_attention(m);
    return a.type->attention->heads(a.dims);
}

/* --- parameters ------------------------------------------------------------------------------------------- */

double model_attention_rank(const struct model *m, uint32_t tp)
{
    struct block a = model_attention(m);
    return a.type->attention->rank_params(m, a.dims, tp);
}

/* A module is a layer of the model's last kind between a projection of two vectors to one and three norms
 * (DeepSeek-V3 report, 2.2). */
static void add_mtp(const struct model *m, struct model_params *p)
{
    double d = (double)m->hidden, n = (double)m->mtp_layers;
    struct block_weights a = attention(m), f = m->moe.routed ? experts(m) : dense(m);
    p->mtp = n * (a.params + f.params + 2 * d * d + 5 * d);
    p->mtp_other = n * (a.other + f.other + 2 * d * d + 5 * d);
    p->mtp_active = n * (a.active + f.active + 2 * d * d + 5 * d);
}

struct model_params model_params(const struct model *m)
{
    double d = (double)m->hidden, layers = (double)m->layers, sparse = layers - n_dense(m);
    struct block_weights a = attention(m), e = experts(m), f = dense(m);
    struct model_params p = {.embedding = d * (double)m->vocab,
                             .attention = layers * a.params,
                             .dense_ffn = n_dense(m) * f.params,
                             .experts = sparse * e.routed,
                             .shared_experts_and_router = sparse * (e.params - e.routed),
                             .norms = d * (2 * layers + 1),
                             .router = sparse * e.router};
    p.other = layers * a.other + sparse * e.other + n_dense(m) * f.other + p.norms;
    p.head = m->tied_embeddings ? 0 : p.embedding;
    p.other += p.embedding + p.head;
    p.total = p.embedding + p.head + p.attention + p.dense_ffn + p.experts + p.shared_experts_and_router + p.norms;
    p.active = p.embedding + p.head + p.attention + p.dense_ffn + p.norms + sparse * e.active;
    add_mtp(m, &p);
    return p;
}

double model_stored_B(const struct model *m, double params, double other)
{
    double each_B = m->weight_B + m->weight_scale_B / (double)m->weight_block;
    return (params - other) * each_B + other * (m->other_weight_B > 0 ? m->other_weight_B : each_B);
}

double model_kv_B(const struct model *m)
{
    struct block a = model_attention(m);
    return (double)m->layers * a.type->attention->position_B(m, a.dims);
}

/* --- work ---------------------------------------------------------------------------------------------------- */

/* Parameters that are multiplied with a token: a tied head works, too; the embedding is looked up. */
static double multiplied(const struct model *m, const struct model_params *p)
{
    return p->active - p->embedding + (m->tied_embeddings ? p->embedding : 0);
}

double model_train_flop(const struct model *m, double sequence, bool causal)
{
    struct model_params p = model_params(m);
    struct block a = model_attention(m);
    double scores = 3 * a.type->attention->train_flop(a.dims, sequence, causal) * (double)m->layers;
    return 6 * (multiplied(m, &p) - p.router) + scores;
}

double model_train_flop_rule(const struct model *m)
{
    double d = (double)m->hidden;
    return 72 * (double)m->layers * d * d + 6 * (double)m->vocab * d;
}

double model_decode_flop(const struct model *m, double context)
{
    struct model_params p = model_params(m);
    struct block a = model_decode_attention(m);
    return 2 * multiplied(m, &p) + a.type->attention->decode_flop(a.dims, context) * (double)m->layers;
}

double model_cache_B(const struct model *m, double context)
{
    struct block a = model_attention(m);
    return (double)m->layers * a.type->attention->cache_B(m, a.dims, context);
}

double model_decode_B(const struct model *m, double context)
{
    struct model_params p = model_params(m);
    double other = p.other - (m->tied_embeddings ? 0 : p.embedding);
    return model_stored_B(m, multiplied(m, &p), other) + model_cache_B(m, context);
}

/* --- layouts ------------------------------------------------------------------------------------------------- */

static const char *misfit(const struct model *m, const struct model_layout *l)
{
    if (l->pp > (uint64_t)m->layers)
        return "more pipeline stages than layers";
    if (model_heads(m) % l->tp)
        return "tensor parallelism must divide the heads";
    if (l->ep > 1 && !m->moe.routed)
        return "a dense model has no experts to divide";
    if (l->redundant && !m->moe.routed)
        return "a dense model has no experts to replicate";
    if ((m->moe.routed + l->redundant) % l->ep)
        return l->redundant ? "expert parallelism must divide the routed and redundant experts"
                            : "expert parallelism must divide the routed experts";
    return NULL;
}

/* Layers are dealt evenly, the first stages taking one more; a stage's first dense layers weigh less. */
static double stage_B(const struct model *m, const struct model_layout *l, uint32_t stage)
{
    uint32_t layers = (uint32_t)m->layers, each = layers / l->pp, more = layers % l->pp;
    uint32_t first = stage * each + (stage < more ? stage : more), n = each + (stage < more);
    struct block_weights a = attention(m), e = experts(m), f = dense(m);
    struct model_params p = model_params(m);
    double sum = stage == 0 ? p.embedding / l->tp : 0, other = sum;
    double replicas = m->moe.routed ? 1 + (double)l->redundant / (double)m->moe.routed : 1;
    for (uint32_t i = first; i < first + n; i++) {
        bool is_dense = !m->moe.routed || i < (uint64_t)m->dense_layers;
        double rest = a.params + 2 * (double)m->hidden + (is_dense ? f.params : e.params - e.routed);
        sum +=
            model_attention_rank(m, l->tp) + (rest - a.params) / l->tp + (is_dense ? 0 : replicas * e.routed / l->ep);
        other += (a.other + 2 * (double)m->hidden + (is_dense ? f.other : e.other)) / l->tp;
    }
    double head = m->tied_embeddings && l->pp > 1 ? p.embedding : p.head;
    double last = stage == l->pp - 1 ? (head + (double)m->hidden) / l->tp : 0; /* and the last norm */
    return model_stored_B(m, sum + last, other + last);
}

const char *model_weights_B(const struct model *m, const struct model_layout *layout, double *out_B)
{
    const char *why = misfit(m, layout);
    *out_B = 0;
    for (uint32_t s = 0; !why && s < layout->pp; s++)
        *out_B = fmax(*out_B, stage_B(m, layout, s));
    return why;
}

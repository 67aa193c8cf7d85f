#include "models/llm/model.h"

#include <math.h>

#include "models/llm/blocks/block.h"

struct block_weights block_weigh(const struct model *m, const struct block *b)
{
    struct block_weights w = {0};
    if (b)
        b->type->weigh(m, b->dims, &w);
    return w;
}

static struct block first(const struct model *m, bool (*wanted)(const struct block *b))
{
    for (uint32_t i = 0; i < m->n_blocks; i++)
        if (wanted(m->block[i]))
            return *m->block[i];
    return (struct block){0};
}

static bool is_attention(const struct block *b)
{
    return b->type->attention;
}

static bool has_experts(const struct block *b)
{
    return b->type->network && b->type->network->experts;
}

static bool is_dense(const struct block *b)
{
    return b->type->network && !b->type->network->experts;
}

struct block model_attention(const struct model *m)
{
    return first(m, is_attention);
}

struct block model_experts(const struct model *m)
{
    return first(m, has_experts);
}

struct block model_dense(const struct model *m)
{
    return first(m, is_dense);
}

static uint32_t count(const struct model *m, bool (*wanted)(const struct block *b))
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->n_blocks; i++)
        n += wanted(m->block[i]);
    return n;
}

const char *model_differs(const struct model *m)
{
    if (count(m, is_attention) != 1 || count(m, has_experts) > 1 || count(m, is_dense) > 1)
        return "layers of several kinds of attention, experts or dense networks";
    return model_attention_layers(m) < m->layers || model_dense_layers(m) + model_sparse_layers(m) < m->layers
               ? "layers without attention or without a network"
               : NULL;
}

/* --- layers ------------------------------------------------------------------------------------------------------- */

static uint32_t layers_of(const struct model *m, bool (*wanted)(const struct block *b))
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->n_blocks; i++)
        n += wanted(m->block[i]) ? m->block[i]->layers : 0;
    return n;
}

uint32_t model_sparse_layers(const struct model *m)
{
    return layers_of(m, has_experts);
}

uint32_t model_dense_layers(const struct model *m)
{
    return layers_of(m, is_dense);
}

uint32_t model_attention_layers(const struct model *m)
{
    return layers_of(m, is_attention);
}

uint32_t model_sparse_index(const struct model *m, uint32_t layer)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < layer; i++)
        n += m->layer[i].network && has_experts(m->layer[i].network);
    return n;
}

uint32_t model_first_sparse(const struct model *m)
{
    for (uint32_t i = 0; i < m->layers; i++)
        if (m->layer[i].network && has_experts(m->layer[i].network))
            return i;
    return 0;
}

int64_t model_undivided_heads(const struct model *m, uint32_t tp)
{
    for (uint32_t i = 0; i < m->n_blocks; i++) {
        const struct block *b = m->block[i];
        int64_t heads = b->type->attention ? b->type->attention->heads(b->dims) : 0;
        if (heads % tp)
            return heads;
    }
    return 0;
}

int64_t model_undivided_width(const struct model *m, uint32_t tp)
{
    for (uint32_t i = 0; i < m->n_blocks; i++) {
        const struct block *b = m->block[i];
        int64_t width = b->type->network && b->type->network->divided ? b->type->network->divided(b->dims) : 0;
        if (width % tp)
            return width;
    }
    return 0;
}

/* --- parameters ------------------------------------------------------------------------------------------- */

double model_attention_per_gpu(const struct model *m, uint32_t tp)
{
    double sum = 0;
    for (uint32_t i = 0; i < m->n_blocks; i++) {
        const struct block *b = m->block[i];
        if (b->type->attention)
            sum += (double)b->layers * b->type->attention->rank_params(m, b->dims, tp);
    }
    return sum;
}

/* A module is a layer of the model's last kind between a projection of two vectors to one and three norms
 * (DeepSeek-V3 report, 2.2). */
static void add_mtp(const struct model *m, struct model_params *p)
{
    double d = (double)m->hidden, n = (double)m->mtp_layers;
    struct block_weights a = block_weigh(m, m->mtp.attention), f = block_weigh(m, m->mtp.network);
    p->mtp = n * (a.params + f.params + 2 * d * d + 5 * d);
    p->mtp_other = n * (a.other + f.other + 2 * d * d + 5 * d);
    p->mtp_active = n * (a.active + f.active + 2 * d * d + 5 * d);
}

/* Of a block, or behind the last: weights that say of each token how n streams are read, written and mixed with each
 * other, a bias each and three scales (hyper-connections); the last only reads. */
static double mixing(const struct model *m, bool last)
{
    double n = (double)m->residual_streams, out = last ? n : 2 * n + n * n;
    return n > 1 ? (n * (double)m->hidden + 1) * out + (last ? 1 : 3) : 0;
}

/* A norm before each block, and the last. */
static double n_norms(const struct model *m)
{
    double n = 1;
    for (uint32_t i = 0; i < m->n_blocks; i++)
        n += m->block[i]->layers;
    return n;
}

static void add_block(const struct model *m, const struct block *b, struct model_params *p)
{
    struct block_weights w = block_weigh(m, b);
    double layers = b->layers;
    p->active += layers * w.active;
    p->other += layers * w.other;
    p->router += layers * w.router;
    p->experts += layers * w.routed;
    if (b->type->attention)
        p->attention += layers * w.params;
    else if (has_experts(b))
        p->shared_experts_and_router += layers * (w.params - w.routed);
    else
        p->dense_ffn += layers * w.params;
}

struct model_params model_params(const struct model *m)
{
    double d = (double)m->hidden;
    struct model_params p = {.embedding = d * (double)m->vocab,
                             .norms = d * n_norms(m) + (n_norms(m) - 1) * mixing(m, false) + mixing(m, true)};
    for (uint32_t i = 0; i < m->n_blocks; i++)
        add_block(m, m->block[i], &p);
    p.head = m->tied_embeddings ? 0 : p.embedding;
    p.other += p.norms + p.embedding + p.head;
    p.total = p.embedding + p.head + p.attention + p.dense_ffn + p.experts + p.shared_experts_and_router + p.norms;
    p.active += p.embedding + p.head + p.norms;
    add_mtp(m, &p);
    return p;
}

double model_stored_B(const struct model *m, double params, double other)
{
    double each_B = m->weight_B + m->weight_scale_B / (double)m->weight_block;
    return (params - other) * each_B + other * (m->other_weight_B > 0 ? m->other_weight_B : each_B);
}

double model_cache_rank_B(const struct model *m, double context, uint32_t tp)
{
    double sum = 0;
    for (uint32_t i = 0; i < m->n_blocks; i++) {
        const struct block *b = m->block[i];
        const struct attention_ops *a = b->type->attention;
        if (a)
            sum += (double)b->layers * a->cache_B(m, b->dims, context) / a->cache_parts(b->dims, tp);
    }
    return sum;
}

double model_cache_B(const struct model *m, double context)
{
    return model_cache_rank_B(m, context, 1);
}

/* Of what grows with positions, indexers keep this. */
double model_index_B(const struct model *m)
{
    double sum = 0;
    for (uint32_t i = 0; i < m->n_blocks; i++) {
        const struct block *b = m->block[i];
        if (b->type->attention && b->type->attention->index_B)
            sum += (double)b->layers * b->type->attention->index_B(b->dims);
    }
    return sum;
}

double model_state_B(const struct model *m)
{
    double sum = 0;
    for (uint32_t i = 0; i < m->n_blocks; i++) {
        const struct block *b = m->block[i];
        if (b->type->attention && b->type->attention->state_B)
            sum += (double)b->layers * b->type->attention->state_B(b->dims);
    }
    return sum;
}

double model_kv_B(const struct model *m)
{
    const double far = 1 << 20;
    return (model_cache_B(m, 2 * far) - model_cache_B(m, far)) / far - model_index_B(m);
}

double block_read_B(const struct model *m, const struct block *b, double context)
{
    const struct attention_ops *a = b->type->attention;
    return (a->read_B ? a->read_B : a->cache_B)(m, b->dims, context);
}

static double model_read_B(const struct model *m, double context)
{
    double sum = 0;
    for (uint32_t i = 0; i < m->n_blocks; i++)
        if (m->block[i]->type->attention)
            sum += (double)m->block[i]->layers * block_read_B(m, m->block[i], context);
    return sum;
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
    double scores = 0;
    for (uint32_t i = 0; i < m->n_blocks; i++) {
        const struct block *b = m->block[i];
        if (b->type->attention)
            scores += 3 * b->type->attention->train_flop(b->dims, sequence, causal) * (double)b->layers;
    }
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
    double scores = 0;
    for (uint32_t i = 0; i < m->n_blocks; i++) {
        const struct block *b = m->block[i];
        if (b->type->attention)
            scores += b->decode_type->attention->decode_flop(b->decode_dims, context) * (double)b->layers;
    }
    return 2 * multiplied(m, &p) + scores;
}

double model_decode_B(const struct model *m, double context)
{
    struct model_params p = model_params(m);
    double other = p.other - (m->tied_embeddings ? 0 : p.embedding);
    return model_stored_B(m, multiplied(m, &p), other) + model_used_extra_B(m) + model_read_B(m, context);
}

/* --- layouts ------------------------------------------------------------------------------------------------- */

/* GPUs that divide routed experts: by number, and their matrices where the group of attention is wider. */
static uint32_t expert_gpus(const struct model_layout *l)
{
    return l->ep > l->tp ? l->ep : l->tp;
}

static const char *misfit_experts(const struct model *m, const struct model_layout *l)
{
    const struct expert_facts *e = &m->experts;
    if (l->ep > 1 && !e->routed)
        return "a dense model has no experts to divide";
    if (l->redundant && !e->routed)
        return "a dense model has no experts to replicate";
    if ((e->routed + l->redundant) % l->ep)
        return l->redundant ? "expert parallelism must divide the routed and redundant experts"
                            : "expert parallelism must divide the routed experts";
    if (e->routed && (expert_gpus(l) % l->tp || expert_gpus(l) % l->ep))
        return "of tensor and expert parallelism the smaller must divide the larger";
    if (e->routed && e->ffn % (expert_gpus(l) / l->ep))
        return "tensor parallelism beyond expert parallelism must divide the width of experts";
    return NULL;
}

static const char *misfit(const struct model *m, const struct model_layout *l)
{
    if (l->pp > (uint64_t)m->layers)
        return "more pipeline stages than layers";
    if (model_undivided_heads(m, l->tp))
        return "tensor parallelism must divide the heads";
    return misfit_experts(m, l);
}

/* A layer's on each GPU; adds to *other what FP8 models do not quantise. */
static double layer_rank(const struct model *m, const struct model_layout *l, const struct model_layer *layer,
                         double *other, double *extra_B)
{
    const struct block *a = layer->attention;
    struct block_weights w = block_weigh(m, a), f = block_weigh(m, layer->network);
    double replicas = m->experts.routed ? 1 + (double)l->redundant / (double)m->experts.routed : 1;
    double norms = ((a != NULL) + (layer->network != NULL)) * ((double)m->hidden + mixing(m, false));
    double attention = a ? a->type->attention->rank_params(m, a->dims, l->tp) : 0,
           routed = replicas * f.routed / expert_gpus(l);
    *other += (w.other + norms + f.other) / l->tp;
    *extra_B += block_extra_B(m, a, 0, attention - w.other / l->tp) +
                block_extra_B(m, layer->network, routed, (f.params - f.routed - f.other) / l->tp);
    return attention + (norms + f.params - f.routed) / l->tp + routed;
}

/* Layers are dealt evenly, the first stages taking one more. */
static double stage_B(const struct model *m, const struct model_layout *l, uint32_t stage)
{
    uint32_t layers = (uint32_t)m->layers, each = layers / l->pp, more = layers % l->pp;
    uint32_t first = stage * each + (stage < more ? stage : more), n = each + (stage < more);
    struct model_params p = model_params(m);
    double sum = stage == 0 ? p.embedding / l->tp : 0, other = sum, extra_B = 0;
    for (uint32_t i = first; i < first + n; i++)
        sum += layer_rank(m, l, &m->layer[i], &other, &extra_B);
    double head = m->tied_embeddings && l->pp > 1 ? p.embedding : p.head;
    double last = stage == l->pp - 1 ? (head + (double)m->hidden + mixing(m, true)) / l->tp : 0; /* and the last norm */
    return model_stored_B(m, sum + last, other + last) + extra_B;
}

const char *model_weights_B(const struct model *m, const struct model_layout *layout, double *out_B)
{
    const char *why = misfit(m, layout);
    *out_B = 0;
    for (uint32_t s = 0; !why && s < layout->pp; s++)
        *out_B = fmax(*out_B, stage_B(m, layout, s));
    return why;
}

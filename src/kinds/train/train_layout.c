#include "kinds/train/train_layout.h"

#include <string.h>

#include "base/diag.h"
#include "models/llm/blocks/block.h"

uint32_t train_stage(const struct train_layout *l, uint32_t rank, uint32_t module)
{
    struct schedule_shape shape = train_shape(l);
    return l->schedule->place(&shape, rank, module).stage;
}

/* --- dealing layers to stages -------------------------------------------------------------------------------- */

enum { MTP_KINDS = 4 }; /* embedding, projection, layer, head */

static uint8_t layer_kind(const struct model *m, uint32_t layer)
{
    return m->experts.routed && layer >= model_first_sparse(m) ? LAYER_MOE : LAYER_DENSE;
}

uint32_t *train_even_counts(uint32_t layers, uint32_t n_stages, uint32_t last, uint32_t from, struct arena *arena)
{
    uint32_t *counts = ARENA_ARRAY(arena, uint32_t, n_stages), before = n_stages - 1;
    for (uint32_t s = 0; s < before; s++)
        counts[s] = (layers - last) / before + (s >= from && s - from < (layers - last) % before);
    counts[before] = last;
    return counts;
}

static void add_kind(struct chunk_stage *s, uint8_t *kinds, uint8_t kind)
{
    kinds[s->n++] = kind;
}

/* A module without its head. */
static void add_mtp(const struct model *m, struct chunk_stage *s, uint8_t *kinds)
{
    add_kind(s, kinds, LAYER_EMBEDDING);
    add_kind(s, kinds, LAYER_PROJECTION);
    add_kind(s, kinds, m->experts.routed ? LAYER_MOE : LAYER_DENSE);
}

static void fill_stage(const struct train_layout *l, uint32_t stage, uint32_t first, uint32_t count,
                       struct arena *arena)
{
    const struct model *m = l->model;
    struct chunk_stage *s = &l->stages[stage];
    uint8_t *kinds = ARENA_ARRAY(arena, uint8_t, (size_t)count + 2 + MTP_KINDS * (size_t)m->mtp_layers);
    s->kind = kinds;
    if (stage == 0)
        add_kind(s, kinds, LAYER_EMBEDDING);
    for (uint32_t i = first; i < first + count; i++)
        add_kind(s, kinds, layer_kind(m, i));
    if (stage + 1 < l->n_stages)
        return;
    add_kind(s, kinds, LAYER_HEAD);
    for (int64_t i = 0; i < m->mtp_layers; i++) {
        add_mtp(m, s, kinds);
        add_kind(s, kinds, LAYER_HEAD);
    }
}

void train_partition(struct train_layout *l, const uint32_t *counts, struct arena *arena)
{
    uint32_t first = 0;
    l->stages = ARENA_ARRAY(arena, struct chunk_stage, l->n_stages);
    for (uint32_t s = 0; s < l->n_stages; s++) {
        fill_stage(l, s, first, counts[s], arena);
        first += counts[s];
    }
    BUG_IF(first != (uint32_t)l->model->layers);
}

/* The head works on the model's output and on that of each MTP module. */
static void add_letter(const struct model *m, char letter, uint32_t *layer, struct chunk_stage *s, uint8_t *kinds)
{
    if (letter == 'E')
        add_kind(s, kinds, LAYER_EMBEDDING);
    else if (letter == 't')
        add_kind(s, kinds, layer_kind(m, (*layer)++));
    else if (letter == 'm')
        add_mtp(m, s, kinds);
    else
        for (int64_t i = 0; i <= m->mtp_layers; i++)
            add_kind(s, kinds, LAYER_HEAD);
}

void train_lay_out(struct train_layout *l, const struct stage_letters *letters, struct arena *arena)
{
    uint32_t layer = 0;
    l->stages = ARENA_ARRAY(arena, struct chunk_stage, l->n_stages);
    for (uint32_t i = 0; i < l->n_stages; i++) {
        size_t most = MTP_KINDS * strlen(letters->stage[i]) + (size_t)l->model->mtp_layers;
        uint8_t *kinds = ARENA_ARRAY(arena, uint8_t, most);
        l->stages[i].kind = kinds;
        for (const char *c = letters->stage[i]; *c; c++)
            add_letter(l->model, *c, &layer, &l->stages[i], kinds);
    }
}

/* --- parameters ------------------------------------------------------------------------------------------------ */

/* Tensor parallelism divides heads, networks and vocabulary; latents' projections, norms and the router stand on all
 * of its GPUs. */
static void add_layer(const struct train_layout *l, uint8_t kind, struct train_params *p)
{
    const struct model *m = l->model;
    double d = (double)m->hidden;
    if (kind == LAYER_PROJECTION)
        p->dense += 2 * d * d / l->tp + 3 * d;
    if (kind != LAYER_DENSE && kind != LAYER_MOE)
        return;
    struct block a = model_attention(m), network = kind == LAYER_MOE ? model_experts(m) : model_dense(m);
    struct block_weights f = block_weigh(m, &network);
    double gate = f.router + (f.other > f.router ? f.other - f.router : 0);
    p->dense += a.type->attention->rank_params(m, a.dims, l->tp) + 2 * d + (f.params - f.routed - gate) / l->tp + gate;
    p->experts += f.routed;
}

/* Embedding and head are on a rank once, whoever of its modules and MTP modules uses them; a tied head is the
 * embedding. */
struct train_params train_rank_params(const struct train_layout *l, uint32_t rank)
{
    struct train_params p = {0};
    for (uint32_t module = 0; module < l->modules; module++) {
        struct train_params m = train_module_params(l, rank, module);
        p.dense += m.dense;
        p.experts += m.experts;
    }
    return p;
}

static bool has_table(const struct train_layout *l, uint32_t stage, bool embedding)
{
    bool tied = l->model->tied_embeddings, has = false;
    for (uint32_t i = 0; i < l->stages[stage].n; i++) {
        uint8_t kind = l->stages[stage].kind[i];
        has |= embedding ? kind == LAYER_EMBEDDING || (kind == LAYER_HEAD && tied) : kind == LAYER_HEAD && !tied;
    }
    return has;
}

/* Tables of the vocabulary that the module is the rank's first to use. */
static double new_tables(const struct train_layout *l, uint32_t rank, uint32_t module)
{
    double n = 0;
    for (int embedding = 0; embedding < 2; embedding++) {
        bool new = has_table(l, train_stage(l, rank, module), embedding);
        for (uint32_t before = 0; before < module; before++)
            new &= !has_table(l, train_stage(l, rank, before), embedding);
        n += new;
    }
    return n;
}

struct train_params train_module_params(const struct train_layout *l, uint32_t rank, uint32_t module)
{
    const struct model *m = l->model;
    uint32_t stage = train_stage(l, rank, module);
    struct train_params p = {0};
    for (uint32_t i = 0; i < l->stages[stage].n; i++)
        add_layer(l, l->stages[stage].kind[i], &p);
    p.dense += (double)(m->vocab * m->hidden) * new_tables(l, rank, module) / l->tp;
    if (has_table(l, stage, false))
        p.dense += (double)m->hidden; /* the norm before the head */
    p.experts /= l->ep * l->etp;
    return p;
}

bool train_stage_has_embedding(const struct train_layout *l, uint32_t stage)
{
    return has_table(l, stage, true);
}

/* A schedule of both directions has every stage on two ranks. */
static uint32_t rank_replicas(const struct train_layout *l)
{
    return l->columns * (l->schedule->both_directions ? 2 : 1);
}

uint32_t train_dense_replicas(const struct train_layout *l)
{
    return rank_replicas(l) * (l->group / l->tp);
}

uint32_t train_expert_replicas(const struct train_layout *l)
{
    return rank_replicas(l) * (l->group / (l->ep * l->etp));
}

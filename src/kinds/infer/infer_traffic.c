/* Each token of each rank draws one of the tokens of the gate's pool (moe_routing.h);
 * replicas of an expert take turns. Tokens that go to several experts of one rank are
 * several messages of the low-latency kernels, one copy of the normal ones.
 *
 * Experts that are all alike: the pool chooses once, and a layer gives its experts
 * other names, group by group, which is as good as choosing anew. Unequal ones choose
 * anew in every layer, with biases for its loads.
 *
 * Balanced: every rank sends the mean to every rank, as DeepSeek's profile simulates
 * it; how many nodes and ranks a token reaches is taken from a sampled layer. */
#include "kinds/infer/infer_traffic.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "base/shared_cache.h"

static bool even(const struct infer_layout *l)
{
    return l->expert_load->skew == SKEW_EVEN;
}

/* --- gate and placement of a layer
 * ----------------------------------------------------------------------------- */

static struct routing_pool *pool_of(const struct infer_gate *g)
{
    if (!*g->pool)
        *g->pool = routing_pool_new(&g->shape, g->seed, g->arena);
    return *g->pool;
}

/* What tokens choose while experts are alike depends on this alone. */
static void choose_even(struct infer_gate *g, const double *alike)
{
    const struct routing_cfg *c = &g->cfg;
    size_t n = (size_t)ROUTING_POOL_TOKENS * (size_t)c->experts_per_token;
    const char *key = arena_printf(g->arena, "%lld experts, %lld of a token, %lld of %lld groups, seed %llu",
                                   (long long)c->experts, (long long)c->experts_per_token,
                                   (long long)c->groups_per_token, (long long)c->groups, (unsigned long long)g->seed);
    const void *known = shared_cache_get("even choices", key, n * sizeof *g->even.expert);
    if (!known) {
        gate_choose(&g->shape, pool_of(g), alike, g->seed, 0, g->arena, &g->even);
        shared_cache_put("even choices", key, g->even.expert, n * sizeof *g->even.expert);
        return;
    }
    g->even.expert = ARENA_ARRAY(g->arena, uint16_t, n);
    memcpy(g->even.expert, known, n * sizeof *g->even.expert);
}

struct infer_gate *infer_gate_new(const struct expert_facts *moe, uint64_t seed, struct arena *arena)
{
    struct infer_gate *g = ARENA_NEW(arena, struct infer_gate);
    double *alike = ARENA_ARRAY(arena, double, (size_t)moe->routed);
    for (int64_t e = 0; e < moe->routed; e++)
        alike[e] = 1;
    g->seed = seed;
    g->cfg = (struct routing_cfg){.experts = moe->routed,
                                  .experts_per_token = moe->top_k,
                                  .groups = moe->groups,
                                  .groups_per_token = moe->top_groups};
    g->shape = (struct routing_shape){.cfg = &g->cfg, .n_ranks = 1, .ranks_per_node = 1, .n_nodes = 1};
    g->arena = arena;
    g->pool = ARENA_NEW(arena, struct routing_pool *);
    choose_even(g, alike);
    return g;
}

static double count_groups(const struct infer_router *r)
{
    const struct routing_cfg *cfg = &r->gate->cfg;
    uint32_t top_k = (uint32_t)cfg->experts_per_token, per_group = (uint32_t)(cfg->experts / cfg->groups);
    uint64_t sum = 0;
    for (size_t t = 0; t < ROUTING_POOL_TOKENS; t++) {
        const uint16_t *chosen = r->choices.expert + t * top_k;
        for (uint32_t i = 0; i < top_k; i++)
            sum += i == 0 || chosen[i] / per_group != chosen[i - 1] / per_group;
    }
    return (double)sum / ROUTING_POOL_TOKENS;
}

/* Shared experts stand after the routed ones, on ranks of their own. */
static struct placement_shape routed_places(const struct infer_layout *l)
{
    uint32_t ranks = l->routed_slots / l->slots_per_rank;
    return (struct placement_shape){.experts = (uint32_t)l->model->experts.routed,
                                    .redundant = l->routed_slots - (uint32_t)l->model->experts.routed,
                                    .groups = (uint32_t)l->model->experts.groups,
                                    .ranks = ranks,
                                    .nodes = ranks % l->ranks_per_node ? 1 : ranks / l->ranks_per_node};
}

static void place(struct infer_router *r, struct arena *arena)
{
    const struct infer_layout *l = r->layout;
    struct placement_shape shape = routed_places(l);
    uint32_t *used = ARENA_ARRAY(arena, uint32_t, l->ranks);
    placement_make(&shape, (enum balance)l->expert_load->balance, r->load, arena, &r->where);
    r->slot = ARENA_ARRAY(arena, uint32_t, l->routed_slots);
    for (uint32_t i = 0; i < l->routed_slots; i++) {
        uint32_t rank = r->where.rank[i];
        r->slot[i] = rank * l->slots_per_rank + used[rank]++;
    }
}

static void draw_loads(struct infer_router *r, uint32_t layer)
{
    const struct infer_layout *l = r->layout;
    expert_load_draw(l->expert_load, l->load_rows, (uint32_t)l->model->experts.routed, r->gate->seed,
                     model_sparse_index(l->model, layer), r->load);
}

void infer_router_init(struct infer_router *r, const struct infer_layout *l, const struct infer_gate *gate,
                       struct arena *arena)
{
    uint32_t experts = (uint32_t)l->model->experts.routed;
    *r = (struct infer_router){.layout = l, .gate = gate, .rng = rng_stream(gate->seed, 0, "inference tokens")};
    r->name = ARENA_ARRAY(arena, uint32_t, experts);
    r->load = ARENA_ARRAY(arena, double, experts);
    r->mark = ARENA_ARRAY(arena, uint32_t, l->ranks + l->n_nodes);
    for (uint32_t e = 0; e < experts; e++)
        r->name[e] = e;
    if (!even(l))
        return;
    draw_loads(r, model_first_sparse(l->model));
    r->choices = gate->even;
    r->groups_per_token = count_groups(r);
    place(r, arena);
}

void infer_router_free(struct infer_router *r)
{
    gsl_rng_free(r->rng);
    arena_free(r->of_layer);
    r->rng = NULL;
    r->of_layer = NULL;
}

/* Other names that keep groups together. */
static void rename_experts(struct infer_router *r)
{
    uint32_t groups = (uint32_t)r->gate->cfg.groups, per_group = (uint32_t)r->gate->cfg.experts / groups;
    uint32_t group[ROUTING_MAX_GROUPS];
    for (uint32_t g = 0; g < groups; g++)
        group[g] = g;
    gsl_ran_shuffle(r->rng, group, groups, sizeof *group);
    for (uint32_t g = 0; g < groups; g++) {
        uint32_t *of_group = r->name + g * per_group;
        for (uint32_t i = 0; i < per_group; i++)
            of_group[i] = group[g] * per_group + i;
        gsl_ran_shuffle(r->rng, of_group, per_group, sizeof *of_group);
    }
}

void infer_router_layer(struct infer_router *r, uint32_t layer)
{
    if (r->layout->cfg->routing == INFER_BALANCED)
        layer = model_first_sparse(r->layout->model);
    if (even(r->layout)) {
        rng_stream_reset(r->rng, r->gate->seed, layer, "names of experts");
        rename_experts(r);
        return;
    }
    arena_free(r->of_layer);
    r->of_layer = arena_new();
    draw_loads(r, layer);
    gate_choose(&r->gate->shape, pool_of(r->gate), r->load, r->gate->seed, layer, r->of_layer, &r->choices);
    r->groups_per_token = count_groups(r);
    place(r, r->of_layer);
}

void infer_traffic_new(const struct infer_layout *l, struct arena *arena, struct infer_traffic *out)
{
    struct ep_group group = {.ranks = l->ranks, .gpus_per_node = l->ranks_per_node};
    *out = (struct infer_traffic){.slot_rows = ARENA_ARRAY(arena, double, l->slots)};
    ep_traffic_new(&group, arena, &out->to);
}

static void clear(const struct infer_layout *l, struct infer_traffic *t)
{
    size_t n = l->ranks;
    memset(t->slot_rows, 0, l->slots * sizeof *t->slot_rows);
    memset(t->to.pairs, 0, n * n * sizeof *t->to.pairs);
    memset(t->to.rank_copies, 0, n * n * sizeof *t->to.rank_copies);
    memset(t->to.node_copies, 0, n * l->n_nodes * sizeof *t->to.node_copies);
}

/* --- sampled ------------------------------------------------------------------ */

/* The ranks that one token's experts lie on; returns how many of its copies there are.
 */
static uint32_t choose(const struct infer_router *r, size_t token, uint32_t turn, struct infer_traffic *t,
                       uint32_t *rank)
{
    const struct infer_layout *l = r->layout;
    uint32_t n = 0, top_k = (uint32_t)r->gate->cfg.experts_per_token, shared = l->slots - l->routed_slots;
    const uint16_t *chosen = r->choices.expert + token * top_k;
    for (; n < top_k; n++) {
        uint32_t expert = r->name[chosen[n]], first = r->where.first[expert];
        uint32_t copies = r->where.first[expert + 1] - first;
        uint32_t replica = first + (copies == 1 ? 0 : turn % copies);
        t->slot_rows[r->slot[replica]]++;
        rank[n] = r->where.rank[replica];
    }
    if (shared) {
        uint32_t slot = l->routed_slots + turn % shared;
        t->slot_rows[slot]++;
        rank[n++] = slot / l->slots_per_rank;
    }
    return n;
}

/* Which ranks and nodes the token at hand has been counted for: those whose mark is its number. */
struct marks {
    uint32_t *rank, *node, token;
    uint64_t ranks, nodes; /* sums over tokens */
};

static void count_pairs(const struct infer_layout *l, uint32_t src, const uint32_t *rank, uint32_t n,
                        struct infer_traffic *t)
{
    for (uint32_t i = 0; i < n; i++)
        t->to.pairs[(size_t)src * l->ranks + rank[i]] += 1;
}

static void count_copies(const struct infer_layout *l, uint32_t src, const uint32_t *rank, uint32_t n,
                         struct infer_traffic *t, struct marks *m)
{
    m->token++;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t node = rank[i] / l->ranks_per_node;
        bool new_rank = m->rank[rank[i]] != m->token, new_node = m->node[node] != m->token;
        m->rank[rank[i]] = m->node[node] = m->token;
        m->ranks += new_rank;
        m->nodes += new_node;
        t->to.rank_copies[(size_t)src * l->ranks + rank[i]] += new_rank;
        t->to.node_copies[(size_t)src * l->n_nodes + node] += new_node;
    }
}

static void sample(struct infer_router *r, uint64_t entity, struct infer_traffic *t)
{
    const struct infer_layout *l = r->layout;
    uint32_t rank[ROUTING_MAX_TOPK + 1], tokens = (uint32_t)l->tokens;
    struct marks m = {.rank = r->mark, .node = r->mark + l->ranks};
    memset(r->mark, 0, (l->ranks + l->n_nodes) * sizeof *r->mark);
    for (uint32_t src = 0; src < l->ranks; src++) {
        rng_stream_reset(r->rng, r->gate->seed, entity * l->ranks + src, "inference tokens");
        for (uint32_t i = 0; i < tokens; i++) {
            size_t token = gsl_rng_uniform_int(r->rng, ROUTING_POOL_TOKENS);
            uint32_t n = choose(r, token, src + i, t, rank);
            count_pairs(l, src, rank, n, t);
            count_copies(l, src, rank, n, t, &m);
        }
    }
    double all = (double)tokens * l->ranks;
    t->to.ranks_per_token = (double)m.ranks / all;
    t->to.nodes_per_token = (double)m.nodes / all;
}

/* --- balanced ----------------------------------------------------------------- */

static void spread(const struct infer_layout *l, struct infer_traffic *t)
{
    double copies = (double)l->model->experts.top_k + (l->cfg->shared_replicas ? 1 : 0);
    size_t n = l->ranks, shared = l->slots - l->routed_slots;
    double all = l->tokens * (double)n;
    for (uint32_t s = 0; s < l->slots; s++)
        t->slot_rows[s] =
            s < l->routed_slots ? all * (double)l->model->experts.top_k / l->routed_slots : all / (double)shared;
    for (size_t i = 0; i < n * n; i++) {
        t->to.pairs[i] = l->tokens * copies / (double)n;
        t->to.rank_copies[i] = l->tokens * t->to.ranks_per_token / (double)n;
    }
    for (size_t i = 0; i < n * l->n_nodes; i++)
        t->to.node_copies[i] = l->tokens * t->to.nodes_per_token / l->n_nodes;
}

/* --- both --------------------------------------------------------------------- */

static double busiest(const struct infer_layout *l, const double *rows)
{
    double most = 0, all = 0;
    for (uint32_t r = 0; r < l->ranks; r++) {
        double sum = 0;
        for (uint32_t i = 0; i < l->slots_per_rank; i++)
            sum += rows[r * l->slots_per_rank + i];
        most = fmax(most, sum);
        all += sum;
    }
    return all > 0 ? most * l->ranks / all : 1;
}

void infer_traffic_draw(struct infer_router *r, uint32_t layer, uint32_t micro_batch, struct infer_traffic *out)
{
    const struct infer_layout *l = r->layout;
    bool balanced = l->cfg->routing == INFER_BALANCED;
    /* balanced layers are alike: all are made from the same sample */
    uint64_t entity = balanced ? 0 : (uint64_t)layer * l->micro_batches + micro_batch;
    clear(l, out);
    sample(r, entity, out);
    if (balanced)
        spread(l, out);
    out->to.busiest_ratio = busiest(l, out->slot_rows);
}

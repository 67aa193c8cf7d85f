/* Chunk programs on all ranks of an expert-parallel group.
 *
 * Every rank runs the same kernels in the same order; only the kernels that work on the tokens of the rank's
 * experts take longer or shorter, in proportion to the tokens routed there. Dispatch and combine become DeepEP
 * transfers, notify kernels barriers of all ranks: waiting comes out of ranks that arrive late. The reference
 * rank has the program's loads; everything about the other ranks is sampled (moe_routing.c).
 *
 * Ranks enter the chunk apart: entry_layers layer pairs before it have each left the skew that their imbalance
 * makes. Of the reference rank's load there nothing is known; it is taken as the mean.
 *
 * Ranks compute at speeds of their own, and a kernel does not take the same time twice: whoever meets the others late
 * makes them wait. */
#include "models/chunk/chunk.h"

#include <gsl/gsl_randist.h>
#include <math.h>

#include "base/diag.h"
#include "base/rng.h"
#include "models/comm/deepep.h"
#include "models/op_gains.h"
#include "models/trace.h"

struct builder {
    const struct chunk_program *program;
    const struct chunk_group *group;
    struct opgraph *graph;
    struct arena *arena;
    struct chunk_ops *out;
    uint32_t *sync_group; /* [n_kernels] */
    uint32_t *made_of;    /* [n_kernels] */
    uint32_t *text;       /* [n_names] names, then [n_phases] phases, then "" */
    gsl_rng *rng;         /* of kernels' times; NULL: they do not vary */
};

/* Whether a kernel's transfers carry tokens to experts and back: DeepEP's between nodes. */
static bool chunk_moves_tokens(const struct chunk_kernel *k)
{
    return k->kind == OP_COMM &&
           (k->collective == COLL_DISPATCH || k->collective == COLL_DISPATCH_CACHED || k->collective == COLL_COMBINE);
}

/* --- token loads ------------------------------------------------------------------------------------------ */

/* Loads of ranks from those of their experts, which follow a power law in an order of their own for each layer. */
static void draw_power_law(const struct chunk_group *group, uint32_t index, struct arena *arena, double *load)
{
    uint32_t experts = (uint32_t)group->shape->cfg->experts, ranks = group->shape->n_ranks, each = experts / ranks;
    struct expert_load_cfg law = {.skew = SKEW_ZIPF, .zipf_exponent = group->expert_exponent};
    double *expert = ARENA_ARRAY(arena, double, experts);
    expert_load_draw(&law, NULL, experts, group->seed, index, expert);
    for (uint32_t r = 0; r < ranks; r++) {
        load[r] = 0;
        for (uint32_t e = r * each; e < (r + 1) * each; e++)
            load[r] += expert[e] / each;
    }
}

void chunk_draw_routing(const struct chunk_group *group, const struct routing_pool *pool, uint32_t index,
                        double reference_load, struct arena *arena, struct routing *out)
{
    double *load = ARENA_ARRAY(arena, double, group->shape->n_ranks);

    if (group->expert_exponent > 0)
        draw_power_law(group, index, arena, load);
    else
        routing_draw_loads(group->shape, group->seed, index, "rank load", group->reference, reference_load, load);
    routing_sample(group->shape, pool, load, group->seed, index, arena, out);
}

static void find_routed(struct builder *b)
{
    const struct chunk_program *p = b->program;

    b->out->routed = ARENA_ARRAY(b->arena, bool, p->n_routings);
    for (uint32_t i = 0; i < p->n_kernels; i++)
        if (chunk_moves_tokens(&p->kernels[i]) || p->kernels[i].per_token)
            b->out->routed[p->kernels[i].routing] = true;
}

static void draw_routings(struct builder *b)
{
    const struct chunk_program *p = b->program;
    struct routing_pool *pool = routing_pool_new(b->group->shape, b->group->seed, b->arena);
    struct routing *drawn = ARENA_ARRAY(b->arena, struct routing, p->n_routings);

    for (uint32_t i = 0; i < p->n_routings; i++)
        if (b->out->routed[i])
            chunk_draw_routing(b->group, pool, i, p->load[i], b->arena, &drawn[i]);
    b->out->routings = drawn;
}

static void route(struct builder *b)
{
    find_routed(b);
    if (b->group->routings)
        b->out->routings = b->group->routings;
    else
        draw_routings(b);
}

/* Mean time per layer pair that the reference rank spends on its experts' tokens. */
static double token_work(const struct chunk_program *p, bool backward)
{
    double sum_s = 0;
    uint32_t layers = p->n_routings / 2 - 1;

    for (uint32_t i = 0; i < p->n_kernels; i++) {
        const struct chunk_kernel *k = &p->kernels[i];
        if (k->per_token && k->backward == backward && k->routing > 1)
            sum_s += k->work_s;
    }
    return layers ? sum_s / layers : 0;
}

static void sample_entry(struct builder *b)
{
    const struct chunk_group *g = b->group;
    uint32_t n = g->shape->n_ranks;
    double *load = ARENA_ARRAY(b->arena, double, n), *entry_s = ARENA_ARRAY(b->arena, double, n);
    double first_s = INFINITY;

    for (int64_t layer = 0; layer < g->entry_layers; layer++)
        for (int backward = 0; backward < 2; backward++) {
            double work_s = token_work(b->program, backward);
            routing_draw_loads(g->shape, g->seed, 2 * (uint64_t)layer + (uint64_t)backward, "entry load", g->reference,
                               1, load);
            for (uint32_t r = 0; r < n; r++)
                entry_s[r] += work_s * (load[r] - 1);
        }
    for (uint32_t r = 0; r < n; r++)
        first_s = fmin(first_s, entry_s[r]);
    for (uint32_t r = 0; r < n; r++)
        entry_s[r] -= first_s;
    b->out->entry_s = entry_s;
}

/* The rank's rows over those that the kernel's work is of. */
static double load_ratio(const struct builder *b, const struct chunk_kernel *k, uint32_t rank)
{
    if (!k->per_token || !b->out->routings)
        return 1;
    const uint32_t *rows = b->out->routings[k->routing].expert_rows;
    if (b->group->reference != CHUNK_NONE)
        return rows[rank] / fmax(rows[b->group->reference], 1);
    const struct routing_cfg *c = b->group->shape->cfg;
    double load = b->program->load[k->routing];
    return rows[rank] / ((load > 0 ? load : 1) * (double)(c->tokens_per_rank * c->experts_per_token));
}

/* --- ops --------------------------------------------------------------------------------------------------- */

static void intern_texts(struct builder *b)
{
    const struct chunk_program *p = b->program;
    uint32_t n = 0;

    b->text = ARENA_ARRAY(b->arena, uint32_t, (size_t)p->n_names + p->n_phases + 1);
    for (uint32_t i = 0; i < p->n_names; i++)
        b->text[n++] = opgraph_string(b->graph, p->names[i]);
    for (uint32_t i = 0; i < p->n_phases; i++)
        b->text[n++] = opgraph_string(b->graph, p->phases[i]);
    b->text[n] = opgraph_string(b->graph, "");
}

static uint32_t phase_text(const struct builder *b, uint32_t phase)
{
    uint32_t index = phase == CHUNK_NONE ? b->program->n_phases : phase;

    return b->text[b->program->n_names + index];
}

static void sync_groups(struct builder *b)
{
    b->sync_group = ARENA_ARRAY(b->arena, uint32_t, b->program->n_kernels);
    for (uint32_t i = 0; i < b->program->n_kernels; i++)
        b->sync_group[i] = b->program->kernels[i].kind == OP_SYNC && !b->program->kernels[i].joint
                               ? opgraph_sync_group(b->graph)
                               : OP_NONE;
}

static void note_gains(struct builder *b)
{
    b->made_of = ARENA_ARRAY(b->arena, uint32_t, b->program->n_kernels);
    for (uint32_t i = 0; i < b->program->n_kernels; i++)
        b->made_of[i] = op_made_of_gains(b->graph, &b->program->kernels[i].gains);
}

static void add_entry(struct builder *b, uint32_t rank)
{
    uint32_t name = opgraph_string(b->graph, "entry skew");

    if (!b->out->entry_s)
        return;
    opgraph_add(b->graph, &(struct op){.kind = OP_COMPUTE,
                                       .lane = opgraph_lane(b->graph),
                                       .device = b->group->first_device + rank,
                                       .work_s = b->out->entry_s[rank],
                                       .sync_group = OP_NONE,
                                       .name = name,
                                       .class_name = name,
                                       .phase = phase_text(b, CHUNK_NONE)});
}

/* Of a kernel that computes: the rank's speed, and its own luck. */
static double slowness(const struct builder *b, const struct chunk_kernel *k, uint32_t rank)
{
    if (k->kind != OP_COMPUTE)
        return 1;
    double luck = b->rng ? fmax(0.5, 1 + gsl_ran_gaussian_ziggurat(b->rng, b->group->kernel_cv_ratio)) : 1;
    return (b->group->slow ? b->group->slow[rank] : 1) * luck;
}

static struct op kernel_op(const struct builder *b, uint32_t kernel, uint32_t rank)
{
    const struct chunk_kernel *k = &b->program->kernels[kernel];

    return (struct op){.kind = k->kind,
                       .device = b->group->first_device + rank,
                       .lead_s = k->lead_s,
                       .work_s = k->work_s * load_ratio(b, k, rank) * slowness(b, k, rank),
                       .sm_ref = k->sm_ref,
                       .sm_max = k->sm_max,
                       .sm_hold = k->sm_hold,
                       .memory = k->memory,
                       .sync_group = b->sync_group[kernel],
                       .name = b->text[k->name],
                       .class_name = b->text[k->name],
                       .phase = phase_text(b, k->phase),
                       .made_of = b->made_of[kernel],
                       .layer = k->layer};
}

/* The CPU's part of a rank, behind all kernels of it: a launch for each, in the program's order. */
static void add_launches(struct builder *b, uint32_t rank, uint32_t base)
{
    uint32_t lane = opgraph_lane(b->graph), name = opgraph_string(b->graph, "launch");
    for (uint32_t i = 0; i < b->program->n_kernels; i++) {
        uint32_t op = opgraph_add(b->graph, &(struct op){.kind = OP_COMPUTE,
                                                         .lane = lane,
                                                         .device = b->group->first_device + rank,
                                                         .work_s = b->group->launch_s,
                                                         .sync_group = OP_NONE,
                                                         .name = name,
                                                         .class_name = name,
                                                         .phase = phase_text(b, CHUNK_NONE)});
        opgraph_dep(b->graph, op, base + i);
    }
}

static void add_deps(struct builder *b, uint32_t kernel, uint32_t base, bool first_of_lane)
{
    const struct chunk_kernel *k = &b->program->kernels[kernel];

    if (first_of_lane && b->out->entry_s)
        opgraph_dep(b->graph, base - 1, base + kernel);
    for (uint32_t i = 0; i < k->n_deps; i++)
        opgraph_dep(b->graph, base + b->program->deps[k->first_dep + i], base + kernel);
    for (uint32_t i = 0; i < k->n_early; i++) {
        const struct chunk_early *e = &b->program->early[k->first_early + i];
        opgraph_early_dep(b->graph, base + e->kernel, base + kernel, e->share);
    }
    for (uint32_t i = 0; i < k->n_queue; i++) {
        const struct chunk_queue *q = &b->program->queue[k->first_queue + i];
        opgraph_queue_dep(b->graph, &(struct queue_dep){base + q->kernel, base + kernel, q->share, q->lag_s, q->slack_s,
                                                        q->free_sms});
    }
}

static void add_rank(struct builder *b, uint32_t rank)
{
    const struct chunk_program *p = b->program;
    if (b->rng)
        rng_stream_reset(b->rng, b->group->seed, rank, "kernel times");
    uint32_t n_lanes = p->n_streams + p->n_beside, *lane = ARENA_ARRAY(b->arena, uint32_t, n_lanes);

    for (uint32_t s = 0; s < n_lanes; s++)
        lane[s] = OP_NONE;
    add_entry(b, rank);
    uint32_t base = b->graph->n_ops;
    for (uint32_t i = 0; i < p->n_kernels; i++) {
        struct op op = kernel_op(b, i, rank);
        uint32_t beside = p->kernels[i].beside, at = beside ? p->n_streams + beside - 1 : p->kernels[i].stream;
        bool first = lane[at] == OP_NONE;
        if (first)
            lane[at] = opgraph_lane(b->graph);
        op.lane = lane[at];
        opgraph_add(b->graph, &op);
        add_deps(b, i, base, first);
    }
    if (b->group->launch_s > 0)
        add_launches(b, rank, base);
    if (rank == 0)
        b->out->first_op = base;
    else if (rank == 1)
        b->out->stride = base - b->out->first_op;
}

/* --- transfers ------------------------------------------------------------------------------------------------ */

double chunk_logical_B(const struct chunk_program *program, const struct chunk_group *group,
                       const struct chunk_ops *ops, uint32_t kernel)
{
    const struct chunk_kernel *k = &program->kernels[kernel];
    const struct routing_shape *s = group->shape;
    double tokens = 0;

    if (!s || !chunk_moves_tokens(k))
        return 0;
    const struct routing *r = &ops->routings[k->routing];
    for (uint32_t node = 0; node < s->n_nodes; node++)
        tokens += r->node_tokens[(size_t)group->reference * s->n_nodes + node];
    return tokens * deepep_payload_B(s->cfg->hidden, k->collective == COLL_COMBINE);
}

/* Everyone's share to each of its peers, over NVLink or as the network has it. */
static void add_collect(struct builder *b, uint32_t kernel)
{
    const struct chunk_kernel *k = &b->program->kernels[kernel];
    uint32_t block = (uint32_t)k->peers * k->stride;
    for (uint32_t r = 0; r < b->out->n_ranks; r++)
        for (uint32_t i = 1; i < k->peers; i++) {
            uint32_t turn = (r / k->stride + i) % k->peers, peer = r / block * block + turn * k->stride + r % k->stride;
            opgraph_transfer(b->graph, &(struct transfer){.src_op = b->out->first_op + r * b->out->stride + kernel,
                                                          .dst_op = b->out->first_op + peer * b->out->stride + kernel,
                                                          .src = b->group->first_device + r,
                                                          .dst = b->group->first_device + peer,
                                                          .bytes_B = k->bytes_B / k->peers,
                                                          .weight = 1,
                                                          .rendezvous = true});
        }
}

static void add_collects(struct builder *b)
{
    for (uint32_t i = 0; i < b->program->n_kernels; i++)
        if (b->program->kernels[i].peers > 1)
            add_collect(b, i);
}

/* Tokens as the kernels of expert parallelism see them. */
static struct ep_traffic traffic_of(const struct builder *b, const struct routing *r)
{
    const struct routing_shape *s = b->group->shape;
    size_t n = s->n_ranks;
    struct ep_traffic t = {.group = {s->n_ranks, b->group->first_device, (uint32_t)b->group->hw->node.gpus},
                           .nodes = s->n_nodes,
                           .per_node = s->ranks_per_node,
                           .rank_copies = ARENA_ARRAY(b->arena, double, n *n),
                           .node_copies = ARENA_ARRAY(b->arena, double, n * s->n_nodes)};
    for (size_t i = 0; i < n * n; i++)
        t.rank_copies[i] = r->rank_tokens[i];
    for (size_t i = 0; i < n * s->n_nodes; i++)
        t.node_copies[i] = r->node_tokens[i];
    return t;
}

static void add_exchange(struct builder *b, const struct chunk_kernel *k, const uint32_t *op)
{
    const struct routing_cfg *c = b->group->shape->cfg;
    bool back = k->collective == COLL_COMBINE;
    struct ep_traffic traffic = traffic_of(b, &b->out->routings[k->routing]);
    struct ep_call call = {.hw = b->group->hw,
                           .traffic = &traffic,
                           .phase = back ? EP_COMBINE : EP_DISPATCH,
                           .tokens = (double)c->tokens_per_rank,
                           .hidden = c->hidden,
                           .top_k = c->experts_per_token,
                           .experts = c->experts,
                           .sms = (double)b->group->hw->ep_kernel.sms,
                           .format = b->group->exchange->format[back]};
    ep_transfers(b->graph, b->group->exchange->kernel, &call, b->arena, op);
}

/* A cached dispatch sends gradients along known routes: no choices travel. The combine
 * of the backward chunk is the backward pass of a dispatch and returns the gradients of
 * its weights. */
static void add_transfers(struct builder *b)
{
    const struct routing_shape *s = b->group->shape;
    uint32_t *op = ARENA_ARRAY(b->arena, uint32_t, s->n_ranks);
    struct deepep ep;

    if (!b->group->exchange)
        deepep_init(&ep, b->graph, b->group->hw, s, b->arena);
    ep.first_device = b->group->first_device;
    for (uint32_t i = 0; i < b->program->n_kernels; i++) {
        const struct chunk_kernel *k = &b->program->kernels[i];
        if (!chunk_moves_tokens(k))
            continue;
        for (uint32_t r = 0; r < s->n_ranks; r++)
            op[r] = b->out->first_op + r * b->out->stride + i;
        if (b->group->exchange) {
            add_exchange(b, k, op);
            continue;
        }
        struct deepep_call call = {.combine = k->collective == COLL_COMBINE};
        call.choices = call.combine ? k->backward : k->collective == COLL_DISPATCH;
        deepep_exchange(&ep, call, &b->out->routings[k->routing], op);
    }
}

void chunk_build(const struct chunk_program *program, const struct chunk_group *group, struct opgraph *graph,
                 struct arena *arena, struct chunk_ops *out)
{
    struct builder b = {.program = program, .group = group, .graph = graph, .arena = arena, .out = out};

    *out = (struct chunk_ops){.n_ranks = group->shape ? group->shape->n_ranks : group->ranks ? group->ranks : 1};
    BUG_IF(graph->n_ops || graph->n_devices < group->first_device + out->n_ranks);
    if (group->shape) {
        route(&b);
        if (group->entry_layers > 0)
            sample_entry(&b);
    }
    intern_texts(&b);
    sync_groups(&b);
    note_gains(&b);
    b.rng = group->kernel_cv_ratio > 0 ? rng_stream(group->seed, 0, "kernel times") : NULL;
    for (uint32_t r = 0; r < out->n_ranks; r++)
        add_rank(&b, r);
    if (b.rng)
        gsl_rng_free(b.rng);
    add_collects(&b);
    if (group->shape)
        add_transfers(&b);
}

/* --- programs of different ranks ------------------------------------------------------------------------------ */

static void join_groups(struct builder *b, uint32_t first_group)
{
    const struct chunk_program *p = b->program;

    sync_groups(b);
    for (uint32_t i = 0; i < p->n_kernels; i++)
        if (p->kernels[i].joint)
            b->sync_group[i] = first_group + p->kernels[i].joint - 1;
}

void chunk_build_ranks(const struct chunk_rank *ranks, uint32_t n, uint32_t n_joints, const struct cluster_hw *hw,
                       struct opgraph *graph, struct arena *arena, uint32_t *first_op)
{
    uint32_t first_group = graph->n_sync_groups;

    BUG_IF(graph->n_ops);
    for (uint32_t i = 0; i < n_joints; i++)
        opgraph_sync_group(graph);
    for (uint32_t r = 0; r < n; r++) {
        struct chunk_group group = {.hw = hw, .first_device = ranks[r].device};
        double entry_s = ranks[r].entry_s;
        struct chunk_ops out = {.n_ranks = 1, .entry_s = &entry_s};
        struct builder b = {.program = ranks[r].program, .group = &group, .graph = graph, .arena = arena, .out = &out};
        intern_texts(&b);
        join_groups(&b, first_group);
        note_gains(&b);
        add_rank(&b, 0);
        first_op[r] = out.first_op;
    }
}

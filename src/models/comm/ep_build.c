/* A kernel alone: one call of every rank, and nothing beside it; its constants on a chip, and what it cannot do. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "models/comm/ep_exchange.h"

const char *const ep_phase_names[] = {"dispatch", "combine", "prepare", "prepare_combine", NULL};

void ep_build(struct opgraph *graph, const struct ep_kernel_type *k, const struct ep_call *c, struct arena *arena,
              uint32_t *first, uint32_t *last)
{
    uint32_t n = c->traffic->group.ranks, *lane = ARENA_ARRAY(arena, uint32_t, n);
    struct op like = {.name = opgraph_string(graph, ep_phase_names[c->phase]), .phase = opgraph_string(graph, "")};
    struct ep_ops ops = {first ? first : ARENA_ARRAY(arena, uint32_t, n), ARENA_ARRAY(arena, uint32_t, n),
                         last ? last : ARENA_ARRAY(arena, uint32_t, n)};
    struct ep_exchange x;
    like.class_name = like.name;
    for (uint32_t r = 0; r < n; r++)
        lane[r] = opgraph_lane(graph);
    ep_exchange_init(&x, graph, k, c, NULL, arena);
    x.prepare = (struct ep_cost){0}; /* a phase of its own here */
    ep_exchange_ops(&x, lane, &like, &ops);
    if (x.cost.token_B > 0)
        ep_exchange_move(&x, c->traffic, &(struct ep_ends){ops.move, ops.move, ops.move});
}

void ep_cost_of(const struct ep_kernel_type *k, const struct ep_call *c, struct ep_cost *out)
{
    const struct hw_ep_kernel *hw = &c->hw->ep_kernel;
    k->cost(c, ep_constants(k, hw), out);
    if (!k->constants) /* made of keys, which are faster themselves */
        return;
    if (hw->own_speed_ratio > 0) {
        out->start_s /= hw->own_speed_ratio;
        out->end_s /= hw->own_speed_ratio;
    }
    for (int i = 0; i < N_EP_STAGES && hw->copy_speed_ratio > 0; i++)
        out->engine_Bps[i] *= hw->copy_speed_ratio;
}

double ep_logical_copies(const struct ep_kernel_type *k, const struct ep_call *c)
{
    struct ep_cost cost;
    ep_cost_of(k, c, &cost);
    if (cost.copies == EP_A_COPY_A_PAIR)
        return (double)c->top_k;
    bool nodes = cost.copies == EP_A_COPY_A_NODE && c->traffic->nodes > 1;
    return nodes ? c->traffic->nodes_per_token : c->traffic->ranks_per_token;
}

void ep_transfers(struct opgraph *graph, const struct ep_kernel_type *k, const struct ep_call *c, struct arena *arena,
                  const uint32_t *op)
{
    struct ep_exchange x;
    ep_exchange_init(&x, graph, k, c, NULL, arena);
    ep_exchange_move(&x, c->traffic, &(struct ep_ends){op, op, op});
}

static const struct hw_ep_constants *of_chip(const struct ep_kernel_type *k, const struct hw_ep_kernel *hw)
{
    return (const void *)((const char *)hw + k->constants);
}

bool ep_measured_here(const struct ep_kernel_type *k, const struct hw_ep_kernel *hw)
{
    return !k->constants || *of_chip(k, hw)->software;
}

const struct hw_ep_constants *ep_constants(const struct ep_kernel_type *k, const struct hw_ep_kernel *hw)
{
    return k->constants && ep_measured_here(k, hw) ? of_chip(k, hw) : &k->nearest;
}

const char *ep_constants_text(const struct ep_kernel_type *k, const struct hw_ep_kernel *hw, struct arena *arena)
{
    const char *of = ep_constants(k, hw)->software;
    return ep_measured_here(k, hw) ? of : arena_printf(arena, "those of %s: not validated here", of);
}

const struct ep_kernel_type *ep_kernel_of(const struct hw_ep_kernel *hw, bool latency)
{
    if (strcmp(hw->kernel, "auto") != 0)
        return ep_kernel_find(hw->kernel);
    return ep_kernel_find(latency ? hw->latency_kernel : hw->throughput_kernel);
}

const char *ep_needs_one_node(const struct ep_call *c, char *why, size_t size)
{
    if (c->traffic->nodes <= 1)
        return NULL;
    snprintf(why, size,
             "it stores over NVLink, which joins the %lld GPUs of a node (cluster.node.gpus), not %u GPUs on %u "
             "nodes; give fewer GPUs, or a kernel that uses the network, for example deepep_low_latency",
             (long long)c->hw->node.gpus, c->traffic->group.ranks, c->traffic->nodes);
    return why;
}

const char *ep_needs_whole_nodes(const struct ep_call *c, char *why, size_t size)
{
    if (c->traffic->nodes <= 1 || c->traffic->per_node)
        return NULL;
    snprintf(why, size,
             "tokens are handed on by the rank on the same rail, so every node needs as many ranks; give whole nodes");
    return why;
}

static const char *ep_group_misfit(const struct ep_call *c, char *why, size_t size)
{
    uint32_t n = c->traffic->group.ranks;
    if (c->experts % n)
        snprintf(why, size, "%lld experts do not divide among %u GPUs; give a number of GPUs that divides %lld",
                 (long long)c->experts, n, (long long)c->experts);
    else if (c->top_k > c->experts)
        snprintf(why, size, "a token cannot choose %lld of %lld experts", (long long)c->top_k, (long long)c->experts);
    else if (c->sms > (double)c->hw->chip.sms)
        snprintf(why, size, "a kernel cannot hold %g of the %lld SMs of %s; give at most %lld", c->sms,
                 (long long)c->hw->chip.sms, c->hw->chip.name, (long long)c->hw->chip.sms);
    else
        return NULL;
    return why;
}

const char *ep_misfit(const struct ep_kernel_type *k, const struct ep_call *c, char *why, size_t size)
{
    const char *group = ep_group_misfit(c, why, size);
    return group ? group : k->misfit ? k->misfit(c, why, size) : NULL;
}

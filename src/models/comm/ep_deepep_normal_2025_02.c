/* DeepEP's normal kernels as published (csrc/kernels/internode.cu, February 2025), those of DeepSeek's training trace:
 * warps copy word by word, one queue pair for each peer. How they move tokens is models/comm/deepep.c; one rate of an SM
 * (cluster.ep_kernel.copy_per_sm) stands for all that a channel waits for. */
#include "models/comm/deepep.h"
#include "models/comm/ep_exchange.h"

#include <math.h>

struct own {
    struct cluster_hw hw; /* with the SMs of the call */
    struct deepep deepep;
    struct deepep_call call;
    struct routing_cfg cfg;
    struct routing_shape shape;
    struct routing tokens; /* of the call at hand */
};

static struct hw_ep_kernel with_sms_of(const struct ep_call *c)
{
    struct hw_ep_kernel ep = c->hw->ep_kernel;
    ep.sms = (int64_t)c->sms;
    return ep;
}

static void cost(const struct ep_call *c, const struct hw_ep_constants *k, struct ep_cost *out)
{
    struct hw_ep_kernel own = with_sms_of(c);
    const struct hw_ep_kernel *ep = &own;
    struct deepep_call call = {.combine = c->phase == EP_COMBINE, .choices = c->choices};
    (void)k;
    *out = (struct ep_cost){.copies = EP_A_COPY_A_NODE,
                            .token_B = deepep_token_B(ep, c->hidden, c->top_k, call),
                            .barrier_s = ep->barrier_s,
                            .sms = ep_sms_held(ep, call.combine)};
}

static void open(struct ep_exchange *x, struct arena *arena)
{
    const struct ep_call *c = &x->call;
    const struct ep_traffic *t = c->traffic;
    struct own *o = ARENA_NEW(arena, struct own);
    size_t n = t->group.ranks;
    o->call = (struct deepep_call){.combine = c->phase == EP_COMBINE, .choices = c->choices};
    o->cfg = (struct routing_cfg){.hidden = c->hidden, .experts_per_token = c->top_k};
    o->shape = (struct routing_shape){
        .cfg = &o->cfg, .n_ranks = t->group.ranks, .ranks_per_node = t->per_node, .n_nodes = t->nodes};
    o->tokens.node_tokens = ARENA_ARRAY(arena, uint32_t, n * t->nodes);
    o->tokens.rank_tokens = ARENA_ARRAY(arena, uint32_t, n * n);
    o->hw = *c->hw;
    o->hw.ep_kernel = with_sms_of(c);
    deepep_init(&o->deepep, x->graph, &o->hw, &o->shape, arena);
    o->deepep.first_device = t->group.first;
    x->own = o;
}

/* Whole tokens, as many as there are: of few, each of many shares would be rounded away. What is left over goes on to the
 * next place; a rank begins with its own, so that no place gets what all have left. */
static void make_whole(const double *copies, uint32_t n, uint32_t begin, uint32_t *tokens)
{
    double left = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = (begin + i) % n;
        double whole = floor(copies[at] + left + 0.5);
        left += copies[at] - whole;
        tokens[at] = (uint32_t)whole;
    }
}

static void move(const struct ep_exchange *x, const struct ep_traffic *t, const uint32_t *op)
{
    struct own *o = x->own;
    uint32_t n = t->group.ranks;
    for (uint32_t r = 0; r < n; r++) {
        size_t nodes = (size_t)r * t->nodes, ranks = (size_t)r * n;
        make_whole(t->node_copies + nodes, t->nodes, r, o->tokens.node_tokens + nodes);
        make_whole(t->rank_copies + ranks, n, r, o->tokens.rank_tokens + ranks);
    }
    deepep_exchange(&o->deepep, o->call, &o->tokens, op);
}

/* The rail of a rank, NVLink in its node, and the SMs that copy for both. */
static struct ep_load load(const struct ep_exchange *x, const struct ep_counts *of)
{
    const struct ep_call *c = &x->call;
    struct hw_ep_kernel own_ep = with_sms_of(c);
    const struct hw_ep_kernel *ep = &own_ep;
    struct deepep_call call = {.combine = c->phase == EP_COMBINE, .choices = c->choices};
    double nvlink_B = deepep_nvlink_token_B(c->hidden, c->top_k, call), token_B = x->cost.token_B;
    double home_Bps = deepep_engine_Bps(ep, c->hidden, call, EP_HOME);
    double away_Bps = deepep_engine_Bps(ep, c->hidden, call, EP_AWAY);
    double nvlink_Bps = c->hw->node.nvlink_Bps * c->hw->node.nvlink_efficiency_ratio;
    double network_s = fmax(of->out, of->in) * token_B / x->nic_Bps;
    double links_s = fmax(network_s, fmax(of->near_out, of->near_in) * nvlink_B / nvlink_Bps);
    double home_s = home_Bps > 0 ? (of->out + of->own) * token_B / home_Bps : 0,
           away_s = away_Bps > 0 ? (of->in + of->own) * token_B / away_Bps : 0;
    double all_s = fmax(links_s, fmax(home_s, away_s));
    return (struct ep_load){all_s, all_s, all_s > links_s ? "copying SMs" : links_s > network_s ? "NVLink" : "network"};
}

static const char *misfit(const struct ep_call *c, char *why, size_t size)
{
    return ep_needs_whole_nodes(c, why, size);
}

const struct ep_kernel_type ep_deepep_normal_2025_02 = {
    .name = "deepep_normal_2025_02",
    .doc = "DeepEP's normal kernels as published: SMs copy word by word, one copy a node over the network",
    .software = "DeepEP, February 2025",
    .ref = "4.3",
    .nearest = {.software = "cluster.ep_kernel.copy_per_sm"},
    .misfit = misfit,
    .cost = cost,
    .open = open,
    .move = move,
    .load = load,
};

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

/* Whole tokens. */
static void move(const struct ep_exchange *x, const struct ep_traffic *t, const uint32_t *op)
{
    struct own *o = x->own;
    size_t n = t->group.ranks;
    for (size_t i = 0; i < n * t->nodes; i++)
        o->tokens.node_tokens[i] = (uint32_t)lround(t->node_copies[i]);
    for (size_t i = 0; i < n * n; i++)
        o->tokens.rank_tokens[i] = (uint32_t)lround(t->rank_copies[i]);
    deepep_exchange(&o->deepep, o->call, &o->tokens, op);
}

/* Copies of tokens on the rail of a rank: to and from its peers in other nodes, and what it hands on inside its node. */
static void load(const struct ep_exchange *x, const struct ep_traffic *t, uint32_t r, struct ep_load *out)
{
    const struct ep_call *c = &x->call;
    struct hw_ep_kernel own_ep = with_sms_of(c);
    const struct hw_ep_kernel *ep = &own_ep;
    struct deepep_call call = {.combine = c->phase == EP_COMBINE, .choices = c->choices};
    double nvlink_B = deepep_nvlink_token_B(c->hidden, c->top_k, call), token_B = x->cost.token_B;
    double home_Bps = deepep_engine_Bps(ep, c->hidden, call, EP_HOME);
    double away_Bps = deepep_engine_Bps(ep, c->hidden, call, EP_AWAY);
    double nvlink_Bps = c->hw->node.nvlink_Bps * c->hw->node.nvlink_efficiency_ratio;
    uint32_t per_node = t->per_node, node = r / per_node, first = node * per_node;
    double sent = 0, own = t->node_copies[(size_t)r * t->nodes + node], handled = 0, near_out = 0, near_in = 0;
    for (uint32_t m = 0; m < t->nodes; m++) {
        uint32_t peer = m * per_node + r % per_node;
        sent += t->node_copies[(size_t)r * t->nodes + m];
        handled += t->node_copies[(size_t)peer * t->nodes + node];
        for (uint32_t g = first; g < first + per_node; g++) {
            uint32_t home = m * per_node + g % per_node;
            near_out += g == r ? 0 : t->rank_copies[(size_t)peer * t->group.ranks + g];
            near_in += g == r ? 0 : t->rank_copies[(size_t)home * t->group.ranks + r];
        }
    }
    double network_s = fmax(sent - own, handled - own) * token_B / hw_nic_payload_Bps(c->hw);
    double links_s = fmax(network_s, fmax(near_out, near_in) * nvlink_B / nvlink_Bps);
    double home_s = home_Bps > 0 ? sent * token_B / home_Bps : 0,
           away_s = away_Bps > 0 ? handled * token_B / away_Bps : 0;
    double all_s = fmax(links_s, fmax(home_s, away_s));
    *out = (struct ep_load){all_s, all_s, all_s > links_s ? "copying SMs" : links_s > network_s ? "NVLink" : "network"};
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

/* Tokens that go to several places, as trees (paper 6.5, 4.4.2 (3)).
 *
 * Multicast: a token of a dispatch leaves its GPU once; the switch where the ways part copies it. Reduction: the copies
 * of a combine are added up where their ways meet. Tokens that go to the same places share one tree, whose branches
 * advance together: the narrowest one sets the pace. Switches copy and add at line rate and have room for all trees;
 * left out: what setting them up costs for each token, and that few switches can add up at all today.
 *
 * A unified adapter (4.4.2 (1)) is a NIC with a port of its own in the scale-up network: what it brings from other
 * nodes goes to any GPU without crossing the NVLink of the GPU that it serves, and back. */
#include "models/comm/deepep_trees.h"

#include <stdio.h>

/* A tree between `root` and one end in each place of the mask. */
struct growing {
    const struct deepep_hop *h;
    uint32_t root;
    struct branch branches[TREE_MAX_BRANCHES];
    uint32_t n;
};

static void add_branch(struct growing *g, uint32_t rank, const uint32_t *engine)
{
    g->branches[g->n++] = (struct branch){
        .device = g->h->d->first_device + rank, .op = g->h->op[rank], .res = engine ? engine[rank] : OP_NONE};
}

static struct transfer tree_transfer(const struct growing *g, double tokens)
{
    const struct deepep_hop *h = g->h;
    bool inward = h->call.combine;
    uint32_t first = h->d->first_device, other = g->branches[0].device - first;
    uint32_t src = inward ? other : g->root, dst = inward ? g->root : other;
    return (struct transfer){.src_op = h->op[src],
                             .dst_op = h->op[dst],
                             .src = first + src,
                             .dst = first + dst,
                             .bytes_B = tokens * h->token_B,
                             .weight = 1,
                             .priority = (uint8_t)h->d->hw->traffic.expert,
                             .latency_s = h->latency_s,
                             .tree = opgraph_tree(h->d->graph, inward, g->branches, g->n)};
}

void deepep_node_trees(const struct deepep_hop *h, const struct routing *routing)
{
    const struct routing_shape *s = h->d->shape;
    uint32_t *const *engine = h->d->engine[h->call.combine][h->call.choices];
    BUG_IF(!routing->node_sets && s->n_nodes > 1);
    for (uint32_t i = 0; i < routing->n_node_sets; i++) {
        const struct token_set *set = &routing->node_sets[i];
        struct growing g = {.h = h, .root = set->rank};
        for (uint32_t node = 0; node < s->n_nodes; node++)
            if (set->mask >> node & 1)
                add_branch(&g, node * s->ranks_per_node + set->rank % s->ranks_per_node, engine[EP_AWAY]);
        struct transfer t = tree_transfer(&g, set->tokens);
        if (engine[EP_HOME])
            t.res[t.n_res++] = engine[EP_HOME][set->rank];
        opgraph_transfer(h->d->graph, &t);
    }
}

/* With an adapter the trees of other nodes' tokens begin at the NIC; the few of the GPU itself are taken along. */
void deepep_nvlink_trees(const struct deepep_hop *h, const struct routing *routing)
{
    const struct routing_shape *s = h->d->shape;
    BUG_IF(!routing->gpu_sets && s->ranks_per_node > 1);
    for (uint32_t i = 0; i < routing->n_gpu_sets; i++) {
        const struct token_set *set = &routing->gpu_sets[i];
        struct growing g = {.h = h, .root = set->rank};
        for (uint32_t gpu = 0; gpu < s->ranks_per_node; gpu++)
            if (set->mask >> gpu & 1)
                add_branch(&g, set->rank / s->ranks_per_node * s->ranks_per_node + gpu, NULL);
        struct transfer t = tree_transfer(&g, set->tokens);
        if (h->d->adapter[h->call.combine])
            deepep_by_adapter(h->d, h->call, set->rank, &t);
        opgraph_transfer(h->d->graph, &t);
    }
}

void deepep_add_adapters(struct deepep *d, struct arena *arena)
{
    double rate_Bps = d->hw->node.nvlink_Bps * d->hw->node.nvlink_efficiency_ratio;
    char name[64];
    for (int combine = 0; combine < 2; combine++) {
        d->adapter[combine] = ARENA_ARRAY(arena, uint32_t, d->shape->n_ranks);
        for (uint32_t r = 0; r < d->shape->n_ranks; r++) {
            snprintf(name, sizeof name, "rank%u.adapter_%s", r, combine ? "from_nvlink" : "to_nvlink");
            d->adapter[combine][r] = opgraph_resource(d->graph, rate_Bps, name);
        }
    }
}

void deepep_by_adapter(const struct deepep *d, struct deepep_call call, uint32_t forwarder, struct transfer *t)
{
    t->hop = call.combine ? HOP_OUT : HOP_IN;
    t->res[t->n_res++] = d->adapter[call.combine][forwarder];
}

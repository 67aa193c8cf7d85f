/* Rings: one per NIC of a node. */
#include "models/comm/collectives_impl.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"

/* Ring `turn`: the members node by node, each node's begun `turn` places later, so that
 * every ring enters a node at another GPU and leaves it by that GPU's NIC. */
void coll_ring_order(const struct coll_builder *b, uint32_t turn, uint32_t *order)
{
    for (uint32_t first = 0, end; first < b->c->n; first = end) {
        for (end = first; end < b->c->n && coll_node(b, end) == coll_node(b, first);)
            end++;
        for (uint32_t i = first; i < end; i++)
            order[i] = first + (i - first + turn) % (end - first);
    }
}

uint32_t coll_n_rings(const struct coll_builder *b)
{
    bool many_nodes = coll_node(b, 0) != coll_node(b, b->c->n - 1);
    return many_nodes ? coll_members_on_node(b, 0) : 1;
}

/* NCCL's buffers of a connection: so many steps are under way on a hop. */
enum { STEPS_IN_FLIGHT = 8 };

/* What a member receives in a step, it passes on in the next: a step waits for the one before it at the neighbour, not
 * for its own last send to arrive. */
static void ring_of_hops(struct coll_builder *b, const uint32_t *order, uint32_t steps, double bytes_B)
{
    uint32_t n = b->c->n, lanes = steps < STEPS_IN_FLIGHT ? steps : STEPS_IN_FLIGHT;
    uint32_t *lane = ARENA_ARRAY(b->arena, uint32_t, (size_t)n * lanes), *before = ARENA_ARRAY(b->arena, uint32_t, n);
    uint32_t *op = ARENA_ARRAY(b->arena, uint32_t, n);
    for (uint32_t i = 0; i < n * lanes; i++)
        lane[i] = coll_new_lane(b, order[i / lanes]);
    for (uint32_t s = 0; s < steps; s++) {
        for (uint32_t i = 0; i < n; i++) {
            uint32_t from = (i + n - 1) % n;
            op[i] = coll_add_op(b, order[i], lane[i * lanes + s % lanes], OP_COMM, 0);
            if (s)
                opgraph_dep(b->graph, before[from], op[i]);
            coll_pass(b, order[from], order[i], bytes_B, op[i]);
        }
        memcpy(before, op, n * sizeof *op);
    }
}

/* Inside a node, where hops are alike: a member goes on when it has sent and received. */
static void ring_in_step(struct coll_builder *b, const uint32_t *order, uint32_t steps, double bytes_B)
{
    coll_begin_lanes(b);
    for (uint32_t s = 0; s < steps; s++) {
        coll_begin_step(b);
        for (uint32_t i = 0; i < b->c->n; i++)
            coll_send_over_rail(b, order[i], order[(i + 1) % b->c->n], bytes_B);
    }
}

/* `steps` rounds; in each everyone passes 1/n of the buffer on, divided among the
 * rings. */
void coll_rings(struct coll_builder *b, uint32_t steps)
{
    uint32_t count = coll_n_rings(b), *order = ARENA_ARRAY(b->arena, uint32_t, b->c->n);
    double bytes_B = b->c->size_B / b->c->n / count;
    bool many_nodes = coll_n_nodes(b) > 1;
    for (uint32_t r = 0; r < count; r++) {
        coll_ring_order(b, r, order);
        (many_nodes ? ring_of_hops : ring_in_step)(b, order, steps, bytes_B);
    }
}

double collective_network_s(const struct cluster_hw *hw)
{
    const struct hw_software *sw = &hw->software;
    return 2 * (hw->nic.latency_s + hw_copper_s(&hw->network)) + hw->network.switch_latency_s +
           hw_step_s(sw, (enum initiator)sw->initiator) + hw_message_s(sw, (enum initiator)sw->initiator);
}

/* A step over the network takes longest, and each of the steps passes each hop, so all of them wait for it; unless pieces
 * of several steps are under way at once. */
double collective_ring_latency_s(const struct cluster_hw *hw, uint32_t n, uint32_t nodes, bool streamed)
{
    double network_s = collective_network_s(hw);
    double far = nodes > 1 ? streamed ? fmin(nodes, n - 2.0) : n - 2.0 : 0;
    return far * network_s + (n - 2.0 - far) * hw->node.nvlink_latency_s;
}

static double ring_latency_s(const struct coll_builder *b)
{
    return collective_ring_latency_s(b->hw, b->c->n, coll_n_nodes(b), b->c->streamed);
}

static void ring_flow(struct coll_builder *b, uint32_t src, uint32_t dst, double bytes_B, double latency_s)
{
    uint32_t proxy = coll_proxy(b, src, dst);
    coll_send(b, src, proxy, bytes_B, latency_s);
    coll_send(b, proxy, dst, bytes_B, latency_s + (proxy == src ? 0 : coll_chunk_ahead_s(b, bytes_B)));
}

void collective_ring_flows(struct opgraph *graph, const struct cluster_hw *hw, const struct collective *c,
                           const uint32_t *op, struct arena *arena)
{
    struct coll_builder b = {.graph = graph, .hw = hw, .c = c, .arena = arena};
    uint32_t *order = ARENA_ARRAY(arena, uint32_t, c->n), *own = ARENA_ARRAY(arena, uint32_t, c->n);
    BUG_IF(c->operation != COLLECTIVE_REDUCE_SCATTER && c->operation != COLLECTIVE_ALL_GATHER);
    memcpy(own, op, c->n * sizeof *own);
    b.op = own;
    b.posted = ARENA_ARRAY(arena, uint32_t, c->n);
    uint32_t count = c->n > 1 ? coll_n_rings(&b) : 0;
    double latency_s = count ? ring_latency_s(&b) : 0;
    for (uint32_t r = 0; r < count; r++) {
        double bytes_B = (c->n - 1.0) / c->n * c->size_B / count;
        coll_ring_order(&b, r, order);
        for (uint32_t i = 0; i < c->n; i++)
            ring_flow(&b, order[i], order[(i + 1) % c->n], bytes_B, latency_s);
    }
}

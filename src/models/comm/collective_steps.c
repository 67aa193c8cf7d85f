/* Steps of a collective: ops on lanes, messages between members. Time beside the wire
 * is that of cluster.software. */
#include "models/comm/collectives_impl.h"

#include <math.h>

uint32_t coll_node(const struct coll_builder *b, uint32_t member)
{
    return b->c->ranks[member] / (uint32_t)b->hw->node.gpus;
}

uint32_t coll_rail(const struct coll_builder *b, uint32_t member)
{
    return b->c->ranks[member] % (uint32_t)b->hw->node.gpus;
}

uint32_t coll_members_on_node(const struct coll_builder *b, uint32_t member)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < b->c->n; i++)
        n += coll_node(b, i) == coll_node(b, member);
    return n;
}

uint32_t coll_n_nodes(const struct coll_builder *b)
{
    uint32_t n = 1;
    for (uint32_t i = 1; i < b->c->n; i++)
        n += coll_node(b, i) != coll_node(b, i - 1);
    return n;
}

uint32_t coll_add_op(struct coll_builder *b, uint32_t member, uint32_t lane, enum op_kind kind, double work_s)
{
    return opgraph_add(b->graph, &(struct op){.kind = (uint8_t)kind,
                                              .lane = lane,
                                              .device = b->c->ranks[member],
                                              .work_s = work_s,
                                              .sync_group = OP_NONE,
                                              .name = b->name,
                                              .class_name = b->name,
                                              .phase = b->no_phase});
}

/* A lane of a member begins with the launch of its kernel. */
uint32_t coll_new_lane(struct coll_builder *b, uint32_t member)
{
    uint32_t lane = opgraph_lane(b->graph);
    coll_add_op(b, member, lane, OP_COMPUTE, b->hw->software.launch_s);
    return lane;
}

void coll_begin_lanes(struct coll_builder *b)
{
    for (uint32_t i = 0; i < b->c->n; i++)
        b->lane[i] = coll_new_lane(b, i);
}

void coll_begin_step(struct coll_builder *b)
{
    for (uint32_t i = 0; i < b->c->n; i++) {
        b->op[i] = coll_add_op(b, i, b->lane[i], OP_COMM, 0);
        b->posted[i] = 0;
    }
}

double coll_nvlink_Bps(const struct cluster_hw *hw)
{
    return hw->node.nvlink_Bps * hw->node.nvlink_efficiency_ratio;
}

/* From one member to another, as it is; `ahead_s`: until its first chunk is at the
 * sender. */
void coll_send(struct coll_builder *b, uint32_t src, uint32_t dst, double bytes_B, double ahead_s)
{
    double latency_s = ahead_s;
    if (bytes_B <= 0 || src == dst)
        return;
    const struct hw_software *sw = &b->hw->software;
    if (coll_node(b, src) != coll_node(b, dst))
        latency_s += hw_step_s(sw, sw->initiator) + ++b->posted[src] * hw_message_s(sw, sw->initiator);
    opgraph_transfer(b->graph, &(struct transfer){.src_op = b->op[src],
                                                  .dst_op = b->op[dst],
                                                  .src = b->c->ranks[src],
                                                  .dst = b->c->ranks[dst],
                                                  .bytes_B = bytes_B,
                                                  .latency_s = latency_s,
                                                  .weight = 1,
                                                  .priority = b->c->priority});
}

/* The member on `rail` of the node where `near` is, or n. Members of a node are
 * adjacent. */
uint32_t coll_neighbour(const struct coll_builder *b, uint32_t near, uint32_t rail)
{
    uint32_t node = coll_node(b, near), first = near;
    while (first > 0 && coll_node(b, first - 1) == node)
        first--;
    for (; first < b->c->n && coll_node(b, first) == node; first++)
        if (coll_rail(b, first) == rail)
            return first;
    return b->c->n;
}

/* How long the first chunk of a message is under way on NVLink. */
double coll_chunk_ahead_s(const struct coll_builder *b, double bytes_B)
{
    return b->hw->node.nvlink_latency_s + fmin(bytes_B, b->hw->software.chunk_B) / coll_nvlink_Bps(b->hw);
}

/* The sender's GPU on the receiver's rail, where the group has one; else the sender
 * itself. */
uint32_t coll_proxy(const struct coll_builder *b, uint32_t src, uint32_t dst)
{
    if (!b->c->pxn || coll_node(b, src) == coll_node(b, dst) || coll_rail(b, src) == coll_rail(b, dst))
        return src;
    uint32_t proxy = coll_neighbour(b, src, coll_rail(b, dst));
    return proxy < b->c->n ? proxy : src;
}

void coll_send_over_rail(struct coll_builder *b, uint32_t src, uint32_t dst, double bytes_B)
{
    uint32_t proxy = coll_proxy(b, src, dst);
    coll_send(b, src, proxy, bytes_B, 0);
    coll_send(b, proxy, dst, bytes_B, proxy == src ? 0 : coll_chunk_ahead_s(b, bytes_B));
}

void coll_pass(struct coll_builder *b, uint32_t src, uint32_t dst, double bytes_B, uint32_t op)
{
    uint32_t proxy = coll_proxy(b, src, dst);
    b->op[src] = b->op[proxy] = b->op[dst] = op;
    b->posted[src] = b->posted[proxy] = 0;
    coll_send_over_rail(b, src, dst, bytes_B);
}

/* Builders of collectives. A builder lays steps: every member has one COMM op per step on a lane of
 * its own, and the step's messages are transfers that the sender's and the receiver's op both wait for;
 * a member goes on when it has sent and received everything of its step.
 *
 * Time beside the wire is that of the mechanisms in cluster.software: a launch once, a fixed share of
 * software per network message, and messages of one GPU posted one after the other. PXN (NVIDIA,
 * "Doubling all2all performance with NCCL 2.12", 2022; paper 5.1) moves what is meant for another rail to
 * the local GPU on that rail, which sends what all GPUs of the node have for one receiver as one message;
 * both hops run at once, chunk by chunk: a chunk's first hop appears as latency of the second.
 *
 * Where the chip's kernels of NCCL are known: inside a node their protocols (collective_nccl.c); between nodes its
 * all-to-all (collective_peers.c).
 *
 * Left out: the SMs that move the data; between nodes LL, LL128, switch reductions, channels. */
#include "models/comm/collectives_impl.h"

#include <math.h>

#include "base/diag.h"

const char *const collective_operation_names[] = {
    "all_to_all", "all_gather", "reduce_scatter", "all_reduce", "broadcast", "send_recv", NULL};
const char *const collective_algorithm_names[] = {"auto", "ring", "tree", "direct", "hierarchical", NULL};

static int algorithm_of(const struct collective *c)
{
    if (c->algorithm != COLLECTIVE_AUTO)
        return c->algorithm;
    bool direct = c->operation == COLLECTIVE_ALL_TO_ALL || c->operation == COLLECTIVE_SEND_RECV;
    return direct ? COLLECTIVE_DIRECT : COLLECTIVE_RING;
}

/* Whether two trees pass a small buffer sooner than rings do: fewer hops over the network, but chunk by chunk, which takes
 * the builder's trees (coll_reduce_trees) four times as long as rings, over 2 to 8 nodes. */
static bool trees_are_faster(const struct coll_builder *b)
{
    double nodes = coll_n_nodes(b), members = coll_members_on_node(b, 0), nvlink_s = b->hw->node.nvlink_latency_s;
    double network_s = collective_network_s(b->hw), one_s = b->c->size_B / (members * hw_nic_payload_Bps(b->hw));
    double rings_s = 2 * (nodes * network_s + (b->c->n - nodes) * nvlink_s + one_s);
    double trees_s = 2 * ((ceil(log2(nodes)) + 1) * network_s + ceil(log2(members)) * nvlink_s + 4 * one_s);
    return nodes > 1 && trees_s < rings_s;
}

static int chosen(const struct coll_builder *b)
{
    bool all_reduce = b->c->algorithm == COLLECTIVE_AUTO && b->c->operation == COLLECTIVE_ALL_REDUCE;
    return all_reduce && trees_are_faster(b) ? COLLECTIVE_TREE : algorithm_of(b->c);
}

static const uint8_t allowed[N_COLLECTIVE_OPERATIONS][N_COLLECTIVE_ALGORITHMS] = {
    [COLLECTIVE_ALL_TO_ALL] = {[COLLECTIVE_DIRECT] = 1, [COLLECTIVE_HIERARCHICAL] = 1},
    [COLLECTIVE_ALL_GATHER] = {[COLLECTIVE_RING] = 1, [COLLECTIVE_DIRECT] = 1, [COLLECTIVE_HIERARCHICAL] = 1},
    [COLLECTIVE_REDUCE_SCATTER] = {[COLLECTIVE_RING] = 1, [COLLECTIVE_DIRECT] = 1, [COLLECTIVE_HIERARCHICAL] = 1},
    [COLLECTIVE_ALL_REDUCE] =
        {[COLLECTIVE_RING] = 1, [COLLECTIVE_TREE] = 1, [COLLECTIVE_DIRECT] = 1, [COLLECTIVE_HIERARCHICAL] = 1},
    [COLLECTIVE_BROADCAST] = {[COLLECTIVE_RING] = 1, [COLLECTIVE_DIRECT] = 1},
    [COLLECTIVE_SEND_RECV] = {[COLLECTIVE_DIRECT] = 1},
};

/* Same rails in every node, so that each rail's members are alike. */
static bool even_nodes(const struct collective *c, const struct cluster_hw *hw)
{
    uint32_t gpus = (uint32_t)hw->node.gpus, per_node = 0;
    while (per_node < c->n && c->ranks[per_node] / gpus == c->ranks[0] / gpus)
        per_node++;
    for (uint32_t i = 0; i < c->n; i++) {
        uint32_t head = i - i % per_node;
        if (c->ranks[i] / gpus != c->ranks[head] / gpus || c->ranks[i] % gpus != c->ranks[i % per_node] % gpus)
            return false;
    }
    return c->n % per_node == 0;
}

const char *collective_misfit(const struct collective *c, const struct cluster_hw *hw)
{
    int algorithm = algorithm_of(c);
    if (c->n < 2)
        return "a collective needs two GPUs at least";
    if (!allowed[c->operation][algorithm])
        return "this operation has no such algorithm";
    if ((algorithm == COLLECTIVE_HIERARCHICAL || algorithm == COLLECTIVE_RING) && !even_nodes(c, hw))
        return "rings and hierarchies need the same GPUs of every node";
    return NULL;
}

static void build_direct(struct coll_builder *b)
{
    const struct collective *c = b->c;
    coll_begin_lanes(b);
    switch (c->operation) {
    case COLLECTIVE_ALL_TO_ALL:
        if (c->pxn)
            coll_all_to_all_pxn(b, false);
        else
            coll_everyone_to_everyone(b);
        break;
    case COLLECTIVE_ALL_REDUCE: /* reduce-scatter, then all-gather */
        coll_everyone_to_everyone(b);
        coll_everyone_to_everyone(b);
        break;
    case COLLECTIVE_BROADCAST:
        coll_begin_step(b);
        for (uint32_t dst = 1; dst < c->n; dst++)
            coll_send_over_rail(b, 0, dst, c->size_B);
        break;
    case COLLECTIVE_SEND_RECV:
        coll_begin_step(b);
        for (uint32_t src = 0; src < c->n; src++)
            coll_send_over_rail(b, src, (src + 1) % c->n, c->size_B);
        break;
    default: /* all-gather and reduce-scatter: 1/n of the buffer to or from everyone */
        coll_everyone_to_everyone(b);
    }
}

static void build_ring(struct coll_builder *b)
{
    uint32_t steps = b->c->n - 1;
    if (b->c->operation == COLLECTIVE_BROADCAST)
        coll_broadcast_rings(b);
    else
        coll_rings(b, b->c->operation == COLLECTIVE_ALL_REDUCE ? 2 * steps : steps);
}

static struct coll_builder builder_new(struct opgraph *graph, const struct cluster_hw *hw, const struct collective *c,
                                       struct arena *arena)
{
    struct coll_builder b = {.graph = graph, .hw = hw, .c = c, .arena = arena};
    BUG_IF(collective_misfit(c, hw));
    b.lane = ARENA_ARRAY(arena, uint32_t, c->n);
    b.op = ARENA_ARRAY(arena, uint32_t, c->n);
    b.posted = ARENA_ARRAY(arena, uint32_t, c->n);
    b.no_phase = opgraph_string(graph, "");
    b.name = opgraph_string(graph, c->name ? c->name : collective_operation_names[c->operation]);
    return b;
}

struct collective_ops collective_build_folded(struct opgraph *graph, const struct cluster_hw *hw,
                                              const struct collective *c, struct arena *arena)
{
    struct coll_builder b = builder_new(graph, hw, c, arena);
    struct collective_ops ops = {.first = graph->n_ops};
    BUG_IF(c->operation != COLLECTIVE_ALL_TO_ALL || algorithm_of(c) != COLLECTIVE_DIRECT);
    if (coll_peers_apply(c, hw)) {
        coll_peers_folded(&b);
        ops.end = graph->n_ops;
        return ops;
    }
    b.op[0] = coll_add_op(&b, 0, coll_new_lane(&b, 0), OP_COMM, 0);
    b.posted[0] = 0;
    for (uint32_t i = 1; i < c->n; i++)
        b.op[i] = b.op[0];
    if (c->pxn) {
        coll_hand_over(&b, 0, ARENA_ARRAY(arena, double, c->n));
        coll_forward_all(&b, 0, coll_chunk_ahead_s(&b, c->size_B / c->n));
    } else
        for (uint32_t dst = 1; dst < c->n; dst++)
            coll_send(&b, 0, dst, coll_share(&b, dst), 0);
    ops.end = graph->n_ops;
    return ops;
}

struct collective_ops collective_build(struct opgraph *graph, const struct cluster_hw *hw, const struct collective *c,
                                       struct arena *arena)
{
    struct coll_builder b = builder_new(graph, hw, c, arena);
    struct collective_ops ops = {.first = graph->n_ops};
    if (coll_nccl_applies(c, hw)) {
        coll_nccl(&b);
        ops.end = graph->n_ops;
        return ops;
    }
    if (coll_peers_apply(c, hw)) {
        coll_peers(&b);
        ops.end = graph->n_ops;
        return ops;
    }
    switch (chosen(&b)) {
    case COLLECTIVE_RING:
        build_ring(&b);
        break;
    case COLLECTIVE_TREE:
        coll_reduce_trees(&b);
        break;
    case COLLECTIVE_HIERARCHICAL:
        coll_hierarchical(&b);
        break;
    default:
        build_direct(&b);
    }
    ops.end = graph->n_ops;
    return ops;
}

double collective_bus_factor(int operation, uint32_t n)
{
    switch (operation) {
    case COLLECTIVE_ALL_REDUCE:
        return 2.0 * (n - 1) / n;
    case COLLECTIVE_BROADCAST:
    case COLLECTIVE_SEND_RECV:
        return 1;
    default:
        return (double)(n - 1) / n;
    }
}

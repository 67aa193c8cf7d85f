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
 * Left out: the SMs that move the data, NCCL's LL and LL128 protocols, channels, switch reductions. */
#include "models/collectives.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"

const char *const collective_operation_names[] = {
    "all_to_all", "all_gather", "reduce_scatter", "all_reduce", "broadcast", "send_recv", NULL};
const char *const collective_algorithm_names[] = {"auto",   "ring",         "tree",
                                                  "direct", "hierarchical", NULL};

enum { CHUNKS_IN_FLIGHT = 2, MAX_CHUNKS = 64 };

struct builder {
    struct opgraph *graph;
    const struct cluster_hw *hw;
    const struct collective *c;
    struct arena *arena;
    uint32_t *lane;   /* [n] */
    uint32_t *op;     /* [n] the step's ops */
    uint32_t *posted; /* [n] network messages of the step so far */
    uint32_t name, no_phase;
};

static uint32_t node_of(const struct builder *b, uint32_t member)
{
    return b->c->ranks[member] / (uint32_t)b->hw->node.gpus;
}

static uint32_t rail_of(const struct builder *b, uint32_t member)
{
    return b->c->ranks[member] % (uint32_t)b->hw->node.gpus;
}

/* --- steps and messages --------------------------------------------------------------------------------- */

static uint32_t add_op(struct builder *b, uint32_t member, uint32_t lane, enum op_kind kind,
                       double work_s)
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
static uint32_t new_lane(struct builder *b, uint32_t member)
{
    uint32_t lane = opgraph_lane(b->graph);
    add_op(b, member, lane, OP_COMPUTE, b->hw->software.launch_s);
    return lane;
}

static void begin_lanes(struct builder *b)
{
    for (uint32_t i = 0; i < b->c->n; i++)
        b->lane[i] = new_lane(b, i);
}

static void begin_step(struct builder *b)
{
    for (uint32_t i = 0; i < b->c->n; i++) {
        b->op[i] = add_op(b, i, b->lane[i], OP_COMM, 0);
        b->posted[i] = 0;
    }
}

static double nvlink_Bps(const struct cluster_hw *hw)
{
    return hw->node.nvlink_Bps * hw->node.nvlink_efficiency_ratio;
}

/* From one member to another, as it is; `ahead_s`: until its first chunk is at the sender. */
static void send(struct builder *b, uint32_t src, uint32_t dst, double bytes_B, double ahead_s)
{
    double latency_s = ahead_s;
    if (bytes_B <= 0 || src == dst)
        return;
    const struct hw_software *sw = &b->hw->software;
    if (node_of(b, src) != node_of(b, dst))
        latency_s += hw_step_s(sw, sw->initiator) +
                     ++b->posted[src] * hw_message_s(sw, sw->initiator);
    opgraph_transfer(b->graph, &(struct transfer){.src_op = b->op[src],
                                                  .dst_op = b->op[dst],
                                                  .src = b->c->ranks[src],
                                                  .dst = b->c->ranks[dst],
                                                  .bytes_B = bytes_B,
                                                  .latency_s = latency_s,
                                                  .weight = 1,
                                                  .priority = b->c->priority});
}

/* The member on `rail` of the node where `near` is, or n. Members of a node are adjacent. */
static uint32_t neighbour(const struct builder *b, uint32_t near, uint32_t rail)
{
    uint32_t node = node_of(b, near), first = near;
    while (first > 0 && node_of(b, first - 1) == node)
        first--;
    for (; first < b->c->n && node_of(b, first) == node; first++)
        if (rail_of(b, first) == rail)
            return first;
    return b->c->n;
}

/* How long the first chunk of a message is under way on NVLink. */
static double chunk_ahead_s(const struct builder *b, double bytes_B)
{
    return b->hw->node.nvlink_latency_s +
           fmin(bytes_B, b->hw->software.chunk_B) / nvlink_Bps(b->hw);
}

/* The sender's GPU on the receiver's rail, where the group has one; else the sender itself. */
static uint32_t proxy_of(const struct builder *b, uint32_t src, uint32_t dst)
{
    if (!b->c->pxn || node_of(b, src) == node_of(b, dst) || rail_of(b, src) == rail_of(b, dst))
        return src;
    uint32_t proxy = neighbour(b, src, rail_of(b, dst));
    return proxy < b->c->n ? proxy : src;
}

static void send_over_rail(struct builder *b, uint32_t src, uint32_t dst, double bytes_B)
{
    uint32_t proxy = proxy_of(b, src, dst);
    send(b, src, proxy, bytes_B, 0);
    send(b, proxy, dst, bytes_B, proxy == src ? 0 : chunk_ahead_s(b, bytes_B));
}

/* --- all to all ----------------------------------------------------------------------------------------- */

static double share(const struct builder *b, uint32_t dst)
{
    return b->c->size_B * (b->c->receiver_share ? b->c->receiver_share[dst] : 1.0 / b->c->n);
}

/* Bytes per message, in the order in which a member posts them: to its successors first. */
static void everyone_to_everyone(struct builder *b)
{
    begin_step(b);
    for (uint32_t k = 1; k < b->c->n; k++)
        for (uint32_t src = 0; src < b->c->n; src++) {
            uint32_t dst = (src + k) % b->c->n;
            send(b, src, dst, share(b, dst), 0);
        }
}

/* What a member has for others, handed to the local GPU on each receiver's rail. */
static void hand_over(struct builder *b, uint32_t src, double *to_B)
{
    memset(to_B, 0, b->c->n * sizeof *to_B);
    for (uint32_t dst = 0; dst < b->c->n; dst++) {
        uint32_t proxy = neighbour(b, src, rail_of(b, dst));
        if (proxy < b->c->n)
            to_B[proxy] += share(b, dst);
    }
    for (uint32_t k = 1; k < b->c->n; k++)
        send(b, src, (src + k) % b->c->n, to_B[(src + k) % b->c->n], 0);
}

static uint32_t members_on_node(const struct builder *b, uint32_t member)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < b->c->n; i++)
        n += node_of(b, i) == node_of(b, member);
    return n;
}

/* The second hop: what all members of src's node have for dst. Where the group has nobody on dst's rail,
 * each member sends its own. */
static void forward(struct builder *b, uint32_t src, uint32_t dst, double members, double ahead_s)
{
    if (node_of(b, src) == node_of(b, dst))
        return;
    if (rail_of(b, src) == rail_of(b, dst))
        send(b, src, dst, members * share(b, dst), members > 1 ? ahead_s : 0);
    else if (neighbour(b, src, rail_of(b, dst)) == b->c->n)
        send(b, src, dst, share(b, dst), 0);
}

static void forward_all(struct builder *b, uint32_t src, double ahead_s)
{
    double members = members_on_node(b, src);
    for (uint32_t k = 1; k < b->c->n; k++)
        forward(b, src, (src + k) % b->c->n, members, ahead_s);
}

static void all_to_all_pxn(struct builder *b, bool store_and_forward)
{
    double ahead_s = store_and_forward ? 0 : chunk_ahead_s(b, b->c->size_B / b->c->n);
    double *to_B = ARENA_ARRAY(b->arena, double, b->c->n);
    begin_step(b);
    for (uint32_t src = 0; src < b->c->n; src++)
        hand_over(b, src, to_B);
    if (store_and_forward)
        begin_step(b);
    for (uint32_t src = 0; src < b->c->n; src++)
        forward_all(b, src, ahead_s);
}

/* --- rings ---------------------------------------------------------------------------------------------- */

/* Ring `turn`: the members node by node, each node's begun `turn` places later, so that every ring enters
 * a node at another GPU and leaves it by that GPU's NIC. */
static void ring_order(const struct builder *b, uint32_t turn, uint32_t *order)
{
    for (uint32_t first = 0, end; first < b->c->n; first = end) {
        for (end = first; end < b->c->n && node_of(b, end) == node_of(b, first);)
            end++;
        for (uint32_t i = first; i < end; i++)
            order[i] = first + (i - first + turn) % (end - first);
    }
}

static uint32_t n_rings(const struct builder *b)
{
    bool many_nodes = node_of(b, 0) != node_of(b, b->c->n - 1);
    return many_nodes ? members_on_node(b, 0) : 1;
}

static void one_ring(struct builder *b, const uint32_t *order, uint32_t steps, double bytes_B)
{
    begin_lanes(b);
    for (uint32_t s = 0; s < steps; s++) {
        begin_step(b);
        for (uint32_t i = 0; i < b->c->n; i++)
            send_over_rail(b, order[i], order[(i + 1) % b->c->n], bytes_B);
    }
}

/* `steps` rounds; in each everyone passes 1/n of the buffer on, divided among the rings. */
static void rings(struct builder *b, uint32_t steps)
{
    uint32_t count = n_rings(b), *order = ARENA_ARRAY(b->arena, uint32_t, b->c->n);
    for (uint32_t r = 0; r < count; r++) {
        ring_order(b, r, order);
        one_ring(b, order, steps, b->c->size_B / b->c->n / count);
    }
}

/* What the other steps of a ring wait for beside links; a step over the network takes longest, and each of the
 * steps passes each hop, so all of them wait for it. */
static double ring_latency_s(const struct builder *b)
{
    const struct cluster_hw *hw = b->hw;
    const struct hw_software *sw = &hw->software;
    bool many_nodes = node_of(b, 0) != node_of(b, b->c->n - 1);
    double network_s = 2 * (hw->nic.latency_s + hw_copper_s(&hw->network)) + hw->network.switch_latency_s +
                       hw_step_s(sw, (enum initiator)sw->initiator) + hw_message_s(sw, (enum initiator)sw->initiator);
    return (b->c->n - 2) * (many_nodes ? network_s : hw->node.nvlink_latency_s);
}

static void ring_flow(struct builder *b, uint32_t src, uint32_t dst, double bytes_B, double latency_s)
{
    uint32_t proxy = proxy_of(b, src, dst);
    send(b, src, proxy, bytes_B, latency_s);
    send(b, proxy, dst, bytes_B, latency_s + (proxy == src ? 0 : chunk_ahead_s(b, bytes_B)));
}

void collective_ring_flows(struct opgraph *graph, const struct cluster_hw *hw, const struct collective *c,
                           const uint32_t *op, struct arena *arena)
{
    struct builder b = {.graph = graph, .hw = hw, .c = c, .arena = arena};
    uint32_t *order = ARENA_ARRAY(arena, uint32_t, c->n), *own = ARENA_ARRAY(arena, uint32_t, c->n);
    BUG_IF(c->operation != COLLECTIVE_REDUCE_SCATTER && c->operation != COLLECTIVE_ALL_GATHER);
    memcpy(own, op, c->n * sizeof *own);
    b.op = own;
    b.posted = ARENA_ARRAY(arena, uint32_t, c->n);
    uint32_t count = c->n > 1 ? n_rings(&b) : 0;
    for (uint32_t r = 0; r < count; r++) {
        double bytes_B = (c->n - 1.0) / c->n * c->size_B / count;
        ring_order(&b, r, order);
        for (uint32_t i = 0; i < c->n; i++)
            ring_flow(&b, order[i], order[(i + 1) % c->n], bytes_B, ring_latency_s(&b));
    }
}

/* --- pipelines of chunks: broadcast along rings, trees ------------------------------------------------- */

struct pipeline {
    uint32_t n_chunks;
    double chunk_B;
    uint32_t *lane; /* [n][CHUNKS_IN_FLIGHT] */
};

static struct pipeline pipeline_begin(struct builder *b, double bytes_B)
{
    double wanted = ceil(bytes_B / b->hw->software.chunk_B);
    struct pipeline p = {.n_chunks = (uint32_t)fmin(fmax(wanted, 1), MAX_CHUNKS)};
    p.chunk_B = bytes_B / p.n_chunks;
    p.lane = ARENA_ARRAY(b->arena, uint32_t, (size_t)b->c->n * CHUNKS_IN_FLIGHT);
    for (uint32_t i = 0; i < b->c->n * CHUNKS_IN_FLIGHT; i++)
        p.lane[i] = new_lane(b, i / CHUNKS_IN_FLIGHT);
    return p;
}

/* An op that carries one chunk from src to dst (OP_NONE: nowhere) when all of `after` have ended. */
static uint32_t pass_chunk(struct builder *b, const struct pipeline *p, uint32_t chunk, uint32_t src,
                           uint32_t dst, const uint32_t *after, int n_after)
{
    uint32_t lane = p->lane[src * CHUNKS_IN_FLIGHT + chunk % CHUNKS_IN_FLIGHT];
    uint32_t op = add_op(b, src, lane, OP_COMM, 0);
    for (int i = 0; i < n_after; i++)
        if (after[i] != OP_NONE)
            opgraph_dep(b->graph, after[i], op);
    if (dst == OP_NONE)
        return op;
    uint32_t proxy = proxy_of(b, src, dst);
    b->op[src] = b->op[proxy] = b->op[dst] = op;
    b->posted[src] = b->posted[proxy] = 0;
    send_over_rail(b, src, dst, p->chunk_B);
    return op;
}

/* Each ring begins at the root, which changes places with the GPU that the ring would begin at. */
static void broadcast_rings(struct builder *b)
{
    uint32_t count = n_rings(b), *order = ARENA_ARRAY(b->arena, uint32_t, b->c->n);
    for (uint32_t r = 0; r < count; r++) {
        struct pipeline p = pipeline_begin(b, b->c->size_B / count);
        ring_order(b, r, order);
        for (uint32_t i = 0; i < b->c->n; i++)
            if (order[i] == 0)
                order[i] = order[0];
        order[0] = 0;
        for (uint32_t chunk = 0; chunk < p.n_chunks; chunk++) {
            uint32_t before = OP_NONE;
            for (uint32_t i = 0; i + 1 < b->c->n; i++)
                before = pass_chunk(b, &p, chunk, order[i], order[i + 1], &before, 1);
        }
    }
}

/* In-order binary tree over the numbers 1 .. n: a number's level is that of its lowest set bit, so the
 * odd ones are leaves. The second tree numbers the members such that odd and even change places. */
struct tree {
    uint32_t *parent; /* [n] by member; the root's is OP_NONE */
    uint32_t *order;  /* [n] members, children before parents */
    uint32_t n_ordered;
    const uint32_t *member; /* [n] by number - 1 */
};

static void tree_span(struct tree *t, uint32_t low, uint32_t high, uint32_t parent)
{
    uint32_t step = 1;
    if (low > high)
        return;
    while (high / (2 * step) * (2 * step) >= low)
        step *= 2;
    uint32_t middle = high / step * step, member = t->member[middle - 1];
    t->parent[member] = parent;
    tree_span(t, low, middle - 1, member);
    tree_span(t, middle + 1, high, member);
    t->order[t->n_ordered++] = member;
}

static struct tree tree_new(const struct builder *b, uint32_t turn, bool second)
{
    uint32_t n = b->c->n, *order = ARENA_ARRAY(b->arena, uint32_t, n);
    uint32_t *member = ARENA_ARRAY(b->arena, uint32_t, n);
    struct tree t = {.parent = ARENA_ARRAY(b->arena, uint32_t, n),
                     .order = ARENA_ARRAY(b->arena, uint32_t, n),
                     .member = member};
    ring_order(b, turn, order);
    for (uint32_t i = 0; i < n; i++)
        member[i] = order[!second ? i : n % 2 ? (i + 1) % n : n - 1 - i];
    tree_span(&t, 1, n, OP_NONE);
    return t;
}

/* One chunk up to the root. up[i]: what carries i's sum to its parent; at the root an op without a
 * transfer. child[2 i ..]: its children's. */
static void tree_reduce(struct builder *b, const struct pipeline *p, const struct tree *t,
                        uint32_t chunk, uint32_t *child, uint32_t *up)
{
    memset(child, 0xff, 2 * (size_t)b->c->n * sizeof *child);
    for (uint32_t k = 0; k < b->c->n; k++) {
        uint32_t i = t->order[k], parent = t->parent[i];
        up[i] = pass_chunk(b, p, chunk, i, parent, &child[2 * (size_t)i], 2);
        if (parent != OP_NONE)
            child[2 * (size_t)parent + (child[2 * (size_t)parent] != OP_NONE)] = up[i];
    }
}

static void tree_spread(struct builder *b, const struct pipeline *p, const struct tree *t,
                        uint32_t chunk, const uint32_t *up, uint32_t *down)
{
    for (uint32_t k = b->c->n; k-- > 0;) {
        uint32_t i = t->order[k], parent = t->parent[i];
        if (parent == OP_NONE)
            down[i] = up[i];
        else
            down[i] = pass_chunk(b, p, chunk, parent, i, &down[parent], 1);
    }
}

/* Trees as many as rings, twice, so that every NIC of a node has its part. */
static void reduce_trees(struct builder *b)
{
    uint32_t turns = n_rings(b), *child = ARENA_ARRAY(b->arena, uint32_t, 2 * (size_t)b->c->n);
    uint32_t *up = ARENA_ARRAY(b->arena, uint32_t, b->c->n);
    uint32_t *down = ARENA_ARRAY(b->arena, uint32_t, b->c->n);
    for (uint32_t i = 0; i < 2 * turns; i++) {
        struct tree t = tree_new(b, i / 2, i % 2);
        struct pipeline rising = pipeline_begin(b, b->c->size_B / (2 * turns));
        struct pipeline falling = pipeline_begin(b, b->c->size_B / (2 * turns));
        for (uint32_t chunk = 0; chunk < rising.n_chunks; chunk++) {
            tree_reduce(b, &rising, &t, chunk, child, up);
            tree_spread(b, &falling, &t, chunk, up, down);
        }
    }
}

/* --- hierarchical: inside the nodes, then rail by rail ----------------------------------------------------- */

/* Everyone sends bytes_B to all members of its node, or of its rail. */
static void exchange(struct builder *b, bool in_node, double bytes_B)
{
    begin_step(b);
    for (uint32_t k = 1; k < b->c->n; k++)
        for (uint32_t src = 0; src < b->c->n; src++) {
            uint32_t dst = (src + k) % b->c->n;
            bool together = in_node ? node_of(b, src) == node_of(b, dst)
                                    : rail_of(b, src) == rail_of(b, dst);
            if (together)
                send(b, src, dst, bytes_B, 0);
        }
}

static void hierarchical(struct builder *b)
{
    double per_node = members_on_node(b, 0), n = b->c->n, size_B = b->c->size_B;
    int operation = b->c->operation;
    begin_lanes(b);
    if (operation == COLLECTIVE_ALL_TO_ALL) {
        all_to_all_pxn(b, true);
        return;
    }
    if (operation != COLLECTIVE_ALL_GATHER) { /* reduce-scatter */
        exchange(b, true, size_B / per_node);
        exchange(b, false, size_B / n);
    }
    if (operation != COLLECTIVE_REDUCE_SCATTER) { /* all-gather */
        exchange(b, false, size_B / n);
        exchange(b, true, size_B / per_node);
    }
}

/* --- which builder ------------------------------------------------------------------------------------- */

static int algorithm_of(const struct collective *c)
{
    if (c->algorithm != COLLECTIVE_AUTO)
        return c->algorithm;
    bool direct = c->operation == COLLECTIVE_ALL_TO_ALL || c->operation == COLLECTIVE_SEND_RECV;
    return direct ? COLLECTIVE_DIRECT : COLLECTIVE_RING;
}

static const uint8_t allowed[N_COLLECTIVE_OPERATIONS][N_COLLECTIVE_ALGORITHMS] = {
    [COLLECTIVE_ALL_TO_ALL] = {[COLLECTIVE_DIRECT] = 1, [COLLECTIVE_HIERARCHICAL] = 1},
    [COLLECTIVE_ALL_GATHER] =
        {[COLLECTIVE_RING] = 1, [COLLECTIVE_DIRECT] = 1, [COLLECTIVE_HIERARCHICAL] = 1},
    [COLLECTIVE_REDUCE_SCATTER] =
        {[COLLECTIVE_RING] = 1, [COLLECTIVE_DIRECT] = 1, [COLLECTIVE_HIERARCHICAL] = 1},
    [COLLECTIVE_ALL_REDUCE] = {[COLLECTIVE_RING] = 1,
                               [COLLECTIVE_TREE] = 1,
                               [COLLECTIVE_DIRECT] = 1,
                               [COLLECTIVE_HIERARCHICAL] = 1},
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
        if (c->ranks[i] / gpus != c->ranks[head] / gpus ||
            c->ranks[i] % gpus != c->ranks[i % per_node] % gpus)
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
    if ((algorithm == COLLECTIVE_HIERARCHICAL || algorithm == COLLECTIVE_RING) &&
        !even_nodes(c, hw))
        return "rings and hierarchies need the same GPUs of every node";
    return NULL;
}

static void build_direct(struct builder *b)
{
    const struct collective *c = b->c;
    begin_lanes(b);
    switch (c->operation) {
    case COLLECTIVE_ALL_TO_ALL:
        if (c->pxn)
            all_to_all_pxn(b, false);
        else
            everyone_to_everyone(b);
        break;
    case COLLECTIVE_ALL_REDUCE: /* reduce-scatter, then all-gather */
        everyone_to_everyone(b);
        everyone_to_everyone(b);
        break;
    case COLLECTIVE_BROADCAST:
        begin_step(b);
        for (uint32_t dst = 1; dst < c->n; dst++)
            send_over_rail(b, 0, dst, c->size_B);
        break;
    case COLLECTIVE_SEND_RECV:
        begin_step(b);
        for (uint32_t src = 0; src < c->n; src++)
            send_over_rail(b, src, (src + 1) % c->n, c->size_B);
        break;
    default: /* all-gather and reduce-scatter: 1/n of the buffer to or from everyone */
        everyone_to_everyone(b);
    }
}

static void build_ring(struct builder *b)
{
    uint32_t steps = b->c->n - 1;
    if (b->c->operation == COLLECTIVE_BROADCAST)
        broadcast_rings(b);
    else
        rings(b, b->c->operation == COLLECTIVE_ALL_REDUCE ? 2 * steps : steps);
}

static struct builder builder_new(struct opgraph *graph, const struct cluster_hw *hw,
                                  const struct collective *c, struct arena *arena)
{
    struct builder b = {.graph = graph, .hw = hw, .c = c, .arena = arena};
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
    struct builder b = builder_new(graph, hw, c, arena);
    struct collective_ops ops = {.first = graph->n_ops};
    BUG_IF(c->operation != COLLECTIVE_ALL_TO_ALL || algorithm_of(c) != COLLECTIVE_DIRECT);
    b.op[0] = add_op(&b, 0, new_lane(&b, 0), OP_COMM, 0);
    b.posted[0] = 0;
    for (uint32_t i = 1; i < c->n; i++)
        b.op[i] = b.op[0];
    if (c->pxn) {
        hand_over(&b, 0, ARENA_ARRAY(arena, double, c->n));
        forward_all(&b, 0, chunk_ahead_s(&b, c->size_B / c->n));
    } else
        for (uint32_t dst = 1; dst < c->n; dst++)
            send(&b, 0, dst, share(&b, dst), 0);
    ops.end = graph->n_ops;
    return ops;
}

struct collective_ops collective_build(struct opgraph *graph, const struct cluster_hw *hw,
                                       const struct collective *c, struct arena *arena)
{
    struct builder b = builder_new(graph, hw, c, arena);
    struct collective_ops ops = {.first = graph->n_ops};
    switch (algorithm_of(c)) {
    case COLLECTIVE_RING:
        build_ring(&b);
        break;
    case COLLECTIVE_TREE:
        reduce_trees(&b);
        break;
    case COLLECTIVE_HIERARCHICAL:
        hierarchical(&b);
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

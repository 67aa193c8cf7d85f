/* An exchange as ops and transfers: what all kernels share.
 *
 * A rank starts (launch, counts), exchanges flags with everyone where its kernel waits for others before tokens move,
 * moves tokens, and ends (copies to their places, sums). Flags are messages of 8 bytes on the network like any other:
 * that is why nothing at all takes longer among more nodes.
 *
 * Tokens: a transfer from each rank to each other crosses the sending and the receiving engine beside its path; what a
 * rank keeps crosses engines only. With one copy a node (EP_A_COPY_A_NODE) a token crosses the network on its rail and
 * the rank there hands it on over NVLink; both hops run at once, chunk by chunk, and a chunk's time is the pipeline's
 * fill. Engines and what copies get out of NVLink or, as messages, out of a NIC are resources that are crossed like
 * links, so that the narrowest limits. */
#include "models/comm/ep_kernel.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"

const char *const ep_phase_names[] = {"dispatch", "combine", "prepare", "prepare_combine", NULL};

enum { FLAG_B = 8 };

struct building {
    struct opgraph *graph;
    const struct ep_call *call;
    const struct ep_traffic *t;
    struct ep_cost cost;
    uint32_t n, name;
    uint32_t *lane, *move;                                             /* [n] */
    uint32_t *engine[N_EP_STAGES], *nvlink_out, *nvlink_in, *messages; /* [n] resources; NULL: nothing there limits */
};

static uint32_t device(const struct building *b, uint32_t rank)
{
    return b->t->group.first + rank;
}

/* --- ops -------------------------------------------------------------------------------------------------- */

static uint32_t add_op(struct building *b, uint32_t rank, enum op_kind kind, double work_s, double sms)
{
    return opgraph_add(b->graph, &(struct op){.kind = (uint8_t)kind,
                                              .lane = b->lane[rank],
                                              .device = device(b, rank),
                                              .work_s = work_s,
                                              .sm_hold = (float)sms,
                                              .sync_group = OP_NONE,
                                              .name = b->name,
                                              .class_name = b->name,
                                              .phase = opgraph_string(b->graph, "")});
}

static bool same_node(const struct building *b, uint32_t i, uint32_t k)
{
    return ep_node(&b->t->group, i) == ep_node(&b->t->group, k);
}

/* Everyone tells everyone, and goes on when everyone has told. */
static void add_round_of_flags(struct building *b)
{
    uint32_t *op = b->move;
    for (uint32_t r = 0; r < b->n; r++)
        op[r] = add_op(b, r, OP_COMM, 0, b->cost.sms);
    for (uint32_t src = 0; src < b->n; src++)
        for (uint32_t dst = 0; dst < b->n; dst++)
            if (src != dst)
                opgraph_transfer(b->graph,
                                 &(struct transfer){.src_op = op[src],
                                                    .dst_op = op[dst],
                                                    .src = device(b, src),
                                                    .dst = device(b, dst),
                                                    .bytes_B = FLAG_B,
                                                    .latency_s = same_node(b, src, dst) ? 0 : b->cost.network_s,
                                                    .weight = 1});
}

/* --- resources -------------------------------------------------------------------------------------------- */

static uint32_t *resources(struct building *b, double rate_Bps, const char *what, struct arena *arena)
{
    if (!(rate_Bps > 0))
        return NULL;
    uint32_t *id = ARENA_ARRAY(arena, uint32_t, b->n);
    char name[64];
    for (uint32_t r = 0; r < b->n; r++) {
        snprintf(name, sizeof name, "rank%u.%s", r, what);
        id[r] = opgraph_resource(b->graph, rate_Bps, name);
    }
    return id;
}

static void add_resources(struct building *b, struct arena *arena)
{
    static const char *const names[N_EP_STAGES] = {"sending_SMs", "forwarding_SMs", "receiving_SMs"};
    for (int s = 0; s < N_EP_STAGES; s++)
        b->engine[s] = resources(b, b->cost.engine_Bps[s], names[s], arena);
    b->nvlink_out = resources(b, b->cost.nvlink_Bps, "copies_over_NVLink", arena);
    b->nvlink_in = resources(b, b->cost.nvlink_Bps, "copies_from_NVLink", arena);
    if (b->t->nodes > 1 && b->cost.message_s > 0)
        b->messages = resources(b, b->cost.message_B / b->cost.message_s, "messages", arena);
}

static void cross(struct transfer *t, const uint32_t *resource, uint32_t rank)
{
    if (resource)
        t->res[t->n_res++] = resource[rank];
}

/* --- transfers -------------------------------------------------------------------------------------------- */

/* `copies` of a token from one rank to another; src_stage and dst_stage: engines there, or N_EP_STAGES. */
static void copy(struct building *b, uint32_t src, uint32_t dst, double copies, enum ep_stage src_stage,
                 enum ep_stage dst_stage)
{
    bool near = same_node(b, src, dst);
    struct transfer t = {.src_op = b->move[src],
                         .dst_op = b->move[dst],
                         .src = device(b, src),
                         .dst = device(b, dst),
                         .bytes_B = copies * b->cost.token_B,
                         .latency_s = b->cost.ahead_s + (near ? 0 : b->cost.network_s),
                         .weight = copies,
                         .priority = (uint8_t)b->call->hw->traffic.expert};
    if (copies <= 0)
        return;
    if (src_stage < N_EP_STAGES)
        cross(&t, b->engine[src_stage], src);
    if (dst_stage < N_EP_STAGES)
        cross(&t, b->engine[dst_stage], dst);
    if (near && src != dst) {
        cross(&t, b->nvlink_out, src);
        cross(&t, b->nvlink_in, dst);
    }
    if (!near)
        cross(&t, b->messages, src);
    if (src != dst || t.n_res)
        opgraph_transfer(b->graph, &t);
}

/* A dispatch goes from `home`, whose tokens these are, to `away`; a combine comes back. */
static void copy_either_way(struct building *b, uint32_t home, uint32_t away, double copies)
{
    bool back = b->call->phase == EP_COMBINE;
    copy(b, back ? away : home, back ? home : away, copies, EP_SEND, EP_RECEIVE);
}

static void copy_directly(struct building *b, const double *copies)
{
    for (uint32_t home = 0; home < b->n; home++)
        for (uint32_t away = 0; away < b->n; away++)
            copy_either_way(b, home, away, copies[(size_t)home * b->n + away]);
}

static uint32_t on_rail(const struct building *b, uint32_t node, uint32_t rank)
{
    return node * b->t->per_node + rank % b->t->per_node;
}

/* Tokens that `forwarder` hands to, or takes from, a GPU of its node. */
static double handed_on(const struct building *b, uint32_t forwarder, uint32_t gpu)
{
    double sum = 0;
    for (uint32_t home = forwarder % b->t->per_node; home < b->n; home += b->t->per_node)
        sum += b->t->rank_copies[(size_t)home * b->n + gpu];
    return sum;
}

static void copy_by_nodes(struct building *b)
{
    bool back = b->call->phase == EP_COMBINE;
    for (uint32_t rank = 0; rank < b->n; rank++)
        for (uint32_t node = 0; node < b->t->nodes; node++) {
            uint32_t away = on_rail(b, node, rank);
            double copies = b->t->node_copies[(size_t)rank * b->t->nodes + node];
            if (back)
                copy(b, away, rank, copies, N_EP_STAGES, EP_RECEIVE);
            else
                copy(b, rank, away, copies, EP_SEND, N_EP_STAGES);
        }
    for (uint32_t forwarder = 0; forwarder < b->n; forwarder++) {
        uint32_t first = forwarder - forwarder % b->t->per_node;
        for (uint32_t gpu = first; gpu < first + b->t->per_node; gpu++) {
            double copies = handed_on(b, forwarder, gpu);
            if (back)
                copy(b, gpu, forwarder, copies, EP_SEND, EP_FORWARD);
            else
                copy(b, forwarder, gpu, copies, EP_FORWARD, EP_RECEIVE);
        }
    }
}

static void add_copies(struct building *b)
{
    switch (b->cost.copies) {
    case EP_A_COPY_A_PAIR:
        copy_directly(b, b->t->pairs);
        break;
    case EP_A_COPY_A_RANK:
        copy_directly(b, b->t->rank_copies);
        break;
    case EP_A_COPY_A_NODE:
        copy_by_nodes(b);
        break;
    }
}

/* --- all -------------------------------------------------------------------------------------------------- */

void ep_build(struct opgraph *graph, const struct ep_kernel_type *k, const struct ep_call *c, struct arena *arena,
              uint32_t *first, uint32_t *last)
{
    struct building b = {.graph = graph, .call = c, .t = c->traffic, .n = c->traffic->group.ranks};
    k->cost(c, ep_constants(k, &c->hw->ep_kernel), &b.cost);
    BUG_IF(b.cost.copies == EP_A_COPY_A_NODE && !b.t->per_node);
    b.name = opgraph_string(graph, ep_phase_names[c->phase]);
    b.lane = ARENA_ARRAY(arena, uint32_t, b.n);
    b.move = ARENA_ARRAY(arena, uint32_t, b.n);
    for (uint32_t r = 0; r < b.n; r++) {
        b.lane[r] = opgraph_lane(graph);
        uint32_t op = add_op(&b, r, OP_COMPUTE, b.cost.start_s, 0);
        if (first)
            first[r] = op;
    }
    for (uint32_t i = 0; i < b.cost.rounds; i++)
        add_round_of_flags(&b);
    if (b.cost.token_B > 0) {
        add_resources(&b, arena);
        for (uint32_t r = 0; r < b.n; r++)
            b.move[r] = add_op(&b, r, OP_COMM, 0, b.cost.sms);
        add_copies(&b);
    }
    for (uint32_t r = 0; r < b.n; r++) {
        uint32_t op = add_op(&b, r, OP_COMPUTE, b.cost.end_s, 0);
        if (last)
            last[r] = op;
    }
}

void ep_cost_of(const struct ep_kernel_type *k, const struct ep_call *c, struct ep_cost *out)
{
    k->cost(c, ep_constants(k, &c->hw->ep_kernel), out);
}

void ep_transfers(struct opgraph *graph, const struct ep_kernel_type *k, const struct ep_call *c, struct arena *arena,
                  const uint32_t *op)
{
    struct building b = {.graph = graph, .call = c, .t = c->traffic, .n = c->traffic->group.ranks};
    ep_cost_of(k, c, &b.cost);
    b.move = ARENA_ARRAY(arena, uint32_t, b.n);
    memcpy(b.move, op, b.n * sizeof *op);
    add_resources(&b, arena);
    add_copies(&b);
}

static const struct hw_ep_constants *of_chip(const struct ep_kernel_type *k, const struct hw_ep_kernel *hw)
{
    return (const void *)((const char *)hw + k->constants);
}

bool ep_measured_here(const struct ep_kernel_type *k, const struct hw_ep_kernel *hw)
{
    return *of_chip(k, hw)->software;
}

const struct hw_ep_constants *ep_constants(const struct ep_kernel_type *k, const struct hw_ep_kernel *hw)
{
    return ep_measured_here(k, hw) ? of_chip(k, hw) : &k->nearest;
}

const char *ep_needs_one_node(const struct ep_call *c, const char *name, char *why, size_t size)
{
    if (c->traffic->nodes <= 1)
        return NULL;
    snprintf(why, size,
             "%s stores over NVLink, which joins the %lld GPUs of a node (cluster.node.gpus), not %u GPUs on %u "
             "nodes; give fewer GPUs, or a kernel that uses the network, for example deepep_low_latency",
             name, (long long)c->hw->node.gpus, c->traffic->group.ranks, c->traffic->nodes);
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

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
 * links, so that the narrowest limits.
 *
 * Where NICs of different rails do not meet, a message is written over NVLink into the memory of the GPU on the
 * destination's rail, which finds it and posts it (as NCCL's PXN does): its path has that hop, its sending takes that
 * GPU's posting rate, and finding and posting it takes cluster.software.ibgda_step more. */
#include "models/comm/ep_exchange.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"

enum { FLAG_B = 8, WHOLE_AMOUNTS = 4096 /* found without a search */ };

static uint32_t n_ranks(const struct ep_exchange *x)
{
    return x->call.traffic->group.ranks;
}

static uint32_t device(const struct ep_exchange *x, uint32_t rank)
{
    return x->call.traffic->group.first + rank;
}

static bool same_node(const struct ep_exchange *x, uint32_t i, uint32_t k)
{
    return ep_node(&x->call.traffic->group, i) == ep_node(&x->call.traffic->group, k);
}

/* --- made ready ------------------------------------------------------------------------------------------- */

static uint32_t *resources(struct ep_exchange *x, double rate_Bps, const char *what, struct arena *arena)
{
    if (!(rate_Bps > 0))
        return NULL;
    uint32_t *id = ARENA_ARRAY(arena, uint32_t, n_ranks(x));
    char name[64];
    for (uint32_t r = 0; r < n_ranks(x); r++) {
        snprintf(name, sizeof name, "rank%u.%s", r, what);
        id[r] = opgraph_resource(x->graph, rate_Bps, name);
    }
    return id;
}

static void add_nics(struct ep_exchange *x, const struct ep_exchange *beside, struct arena *arena)
{
    x->nic_out = beside ? beside->nic_out : resources(x, x->nic_Bps, "nic_out", arena);
    x->nic_in = beside ? beside->nic_in : resources(x, x->nic_Bps, "nic_in", arena);
}

static void add_resources(struct ep_exchange *x, const struct ep_exchange *beside, struct arena *arena)
{
    static const char *const names[N_EP_STAGES] = {"sending_SMs", "forwarding_SMs", "receiving_SMs"};
    const struct ep_cost *cost = &x->cost;
    if (cost->message_s > 0 && (x->call.traffic->nodes > 1 || cost->through_nic))
        x->messages = resources(x, cost->message_B / cost->message_s,
                                x->call.phase == EP_COMBINE ? "posting_combine" : "posting", arena);
    for (int s = 0; s < N_EP_STAGES; s++)
        x->engine[s] = resources(x, cost->engine_Bps[s], names[s], arena);
    x->nvlink_out = resources(x, cost->nvlink_Bps, "copies_over_NVLink", arena);
    x->nvlink_in = resources(x, cost->nvlink_Bps, "copies_from_NVLink", arena);
    if (cost->through_nic)
        add_nics(x, beside, arena);
}

void ep_exchange_cost(struct ep_exchange *x, const struct ep_kernel_type *k, const struct ep_call *c)
{
    *x = (struct ep_exchange){.kernel = k, .call = *c, .nic_Bps = hw_nic_payload_Bps(c->hw)};
    ep_cost_of(k, c, &x->cost);
    BUG_IF(x->cost.copies == EP_A_COPY_A_NODE && !c->traffic->per_node);
    if (k->prepares && c->traffic->nodes > 1 && c->phase <= EP_COMBINE) {
        struct ep_call before = *c;
        before.phase = c->phase == EP_COMBINE ? EP_PREPARE_COMBINE : EP_PREPARE;
        ep_cost_of(k, &before, &x->prepare);
    }
}

void ep_exchange_init(struct ep_exchange *x, struct opgraph *graph, const struct ep_kernel_type *k,
                      const struct ep_call *c, const struct ep_exchange *beside, struct arena *arena)
{
    ep_exchange_cost(x, k, c);
    ep_exchange_open(x, graph, beside, arena);
}

void ep_exchange_open(struct ep_exchange *x, struct opgraph *graph, const struct ep_exchange *beside,
                      struct arena *arena)
{
    x->graph = graph;
    if (x->kernel->open)
        x->kernel->open(x, arena);
    else if (x->cost.token_B > 0)
        add_resources(x, beside, arena);
}

/* --- ops -------------------------------------------------------------------------------------------------- */

/* Ops of all ranks on their lanes. */
struct laying {
    const struct ep_exchange *x;
    const uint32_t *lane;
    const struct op *like;
    struct ep_ops *out;
    bool begun;
};

static void add_row(struct laying *l, struct op op, uint32_t *id)
{
    op.name = l->like->name;
    op.class_name = l->like->class_name;
    op.phase = l->like->phase;
    op.layer = l->like->layer;
    op.sm_hold = (float)l->x->cost.sms;
    op.memory = op.work_s > 0 ? 0 : l->like->memory; /* while tokens move */
    for (uint32_t r = 0; r < n_ranks(l->x); r++) {
        op.lane = l->lane[r];
        op.device = device(l->x, r);
        l->out->last[r] = opgraph_add(l->x->graph, &op);
        if (!l->begun)
            l->out->first[r] = l->out->last[r];
        if (id)
            id[r] = l->out->last[r];
    }
    l->begun = true;
}

static void add_time(struct laying *l, double time_s)
{
    if (time_s > 0)
        add_row(l, (struct op){.kind = OP_COMM, .work_s = time_s, .sync_group = OP_NONE}, NULL);
}

/* Everyone tells everyone, and goes on when everyone has told. */
static void add_round_of_flags(struct laying *l, double network_s)
{
    const struct ep_exchange *x = l->x;
    uint32_t *op = l->out->move;
    add_row(l, (struct op){.kind = OP_COMM, .sync_group = OP_NONE}, op);
    for (uint32_t src = 0; src < n_ranks(x); src++)
        for (uint32_t dst = 0; dst < n_ranks(x); dst++)
            if (src != dst)
                opgraph_transfer(x->graph, &(struct transfer){.src_op = op[src],
                                                              .dst_op = op[dst],
                                                              .src = device(x, src),
                                                              .dst = device(x, dst),
                                                              .bytes_B = FLAG_B,
                                                              .latency_s = same_node(x, src, dst) ? 0 : network_s,
                                                              .weight = 1});
}

static void add_phase(struct laying *l, const struct ep_cost *cost)
{
    add_time(l, cost->start_s);
    for (uint32_t i = 0; i < cost->rounds; i++)
        add_round_of_flags(l, cost->network_s);
}

void ep_exchange_ops(const struct ep_exchange *x, const uint32_t *lane, const struct op *like, struct ep_ops *out)
{
    struct laying l = {.x = x, .lane = lane, .like = like, .out = out};
    if (x->cost.barrier_s > 0)
        add_row(&l,
                (struct op){.kind = OP_SYNC, .work_s = x->cost.barrier_s, .sync_group = opgraph_sync_group(x->graph)},
                NULL);
    add_phase(&l, &x->prepare);
    add_time(&l, x->prepare.end_s);
    add_phase(&l, &x->cost);
    add_row(&l, (struct op){.kind = OP_COMM, .sync_group = OP_NONE}, out->move);
    add_time(&l, x->cost.end_s);
}

/* --- transfers -------------------------------------------------------------------------------------------- */

static void cross(struct transfer *t, const uint32_t *resource, uint32_t rank)
{
    if (resource)
        t->res[t->n_res++] = resource[rank];
}

/* The rank through whose NIC a copy leaves. */
static uint32_t leaves_from(const struct ep_exchange *x, uint32_t src, uint32_t dst)
{
    uint32_t gpu = x->call.rails.leaves_from
                       ? x->call.rails.leaves_from(x->call.rails.network, device(x, src), device(x, dst))
                       : device(x, src);
    uint32_t first = device(x, 0);
    return gpu >= first && gpu < first + n_ranks(x) ? gpu - first : src;
}

static void cross_nic(const struct ep_exchange *x, struct transfer *t, uint32_t src, uint32_t dst)
{
    uint32_t by = leaves_from(x, src, dst);
    cross(t, x->nic_out, src);
    cross(t, x->nic_in, dst);
    cross(t, x->messages, by);
    if (by != src)
        t->latency_s += x->call.hw->software.ibgda_step_s;
    if (x->host)
        host_links_cross(x->host, t);
}

/* A copy of a token from one rank to another; src_stage and dst_stage: engines there, or N_EP_STAGES. False: it crosses
 * nothing. Ops are those of `ends`. */
static bool way_of(const struct ep_exchange *x, uint32_t src, uint32_t dst, enum ep_stage src_stage,
                   enum ep_stage dst_stage, struct transfer *t)
{
    const struct ep_cost *cost = &x->cost;
    bool own = src == dst, near = same_node(x, src, dst);
    *t = (struct transfer){.src_op = near && !cost->through_nic ? BUNDLE_STORES : BUNDLE_POSTS,
                           .dst_op = BUNDLE_RECEIVES,
                           .src = device(x, src),
                           .dst = device(x, dst),
                           .bytes_B = cost->token_B,
                           .latency_s = cost->ahead_s + (near ? 0 : cost->network_s),
                           .weight = 1,
                           .priority = (uint8_t)x->call.hw->traffic.expert,
                           .round_trips = cost->round_trips};
    if (own && cost->keeps_own)
        return false;
    if (!own && (!near || cost->through_nic))
        cross_nic(x, t, src, dst);
    if (src_stage < N_EP_STAGES)
        cross(t, x->engine[src_stage], src);
    if (dst_stage < N_EP_STAGES)
        cross(t, x->engine[dst_stage], dst);
    if (near && !own) {
        cross(t, x->nvlink_out, src);
        cross(t, x->nvlink_in, dst);
    }
    return !own || t->n_res;
}

static void copy(const struct ep_exchange *x, const struct ep_ends *ends, uint32_t src, uint32_t dst, double copies,
                 enum ep_stage src_stage, enum ep_stage dst_stage)
{
    struct transfer t;
    if (copies <= 0 || !way_of(x, src, dst, src_stage, dst_stage, &t))
        return;
    t.src_op = (t.src_op == BUNDLE_STORES ? ends->stores : ends->posts)[src];
    t.dst_op = ends->receives[dst];
    t.bytes_B *= copies;
    t.weight = copies;
    opgraph_transfer(x->graph, &t);
}

/* A dispatch goes from `home`, whose tokens these are, to `away`; a combine comes back. */
static void copy_directly(const struct ep_exchange *x, const struct ep_ends *ends, const double *copies)
{
    bool back = x->call.phase == EP_COMBINE;
    for (uint32_t home = 0; home < n_ranks(x); home++)
        for (uint32_t away = 0; away < n_ranks(x); away++)
            copy(x, ends, back ? away : home, back ? home : away, copies[(size_t)home * n_ranks(x) + away], EP_SEND,
                 EP_RECEIVE);
}

/* --- the same in bundles --- */

bool ep_exchange_bundles(const struct ep_exchange *x)
{
    return !x->kernel->move && x->cost.copies != EP_A_COPY_A_NODE && n_ranks(x) <= UINT16_MAX;
}

struct ep_bundling {
    struct transfer *way; /* [ranks][ranks] */
    bool *crosses;        /* [ranks][ranks] */
    struct bundle b;      /* room for one */
    uint32_t most_amounts;
    uint16_t whole[WHOLE_AMOUNTS]; /* which amount a whole number is, + 1; 0: none yet */
};

struct ep_bundling *ep_bundling_new(const struct ep_exchange *x, struct arena *arena)
{
    struct ep_bundling *p = ARENA_NEW(arena, struct ep_bundling);
    uint32_t n = n_ranks(x);
    p->way = ARENA_ARRAY(arena, struct transfer, (size_t)n * n);
    p->crosses = ARENA_ARRAY(arena, bool, (size_t)n *n);
    for (uint32_t i = 0; i < n * n; i++)
        p->crosses[i] = way_of(x, i / n, i % n, EP_SEND, EP_RECEIVE, &p->way[i]);
    p->most_amounts = UINT16_MAX;
    p->b = (struct bundle){.ranks = n,
                           .way = p->way,
                           .ops = ARENA_ARRAY(arena, uint32_t, (size_t)BUNDLE_ENDS * n),
                           .first = ARENA_ARRAY(arena, uint32_t, n + 1),
                           .cells = ARENA_ARRAY(arena, struct bundle_cell, (size_t)n * n),
                           .amounts = ARENA_ARRAY(arena, double, p->most_amounts)};
    return p;
}

static bool find_amount(struct ep_bundling *p, double copies, uint16_t *found)
{
    bool small = copies < WHOLE_AMOUNTS && copies == floor(copies);
    uint16_t *known = small ? &p->whole[(int)copies] : NULL;
    uint32_t i = known && *known ? *known - 1u : 0;
    while (i < p->b.n_amounts && p->b.amounts[i] != copies)
        i++;
    if (i == p->most_amounts)
        return false;
    p->b.amounts[i] = copies;
    p->b.n_amounts = i == p->b.n_amounts ? i + 1 : p->b.n_amounts;
    if (known)
        *known = (uint16_t)(i + 1);
    *found = (uint16_t)i;
    return true;
}

/* Cells of a sender, receivers ascending. */
static bool add_cells(struct ep_bundling *p, uint32_t from, const double *copies, size_t step)
{
    uint32_t n = p->b.ranks, at = p->b.first[from];
    for (uint32_t to = 0; to < n; to++) {
        struct bundle_cell *cell = &p->b.cells[at];
        if (copies[to * step] <= 0 || !p->crosses[(size_t)from * n + to])
            continue;
        cell->to = (uint16_t)to;
        if (!find_amount(p, copies[to * step], &cell->amount))
            return false;
        at++;
    }
    p->b.first[from + 1] = at;
    return true;
}

void ep_exchange_bundle(const struct ep_exchange *x, struct ep_bundling *p, const struct ep_traffic *t,
                        const struct ep_ends *ends)
{
    const double *copies = x->cost.copies == EP_A_COPY_A_PAIR ? t->pairs : t->rank_copies;
    const uint32_t *ops[BUNDLE_ENDS] = {ends->stores, ends->posts, ends->receives};
    bool back = x->call.phase == EP_COMBINE, fits = true;
    uint32_t n = p->b.ranks;
    p->b.n_amounts = 0;
    memset(p->whole, 0, sizeof p->whole);
    for (int end = 0; end < BUNDLE_ENDS; end++)
        memcpy(p->b.ops + (size_t)end * n, ops[end], n * sizeof *ops[end]);
    for (uint32_t from = 0; from < n && fits; from++)
        fits = add_cells(p, from, copies + (back ? from : (size_t)from * n), back ? n : 1);
    if (fits)
        opgraph_bundle(x->graph, &p->b);
    else
        copy_directly(x, ends, copies);
}

/* --- over rails --- */

static uint32_t on_rail(const struct ep_traffic *t, uint32_t node, uint32_t rank)
{
    return node * t->per_node + rank % t->per_node;
}

/* Tokens that `forwarder` hands to, or takes from, a GPU of its node. */
static double handed_on(const struct ep_traffic *t, uint32_t forwarder, uint32_t gpu)
{
    double sum = 0;
    for (uint32_t home = forwarder % t->per_node; home < t->group.ranks; home += t->per_node)
        sum += t->rank_copies[(size_t)home * t->group.ranks + gpu];
    return sum;
}

static void copy_over_rails(const struct ep_exchange *x, const struct ep_traffic *t, const struct ep_ends *ends)
{
    bool back = x->call.phase == EP_COMBINE;
    for (uint32_t rank = 0; rank < n_ranks(x); rank++)
        for (uint32_t node = 0; node < t->nodes; node++) {
            uint32_t away = on_rail(t, node, rank);
            double copies = t->node_copies[(size_t)rank * t->nodes + node];
            if (back)
                copy(x, ends, away, rank, copies, N_EP_STAGES, EP_RECEIVE);
            else
                copy(x, ends, rank, away, copies, EP_SEND, N_EP_STAGES);
        }
}

static void copy_inside_nodes(const struct ep_exchange *x, const struct ep_traffic *t, const struct ep_ends *ends)
{
    bool back = x->call.phase == EP_COMBINE;
    for (uint32_t forwarder = 0; forwarder < n_ranks(x); forwarder++) {
        uint32_t first = forwarder - forwarder % t->per_node;
        for (uint32_t gpu = first; gpu < first + t->per_node; gpu++) {
            double copies = handed_on(t, forwarder, gpu);
            if (back)
                copy(x, ends, gpu, forwarder, copies, EP_SEND, EP_FORWARD);
            else
                copy(x, ends, forwarder, gpu, copies, EP_FORWARD, EP_RECEIVE);
        }
    }
}

void ep_exchange_move(const struct ep_exchange *x, const struct ep_traffic *t, const struct ep_ends *ends)
{
    if (x->kernel->move) {
        x->kernel->move(x, t, ends->posts);
        return;
    }
    switch (x->cost.copies) {
    case EP_A_COPY_A_PAIR:
        copy_directly(x, ends, t->pairs);
        break;
    case EP_A_COPY_A_RANK:
        copy_directly(x, ends, t->rank_copies);
        break;
    case EP_A_COPY_A_NODE:
        copy_over_rails(x, t, ends);
        copy_inside_nodes(x, t, ends);
        break;
    }
}

double ep_exchange_forwarded(const struct ep_exchange *x, const struct ep_traffic *t)
{
    const double *copies = x->cost.copies == EP_A_COPY_A_PAIR ? t->pairs : t->rank_copies;
    double far = 0, forwarded = 0;
    for (uint32_t src = 0; src < n_ranks(x) && x->call.rails.leaves_from && x->cost.copies != EP_A_COPY_A_NODE; src++)
        for (uint32_t dst = 0; dst < n_ranks(x); dst++) {
            double n = same_node(x, src, dst) ? 0 : copies[(size_t)src * n_ranks(x) + dst];
            far += n;
            forwarded += n > 0 && leaves_from(x, src, dst) != src ? n : 0;
        }
    return far > 0 ? forwarded / far : 0;
}

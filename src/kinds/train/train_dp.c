/* Which buckets there are, when their exchanges start and what waits for them follows Megatron-LM
 * (core/distributed/distributed_data_parallel.py, param_and_grad_buffer.py, training/training.py: get_model):
 *
 *   * Dense and experts' parameters are buckets apart, with groups of their own.
 *   * Buckets have a size on the first pipeline rank's first module only; elsewhere a module is one bucket
 *     (train.data_parallel.bucketed).
 *   * Gradients of a bucket are complete with the module's last backward chunk.
 *   * on_demand (no --align-param-gather): a module's gather is started by the hook before its first use, when its first
 *     micro-batch has come, and waited for there. So gathers of the stages come one after the other along the way of the
 *     first micro-batch. ahead: it starts when the module before gets its first micro-batch; the first two at once.
 *   * A gathered bucket in BF16 is cast to what GEMMs read, where that is in fewer bits.
 *   * Ranks that hold the same table of the vocabulary (MTP, a tied head) sum its gradients up after that
 *     (finalize_model_grads.py).
 *
 * Left out: SMs that NCCL's kernels hold. */
#include "kinds/train/train_dp.h"

#include <math.h>

#include "kinds/train/train_sync.h"
#include "models/comm/collectives.h"
#include "models/op_gains.h"

enum part { DENSE, EXPERTS, N_PARTS };
enum { MOST_PIECES = 64 };

struct module {
    uint32_t first_forward, last_backward; /* steps of the rank */
    uint32_t buckets;
    double values[N_PARTS];
    uint32_t before_first; /* of the column that is being built: the op before its first forward chunk */
};

struct shared_exchange;

struct train_dp {
    const struct train_plan *plan;
    const struct train_layout *l;
    const struct cluster_hw *hw;
    const struct train_network *network;
    const struct train_links *links;
    struct opgraph *graph;
    struct arena *arena;
    struct module *modules;            /* [ranks][modules] */
    struct dp_rank *ranks;             /* [column * ranks + rank] */
    struct shared_exchange *exchanges; /* [rank][module][piece][part][reduce] */
    uint32_t (*lane)[3];               /* [column * ranks + rank]: gather, and reduction of either part */
    uint32_t columns;                  /* that have ops */
    uint32_t text_gather, text_reduce, text_wait, text_shared, text_norm, text_update, text_host, text_cast, no_text;
};

/* --- what there is ------------------------------------------------------------------------------------------------- */

static struct module *module_of(const struct train_dp *dp, uint32_t rank, uint32_t module)
{
    return &dp->modules[rank * dp->l->modules + module];
}

static bool has_forward(const struct schedule_step *s)
{
    return s->kind == STEP_FORWARD || s->kind == STEP_FORWARD_BACKWARD;
}

/* Gradients of weights are complete with it. */
static bool has_weights(const struct schedule_step *s)
{
    return s->kind == STEP_BACKWARD || s->kind == STEP_WEIGHT || s->kind == STEP_FORWARD_BACKWARD;
}

static void find_steps(const struct train_dp *dp, uint32_t rank, uint32_t module)
{
    const struct schedule_rank *r = &dp->plan->schedule->ranks[rank];
    struct module *m = module_of(dp, rank, module);
    uint32_t stage = train_stage(dp->l, rank, module);
    m->first_forward = UINT32_MAX;
    for (uint32_t i = 0; i < r->n_steps; i++) {
        if (has_forward(&r->steps[i]) && r->steps[i].forward.stage == stage && m->first_forward == UINT32_MAX)
            m->first_forward = i;
        if (has_weights(&r->steps[i]) && r->steps[i].backward.stage == stage)
            m->last_backward = i;
    }
}

static uint32_t buckets_of(const struct train_dp *dp, uint32_t rank, uint32_t module)
{
    const struct train_data_parallel *c = &dp->l->cfg->data_parallel;
    const struct module *m = module_of(dp, rank, module);
    bool cut = c->bucketed == BUCKETED_ALL || (rank == 0 && module == 0);
    if (!cut || c->bucket <= 0)
        return 1;
    return (uint32_t)fmin(MOST_PIECES, ceil(fmax(m->values[DENSE], m->values[EXPERTS]) / (double)c->bucket));
}

static void find_modules(struct train_dp *dp)
{
    for (uint32_t r = 0; r < dp->l->ranks; r++)
        for (uint32_t k = 0; k < dp->l->modules; k++) {
            struct module *m = module_of(dp, r, k);
            struct train_params p = train_module_params(dp->l, r, k);
            m->values[DENSE] = train_dense_replicas(dp->l) > 1 ? p.dense : 0;
            m->values[EXPERTS] = train_expert_replicas(dp->l) > 1 ? p.experts : 0;
            m->buckets = buckets_of(dp, r, k);
            find_steps(dp, r, k);
        }
}

static struct dp_rank *rank_of(const struct train_dp *dp, uint32_t column, uint32_t rank)
{
    return &dp->ranks[column * dp->l->ranks + rank];
}

const struct dp_rank *train_dp_rank(const struct train_dp *dp, uint32_t column, uint32_t rank)
{
    return rank_of(dp, column, rank);
}

/* --- ops --------------------------------------------------------------------------------------------------------------- */

static uint32_t add_op(const struct train_dp *dp, uint32_t column, uint32_t rank, uint32_t lane, uint32_t text,
                       struct op op)
{
    op.lane = lane;
    op.device = train_device(dp->l, column, rank, 0);
    op.name = op.class_name = text;
    op.phase = dp->no_text;
    if (op.kind != OP_SYNC)
        op.sync_group = OP_NONE;
    return opgraph_add(dp->graph, &op);
}

/* One exchange of all columns. */
struct shared_exchange {
    uint32_t group; /* replicas start together; OP_NONE: not met yet */
    uint32_t *move; /* [columns] */
};

static struct shared_exchange *shared_exchange(struct train_dp *dp, uint32_t rank, uint32_t module, uint32_t piece,
                                               enum part part, bool reduce)
{
    size_t at = (((size_t)rank * dp->l->modules + module) * MOST_PIECES + piece) * N_PARTS + part;
    struct shared_exchange *x = &dp->exchanges[2 * at + reduce];
    if (x->move)
        return x;
    x->group = opgraph_sync_group(dp->graph);
    x->move = ARENA_ARRAY(dp->arena, uint32_t, dp->columns);
    return x;
}

/* --- rings -------------------------------------------------------------------------------------------------------------- */

/* Members of one of the groups that exchange a part. */
struct ring {
    uint32_t n, of_node; /* in all; on each node */
    double size_B;
};

static uint32_t node_of(const struct train_dp *dp, uint32_t column, uint32_t rank, uint32_t peer)
{
    return train_device(dp->l, column, rank, peer) / dp->network->topo->gpus_per_node;
}

static uint32_t columns_of_node(const struct train_dp *dp, uint32_t rank)
{
    uint32_t n = 1;
    while (n < dp->l->columns && node_of(dp, n, rank, 0) == node_of(dp, 0, rank, 0))
        n++;
    return n;
}

static struct ring ring_of(const struct train_dp *dp, uint32_t rank, enum part part, double size_B)
{
    const struct train_layout *l = dp->l;
    uint32_t apart = part == EXPERTS ? l->ep * l->etp : l->tp, members = l->group / apart, same = 1;
    while (same < members && node_of(dp, 0, rank, same * apart) == node_of(dp, 0, rank, 0))
        same++;
    return (struct ring){.n = l->columns * members, .of_node = same * columns_of_node(dp, rank), .size_B = size_B};
}

static bool hierarchical(const struct train_dp *dp)
{
    return dp->l->cfg->data_parallel.algorithm == DP_HIERARCHICAL;
}

/* What a GPU sends over its NIC, and over NVLink, as much as all others. */
static void shares_of(const struct train_dp *dp, const struct ring *r, double *nic_B, double *nvlink_B)
{
    double nodes = (double)r->n / r->of_node, members = r->of_node;
    if (hierarchical(dp)) {
        *nic_B = (nodes - 1) / nodes * r->size_B / members;
        *nvlink_B = (members - 1) / members * r->size_B;
        return;
    }
    double moved_B = (r->n - 1.0) / r->n * r->size_B;
    *nic_B = nodes > 1 ? moved_B / members : 0;
    *nvlink_B = members > 1 ? moved_B : 0; /* between members, and to the one whose NIC the ring leaves by */
}

static double latency_of(const struct train_dp *dp, const struct ring *r)
{
    uint32_t nodes = r->n / r->of_node;
    if (!hierarchical(dp))
        return collective_ring_latency_s(dp->hw, r->n, nodes, true);
    return (nodes > 1 ? collective_ring_latency_s(dp->hw, nodes, nodes, true) : 0) +
           (r->of_node > 1 ? collective_ring_latency_s(dp->hw, r->of_node, 1, true) : 0);
}

/* One GPU's part of as many rings as members of a node, each over the NIC of another of them; no more than NCCL has
 * channels. */
static void folded_ring(const struct train_dp *dp, const struct ring *r, uint32_t op, uint32_t column, uint32_t rank)
{
    double rings = (double)dp->l->cfg->data_parallel.rings;
    double nic_Bps = dp->graph->resources[dp->links->resource[rank][LINK_OUT]].capacity_Bps;
    uint32_t next = column + columns_of_node(dp, rank);
    struct train_end from = {column, rank}, to = {next % dp->columns, rank}, real = {next % dp->l->columns, rank};
    struct transfer away = {.src_op = op, .dst_op = op, .weight = 1, .latency_s = latency_of(dp, r)}, within = away;
    shares_of(dp, r, &away.bytes_B, &within.bytes_B);
    away.cap_Bps = r->of_node > rings ? nic_Bps * rings / r->of_node : 0;
    train_links_away(dp->links, from, to, real, &away);
    train_links_within(dp->links, from, from, &within);
    if (away.bytes_B > 0)
        opgraph_transfer(dp->graph, &away);
    if (within.bytes_B > 0)
        opgraph_transfer(dp->graph, &within);
}

/* A ring of some of a group's members: every `step`-th from `first` on. */
static void some_ring(const struct train_dp *dp, const uint32_t *gpu, const uint32_t *op, uint32_t first, uint32_t step,
                      uint32_t n, double size_B, bool reduce)
{
    uint32_t *ranks = ARENA_ARRAY(dp->arena, uint32_t, n), *its_op = ARENA_ARRAY(dp->arena, uint32_t, n);
    for (uint32_t i = 0; i < n; i++) {
        ranks[i] = gpu[first + i * step];
        its_op[i] = op[first + i * step];
    }
    struct collective ring = {.operation = reduce ? COLLECTIVE_REDUCE_SCATTER : COLLECTIVE_ALL_GATHER,
                              .algorithm = COLLECTIVE_RING,
                              .ranks = ranks,
                              .n = n,
                              .size_B = size_B,
                              .pxn = true,
                              .streamed = true,
                              .name = reduce ? "reduce gradients" : "gather parameters"};
    if (n > 1)
        collective_ring_flows(dp->graph, dp->hw, &ring, its_op, dp->arena);
}

/* All GPUs' part of all groups. */
static void whole_rings(const struct train_dp *dp, enum part part, const struct ring *r, bool reduce,
                        const uint32_t *op, uint32_t rank)
{
    const struct train_layout *l = dp->l;
    uint32_t apart = part == EXPERTS ? l->ep * l->etp : l->tp, nodes = r->n / r->of_node;
    uint32_t *gpu = ARENA_ARRAY(dp->arena, uint32_t, r->n), *its_op = ARENA_ARRAY(dp->arena, uint32_t, r->n);
    for (uint32_t first = 0; first < apart; first++) {
        uint32_t n = 0;
        for (uint32_t c = 0; c < l->columns; c++)
            for (uint32_t p = first; p < l->group; p += apart) {
                gpu[n] = train_device(l, c, rank, p);
                its_op[n++] = op[c % dp->columns];
            }
        if (!hierarchical(dp)) {
            some_ring(dp, gpu, its_op, 0, 1, n, r->size_B, reduce);
            continue;
        }
        for (uint32_t i = 0; i < nodes; i++)
            some_ring(dp, gpu, its_op, i * r->of_node, 1, r->of_node, r->size_B, reduce);
        for (uint32_t i = 0; i < r->of_node; i++)
            some_ring(dp, gpu, its_op, i, r->of_node, nodes, r->size_B / r->of_node, reduce);
    }
}

/* --- exchanges ----------------------------------------------------------------------------------------------------------- */

static double value_B(const struct train_dp *dp, bool reduce)
{
    const struct train_precision *p = &dp->l->cfg->precision;
    return reduce ? p->gradient_sent_B : p->gathered_B > 0 ? p->gathered_B : p->weight_B;
}

static struct op cast_op(const struct train_dp *dp, double values)
{
    const struct training_recipe *r = &dp->l->recipe;
    struct kernel_call call = {
        .family = KERNEL_QUANTISE, .read_B = values * value_B(dp, false), .written_B = 2 * values * r->operand_B};
    if (values <= 0 || !r->fused || r->operand_B >= value_B(dp, false))
        return (struct op){.kind = OP_COMPUTE};
    struct kernel_gains gains = kernel_gains(dp->plan->kernels, &call);
    return (struct op){.kind = OP_COMPUTE,
                       .work_s = kernel_time(dp->plan->kernels, &call).time_s,
                       .made_of = op_made_of_gains(dp->graph, &gains)};
}

/* Ops of an exchange on a lane, and its flows: the GPU's own, or, once all columns have theirs, those of all GPUs. */
static struct dp_exchange *exchange(struct train_dp *dp, uint32_t column, uint32_t rank, uint32_t lane,
                                    struct shared_exchange *x, enum part part, bool reduce, double size_B)
{
    struct dp_exchange *e = ARENA_NEW(dp->arena, struct dp_exchange);
    uint32_t text = reduce ? dp->text_reduce : dp->text_gather;
    e->ready = add_op(dp, column, rank, lane, dp->text_wait, (struct op){.kind = OP_SYNC, .sync_group = x->group});
    e->move = add_op(dp, column, rank, lane, text, (struct op){.kind = OP_COMM, .lead_s = dp->hw->software.launch_s});
    e->work = e->before = OP_NONE;
    x->move[column] = e->move;
    struct ring r = ring_of(dp, rank, part, size_B);
    if (dp->links)
        folded_ring(dp, &r, e->move, column, rank);
    else if (column + 1 == dp->columns)
        whole_rings(dp, part, &r, reduce, x->move, rank);
    return e;
}

static void cast_what_came(struct train_dp *dp, uint32_t column, uint32_t rank, uint32_t lane, double values,
                           struct dp_exchange *e)
{
    struct op cast = cast_op(dp, values);
    if (cast.work_s > 0)
        e->move = add_op(dp, column, rank, lane, dp->text_cast, cast);
}

static struct dp_exchange *bucket(struct train_dp *dp, uint32_t column, uint32_t rank, uint32_t module, uint32_t piece,
                                  enum part part, bool reduce, uint32_t lane)
{
    const struct module *m = module_of(dp, rank, module);
    double values = m->values[part] / m->buckets;
    struct shared_exchange *x = shared_exchange(dp, rank, module, piece, part, reduce);
    struct dp_exchange *e = exchange(dp, column, rank, lane, x, part, reduce, values * value_B(dp, reduce));
    cast_what_came(dp, column, rank, lane, reduce ? 0 : values, e);
    return e;
}

static uint32_t lane_of(struct train_dp *dp, uint32_t column, uint32_t rank, uint32_t which)
{
    uint32_t *lane = &dp->lane[column * dp->l->ranks + rank][which];
    if (*lane == OP_NONE)
        *lane = opgraph_lane(dp->graph);
    return *lane;
}

/* --- beside chunks ----------------------------------------------------------------------------------------------------- */

/* When the gather of a module may start, beside what stands before it on its lane. */
static void start_gather(struct train_dp *dp, uint32_t rank, uint32_t module, uint32_t ready, uint32_t before)
{
    bool ahead = dp->l->cfg->data_parallel.gather == GATHER_AHEAD;
    if (ahead)
        before = module > 1 ? module_of(dp, rank, module - 1)->before_first : OP_NONE;
    if (before != OP_NONE)
        opgraph_dep(dp->graph, before, ready);
}

static void note(struct dp_exchange **list, struct dp_exchange *e, uint32_t work, uint32_t before)
{
    e->work = work;
    e->before = before;
    e->next = *list;
    *list = e;
}

/* The op that waits for the first micro-batch, where that is the gather. */
static uint32_t gather(struct train_dp *dp, uint32_t column, uint32_t rank, uint32_t module, uint32_t piece,
                       uint32_t op, uint32_t before)
{
    struct module *m = module_of(dp, rank, module);
    uint32_t begin = OP_NONE, lane = lane_of(dp, column, rank, 0);
    for (int part = 0; part < N_PARTS; part++) {
        if (m->values[part] <= 0)
            continue;
        struct dp_exchange *e = bucket(dp, column, rank, module, piece, (enum part)part, false, lane);
        if (begin == OP_NONE) {
            begin = e->ready;
            if (!piece)
                start_gather(dp, rank, module, e->ready, before);
        }
        opgraph_dep(dp->graph, e->move, op);
        note(&rank_of(dp, column, rank)->gathers, e, op, before);
    }
    m->before_first = piece ? m->before_first : before;
    return dp->l->cfg->data_parallel.gather == GATHER_ON_DEMAND && !piece ? begin : OP_NONE;
}

static void reduce(struct train_dp *dp, uint32_t column, uint32_t rank, uint32_t module, uint32_t piece, uint32_t op)
{
    struct module *m = module_of(dp, rank, module);
    for (int part = 0; part < N_PARTS; part++) {
        if (m->values[part] <= 0)
            continue;
        uint32_t lane = lane_of(dp, column, rank, 1 + (uint32_t)part);
        struct dp_exchange *e = bucket(dp, column, rank, module, piece, (enum part)part, true, lane);
        opgraph_dep(dp->graph, op, e->ready);
        note(&rank_of(dp, column, rank)->reductions, e, op, OP_NONE);
    }
}

static bool gathers_beside(const struct train_dp *dp)
{
    return dp->l->cfg->data_parallel.gather != GATHER_END;
}

static bool reduces_beside(const struct train_dp *dp)
{
    return dp->l->cfg->data_parallel.reduce != REDUCE_END;
}

static bool is_first(const struct train_dp *dp, const struct module *m, uint32_t index)
{
    return gathers_beside(dp) && m->first_forward == index;
}

static bool is_last(const struct train_dp *dp, const struct module *m, uint32_t index)
{
    return reduces_beside(dp) && m->last_backward == index;
}

uint32_t train_dp_pieces(const struct train_dp *dp, uint32_t rank, uint32_t index)
{
    uint32_t n = 1;
    for (uint32_t k = 0; k < dp->l->modules; k++) {
        const struct module *m = module_of(dp, rank, k);
        if ((is_first(dp, m, index) || is_last(dp, m, index)) && m->buckets > n)
            n = m->buckets;
    }
    return n;
}

/* Buckets are needed from the first piece on, and complete with the last ones. */
uint32_t train_dp_on_piece(struct train_dp *dp, uint32_t column, uint32_t rank, uint32_t index, uint32_t piece,
                           uint32_t op, uint32_t before)
{
    uint32_t begin = OP_NONE, pieces = train_dp_pieces(dp, rank, index);
    for (uint32_t k = 0; k < dp->l->modules; k++) {
        const struct module *m = module_of(dp, rank, k);
        if (is_first(dp, m, index) && piece < m->buckets)
            begin = gather(dp, column, rank, k, piece, op, before);
        if (is_last(dp, m, index) && piece + m->buckets >= pieces)
            reduce(dp, column, rank, k, piece + m->buckets - pieces, op);
    }
    return begin;
}

/* --- the end of the step ----------------------------------------------------------------------------------------------- */

static uint32_t end_lane(const struct pipeline_ops *p, uint32_t column, uint32_t rank)
{
    return p->ranks[column * p->n_ranks + rank].lane;
}

/* All modules of a part at once, on the rank's lane. */
static void exchange_all(struct train_dp *dp, uint32_t column, uint32_t rank, uint32_t lane, bool reduce,
                         struct dp_exchange **list)
{
    for (int part = 0; part < N_PARTS; part++) {
        double values = 0;
        for (uint32_t k = 0; k < dp->l->modules; k++)
            values += module_of(dp, rank, k)->values[part];
        if (values <= 0)
            continue;
        struct shared_exchange *x = shared_exchange(dp, rank, 0, MOST_PIECES - 1, (enum part)part, reduce);
        struct dp_exchange *e =
            exchange(dp, column, rank, lane, x, (enum part)part, reduce, values * value_B(dp, reduce));
        cast_what_came(dp, column, rank, lane, reduce ? 0 : values, e);
        note(list, e, OP_NONE, OP_NONE);
    }
}

static void end_reduction(struct train_dp *dp, const struct pipeline_ops *p, uint32_t column, uint32_t rank)
{
    struct dp_rank *r = rank_of(dp, column, rank);
    const struct pipeline_rank_ops *ops = &p->ranks[column * p->n_ranks + rank];
    r->last_chunk = ops->step[dp->plan->schedule->ranks[rank].n_steps - 1];
    if (!reduces_beside(dp))
        exchange_all(dp, column, rank, ops->lane, true, &r->reductions);
    r->reduced = add_op(dp, column, rank, ops->lane, dp->text_reduce, (struct op){.kind = OP_COMPUTE});
    for (const struct dp_exchange *e = r->reductions; e; e = e->next)
        opgraph_dep(dp->graph, e->move, r->reduced);
}

static bool holds_embedding(const struct train_dp *dp, uint32_t rank)
{
    for (uint32_t k = 0; k < dp->l->modules; k++)
        if (train_stage_has_embedding(dp->l, train_stage(dp->l, rank, k)))
            return true;
    return false;
}

static void share_hop(const struct train_dp *dp, uint32_t column, uint32_t from, uint32_t to, uint32_t from_op,
                      uint32_t to_op, double bytes_B)
{
    struct transfer t = {.src_op = from_op, .dst_op = to_op, .bytes_B = bytes_B, .weight = 1, .rendezvous = true};
    struct train_end a = {column, from}, b = {column, to};
    if (dp->links) {
        train_links_route(dp->links, a, b, &t);
        opgraph_transfer(dp->graph, &t);
    }
    for (uint32_t p = 0; !dp->links && p < dp->l->group; p++) {
        t.src = train_device(dp->l, column, from, p);
        t.dst = train_device(dp->l, column, to, p);
        opgraph_transfer(dp->graph, &t);
    }
}

/* An all-reduce of one table among the ranks that hold it, each GPU with those at its place. */
static void share_embedding(struct train_dp *dp, const struct pipeline_ops *p)
{
    const struct train_layout *l = dp->l;
    uint32_t *holder = ARENA_ARRAY(dp->arena, uint32_t, l->ranks), n = 0;
    for (uint32_t r = 0; r < l->ranks; r++)
        if (holds_embedding(dp, r))
            holder[n++] = r;
    double table_B = (double)(l->model->vocab * l->model->hidden) / l->tp * value_B(dp, true);
    for (uint32_t c = 0; c < dp->columns && n > 1; c++) {
        uint32_t group = opgraph_sync_group(dp->graph), *op = ARENA_ARRAY(dp->arena, uint32_t, n);
        for (uint32_t i = 0; i < n; i++) {
            uint32_t lane = end_lane(p, c, holder[i]);
            add_op(dp, c, holder[i], lane, dp->text_wait, (struct op){.kind = OP_SYNC, .sync_group = group});
            op[i] = add_op(dp, c, holder[i], lane, dp->text_shared,
                           (struct op){.kind = OP_COMM, .lead_s = dp->hw->software.launch_s});
            rank_of(dp, c, holder[i])->shared = op[i];
        }
        for (uint32_t i = 0; i < n; i++)
            share_hop(dp, c, holder[i], holder[(i + 1) % n], op[i], op[(i + 1) % n], 2 * (n - 1.0) / n * table_B);
    }
}

static void end_update(struct train_dp *dp, const struct pipeline_ops *p, uint32_t column, uint32_t rank,
                       uint32_t norm_group, double host_s)
{
    struct dp_rank *r = rank_of(dp, column, rank);
    uint32_t lane = end_lane(p, column, rank);
    r->norm = add_op(dp, column, rank, lane, dp->text_norm,
                     (struct op){.kind = OP_SYNC, .sync_group = norm_group, .work_s = train_norm_s(dp->l, dp->hw)});
    r->update =
        add_op(dp, column, rank, lane, dp->text_update, train_optimizer_op(dp->l, dp->plan->kernels, rank, dp->graph));
    if (!gathers_beside(dp))
        exchange_all(dp, column, rank, lane, false, &r->late);
    if (host_s > 0)
        r->host = add_op(dp, column, rank, lane, dp->text_host, (struct op){.kind = OP_COMPUTE, .work_s = host_s});
}

void train_dp_end(struct train_dp *dp, const struct pipeline_ops *p, const double *host_s)
{
    uint32_t norm_group = opgraph_sync_group(dp->graph);
    for (uint32_t r = 0; r < dp->l->ranks; r++)
        for (uint32_t c = 0; c < dp->columns; c++)
            end_reduction(dp, p, c, r);
    share_embedding(dp, p);
    for (uint32_t r = 0; r < dp->l->ranks; r++)
        for (uint32_t c = 0; c < dp->columns; c++)
            end_update(dp, p, c, r, norm_group, host_s[r]);
}

/* --- beginning ----------------------------------------------------------------------------------------------------------- */

static void intern_texts(struct train_dp *dp)
{
    dp->text_gather = opgraph_string(dp->graph, "gather parameters");
    dp->text_reduce = opgraph_string(dp->graph, "reduce gradients");
    dp->text_wait = opgraph_string(dp->graph, "wait for replicas");
    dp->text_shared = opgraph_string(dp->graph, "gradients of the embedding");
    dp->text_norm = opgraph_string(dp->graph, "norm of gradients");
    dp->text_update = opgraph_string(dp->graph, "optimizer");
    dp->text_host = opgraph_string(dp->graph, "host");
    dp->text_cast = opgraph_string(dp->graph, "cast of parameters");
    dp->no_text = opgraph_string(dp->graph, "");
}

struct train_dp *train_dp_new(const struct train_plan *plan, const struct train_network *network, uint32_t columns,
                              const struct train_links *links, struct opgraph *graph, struct arena *arena)
{
    const struct train_layout *l = &plan->layout;
    struct train_dp *dp = ARENA_NEW(arena, struct train_dp);
    *dp = (struct train_dp){.plan = plan,
                            .l = l,
                            .hw = network->hw,
                            .network = network,
                            .links = links,
                            .graph = graph,
                            .arena = arena,
                            .columns = columns};
    size_t modules = (size_t)l->ranks * l->modules, places = (size_t)columns * l->ranks;
    dp->modules = ARENA_ARRAY(arena, struct module, modules);
    dp->exchanges = ARENA_ARRAY(arena, struct shared_exchange, modules * MOST_PIECES * N_PARTS * 2);
    dp->ranks = ARENA_ARRAY(arena, struct dp_rank, places);
    dp->lane = arena_array(arena, sizeof *dp->lane, places);
    for (size_t i = 0; i < places; i++) {
        struct dp_rank *r = &dp->ranks[i];
        r->reduced = r->shared = r->norm = r->update = r->host = r->last_chunk = OP_NONE;
        for (int k = 0; k < 3; k++)
            dp->lane[i][k] = OP_NONE;
    }
    intern_texts(dp);
    find_modules(dp);
    return dp;
}

/* ZeRO-1 as ops. Dense parameters have replicas on all GPUs of a pipeline rank (with a schedule of both directions, on
 * those of the mirrored rank, too); experts on the GPUs of the same place in the rank's other groups. Both are reduced
 * and gathered by rings, one after the other on the rank's lane, as kernels of one stream are. An op stands for all
 * GPUs of a group.
 *
 * Nothing of it hides behind chunks: gradients are complete only when a stage's last weight chunk is.
 *
 * Left out: parameters of few values apart from the rest, checkpoints. */
#include "kinds/train/train_sync.h"

#include <math.h>

#include "models/comm/collectives.h"
#include "models/op_gains.h"

const char *const sync_step_names[N_SYNC_STEPS] = {"wait for replicas", "reduce gradients", "norm of gradients",
                                                   "optimizer", "gather parameters"};

struct builder {
    const struct train_layout *l;
    const struct cluster_hw *hw;
    const struct pipeline_ops *pipelines;
    const struct kernel_model *kernels;
    struct opgraph *graph;
    struct arena *arena;
    struct sync_ops *out;
    uint32_t text[N_SYNC_STEPS], no_text;
};

static uint32_t add_op(struct builder *b, enum sync_step step, uint32_t column, uint32_t rank, struct op op)
{
    op.lane = b->pipelines->ranks[column * b->l->ranks + rank].lane;
    op.device = train_device(b->l, column, rank, 0);
    op.name = op.class_name = b->text[step];
    op.phase = b->no_text;
    if (op.kind != OP_SYNC)
        op.sync_group = OP_NONE;
    return opgraph_add(b->graph, &op);
}

/* Columns that have ops; the ops of one may stand for all. */
static uint32_t op_columns(const struct builder *b)
{
    return b->pipelines->columns;
}

static struct sync_span *span_of(const struct builder *b, enum sync_step step, uint32_t column, uint32_t rank)
{
    return &b->out->span[step][column * b->l->ranks + rank];
}

/* Ranks that hold the same stages: rank alone, or with its mirror image. Returns how many. */
static uint32_t partners(const struct builder *b, uint32_t rank, uint32_t out[2])
{
    out[0] = rank;
    out[1] = b->l->ranks - 1 - rank;
    return b->l->schedule->both_directions && out[1] != rank ? 2 : 1;
}

/* Runs over the groups of ranks that hold the same stages. */
typedef void partner_fn(struct builder *b, enum sync_step step, const uint32_t *ranks, uint32_t n);
static void for_partners(struct builder *b, enum sync_step step, partner_fn *fn)
{
    for (uint32_t r = 0; r < b->l->ranks; r++) {
        uint32_t ranks[2], n = partners(b, r, ranks);
        if (n == 1 || ranks[0] < ranks[1])
            fn(b, step, ranks, n);
    }
}

/* --- waits ----------------------------------------------------------------------------------------------------- */

static void add_barrier(struct builder *b, enum sync_step step, const uint32_t *ranks, uint32_t n)
{
    uint32_t group = opgraph_sync_group(b->graph);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t c = 0; c < op_columns(b); c++) {
            uint32_t op = add_op(b, step, c, ranks[i], (struct op){.kind = OP_SYNC, .sync_group = group});
            *span_of(b, step, c, ranks[i]) = (struct sync_span){op, op};
        }
}

double train_norm_s(const struct train_layout *l, const struct cluster_hw *hw)
{
    const struct hw_software *sw = &hw->software;
    double hop_s = 2 * hw->nic.latency_s + hw->network.switch_latency_s + hw_step_s(sw, (enum initiator)sw->initiator);
    return sw->launch_s + 2 * ceil(log2(l->gpus)) * hop_s;
}

static void add_norm(struct builder *b)
{
    uint32_t group = opgraph_sync_group(b->graph);
    for (uint32_t r = 0; r < b->l->ranks; r++)
        for (uint32_t c = 0; c < op_columns(b); c++) {
            uint32_t op =
                add_op(b, SYNC_NORM, c, r,
                       (struct op){.kind = OP_SYNC, .sync_group = group, .work_s = train_norm_s(b->l, b->hw)});
            *span_of(b, SYNC_NORM, c, r) = (struct sync_span){op, op};
        }
}

/* --- rings ------------------------------------------------------------------------------------------------------ */

/* One op per group of GPUs in each of the partners; op[i * op_columns + column]. */
static void add_ring_ops(struct builder *b, enum sync_step step, const uint32_t *ranks, uint32_t n, uint32_t *op)
{
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t c = 0; c < op_columns(b); c++) {
            struct sync_span *span = span_of(b, step, c, ranks[i]);
            uint32_t id =
                add_op(b, step, c, ranks[i], (struct op){.kind = OP_COMM, .lead_s = b->hw->software.launch_s});
            op[i * op_columns(b) + c] = id;
            if (span->first == OP_NONE)
                span->first = id;
            span->last = id;
        }
}

/* Members are GPUs first, first + apart ... of each group. */
static void add_ring(struct builder *b, enum sync_step step, const uint32_t *ranks, uint32_t n, const uint32_t *op,
                     uint32_t first, uint32_t apart, double size_B)
{
    uint32_t members = n * b->l->columns * (b->l->group / apart), k = 0;
    uint32_t *gpu = ARENA_ARRAY(b->arena, uint32_t, members), *its_op = ARENA_ARRAY(b->arena, uint32_t, members);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t c = 0; c < b->l->columns; c++)
            for (uint32_t p = first; p < b->l->group; p += apart) {
                gpu[k] = train_device(b->l, c, ranks[i], p);
                its_op[k++] = op[i * op_columns(b) + c % op_columns(b)];
            }
    struct collective ring = {.operation = step == SYNC_REDUCE ? COLLECTIVE_REDUCE_SCATTER : COLLECTIVE_ALL_GATHER,
                              .algorithm = COLLECTIVE_RING,
                              .ranks = gpu,
                              .n = members,
                              .size_B = size_B,
                              .pxn = true,
                              .name = sync_step_names[step]};
    collective_ring_flows(b->graph, b->hw, &ring, its_op, b->arena);
}

static double number_B(const struct builder *b, enum sync_step step)
{
    const struct train_precision *p = &b->l->cfg->precision;
    return step == SYNC_REDUCE ? p->gradient_sent_B : p->weight_B;
}

static void add_rings(struct builder *b, enum sync_step step, const uint32_t *ranks, uint32_t n)
{
    const struct train_layout *l = b->l;
    struct train_params params = train_rank_params(l, ranks[0]);
    uint32_t *op = ARENA_ARRAY(b->arena, uint32_t, n * op_columns(b));
    if (train_expert_replicas(l) > 1 && params.experts > 0) {
        add_ring_ops(b, step, ranks, n, op);
        for (uint32_t p = 0; p < l->ep * l->etp; p++)
            add_ring(b, step, ranks, n, op, p, l->ep * l->etp, params.experts * number_B(b, step));
    }
    if (train_dense_replicas(l) > 1) {
        add_ring_ops(b, step, ranks, n, op);
        for (uint32_t p = 0; p < l->tp; p++)
            add_ring(b, step, ranks, n, op, p, l->tp, params.dense * number_B(b, step));
    }
}

/* --- optimizer --------------------------------------------------------------------------------------------------- */

/* AdamW on the GPU's share: the norm reads gradients, the update reads gradients, master copy and moments, and writes
 * the latter two and the parameters. All gradients are set to zero for the next step. */
struct op train_optimizer_op(const struct train_layout *l, const struct kernel_model *kernels, uint32_t rank,
                             struct opgraph *graph)
{
    const struct train_precision *p = &l->cfg->precision;
    struct train_params params = train_rank_params(l, rank);
    double owned = params.dense / train_dense_replicas(l) + params.experts / train_expert_replicas(l);
    double state_B = p->master_B + 2 * p->moment_B;
    struct kernel_call call = {.family = KERNEL_ELEMENTWISE};
    call.read_B = owned * (2 * p->gradient_B + state_B);
    call.written_B = owned * (state_B + p->weight_B) + (params.dense + params.experts) * p->gradient_B;
    struct kernel_gains gains = kernel_gains(kernels, &call);
    return (struct op){
        .kind = OP_COMPUTE, .work_s = kernel_time(kernels, &call).time_s, .made_of = op_made_of_gains(graph, &gains)};
}

static void add_optimizer(struct builder *b)
{
    for (uint32_t r = 0; r < b->l->ranks; r++)
        for (uint32_t c = 0; c < op_columns(b); c++) {
            uint32_t op = add_op(b, SYNC_OPTIMIZE, c, r, train_optimizer_op(b->l, b->kernels, r, b->graph));
            *span_of(b, SYNC_OPTIMIZE, c, r) = (struct sync_span){op, op};
        }
}

void train_sync_build(const struct train_layout *l, const struct cluster_hw *hw, const struct kernel_model *kernels,
                      const struct pipeline_ops *pipelines, struct opgraph *graph, struct arena *arena,
                      struct sync_ops *out)
{
    struct builder b = {
        .l = l, .hw = hw, .pipelines = pipelines, .kernels = kernels, .graph = graph, .arena = arena, .out = out};
    b.no_text = opgraph_string(graph, "");
    for (int s = 0; s < N_SYNC_STEPS; s++) {
        b.text[s] = opgraph_string(graph, sync_step_names[s]);
        out->span[s] = ARENA_ARRAY(arena, struct sync_span, (size_t)l->columns * l->ranks);
        for (uint32_t i = 0; i < l->columns * l->ranks; i++)
            out->span[s][i] = (struct sync_span){OP_NONE, OP_NONE};
    }
    for_partners(&b, SYNC_READY, add_barrier);
    for_partners(&b, SYNC_REDUCE, add_rings);
    add_norm(&b);
    add_optimizer(&b);
    for_partners(&b, SYNC_GATHER, add_rings);
}

/* Replay: the recorded rank's kernels, on all ranks of the expert-parallel group.
 *
 * Every rank runs the same kernels in the same order; only the kernels that work on the
 * tokens of the rank's experts take longer or shorter, in proportion to the tokens
 * routed there. Dispatch and combine become DeepEP transfers, notify kernels become
 * barriers of all ranks: what the trace shows as waiting comes out of ranks that arrive
 * late. The reference rank keeps its recorded times and its recorded token counts;
 * everything about the other ranks is sampled (moe_routing.c).
 *
 * Ranks enter the window apart: entry_layers layer pairs before it have each left the
 * skew that their imbalance makes. Of the reference rank's load there nothing is known;
 * it is taken as the mean.
 *
 * comm: recorded instead replays the one recorded rank with its recorded communication
 * times.
 *
 * Left out: differences between ranks other than token counts (clocks, CPU jitter),
 * pipeline communication (not in the published trace), gaps of CPU launches that scale
 * with the CPU. */
#include "models/replay.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "models/deepep.h"
#include "models/replay_plan.h"

/* Rows of a recorded grouped GEMM are padded per expert to its tile. */
enum { EXPERT_ALIGNMENT_ROWS = 128 };

/* Ops of a graph beyond which a replay is refused instead of running out of memory. */
#define MAX_OPS 50000000.0

static const char *const comm_choices[] = {"simulated", "recorded", NULL};

#define CHIP_FIELD(key, member, unit_dimension, preset, text) \
    { \
        .name = key, .type = CFG_QUANTITY, .dim = unit_dimension, \
        .offset = offsetof(struct replay_recorded_on, member), .dflt = preset, \
        .min = 1, .max = 1e20, .doc = text \
    }

static const struct cfg_field recorded_on_fields[] = {
    CHIP_FIELD(
        "bf16", bf16_flops, DIM_FLOPS, "989.4 TFLOPS",
        "dense BF16 rate (default: H800 SXM5, NVIDIA H100 data sheet, same die)"),
    CHIP_FIELD("fp8", fp8_flops, DIM_FLOPS, "1978.9 TFLOPS",
               "dense FP8 rate (default: H800 SXM5, NVIDIA H100 data sheet, same die)"),
    CHIP_FIELD(
        "memory_bandwidth", memory_Bps, DIM_BANDWIDTH, "3.35 TB/s",
        "HBM bandwidth (default: H800 SXM5, NVIDIA H100 data sheet, same memory)"),
    {0},
};

static const struct cfg_table recorded_on_table = {
    .name = "recorded_on",
    .doc = "The chip of the trace: kernel times scale from it to cluster.chip",
    .size = sizeof(struct replay_recorded_on),
    .fields = recorded_on_fields,
};

static const struct cfg_field replay_fields[] = {
    {.name = "trace",
     .type = CFG_STRING,
     .offset = offsetof(struct replay_cfg, trace),
     .dflt = "",
     .doc = "imported trace to replay (moesim trace import)"},
    {.name = "comm",
     .type = CFG_ENUM,
     .offset = offsetof(struct replay_cfg, comm),
     .dflt = "simulated",
     .choices = comm_choices,
     .doc = "simulated: route the tokens of all ranks; recorded: keep recorded times, "
            "one rank"},
    {.name = "entry_layers",
     .type = CFG_INT,
     .offset = offsetof(struct replay_cfg, entry_layers),
     .dflt = "1",
     .min = 0,
     .max = 1000,
     .doc = "layer pairs before the window whose imbalance lets ranks enter it apart"},
    {.name = "recorded_on",
     .type = CFG_TABLE,
     .offset = offsetof(struct replay_cfg, recorded_on),
     .sub = &recorded_on_table,
     .doc = "the chip that the trace was recorded on"},
    {.name = "routing",
     .type = CFG_TABLE,
     .offset = offsetof(struct replay_cfg, routing),
     .sub = &routing_table,
     .doc = "token routing of the MoE layers"},
    {0},
};

const struct cfg_table replay_table = {
    .name = "replay",
    .doc = "Replay of a recorded training trace",
    .size = sizeof(struct replay_cfg),
    .fields = replay_fields,
};

struct builder {
    const struct trace *trace;
    const struct replay_cfg *cfg;
    const struct cluster_hw *hw;
    struct opgraph *graph;
    struct arena *arena;
    uint64_t seed;
    struct replay_plan plan;
    struct routing_shape shape;
    struct routing *routings;  /* [n_routings]; those without traffic stay empty */
    bool *routed;              /* [n_routings] */
    double *entry_s;           /* [n_ranks] */
    uint32_t first_op, stride; /* rank r's kernel k is op first_op + r * stride + k */
    uint32_t *group;           /* [n_kernels] sync groups */
    uint32_t *text; /* [n_classes] class names, then [n_phases] phases, then "" */
    struct replay_info *info;
};

/* --- checks
 * ------------------------------------------------------------------------------------
 */

static void check_same(const struct builder *b, const char *key, int64_t configured,
                       int64_t recorded, struct diag *diag)
{
    if (recorded > 0 && configured != recorded)
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(b->cfg->trace),
                   "replay.routing.%s is %lld but the trace was recorded with %lld; "
                   "its kernel "
                   "times hold for that only",
                   key, (long long)configured, (long long)recorded);
}

static void check_ranks(const struct builder *b, struct diag *diag)
{
    struct srcloc where = SRCLOC_FILE(b->cfg->trace);
    int64_t gpus = b->hw->nodes * b->hw->node.gpus;

    if (b->trace->ep > 0 && gpus != b->trace->ep)
        diag_error(diag, EXIT_BAD_INPUT, where,
                   "the cluster has %lld GPUs but the trace was recorded with expert "
                   "parallelism "
                   "%d; cluster.nodes * cluster.node.gpus must be %d",
                   (long long)gpus, b->trace->ep, b->trace->ep);
    if (b->trace->rank < 0 || b->trace->rank >= gpus)
        diag_error(diag, EXIT_BAD_INPUT, where,
                   "the trace is of rank %d but the cluster has %lld GPUs",
                   b->trace->rank, (long long)gpus);
    if ((double)gpus * b->trace->n_kernels > MAX_OPS)
        diag_error(diag, EXIT_LIMIT, where,
                   "%u kernels on %lld GPUs are more than %.0f ops",
                   b->trace->n_kernels, (long long)gpus, MAX_OPS);
}

/* What the reader of the trace cannot know to be needed: the order that makes a replay
 * finite. */
static void check_order(const struct builder *b, struct diag *diag)
{
    const struct trace *t = b->trace;
    struct srcloc where = SRCLOC_FILE(b->cfg->trace);

    for (uint32_t i = 0; i < t->n_kernels; i++) {
        const struct trace_kernel *k = &t->kernels[i];
        bool early = k->launch_after != TRACE_NONE && k->launch_after >= i;
        for (uint32_t d = 0; d < k->n_deps; d++)
            early |= t->deps[k->first_dep + d] >= i;
        if (early || k->duration_s < 0 ||
            (i && k->start_s < t->kernels[i - 1].start_s)) {
            diag_error(
                diag, EXIT_BAD_INPUT, where,
                "kernel %u (%s) is out of order: kernels must be sorted by start, last "
                "no negative time and wait for earlier kernels only",
                i, t->classes[k->class_id].name);
            return;
        }
    }
}

static int check_input(const struct builder *b, struct diag *diag)
{
    const struct routing_cfg *routing = &b->cfg->routing;
    size_t before = diag_count(diag);

    if (!b->trace->n_kernels)
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(b->cfg->trace),
                   "the trace has no kernels");
    if (b->trace->sms < 1)
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(b->cfg->trace),
                   "the trace does not say how many SMs its GPU has");
    if (b->hw->ep_kernel.sms >= b->hw->chip.sms)
        diag_error(
            diag, EXIT_BAD_INPUT, SRCLOC_NONE,
            "communication kernels hold %lld of %lld SMs: nothing is left to compute; "
            "lower cluster.ep_kernel.sms",
            (long long)b->hw->ep_kernel.sms, (long long)b->hw->chip.sms);
    check_order(b, diag);
    check_same(b, "experts", routing->experts, b->trace->experts, diag);
    check_same(b, "experts_per_token", routing->experts_per_token,
               b->trace->experts_per_token, diag);
    check_same(b, "hidden", routing->hidden, b->trace->hidden, diag);
    check_same(b, "tokens_per_rank", routing->tokens_per_rank, b->trace->seq_len, diag);
    if (b->cfg->comm == REPLAY_SIMULATED) {
        check_ranks(b, diag);
        routing_check(&b->shape, b->cfg->trace, diag);
    }
    return diag_count(diag) > before ? -1 : 0;
}

/* --- token loads
 * ------------------------------------------------------------------------------- */

/* The reference rank's tokens over the mean, from the rows of its kernels less their
 * padding. */
static double recorded_load(const struct builder *b, uint32_t routing)
{
    const struct routing_cfg *c = &b->cfg->routing;
    double ideal = (double)c->tokens_per_rank * (double)c->experts_per_token, rows = 0;
    double padding = (double)c->experts / b->shape.n_ranks * EXPERT_ALIGNMENT_ROWS / 2;

    for (uint32_t i = 0; i < b->trace->n_kernels; i++)
        if (b->plan.kernels[i].routing == routing)
            rows = fmax(rows, b->trace->kernels[i].rows);
    return rows > padding ? (rows - padding) / ideal : 0;
}

static void sample_routings(struct builder *b)
{
    struct routing_pool *pool = routing_pool_new(&b->shape, b->seed, b->arena);
    double *load = ARENA_ARRAY(b->arena, double, b->shape.n_ranks);

    b->routings = ARENA_ARRAY(b->arena, struct routing, b->plan.n_routings);
    b->routed = ARENA_ARRAY(b->arena, bool, b->plan.n_routings);
    for (uint32_t i = 0; i < b->trace->n_kernels; i++) {
        const struct kernel_plan *p = &b->plan.kernels[i];
        if (p->kind == OP_COMM || p->per_token)
            b->routed[p->routing] = true;
    }
    for (uint32_t i = 0; i < b->plan.n_routings; i++) {
        if (!b->routed[i])
            continue;
        routing_draw_loads(&b->shape, b->seed, i, "rank load", b->info->reference,
                           recorded_load(b, i), load);
        routing_sample(&b->shape, pool, load, b->seed, i, b->arena, &b->routings[i]);
    }
}

/* Mean time per layer pair that the reference rank spends on its experts' tokens. */
static double token_work(const struct builder *b, bool backward)
{
    double sum_s = 0;
    uint32_t layers = b->plan.n_routings / 2 - 1;

    for (uint32_t i = 0; i < b->trace->n_kernels; i++) {
        const struct kernel_plan *p = &b->plan.kernels[i];
        if (p->per_token && p->backward == backward && p->routing > 1)
            sum_s += p->work_s;
    }
    return layers ? sum_s / layers : 0;
}

static void sample_entry(struct builder *b)
{
    uint32_t n = b->shape.n_ranks;
    double *load = ARENA_ARRAY(b->arena, double, n), first_s = INFINITY;

    b->entry_s = ARENA_ARRAY(b->arena, double, n);
    for (int64_t layer = 0; layer < b->cfg->entry_layers; layer++)
        for (int backward = 0; backward < 2; backward++) {
            double work_s = token_work(b, backward);
            routing_draw_loads(&b->shape, b->seed,
                               2 * (uint64_t)layer + (uint64_t)backward, "entry load",
                               b->info->reference, 1, load);
            for (uint32_t r = 0; r < n; r++)
                b->entry_s[r] += work_s * (load[r] - 1);
        }
    for (uint32_t r = 0; r < n; r++)
        first_s = fmin(first_s, b->entry_s[r]);
    for (uint32_t r = 0; r < n; r++)
        b->entry_s[r] -= first_s;
    b->info->entry_delay_s = b->entry_s[b->info->reference];
}

static double load_ratio(const struct builder *b, const struct kernel_plan *p,
                         uint32_t rank)
{
    if (!p->per_token || !b->routings)
        return 1;
    const uint32_t *rows = b->routings[p->routing].expert_rows;
    return rows[rank] / fmax(rows[b->info->reference], 1);
}

/* --- ops
 * ---------------------------------------------------------------------------------------
 */

static void intern_texts(struct builder *b)
{
    const struct trace *t = b->trace;
    uint32_t n = 0;

    b->text = ARENA_ARRAY(b->arena, uint32_t, (size_t)t->n_classes + t->n_phases + 1);
    for (uint32_t i = 0; i < t->n_classes; i++)
        b->text[n++] = opgraph_string(b->graph, t->classes[i].name);
    for (uint32_t i = 0; i < t->n_phases; i++)
        b->text[n++] = opgraph_string(b->graph, t->phases[i]);
    b->text[n] = opgraph_string(b->graph, "");
}

static uint32_t phase_text(const struct builder *b, uint32_t phase)
{
    uint32_t index = phase == TRACE_NONE ? b->trace->n_phases : phase;

    return b->text[b->trace->n_classes + index];
}

static void sync_groups(struct builder *b)
{
    b->group = ARENA_ARRAY(b->arena, uint32_t, b->trace->n_kernels);
    for (uint32_t i = 0; i < b->trace->n_kernels; i++)
        b->group[i] =
            b->plan.kernels[i].kind == OP_SYNC && b->cfg->comm == REPLAY_SIMULATED
                ? opgraph_sync_group(b->graph)
                : OP_NONE;
}

static void add_entry(struct builder *b, uint32_t rank)
{
    uint32_t name = opgraph_string(b->graph, "entry skew");

    if (!b->entry_s)
        return;
    opgraph_add(b->graph, &(struct op){.kind = OP_COMPUTE,
                                       .lane = opgraph_lane(b->graph),
                                       .device = rank,
                                       .work_s = b->entry_s[rank],
                                       .sync_group = OP_NONE,
                                       .name = name,
                                       .class_name = name,
                                       .phase = phase_text(b, TRACE_NONE)});
}

/* The op of a kernel; in a recorded replay communication is an op of fixed length that
 * holds SMs. */
static struct op kernel_op(const struct builder *b, uint32_t kernel, uint32_t rank)
{
    const struct trace_kernel *k = &b->trace->kernels[kernel];
    const struct kernel_plan *p = &b->plan.kernels[kernel];
    struct op op = {.kind = p->kind,
                    .device = rank,
                    .lead_s = p->lead_s,
                    .work_s = p->work_s * load_ratio(b, p, rank),
                    .sm_ref = p->sm_ref,
                    .sm_max = p->sm_max,
                    .sm_hold = p->sm_hold,
                    .sync_group = OP_NONE,
                    .name = b->text[k->class_id],
                    .class_name = b->text[k->class_id],
                    .phase = phase_text(b, k->phase),
                    .layer = k->layer};

    if (b->cfg->comm == REPLAY_RECORDED) {
        op.kind = p->kind == OP_SYNC ? OP_COMM : p->kind;
    } else if (p->kind == OP_SYNC) {
        op.work_s = b->hw->ep_kernel.barrier_s;
        op.sync_group = b->group[kernel];
    } else if (p->kind == OP_COMM) {
        op.work_s = 0;
    }
    return op;
}

static void add_deps(struct builder *b, uint32_t kernel, uint32_t base,
                     bool first_of_lane)
{
    const struct trace_kernel *k = &b->trace->kernels[kernel];

    if (first_of_lane && b->entry_s)
        opgraph_dep(b->graph, base - 1, base + kernel);
    if (k->launch_after != TRACE_NONE)
        opgraph_dep(b->graph, base + k->launch_after, base + kernel);
    for (uint32_t i = 0; i < k->n_deps; i++)
        opgraph_dep(b->graph, base + b->trace->deps[k->first_dep + i], base + kernel);
}

static void add_rank(struct builder *b, uint32_t rank)
{
    const struct trace *t = b->trace;
    uint32_t *lane = ARENA_ARRAY(b->arena, uint32_t, t->n_streams);

    for (uint32_t s = 0; s < t->n_streams; s++)
        lane[s] = OP_NONE;
    add_entry(b, rank);
    uint32_t base = b->graph->n_ops;
    for (uint32_t i = 0; i < t->n_kernels; i++) {
        struct op op = kernel_op(b, i, rank);
        uint32_t stream = t->kernels[i].stream;
        bool first = lane[stream] == OP_NONE;
        if (first)
            lane[stream] = opgraph_lane(b->graph);
        op.lane = lane[stream];
        opgraph_add(b->graph, &op);
        add_deps(b, i, base, first);
    }
    if (rank == 0)
        b->first_op = base;
    else if (rank == 1)
        b->stride = base - b->first_op;
}

/* --- transfers
 * --------------------------------------------------------------------------------- */

static double logical_bytes(const struct builder *b, const struct kernel_plan *p)
{
    int64_t hidden = b->cfg->routing.hidden;
    const struct routing *r = &b->routings[p->routing];
    double tokens = 0;

    for (uint32_t node = 0; node < b->shape.n_nodes; node++)
        tokens += r->node_tokens[(size_t)b->info->reference * b->shape.n_nodes + node];
    return tokens * deepep_payload_B(hidden, p->collective == COLL_COMBINE);
}

/* A cached dispatch sends gradients along known routes: no choices travel. The combine
 * of the backward chunk is the backward pass of a dispatch and returns the gradients of
 * its weights. */
static void add_transfers(struct builder *b)
{
    uint32_t *op = ARENA_ARRAY(b->arena, uint32_t, b->shape.n_ranks);
    struct deepep ep;

    deepep_init(&ep, b->graph, b->hw, &b->shape, b->arena);
    for (uint32_t i = 0; i < b->trace->n_kernels; i++) {
        const struct kernel_plan *p = &b->plan.kernels[i];
        if (p->kind != OP_COMM)
            continue;
        for (uint32_t r = 0; r < b->shape.n_ranks; r++)
            op[r] = b->first_op + r * b->stride + i;
        struct deepep_call call = {.combine = p->collective == COLL_COMBINE};
        call.choices = call.combine ? p->backward : p->collective == COLL_DISPATCH;
        deepep_exchange(&ep, call, &b->routings[p->routing], op);
        b->info->logical_B[i] = logical_bytes(b, p);
    }
}

/* --- statistics
 * -------------------------------------------------------------------------------- */

static void routing_statistics(const struct builder *b)
{
    struct replay_info *info = b->info;
    double ideal = (double)b->cfg->routing.tokens_per_rank *
                   (double)b->cfg->routing.experts_per_token;
    double squares = 0;
    uint32_t n = 0;

    for (uint32_t i = 0; i < b->plan.n_routings; i++) {
        if (!b->routed[i])
            continue;
        n++;
        info->nodes_per_token += b->routings[i].nodes_per_token;
        info->ranks_per_token += b->routings[i].ranks_per_token;
        for (uint32_t r = 0; r < b->shape.n_ranks; r++) {
            double load = b->routings[i].expert_rows[r] / ideal;
            info->rank_load_max_ratio = fmax(info->rank_load_max_ratio, load);
            squares += (load - 1) * (load - 1);
        }
    }
    if (!n)
        return;
    info->nodes_per_token /= n;
    info->ranks_per_token /= n;
    info->rank_load_cv_ratio = sqrt(squares / ((double)n * b->shape.n_ranks));
}

static void fill_info(struct builder *b)
{
    struct replay_info *info = b->info;

    info->n_ranks = b->shape.n_ranks;
    info->comm_stream = b->plan.comm_stream;
    info->op_of_kernel = ARENA_ARRAY(b->arena, uint32_t, b->trace->n_kernels);
    for (uint32_t i = 0; i < b->trace->n_kernels; i++)
        info->op_of_kernel[i] = b->first_op + info->reference * b->stride + i;
    if (b->routings)
        routing_statistics(b);
}

int replay_build(const struct trace *trace, const struct replay_cfg *cfg,
                 const struct cluster_hw *hw, uint64_t seed, struct opgraph *graph,
                 struct arena *arena, struct replay_info *info, struct diag *diag)
{
    bool simulated = cfg->comm == REPLAY_SIMULATED;
    struct builder b = {.trace = trace,
                        .cfg = cfg,
                        .hw = hw,
                        .graph = graph,
                        .arena = arena,
                        .seed = seed,
                        .info = info};

    b.shape = (struct routing_shape){.cfg = &cfg->routing,
                                     .n_ranks = (uint32_t)(hw->nodes * hw->node.gpus),
                                     .ranks_per_node = (uint32_t)hw->node.gpus,
                                     .n_nodes = (uint32_t)hw->nodes};
    if (check_input(&b, diag))
        return -1;
    BUG_IF(graph->n_ops || graph->n_devices < (simulated ? b.shape.n_ranks : 1));
    *info = (struct replay_info){.reference = simulated ? (uint32_t)trace->rank : 0};
    info->logical_B = ARENA_ARRAY(arena, double, trace->n_kernels);
    replay_plan_build(trace, cfg, hw, arena, &b.plan);
    if (simulated) {
        sample_routings(&b);
        if (cfg->entry_layers > 0)
            sample_entry(&b);
    } else {
        b.shape.n_ranks = 1;
    }
    intern_texts(&b);
    sync_groups(&b);
    for (uint32_t r = 0; r < b.shape.n_ranks; r++)
        add_rank(&b, r);
    if (simulated)
        add_transfers(&b);
    fill_info(&b);
    return 0;
}

/* Replay: the recorded rank's kernels, on all ranks of the expert-parallel group. The trace becomes a chunk
 * program (chunk_trace.c), which runs on all ranks (chunk.c). The reference rank keeps its recorded times and
 * its recorded token counts.
 *
 * source: kernels runs the kernels that the model needs instead (chunk_kernels.c), on all ranks, too.
 *
 * comm: recorded instead replays the one recorded rank with its recorded communication times.
 *
 * Left out: pipeline communication (not in the published trace), gaps of CPU launches that scale with the CPU. */
#include "kinds/replay/replay.h"

#include "base/cfg_rows.h"

#include <math.h>
#include <string.h>

#include "models/chunk/chunk_kernels.h"
#include "models/chunk/chunk_trace.h"
#include "models/comm/deepep.h"

/* Ops of a graph beyond which a replay is refused instead of running out of memory. */
#define MAX_OPS 50000000.0

static const char *const source_choices[] = {"trace", "kernels", NULL};
static const char *const comm_choices[] = {"simulated", "recorded", NULL};
static const char *const times_choices[] = {"auto", "moved", "recorded", NULL};

static const struct cfg_field replay_fields[] = {
    ROW_TEXT(replay_cfg, "trace", trace, "", "imported trace to replay (moesim trace import)"),
    ROW_CHOICE(replay_cfg, "source", source, "trace", source_choices,
               "trace: the recorded kernels run; kernels: those that the model needs, as long as the kernel model "
               "says, beside the recorded ones"),
    ROW_CHOICE(replay_cfg, "comm", comm, "simulated", comm_choices,
               "simulated: route the tokens of all ranks, collectives as kind collective does them; recorded: keep "
               "recorded times, one rank"),
    ROW_CHOICE(replay_cfg, "times", times, "auto", times_choices,
               "of kernels that compute: moved from the recorded chip to cluster.chip; recorded: kept; auto: moved, "
               "but kept where comm is recorded and the trace is of another chip"),
    ROW_COUNT(replay_cfg, "entry_layers", entry_layers, "1", 0, 1000,
              "layer pairs before the window whose imbalance lets ranks enter it apart"),
    ROW_PART(replay_cfg, "recorded_on", recorded_on, recorded_on_table, "the chip that the trace was recorded on"),
    ROW_PART(replay_cfg, "routing", routing, routing_table, "token routing of the MoE layers"),
    {0},
};

static const struct cfg_table replay_table = {
    .name = "replay",
    .doc = "Replay of a recorded trace",
    .size = sizeof(struct replay_cfg),
    .fields = replay_fields,
};
const struct kind_keys replay_keys = {"replay", &replay_table, "kind train_replay: the recorded trace that runs"};

struct builder {
    const struct trace *trace;
    const struct replay_cfg *cfg;
    const struct replay_kernels *kernels; /* NULL: the trace's */
    const struct replay_reading *reading;
    const struct cluster_hw *hw;
    struct routing_shape shape;
};

bool replay_routes(const struct trace *trace)
{
    for (uint32_t i = 0; i < trace->n_kernels; i++) {
        uint8_t collective = trace->classes[trace->kernels[i].class_id].collective;
        if (collective == COLL_DISPATCH || collective == COLL_DISPATCH_CACHED || collective == COLL_COMBINE)
            return true;
    }
    return false;
}

/* --- checks
 * ------------------------------------------------------------------------------------
 */

static void check_same(const struct builder *b, const char *key, int64_t configured, int64_t recorded,
                       struct diag *diag)
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

    if (!b->kernels && b->trace->ep > 0 && gpus != b->trace->ep)
        diag_error(diag, EXIT_BAD_INPUT, where,
                   "the cluster has %lld GPUs but the trace was recorded with expert "
                   "parallelism "
                   "%d; cluster.nodes * cluster.node.gpus must be %d",
                   (long long)gpus, b->trace->ep, b->trace->ep);
    if (b->trace->rank < 0 || b->trace->rank >= gpus)
        diag_error(diag, EXIT_BAD_INPUT, where, "the trace is of rank %d but the cluster has %lld GPUs", b->trace->rank,
                   (long long)gpus);
    if ((double)gpus * b->trace->n_kernels > MAX_OPS)
        diag_error(diag, EXIT_LIMIT, where, "%u kernels on %lld GPUs are more than %.0f ops", b->trace->n_kernels,
                   (long long)gpus, MAX_OPS);
}

static int check_input(const struct builder *b, struct diag *diag)
{
    const struct routing_cfg *routing = &b->cfg->routing;
    size_t before = diag_count(diag);

    chunk_trace_check(b->trace, b->cfg->trace, diag);
    if (b->reading->routed && b->hw->ep_kernel.sms >= b->hw->chip.sms)
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_NONE,
                   "communication kernels hold %lld of %lld SMs: nothing is left to compute; "
                   "lower cluster.ep_kernel.sms",
                   (long long)b->hw->ep_kernel.sms, (long long)b->hw->chip.sms);
    if (b->reading->routed && !b->kernels) {
        check_same(b, "experts", routing->experts, b->trace->experts, diag);
        check_same(b, "experts_per_token", routing->experts_per_token, b->trace->experts_per_token, diag);
        check_same(b, "hidden", routing->hidden, b->trace->hidden, diag);
        check_same(b, "tokens_per_rank", routing->tokens_per_rank, b->trace->seq_len, diag);
    }
    if (b->reading->routed) {
        check_ranks(b, diag);
        routing_check(&b->shape, b->cfg->trace, diag);
    }
    return diag_count(diag) > before ? -1 : 0;
}

/* --- statistics
 * -------------------------------------------------------------------------------- */

static void routing_statistics(const struct builder *b, const struct chunk_program *program,
                               const struct chunk_ops *ops, struct replay_info *info)
{
    double ideal = (double)b->cfg->routing.tokens_per_rank * (double)b->cfg->routing.experts_per_token;
    double squares = 0;
    uint32_t n = 0;

    for (uint32_t i = 0; i < program->n_routings; i++) {
        if (!ops->routed[i])
            continue;
        n++;
        info->nodes_per_token += ops->routings[i].nodes_per_token;
        info->ranks_per_token += ops->routings[i].ranks_per_token;
        for (uint32_t r = 0; r < b->shape.n_ranks; r++) {
            double load = ops->routings[i].expert_rows[r] / ideal;
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

/* Of kernels that a model needs: those on a stream with a collective. */
static uint8_t *communication(const struct builder *b, const struct chunk_program *program, struct arena *arena)
{
    uint8_t *comm = ARENA_ARRAY(arena, uint8_t, program->n_kernels);
    uint8_t *stream = ARENA_ARRAY(arena, uint8_t, program->n_streams);

    if (!b->kernels)
        return chunk_trace_communication(b->trace, arena);
    for (uint32_t i = 0; i < program->n_kernels; i++)
        stream[program->kernels[i].stream] |= program->kernels[i].collective != COLL_NONE;
    for (uint32_t i = 0; i < program->n_kernels; i++)
        comm[i] = stream[program->kernels[i].stream];
    return comm;
}

static void fill_info(const struct builder *b, const struct chunk_program *program, const struct chunk_group *group,
                      const struct chunk_ops *ops, struct arena *arena, struct replay_info *info)
{
    uint32_t n = program->n_kernels;

    *info = (struct replay_info){.program = program, .n_ranks = ops->n_ranks, .reference = group->reference};
    info->comm = communication(b, program, arena);
    info->op_of_kernel = ARENA_ARRAY(arena, uint32_t, n);
    info->logical_B = ARENA_ARRAY(arena, double, n);
    for (uint32_t i = 0; i < n; i++) {
        info->op_of_kernel[i] = ops->first_op + info->reference * ops->stride + i;
        info->logical_B[i] = chunk_logical_B(program, group, ops, i);
    }
    if (ops->entry_s)
        info->entry_delay_s = ops->entry_s[info->reference];
    if (ops->routings)
        routing_statistics(b, program, ops, info);
}

/* As many layers as the trace has, at the loads of its rank. */
static void from_kernels(const struct builder *b, const struct chunk_program *recorded, struct arena *arena,
                         struct chunk_program *out)
{
    uint32_t layers = recorded->n_routings / 2 - 1;
    uint8_t *kind = ARENA_ARRAY(arena, uint8_t, layers);
    struct chunk_work work = {.model = b->kernels->model,
                              .kernels = b->kernels->kernels,
                              .hw = b->hw,
                              .recipe = &training_recipe_deepseek,
                              .sequences = 1,
                              .length = (double)b->cfg->routing.tokens_per_rank,
                              .group = b->shape.n_ranks,
                              .etp = 1,
                              .tp = 1,
                              .cp = 1,
                              .gemm_sms = chunk_kernel_sms(b->hw, b->kernels->model),
                              .attention_sms = chunk_kernel_sms(b->hw, b->kernels->model),
                              .layers = layers,
                              .load = recorded->load + 2};
    struct chunk_material material;
    struct chunk_spec spec = {.forward = {kind, layers}, .backward = {kind, layers}, .work = WORK_INPUT | WORK_WEIGHT};

    memset(kind, LAYER_MOE, layers);
    material_from_kernels(&work, arena, &material);
    chunk_compose(&material, &spec, arena, out);
}

struct recording replay_recording(const struct replay_cfg *cfg, const struct replay_reading *reading)
{
    return (struct recording){.on = reading->gpu->on,
                              .keeps_comm = !reading->routed,
                              .keeps_times = reading->keeps_times,
                              .comm_s = reading->collectives ? reading->collectives->time_s : NULL,
                              .routing = cfg->routing,
                              .overlaps = true,
                              .joint = reading->joint,
                              .joined_s = reading->joined_s};
}

int replay_build(const struct trace *trace, const struct replay_cfg *cfg, const struct replay_kernels *kernels,
                 const struct replay_reading *reading, const struct cluster_hw *hw, uint64_t seed,
                 struct opgraph *graph, struct arena *arena, struct replay_info *info, struct diag *diag)
{
    struct builder b = {.trace = trace, .cfg = cfg, .kernels = kernels, .reading = reading, .hw = hw};
    struct chunk_program *program = ARENA_NEW(arena, struct chunk_program), recorded;
    struct chunk_ops ops;

    b.shape = (struct routing_shape){.cfg = &cfg->routing,
                                     .sets = deepep_needs_sets(&hw->ep_kernel),
                                     .n_ranks = (uint32_t)(hw->nodes * hw->node.gpus),
                                     .ranks_per_node = (uint32_t)hw->node.gpus,
                                     .n_nodes = (uint32_t)hw->nodes};
    if (check_input(&b, diag))
        return -1;
    struct recording recording = replay_recording(cfg, reading);
    chunk_from_trace(trace, &recording, hw, arena, &recorded);
    if (kernels)
        from_kernels(&b, &recorded, arena, program);
    else
        *program = recorded;
    struct chunk_group group = {.shape = reading->routed ? &b.shape : NULL,
                                .hw = hw,
                                .seed = seed,
                                .reference = reading->routed ? (uint32_t)trace->rank : 0,
                                .entry_layers = cfg->entry_layers};
    chunk_build(program, &group, graph, arena, &ops);
    fill_info(&b, program, &group, &ops, arena, info);
    return 0;
}

/* Kind train_replay: a recorded trace on the hardware of the scenario (replay.c), or, beside it, the
 * same chunks from the kernel model alone (replay.source).
 *
 * Where DeepEP moves tokens, the whole cluster is one expert-parallel group; node-limited routing (paper 4.3) makes its
 * nodes the groups of experts. A replay without it, or with recorded communication, runs one rank and routes nothing;
 * collectives of libraries take as long as each takes by itself (replay_collectives.c). Whether the trace fits the
 * scenario is checked by who reads the trace. */
#include <string.h>

#include "base/data_find.h"
#include "base/progress.h"
#include "io/inputs/kernel_table_file.h"
#include "io/trace/trace_file.h"
#include "models/chunk/chunk_kernels.h"
#include "kinds/replay/replay_result.h"
#include "kinds/kind_run.h"
#include "kinds/result_build.h"
#include "kinds/reads.h"

static void check_trace_file(const struct scenario_file *file, struct arena *arena, struct diag *diag)
{
    const char *trace = replay_cfg(file->scenario)->trace;
    if (!*trace)
        REPORT("replay", "required key 'replay.trace' is missing; write for example 'trace: "
                         "traces/deepseek_v3_train.trace.json' ('moesim list traces' lists those that are shipped)");
    else
        data_need(trace, file->path, scenario_place(file, "replay.trace"),
                  "'moesim list traces' lists those that are shipped", arena, diag);
}

static bool has_model(const struct scenario_file *file)
{
    return *file->scenario->model || cfg_where(file->cfg, "llm").file;
}

/* Keys of the replay with the model's experts and width, where the model's kernels run. */
static struct replay_cfg effective_keys(const struct scenario *s)
{
    struct replay_cfg cfg = *replay_cfg(s);
    if (cfg.source == REPLAY_KERNELS) {
        cfg.routing.experts = s->llm.experts.routed;
        cfg.routing.experts_per_token = s->llm.experts.top_k;
        cfg.routing.groups = s->llm.experts.groups;
        cfg.routing.groups_per_token = s->llm.experts.top_groups;
        cfg.routing.hidden = s->llm.hidden;
    }
    return cfg;
}

/* Routing that the scenario gives beside a model must be the model's. */
static void check_routing_is(const struct scenario_file *file, const char *key, int64_t given, int64_t model,
                             struct arena *arena, struct diag *diag)
{
    const char *dotted = arena_printf(arena, "replay.routing.%s", key);
    if (cfg_where(file->cfg, dotted).file && given != model)
        REPORT(dotted, "%s is %lld but the model's is %lld; with 'source: kernels' leave it out", dotted,
               (long long)given, (long long)model);
}

static void check_routing(const struct scenario_file *file, struct arena *arena, struct diag *diag)
{
    const struct routing_cfg *given = &replay_cfg(file->scenario)->routing;
    const struct replay_cfg keys = effective_keys(file->scenario);
    const struct routing_cfg *is = &keys.routing;
    check_routing_is(file, "experts", given->experts, is->experts, arena, diag);
    check_routing_is(file, "experts_per_token", given->experts_per_token, is->experts_per_token, arena, diag);
    check_routing_is(file, "groups", given->groups, is->groups, arena, diag);
    check_routing_is(file, "groups_per_token", given->groups_per_token, is->groups_per_token, arena, diag);
    check_routing_is(file, "hidden", given->hidden, is->hidden, arena, diag);
}

/* With the model's kernels its experts and width are those of the routing. False: nothing more can be said. */
static bool check_source(const struct scenario_file *file, struct arena *arena, struct diag *diag)
{
    const struct scenario *s = file->scenario;
    size_t before = diag_count(diag);
    if (replay_cfg(s)->source != REPLAY_KERNELS)
        return true;
    if (replay_cfg(s)->comm == REPLAY_RECORDED)
        REPORT("replay.comm", "recorded communication goes with recorded kernels; leave it out");
    if (!has_model(file))
        REPORT("replay.source", "kernels of which model? write for example 'model: deepseek_v3'");
    else if (material_from_kernels_lacks(&s->llm))
        REPORT("replay.source", "there are no kernels for %s", material_from_kernels_lacks(&s->llm));
    else if (s->llm.experts.routed <= 0)
        REPORT("replay.source", "the trace is of layers with experts; the model has none");
    else
        check_routing(file, arena, diag);
    return diag_count(diag) == before;
}

static void check_groups(const struct scenario_file *file, const struct routing_cfg *r, struct diag *diag)
{
    if (r->groups_per_token > r->groups)
        REPORT("replay.routing.groups_per_token",
               "replay.routing.groups_per_token is %lld but there are %lld groups "
               "(replay.routing.groups)",
               (long long)r->groups_per_token, (long long)r->groups);
    else if (r->experts % r->groups)
        REPORT("replay.routing.experts", "%lld experts do not divide into %lld groups", (long long)r->experts,
               (long long)r->groups);
    else if (r->experts_per_token > r->groups_per_token * (r->experts / r->groups))
        REPORT("replay.routing.experts_per_token", "a token activates %lld experts but its %lld groups hold only %lld",
               (long long)r->experts_per_token, (long long)r->groups_per_token,
               (long long)(r->groups_per_token * (r->experts / r->groups)));
}

/* Whether a trace that can be read has nothing to route. What is wrong with it is told when it is run. */
static bool routes_nothing(const struct scenario_file *file, struct arena *arena)
{
    const char *path = data_find(replay_cfg(file->scenario)->trace, file->path, arena);
    struct diag *quiet = diag_new();
    const struct trace_set *set = path ? trace_set_read(path, arena, quiet) : NULL;
    bool nothing = set && (set->n > 1 || !replay_routes(set->traces[0]));
    diag_free(quiet);
    return nothing;
}

static bool fits_experts(const struct cluster_hw *hw, const struct routing_cfg *r)
{
    return r->groups == hw->nodes && r->experts % (hw->nodes * hw->node.gpus) == 0 && r->experts % r->groups == 0 &&
           r->groups_per_token <= r->groups && r->experts_per_token <= r->groups_per_token * (r->experts / r->groups);
}

static void check_expert_parallel(const struct scenario_file *file, struct arena *arena, struct diag *diag)
{
    const struct cluster_hw *hw = &file->scenario->cluster;
    const struct replay_cfg keys = effective_keys(file->scenario);
    const struct routing_cfg *r = &keys.routing;
    int64_t ranks = hw->nodes * hw->node.gpus;
    if (replay_cfg(file->scenario)->comm == REPLAY_RECORDED || fits_experts(hw, r) ||
        (replay_cfg(file->scenario)->source == REPLAY_TRACE && routes_nothing(file, arena)))
        return;
    const char *groups_key =
        replay_cfg(file->scenario)->source == REPLAY_KERNELS ? "llm.moe.groups" : "replay.routing.groups";
    if (r->groups != hw->nodes)
        REPORT(groups_key,
               "%s is %lld but the cluster has %lld nodes (cluster.nodes); "
               "node-limited routing takes each node as one group",
               groups_key, (long long)r->groups, (long long)hw->nodes);
    if (r->experts % ranks)
        REPORT("replay.routing.experts", "%lld experts do not divide among %lld GPUs (%lld nodes of %lld)",
               (long long)r->experts, (long long)ranks, (long long)hw->nodes, (long long)hw->node.gpus);
    check_groups(file, r, diag);
}

/* What DeepSeek's trace was recorded with, and what a replay knows. */
static const char traced_kernel[] = "deepep_normal_2025_02";

static void check_kernel(const struct scenario_file *file, struct diag *diag)
{
    const char *name = file->scenario->cluster.ep_kernel.kernel;
    if (strcmp(name, "auto") != 0 && strcmp(name, traced_kernel) != 0)
        REPORT("cluster.ep_kernel.kernel",
               "a replay exchanges tokens with %s, as its trace did, not with %s; write 'auto'; kind train_step with "
               "'train.chunks.source: kernels' knows others",
               traced_kernel, name);
}

static void check(const struct scenario_file *file, struct arena *arena, struct diag *diag)
{
    check_trace_file(file, arena, diag);
    check_kernel(file, diag);
    kind_check_sets(file, file->scenario->cluster.nodes, diag);
    if (check_source(file, arena, diag))
        check_expert_parallel(file, arena, diag);
}

/* NULL in *out: the trace's kernels. */
static int open_kernels(const struct kind_run *run, const struct replay_kernels **out, struct diag *diag)
{
    const struct scenario *s = run->file->scenario;
    struct replay_kernels *k = ARENA_NEW(run->arena, struct replay_kernels);
    struct kernel_table table;
    *out = NULL;
    if (replay_cfg(s)->source != REPLAY_KERNELS)
        return 0;
    if (kernel_tables_read(s->cluster.kernels.tables, scenario_place(run->file, "cluster.kernels.tables"),
                           run->file->path, run->arena, &table, diag))
        return -1;
    struct kernel_model *model = kernel_model_new(&s->cluster, &table, run->arena);
    model->asked = run->origins;
    *k = (struct replay_kernels){&s->llm, model};
    *out = k;
    return 0;
}

/* Whether kernels keep their recorded times; false, too, after an error. */
static bool decide_times(const struct kind_run *run, const struct trace *trace, const struct replay_cfg *cfg,
                         const struct recorded_gpu *gpu, struct diag *diag)
{
    bool given = cfg->recorded_on.bf16_flops > 0 || cfg->recorded_on.fp8_flops > 0 || cfg->recorded_on.memory_Bps > 0;
    if (cfg->source == REPLAY_KERNELS)
        return true; /* the trace's are not run */
    if (cfg->times == REPLAY_TIMES_RECORDED)
        return true;
    if (cfg->times == REPLAY_TIMES_AUTO && cfg->comm == REPLAY_RECORDED && !gpu->same_chip && !given)
        return true;
    if (!recorded_gpu_known(gpu))
        recorded_gpu_refuse(run->file, trace, "replay.recorded_on", ", or keep the times: 'replay.times: recorded'",
                            diag);
    return false;
}

static int read_on(struct kind_run *run, const struct trace *trace, const struct replay_cfg *cfg,
                   struct replay_reading *out, struct diag *diag)
{
    struct recorded_gpu *gpu = ARENA_NEW(run->arena, struct recorded_gpu);
    size_t before = diag_count(diag);
    if (recorded_gpu_find(run->file, trace, &cfg->recorded_on, run->arena, gpu, diag))
        return -1;
    *out = (struct replay_reading){.gpu = gpu, .keeps_times = decide_times(run, trace, cfg, gpu, diag)};
    return diag_count(diag) > before ? -1 : 0;
}

/* The trace says how many tokens its exchanges move, or the scenario does: a default would move as many as another job. */
static bool knows_tokens(const struct kind_run *run, const struct trace *trace)
{
    return trace->seq_len > 0 || cfg_is_own(run->file->cfg, "replay.routing.tokens_per_rank");
}

static bool is_routed(const struct kind_run *run, const struct trace *trace, const struct replay_cfg *cfg)
{
    return cfg->comm == REPLAY_SIMULATED &&
           (cfg->source == REPLAY_KERNELS || (replay_routes(trace) && knows_tokens(run, trace)));
}

static void note_exchanges(struct kind_run *run, const struct trace *trace, const struct replay_cfg *cfg,
                           const struct replay_reading *reading)
{
    if (reading->routed)
        result_add_note(&run->result, run->arena,
                        kind_exchange_text(ep_kernel_find(traced_kernel), &run->file->scenario->cluster, run->arena));
    else if (cfg->comm == REPLAY_SIMULATED && replay_routes(trace))
        result_add_note(&run->result, run->arena,
                        "the trace does not say how many tokens its dispatches and combines move: they keep their "
                        "recorded times; give replay.routing.tokens_per_rank to simulate them");
}

static void note_moved(struct kind_run *run, const struct trace *trace, const struct replay_reading *reading)
{
    const char *moved = reading->keeps_times ? NULL : recorded_gpu_moved(run->file, trace, reading->gpu, run->arena);
    if (moved)
        result_add_note(&run->result, run->arena, moved);
}

/* One rank's trace: on that rank, or with all others as the scenario routes them. */
static int run_one(struct kind_run *run, const struct trace *trace, const struct replay_cfg *cfg,
                   struct replay_reading *reading, struct diag *diag)
{
    const struct scenario *s = run->file->scenario;
    struct replay_collectives *collectives = ARENA_NEW(run->arena, struct replay_collectives);
    const struct replay_kernels *kernels;
    struct replay_info info = {0};
    struct topology *topo;
    reading->routed = is_routed(run, trace, cfg);
    if (cfg->comm == REPLAY_SIMULATED && trace->n_messages) {
        reading->collectives = collectives;
        if (replay_simulate_collectives(run, &trace, 1, NULL, reading->gpu, collectives, diag))
            return -1;
    }
    if (open_kernels(run, &kernels, diag) || kind_topology(run, &s->cluster, &topo, diag))
        return -1;
    kind_begin(run, topo);
    if (replay_build(trace, cfg, kernels, reading, &s->cluster, (uint64_t)s->sim.seed, run->graph, run->arena, &info,
                     diag))
        return -1;
    progress_begin("simulating");
    if (kind_simulate(run, topo, &s->cluster, diag))
        return -1;
    replay_analyse(trace, cfg, reading, &s->cluster, run->graph, &info, &run->outcome, run->arena, &run->result);
    note_exchanges(run, trace, cfg, reading);
    return 0;
}

static int run_replay(struct kind_run *run, struct diag *diag)
{
    const struct replay_cfg cfg = effective_keys(run->file->scenario);
    const char *path = data_find(cfg.trace, run->file->path, run->arena);
    BUG_IF(!path); /* the check has found it */
    struct replay_reading reading;
    const struct trace_set *set = trace_set_read(path, run->arena, diag);
    if (!set || read_on(run, set->traces[0], &cfg, &reading, diag))
        return -1;
    if (set->n == 1 ? run_one(run, set->traces[0], &cfg, &reading, diag)
                    : replay_set_run(run, set, &cfg, &reading, diag))
        return -1;
    note_moved(run, set->traces[0], &reading);
    return 0;
}

static const char *const headlines[] = {"makespan", NULL};

const struct scenario_kind kind_train_replay = {
    .name = "train_replay",
    .doc = "a recorded trace on the scenario's hardware",
    .ref = "4.2 to 5.1",
    .reads = (const struct kind_reads[]){{.keys = &cluster_keys,
                                          .only = READS_NETWORK " " READS_KERNELS " " READS_NO_DECODING " " READS_NORMAL
                                                                " ep_kernel.kernel software"},
                                         {.keys = &llm_keys, .if_model = true},
                                         {.keys = &replay_keys},
                                         {0}},
    .between = "comm_active both_active exposed_comm exposed_comm_ratio barrier_wait barrier_wait_mean entry_delay "
               "combine_b_wall combine_b_bandwidth dispatch_f_wall dispatch_f_bandwidth "
               "dispatch_b_wall dispatch_b_bandwidth combine_f_wall combine_f_bandwidth",
    .headlines = headlines,
    .check = check,
    .run = run_replay,
};

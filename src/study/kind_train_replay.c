/* Kind train_replay: a recorded training trace on the hardware of the scenario (models/replay.c).
 *
 * The whole cluster is one expert-parallel group; node-limited routing (paper 4.3) makes its nodes the
 * groups of experts. A recorded replay runs one rank and routes nothing. Whether the trace fits the
 * scenario is checked by who reads the trace. */
#include "base/progress.h"
#include "io/trace_file.h"
#include "sim/replay_result.h"
#include "study/kind_run.h"

#define REPORT(key, ...) \
    diag_error(diag, EXIT_BAD_INPUT, scenario_place(file, (key)), __VA_ARGS__)

static void check_trace_file(const struct scenario_file *file, struct arena *arena,
                             struct diag *diag)
{
    const char *trace = file->scenario->replay.trace;
    if (!*trace)
        REPORT("replay",
               "required key 'replay.trace' is missing; write for example 'trace: "
               "traces/deepseek_v3_train.trace.json' ('moesim list models' lists traces)");
    else if (!data_find(trace, file->path, arena))
        REPORT("replay.trace",
               "there is no trace '%s' beside the scenario, in the working directory, in "
               "$MOESIM_PATH or among moesim's own ('moesim list models' lists those)",
               trace);
}

static void check_groups(const struct scenario_file *file, struct diag *diag)
{
    const struct routing_cfg *r = &file->scenario->replay.routing;
    if (r->groups_per_token > r->groups)
        REPORT("replay.routing.groups_per_token",
               "replay.routing.groups_per_token is %lld but there are %lld groups "
               "(replay.routing.groups)",
               (long long)r->groups_per_token, (long long)r->groups);
    else if (r->experts % r->groups)
        REPORT("replay.routing.experts", "%lld experts do not divide into %lld groups",
               (long long)r->experts, (long long)r->groups);
    else if (r->experts_per_token > r->groups_per_token * (r->experts / r->groups))
        REPORT("replay.routing.experts_per_token",
               "a token activates %lld experts but its %lld groups hold only %lld",
               (long long)r->experts_per_token, (long long)r->groups_per_token,
               (long long)(r->groups_per_token * (r->experts / r->groups)));
}

static void check_expert_parallel(const struct scenario_file *file, struct diag *diag)
{
    const struct cluster_hw *hw = &file->scenario->cluster;
    const struct routing_cfg *r = &file->scenario->replay.routing;
    int64_t ranks = hw->nodes * hw->node.gpus;
    if (file->scenario->replay.comm == REPLAY_RECORDED)
        return;
    if (r->groups != hw->nodes)
        REPORT("replay.routing.groups",
               "replay.routing.groups is %lld but the cluster has %lld nodes (cluster.nodes); "
               "node-limited routing takes each node as one group",
               (long long)r->groups, (long long)hw->nodes);
    if (r->experts % ranks)
        REPORT("replay.routing.experts",
               "%lld experts do not divide among %lld GPUs (%lld nodes of %lld)",
               (long long)r->experts, (long long)ranks, (long long)hw->nodes,
               (long long)hw->node.gpus);
    check_groups(file, diag);
}

static void check(const struct scenario_file *file, struct arena *arena, struct diag *diag)
{
    check_trace_file(file, arena, diag);
    check_expert_parallel(file, diag);
}

static int run_replay(struct kind_run *run, struct diag *diag)
{
    const struct scenario *s = run->file->scenario;
    const char *path = data_find(s->replay.trace, run->file->path, run->arena);
    BUG_IF(!path); /* the check has found it */
    struct topology *topo;
    struct replay_info info = {0};
    struct trace *trace = trace_read(path, run->arena, diag);
    if (!trace || kind_topology(run, &s->cluster, &topo, diag))
        return -1;
    kind_begin(run, topo);
    if (replay_build(trace, &s->replay, &s->cluster, (uint64_t)s->sim.seed, run->graph, run->arena,
                     &info, diag))
        return -1;
    progress_begin("simulating");
    if (kind_simulate(run, topo, &s->cluster, diag))
        return -1;
    replay_analyse(trace, &s->replay, &s->cluster, run->graph, &info, &run->outcome, run->arena,
                   &run->result);
    return 0;
}

const struct scenario_kind kind_train_replay = {
    .name = "train_replay",
    .doc = "a recorded training trace on the scenario's hardware",
    .ref = "4.2 to 5.1",
    .reads = "replay",
    .check = check,
    .run = run_replay,
};

/* Kind mixed_traffic: two collectives on one network, each alone, both together, and both with one of
 * them in a better traffic class (paper 5.2.2 (3), 4.5).
 *
 * A class is a strict priority on every link. That is what a network with a queue per class can do at
 * best; without classes all flows share max-min fairly. Left out: queues and the head-of-line blocking
 * and incast losses they bring, so that what sharing costs here is a lower limit. */
#include <math.h>

#include "base/progress.h"
#include "kinds/network/jobs.h"
#include "kinds/result_build.h"
#include "kinds/network/collective_cfg.h"
#include "kinds/reads.h"

static void check(const struct scenario_file *file, struct arena *arena, struct diag *diag)
{
    const struct mixed_cfg *c = mixed_cfg(file->scenario);
    const struct cluster_hw *hw = &file->scenario->cluster;
    uint32_t gpus = (uint32_t)(hw->nodes * hw->node.gpus);
    job_check(file, "mixed.first", &c->first.job, gpus, arena, diag);
    job_check(file, "mixed.second", &c->second.job, gpus, arena, diag);
    if (file->scenario->sim.network != NET_FLOW)
        diag_error(diag, EXIT_BAD_INPUT, scenario_place(file, "sim.network"),
                   "only network 'flow' has traffic classes, not '%s'", net_kind_names[file->scenario->sim.network]);
}

static const struct way {
    const char *name;
    bool first, second;
    uint8_t first_priority, second_priority;
} ways[] = {
    {"first alone", true, false, 0, 0},
    {"second alone", false, true, 0, 0},
    {"together, one class", true, true, 0, 0},
    {"together, first before second", true, true, 0, 1},
    {"together, second before first", true, true, 1, 0},
};
enum { N_WAYS = sizeof ways / sizeof *ways, ONE_CLASS = 2, FIRST_BEFORE = 3, SECOND_BEFORE = 4 };

enum { COL_WAY, COL_FIRST, COL_FIRST_SLOWER, COL_SECOND, COL_SECOND_SLOWER, COL_BOTH, N_COL };
static const struct result_column columns[N_COL] = {
    {"traffic", DIM_COUNT, "what runs, in which traffic classes", true},
    {"first", DIM_TIME, "until the first collective's slowest group is done", false},
    {"first_slower", DIM_RATIO, "over its time alone", false},
    {"second", DIM_TIME, "until the second collective's slowest group is done", false},
    {"second_slower", DIM_RATIO, "over its time alone", false},
    {"both", DIM_TIME, "until everything is done", false},
};

static int run_way(struct kind_run *run, const struct topology *topo, const struct way *way, struct result_table *t,
                   struct diag *diag)
{
    const struct scenario *sc = run->file->scenario;
    const struct mixed_job *first = &mixed_cfg(sc)->first, *second = &mixed_cfg(sc)->second;
    struct job_groups a = {0}, b = {0};
    kind_begin(run, topo);
    if (way->first)
        a = job_build(run, &sc->cluster, &first->job, first->size_B, way->first_priority, "first");
    if (way->second)
        b = job_build(run, &sc->cluster, &second->job, second->size_B, way->second_priority, "second");
    if (kind_simulate(run, topo, &sc->cluster, diag))
        return -1;
    struct result_cell *row = result_add_row(t);
    row[COL_WAY].text = way->name;
    if (way->first) {
        row[COL_FIRST].value = job_slowest_s(run, &a);
        row[COL_FIRST_SLOWER].value = row[COL_FIRST].value / t->cells[COL_FIRST].value;
    }
    if (way->second) {
        row[COL_SECOND].value = job_slowest_s(run, &b);
        row[COL_SECOND_SLOWER].value = row[COL_SECOND].value / t->cells[N_COL + COL_SECOND].value;
    }
    row[COL_BOTH].value = run->outcome.makespan_s;
    return 0;
}

static const char *job_text(struct arena *arena, const struct mixed_job *j)
{
    char size[32];
    return arena_printf(arena, "%s of %s%s", collective_operation_names[j->job.operation],
                        unit_format(j->size_B, DIM_BYTES, size, sizeof size),
                        j->job.group ? arena_printf(arena, " in groups of %lld", (long long)j->job.group) : "");
}

static void add_metric(struct kind_run *run, const struct result_table *t, const char *name, int way, int column,
                       const char *doc)
{
    result_add_metric(&run->result, run->arena, name, t->cells[way * N_COL + column].value, DIM_RATIO, doc,
                      "time together / time alone");
}

/* The row that the classes of cluster.traffic make: which of the two goes first is all that matters. */
static int row_of_classes(const struct scenario *sc)
{
    uint8_t first = hw_priority(&sc->cluster.traffic, (enum traffic_kind)mixed_cfg(sc)->first.traffic);
    uint8_t second = hw_priority(&sc->cluster.traffic, (enum traffic_kind)mixed_cfg(sc)->second.traffic);
    return first == second ? ONE_CLASS : first < second ? FIRST_BEFORE : SECOND_BEFORE;
}

static int run_mixed(struct kind_run *run, struct diag *diag)
{
    const struct scenario *sc = run->file->scenario;
    struct topology *topo;
    if (kind_topology(run, &sc->cluster, &topo, diag))
        return -1;
    run->result.kind = "mixed_traffic";
    struct result_table *t =
        result_add_table(&run->result, run->arena, "traffic",
                         arena_printf(run->arena, "first: %s; second: %s", job_text(run->arena, &mixed_cfg(sc)->first),
                                      job_text(run->arena, &mixed_cfg(sc)->second)),
                         columns, N_COL, N_WAYS);
    progress_begin("simulating");
    for (int i = 0; i < N_WAYS; i++)
        if (run_way(run, topo, &ways[i], t, diag))
            return -1;
    add_metric(run, t, "first_slower_shared", ONE_CLASS, COL_FIRST_SLOWER, "first collective, sharing without classes");
    add_metric(run, t, "second_slower_shared", ONE_CLASS, COL_SECOND_SLOWER,
               "second collective, sharing without classes");
    add_metric(run, t, "first_slower_protected", FIRST_BEFORE, COL_FIRST_SLOWER,
               "first collective in the better class");
    add_metric(run, t, "second_slower_protected", SECOND_BEFORE, COL_SECOND_SLOWER,
               "second collective in the better class");
    add_metric(run, t, "first_slower", row_of_classes(sc), COL_FIRST_SLOWER,
               "first collective, in the classes of cluster.traffic");
    add_metric(run, t, "second_slower", row_of_classes(sc), COL_SECOND_SLOWER,
               "second collective, in the classes of cluster.traffic");
    result_add_note(&run->result, run->arena,
                    "classes are strict priorities on every link; queues and what incast does to "
                    "them are not modelled, so sharing costs at least this much");
    return 0;
}

const struct scenario_kind kind_mixed_traffic = {
    .name = "mixed_traffic",
    .doc = "two collectives at once, with and without traffic classes",
    .ref = "5.2.2",
    .reads = (const struct kind_reads[]){{.keys = &cluster_keys,
                                          .only = READS_NETWORK " node.unified_adapter software traffic"},
                                         {.keys = &mixed_keys},
                                         {0}},
    .needs =
        (const struct kind_needs[]){
            {.keys = "cluster.software.ibgda_step cluster.software.ibgda_message",
             .condition = "cluster.software.initiator=ibgda"},
            {.keys = "cluster.software.network_step cluster.software.message",
             .condition = "cluster.software.initiator=cpu_proxy"},
            {.keys = "cluster.traffic.expert", .condition = "mixed.first.traffic=expert | mixed.second.traffic=expert"},
            {.keys = "cluster.traffic.tensor", .condition = "mixed.first.traffic=tensor | mixed.second.traffic=tensor"},
            {.keys = "cluster.traffic.pipeline",
             .condition = "mixed.first.traffic=pipeline | mixed.second.traffic=pipeline"},
            {.keys = "cluster.traffic.gradient",
             .condition = "mixed.first.traffic=gradient | mixed.second.traffic=gradient"},
            {.keys = "cluster.traffic.kv_cache",
             .condition = "mixed.first.traffic=kv_cache | mixed.second.traffic=kv_cache"},
            {.keys = "sim.seed",
             .condition = "mixed.first.receiver_cv>0 | mixed.second.receiver_cv>0 | "
                          "cluster.network.routing.policy!=static,auto | sim.network=packet"},
            {0}},
    .check = check,
    .run = run_mixed,
};

/* Kind fault_study: the same collective on whole networks and with what cluster.faults takes down (paper 5.1
 * "robustness", 6.1). Traffic takes another way where there is one: another plane, with NVLink hops when a
 * NIC has one port only; the remaining ports of the same NIC when it has several. */
#include "base/progress.h"
#include "kinds/network/jobs.h"
#include "kinds/lists.h"
#include "kinds/result_build.h"
#include "topology/faults.h"
#include "kinds/network/fault_study_cfg.h"
#include "kinds/reads.h"

#define KEY "fault_study."

struct plan {
    const char **topologies;
    uint32_t *policies, n_topologies, n_policies;
};

static int make_plan(const struct scenario_file *file, struct arena *arena, struct plan *p, struct diag *diag)
{
    const struct fault_study_cfg *c = fault_study_cfg(file->scenario);
    uint32_t gpus = (uint32_t)(file->scenario->cluster.nodes * file->scenario->cluster.node.gpus);
    if (list_topologies(file, KEY "topologies", c->topologies, &gpus, 1, arena, &p->topologies, &p->n_topologies,
                        diag) ||
        list_choices(file, KEY "policies", c->policies, routing_policy_names, arena, &p->policies, &p->n_policies,
                     diag))
        return -1;
    if (p->n_policies && p->n_policies != p->n_topologies) {
        diag_error(diag, EXIT_BAD_INPUT, scenario_place(file, KEY "policies"),
                   "%u policies for %u networks; name one for each (" KEY "topologies)", p->n_policies,
                   p->n_topologies);
        return -1;
    }
    return 0;
}

static void check(const struct scenario_file *file, struct arena *arena, struct diag *diag)
{
    const struct cluster_hw *hw = &file->scenario->cluster;
    struct plan p;
    if (!*hw->faults.down)
        diag_error(diag, EXIT_BAD_INPUT, scenario_place(file, "cluster.faults.down"),
                   "kind fault_study needs something that fails; write for example "
                   "'faults: {down: plane 0}' under cluster");
    make_plan(file, arena, &p, diag);
    job_check(file, "fault_study", &fault_study_cfg(file->scenario)->job, (uint32_t)(hw->nodes * hw->node.gpus), arena,
              diag);
}

enum { COL_NETWORK, COL_POLICY, COL_WHOLE, COL_FAULT, COL_SLOWER, COL_LEFT, COL_ALLOWED, N_COL };
static const struct result_column columns[N_COL] = {
    {"network", DIM_COUNT, "topology", true},
    {"policy", DIM_COUNT, "routing policy", true},
    {"whole", DIM_TIME, "time of the collective when nothing is broken", false},
    {"with_fault", DIM_TIME, "with what cluster.faults takes down", false},
    {"slower", DIM_RATIO, "with_fault / whole", false},
    {"nics_left", DIM_RATIO, "NIC bandwidth that is still up, of all", false},
    {"allowed", DIM_RATIO, "1 / nics_left: what a perfect spread over the rest costs", false},
};

static int time_once(struct kind_run *run, struct cluster_hw *hw, double *time_s, struct diag *diag)
{
    const struct fault_study_cfg *c = fault_study_cfg(run->file->scenario);
    struct topology *topo;
    if (kind_topology(run, hw, &topo, diag))
        return -1;
    kind_begin(run, topo);
    struct job_groups g = job_build(run, hw, &c->job, c->size_B, 0, "collective");
    if (kind_simulate(run, topo, hw, diag))
        return -1;
    *time_s = job_slowest_s(run, &g);
    return 0;
}

/* Of the NIC ports' bandwidth out of the GPUs. */
static double nics_left(struct kind_run *run)
{
    const struct topology *t = run->spec.topo;
    double up_Bps = 0, all_Bps = 0;
    for (uint32_t i = 0; i < t->n_links; i++)
        if (t->links[i].kind == LINK_NIC && t->links[i].a < topology_first_switch(t))
            all_Bps += t->links[i].capacity_Bps;
    up_Bps = all_Bps;
    for (uint32_t i = 0; i < run->spec.n_events; i++) {
        const struct topo_link *l = &t->links[run->spec.events[i].link];
        if (l->kind == LINK_NIC && l->a < topology_first_switch(t))
            up_Bps -= l->capacity_Bps;
    }
    return all_Bps > 0 ? up_Bps / all_Bps : 1;
}

static int run_network(struct kind_run *run, const struct plan *p, uint32_t i, struct result_table *table,
                       struct diag *diag)
{
    struct cluster_hw hw = run->file->scenario->cluster, whole;
    double whole_s, fault_s;
    hw.topology = p->topologies[i];
    if (p->n_policies)
        hw.network.routing.policy = (int)p->policies[i];
    whole = hw;
    whole.faults.down = "";
    if (time_once(run, &whole, &whole_s, diag) || time_once(run, &hw, &fault_s, diag))
        return -1;
    struct result_cell *row = result_add_row(table);
    row[COL_NETWORK].text = hw.topology;
    row[COL_POLICY].text = topology_policy_name(&hw);
    row[COL_WHOLE].value = whole_s;
    row[COL_FAULT].value = fault_s;
    row[COL_SLOWER].value = fault_s / whole_s;
    row[COL_LEFT].value = nics_left(run);
    row[COL_ALLOWED].value = 1 / row[COL_LEFT].value;
    result_add_metric(&run->result, run->arena, arena_printf(run->arena, "%s_slower", hw.topology), fault_s / whole_s,
                      DIM_RATIO, "time with the fault over time without", "with_fault / whole");
    return 0;
}

static int run_faults(struct kind_run *run, struct diag *diag)
{
    const struct scenario *sc = run->file->scenario;
    struct plan p;
    if (make_plan(run->file, run->arena, &p, diag))
        return -1;
    run->result.kind = "fault_study";
    run->result.setting =
        arena_printf(run->arena, "%lld nodes x %lld %s, down: %s", (long long)sc->cluster.nodes,
                     (long long)sc->cluster.node.gpus, sc->cluster.chip.name, sc->cluster.faults.down);
    struct result_table *t =
        result_add_table(&run->result, run->arena, "networks", "the collective with and without the fault", columns,
                         N_COL, p.n_topologies);
    progress_begin("simulating");
    for (uint32_t i = 0; i < p.n_topologies; i++)
        if (run_network(run, &p, i, t, diag))
            return -1;
    result_add_note(&run->result, run->arena,
                    "switches and NICs know at once what is down; the time that a real network needs to "
                    "notice is not modelled");
    return 0;
}

static bool has_topology(const struct scenario *s)
{
    return list_has_topology(fault_study_cfg(s)->topologies, s);
}

const struct scenario_kind kind_fault_study = {
    .name = "fault_study",
    .doc = "a collective with and without a fault, on several networks",
    .ref = "5.1, 6.1",
    .reads = (const struct kind_reads[]){{.keys = &cluster_keys, .only = READS_NETWORK " software"},
                                         {.keys = &fault_study_keys},
                                         {0}},
    .needs =
        (const struct kind_needs[]){
            {.keys = "cluster.software.ibgda_step cluster.software.ibgda_message",
             .condition = "cluster.software.initiator=ibgda"},
            {.keys = "cluster.software.network_step cluster.software.message",
             .condition = "cluster.software.initiator=cpu_proxy"},
            {.keys = "cluster.network.routing.queue_pairs",
             .condition = "cluster.network.routing.policy=ecmp fault_study.policies= | fault_study.policies~ecmp"},
            {.keys = "cluster.network.routing.rebalance",
             .condition =
                 "cluster.network.routing.policy=adaptive fault_study.policies= | fault_study.policies~adaptive"},
            {.keys = "sim.seed",
             .condition =
                 "fault_study.receiver_cv>0 | fault_study.policies!= | cluster.network.routing.policy!=static,auto "
                 "| sim.network=packet"},
            {.keys = "cluster.topology", .condition = "fault_study.topologies=", .agrees = has_topology},
            {.keys = "cluster.network.routing.policy", .condition = "fault_study.policies="},
            {0}},
    .networks = "fault_study.topologies",
    .check = check,
    .run = run_faults,
};

/* Kind plane_isolation: every GPU exchanges data with the GPUs of its own number on the other nodes; beside it
 * all GPUs send to the GPUs of one number (incast), which congests that plane. How much later are the other
 * planes done (paper 5.1: traffic isolation)? */
#include <math.h>

#include "base/progress.h"
#include "kinds/kind_run.h"
#include "kinds/lists.h"
#include "kinds/result_build.h"
#include "kinds/network/fault_study_cfg.h"
#include "kinds/reads.h"

#define KEY "plane_isolation."

static uint32_t n_gpus(const struct cluster_hw *hw)
{
    return (uint32_t)(hw->nodes * hw->node.gpus);
}

static int networks(const struct scenario_file *file, struct arena *arena, const char ***names, uint32_t *n,
                    struct diag *diag)
{
    uint32_t gpus = n_gpus(&file->scenario->cluster);
    return list_topologies(file, KEY "topologies", plane_isolation_cfg(file->scenario)->topologies, &gpus, 1, arena,
                           names, n, diag);
}

static void check(const struct scenario_file *file, struct arena *arena, struct diag *diag)
{
    const struct scenario *sc = file->scenario;
    const char **names;
    uint32_t n;
    networks(file, arena, &names, &n, diag);
    if (plane_isolation_cfg(sc)->plane >= sc->cluster.node.gpus)
        diag_error(diag, EXIT_BAD_INPUT, scenario_place(file, KEY "plane"), "a node has %lld GPUs, so planes 0 to %lld",
                   (long long)sc->cluster.node.gpus, (long long)sc->cluster.node.gpus - 1);
    if (sc->cluster.nic.per_node != sc->cluster.node.gpus)
        diag_error(
            diag, EXIT_BAD_INPUT, scenario_place(file, "cluster.nic.per_node"),
            "GPU i of every node is on plane i in this study, by a NIC of its own; set cluster.nic.per_node to %lld",
            (long long)sc->cluster.node.gpus);
    if (sc->cluster.nodes < 2)
        diag_error(diag, EXIT_BAD_INPUT, scenario_place(file, "cluster.nodes"),
                   "one node has no traffic on the network; set cluster.nodes to 2 or more");
}

/* --- traffic ---------------------------------------------------------------------------------------- */

static void add_ops(struct kind_run *run, const char *name, uint32_t *op)
{
    uint32_t text = opgraph_string(run->graph, name);
    for (uint32_t r = 0; r < run->graph->n_devices; r++) {
        struct op o = {.kind = OP_COMM,
                       .lane = opgraph_lane(run->graph),
                       .device = r,
                       .sync_group = OP_NONE,
                       .name = text,
                       .class_name = text,
                       .phase = text};
        op[r] = opgraph_add(run->graph, &o);
    }
}

static void send(struct kind_run *run, const uint32_t *op, uint32_t src, uint32_t dst, double bytes_B)
{
    struct transfer t = {.src_op = op[src], .dst_op = op[dst], .src = src, .dst = dst, .bytes_B = bytes_B, .weight = 1};
    opgraph_transfer(run->graph, &t);
}

/* To each other node: the GPU of the same number, or of the congested plane. */
static void exchange(struct kind_run *run, const uint32_t *op, double size_B, bool congestion)
{
    const struct scenario *sc = run->file->scenario;
    uint32_t gpus = (uint32_t)sc->cluster.node.gpus, nodes = (uint32_t)sc->cluster.nodes;
    uint32_t plane = (uint32_t)plane_isolation_cfg(sc)->plane;
    for (uint32_t src = 0; src < nodes * gpus; src++)
        for (uint32_t node = 0; node < nodes; node++)
            if (node != src / gpus)
                send(run, op, src, node * gpus + (congestion ? plane : src % gpus), size_B / (nodes - 1));
}

/* Latest end of the exchange on each plane. */
static int simulate(struct kind_run *run, const struct cluster_hw *hw, bool congestion, double *end_s,
                    struct diag *diag)
{
    const struct plane_isolation_cfg *c = plane_isolation_cfg(run->file->scenario);
    struct topology *topo;
    if (kind_topology(run, hw, &topo, diag))
        return -1;
    kind_begin(run, topo);
    uint32_t n = n_gpus(hw), gpus = (uint32_t)hw->node.gpus;
    uint32_t *op = ARENA_ARRAY(run->scratch, uint32_t, n);
    uint32_t *disturbing = ARENA_ARRAY(run->scratch, uint32_t, n);
    add_ops(run, "exchange", op);
    exchange(run, op, c->size_B, false);
    if (congestion) {
        add_ops(run, "congestion", disturbing);
        exchange(run, disturbing, c->congestion_B, true);
    }
    if (kind_simulate(run, topo, hw, diag))
        return -1;
    for (uint32_t g = 0; g < gpus; g++)
        end_s[g] = 0;
    for (uint32_t r = 0; r < n; r++)
        end_s[r % gpus] = fmax(end_s[r % gpus], sim_joint_end_s(&run->outcome, op[r]));
    return 0;
}

/* --- result ----------------------------------------------------------------------------------------- */

enum { COL_NETWORK, COL_PLANE, COL_ALONE, COL_BESIDE, COL_SLOWER, N_COL };
static const struct result_column columns[N_COL] = {
    {"network", DIM_COUNT, "topology", true},
    {"plane", DIM_COUNT, "GPU number in its node", false},
    {"alone", DIM_TIME, "exchange inside this plane, nothing else on the network", false},
    {"congested", DIM_TIME, "the same beside the congestion of one plane", false},
    {"slower", DIM_RATIO, "congested / alone", false},
};

static int run_network(struct kind_run *run, const char *network, struct result_table *table, struct diag *diag)
{
    struct cluster_hw hw = run->file->scenario->cluster;
    uint32_t gpus = (uint32_t)hw.node.gpus;
    double *alone_s = ARENA_ARRAY(run->arena, double, gpus), others = 1;
    double *beside_s = ARENA_ARRAY(run->arena, double, gpus);
    hw.topology = network;
    if (simulate(run, &hw, false, alone_s, diag) || simulate(run, &hw, true, beside_s, diag))
        return -1;
    for (uint32_t g = 0; g < gpus; g++) {
        struct result_cell *row = result_add_row(table);
        row[COL_NETWORK].text = network;
        row[COL_PLANE].value = g;
        row[COL_ALONE].value = alone_s[g];
        row[COL_BESIDE].value = beside_s[g];
        row[COL_SLOWER].value = beside_s[g] / alone_s[g];
        if (g != (uint32_t)plane_isolation_cfg(run->file->scenario)->plane)
            others = fmax(others, beside_s[g] / alone_s[g]);
    }
    result_add_metric(&run->result, run->arena, arena_printf(run->arena, "%s_other_planes_slower", network), others,
                      DIM_RATIO, "the slowest of the planes that are not congested, over its time alone",
                      "max of column slower without the congested plane");
    return 0;
}

static int run_isolation(struct kind_run *run, struct diag *diag)
{
    const struct scenario *sc = run->file->scenario;
    const char **names;
    uint32_t n;
    if (networks(run->file, run->arena, &names, &n, diag))
        return -1;
    run->result.kind = "plane_isolation";
    run->result.setting = arena_printf(run->arena, "%lld nodes x %lld %s, plane %lld congested",
                                       (long long)sc->cluster.nodes, (long long)sc->cluster.node.gpus,
                                       sc->cluster.chip.name, (long long)plane_isolation_cfg(sc)->plane);
    struct result_table *t = result_add_table(&run->result, run->arena, "planes", "when each plane's exchange is done",
                                              columns, N_COL, n * (uint32_t)sc->cluster.node.gpus);
    progress_begin("simulating");
    for (uint32_t i = 0; i < n; i++)
        if (run_network(run, names[i], t, diag))
            return -1;
    return 0;
}

static bool has_topology(const struct scenario *s)
{
    return list_has_topology(plane_isolation_cfg(s)->topologies, s);
}

const struct scenario_kind kind_plane_isolation = {
    .name = "plane_isolation",
    .doc = "traffic inside all planes beside congestion in one",
    .ref = "5.1",
    .reads = (const struct kind_reads[]){{.keys = &cluster_keys, .only = READS_NETWORK},
                                         {.keys = &plane_isolation_keys},
                                         {0}},
    .needs =
        (const struct kind_needs[]){
            {.keys = "sim.seed", .condition = "cluster.network.routing.policy!=static | sim.network=packet"},
            {.keys = "cluster.topology", .condition = "plane_isolation.topologies=", .agrees = has_topology},
            {0}},
    .networks = "plane_isolation.topologies",
    .check = check,
    .run = run_isolation,
};
